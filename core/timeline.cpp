// A replay: everything that was observed, sorted, goes through advance() and lose_sight() as it would have live. What
// live processing is told by the scheduler is worked out here from what was stored:
//   * a look counts under the revision that held when it started; of an older revision, or while paused, it does not
//   count;
//   * a look inside a blind gap does not count; a gap is "missed" from its start, or, where a look lies inside it, from
//   the first slot
//     after that look; two looks further apart than the horizon leave unknown time from the first slot that nobody
//     kept;
//   * a pause loses sight at its instant, and so does a single missed slot.
// Gaps after the last look book unknown unless a suspicion runs (then they wait, as live). Work: O(n log n), and gaps ×
// looks only where they overlap. Weakness: a look that was running while its monitor was edited counts here; live it is
// only stored.
#include "core/timeline.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "core/schedule.h"

namespace everup {

namespace {

void sort_and_unite(std::vector<Observed>& results) {
  std::sort(results.begin(), results.end(), [](const Observed& a, const Observed& b) {
    return std::tie(a.started_at, a.slot_at, a.revision, a.verdict, a.cause) <
           std::tie(b.started_at, b.slot_at, b.revision, b.verdict, b.cause);
  });
  const auto same = [](const Observed& a, const Observed& b) {
    return a.started_at == b.started_at && a.slot_at == b.slot_at;
  };
  results.erase(std::unique(results.begin(), results.end(), same), results.end());
}

class Replay {
 public:
  Replay(MonitorId id, std::vector<ObservedGap> gaps, std::vector<Revision> history)
      : id_(id), gaps_(std::move(gaps)), history_(std::move(history)) {
    std::sort(gaps_.begin(), gaps_.end(), [](const ObservedGap& a, const ObservedGap& b) {
      return std::tie(a.span.from, a.span.to, a.reason, a.blind) < std::tie(b.span.from, b.span.to, b.reason, b.blind);
    });
    std::sort(history_.begin(), history_.end(), [](const Revision& a, const Revision& b) {
      return std::tie(a.from_at, a.revision) < std::tie(b.from_at, b.revision);
    });
    if (history_.empty()) history_.push_back({});
    std::copy_if(gaps_.begin(), gaps_.end(), std::back_inserter(blind_),
                 [](const ObservedGap& gap) { return gap.blind; });
  }

  void take(const Observed& result);
  Recomputed finish();

 private:
  const Revision& in_force(WallTime t);
  bool counts(const Observed& result, const Revision& revision) const;
  bool is_blind(WallTime t);
  void pauses_until(WallTime t);
  std::optional<Missed> first_gap(WallTime start, const Revision& revision);
  std::optional<Missed> missed_before(WallTime start, const Revision& revision);
  bool slot_missed(WallTime start) const;
  void lose(WallTime from, const std::optional<Missed>& missed);
  WallTime unseen_from(const ObservedGap& gap, const Revision& revision) const;
  void apply(Advance step);

