// See judge.h.
#include "tests/spine/judge.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <set>

#include "core/ledger.h"
#include "core/schedule.h"
#include "core/timeline.h"

namespace everup::spine {

namespace {

constexpr std::size_t kComplaintsMax = 10;
constexpr std::int64_t kNearMs = 600'000;
constexpr int kLooksAfterMove = 2;
constexpr milliseconds kMarkAge{60'000};

// Disjoint and ascending.
std::vector<Span> united(std::vector<Span> spans) {
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
  std::vector<Span> all;
  for (const Span& span : spans) {
    if (!all.empty() && span.from <= all.back().to) {
      all.back().to = std::max(all.back().to, span.to);
    } else {
      all.push_back(span);
    }
  }
  return all;
}

std::vector<Span> gaps_of(const Database& database, const StoredMonitor& monitor) {
  std::vector<Span> spans;
  for (const Gap& gap : monitor.gaps) spans.push_back(gap.span);
  for (const Gap& gap : database.gaps) {
    if (gap.shard == shard_of(monitor.plan.id)) spans.push_back(gap.span);
  }
  return united(std::move(spans));
}

std::vector<Span> paused_of(const StoredMonitor& monitor) {
  std::vector<Span> paused;
  for (std::size_t i = 0; i < monitor.history.size(); ++i) {
    if (!monitor.history[i].paused) continue;
    const bool last = i + 1 == monitor.history.size();
    paused.push_back({monitor.history[i].from_at, last ? db::kOpenEnd : monitor.history[i + 1].from_at});
  }
  return united(std::move(paused));
}

const Span* holding(const std::vector<Span>& spans, WallTime at) {
  const auto next =
      std::upper_bound(spans.begin(), spans.end(), at, [](WallTime t, const Span& span) { return t < span.from; });
  if (next == spans.begin()) return nullptr;
  const Span& span = *std::prev(next);
  return span.contains(at) ? &span : nullptr;
}

std::int64_t overlap(const std::vector<Span>& spans, Span window) {
  std::int64_t sum = 0;
  for (const Span& span : spans) sum += intersect(span, window).length().count();
  return sum;
}

}  // namespace

void Judge::complain(const std::string& what) {
  if (violations_.size() < kComplaintsMax) violations_.push_back(what);
}

void Judge::tell(std::int64_t real_ms, const std::string& event) { story_.insert({real_ms, event}); }

std::string Judge::around(std::int64_t real_ms) const {
  std::string all;
  const auto end = story_.upper_bound(real_ms + kNearMs);
  for (auto one = story_.lower_bound(real_ms - kNearMs); one != end; ++one) {
    all += " · " + std::to_string(one->first - real_ms) + " ms: " + one->second;
  }
  return all;
}

std::string Judge::facts_near(MonitorId id, WallTime at) const {
  std::string all;
  const auto found = facts_.find(id);
  if (found == facts_.end()) return all;
  std::int64_t real = -1;
  for (const Fact& fact : found->second) {
    if (std::abs(fact.slot_at.ms - at.ms) > kNearMs) continue;
    if (real < 0) real = fact.real_ms;
    all += "; node " + std::to_string(fact.node) + " boot " + std::to_string(fact.boot) + " slot " +
           std::to_string(fact.slot_at.ms - at.ms) + " look " + std::to_string(fact.look) + " started " +
           std::to_string(fact.started_at.ms - at.ms) + " covers " + std::to_string(fact.covered) + " verdict " +
           std::to_string(static_cast<int>(fact.verdict)) + " rev " + std::to_string(fact.revision) +
           (fact.missed ? " missed" : "") + (fact.lost ? " lost" : "") + " real " + std::to_string(fact.real_ms);
  }
  return all + (real < 0 ? "" : around(real));
}

Judge::Place Judge::offered(const Observation& row, const Fact& fact, bool target_failed, int failures) {
  auto& facts = facts_[row.monitor];
  facts.push_back(fact);
  const std::string name =
      to_string(row.monitor) + " slot " + std::to_string(row.slot_at.ms) + " look " + std::to_string(row.look);
  if (row.covered < 1) complain("covers nothing: " + name);
  if (!row.missed && row.verdict == Verdict::kDown && !target_failed) {
    complain("I5, false down: " + name + around(fact.real_ms));
  }
  if (row.conclusion && row.conclusion->flip && row.conclusion->flip->to == State::kDown) {
    int seen = 0;
    for (auto at = facts.rbegin(); at != facts.rend(); ++at) {
      if (at->node != fact.node || at->boot != fact.boot || at->missed || at->verdict == Verdict::kInconclusive)
        continue;
      if (at->verdict != Verdict::kDown && at->revision == fact.revision) break;
      if (at->verdict == Verdict::kDown) ++seen;
    }
    if (seen < failures) complain("I5, down too early: " + name + facts_near(row.monitor, row.slot_at));
  }
  return {row.monitor, facts.size() - 1};
}

void Judge::audit(const Database& database, WallTime now, bool clock_went_back) {
  for (const auto& [shard, mark] : database.marks) {
    if (mark < now - kMarkAge)
      complain("I1, the mark of shard " + std::to_string(shard) + " stands " + std::to_string((now - mark).count()) +
               " ms back");
  }
  for (const auto& [id, monitor] : database.monitors) {
    audit_slots(database, monitor);
    audit_rows(database, monitor);
    audit_spans(monitor);
    if (!clock_went_back) audit_flips(monitor);
    audit_ledger(database, monitor, now);
    audit_bursts(monitor);
    compare_past(database, monitor);
  }
}

// I1.
void Judge::audit_slots(const Database& database, const StoredMonitor& monitor) {
  const MonitorId id = monitor.plan.id;
  const auto mark = database.marks.find(shard_of(id));
  if (mark == database.marks.end()) return complain("I1, never watched: shard " + std::to_string(shard_of(id)));
  // What was in flight when it was deleted is dropped with it: the last slots are nobody's promise.
  WallTime end = mark->second;
  if (monitor.deleted) end = std::min(end, monitor.deleted_at - milliseconds(monitor.plan.timeout_ms + 420'000));
  std::set<std::int64_t> answered;
  std::vector<Span> covered;
  for (const Fact& fact : facts_[id]) {
    if (fact.lost || !monitor.keys.contains({fact.slot_at.ms, fact.look})) continue;
    if (fact.look == 0) answered.insert(fact.slot_at.ms);
    if (fact.covered > 1) covered.push_back({std::min(fact.slot_at, fact.started_at), fact.ended_at + milliseconds(1)});
  }
  covered = united(std::move(covered));
  const std::vector<Span> gaps = gaps_of(database, monitor);
  for (std::size_t i = 0; i < monitor.history.size(); ++i) {
    const Revision& revision = monitor.history[i];
    if (revision.paused) continue;
    const bool last = i + 1 == monitor.history.size();
    const WallTime to = last ? end : std::min(end, monitor.history[i + 1].from_at);
    WallTime slot = slot_at_or_after(id, revision.interval_ms, revision.from_at);
    while (slot < to) {
      if (const Span* gap = holding(gaps, slot)) {
        slot = slot_at_or_after(id, revision.interval_ms, gap->to);
        continue;
      }
      if (!answered.contains(slot.ms) && holding(covered, slot) == nullptr) {
        complain("I1, never ended: " + to_string(id) + " slot " + std::to_string(slot.ms) + " interval " +
                 std::to_string(revision.interval_ms) + " revision " + std::to_string(revision.revision) + " from " +
                 std::to_string(revision.from_at.ms - slot.ms) + facts_near(id, slot));
      }
      slot = slot + milliseconds(revision.interval_ms);
    }
  }
}

// I2.
void Judge::audit_rows(const Database& database, const StoredMonitor& monitor) {
  std::set<std::pair<std::int64_t, std::int32_t>> seen;
  for (const StoredRow& row : monitor.rows) {
    if (!seen.emplace(row.slot_at.ms, row.look).second) complain("I2, stored twice: " + to_string(monitor.plan.id));
  }
  const std::vector<Span> gaps = gaps_of(database, monitor);
  for (const Fact& fact : facts_[monitor.plan.id]) {
    if (fact.lost || fact.dropped || seen.contains({fact.slot_at.ms, fact.look}) ||
        holding(gaps, fact.slot_at) != nullptr)
      continue;
    complain("I2, lost: " + to_string(monitor.plan.id) + " slot " + std::to_string(fact.slot_at.ms) +
             facts_near(monitor.plan.id, fact.slot_at));
  }
}

// I3.
void Judge::audit_spans(const StoredMonitor& monitor) {
  for (std::size_t i = 0; i < monitor.spans.size(); ++i) {
    const Span& span = monitor.spans[i].span;
    const std::string where = to_string(monitor.plan.id) + " at " + std::to_string(span.from.ms);
    if (span.empty()) complain("I3, an empty span: " + where);
    if (i + 1 < monitor.spans.size() && span.to > monitor.spans[i + 1].span.from) complain("I3, overlap: " + where);
  }
}

void Judge::audit_flips(const StoredMonitor& monitor) {
  std::set<std::int64_t> failed;
  for (const Fact& fact : facts_[monitor.plan.id]) {
    if (!fact.missed && fact.verdict == Verdict::kDown) failed.insert(fact.started_at.ms);
  }
  for (const StoredFlip& stored : monitor.flips) {
    if (stored.flip.to != State::kDown || failed.contains(stored.flip.at.ms)) continue;
    complain("I3, down without a failed look: " + to_string(monitor.plan.id) +
             facts_near(monitor.plan.id, stored.flip.at));
  }
}

// I6.
void Judge::audit_ledger(const Database& database, const StoredMonitor& monitor, WallTime now) {
  const auto mark = database.marks.find(shard_of(monitor.plan.id));
  if (monitor.deleted || mark == database.marks.end()) return;
  LedgerInput input;
  input.id = monitor.plan.id;
  input.created_at = monitor.plan.created_at;
  input.interval_ms = monitor.plan.interval_ms, input.timeout_ms = monitor.plan.timeout_ms;
  input.confirm = monitor.plan.confirm;
  for (const StoredRow& row : monitor.rows) {
    if (row.missed == 0) input.first_look = std::min(input.first_look.value_or(row.started_at), row.started_at);
  }
  input.paused = paused_of(monitor);
  input.regions.push_back({kLocalRegion, monitor.spans, mark->second, std::nullopt});
  if (monitor.standing) input.regions.back().pending_since = monitor.standing->pending_since;
  const WallTime settled = settled_until(input, now);
  const Span window{input.created_at, settled};
  if (window.empty()) return;
  const Tally all = tally(timeline_of(input, window, now));
  if (all.total_ms() != window.length().count()) complain("I6, counters do not add up: " + to_string(input.id));
  const WallTime origin = origin_of(input);
  std::int64_t down = 0;
  for (const LedgerSpan& span : monitor.spans) {
    if (span.state != State::kDown) continue;
    // A suspicion that outlived its horizon (its monitor was paused) is unknown from its first look on.
    const WallTime to = std::min(window.to, input.regions.back().pending_since.value_or(window.to));
    const Span part = intersect(span.span, {std::max(window.from, origin), to});
    down += part.length().count() - overlap(input.paused, part);
  }
  if (down != all.down_ms) {
    std::string spans;
    for (const LedgerSpan& span : monitor.spans) {
      spans += " " + std::to_string(static_cast<int>(span.state)) + " from " + std::to_string(span.span.from.ms);
    }
    for (const Span& span : input.paused)
      spans += " paused " + std::to_string(span.from.ms) + "-" + std::to_string(span.to.ms);
    complain("I6, down_ms " + std::to_string(all.down_ms) + ", of the spans " + std::to_string(down) + ": " +
             to_string(input.id) + spans + ", mark " + std::to_string(mark->second.ms) + " now " +
             std::to_string(now.ms) + " settled " + std::to_string(settled.ms) + " origin " +
             std::to_string(origin.ms));
  }
}

void Judge::audit_bursts(const StoredMonitor& monitor) {
  const auto& facts = facts_[monitor.plan.id];
  const std::int64_t window = std::min(monitor.plan.interval_ms, 60'000);
  for (const Move& move : moves_) {
    int looks = 0;
    auto at = std::lower_bound(facts.begin(), facts.end(), move.real_ms,
                               [](const Fact& fact, std::int64_t real) { return fact.real_ms < real; });
    for (; at != facts.end() && at->real_ms < move.real_ms + window; ++at) {
      if (at->node == move.node && !at->missed && at->trigger == Trigger::kSlot) ++looks;
    }
    if (looks > kLooksAfterMove) {
      complain(std::to_string(looks) + " looks after the clock moved: " + to_string(monitor.plan.id) +
               around(move.real_ms));
    }
  }
}

// RULES B 6: the past is a pure function of what was observed. Counted, not judged: a look that ran while its monitor
// was edited, and evidence that a crash lost after it had concluded, make the two differ.
void Judge::compare_past(const Database& database, const StoredMonitor& monitor) {
  std::vector<Observed> results;
  std::vector<ObservedGap> gaps;
  for (const StoredRow& row : monitor.rows) {
    if (row.missed != 0) {
      gaps.push_back({{row.slot_at, row.slot_at + milliseconds(1)}, static_cast<GapReason>(row.missed), false});
    } else {
      results.push_back({row.started_at, row.slot_at, row.verdict, row.cause, row.revision});
    }
  }
  for (const Gap& gap : monitor.gaps) gaps.push_back({gap.span, gap.reason, false});
  for (const Gap& gap : database.gaps) {
    if (gap.shard == shard_of(monitor.plan.id)) gaps.push_back({gap.span, gap.reason, false});
  }
  const Recomputed again = recompute(monitor.plan.id, std::move(results), std::move(gaps), monitor.history);
  const auto down = [](const std::vector<LedgerSpan>& spans) {
    std::int64_t sum = 0;
    for (const LedgerSpan& span : spans) {
      if (span.state == State::kDown && span.span.to != db::kOpenEnd) sum += span.span.length().count();
    }
    return sum;
  };
  if (down(again.spans) != down(monitor.spans)) ++differing_;
}

}  // namespace everup::spine
