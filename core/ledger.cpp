// One sweep over sorted span lists: every layer (regions, blind, maintenance, paused) has a cursor that only moves
// forward; between two borders nothing changes, so the state is decided once per piece. O(spans + overlays) for one
// region, times the number of regions. Limits: products stay below 2^63 for windows of 2 900 years. Weakness:
// operator+ counts an incident twice that reaches over the seam.
#include "core/ledger.h"

#include <algorithm>

#include "core/result.h"
#include "core/schedule.h"

namespace everup {

namespace {

bool stale(const LedgerInput& input, WallTime mark, WallTime now) {
  return now - mark > horizon_of(input.interval_ms, input.timeout_ms);
}
bool stale_suspicion(const LedgerInput& input, WallTime since, WallTime now) {
  return now - since > horizon_of(input.interval_ms, input.timeout_ms, input.confirm);
}

// Sorted and merged, so that a cursor needs only look ahead.
std::vector<Span> united(std::vector<Span> spans) {
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
  std::vector<Span> merged;
  for (const Span& span : spans) {
    if (span.empty()) continue;
    if (!merged.empty() && span.from <= merged.back().to) {
      merged.back().to = std::max(merged.back().to, span.to);
    } else {
      merged.push_back(span);
    }
  }
  return merged;
}

// Answers "inside?" for ascending instants.
class Overlay {
 public:
  explicit Overlay(const std::vector<Span>& spans) : spans_(united(spans)) {}
  // Moves to t; the next border of this layer lowers `border`.
  bool at(WallTime t, WallTime& border) {
    while (next_ < spans_.size() && spans_[next_].to <= t) ++next_;
    if (next_ == spans_.size()) return false;
    const bool inside = spans_[next_].from <= t;
    border = std::min(border, inside ? spans_[next_].to : spans_[next_].from);
    return inside;
  }

 private:
  std::vector<Span> spans_;
  std::size_t next_ = 0;
};

struct Seen {
  State state = State::kUnknown;
  Reason reason;
};

// One region's stored spans, with what is stale taken as unknown.
class RegionCursor {
 public:
  RegionCursor(const LedgerInput& input, const LedgerInput::RegionSpans& region, WallTime from, WallTime now)
      : region_(&region) {
    if (stale(input, region.observed_through, now)) {
      blind_from_ = slot_at_or_after(input.id, input.interval_ms, region.observed_through);
    }
    if (region.pending_since && stale_suspicion(input, *region.pending_since, now)) {
      blind_from_ = std::min(blind_from_, *region.pending_since);
    }
    const auto& spans = region.spans;
    next_ = std::partition_point(spans.begin(), spans.end(), [from](const LedgerSpan& s) { return s.span.to <= from; });
  }
  Seen at(WallTime t, WallTime& border) {
    if (t >= blind_from_) return {};
    border = std::min(border, blind_from_);
    while (next_ != region_->spans.end() && next_->span.to <= t) ++next_;
    if (next_ == region_->spans.end()) return {};
    const bool inside = next_->span.from <= t;
    border = std::min(border, inside ? next_->span.to : next_->span.from);
    return inside ? Seen{next_->state, next_->reason} : Seen{};
  }

 private:
  const LedgerInput::RegionSpans* region_;
  std::vector<LedgerSpan>::const_iterator next_;
  WallTime blind_from_ = kForever;
};

// The regions' votes at one instant.
class Vote {
 public:
  void add(const Seen& seen) {
    switch (seen.state) {
      case State::kUp:
        ++up_;
        break;
      case State::kDegraded:
        note(degraded_, degraded_reason_, seen.reason);
        break;
      case State::kDown:
        note(down_, down_reason_, seen.reason);
        break;
      case State::kUnknown:
        note(unknown_, unknown_reason_, seen.reason);
        break;
      case State::kMaintenance:
      case State::kPaused:
      case State::kBeforeCreation:
        EVERUP_ASSERT(!"a stored span is up, degraded, down or unknown");
    }
  }
  Seen result() const {
    const int seeing = up_ + degraded_ + down_;
    if (seeing == 0) return {State::kUnknown, unknown_reason_};
    if (down_ >= (seeing + 2) / 2) return {State::kDown, down_reason_};
    return degraded_ > 0 ? Seen{State::kDegraded, degraded_reason_} : Seen{State::kUp, {}};
  }

