// What jobs told, for those who tell it (a token and nothing else) and for its account. Any thread; every call is one
// transaction of at most two seconds; kUnavailable and kTimeout while the database is away.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/heartbeat.h"
#include "core/ids.h"
#include "core/result.h"
#include "db/pool.h"

namespace pqxx {
class row;
}

namespace everup::db {

struct RecentSignal {
  WallTime at;
  Signal signal = Signal::kSuccess;
  std::optional<int> exit_code;
};
struct HeartbeatRow {
  MonitorId monitor;
  std::string token;
  HeartbeatSignals signals;
  std::vector<RecentSignal> recent;  // newest first, at most twenty
};
// Of the columns that kHeartbeatColumns names, from `first` on.
extern const char* const kHeartbeatColumns;
HeartbeatSignals heartbeat_signals_in(const pqxx::row& row, int first);

class HeartbeatStore {
 public:
  HeartbeatStore(Pool& api_pool, Pool& public_pool, const Clock& clock);

  // Books a signal as of now. kNotFound: no monitor has this token. `body` as signal_body() gives it.
  Status tell(std::string_view token, const SignalCall& call, const std::string& body);

  // Those of the account's monitors that are heartbeats; others are left out. At most 200 ids.
  Result<std::map<std::int64_t, HeartbeatRow>> find(AccountId account, const std::vector<MonitorId>& monitors);
  // Another token; the old one is nobody's from now on. kNotFound: no heartbeat of this account.
  Status rotate(AccountId account, MonitorId monitor);

 private:
  Pool& api_;
  Pool& public_;
  const Clock& clock_;
};
// 32 digits of what 0005_heartbeats.sql makes; anything else is not worth a query.
bool plausible_heartbeat_token(std::string_view token);

}  // namespace everup::db
