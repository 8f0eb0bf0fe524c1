// Monitors and shards that come, change and go.
//
// A slot belongs to the revision that held at its instant. A change is learnt up to 2 s after it holds; the slots of
// the new revision in between are answered by the look that the change gets at once.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/result.h"
#include "core/schedule.h"
#include "scheduler/roster.h"

namespace everup::scheduler {

namespace {
constexpr milliseconds kLearntInTime{5'000};  // later than this, the slots since the change were simply not watched
constexpr milliseconds kMarkAge{2'000};       // marks are offered every second; looks in flight hold one back
constexpr std::int64_t kSpreadMs = 60'000;

std::size_t kind_number(const CheckPlan& plan) { return static_cast<std::size_t>(plan.kind); }
}  // namespace

Roster::HeldShard* Roster::held(Shard shard) {
  auto& found = shards_[static_cast<std::size_t>(shard)];
  return found ? &*found : nullptr;
}

void Roster::count(const Record& record, int by) {
  const State state = record.plan.paused ? State::kPaused : record.standing.booked;
  monitors_[kind_number(record.plan)][static_cast<std::size_t>(state)] += by;
}

void Roster::take_shard(const OwnedShard& owned, std::vector<ScheduledMonitor>&& monitors, Now now) {
  observe_clock(now);
  if (const HeldShard* before = held(owned.shard); before != nullptr && before->owned.epoch == owned.epoch) {
    reconcile(owned.shard, std::move(monitors), now);
    return;
  }
  lose_shard(owned.shard);
  HeldShard& shard = shards_[static_cast<std::size_t>(owned.shard)].emplace();
  holding_.push_back(owned.shard);
  shard.owned = owned;
  shard.marked = owned.observed_through;
  const bool watched_before = owned.observed_through != WallTime{};
  const bool from_another = watched_before && owned.since_epoch == owned.epoch;
  const GapReason reason = from_another ? GapReason::kLeaseLost : GapReason::kRestart;
  WallTime through = watched_before ? owned.observed_through : now.wall;
  milliseconds longest{0};
  for (const ScheduledMonitor& monitor : monitors) {
    if (!watched_before) through = std::min(through, monitor.plan.created_at);
    longest = std::max(longest, milliseconds(monitor.plan.timeout_ms));
  }
  if (through > now.wall) {  // the clock was set back; what was answered after the mark nobody knows
    shard.relived_until = through + kMarkAge + longest;
    gap(shard, {through, shard.relived_until}, reason);
  }
  // A change just before the mark may not have been learnt any more: the slots of its revision nobody knew of.
  const auto watched = [through](const CheckPlan& plan) {
    return plan.revised_at > through - kLearntInTime ? std::min(plan.revised_at, through) : through;
  };
  WallTime from = through;
  for (const ScheduledMonitor& monitor : monitors) from = std::min(from, watched(monitor.plan));
  gap(shard, {from, now.wall}, reason);
  for (ScheduledMonitor& monitor : monitors) {
    const WallTime seen = watched(monitor.plan);
    add(std::move(monitor), true, seen, reason, now);
  }
  offer_gaps();
}

void Roster::lose_shard(Shard lost) {
  HeldShard* shard = held(lost);
  if (shard == nullptr) return;
  while (!shard->members.empty()) remove(shard->members.back());
  shards_[static_cast<std::size_t>(lost)].reset();
  std::erase(holding_, lost);
}

void Roster::change(MonitorChange&& change, Now now) {
  observe_clock(now);
  const std::uint32_t index = records_.find(change.id);
  if (!change.monitor) {
    if (index != kNoIndex) remove(index);
    return;
  }
  if (held(shard_of(change.id)) == nullptr) return;
  if (index != kNoIndex) {
    replace(index, std::move(*change.monitor), now);
  } else {
    add(std::move(*change.monitor), false, WallTime{}, GapReason::kRestart, now);
  }
}

void Roster::reconcile(Shard number, std::vector<ScheduledMonitor>&& monitors, Now now) {
  observe_clock(now);
  const HeldShard* shard = held(number);
  if (shard == nullptr) return;
  std::unordered_set<MonitorId> stored;
  stored.reserve(monitors.size());
  for (ScheduledMonitor& monitor : monitors) {
    const MonitorId id = monitor.plan.id;
    stored.insert(id);
    change({id, std::move(monitor)}, now);
  }
  std::vector<std::uint32_t> gone;
  for (const std::uint32_t index : shard->members) {
    if (!stored.contains(records_[index].plan.id)) gone.push_back(index);
  }
  for (const std::uint32_t index : gone) remove(index);
}

void Roster::add(ScheduledMonitor&& monitor, bool bulk, WallTime watched_through, GapReason reason, Now now) {
  EVERUP_ASSERT(monitor.plan.interval_ms > 0 && monitor.plan.timeout_ms > 0);
  const MonitorId id = monitor.plan.id;
  HeldShard* shard = held(shard_of(id));
  EVERUP_ASSERT(shard != nullptr);
  const std::uint32_t index = records_.add(id);
  Record& record = records_[index];
  record.plan = std::move(monitor.plan);
  record.standing = std::move(monitor.standing);
  record.shard = shard->owned.shard;
  record.member_at = static_cast<std::uint32_t>(shard->members.size());
  shard->members.push_back(index);
  count(record, 1);
  const CheckPlan& plan = record.plan;
  if (plan.paused) {
    record.unseen_from = plan.revised_at;
    return;
  }
  if (!bulk) {
    settle_slots_since(index, std::max(plan.created_at, plan.revised_at), {}, now);
    look_soon(index, now);
    return;
  }
  good_evidence_later(record, now.wall);
  const WallTime first = slot_at_or_after(id, plan.interval_ms, std::max(plan.created_at, watched_through));
  record.slot_next = slot_at_or_after(id, plan.interval_ms, now.wall);
  const bool skipped = first < now.wall;
  if (skipped) {
    unseen(record, first, reason);
    missed_[static_cast<std::size_t>(reason)] +=
        static_cast<std::uint64_t>(slots_in(id, plan.interval_ms, {first, now.wall}));
  }
  if (record.standing.booked == State::kUnknown) {  // those of whom nothing is known come first
    const std::int64_t spread = std::min<std::int64_t>(plan.interval_ms, kSpreadMs);
    record.look_next = now.wall + milliseconds(slot_phase_ms(id, spread) / 2);
    record.look_trigger = Trigger::kCreated;
  } else if (skipped) {
    look_within_a_minute(record, now.wall, Trigger::kSlot);
  }
  rekey(index);
}

// The database is ahead of us only when it refused what we concluded: its standing is the truth (db/monitor_source.h).
void Roster::adopt(Record& record, Standing&& stored) {
  if (stored.version <= record.standing.version) return;
  count(record, -1);
  stored.last_look = std::max(stored.last_look, record.standing.last_look);
  record.standing = std::move(stored);
  count(record, 1);
}

void Roster::replace(std::uint32_t index, ScheduledMonitor&& monitor, Now now) {
  Record& record = records_[index];
  adopt(record, std::move(monitor.standing));
  if (monitor.plan.revision <= record.plan.revision) return;
  const bool was_paused = record.plan.paused;
  Answered answered;
  if (!was_paused) {
    process_due(index, now);
    answered = {record.plan.interval_ms, record.owed > 0 ? record.owed_from : record.slot_next};
    end_revision(index, monitor.plan.revised_at);
  }
  count(record, -1);
  record.plan = std::move(monitor.plan);
  count(record, 1);
  if (record.plan.paused) {
    if (!was_paused) pause(index);
    return;
  }
  if (record.stage == Stage::kInFlight) cancel_flight(record);
  if (record.stage == Stage::kWaiting) call_off(record);
  record.look_next = WallTime{};
  settle_slots_since(index, record.plan.revised_at, answered, now);
  look_soon(index, now);
}

// The slots of the present revision end at `at`: those before it fall due, those after it are no slots any more.
void Roster::end_revision(std::uint32_t index, WallTime at) {
  Record& record = records_[index];
  const WallTime end = slot_at_or_after(record.plan.id, record.plan.interval_ms, at);
  if (record.slot_next <= end) return;
  record.slot_next = end;
  if (record.owed == 0) return;
  const std::int64_t left = slots_in(record.plan.id, record.plan.interval_ms, {record.owed_from, end});
  if (left == 0) {
    const bool waited = record.stage == Stage::kWaiting;
    owe_nothing(index);
    if (waited) call_off(record);
  } else {
    record.owed = std::min(record.owed, static_cast<std::uint32_t>(left));
  }
}

// A running look may end: its row is kept, it concludes nothing.
void Roster::pause(std::uint32_t index) {
  Record& record = records_[index];
  if (record.stage == Stage::kWaiting) {
    call_off(record);
    if (record.owed > 0) book_owed(index, GapReason::kOverload);
  }
  record.look_next = WallTime{};
  if (record.unseen_from == WallTime{}) {
    record.unseen_from = record.plan.revised_at;
    record.unseen_reason = 0;
  }
  commands_.erase(index);
  rekey(index);
}

void Roster::settle_slots_since(std::uint32_t index, WallTime from, const Answered& answered, Now now) {
  Record& record = records_[index];
  const CheckPlan& plan = record.plan;
  const WallTime first = slot_at_or_after(plan.id, plan.interval_ms, from);
  record.slot_next = first;
  if (first > now.wall) return;
  record.slot_next = next_slot(plan.id, plan.interval_ms, now.wall);
  if (now.wall - from > kLearntInTime) {
    const std::int64_t slots = slots_in(plan.id, plan.interval_ms, {first, record.slot_next});
    book(index, {first, record.slot_next, static_cast<std::uint32_t>(slots), GapReason::kRestart});
    return;
  }
  for (WallTime slot = first; slot <= now.wall; slot = slot + milliseconds(plan.interval_ms)) {
    const bool again = answered.interval_ms > 0 && slot < answered.before &&
                       slot_at_or_before(plan.id, answered.interval_ms, slot) == slot;
    if (!again && slot >= held(record.shard)->relived_until) owe(index, slot);
  }
}

// At once; when many come together, spread.
void Roster::look_soon(std::uint32_t index, Now now) {
  Record& record = records_[index];
  EVERUP_ASSERT(record.stage == Stage::kIdle);
  const bool many = at_once_++ >= options_.at_once_max;
  if (many) good_evidence_later(record, now.wall);
  if (record.owed > 0) {
    enqueue(index, now.wall);
  } else {
    record.look_next = now.wall;
    record.look_trigger = Trigger::kCreated;
    if (many) {
      const std::int64_t spread = std::min<std::int64_t>(record.plan.interval_ms, kSpreadMs);
      record.look_next = now.wall + milliseconds(slot_phase_ms(record.plan.id, spread));
    }
  }
  rekey(index);
}

// The first evidence of a good look comes some time within the hour: not all of them in the first minute.
void Roster::good_evidence_later(Record& record, WallTime now) {
  if (record.good_minute != 0) return;
  record.good_minute = static_cast<std::uint32_t>((now.ms - slot_phase_ms(record.plan.id, kHourMs)) / kMinuteMs);
}

void Roster::remove(std::uint32_t index) {
  Record& record = records_[index];
  if (record.stage == Stage::kInFlight) cancel_flight(record);
  owe_nothing(index);
  due_.remove(index);
  lost_.erase(index);
  commands_.erase(index);
  HeldShard* shard = held(record.shard);
  EVERUP_ASSERT(shard != nullptr);
  const std::uint32_t last = shard->members.back();
  shard->members[record.member_at] = last;
  records_[last].member_at = record.member_at;
  shard->members.pop_back();
  count(record, -1);
  records_.remove(index);
}

Roster::Flight Roster::take_flight(Record& record) {
  Flight& flight = flights_[record.flight];
  EVERUP_ASSERT(record.stage == Stage::kInFlight && flight.used);
  flight.used = false;
  free_flights_.push_back(record.flight);
  --flying_;
  admission_.release(flight.place);
  record.stage = Stage::kIdle;
  record.flight = kNoIndex;
  return flight;
}

void Roster::cancel_flight(Record& record) {
  const std::uint32_t number = record.flight;
  const Flight flight = take_flight(record);
  cancels_.push_back(static_cast<std::uint64_t>(flight.generation) << 32 | number);
}

bool Roster::check_now(const CheckNow& command, Now now) {
  observe_clock(now);
  const std::uint32_t index = records_.find(command.monitor);
  if (index == kNoIndex || records_[index].plan.paused) return false;
  commands_[index] = command.command;
  Record& record = records_[index];
  if (record.stage == Stage::kWaiting && record.owed == 0 && record.look_trigger == Trigger::kConfirm) call_off(record);
  if (record.stage == Stage::kWaiting) return true;  // the look that waits answers it
  record.look_next = now.wall;
  record.look_trigger = Trigger::kManual;
  rekey(index);
  return true;
}

}  // namespace everup::scheduler
