// Words and dates of the report page. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/calendar.h"
#include "core/standing.h"

namespace everup::reports {

std::string_view state_word(State state);              // "Up"
std::string_view state_class(State state);             // "up": also the class in the style sheet
std::string date_text(Date date);                      // "22 Nov 2026"
std::string short_date_text(Date date);                // "22 Nov"
std::string_view window_title(std::string_view name);  // "24h" → "24 hours"
std::string counted(std::int64_t n, std::string_view one, std::string_view many);  // "1 incident", "2 incidents"

}  // namespace everup::reports
