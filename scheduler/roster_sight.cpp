// Whose fault a failure is, when our own line may be dead: the roster's side of sight.h.
#include <algorithm>
#include <chrono>
#include <utility>

#include "core/schedule.h"
#include "scheduler/roster.h"

namespace everup::scheduler {

namespace {
constexpr std::chrono::milliseconds kEvery{100};
}

// True: the outcome is kept until the sentinels have told; its monitor stays in flight meanwhile. What is our own fault
// becomes inconclusive.
bool Roster::waits_for_sight(std::uint64_t token, Outcome& outcome, WallTime ended_at, Now now) {
  if (options_.sight == nullptr) return false;
  const Flight& flight = flights_[static_cast<std::size_t>(token & 0xffff'ffff)];
  Record& record = records_[flight.place.monitor];
  Sight::Failure failure = Sight::failure_of(record.plan.id, outcome);
  record.failed_families = failure.families & kBothFamilies;
  if (failure.families == 0) {
    if (outcome.verdict != Verdict::kInconclusive) options_.sight->well(record.plan.id);
    return false;
  }
  failure.started_at = flight.started_at, failure.ended_at = ended_at;
  failure.news = record.standing.health != State::kDown;
  const Judged judged = judge(record, flight, outcome);
  failure.settles = judged.conclusion && judged.conclusion->flip && judged.conclusion->flip->to == State::kDown;
  switch (options_.sight->failed(failure, now.wall)) {
    case Sight::Word::kTheirs:
      return false;
    case Sight::Word::kWait:
      undecided_.push_back({token, std::move(outcome), ended_at});
      return true;
    case Sight::Word::kOurs:
      break;
  }
  if (outcome.verdict == Verdict::kInconclusive) return false;
  Outcome ours = outcome_of(Cause::kOwnNetwork, "many fail at once and the sentinels do not answer either");
  ours.timings = outcome.timings;
  outcome = std::move(ours);
  return false;
}

// Ten times a second: what waited for the sentinels, and what was suspected before they told.
void Roster::look_at_sight(Now now) {
  if (options_.sight == nullptr || now.mono < sight_at_) return;
  sight_at_ = now.mono + kEvery;
  const Sight::Blindness seen = options_.sight->blindness();
  if (std::exchange(sight_changes_, seen.changes) != seen.changes && (seen.families & kBothFamilies) != 0)
    forget_suspicions(seen, now);
  for (Undecided& one : std::exchange(undecided_, {})) {
    if (!is_flying(one.token) || waits_for_sight(one.token, one.outcome, one.ended_at, now)) continue;
    conclude(one.token, std::move(one.outcome), now);
  }
}

// Suspicions that began in the dark: unknown from their first look on. The gap overrides what was stored of it.
void Roster::forget_suspicions(const Sight::Blindness& seen, Now now) {
  for (const Shard number : holding_) {
    for (const std::uint32_t index : held(number)->members) {
      const Record& record = records_[index];
      const bool dark = record.failed_families != 0 && (record.failed_families & ~seen.families) == 0;
      const auto since = record.standing.pending_since;
      if (!dark || !since || *since < seen.from || record.plan.paused) continue;
      const auto slots = slots_in(record.plan.id, record.plan.interval_ms, {*since, now.wall});
      book(index, {*since, now.wall, static_cast<std::uint32_t>(std::max<std::int64_t>(2, slots)), GapReason::kBlind});
    }
  }
}

}  // namespace everup::scheduler
