// advance() as three small steps: take in what was seen, decide whether a run settles, book what is now certain.
//
// What was seen since the suspicion began lies in `seen_`, the newest look included. After the decision some tail of it
// may still contradict the health; everything before that tail is certain and becomes edges: a conclusive stretch is
// the new health from the settling run's first look on and the old one before it, an inconclusive or missed stretch is
// unknown.
//
// Instants only ascend: a look that claims to start before something already taken in (a stepped clock) counts one
// millisecond after it. A suspicion whose looks are not known (only its start is stored) is treated like one that grew
// too old: unknown from its first look. Weakness: the reason of a span of the old health that is booked again after
// unknown time is the newest look's, not the first one's.
#include "core/standing.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/result.h"

namespace everup {

namespace {

constexpr WallTime kNever{std::numeric_limits<std::int64_t>::max()};

Reason reason_of(Cause cause) { return {cause == Cause::kOk ? std::int16_t{0} : static_cast<std::int16_t>(cause), 0}; }
Reason reason_of(GapReason gap) { return {0, static_cast<std::int16_t>(gap)}; }

State state_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUp:
      return State::kUp;
    case Verdict::kDegraded:
      return State::kDegraded;
    case Verdict::kDown:
      return State::kDown;
    case Verdict::kInconclusive:
      return State::kUnknown;
  }
  assertion_failed("a verdict of the table", __FILE__, __LINE__);
}

struct Settling {
  State health;
  WallTime first;
};

class Step {
 public:
  explicit Step(const Standing& before) : before_(before), now_(before) {
    if (before.pending) seen_ = *before.pending;
  }

  // The earliest instant that something new may have.
  WallTime floor() const {
    WallTime newest = std::max(now_.last_look, now_.booked_since);
    if (now_.pending_since) newest = std::max(newest, *now_.pending_since);
    return newest + milliseconds(newest.ms == 0 ? 0 : 1);
  }
  bool suspicion_lost(WallTime at, milliseconds horizon) const {
    return now_.pending_since && (seen_.empty() || at - *now_.pending_since > horizon);
  }
  bool blank() const { return now_.booked_since.ms == 0 && now_.last_look.ms == 0 && !now_.pending_since; }

  void drop_suspicion(Reason reason) {
    book(*now_.pending_since, State::kUnknown, reason);
    now_.pending_since.reset();
    now_.down = now_.not_up = now_.not_down = now_.up = {};
    seen_.clear();
  }
  void unseen(WallTime from, Reason reason) {
    if (now_.pending_since) {
      remember({from, Verdict::kInconclusive, reason});
    } else {
      book(from, State::kUnknown, reason);
    }
  }
  void look_started(WallTime at) { now_.last_look = at; }
  void judge(const Look& look, WallTime start, const Patience& patience);
  Advance finish();

 private:
  void remember(Standing::Seen seen);
  void count(Verdict verdict, WallTime start);
  std::optional<Settling> decide(const Patience& patience, WallTime start) const;
  const Standing::Run* contradiction() const;
  Reason settling_reason(const Settling& settled) const;
  void settle(const Settling& settled, WallTime start);
  void book_certain(const Look& look, State old_health, const std::optional<Settling>& settled, Reason reason);
  void book(WallTime at, State state, Reason reason);

  const Standing& before_;
  Standing now_;
  std::vector<Standing::Seen> seen_;
  std::vector<SpanEdge> edges_;
  std::optional<Flip> flip_;
  bool glitch_ = false;
};

void Step::book(WallTime at, State state, Reason reason) {
  const bool open = now_.booked_since.ms != 0;
  if (open && now_.booked == state) return;
  if (open) at = std::max(at, now_.booked_since + milliseconds(1));
  now_.booked = state;
  now_.booked_since = at;
  edges_.push_back({at, state, state == State::kUp ? Reason{} : reason});
}

// Changes only. When there is no room the rest is unknown: less is claimed, never more.
void Step::remember(Standing::Seen seen) {
  if (!seen_.empty() && seen_.back().verdict == seen.verdict) return;
  if (seen_.size() < Standing::kPendingMax) {
    seen_.push_back(seen);
  } else {
    seen_.back().verdict = Verdict::kInconclusive;
  }
}

