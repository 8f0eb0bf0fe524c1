// What is stored: rows of looks and of missed slots, gaps, marks. Each is offered before anything here believes it.
#include <algorithm>
#include <utility>

#include "core/result.h"
#include "core/schedule.h"
#include "scheduler/roster.h"

namespace everup::scheduler {

namespace {
constexpr std::uint8_t kRechecksMax = 20;  // of one slot; then the next slot decides
constexpr milliseconds kHour{3'600'000};
constexpr milliseconds kDay{86'400'000};
constexpr std::int64_t kGoodAnHour = 5'000;  // evidence of good looks, of all monitors together
constexpr int kLostPerSecond = 10'000;       // a turn must not be long
constexpr milliseconds kLateAnswer{2'000};  // an outcome comes at most 100 ms after its deadline, unless we stood still

// Two conclusions in a row as one, so that both are stored by one compare-and-set.
std::optional<Conclusion> joined(std::optional<Conclusion> first, std::optional<Conclusion> second) {
  if (!first) return second;
  if (!second) return first;
  first->version_after = second->version_after;
  first->health = second->health;
  first->booked = second->booked;
  first->health_since = second->health_since;
  first->booked_since = second->booked_since;
  first->pending_since = second->pending_since;
  for (SpanEdge& edge : second->edges) {
    if (!first->edges.empty() && first->edges.back().at >= edge.at) first->edges.pop_back();
    first->edges.push_back(edge);
  }
  if (second->flip) first->flip = second->flip;
  return first;
}

Reason gap_reason(std::int16_t number) { return {0, number}; }
}  // namespace

void Roster::on_outcome(std::uint64_t token, Outcome&& outcome, Now now) {
  observe_clock(now);
  if (!is_flying(token)) return;
  judge_late(flights_[static_cast<std::size_t>(token & 0xffff'ffff)], outcome, now);
  if (!waits_for_sight(token, outcome, now.wall, now)) conclude(token, std::move(outcome), now);
}

bool Roster::is_flying(std::uint64_t token) const {
  const auto number = static_cast<std::size_t>(token & 0xffff'ffff);
  return number < flights_.size() && flights_[number].used && flights_[number].generation == token >> 32;
}

void Roster::conclude(std::uint64_t token, Outcome&& outcome, Now now) {
  const std::uint32_t index = flights_[static_cast<std::size_t>(token & 0xffff'ffff)].place.monitor;
  Record& record = records_[index];
  const Flight flight = take_flight(record);
  checks_[static_cast<std::size_t>(record.plan.kind)][static_cast<std::size_t>(outcome.verdict)]++;
  duration_[static_cast<std::size_t>(record.plan.kind)].add(outcome.timings.total_us / 1e6);

  const bool room = offer_lost(index);  // first: it may conclude
  const bool concludes = record.plan.revision == flight.revision && !record.plan.paused;
  Judged judged{record.standing, std::nullopt};
  if (concludes) judged = judge(record, flight, outcome);
  Observation row;
  row.monitor = record.plan.id;
  row.region = options_.region;
  row.epoch = flight.epoch;
  row.since_epoch = flight.since_epoch;
  row.slot_at = flight.slot_at;
  row.look = flight.look;
  row.revision = flight.revision;
  row.trigger = flight.trigger;
  row.started_at = flight.started_at;
  row.covered = static_cast<std::int32_t>(flight.look == 0 ? std::max(record.owed, 1U) : record.owed + 1);
  row.verdict = outcome.verdict;
  row.cause = outcome.cause;
  row.phase = outcome.phase;
  row.timings = outcome.timings;
  row.code = outcome.code;
  row.certificate_not_after = outcome.certificate_not_after;
  row.conclusion = judged.conclusion;
  row.command = flight.command;
  if (outcome.cause != Cause::kOk) row.detail = std::move(outcome.detail);
  const bool with_evidence = concludes && outcome.evidence && keep_evidence(record, outcome, judged, now.wall);
  if (with_evidence) row.evidence = std::move(outcome.evidence);

  if (room && sink_.offer(std::move(row))) {
    owe_nothing(index);
    if (concludes) {
      record.unseen_from = WallTime{};
      if (with_evidence && outcome.verdict != Verdict::kUp) record.evidence_at = now.wall;
      if (with_evidence && outcome.verdict == Verdict::kUp) {
        record.good_minute = static_cast<std::uint32_t>(now.wall.ms / kMinuteMs);
      }
      apply(record, judged);
      plan_recheck(record, flight, now.wall);
    }
  } else if (record.owed > 0) {
    book_owed(index, GapReason::kSpoolFull);
  }
  rekey(index);
}

// A failure that was measured while we stood still proves nothing about the target.
void Roster::judge_late(const Flight& flight, Outcome& outcome, Now now) const {
  if (outcome.verdict == Verdict::kUp || outcome.verdict == Verdict::kInconclusive) return;
  if (flight.stalls == stalls_ && now.mono <= flight.deadline + kLateAnswer) return;
  Outcome ours = outcome_of(Cause::kOwnResources, "this checker stood still, or its clock was set, during the look");
  ours.timings = outcome.timings;
  ours.code = outcome.code;
  outcome = std::move(ours);
}

Roster::Judged Roster::judge(const Record& record, const Flight& flight, const Outcome& outcome) const {
  Judged judged{record.standing, std::nullopt};
  std::optional<Missed> missed;
  if (record.unseen_from != WallTime{}) {
    const auto reason = static_cast<GapReason>(record.unseen_reason);
    if (record.unseen_reason == 0 || reason == GapReason::kBlind) {  // what was suspected before proves nothing
      judged = lose(record, record.unseen_from, gap_reason(record.unseen_reason));
    } else {
      missed = Missed{record.unseen_from, reason};
    }
  }
  const Look look{outcome.verdict, outcome.cause, flight.started_at,
                  flight.look == 0 ? flight.slot_at : flight.started_at};
  const CheckPlan& plan = record.plan;
  Advance step =
      advance(judged.standing, look, plan.confirm, horizon_of(plan.interval_ms, plan.timeout_ms, plan.confirm), missed);
  return {std::move(step.standing), joined(std::move(judged.conclusion), std::move(step.conclusion))};
}

Roster::Judged Roster::lose(const Record& record, WallTime from, Reason reason) const {
  Advance step = lose_sight(record.standing, from, reason);
  return {std::move(step.standing), std::move(step.conclusion)};
}

// RULES B 13: the first failing look, the one that settles, one an hour while it lasts, the good ones that begin and
// settle a recovery, and now and then one of a monitor that is well: the last good one before the next trouble.
bool Roster::keep_evidence(const Record& record, const Outcome& outcome, const Judged& judged, WallTime now) const {
  if (judged.conclusion && judged.conclusion->flip) return true;
  const bool suspected = record.standing.pending_since.has_value();
  const bool suspects = judged.standing.pending_since.has_value() && !suspected;
  if (outcome.verdict == Verdict::kUp) return suspects || good_evidence_due(record, now);
  return suspects || now - record.evidence_at >= kHour;
}

bool Roster::good_evidence_due(const Record& record, WallTime now) const {
  const auto share = static_cast<std::int64_t>(records_.size()) * kHour.count() / kGoodAnHour;
  const milliseconds period(std::clamp<std::int64_t>(share, kHour.count(), kDay.count()));
  return now - WallTime{static_cast<std::int64_t>(record.good_minute) * kMinuteMs} >= period;
}

void Roster::apply(Record& record, const Judged& judged) {
  const bool moves = record.standing.booked != judged.standing.booked;
  if (moves) count(record, -1);
  record.standing = judged.standing;
  if (moves) count(record, 1);
}

// While a run contradicts the health the next look comes `retry` after this one started, or now if that is over, but
// never after the next slot: then the slot is the look.
void Roster::plan_recheck(Record& record, const Flight& flight, WallTime now) {
  if (!record.standing.pending_since || record.look_next != WallTime{} || record.chain_look >= kRechecksMax) return;
  const WallTime at = std::max(flight.started_at + record.plan.confirm.retry_after(record.chain_look), now);
  if (at >= record.slot_next) return;
  record.look_next = at;
  record.look_trigger = Trigger::kConfirm;
}

void Roster::unseen(Record& record, WallTime from, GapReason reason) {
  if (record.unseen_from != WallTime{}) return;
  record.unseen_from = from;
  record.unseen_reason = static_cast<std::int16_t>(reason);
}

void Roster::book_owed(std::uint32_t index, GapReason reason) {
  const Record& record = records_[index];
  // After the clock was set back the next slot may lie before the one that is owed.
  const milliseconds length(static_cast<std::int64_t>(record.owed - 1) * record.plan.interval_ms + 1);
  const WallTime to = std::max(record.slot_next, record.owed_from + length);
  const Stretch stretch{record.owed_from, to, record.owed, reason};
  owe_nothing(index);
  book(index, stretch);
}

void Roster::book(std::uint32_t index, Stretch stretch) {
  missed_[static_cast<std::size_t>(stretch.reason)] += stretch.slots;
  if (const auto lost = lost_.find(index); lost != lost_.end()) {
    lost->second.from = std::min(lost->second.from, stretch.from);
    lost->second.to = std::max(lost->second.to, stretch.to);
    lost->second.slots += stretch.slots;
    return;
  }
  if (!offer_stretch(index, stretch)) lost_[index] = stretch;
}

// One slot is a row with its conclusion; many are one gap of the monitor, and the next look concludes.
bool Roster::offer_stretch(std::uint32_t index, const Stretch& stretch) {
  Record& record = records_[index];
  if (stretch.slots > 1) {
    if (!sink_.offer(Gap{options_.region, -1, record.plan.id, {stretch.from, stretch.to}, stretch.reason}))
      return false;
    unseen(record, stretch.from, stretch.reason);
    return true;
  }
  const bool told = record.unseen_from == WallTime{};
  const auto reason = static_cast<std::int16_t>(stretch.reason);
  Judged judged =
      told ? lose(record, stretch.from, gap_reason(reason))
           : lose(record, record.unseen_from, record.unseen_reason == 0 ? Reason{} : gap_reason(record.unseen_reason));
  const HeldShard* shard = held(record.shard);
  Observation row;
  row.monitor = record.plan.id;
  row.region = options_.region;
  row.epoch = shard->owned.epoch;
  row.since_epoch = shard->owned.since_epoch;
  row.slot_at = row.started_at = stretch.from;
  row.revision = record.plan.revision;
  row.missed = stretch.reason;
  row.conclusion = judged.conclusion;
  if (!sink_.offer(std::move(row))) return false;
  record.unseen_from = WallTime{};
  apply(record, judged);
  return true;
}

// False: the sink has no room still. What comes after must wait, or be lost as well.
bool Roster::offer_lost(std::uint32_t index) {
  const auto lost = lost_.find(index);
  if (lost == lost_.end()) return true;
  if (!offer_stretch(index, lost->second)) return false;
  lost_.erase(lost);
  return true;
}

void Roster::gap(HeldShard& shard, Span span, GapReason reason) {
  if (span.empty()) return;
  if (shard.gap) {
    shard.gap->span.to = std::max(shard.gap->span.to, span.to);
    return;
  }
  shard.gap = Gap{options_.region, shard.owned.shard, MonitorId{}, span, reason};
}

void Roster::offer_gaps() {
  for (const Shard number : holding_) {
    HeldShard& shard = *held(number);
    if (!shard.gap) continue;
    Gap copy = *shard.gap;
    if (!sink_.offer(std::move(copy))) return;
    shard.gap.reset();
  }
}

Roster::Throughs Roster::throughs(WallTime now) const {
  Throughs through;
  through.fill(now);
  const auto hold = [&through](Shard shard, WallTime at) {
    WallTime& mark = through[static_cast<std::size_t>(shard)];
    mark = std::min(mark, at);
  };
  for (const std::uint32_t index : owing_) hold(records_[index].shard, records_[index].owed_from);
  for (const auto& [index, stretch] : lost_) hold(records_[index].shard, stretch.from);
  for (const Shard number : holding_) {
    const auto& shard = shards_[static_cast<std::size_t>(number)];
    if (shard->gap) hold(number, shard->gap->span.from);
    if (informed_) hold(number, *informed_);
  }
  return through;
}

void Roster::offer_marks(WallTime now) {
  const Throughs through = throughs(now);
  std::vector<ShardMark> marks;
  for (const Shard number : holding_) {
    const HeldShard& shard = *held(number);
    const WallTime mark = through[static_cast<std::size_t>(number)];
    if (mark <= shard.marked) continue;
    marks.push_back({options_.region, number, shard.owned.epoch, shard.owned.since_epoch, mark});
  }
  if (marks.empty() || !sink_.offer(std::move(marks))) return;
  for (const Shard number : holding_) {
    HeldShard& shard = *held(number);
    shard.marked = std::max(shard.marked, through[static_cast<std::size_t>(number)]);
  }
}

void Roster::every_second(Now now) {
  at_once_ = 0;
  if (options_.sight != nullptr) {
    std::int64_t up = 0;
    for (const auto& of_kind : monitors_) up += of_kind[static_cast<std::size_t>(State::kUp)];
    options_.sight->watching(this, static_cast<std::size_t>(up));
  }
  offer_gaps();
  int left = kLostPerSecond;
  for (auto at = lost_.begin(); at != lost_.end() && left-- > 0;) {
    if (!offer_stretch(at->first, at->second)) break;
    at = lost_.erase(at);
  }
  offer_marks(now.wall);
}

std::vector<std::uint64_t> Roster::finish(Now now) {
  observe_clock(now);
  draining_ = true;
  while (const auto due = due_.next()) {
    if (due->at > now.wall) break;
    process_due(due->monitor, now);
  }
  every_second(now);
  const Throughs through = throughs(now.wall);
  for (const Shard number : holding_) {
    HeldShard& shard = *held(number);
    for (const std::uint32_t index : shard.members) {
      Record& record = records_[index];
      if (record.stage == Stage::kInFlight) cancel_flight(record);
      if (record.stage == Stage::kWaiting) call_off(record);
      missed_[static_cast<std::size_t>(GapReason::kRestart)] += record.owed;
      owe_nothing(index);
      record.look_next = WallTime{};
    }
    gap(shard, {through[static_cast<std::size_t>(number)], now.wall}, GapReason::kRestart);
  }
  offer_gaps();
  lost_.clear();      // they lie inside the gaps
  informed_.reset();  // so do the first slots of monitors that nobody told us of
  offer_marks(now.wall);
  return std::exchange(cancels_, {});
}

SchedulerStats Roster::stats() const {
  SchedulerStats stats;
  for (std::size_t kind = 1; kind < checks_.size(); ++kind) {
    const auto name = static_cast<Kind>(kind);
    for (std::size_t verdict = 1; verdict < checks_[kind].size(); ++verdict) {
      if (const auto n = checks_[kind][verdict]) stats.checks[{name, static_cast<Verdict>(verdict)}] = n;
    }
    for (std::size_t state = 1; state < monitors_[kind].size(); ++state) {
      if (const auto n = monitors_[kind][state]; n > 0) {
        stats.monitors[{name, static_cast<State>(state)}] = static_cast<std::uint64_t>(n);
      }
    }
    if (duration_[kind].sum_s > 0) stats.duration[name] = duration_[kind];
  }
  for (std::size_t reason = 1; reason < missed_.size(); ++reason) {
    if (missed_[reason] > 0) stats.missed[static_cast<GapReason>(reason)] = missed_[reason];
  }
  stats.lateness = lateness_;
  stats.in_flight = flying_;
  stats.shards_owned = holding_.size();
  stats.monitors_total = records_.size();
  return stats;
}

}  // namespace everup::scheduler
