// Real tzdata through core/calendar.h: the days that are not 24 hours long.
#include "zone/zones.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "core/calendar.h"

namespace everup {
namespace {

constexpr std::int64_t kHour = 3'600'000;

class ZonesTest : public ::testing::Test {
 protected:
  const Zone& zone(std::string_view name) const {
    const Zone* found = zones_.find(name);
    EXPECT_NE(found, nullptr) << name;
    return found == nullptr ? *zones_.find("UTC") : *found;
  }
  std::int64_t day_ms(std::string_view name, Date date) const { return day_span(date, zone(name)).length().count(); }
  TzdbZones zones_;
};

WallTime moment(std::string_view text) { return parse_time(text).value_or(WallTime{-1}); }

TEST_F(ZonesTest, UnknownNamesAreUnknown) {
  for (const char* name : {"", "Europe/Atlantis", "../etc/passwd", "/etc/localtime", "right/Europe/Prague", "posix/UTC",
                           "Europe", "Europe/Prague ", "europe/prague"}) {
    EXPECT_EQ(zones_.find(name), nullptr) << name;
  }
  EXPECT_EQ(zones_.find("UTC"), zones_.find("UTC"));
  EXPECT_EQ(zone("Europe/Prague").name(), "Europe/Prague");
}

TEST_F(ZonesTest, UtcNeverChanges) {
  EXPECT_EQ(zone("UTC").offset_s({0}), 0);
  EXPECT_EQ(zone("UTC").next_transition({0}).ms, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(zone("Etc/UTC").next_transition({0}).ms, std::numeric_limits<std::int64_t>::max());
}

TEST_F(ZonesTest, PragueHasDaysOf23And25Hours) {
  EXPECT_EQ(day_ms("Europe/Prague", {2026, 3, 29}), 23 * kHour);
  EXPECT_EQ(day_ms("Europe/Prague", {2026, 10, 25}), 25 * kHour);
  EXPECT_EQ(day_ms("Europe/Prague", {2026, 11, 22}), 24 * kHour);
  EXPECT_EQ(day_span({2026, 11, 22}, zone("Europe/Prague")).from, moment("2026-11-21T23:00:00Z"));
  EXPECT_EQ(zone("Europe/Prague").next_transition(moment("2026-03-01T00:00:00Z")), moment("2026-03-29T01:00:00Z"));
  EXPECT_EQ(zone("Europe/Prague").next_transition(moment("2026-03-29T01:00:00Z")), moment("2026-10-25T01:00:00Z"));
  EXPECT_EQ(month_span(2026, 3, zone("Europe/Prague")).length().count(), (31 * 24 - 1) * kHour);
  EXPECT_EQ(year_span(2026, zone("Europe/Prague")).length().count(), 365 * 24 * kHour);
  EXPECT_EQ(year_span(2024, zone("Europe/Prague")).length().count(), 366 * 24 * kHour);
}

TEST_F(ZonesTest, LocalTimesThatAreMissingOrTwice) {
  const Zone& prague = zone("Europe/Prague");
  EXPECT_EQ(local_to_utc({2026, 3, 29}, 2, 30, 0, prague), moment("2026-03-29T01:00:00Z"))
      << "missing: the end of the gap";
  EXPECT_EQ(local_to_utc({2026, 3, 29}, 3, 0, 0, prague), moment("2026-03-29T01:00:00Z"));
  EXPECT_EQ(local_to_utc({2026, 10, 25}, 2, 30, 0, prague), moment("2026-10-25T00:30:00Z")) << "twice: the first";
  EXPECT_EQ(local_to_utc({2026, 10, 25}, 3, 0, 0, prague), moment("2026-10-25T02:00:00Z"));
  EXPECT_EQ(local_text(moment("2026-11-22T03:05:06Z"), prague), "2026-11-22 04:05:06 +01:00");
  EXPECT_EQ(local_text(moment("2026-11-22T03:05:06Z"), zone("America/St_Johns")), "2026-11-21 23:35:06 -03:30");
}

TEST_F(ZonesTest, LordHoweHasDaysOfHalfHours) {
  EXPECT_EQ(day_ms("Australia/Lord_Howe", {2026, 4, 5}), 24 * kHour + kHour / 2);
  EXPECT_EQ(day_ms("Australia/Lord_Howe", {2026, 10, 4}), 23 * kHour + kHour / 2);
}

TEST_F(ZonesTest, ApiaSkippedADay) {
  const Zone& apia = zone("Pacific/Apia");
  EXPECT_EQ(day_ms("Pacific/Apia", {2011, 12, 30}), 0);
  EXPECT_EQ(day_ms("Pacific/Apia", {2011, 12, 29}), 24 * kHour);
  EXPECT_EQ(day_ms("Pacific/Apia", {2011, 12, 31}), 24 * kHour);
  EXPECT_EQ(date_of(moment("2011-12-30T09:59:59Z"), apia), (Date{2011, 12, 29}));
  EXPECT_EQ(date_of(moment("2011-12-30T10:00:00Z"), apia), (Date{2011, 12, 31}));
  EXPECT_EQ(month_span(2011, 12, apia).length().count(), 30 * 24 * kHour);
}

TEST_F(ZonesTest, SantiagoHasADayWithoutMidnight) {
  const Zone& santiago = zone("America/Santiago");
  const Span day = day_span({2019, 9, 8}, santiago);
  EXPECT_EQ(day.from, moment("2019-09-08T04:00:00Z"));
  EXPECT_EQ(day.length().count(), 23 * kHour);
  EXPECT_EQ(local_text(day.from, santiago), "2019-09-08 01:00:00 -03:00");
}

// St John's went back at 00:01: 23:01 … 24:00 was shown again after the new day had begun.
TEST_F(ZonesTest, ADayThatBeganGoesOnWhenClocksGoBackOverMidnight) {
  const Zone& johns = zone("America/St_Johns");
  const Span sunday = day_span({2006, 10, 29}, johns);
  EXPECT_EQ(sunday.length().count(), 25 * kHour);
  EXPECT_EQ(date_of(sunday.from, johns), (Date{2006, 10, 29}));
  EXPECT_EQ(date_of(sunday.from + milliseconds(kHour / 2), johns), (Date{2006, 10, 29}));
  EXPECT_EQ(date_of(sunday.from - milliseconds(1), johns), (Date{2006, 10, 28}));
}

TEST_F(ZonesTest, DaysTileTheYearsAndHoldTheirInstants) {
  std::mt19937_64 random(20261122);
  for (const char* name :
       {"Europe/Prague", "Australia/Lord_Howe", "Pacific/Apia", "America/Santiago", "America/St_Johns", "Asia/Tehran",
        "Africa/Casablanca", "America/Havana", "Asia/Kathmandu", "UTC"}) {
    const Zone& z = zone(name);
    Date date{2004, 1, 1};
    WallTime border = day_span(date, z).from;
    for (int i = 0; i < 365 * 12; ++i, date = next_day(date)) {
      const Span day = day_span(date, z);
      ASSERT_EQ(day.from, border) << name << " " << to_string(date);
      ASSERT_LE(day.from, day.to);
      border = day.to;
      if (day.empty()) continue;
      const WallTime inside =
          day.from +
          milliseconds(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(day.length().count())));
      ASSERT_EQ(date_of(inside, z), date) << name << " " << rfc3339(inside);
    }
    for (int year = 2004; year < 2016; ++year) {
      WallTime month_border = year_span(year, z).from;
      for (int month = 1; month <= 12; ++month) {
        ASSERT_EQ(month_span(year, month, z).from, month_border);
        month_border = month_span(year, month, z).to;
      }
      ASSERT_EQ(year_span(year, z).to, month_border);
    }
  }
}

TEST_F(ZonesTest, ManyThreadsMayAsk) {
  const std::vector<const char*> names{"Europe/Prague", "Asia/Tokyo", "America/New_York", "Australia/Lord_Howe",
                                       "Pacific/Apia"};
  std::vector<std::thread> threads;
  std::vector<std::int64_t> sums(4);
  for (std::size_t thread = 0; thread < sums.size(); ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 200; ++i) {
        for (const char* name : names) sums[thread] += zones_.find(name)->offset_s({i * 7 * kDayMs});
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto sum : sums) EXPECT_EQ(sum, sums.front());
  EXPECT_NE(sums.front(), 0);
}

}  // namespace
}  // namespace everup
