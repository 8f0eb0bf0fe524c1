// Calendar days, months and years of a zone as half-open spans of UTC. Days of 0, 23, 23.5, 24.5 and 25 hours exist;
// where midnight is missing a day starts at the first instant after the gap, where it happens twice at the first.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "core/zone.h"

namespace everup {

struct Date {
  int year = 1970, month = 1, day = 1;
  auto operator<=>(const Date&) const = default;
};
std::optional<Date> parse_date(std::string_view text);  // "2026-11-22"
std::string to_string(Date date);
Date date_of(WallTime t, const Zone& zone);
Date next_day(Date date);
Span day_span(Date date, const Zone& zone);
Span month_span(int year, int month, const Zone& zone);
Span year_span(int year, const Zone& zone);
// The UTC instant of a local time; a missing one moves to the end of the gap, an ambiguous one is the first.
WallTime local_to_utc(Date date, int hour, int minute, int second, const Zone& zone);
// "2026-11-22 04:05:06 +01:00"
std::string local_text(WallTime t, const Zone& zone);

}  // namespace everup
