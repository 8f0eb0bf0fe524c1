// The strip of days: one bar a day, piled up from the day's states, one <path> per state (90 separate elements a strip
// were measured six times slower to lay out). Down is drawn at least 6 of 40 units high, however short it was. Pure;
// any thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "reports/report.h"

namespace everup::reports {

// Patterns that the strips refer to; once per page, before the first strip.
std::string strip_patterns();
// <svg> of days [first, first + count). `label` is its accessible name. Decoration only carries what the table beside
// it says too.
std::string strip_svg(const std::vector<DayFigures>& days, std::size_t first, std::size_t count,
                      const std::string& label);
// "22 Nov 2026: 99.31% up, down 9 min 55 s, 1 incident"
std::string day_text(const DayFigures& day);

}  // namespace everup::reports
