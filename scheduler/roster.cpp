// Turns: what falls due, what waits, what starts. The other halves of the roster: roster_clock.cpp (time that was not
// lived), roster_changes.cpp (monitors and shards), roster_outcomes.cpp (what is stored).
#include "scheduler/roster.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/result.h"
#include "core/schedule.h"

namespace everup::scheduler {

namespace {
constexpr std::chrono::seconds kSecond{1};
constexpr std::int32_t kExtraLook = 100;  // looks that are no slots are numbered from here (RULES B 3)

// By the monotonic clock, so that no number comes twice in time that is lived twice.
std::int32_t extra_number(Now now) {
  return kExtraLook + static_cast<std::int32_t>(now.mono.ns / 1'000'000 % 1'000'000'000);
}
}  // namespace

Roster::Roster(const RosterOptions& options, ObservationSink& sink)
    : options_(options), sink_(sink), admission_(options.limits) {
  EVERUP_ASSERT(options.starts_max > 0 && options.limits.slots > 0 && options.limits.rechecks > 0);
}

Turn Roster::on_time(Now now) {
  observe_clock(now);
  while (const auto due = due_.next()) {
    if (due->at > now.wall) break;
    process_due(due->monitor, now);
  }
  due_through_ = now.wall;
  if (now.mono >= second_at_) {
    second_at_ = now.mono + kSecond;
    every_second(now);
  }
  look_at_sight(now);
  Turn turn;
  start_looks(turn, now);
  turn.cancels.swap(cancels_);
  turn.wake = second_at_;
  if (const auto due = due_.next()) turn.wake = std::min(turn.wake, now.mono + (due->at - now.wall));
  if (!undecided_.empty()) turn.wake = std::min(turn.wake, sight_at_);
  if (ready()) turn.wake = now.mono;
  return turn;
}

// Every slot up to now falls due, then the planned look that is no slot. A slot makes any planned or waiting look of
// the monitor its own: re-checks are dropped (RULES B 3), created and manual looks are answered by it.
void Roster::process_due(std::uint32_t index, Now now) {
  Record& record = records_[index];
  while (record.slot_next <= now.wall) {
    const WallTime slot = record.slot_next;
    record.slot_next = slot + milliseconds(record.plan.interval_ms);
    slot_due(index, slot, now.wall);
  }
  if (record.look_next != WallTime{} && record.look_next <= now.wall && record.stage == Stage::kIdle) {
    enqueue(index, now.wall);
  }
  rekey(index);
}

void Roster::slot_due(std::uint32_t index, WallTime slot, WallTime now) {
  Record& record = records_[index];
  if (slot < held(record.shard)->relived_until) {  // answered before the clock was set back: look, but owe nothing
    if (record.stage == Stage::kIdle && record.look_next == WallTime{}) {
      record.look_next = slot;
      record.look_trigger = Trigger::kSlot;
    }
    return;
  }
  const bool waited = record.stage == Stage::kWaiting;
  if (record.stage != Stage::kInFlight) record.look_next = WallTime{};  // a look asked for meanwhile comes after it
  if (waited && record.owed > 0) {
    book_owed(index, draining_ ? GapReason::kRestart : GapReason::kOverload);
    owe(index, slot);
    return;
  }
  owe(index, slot);
  if (record.stage == Stage::kInFlight) return;
  if (waited) call_off(record);  // it waited in the lane of its kind
  enqueue(index, now);
}

void Roster::owe(std::uint32_t index, WallTime slot) {
  Record& record = records_[index];
  if (record.owed++ > 0) return;
  record.owed_from = slot;
  record.owing_at = static_cast<std::uint32_t>(owing_.size());
  owing_.push_back(index);
}

void Roster::owe_nothing(std::uint32_t index) {
  Record& record = records_[index];
  if (record.owed == 0) return;
  record.owed = 0;
  record.owed_from = WallTime{};
  const std::uint32_t last = owing_.back();
  owing_[record.owing_at] = last;
  records_[last].owing_at = record.owing_at;
  owing_.pop_back();
  record.owing_at = kNoIndex;
}

void Roster::enqueue(std::uint32_t index, WallTime now) {
  Record& record = records_[index];
  EVERUP_ASSERT(record.stage == Stage::kIdle);
  record.stage = Stage::kWaiting;
  record.waits_since = record.owed > 0 ? std::min(record.owed_from, now) : std::min(record.look_next, now);
  WaitingLook look;
  look.order = record.waits_since.ms;
  look.monitor = index;
  look.ticket = record.ticket;
  look.address = address_key(record.plan.url);
  look.account = record.plan.account.value;
  look.recheck = record.owed == 0 && record.look_trigger == Trigger::kConfirm;
  admission_.wait(look);
}

// A waiting look is not searched for in the queue: its ticket is void.
void Roster::call_off(Record& record) {
  EVERUP_ASSERT(record.stage == Stage::kWaiting);
  ++record.ticket;
  record.stage = Stage::kIdle;
}

void Roster::rekey(std::uint32_t index) {
  const Record& record = records_[index];
  if (record.plan.paused) {
    due_.remove(index);
    return;
  }
  WallTime at = record.slot_next;
  if (record.stage == Stage::kIdle && record.look_next != WallTime{}) at = std::min(at, record.look_next);
  due_.set(index, at);
}

void Roster::start_looks(Turn& turn, Now now) {
  if (draining_) return;
  while (turn.starts.size() < static_cast<std::size_t>(options_.starts_max)) {
    const auto place = admission_.admit();
    if (!place) return;
    const Record& record = records_[place->monitor];
    if (record.stage != Stage::kWaiting || record.ticket != place->ticket) {
      admission_.release(*place);
      continue;
    }
    turn.starts.push_back(start(*place, now));
  }
}

std::uint32_t Roster::new_flight() {
  if (free_flights_.empty()) {
    flights_.emplace_back();
    return static_cast<std::uint32_t>(flights_.size() - 1);
  }
  const std::uint32_t index = free_flights_.back();
  free_flights_.pop_back();
  return index;
}

LookStart Roster::start(const WaitingLook& place, Now now) {
  Record& record = records_[place.monitor];
  const std::uint32_t number = new_flight();
  Flight& flight = flights_[number];
  const HeldShard* shard = held(record.shard);
  EVERUP_ASSERT(shard != nullptr);
  ++flight.generation;
  flight.used = true;
  flight.place = place;
  flight.revision = record.plan.revision;
  flight.started_at = now.wall;
  flight.deadline = now.mono + milliseconds(record.plan.timeout_ms);
  flight.epoch = shard->owned.epoch;
  flight.since_epoch = shard->owned.since_epoch;
  flight.stalls = stalls_;
  flight.command = CommandId{};
  if (const auto command = commands_.find(place.monitor); command != commands_.end()) {
    flight.command = command->second;
    commands_.erase(command);
  }
  name_look(record, flight, now);
  record.look_next = WallTime{};
  record.stage = Stage::kInFlight;
  record.flight = number;
  ++flying_;
  rekey(place.monitor);
  LookStart look;
  look.token = static_cast<std::uint64_t>(flight.generation) << 32 | number;
  look.plan = record.plan;
  look.deadline = flight.deadline;
  look.want_evidence = record.standing.health == State::kDown || record.standing.health == State::kDegraded ||
                       good_evidence_due(record, now.wall);
  return look;
}

// The key of the row: (slot_at, look). Extra looks are numbered by the millisecond in which they start, so that no
// restart and no clock that is set back repeats one.
void Roster::name_look(Record& record, Flight& flight, Now now) {
  if (record.owed > 0) {
    flight.trigger = Trigger::kSlot;
    flight.slot_at = record.owed_from;
    flight.look = 0;
    lateness_.add(static_cast<double>(std::max<std::int64_t>(0, (now.wall - flight.slot_at).count())) / 1000.0);
  } else if (record.look_trigger == Trigger::kConfirm) {
    flight.trigger = Trigger::kConfirm;
    ++record.chain_look;
    flight.slot_at =
        record.chain_extra ? slot_at_or_before(record.plan.id, record.plan.interval_ms, now.wall) : record.chain_slot;
    flight.look = record.chain_extra ? extra_number(now) : record.chain_look;
    return;
  } else {
    flight.trigger = flight.command ? Trigger::kManual : record.look_trigger;
    flight.slot_at = slot_at_or_before(record.plan.id, record.plan.interval_ms, now.wall);
    flight.look = extra_number(now);
  }
  record.chain_slot = flight.slot_at;
  record.chain_look = 0;
  record.chain_extra = flight.look >= kExtraLook;
}

}  // namespace everup::scheduler
