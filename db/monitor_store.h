// Monitors as their account sees them (api role, policies of RULES C 3). Any thread; every call is one transaction in
// which the row, its version history, the change feed and NOTIFY everup_monitors move together.
//
// Secrets are sealed with the context "account/monitor/secrets" and unsealed on reading, so that a PATCH can keep them;
// the JSON writers never print them. Deleting is soft: the row leaves every list at once, the keeper removes it with
// its results.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/ids.h"
#include "core/monitor.h"
#include "core/result.h"
#include "core/standing.h"
#include "db/id_source.h"
#include "db/ledger_store.h"
#include "db/pool.h"
#include "db/vault.h"

namespace everup::db {

// A monitor and how it is right now.
struct MonitorView {
  Monitor monitor;
  State state = State::kUnknown;  // paused, else the booked state; unknown when nobody watches or never looked
  std::optional<WallTime> since, suspect_since, last_checked_at;
  std::optional<ResultRow> last_result;  // last look that ran; in lists at most three days old
  bool secrets_lost = false;             // sealed with a key we do not have: they read as unset
  std::string heartbeat_url;             // of a heartbeat, filled in by the api; else empty
};

enum class MonitorSort { kId, kName, kState, kSince, kCreatedAt };
std::optional<MonitorSort> parse_monitor_sort(std::string_view text);

struct MonitorQuery {
  std::string q;                  // part of name, slug or target, any case; at most 200 bytes
  std::vector<std::string> tags;  // all of them; at most 20
  std::optional<State> state;
  std::optional<Kind> kind;
  std::optional<bool> paused;
  MonitorSort sort = MonitorSort::kId;
  int limit = 50;      // 1 … 200
  std::string cursor;  // from the page before; kInvalid when it is none of ours or of another sort
};
struct MonitorPage {
  std::vector<MonitorView> monitors;
  std::optional<std::string> next_cursor;
};

class MonitorStore {
 public:
  static constexpr std::size_t kBulkMax = 10'000;
  static constexpr int kListMax = 200;
  MonitorStore(Pool& api_pool, IdSource& ids, const Vault& vault, const Clock& clock);

  // Drafts are validated by the caller. An empty slug is made from the name and made unique; a given one that exists is
  // kConflict
  // ("#/slug: …"; in bulk "#/monitors/17/slug: …").
  Result<Monitor> create(AccountId account, const MonitorDraft& draft);
  Result<std::vector<MonitorId>> create_bulk(AccountId account, const std::vector<MonitorDraft>& drafts);

  // `id` everywhere: "mon_…" or "slug:…" (a bare slug too). kNotFound for foreign, deleted and unknown ones alike.
  Result<MonitorView> find(AccountId account, std::string_view id);
  Result<MonitorPage> list(AccountId account, const MonitorQuery& query);
  Result<std::int64_t> count(AccountId account);

  // kConflict when the stored revision is not `expected_revision` (nullopt: whatever it is). An unchanged draft keeps
  // its revision.
  Result<Monitor> update(AccountId account, std::string_view id, const MonitorDraft& draft,
                         std::optional<std::int32_t> expected_revision);
  Result<Monitor> set_paused(AccountId account, std::string_view id, bool paused);  // idempotent
  Status remove(AccountId account, std::string_view id, std::optional<std::int32_t> expected_revision = std::nullopt);
  Result<Monitor> rotate_tokens(AccountId account, std::string_view id, bool badge, bool report);

 private:
  Pool& pool_;
  IdSource& ids_;
  const Vault& vault_;
  const Clock& clock_;
};

}  // namespace everup::db
