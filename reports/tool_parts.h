// What the reports of the two tools have in common: the bar that says the verdict, the bars of the steps, the request
// that makes a monitor. Pure; markup out, every text escaped by its template.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/outcome.h"
#include "core/time.h"
#include "reports/tool_page.h"

namespace everup::reports {

inline constexpr std::size_t kToolTextMax = 2048;  // bytes of a foreign text on these pages

std::string state_bar(Verdict verdict, Cause cause, std::string_view detail);

struct StepBar {
  std::string name;
  std::int32_t at_ms = 0, took_ms = 0;
  std::string note;
};
std::string step_bars(const std::vector<StepBar>& steps);
// `link`: the dashboard's form with the target filled in; empty: none.
std::string save_html(std::string_view command, std::string_view link);
// "22 Nov 2026 to 20 Feb 2027, 90 days left"; "…, ended 3 days ago".
std::string validity_text(WallTime from, WallTime to, WallTime now);
std::string day_text(WallTime t);
// "a, b, c and 17 more": at most `most` are named.
std::string listed(const std::vector<std::string>& names, std::size_t most);

}  // namespace everup::reports