 private:
  static void note(int& count, Reason& kept, Reason reason) {
    if (count++ == 0) kept = reason;
  }
  int up_ = 0, degraded_ = 0, down_ = 0, unknown_ = 0;
  Reason degraded_reason_, down_reason_, unknown_reason_;
};

class Sweep {
 public:
  Sweep(const LedgerInput& input, WallTime from, WallTime now)
      : origin_(origin_of(input)), paused_(input.paused), maintenance_(input.maintenance), blind_(input.blind) {
    for (const auto& region : input.regions) regions_.emplace_back(input, region, from, now);
  }
  Seen at(WallTime t, WallTime& border) {
    if (t < origin_) {
      border = std::min(border, origin_);
      return {State::kBeforeCreation, {}};
    }
    if (paused_.at(t, border)) return {State::kPaused, {}};
    if (maintenance_.at(t, border)) return {State::kMaintenance, {}};
    if (blind_.at(t, border)) return {State::kUnknown, {0, static_cast<std::int16_t>(GapReason::kBlind)}};
    Vote vote;
    for (auto& region : regions_) vote.add(region.at(t, border));
    return vote.result();
  }

 private:
  WallTime origin_;
  Overlay paused_, maintenance_, blind_;
  std::vector<RegionCursor> regions_;
};

void append(Timeline& timeline, Span span, const Seen& seen) {
  if (!timeline.empty() && timeline.back().state == seen.state && timeline.back().reason == seen.reason) {
    timeline.back().span.to = span.to;
  } else {
    timeline.push_back({span, seen.state, seen.reason});
  }
}

// Counts maximal runs of down; unknown and maintenance between two downs do not end one.
class Incidents {
 public:
  explicit Incidents(Tally& tally) : tally_(tally) {}
  void take(State state, std::int64_t ms) {
    switch (state) {
      case State::kDown:
        if (down_ms_ == 0) ++tally_.incidents;
        down_ms_ += ms;
        tally_.longest_down_ms = std::max(tally_.longest_down_ms, down_ms_);
        return;
      case State::kUnknown:
      case State::kMaintenance:
        return;
      case State::kUp:
      case State::kDegraded:
      case State::kPaused:
      case State::kBeforeCreation:
        down_ms_ = 0;
        return;
    }
  }

