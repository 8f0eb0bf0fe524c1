// The judge: what a database would have stored, and whether it is the truth.
#include <algorithm>

#include "core/schedule.h"
#include "tests/scheduler/simulation.h"

namespace everup::scheduler::testing {

namespace {
constexpr std::size_t kComplaintsMax = 20;

std::string name(const Observation& row) {
  return to_string(row.monitor) + " slot " + std::to_string(row.slot_at.ms) + " look " + std::to_string(row.look);
}

std::string rows_around(const StoredMonitor& monitor, WallTime slot, const std::vector<Gap>& shard_gaps) {
  const milliseconds near(2 * monitor.plan.interval_ms);
  std::string all;
  const auto put = [&](std::string_view what, WallTime at) {
    all += " " + std::string(what) + std::to_string((at - slot).count());
  };
  for (const auto& row : monitor.rows) {
    if (row.slot_at < slot - near || row.slot_at > slot + near) continue;
    put(row.missed ? "; missed " : "; row ", row.slot_at);
    all += " look " + std::to_string(row.look) + " covers " + std::to_string(row.covered);
    put("started ", row.started_at);
    put("ended ", row.ended_at);
  }
  for (const Gap& gap : monitor.gaps) {
    if (gap.span.to < slot - near || gap.span.from > slot + near) continue;
    put("; gap ", gap.span.from);
    put("to ", gap.span.to);
  }
  for (const Gap& gap : shard_gaps) {
    if (gap.shard != shard_of(monitor.plan.id) || gap.span.to < slot - near || gap.span.from > slot + near) continue;
    put("; shard gap ", gap.span.from);
    put("to ", gap.span.to);
  }
  for (const auto& revision : monitor.history) {
    if (revision.from < slot - near || revision.from > slot + near) continue;
    put(revision.paused ? "; paused " : "; revision ", revision.from);
    all += " interval " + std::to_string(revision.interval_ms);
  }
  return all;
}
}  // namespace

void Database::complain(const std::string& what) {
  if (violations_.size() < kComplaintsMax) violations_.push_back(what);
}

void Database::log(std::int64_t value) { hash_ = (hash_ ^ static_cast<std::uint64_t>(value)) * 0x100000001b3ULL; }

void Database::tell(const std::string& event) { story_.insert({now.ms, event}); }

std::string Database::story_around(WallTime at) const {
  std::string all;
  for (auto one = story_.lower_bound(at.ms - 600'000); one != story_.end() && one->first < at.ms + 600'000; ++one) {
    all += " · " + std::to_string(one->first - at.ms) + " ms: " + one->second;
  }
  return all;
}

bool Database::offer(Observation&& observation) {
  if (full) {
    ++refused;
    return false;
  }
  StoredMonitor& monitor = monitors.at(observation.monitor);
  ++rows;
  for (const std::int64_t value :
       {observation.monitor.value, observation.slot_at.ms, observation.started_at.ms,
        static_cast<std::int64_t>(observation.look), static_cast<std::int64_t>(observation.verdict),
        static_cast<std::int64_t>(observation.covered)}) {
    log(value);
  }
  const OwnedShard& shard = shards.at(shard_of(observation.monitor));
  if (observation.epoch != shard.epoch) complain("old epoch: " + name(observation));
  const std::pair<std::int64_t, std::int32_t> key{observation.slot_at.ms, observation.look};
  if (!monitor.keys.emplace(key, observation.epoch).second) {
    // A new roster cannot know what was answered after the mark, and the clock was set back: the first row wins.
    if (monitor.keys.at(key) != observation.epoch) {
      ++repeated;
      monitor.repeated = true;
      if (observation.conclusion) conclude(monitor, observation);
      return true;
    }
    complain("stored twice: " + name(observation) + (observation.missed ? " missed" : " looked at") +
             story_around(observation.slot_at) + rows_around(monitor, observation.slot_at, gaps));
  }
  if (observation.covered < 1) complain("covers nothing: " + name(observation));
  if (observation.missed) {
    ++missed;
    if (observation.started_at != observation.slot_at || observation.look != 0)
      complain("odd missed row: " + name(observation));
  } else {
    if (observation.look == 0) latest_ms = std::max(latest_ms, (observation.started_at - observation.slot_at).count());
    const bool down = observation.verdict == Verdict::kDown;
    if (down && target_failed && !target_failed(observation)) complain("false down: " + name(observation));
  }
  // The roster learns of a change up to 2 s after it holds; until then it concludes by the former revision.
  const bool concludes =
      observation.revision == monitor.plan.revision || now <= monitor.plan.revised_at + milliseconds(2'000);
  monitor.rows.push_back({observation.slot_at, observation.started_at, turned, observation.look, observation.covered,
                          observation.verdict, observation.missed.has_value(), concludes,
                          observation.evidence != nullptr});
  if (observation.conclusion) conclude(monitor, observation);
  return true;
}

void Database::conclude(StoredMonitor& monitor, const Observation& row) {
  const Conclusion& made = *row.conclusion;
  Standing& standing = monitor.standing;
  if (made.version_before != standing.version || made.version_after <= made.version_before) {
    complain("broken chain: " + name(row) + " from " + std::to_string(made.version_before) + " stored " +
             std::to_string(standing.version));
  }
  for (const SpanEdge& edge : made.edges) {
    if (!monitor.edges.empty()) {
      const SpanEdge& last = monitor.edges.back();
      if (edge.at <= last.at) complain("span without length: " + name(row));
      if (edge.state == last.state && edge.reason == last.reason) complain("span that changes nothing: " + name(row));
    }
    monitor.edges.push_back(edge);
  }
  if (!monitor.edges.empty() && monitor.edges.back().state != made.booked)
    complain("booked is not the open span: " + name(row));
  if (made.flip) {
    if (made.flip->from != standing.health || made.flip->to != made.health) complain("odd flip: " + name(row));
    monitor.flips.push_back(*made.flip);
    (made.flip->to == State::kDown ? flips_down : flips_up)++;
    if (made.flip->to == State::kDown) {
      int failures = 0;
      for (auto at = monitor.rows.rbegin(); at != monitor.rows.rend(); ++at) {
        if (at->missed || !at->concludes || at->verdict == Verdict::kInconclusive) continue;
        if (at->verdict != Verdict::kDown) break;
        ++failures;
      }
      if (failures < monitor.plan.confirm.failures && !monitor.repeated) {
        complain("down too early: " + name(row) + story_around(row.slot_at) + rows_around(monitor, row.slot_at, gaps));
      }
    }
  }
  standing.version = made.version_after;
  standing.health = made.health;
  standing.booked = made.booked;
  standing.health_since = made.health_since;
  standing.booked_since = made.booked_since;
  standing.pending_since = made.pending_since;
}

bool Database::offer(Gap&& gap) {
  if (full) {
    ++refused;
    return false;
  }
  log(gap.span.from.ms);
  log(gap.span.to.ms);
  if (gap.span.empty()) complain("empty gap");
  if (gap.monitor) {
    monitors.at(gap.monitor).gaps.push_back(gap);
  } else {
    gaps.push_back(gap);
  }
  return true;
}

bool Database::offer(std::vector<ShardMark>&& marks) {
  if (full) {
    ++refused;
    return false;
  }
  for (const ShardMark& mark : marks) {
    OwnedShard& shard = shards.at(mark.shard);
    if (mark.through <= shard.observed_through) complain("a mark went back: shard " + std::to_string(mark.shard));
    if (mark.epoch != shard.epoch) complain("a mark of an old epoch: shard " + std::to_string(mark.shard));
    shard.observed_through = mark.through;
  }
  return true;
}

void Database::audit() {
  for (const auto& [id, monitor] : monitors) audit(monitor);
}

void Database::audit(const StoredMonitor& monitor) {
  const MonitorId id = monitor.plan.id;
  const WallTime end = shards.at(shard_of(id)).observed_through;
  // What was in flight when it was deleted is dropped with it: the last slots are nobody's promise.
  const milliseconds dropped(monitor.plan.timeout_ms + 420'000);
  const WallTime promised = monitor.deleted ? std::min(end, monitor.deleted_at - dropped) : end;
  std::vector<std::int64_t> slots;
  for (std::size_t i = 0; i < monitor.history.size(); ++i) {
    const auto& revision = monitor.history[i];
    const WallTime to = i + 1 < monitor.history.size() ? std::min(monitor.history[i + 1].from, end) : end;
    if (revision.paused) continue;
    for (WallTime slot = slot_at_or_after(id, revision.interval_ms, revision.from); slot < to;
         slot = slot + milliseconds(revision.interval_ms)) {
      slots.push_back(slot.ms);
    }
  }
  std::vector<int> answers(slots.size(), 0);
  std::vector<bool> perhaps(slots.size(), false);
  const auto answer = [&](std::vector<std::int64_t>::iterator at) {
    ++answers[static_cast<std::size_t>(at - slots.begin())];
  };
  std::vector<Gap> shard_gaps;
  std::copy_if(gaps.begin(), gaps.end(), std::back_inserter(shard_gaps),
               [shard = shard_of(id)](const Gap& gap) { return !gap.monitor && gap.shard == shard; });
  const auto clock_stood = [&](Span span) {
    return std::any_of(shard_gaps.begin(), shard_gaps.end(), [&](const Gap& gap) {
      return gap.reason == GapReason::kClock && !intersect(gap.span, span).empty();
    });
  };
  for (const auto& row : monitor.rows) {
    // Its own slot, and those that fell due while it ran. When a gap of the clock lies in between, which ones these
    // were cannot be told from outside: they may have been answered.
    auto at = std::lower_bound(slots.begin(), slots.end(), row.slot_at.ms);
    if (row.look == 0) {
      if (at == slots.end() || *at != row.slot_at.ms) continue;
      answer(at++);
    } else {
      at = std::upper_bound(slots.begin(), slots.end(), row.started_at.ms);
    }
    if (row.covered == 1) continue;
    const auto end_at = std::upper_bound(slots.begin(), slots.end(), row.ended_at.ms);
    if (clock_stood({row.started_at, row.ended_at})) {
      for (; at < end_at; ++at) perhaps[static_cast<std::size_t>(at - slots.begin())] = true;
      continue;
    }
    if (row.look >= 100) at = end_at - std::min<std::ptrdiff_t>(row.covered - 1, end_at - slots.begin());
    for (int left = row.covered - 1; left > 0 && at != slots.end(); --left) answer(at++);
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (answers[i] == 1 || slots[i] >= promised.ms) continue;
    const WallTime slot{slots[i]};
    const auto inside = [slot](const Gap& gap) { return gap.span.contains(slot); };
    const bool in_gap = std::any_of(shard_gaps.begin(), shard_gaps.end(), inside) ||
                        std::any_of(monitor.gaps.begin(), monitor.gaps.end(), inside);
    if (answers[i] == 0 ? in_gap || perhaps[i] : monitor.repeated) continue;
    complain((answers[i] == 0 ? "never ended: " : "answered " + std::to_string(answers[i]) + " times: ") +
             to_string(id) + " slot " + std::to_string(slots[i]) + " interval " +
             std::to_string(monitor.plan.interval_ms) + story_around(slot) + rows_around(monitor, slot, gaps));
  }
}

}  // namespace everup::scheduler::testing