void Step::count(Verdict verdict, WallTime start) {
  const auto extend = [start](Standing::Run& run, bool matches) {
    if (!matches) {
      run = {};
      return;
    }
    if (run.looks == 0) run.first = start;
    if (run.looks < std::numeric_limits<std::uint8_t>::max()) ++run.looks;
  };
  extend(now_.down, verdict == Verdict::kDown);
  extend(now_.not_up, verdict != Verdict::kUp);
  extend(now_.not_down, verdict != Verdict::kDown);
  extend(now_.up, verdict == Verdict::kUp);
}

std::optional<Settling> Step::decide(const Patience& patience, WallTime start) const {
  const int failures = std::max<int>(patience.failures, 1), successes = std::max<int>(patience.successes, 1);
  switch (now_.health) {
    case State::kUp:
      if (now_.down.looks >= failures) return Settling{State::kDown, now_.down.first};
      if (now_.not_up.looks >= failures) return Settling{State::kDegraded, now_.not_up.first};
      return std::nullopt;
    case State::kDegraded:
      if (now_.down.looks >= failures) return Settling{State::kDown, now_.down.first};
      if (now_.up.looks >= successes) return Settling{State::kUp, now_.up.first};
      return std::nullopt;
    case State::kDown:
      if (now_.up.looks >= successes) return Settling{State::kUp, now_.up.first};
      if (now_.not_down.looks >= successes) return Settling{State::kDegraded, now_.not_down.first};
      return std::nullopt;
    case State::kUnknown:
      if (now_.up.looks > 0) return Settling{State::kUp, start};
      if (now_.down.looks >= failures) return Settling{State::kDown, now_.down.first};
      if (now_.down.looks == 0) return Settling{State::kDegraded, start};
      return std::nullopt;
    case State::kMaintenance:
    case State::kPaused:
    case State::kBeforeCreation:
      break;
  }
  assertion_failed("health is up, degraded, down or unknown", __FILE__, __LINE__);
}

// The trailing run that speaks against the health, or null.
const Standing::Run* Step::contradiction() const {
  const auto any = [](const Standing::Run& run) { return run.looks > 0 ? &run : nullptr; };
  switch (now_.health) {
    case State::kUp:
      return any(now_.not_up);
    case State::kDegraded:
      return now_.down.looks > 0 ? &now_.down : any(now_.up);
    case State::kDown:
      return any(now_.not_down);
    case State::kUnknown:
      return any(now_.down);
    case State::kMaintenance:
    case State::kPaused:
    case State::kBeforeCreation:
      break;
  }
  assertion_failed("health is up, degraded, down or unknown", __FILE__, __LINE__);
}

Reason Step::settling_reason(const Settling& settled) const {
  if (settled.health == State::kUp) return {};
  for (const auto& seen : seen_) {
    if (seen.at >= settled.first && state_of(seen.verdict) == settled.health) return seen.reason;
  }
  for (const auto& seen : seen_) {
    if (seen.at >= settled.first && seen.verdict != Verdict::kInconclusive) return seen.reason;
  }
  return {};
}

void Step::settle(const Settling& settled, WallTime start) {
  flip_ = Flip{now_.health, settled.health, settled.first, start, settling_reason(settled)};
  now_.health = settled.health;
  now_.health_since = settled.first;
}

void Step::book_certain(const Look& look, State old_health, const std::optional<Settling>& settled, Reason reason) {
  const Standing::Run* against = contradiction();
  const WallTime open_from = against == nullptr ? kNever : against->first;
  const Reason old_reason = state_of(look.verdict) == old_health ? reason_of(look.cause) : Reason{};
  std::size_t certain = 0;
  for (; certain < seen_.size() && seen_[certain].at < open_from; ++certain) {
    const auto& seen = seen_[certain];
    if (seen.verdict == Verdict::kInconclusive) {
      book(seen.at, State::kUnknown, seen.reason);
    } else if (settled && seen.at >= settled->first) {
      book(seen.at, settled->health, reason);
    } else {
      book(seen.at, old_health, old_health == State::kUnknown ? seen.reason : old_reason);
    }
  }
  seen_.erase(seen_.begin(), seen_.begin() + static_cast<std::ptrdiff_t>(certain));
  now_.pending_since.reset();
  if (against != nullptr) now_.pending_since = open_from;
}

