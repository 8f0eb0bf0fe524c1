// A calendar year, month or day as reports name it: "2026", "2026-11", "2026-11-22". What it spans depends on the
// report's zone; a day may be 0, 23, 23.5 or 25 hours long. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/calendar.h"
#include "core/time.h"
#include "core/zone.h"

namespace everup::reports {

enum class PeriodKind : unsigned char { kYear, kMonth, kDay };

struct Period {
  PeriodKind kind = PeriodKind::kYear;
  Date date;  // its first day; of a year 1 January
  bool operator==(const Period&) const = default;
};
// Years 1970 … 9998; nullopt for everything else.
std::optional<Period> parse_period(std::string_view text);
std::string to_string(const Period& period);
Span span_of(const Period& period, const Zone& zone);  // empty: a day that this zone skipped
// The period of that kind that `t` lies in.
Period period_at(PeriodKind kind, WallTime t, const Zone& zone);
// Months of a year, days of a month, none of a day; those that the zone skipped are left out.
std::vector<Period> parts_of(const Period& period, const Zone& zone);
std::string period_text(const Period& period);  // "2026", "November 2026", "22 November 2026"

}  // namespace everup::reports
