// Maintenance windows against a naive oracle that walks every local day and looks at the clock on the wall, in zones
// whose clocks jump; a table by hand; the grammar of rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "core/maintenance.h"
#include "core/maintenance_window.h"
#include "zone/zones.h"

namespace everup {
namespace {

using std::chrono::sys_days;
using testing::HasSubstr;

const TzdbZones& tzdb() {
  static const TzdbZones all;
  return all;
}
WallTime at(const std::string& text) { return parse_time(text).value_or(WallTime{-1}); }

MaintenanceRule rule(const char* starts, std::int64_t length_s, const char* rrule, const char* zone) {
  MaintenanceRule out{at(starts), std::chrono::seconds(length_s), {}, tzdb().find(zone)};
  if (*rrule != '\0') {
    auto parsed = parse_rrule(rrule, *out.zone);
    EXPECT_TRUE(parsed) << rrule << (parsed ? "" : parsed.error().what);
    if (parsed) out.repeats = *std::move(parsed);
  }
  return out;
}

std::string starts_of(const MaintenanceRule& r, std::size_t most) {
  std::string out;
  for (const Span& span : occurrences(r, {r.starts_at, at("2040-01-01T00:00:00Z")}, most))
    out += (out.empty() ? "" : " | ") + local_text(span.from, *r.zone).substr(0, 16);
  return out;
}

TEST(Maintenance, ByHand) {
  const struct {
    const char *starts, *rrule, *zone;
    std::size_t most;
    const char* starts_local;
  } kTable[] = {
      {"2026-11-22T22:00:00Z", "", "UTC", 5, "2026-11-22 22:00"},
      {"2026-11-22T01:00:00Z", "FREQ=WEEKLY;BYDAY=SU", "Europe/Prague", 3,
       "2026-11-22 02:00 | 2026-11-29 02:00 | 2026-12-06 02:00"},
      {"2026-11-23T01:00:00Z", "freq=weekly;interval=2;byday=fr,mo", "UTC", 4,
       "2026-11-23 01:00 | 2026-11-27 01:00 | 2026-12-07 01:00 | 2026-12-11 01:00"},
      {"2026-01-31T01:00:00Z", "FREQ=MONTHLY", "UTC", 4,
       "2026-01-31 01:00 | 2026-03-31 01:00 | 2026-05-31 01:00 | 2026-07-31 01:00"},
      {"2026-01-31T01:00:00Z", "FREQ=MONTHLY;BYMONTHDAY=-1", "UTC", 3,
       "2026-01-31 01:00 | 2026-02-28 01:00 | 2026-03-31 01:00"},
      {"2026-11-10T01:00:00Z", "RRULE:FREQ=MONTHLY;BYDAY=2TU", "UTC", 3,
       "2026-11-10 01:00 | 2026-12-08 01:00 | 2027-01-12 01:00"},
      {"2026-11-27T01:00:00Z", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", "UTC", 9, "2026-11-27 01:00 | 2026-12-25 01:00"},
      {"2026-11-22T01:00:00Z", "FREQ=DAILY;INTERVAL=3;UNTIL=20261128", "UTC", 9,
       "2026-11-22 01:00 | 2026-11-25 01:00 | 2026-11-28 01:00"},
      {"2026-11-22T01:00:00Z", "FREQ=DAILY;UNTIL=20261123T005959Z", "UTC", 9, "2026-11-22 01:00"},
      // clocks that jump: Prague forward and back, Santiago without a midnight, Apia without a day
      {"2026-03-28T01:30:00Z", "FREQ=DAILY", "Europe/Prague", 3,
       "2026-03-28 02:30 | 2026-03-29 03:00 | 2026-03-30 02:30"},
      {"2026-10-24T00:30:00Z", "FREQ=DAILY", "Europe/Prague", 3,
       "2026-10-24 02:30 | 2026-10-25 02:30 | 2026-10-26 02:30"},
      {"2026-09-05T04:00:00Z", "FREQ=DAILY", "America/Santiago", 2, "2026-09-05 00:00 | 2026-09-06 01:00"},
      {"2011-12-29T13:00:00Z", "FREQ=DAILY", "Pacific/Apia", 3,
       "2011-12-29 03:00 | 2011-12-31 00:00 | 2011-12-31 03:00"},
      {"2026-10-02T15:45:00Z", "FREQ=DAILY", "Australia/Lord_Howe", 2, "2026-10-03 02:15 | 2026-10-04 02:30"},
  };
  for (const auto& row : kTable) {
    EXPECT_EQ(starts_of(rule(row.starts, 3600, row.rrule, row.zone), row.most), row.starts_local) << row.rrule;
  }
}

TEST(Maintenance, TheLengthIsRealTime) {
  const auto nights = rule("2026-10-24T22:00:00Z", 4 * 3600, "FREQ=DAILY", "Europe/Prague");
  for (const Span& span : occurrences(nights, {nights.starts_at, nights.starts_at + milliseconds(5 * kDayMs)}, 9))
    EXPECT_EQ(span.length(), std::chrono::hours(4));
}

TEST(Maintenance, BadRulesAreNamed) {
  const struct {
    const char *rrule, *why;
  } kTable[] = {{"", "FREQ"},
                {"BYDAY=SU", "FREQ"},
                {"FREQ=YEARLY", "DAILY, WEEKLY or MONTHLY"},
                {"FREQ=WEEKLY;BYDAY=XX", "BYDAY"},
                {"FREQ=WEEKLY;BYDAY=2TU", "nth weekday"},
                {"FREQ=MONTHLY;BYDAY=6TU", "BYDAY"},
                {"FREQ=MONTHLY;BYDAY=0TU", "BYDAY"},
                {"FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"},
                {"FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"},
                {"FREQ=DAILY;BYMONTHDAY=1", "BYMONTHDAY"},
                {"FREQ=DAILY;BYDAY=MO", "BYDAY belongs"},
                {"FREQ=DAILY;INTERVAL=0", "INTERVAL"},
                {"FREQ=DAILY;COUNT=0", "COUNT"},
                {"FREQ=DAILY;COUNT=2;UNTIL=20270101", "exclude"},
                {"FREQ=DAILY;UNTIL=20270230", "UNTIL"},
                {"FREQ=DAILY;UNTIL=2027", "UNTIL"},
                {"FREQ=DAILY;BYHOUR=3", "BYHOUR"},
                {"FREQ=DAILY;FREQ=DAILY", "once"},
                {"FREQ=WEEKLY;WKST=SU", "Monday"},
                {"FREQ", "NAME=VALUE"}};
  for (const auto& row : kTable) {
    const auto parsed = parse_rrule(row.rrule, *tzdb().find("UTC"));
    ASSERT_FALSE(parsed) << row.rrule;
    EXPECT_THAT(parsed.error().what, HasSubstr(row.why)) << row.rrule;
  }
}

// ---- the oracle
// ---------------------------------------------------------------------------------------------------------------

struct Wish {
  std::string text;
  char every = 'D';
  int interval = 1;
  std::set<int> weekdays, month_days;
  std::map<int, int> nth;  // weekday → nth
  int count = 0;
};

Date date_in(sys_days day) {
  const std::chrono::year_month_day ymd{day};
  return {static_cast<int>(ymd.year()), static_cast<int>(static_cast<unsigned>(ymd.month())),
          static_cast<int>(static_cast<unsigned>(ymd.day()))};
}
int weekday_in(sys_days day) { return static_cast<int>(std::chrono::weekday{day}.c_encoding()); }

bool naive_fits(const Wish& wish, sys_days first, sys_days day) {
  const Date date = date_in(day), start = date_in(first);
  const auto month_length = [&] {
    int n = 28;
    while (date_in(day + std::chrono::days(n - date.day + 1)).month == date.month) ++n;
    return n;
  };
  if (wish.every == 'D') return (day - first).count() % wish.interval == 0;
  if (wish.every == 'W') {
    const auto monday = [](sys_days d) { return d - std::chrono::days((weekday_in(d) + 6) % 7); };
    if ((monday(day) - monday(first)).count() / 7 % wish.interval != 0) return false;
    return wish.weekdays.empty() ? weekday_in(day) == weekday_in(first) : wish.weekdays.contains(weekday_in(day));
  }
  if ((date.year * 12 + date.month - start.year * 12 - start.month) % wish.interval != 0) return false;
  if (!wish.month_days.empty())
    return wish.month_days.contains(date.day) || wish.month_days.contains(date.day - month_length() - 1);
  if (wish.nth.empty()) return date.day == start.day;
  const auto found = wish.nth.find(weekday_in(day));
  if (found == wish.nth.end()) return false;
  const int from_begin = (date.day - 1) / 7 + 1, from_end = -((month_length() - date.day) / 7 + 1);
  return found->second == 0 || found->second == from_begin || found->second == from_end;
}

// The first instant, minute by minute, at which the clock on the wall shows this or more.
WallTime naive_instant(sys_days day, int minute, const Zone& zone) {
  const std::int64_t wanted = std::int64_t{day.time_since_epoch().count()} * kDayMs + minute * std::int64_t{60'000};
  for (std::int64_t t = wanted - 28 * std::int64_t{3'600'000};; t += 60'000) {
    if (t + std::int64_t{1000} * zone.offset_s({t}) >= wanted) return {t};
  }
}

Wish random_wish(std::mt19937_64& random) {
  constexpr const char* kNames[] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};
  const auto pick = [&](int from, int to) {
    return from + static_cast<int>(random() % static_cast<unsigned>(to - from + 1));
  };
  Wish wish;
  wish.every = "DWM"[random() % 3];
  wish.interval = pick(1, 4);
  wish.text = std::string("FREQ=") +
              (wish.every == 'D'   ? "DAILY"
               : wish.every == 'W' ? "WEEKLY"
                                   : "MONTHLY") +
              ";INTERVAL=" + std::to_string(wish.interval);
  std::string list;
  const int style = pick(0, 2);
  if (wish.every == 'W' && style > 0) {
    for (int i = 0; i < 3; ++i) {
      const int day = pick(0, 6);
      if (wish.weekdays.insert(day).second) list += (list.empty() ? ";BYDAY=" : ",") + std::string(kNames[day]);
    }
  } else if (wish.every == 'M' && style == 1) {
    for (int i = 0; i < 3; ++i) {
      const int day = random() % 2 == 0 ? pick(1, 31) : -pick(1, 31);
      if (wish.month_days.insert(day).second) list += (list.empty() ? ";BYMONTHDAY=" : ",") + std::to_string(day);
    }
  } else if (wish.every == 'M' && style == 2) {
    for (int i = 0; i < 2; ++i) {
      const int day = pick(0, 6), nth = pick(-5, 5);
      if (wish.nth.emplace(day, nth).second)
        list += (list.empty() ? ";BYDAY=" : ",") + (nth == 0 ? "" : std::to_string(nth)) + kNames[day];
    }
  }
  wish.text += list;
  if (random() % 3 == 0) {
    wish.count = pick(1, 30);
    wish.text += ";COUNT=" + std::to_string(wish.count);
  }
  return wish;
}

TEST(Maintenance, OccurrencesAreThoseOfANaiveCalendar) {
  constexpr const char* kZones[] = {"Europe/Prague", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia", "UTC"};
  std::mt19937_64 random(17);
  std::size_t seen = 0;
  for (int round = 0; round < 100; ++round) {
    const Wish wish = random_wish(random);
    const char* name = kZones[random() % 5];
    const Zone& zone = *tzdb().find(name);
    const sys_days first = sys_days{std::chrono::year{name == std::string("Pacific/Apia") ? 2011 : 2026} / 1 / 1} +
                           std::chrono::days(random() % 360);
    const int minute = static_cast<int>(random() % 4 == 0 ? 0 : random() % 1440);
    MaintenanceRule r{
        naive_instant(first, minute, zone), std::chrono::minutes(1 + static_cast<int>(random() % 3000)), {}, &zone};
    if (local_text(r.starts_at, zone).substr(0, 10) != to_string(date_in(first))) continue;  // a day that is not there
    auto parsed = parse_rrule(wish.text, zone);
    ASSERT_TRUE(parsed) << wish.text << parsed.error().what;
    r.repeats = *std::move(parsed);
    const WallTime from = r.starts_at + milliseconds(static_cast<std::int64_t>(random() % 200) * kDayMs);
    const Span window{from, from + milliseconds(300 * kDayMs)};
    std::vector<Span> want;
    int counted = 0;
    for (sys_days day = first; day < first + std::chrono::days(520); day += std::chrono::days(1)) {
      if (!naive_fits(wish, first, day)) continue;
      if (wish.count != 0 && ++counted > wish.count) break;
      const WallTime begin = naive_instant(
          day, static_cast<int>((r.starts_at.ms + std::int64_t{1000} * zone.offset_s(r.starts_at)) % kDayMs / 60'000),
          zone);
      const Span span{begin, begin + r.length};
      if (span.to > window.from && span.from < window.to && (want.empty() || want.back().from != begin))
        want.push_back(span);
    }
    const auto got = occurrences(r, window, 10'000);
    ASSERT_EQ(got.size(), want.size()) << wish.text << " " << name << " " << local_text(r.starts_at, zone);
    for (std::size_t i = 0; i < want.size(); ++i)
      ASSERT_EQ(local_text(got[i].from, zone), local_text(want[i].from, zone)) << wish.text << " " << name;
    ASSERT_EQ(starts_by_its_rule(r), naive_fits(wish, first, first)) << wish.text;
    seen += want.size();
  }
  EXPECT_GT(seen, 1000u);
}

TEST(Maintenance, DraftsAreJudgedFieldByField) {
  MaintenanceDraft good;
  good.starts_at = at("2026-11-29T01:00:00Z");
  good.length = std::chrono::hours(2);
  const WallTime now = at("2026-11-22T12:00:00Z");
  EXPECT_TRUE(validate(good, tzdb(), now).empty());
  const auto wrong = [&](auto change) {
    MaintenanceDraft draft = good;
    change(draft);
    const auto errors = validate(draft, tzdb(), now);
    return errors.size() == 1 ? errors[0].pointer : std::to_string(errors.size()) + " errors";
  };
  EXPECT_EQ(wrong([](auto& d) { d.name = ""; }), "#/name");
  EXPECT_EQ(wrong([](auto& d) { d.timezone = "Mars/Base"; }), "#/timezone");
  EXPECT_EQ(wrong([](auto& d) { d.length = milliseconds(1000); }), "#/ends_at");
  EXPECT_EQ(wrong([](auto& d) { d.starts_at = d.starts_at + milliseconds(1); }), "#/starts_at");
  EXPECT_EQ(wrong([](auto& d) { d.rrule = "FREQ=HOURLY"; }), "#/rrule");
  EXPECT_EQ(wrong([](auto& d) { d.rrule = "FREQ=WEEKLY;BYDAY=MO"; }), "#/starts_at");
  EXPECT_EQ(wrong([](auto& d) { d.tags = {"a b"}; }), "#/match/tags/0");
  EXPECT_EQ(wrong([](auto& d) { d.tags = {"a"}, d.monitors = {"mon_1"}; }), "#/match");
  EXPECT_EQ(wrong([](auto& d) { d.starts_at = at("2026-11-20T01:00:00Z"); }), "#/ends_at");
  EXPECT_EQ(wrong([](auto& d) {
              d.starts_at = at("2026-11-01T01:00:00Z");
              d.rrule = "FREQ=DAILY;COUNT=3";
            }),
            "#/rrule");
}

}  // namespace
}  // namespace everup
