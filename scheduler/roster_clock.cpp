// Time that was not lived, and time that comes twice (RULES B 2). A step of UTC against the monotonic clock of more
// than 2 s, or more than 3 s in which nobody called us (suspended, stopped, starved: our own turn comes every second),
// is not watched time: it becomes a gap, and failures of the looks that ran meanwhile prove nothing.
#include <algorithm>
#include <chrono>

#include "core/schedule.h"
#include "scheduler/roster.h"

namespace everup::scheduler {

namespace {
constexpr milliseconds kStep{2'000};
constexpr std::chrono::seconds kStandstill{3};
constexpr milliseconds kMinute{60'000};
}  // namespace

void Roster::observe_clock(Now now) {
  if (!last_) {
    last_ = now;
    due_through_ = now.wall;
    second_at_ = now.mono;
    return;
  }
  const auto lived = now.mono - last_->mono;
  const milliseconds moved = (now.wall - last_->wall) - std::chrono::duration_cast<milliseconds>(lived);
  const bool back = last_->wall - now.wall > kStep;
  last_ = now;
  if (back) {
    time_comes_again(moved, now);
  } else if (moved > kStep || lived > kStandstill) {
    time_was_lost(now, std::max(moved, milliseconds(0)));
  }
}

void Roster::time_was_lost(Now now, milliseconds moved) {
  ++stalls_;
  Throughs from;
  from.fill(due_through_ + milliseconds(1));
  for (const std::uint32_t index : owing_) {
    const Record& record = records_[index];
    WallTime& first = from[static_cast<std::size_t>(record.shard)];
    if (record.stage == Stage::kWaiting) first = std::min(first, record.owed_from);
  }
  for (const Shard number : holding_) {
    HeldShard& shard = *held(number);
    gap(shard, {from[static_cast<std::size_t>(number)], now.wall}, GapReason::kClock);
    for (const std::uint32_t index : shard.members) skip_slots(index, now.wall, moved);
  }
  admission_.clear_waiting();
  due_through_ = now.wall;
}

void Roster::skip_slots(std::uint32_t index, WallTime now, milliseconds moved) {
  Record& record = records_[index];
  if (record.plan.paused) return;
  if (record.stage == Stage::kWaiting) {
    if (record.owed > 0) unseen(record, record.owed_from, GapReason::kClock);
    missed_[static_cast<std::size_t>(GapReason::kClock)] += record.owed;
    owe_nothing(index);
    call_off(record);
  }
  const bool skipped = record.slot_next < now;
  if (skipped) {
    unseen(record, record.slot_next, GapReason::kClock);
    missed_[static_cast<std::size_t>(GapReason::kClock)] +=
        static_cast<std::uint64_t>(slots_in(record.plan.id, record.plan.interval_ms, {record.slot_next, now}));
    record.slot_next = slot_at_or_after(record.plan.id, record.plan.interval_ms, now);
  }
  if (record.look_next != WallTime{}) {
    record.look_next = std::max(record.look_next + moved, now);
    if (record.look_trigger == Trigger::kConfirm && record.look_next >= record.slot_next) record.look_next = WallTime{};
  } else if (skipped && record.stage == Stage::kIdle) {
    look_within_a_minute(record, now, Trigger::kSlot);
  }
  rekey(index);
}

// The catch-up look of a monitor whose own next slot is far away; for all others the slot is near enough, and spread.
void Roster::look_within_a_minute(Record& record, WallTime now, Trigger trigger) {
  if (record.slot_next - now <= kMinute) return;
  record.look_next = now + milliseconds(slot_phase_ms(record.plan.id, kMinute.count()));
  record.look_trigger = trigger;
}

// The clock was set back: slots before `relived_until` are answered already. Monitors are watched on as ever, under
// numbers that no earlier row has, and the marks wait until time is new again.
void Roster::time_comes_again(milliseconds moved, Now now) {
  for (const Shard number : holding_) {
    HeldShard& shard = *held(number);
    shard.relived_until = std::max(shard.relived_until, due_through_ + milliseconds(1));
    for (const std::uint32_t index : shard.members) {
      Record& record = records_[index];
      record.slot_next = slot_at_or_after(record.plan.id, record.plan.interval_ms, now.wall);
      if (record.look_next != WallTime{}) record.look_next = record.look_next + moved;
      rekey(index);
    }
  }
  due_through_ = now.wall;
}

}  // namespace everup::scheduler
