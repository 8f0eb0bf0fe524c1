// Check-now: the api may not call the scheduler, so it writes a row and waits for the answer's key (RULES D 6). Any
// thread.
#pragma once

#include <optional>
#include <string_view>

#include "core/clock.h"
#include "core/ids.h"
#include "core/result.h"
#include "db/id_source.h"
#include "db/ledger_store.h"
#include "db/pool.h"

namespace everup::db {

struct CommandState {
  bool taken = false, done = false;
  std::optional<ResultKey> result;  // of the answering look, when done
};

class CommandStore {
 public:
  static constexpr milliseconds kEvery{10'000};  // one per monitor
  CommandStore(Pool& api_pool, IdSource& ids, const Clock& clock);

  // Inserts and notifies everup_commands. kNotFound: no such monitor. kExhausted: one was asked for within the last 10
  // s
  // ("… in N s"). kConflict: the monitor is paused.
  Result<CommandId> check_now(AccountId account, std::string_view monitor);
  // One look at the row; the api polls it from its own timer, for at most 10 s.
  Result<CommandState> state(AccountId account, std::string_view monitor, CommandId command);

 private:
  Pool& pool_;
  IdSource& ids_;
  const Clock& clock_;
};

}  // namespace everup::db