  MonitorId id_;
  std::vector<ObservedGap> gaps_, blind_;
  std::vector<Revision> history_;
  std::size_t revision_ = 0, next_pause_ = 0, next_gap_ = 0, next_blind_ = 0;
  std::vector<ObservedGap> open_gaps_;  // begun before the look at hand, not yet behind the one before it
  std::optional<WallTime> last_start_;  // of the last look that counted
  Standing standing_;
  std::vector<LedgerSpan> spans_;
};

// Instants ascend, so the index only moves forward.
const Revision& Replay::in_force(WallTime t) {
  while (revision_ + 1 < history_.size() && history_[revision_ + 1].from_at <= t) ++revision_;
  return history_[revision_];
}

bool Replay::counts(const Observed& result, const Revision& revision) const {
  return result.revision >= revision.revision && !revision.paused;
}

bool Replay::is_blind(WallTime t) {
  // Sorted by their starts; a long one may outlast later ones, so those that have ended are only skipped from the
  // front.
  while (next_blind_ < blind_.size() && blind_[next_blind_].span.to <= t) ++next_blind_;
  for (std::size_t i = next_blind_; i < blind_.size() && blind_[i].span.from <= t; ++i) {
    if (blind_[i].span.contains(t)) return true;
  }
  return false;
}

void Replay::pauses_until(WallTime t) {
  for (; next_pause_ < history_.size() && history_[next_pause_].from_at <= t; ++next_pause_) {
    const Revision& revision = history_[next_pause_];
    const bool before = next_pause_ > 0 && history_[next_pause_ - 1].paused;
    if (revision.paused && !before)
      lose(revision.from_at, missed_before(revision.from_at, history_[next_pause_ == 0 ? 0 : next_pause_ - 1]));
  }
}

WallTime Replay::unseen_from(const ObservedGap& gap, const Revision& revision) const {
  if (gap.span.from > *last_start_) return gap.span.from;
  return next_slot(id_, revision.interval_ms, *last_start_);
}

// The first slot before `start` that a stored gap tells of and no look answered.
std::optional<Missed> Replay::first_gap(WallTime start, const Revision& revision) {
  for (; next_gap_ < gaps_.size() && gaps_[next_gap_].span.from < start; ++next_gap_)
    open_gaps_.push_back(gaps_[next_gap_]);
  if (!last_start_) return std::nullopt;  // before the first look ever nothing is booked
  const WallTime behind = *last_start_;
  std::erase_if(open_gaps_, [behind](const ObservedGap& gap) { return gap.span.to <= behind; });
  std::optional<Missed> first;
  for (const ObservedGap& gap : open_gaps_) {
    const WallTime from = unseen_from(gap, revision);
    if (from < std::min(gap.span.to, start) && (!first || from < first->from)) first = Missed{from, gap.reason};
  }
  return first;
}

// Whether a single slot was missed since the last look: live, that loses sight at once, while a longer gap is told with
// the next look.
bool Replay::slot_missed(WallTime start) const {
  return std::any_of(open_gaps_.begin(), open_gaps_.end(), [&](const ObservedGap& gap) {
    return gap.span.length() <= milliseconds(1) && gap.span.from < start &&
           (!last_start_ || gap.span.from > *last_start_);
  });
}

// The same, or the first slot of a silence that no gap tells of.
std::optional<Missed> Replay::missed_before(WallTime start, const Revision& revision) {
  const auto gap = first_gap(start, revision);
  if (!last_start_ || start - *last_start_ <= horizon_of(revision.interval_ms, revision.timeout_ms)) return gap;
  const WallTime unkept = next_slot(id_, revision.interval_ms, *last_start_);
  if (gap && gap->from <= unkept) return gap;
  return Missed{unkept, gap ? gap->reason : GapReason::kRestart};
}

void Replay::apply(Advance step) {
  standing_ = std::move(step.standing);
  if (!step.conclusion) return;
  for (const SpanEdge& edge : step.conclusion->edges) {
    if (!spans_.empty()) spans_.back().span.to = edge.at;
    spans_.push_back({{edge.at, kForever}, edge.state, edge.reason});
  }
}

void Replay::lose(WallTime from, const std::optional<Missed>& missed) {
  const Reason reason = missed ? Reason{0, static_cast<std::int16_t>(missed->reason)} : Reason{};
  apply(lose_sight(standing_, missed ? missed->from : from, reason));
}

void Replay::take(const Observed& result) {
  const Revision& revision = in_force(result.started_at);
  if (!counts(result, revision) || is_blind(result.started_at)) return;
  pauses_until(result.started_at);
  auto missed = missed_before(result.started_at, revision);
  if (missed && slot_missed(result.started_at)) {
    lose(missed->from, missed);
    missed.reset();
  }
  const bool own_slot = result.slot_at < result.started_at && (!last_start_ || result.slot_at > *last_start_);
  const Look look{result.verdict, result.cause, result.started_at, own_slot ? result.slot_at : result.started_at};
  const auto horizon = horizon_of(revision.interval_ms, revision.timeout_ms, revision.patience);
  apply(advance(standing_, look, revision.patience, horizon, missed));
  last_start_ = result.started_at;
}

Recomputed Replay::finish() {
  pauses_until(kForever);
  if (last_start_) {
    const auto gap = first_gap(kForever, history_.back());
    if (gap && (!standing_.pending_since || slot_missed(kForever))) lose(gap->from, gap);
  }
  standing_.version = 0;
  return {std::move(spans_), std::move(standing_)};
}

}  // namespace

Recomputed recompute(MonitorId id, std::vector<Observed> results, std::vector<ObservedGap> gaps,
                     std::vector<Revision> history) {
  sort_and_unite(results);
  Replay replay(id, std::move(gaps), std::move(history));
  for (const Observed& result : results) replay.take(result);
  return replay.finish();
}

}  // namespace everup