 private:
  Tally& tally_;
  std::int64_t down_ms_ = 0;
};

std::int64_t& bucket_of(Tally& tally, State state) {
  switch (state) {
    case State::kUp:
      return tally.up_ms;
    case State::kDegraded:
      return tally.degraded_ms;
    case State::kDown:
      return tally.down_ms;
    case State::kUnknown:
      return tally.unknown_ms;
    case State::kMaintenance:
      return tally.maintenance_ms;
    case State::kPaused:
      return tally.paused_ms;
    case State::kBeforeCreation:
      return tally.before_creation_ms;
  }
  assertion_failed("a state of the table", __FILE__, __LINE__);
}

std::int64_t thousandths(std::int64_t part, std::int64_t whole) { return part * 100'000 / whole; }

std::string fraction_digits(std::int64_t value, std::int64_t scale, std::size_t digits) {
  std::string tail = std::to_string(value % scale);
  tail.insert(0, digits - std::min(digits, tail.size()), '0');
  return std::to_string(value / scale) + (digits == 0 ? "" : "." + tail.substr(0, digits));
}

}  // namespace

WallTime origin_of(const LedgerInput& input) {
  const WallTime latest = input.created_at + milliseconds(input.interval_ms);
  return input.first_look ? std::min(*input.first_look, latest) : latest;
}

WallTime settled_until(const LedgerInput& input, WallTime now) {
  WallTime until = now;
  for (const auto& region : input.regions) {
    if (!stale(input, region.observed_through, now)) until = std::min(until, region.observed_through);
    if (region.pending_since && !stale_suspicion(input, *region.pending_since, now)) {
      until = std::min(until, *region.pending_since);
    }
  }
  return until;
}

Timeline timeline_of(const LedgerInput& input, Span window, WallTime now) {
  Timeline timeline;
  const WallTime end = std::min(window.to, now);
  if (end <= window.from) return timeline;
  Sweep sweep(input, window.from, now);
  for (WallTime t = window.from; t < end;) {
    WallTime border = end;
    const Seen seen = sweep.at(t, border);
    EVERUP_ASSERT(border > t);
    append(timeline, {t, border}, seen);
    t = border;
  }
  return timeline;
}

std::int64_t Tally::total_ms() const {
  return up_ms + degraded_ms + down_ms + unknown_ms + maintenance_ms + paused_ms + before_creation_ms;
}

Tally tally(const Timeline& timeline) {
  Tally sum;
  Incidents incidents(sum);
  for (const auto& span : timeline) {
    const std::int64_t ms = span.span.length().count();
    bucket_of(sum, span.state) += ms;
    incidents.take(span.state, ms);
  }
  return sum;
}

Tally operator+(const Tally& a, const Tally& b) {
  Tally sum;
  sum.up_ms = a.up_ms + b.up_ms;
  sum.degraded_ms = a.degraded_ms + b.degraded_ms;
  sum.down_ms = a.down_ms + b.down_ms;
  sum.unknown_ms = a.unknown_ms + b.unknown_ms;
  sum.maintenance_ms = a.maintenance_ms + b.maintenance_ms;
  sum.paused_ms = a.paused_ms + b.paused_ms;
  sum.before_creation_ms = a.before_creation_ms + b.before_creation_ms;
  sum.incidents = a.incidents + b.incidents;
  sum.longest_down_ms = std::max(a.longest_down_ms, b.longest_down_ms);
  return sum;
}

Uptime uptime_of(const Tally& t) {
  Uptime uptime;
  uptime.display = display_percent(t);
  const std::int64_t up = t.up_ms + t.degraded_ms, judged = up + t.down_ms, seen = judged + t.unknown_ms;
  if (judged == 0) return uptime;
  uptime.uptime = thousandths(up, judged);
  uptime.worst = thousandths(up, seen);
  uptime.best = thousandths(up + t.unknown_ms, seen);
  uptime.coverage = thousandths(judged, seen);
  return uptime;
}

std::string display_percent(const Tally& t, std::optional<int> decimals) {
  const std::int64_t up = t.up_ms + t.degraded_ms, judged = up + t.down_ms;
  if (judged == 0) return "n/a";
  if (t.down_ms == 0) return "100%";
  if (up == 0) return "0%";
  const auto digits = static_cast<std::size_t>(std::clamp(decimals.value_or(3), 0, 3));
  std::int64_t scale = 1;
  for (std::size_t i = 0; i < digits; ++i) scale *= 10;
  const std::int64_t value = thousandths(up, judged) * scale / 1000;
  if (value == 0) return "<" + fraction_digits(1, scale, digits) + "%";
  std::string text = fraction_digits(value, scale, digits);
  if (!decimals && text.ends_with('0')) text.pop_back();
  return text + "%";
}

std::int64_t round_up_to_second_ms(std::int64_t ms) { return (ms + 999) / 1000 * 1000; }

std::optional<std::int64_t> rolling_window_ms(std::string_view name) {
  if (name == "24h") return kDayMs;
  if (name == "7d") return 7 * kDayMs;
  if (name == "30d") return 30 * kDayMs;
  if (name == "90d") return 90 * kDayMs;
  if (name == "365d") return 365 * kDayMs;
  return std::nullopt;
}

Span rolling_window(const LedgerInput& input, std::int64_t length_ms, WallTime now) {
  const std::int64_t until = settled_until(input, now).ms;
  const WallTime to{until - until % 1000};
  return {to - milliseconds(length_ms), to};
}

}  // namespace everup
