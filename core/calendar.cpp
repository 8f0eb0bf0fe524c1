// Local time by the zone's transitions: an instant t shows local time t + offset(t), piecewise linear with jumps. A
// local time is found as the first instant that shows it or a later one, which is both "end of the gap" and "first of
// two".
#include "core/calendar.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <limits>

#include "core/result.h"

namespace everup {

namespace {

std::chrono::sys_days days_of(Date d) {
  return std::chrono::year{d.year} / std::chrono::month{static_cast<unsigned>(d.month)} /
         std::chrono::day{static_cast<unsigned>(d.day)};
}

Date date_of_days(std::chrono::sys_days days) {
  const std::chrono::year_month_day ymd{days};
  return {static_cast<int>(ymd.year()), static_cast<int>(static_cast<unsigned>(ymd.month())),
          static_cast<int>(static_cast<unsigned>(ymd.day()))};
}

// Local time as if it were UTC.
std::int64_t shown_ms(WallTime t, const Zone& zone) { return t.ms + std::int64_t{1000} * zone.offset_s(t); }

Date date_shown(WallTime t, const Zone& zone) {
  const std::chrono::sys_time<milliseconds> local{milliseconds(shown_ms(t, zone))};
  return date_of_days(std::chrono::floor<std::chrono::days>(local));
}

template <class... Values>
std::string print(const char* format, Values... values) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), format, values...);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

std::optional<Date> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto number = [text](std::size_t from, std::size_t count) {
    int value = 0;
    for (const char c : text.substr(from, count)) {
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  const Date date{number(0, 4), number(5, 2), number(8, 2)};
  if (date.year < 1 || date.month < 1 || date.month > 12 || date.day < 1) return std::nullopt;
  const std::chrono::year_month_day ymd{std::chrono::year{date.year},
                                        std::chrono::month{static_cast<unsigned>(date.month)},
                                        std::chrono::day{static_cast<unsigned>(date.day)}};
  return ymd.ok() ? std::optional(date) : std::nullopt;
}

std::string to_string(Date date) { return print("%04d-%02d-%02d", date.year, date.month, date.day); }

Date next_day(Date date) { return date_of_days(days_of(date) + std::chrono::days{1}); }

// The day whose span holds t. Where clocks go back over midnight the repeated hour belongs to the day that has begun.
Date date_of(WallTime t, const Zone& zone) {
  Date date = date_shown(t, zone);
  if (day_span(date, zone).to <= t) date = next_day(date);
  return date;
}

Span day_span(Date date, const Zone& zone) {
  return {local_to_utc(date, 0, 0, 0, zone), local_to_utc(next_day(date), 0, 0, 0, zone)};
}

Span month_span(int year, int month, const Zone& zone) {
  EVERUP_ASSERT(month >= 1 && month <= 12);
  const Date next = month == 12 ? Date{year + 1, 1, 1} : Date{year, month + 1, 1};
  return {local_to_utc({year, month, 1}, 0, 0, 0, zone), local_to_utc(next, 0, 0, 0, zone)};
}

Span year_span(int year, const Zone& zone) {
  return {local_to_utc({year, 1, 1}, 0, 0, 0, zone), local_to_utc({year + 1, 1, 1}, 0, 0, 0, zone)};
}

WallTime local_to_utc(Date date, int hour, int minute, int second, const Zone& zone) {
  const std::int64_t midnight = std::int64_t{days_of(date).time_since_epoch().count()} * kDayMs;
  const std::int64_t wanted = midnight + hour * kHourMs + minute * std::int64_t{60'000} + second * std::int64_t{1000};
  // No zone is a day away from UTC, so 48 h before nothing like it is shown yet; a handful of transitions may lie
  // between.
  WallTime from{wanted - 2 * kDayMs};
  for (int pieces = 0; pieces < 64; ++pieces) {
    const WallTime to = zone.next_transition(from);
    const WallTime candidate{std::max(from.ms, wanted - std::int64_t{1000} * zone.offset_s(from))};
    if (candidate < to) return candidate;
    from = to;
  }
  return {wanted};  // a zone that changes 64 times in two days does not exist
}

std::string local_text(WallTime t, const Zone& zone) {
  const int offset = zone.offset_s(t);
  const std::chrono::sys_time<milliseconds> local{milliseconds(shown_ms(t, zone))};
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(local - day).count();
  const int s = static_cast<int>(seconds), away = std::abs(offset) / 60;
  return to_string(date_of_days(day)) + print(" %02d:%02d:%02d %c%02d:%02d", s / 3600, s / 60 % 60, s % 60,
                                              offset < 0 ? '-' : '+', away / 60, away % 60);
}

}  // namespace everup
