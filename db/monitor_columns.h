// A row of monitors as core's Monitor, and back. Internal to monitor_store and slug choice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/monitor.h"
#include "db/vault.h"

namespace pqxx {
class row;
class transaction_base;
}  // namespace pqxx

namespace everup::db {

// The columns that monitor_in reads, of the relation called "m".
extern const char* const kMonitorColumns;
struct ReadMonitor {
  Monitor monitor;
  bool secrets_lost = false;
};
Result<ReadMonitor> monitor_in(const pqxx::row& row, const Vault& vault);

// The words of a list that SQL joined with single spaces.
std::vector<std::string> words_in(std::string_view text);

// What of a draft goes into columns as text: JSON, arrays, sealed secrets.
struct MonitorColumns {
  std::string confirm, options, expect, warn, tags;
  std::optional<std::string> secrets;  // bytea's text form
};
MonitorColumns columns_of(const MonitorDraft& draft, AccountId account, MonitorId id, const Vault& vault);

// A slug for each draft, unique in the account: the given one, or the name's, or the name's with -2 … -9, or with the
// id's digits. kConflict for a given one that exists or stands there twice; `bulk` decides its pointer.
Result<std::vector<std::string>> choose_slugs(pqxx::transaction_base& tx, AccountId account,
                                              const std::vector<MonitorDraft>& drafts,
                                              const std::vector<std::int64_t>& ids, bool bulk);

}  // namespace everup::db
