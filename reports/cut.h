// One timeline, cut into what a page shows: parts with their tallies, and the list of downs. All of a page is cut from
// one timeline, so that its figures always agree. Pure; any thread.
#pragma once

#include <vector>

#include "core/ledger.h"
#include "core/time.h"
#include "reports/report.h"

namespace everup::reports {

// The part of `timeline` inside `window`.
Timeline clipped(const Timeline& timeline, Span window);
// One tally for each of `windows`; a window costs what lies in it, not what the timeline holds.
std::vector<Tally> tallies_of(const Timeline& timeline, const std::vector<Span>& windows);
// Runs of down, newest first; unknown and maintenance between two downs do not end one (as Tally counts them).
std::vector<Down> downs_of(const Timeline& timeline);

// The kDays calendar days that end with the one `as_of` lies in, oldest first. Walks over instants, so a date that a
// zone skipped is not shown.
std::vector<DayFigures> days_of(const Timeline& timeline, WallTime as_of, const Zone& zone);

}  // namespace everup::reports
