// The strip: one bar a day (or a month), piled up from its states, one <path> per state (90 separate elements a strip
// were measured six times slower to lay out). Down is drawn at least 6 of 40 units high, however short it was. A bar
// with an address is a link that the keyboard reaches. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reports/report.h"

namespace everup::reports {

struct Bar {
  Tally tally;
  std::string text;  // its accessible name: "22 Nov 2026: 99.31% up, down 9 min 55 s, 1 incident"; empty: only drawn
  std::string href;  // empty: no link
};
// What a bar says of `tally`, after `name`.
std::string bar_text(const std::string& name, const Tally& tally, const Uptime& uptime);
std::vector<Bar> bars_of(const std::vector<DayFigures>& days, const ReportLinks& links);

// Patterns that the strips refer to; once per page, before the first strip.
std::string strip_patterns();
// <svg> of bars [first, first + count). `label` is its accessible name. It carries only what the table beside it says
// too.
std::string strip_svg(const std::vector<Bar>& bars, std::size_t first, std::size_t count, const std::string& label);
// What stands under the strips: a sample of each state's pattern and its name, as list items.
std::string strip_key();
// The same in other words: up, degraded, down, unknown, maintenance, paused, not watched yet.
std::string strip_key(const std::array<std::string_view, 7>& texts);

// The day as one bar from left to right, to the minute; where several states meet in a minute the worst is drawn, and
// a down at least kDownMinutes wide.
inline constexpr int kDownMinutes = 4;
std::string timeline_svg(const Timeline& timeline, Span whole, const std::string& label);

// & < > " ' for text and attribute values.
std::string escaped(std::string_view text);

}  // namespace everup::reports