void Step::judge(const Look& look, WallTime start, const Patience& patience) {
  const State old_health = now_.health;
  const auto suspected = now_.pending_since;
  count(look.verdict, start);
  if (seen_.empty() && now_.booked == old_health && state_of(look.verdict) == old_health) return;  // all is as it was
  remember({start, look.verdict, reason_of(look.cause)});
  const auto settled = decide(patience, start);
  if (settled) settle(*settled, start);
  book_certain(look, old_health, settled, flip_ ? flip_->reason : Reason{});
  const bool settled_it = settled && suspected && settled->first <= *suspected;
  glitch_ = suspected && !settled_it && now_.pending_since != suspected;
}

Advance Step::finish() {
  now_.pending = seen_.empty() ? nullptr : std::make_shared<const std::vector<Standing::Seen>>(seen_);
  Advance result{now_, std::nullopt, glitch_};
  const bool changed =
      !edges_.empty() || flip_ || now_.health != before_.health || now_.pending_since != before_.pending_since;
  if (!changed) return result;
  result.standing.version = before_.version + 1;
  result.conclusion =
      Conclusion{before_.version,   before_.version + 1, now_.health,       now_.booked, now_.health_since,
                 now_.booked_since, now_.pending_since,  std::move(edges_), flip_};
  return result;
}

}  // namespace

std::string_view slug(State state) {
  switch (state) {
    case State::kUp:
      return "up";
    case State::kDegraded:
      return "degraded";
    case State::kDown:
      return "down";
    case State::kUnknown:
      return "unknown";
    case State::kMaintenance:
      return "maintenance";
    case State::kPaused:
      return "paused";
    case State::kBeforeCreation:
      return "before_creation";
  }
  assertion_failed("a state of the table", __FILE__, __LINE__);
}

milliseconds Patience::retry_after(int look) const {
  const int last = std::clamp<int>(retry_count, 1, static_cast<int>(retry_s.size())) - 1;
  return milliseconds(1000) * retry_s[static_cast<std::size_t>(std::clamp(look, 0, last))];
}

milliseconds horizon_of(std::int64_t interval_ms, std::int64_t timeout_ms, const Patience& patience) {
  std::int64_t failing = 0;
  for (int look = 0; look + 1 < patience.failures; ++look) {
    failing += std::max(std::min<std::int64_t>(patience.retry_after(look).count(), interval_ms), timeout_ms);
  }
  const std::int64_t recovering = std::max(patience.successes - 1, 0) * std::max(interval_ms, timeout_ms);
  const std::int64_t run = std::max(failing, recovering) + timeout_ms + 30'000;
  return std::max(horizon_of(interval_ms, timeout_ms), milliseconds(run));
}

Advance advance(const Standing& before, const Look& look, const Patience& patience, milliseconds horizon,
                std::optional<Missed> missed) {
  Step step(before);
  const WallTime start = std::max(look.started_at, step.floor());
  if (step.suspicion_lost(start, horizon))
    step.drop_suspicion(reason_of(missed ? missed->reason : GapReason::kRestart));
  if (missed && !step.blank() && std::max(missed->from, step.floor()) < start) {
    step.unseen(std::max(missed->from, step.floor()), reason_of(missed->reason));
  }
  if (look.verdict == Verdict::kInconclusive) {
    const WallTime slot = look.unknown_from.ms == 0 ? start : look.unknown_from;
    step.unseen(std::min(std::max(slot, step.floor()), start), reason_of(look.cause));
  } else {
    step.judge(look, start, patience);
  }
  step.look_started(start);
  return step.finish();
}

Advance lose_sight(const Standing& before, WallTime from, Reason reason) {
  Step step(before);
  if (step.blank()) return {before, std::nullopt, false};
  if (before.pending_since) {
    step.drop_suspicion(reason);
  } else {
    step.unseen(std::max(from, step.floor()), reason);
  }
  return step.finish();
}

}  // namespace everup
