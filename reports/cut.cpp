// See cut.h.
#include "reports/cut.h"

#include <algorithm>

namespace everup::reports {
namespace {

// A state that ends an incident when it follows a down. Unknown time is not down time, but it does not end one either.
bool ends_incident(State state) {
  switch (state) {
    case State::kUp:
    case State::kDegraded:
    case State::kPaused:
    case State::kBeforeCreation:
      return true;
    case State::kDown:
    case State::kUnknown:
    case State::kMaintenance:
      return false;
  }
  return true;
}

using Piece = Timeline::const_iterator;

Piece first_after(Piece begin, Piece end, WallTime t) {
  return std::partition_point(begin, end, [t](const LedgerSpan& piece) { return piece.span.to <= t; });
}

}  // namespace

Timeline clipped(const Timeline& timeline, Span window) {
  Timeline out;
  for (auto piece = first_after(timeline.begin(), timeline.end(), window.from);
       piece != timeline.end() && piece->span.from < window.to; ++piece) {
    const Span part = intersect(piece->span, window);
    if (!part.empty()) out.push_back({part, piece->state, piece->reason});
  }
  return out;
}

std::vector<Tally> tallies_of(const Timeline& timeline, const std::vector<Span>& windows) {
  std::vector<Tally> out;
  out.reserve(windows.size());
  for (const Span& window : windows) out.push_back(tally(clipped(timeline, window)));
  return out;
}

std::vector<Down> downs_of(const Timeline& timeline) {
  std::vector<Down> downs;
  bool open = false;
  for (const LedgerSpan& piece : timeline) {
    if (ends_incident(piece.state) && open) {
      downs.back().open = false;
      open = false;
    }
    if (piece.state != State::kDown) continue;
    if (!open) {
      downs.push_back({piece.span, true, piece.span.from == timeline.front().span.from, 0, piece.reason});
      open = true;
    }
    downs.back().span.to = piece.span.to;
    downs.back().down_ms += piece.span.length().count();
  }
  std::reverse(downs.begin(), downs.end());
  return downs;
}

std::vector<DayFigures> days_of(const Timeline& timeline, WallTime as_of, const Zone& zone) {
  std::vector<DayFigures> days;
  WallTime inside = as_of - milliseconds(1);
  for (int i = 0; i < kDays && inside.ms >= 0; ++i) {
    const Date date = date_of(inside, zone);
    const Span whole = day_span(date, zone);
    const Span seen{whole.from, std::min(whole.to, as_of)};
    const Tally figures = tally(clipped(timeline, seen));
    days.push_back({date, seen, figures, uptime_of(figures)});
    inside = whole.from - milliseconds(1);
  }
  std::reverse(days.begin(), days.end());
  return days;
}

}  // namespace everup::reports
