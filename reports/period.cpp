// See period.h. Days are walked by instants, so that a skipped date is never met.
#include "reports/period.h"

#include <algorithm>
#include <array>

#include "core/result.h"

namespace everup::reports {
namespace {

constexpr int kYearMin = 1970, kYearMax = 9998;  // what rfc3339() prints, with room for the year after

// One rule for all three: what is left out is the first of its kind.
std::string completed(std::string_view text) {
  constexpr std::string_view kFirst = "0000-01-01";
  return std::string(text) + std::string(kFirst.substr(std::min(text.size(), kFirst.size())));
}

}  // namespace

std::optional<Period> parse_period(std::string_view text) {
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return std::nullopt;
  const auto date = parse_date(completed(text));
  if (!date || date->year < kYearMin || date->year > kYearMax) return std::nullopt;
  const PeriodKind kind = text.size() == 4   ? PeriodKind::kYear
                          : text.size() == 7 ? PeriodKind::kMonth
                                             : PeriodKind::kDay;
  return Period{kind, *date};
}

std::string to_string(const Period& period) {
  const std::string whole = everup::to_string(period.date);
  switch (period.kind) {
    case PeriodKind::kYear:
      return whole.substr(0, 4);
    case PeriodKind::kMonth:
      return whole.substr(0, 7);
    case PeriodKind::kDay:
      return whole;
  }
  return whole;
}

Span span_of(const Period& period, const Zone& zone) {
  switch (period.kind) {
    case PeriodKind::kYear:
      return year_span(period.date.year, zone);
    case PeriodKind::kMonth:
      return month_span(period.date.year, period.date.month, zone);
    case PeriodKind::kDay:
      return day_span(period.date, zone);
  }
  return {};
}

Period period_at(PeriodKind kind, WallTime t, const Zone& zone) {
  Date date = date_of(t, zone);
  if (kind != PeriodKind::kDay) date.day = 1;
  if (kind == PeriodKind::kYear) date.month = 1;
  return {kind, date};
}

std::vector<Period> parts_of(const Period& period, const Zone& zone) {
  std::vector<Period> parts;
  if (period.kind == PeriodKind::kDay) return parts;
  const PeriodKind kind = period.kind == PeriodKind::kYear ? PeriodKind::kMonth : PeriodKind::kDay;
  const Span whole = span_of(period, zone);
  constexpr std::size_t kPartsMax = 31;
  for (WallTime at = whole.from; at < whole.to && parts.size() < kPartsMax;) {
    parts.push_back(period_at(kind, at, zone));
    const WallTime end = span_of(parts.back(), zone).to;
    EVERUP_ASSERT(end > at);
    at = end;
  }
  return parts;
}

std::string period_text(const Period& period) {
  constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                     "May",       "June",     "July",     "August",
                                                     "September", "October",  "November", "December"};
  const std::string year = std::to_string(period.date.year);
  const std::string month(kMonths[static_cast<std::size_t>((period.date.month + 11) % 12)]);
  switch (period.kind) {
    case PeriodKind::kYear:
      return year;
    case PeriodKind::kMonth:
      return month + " " + year;
    case PeriodKind::kDay:
      return std::to_string(period.date.day) + " " + month + " " + year;
  }
  return year;
}

}  // namespace everup::reports
