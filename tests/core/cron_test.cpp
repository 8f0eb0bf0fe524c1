// Cron expressions in UTC: grammar, the rule of the two day fields, and a walk minute by minute as the judge. Zones
// with their gaps: tests/zone.
#include "core/cron.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/core/utc.h"

namespace everup {
namespace {

using testing::HasSubstr;

WallTime at(const char* text) { return parse_time(text).value_or(WallTime{-1}); }

std::string next_text(const char* cron, const char* after) {
  const auto parsed = Cron::parse(cron);
  if (!parsed) return parsed.error().what;
  const auto next = parsed->next(at(after), kUtc);
  return next ? rfc3339(*next) : "never";
}

TEST(Cron, ComesDue) {
  const struct {
    const char *cron, *after, *next;
  } kTable[] = {
      {"0 3 * * *", "2026-11-22T02:59:59.999Z", "2026-11-22T03:00:00Z"},
      {"0 3 * * *", "2026-11-22T03:00:00Z", "2026-11-23T03:00:00Z"},
      {"*/15 * * * *", "2026-11-22T10:44:59Z", "2026-11-22T10:45:00Z"},
      {"*/15 * * * *", "2026-11-22T23:45:00Z", "2026-11-23T00:00:00Z"},
      {"5/20 * * * *", "2026-11-22T10:26:00Z", "2026-11-22T10:45:00Z"},
      {"30 8-18/5 * * MON-FRI", "2026-11-20T18:30:00Z", "2026-11-23T08:30:00Z"},
      {"0 0 29 feb *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
      {"0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
      {"0 0 1,15 * *", "2026-11-15T00:00:00Z", "2026-12-01T00:00:00Z"},
      {"0 0 * * 7", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"},
      {"0 0 * * 5-7", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"},
      // both day fields restricted: either; one of them beginning with a star: both
      {"0 0 13 * fri", "2026-11-22T00:00:00Z", "2026-11-27T00:00:00Z"},
      {"0 0 */2 * sun", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"},
      {"\t0  3   *\t* * ", "2026-11-22T00:00:00Z", "2026-11-22T03:00:00Z"},
      {"@hourly", "2026-11-22T00:00:01Z", "2026-11-22T01:00:00Z"},
      {"@daily", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"},
      {"@weekly", "2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z"},
      {"@Monthly", "2026-11-22T00:00:00Z", "2026-12-01T00:00:00Z"},
      {"@yearly", "2026-11-22T00:00:00Z", "2027-01-01T00:00:00Z"},
      {"0 0 * * *", "1969-12-31T12:00:00Z", "1970-01-01T00:00:00Z"},
  };
  for (const auto& row : kTable) EXPECT_EQ(next_text(row.cron, row.after), row.next) << row.cron << " " << row.after;
}

TEST(Cron, BadOnesAreNamed) {
  const struct {
    const char *cron, *why;
  } kTable[] = {
      {"", "five fields"},
      {"* * * *", "five fields"},
      {"* * * * * *", "five fields"},
      {"60 * * * *", "the minute '60'"},
      {"* 24 * * *", "the hour '24'"},
      {"* * 0 * *", "the day of the month '0'"},
      {"* * * 13 *", "the month '13'"},
      {"* * * foo *", "the month 'foo'"},
      {"* * * * 8", "the day of the week '8'"},
      {"* * * jan-3- *", "the month"},
      {"*/0 * * * *", "the minute '*/0'"},
      {"*/60 * * * *", "the minute '*/60'"},
      {"1,,2 * * * *", "the minute ''"},
      {"30-10 * * * *", "the minute '30-10'"},
      {"0 0 L * *", "the day of the month 'l'"},
      {"0 0 30 2 *", "never comes due"},
      {"0 0 31 4,6,9,11 *", "never comes due"},
      {"@reboot", "@hourly"},
      {"99999999999999999999 * * * *", "the minute"},
  };
  for (const auto& row : kTable) {
    const auto parsed = Cron::parse(row.cron);
    ASSERT_FALSE(parsed) << row.cron;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(parsed.error().what, HasSubstr(row.why)) << row.cron;
  }
  EXPECT_FALSE(Cron::parse(std::string(201, '*')));
  EXPECT_TRUE(Cron::parse("0 0 30 2 mon")) << "a weekday beside it does come";
}

std::string random_field(std::mt19937_64& random, int low, int high) {
  const auto pick = [&](int from, int to) {
    return from + static_cast<int>(random() % (static_cast<unsigned>(to - from) + 1));
  };
  switch (random() % 5) {
    case 0:
    case 1:
      return "*";
    case 2:
      return "*/" + std::to_string(pick(1, high));
    case 3:
      return std::to_string(pick(low, high)) + "," + std::to_string(pick(low, high));
    default: {
      const int from = pick(low, high);
      return std::to_string(from) + "-" + std::to_string(pick(from, high)) + "/" + std::to_string(pick(1, 7));
    }
  }
}

// The judge: every minute of up to forty days, one by one.
TEST(Cron, NextIsTheFirstMinuteThatFits) {
  std::mt19937_64 random(11);
  int judged = 0;
  for (int round = 0; round < 400; ++round) {
    const std::string text = random_field(random, 0, 59) + " " + random_field(random, 0, 23) + " " +
                             random_field(random, 1, 31) + " " + random_field(random, 1, 12) + " " +
                             random_field(random, 0, 7);
    const auto cron = Cron::parse(text);
    if (!cron) continue;
    const WallTime after{1'700'000'000'000 + static_cast<std::int64_t>(random() % 200'000'000'000)};
    const auto next = cron->next(after, kUtc);
    std::int64_t minute = after.ms / 60'000 * 60'000 + 60'000;
    for (int i = 0; i < 40 * 1440; ++i, minute += 60'000) {
      const Date date = date_of({minute}, kUtc);
      const int of_day = static_cast<int>(minute % kDayMs / 60'000);
      if (!cron->fits(date, of_day / 60, of_day % 60)) continue;
      ASSERT_TRUE(next) << text;
      ASSERT_EQ(rfc3339(*next), rfc3339({minute})) << text << " after " << rfc3339(after);
      ++judged;
      break;
    }
  }
  EXPECT_GT(judged, 200);
}

}  // namespace
}  // namespace everup
