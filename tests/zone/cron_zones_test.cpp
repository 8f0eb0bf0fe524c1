// Cron expressions where clocks jump: a time that is skipped comes due at the first instant after the gap, one that
// comes twice comes due once. The judge walks real time minute by minute and looks at the clock on the wall.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/cron.h"
#include "zone/zones.h"

namespace everup {
namespace {

const TzdbZones& zones() {
  static const TzdbZones all;
  return all;
}

std::string next_text(const char* cron, const char* zone, const char* after) {
  const auto parsed = Cron::parse(cron);
  const auto from = parse_time(after);
  if (!parsed || !from) return "unreadable";
  const auto next = parsed->next(*from, *zones().find(zone));
  return next ? local_text(*next, *zones().find(zone)) : "never";
}

TEST(CronZones, JumpsByHand) {
  const struct {
    const char *cron, *zone, *after, *next;
  } kTable[] = {
      // Prague, 29 March 2026: 02:00 becomes 03:00
      {"30 2 * * *", "Europe/Prague", "2026-03-28T12:00:00Z", "2026-03-29 03:00:00 +02:00"},
      {"30 2 * * *", "Europe/Prague", "2026-03-29T01:00:00Z", "2026-03-30 02:30:00 +02:00"},
      // Prague, 25 October 2026: 02:00 to 03:00 happens twice
      {"30 2 * * *", "Europe/Prague", "2026-10-24T12:00:00Z", "2026-10-25 02:30:00 +02:00"},
      {"30 2 * * *", "Europe/Prague", "2026-10-25T00:30:00Z", "2026-10-26 02:30:00 +01:00"},
      {"0 3 * * *", "Europe/Prague", "2026-10-25T00:59:00Z", "2026-10-25 03:00:00 +01:00"},
      // Lord Howe goes by half an hour; Apia left out 30 December 2011; Santiago's midnight is missing
      {"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-04 02:30:00 +11:00"},
      {"0 12 * * *", "Pacific/Apia", "2011-12-29T23:00:00Z", "2011-12-31 00:00:00 +14:00"},
      {"0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-06 01:00:00 -03:00"},
  };
  for (const auto& row : kTable) {
    EXPECT_EQ(next_text(row.cron, row.zone, row.after), row.next) << row.cron << " " << row.zone << " " << row.after;
  }
}

// Due in (from, to], by the clock on the wall: a minute is due when the clock first shows it or a later one.
std::vector<std::int64_t> walked(const Cron& cron, const Zone& zone, std::int64_t from, std::int64_t to) {
  const auto shown = [&](std::int64_t ms) { return ms + std::int64_t{1000} * zone.offset_s({ms}); };
  std::int64_t highest = shown(from - 2 * kDayMs);
  for (std::int64_t t = from - 2 * kDayMs; t <= from; t += 60'000) highest = std::max(highest, shown(t));
  std::vector<std::int64_t> due;
  for (std::int64_t t = from + 60'000; t <= to; t += 60'000) {
    bool fits = false;
    for (std::int64_t local = highest + 60'000; local <= shown(t); local += 60'000) {
      const std::chrono::year_month_day ymd{
          std::chrono::floor<std::chrono::days>(std::chrono::sys_time<milliseconds>{milliseconds(local)})};
      const int minute = static_cast<int>(local % kDayMs / 60'000);
      const Date date{static_cast<int>(ymd.year()), static_cast<int>(static_cast<unsigned>(ymd.month())),
                      static_cast<int>(static_cast<unsigned>(ymd.day()))};
      fits = fits || cron.fits(date, minute / 60, minute % 60);
    }
    highest = std::max(highest, shown(t));
    if (fits) due.push_back(t);
  }
  return due;
}

TEST(CronZones, NextIsWhatTheClockOnTheWallShows) {
  const struct {
    const char *zone, *around;
  } kJumps[] = {{"Europe/Prague", "2026-03-29T00:00:00Z"},       {"Europe/Prague", "2026-10-25T00:00:00Z"},
                {"Australia/Lord_Howe", "2026-04-04T15:00:00Z"}, {"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
                {"Pacific/Apia", "2011-12-30T10:00:00Z"},        {"America/Santiago", "2026-04-05T03:00:00Z"},
                {"America/Santiago", "2026-09-06T04:00:00Z"},    {"America/New_York", "2026-11-01T06:00:00Z"},
                {"Asia/Kathmandu", "2026-06-01T00:00:00Z"}};
  const char* kCrons[] = {"*/5 * * * *", "*/7 1-3 * * *",   "30 2 * * *",  "0 0 * * *",        "59 23 * * *",
                          "0 */2 * * *", "15,45 2 * * sun", "0 3 30 12 *", "10 0-4 29-31 * *", "@hourly"};
  std::mt19937_64 random(5);
  for (const auto& jump : kJumps) {
    const Zone& zone = *zones().find(jump.zone);
    const std::int64_t around = parse_time(jump.around).value_or(WallTime{}).ms;
    for (const char* text : kCrons) {
      const auto cron = Cron::parse(text);
      ASSERT_TRUE(cron) << text;
      const std::int64_t from = around - kDayMs, to = around + 2 * kDayMs;
      const auto due = walked(*cron, zone, from, to);
      WallTime t{from};
      for (const std::int64_t want : due) {
        const auto next = cron->next(t, zone);
        ASSERT_TRUE(next) << text << jump.zone;
        ASSERT_EQ(local_text(*next, zone), local_text({want}, zone)) << text << " " << jump.zone << " after " << t.ms;
        t = *next;
      }
      for (int i = 0; i < 20; ++i) {  // from anywhere between
        const WallTime after{from + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(to - from))};
        const auto want = std::upper_bound(due.begin(), due.end(), after.ms);
        if (want == due.end()) continue;
        ASSERT_EQ(cron->next(after, zone), WallTime{*want}) << text << " " << jump.zone << " after " << rfc3339(after);
      }
    }
  }
}

}  // namespace
}  // namespace everup
