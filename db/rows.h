// Rows of the store's tables as values of core. Internal to the stores.
#pragma once

#include <string>

#include "db/ledger_store.h"

namespace pqxx {
class row;
class field;
}  // namespace pqxx

namespace everup::db {

// The columns of results that result_in reads, in its order, of the relation called "r".
extern const char* const kResultColumns;
inline constexpr int kResultColumnCount = 19;
// kCorrupt: a number that no enum of ours has.
Result<ResultRow> result_in(const pqxx::row& row, int first_column = 0);
// Verdict, cause (of a missed slot its reason), phase and trigger by their numbers. kCorrupt as above.
Status judge_result(std::int64_t trigger, std::int64_t verdict, std::int64_t cause, std::int64_t phase, ResultRow& out);
Result<State> state_in(std::int64_t number);
std::optional<WallTime> time_in(const pqxx::field& field);

// A standing as far as a state shown to people needs it.
struct LiveFacts {
  bool paused = false;
  std::optional<std::int64_t> booked;  // none: no standing yet
  std::optional<WallTime> booked_since, pending_since, observed_through, paused_since;
  std::int64_t interval_ms = 60000, timeout_ms = 10000;
  Patience confirm;
  std::optional<WallTime> maintenance_since;  // in a maintenance window since then
};
struct LiveState {
  State state = State::kUnknown;
  std::optional<WallTime> since, suspect_since;
};
// The API's `state` (SHAPES 17, RULES B 5): paused; else maintenance; else the booked state; unknown when never looked
// at, when the shard's mark or an unsettled suspicion is older than its horizon (core/standing.h).
Result<LiveState> live_state(const LiveFacts& facts, WallTime now);

}  // namespace everup::db
