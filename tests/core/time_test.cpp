// RFC 3339 in both directions, and calendar days in zones of fixed offset (real zones: tests/zone).
#include "core/time.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "core/calendar.h"

namespace everup {
namespace {

TEST(Time, PrintsRfc3339) {
  EXPECT_EQ(rfc3339({0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339({1}), "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(rfc3339({1'795'320'306'000}), "2026-11-22T04:05:06Z");
  EXPECT_EQ(rfc3339({1'795'320'306'120}), "2026-11-22T04:05:06.120Z");
  EXPECT_EQ(rfc3339({-5}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339({std::numeric_limits<std::int64_t>::max()}), "9999-12-31T23:59:59.999Z");
}

TEST(Time, ReadsWhatItPrints) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    const WallTime t{static_cast<std::int64_t>(random() % 253'402'300'800'000)};
    ASSERT_EQ(parse_time(rfc3339(t)), t);
  }
}

TEST(Time, ReadsOffsetsFractionsAndUnixSeconds) {
  const WallTime t{1'795'320'306'000};
  for (const char* text :
       {"2026-11-22T04:05:06Z", "2026-11-22t04:05:06z", "2026-11-22T05:05:06+01:00", "2026-11-21T23:35:06-04:30",
        "2026-11-22T04:05:06.000Z", "2026-11-22T04:05:06.0009999999Z", "2026-11-22T04:05:06-00:00", "1795320306"}) {
    EXPECT_EQ(parse_time(text), t) << text;
  }
  EXPECT_EQ(parse_time("2026-11-22T04:05:06.5Z"), t + milliseconds(500));
  EXPECT_EQ(parse_time("0"), WallTime{0});
  EXPECT_EQ(parse_time("2016-12-31T23:59:60Z"), parse_time("2017-01-01T00:00:00Z"));
  EXPECT_EQ(parse_time("2017-01-01T00:59:60.7+01:00"), parse_time("2017-01-01T00:00:00Z"));
  EXPECT_EQ(parse_time("2024-02-29T00:00:00Z"), WallTime{1'709'164'800'000});
}

TEST(Time, RefusesWhatIsNeither) {
  for (const char* text : {"",
                           " ",
                           "-1",
                           "+1",
                           "1.5",
                           "1e9",
                           "99999999999999",
                           "2026-11-22",
                           "2026-11-22T04:05:06",
                           "2026-11-22 04:05:06Z",
                           "2026-11-22T04:05Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-11-31T00:00:00Z",
                           "2026-11-22T24:00:00Z",
                           "2026-11-22T04:60:06Z",
                           "2026-11-22T04:05:61Z",
                           "2026-11-22T04:05:60Z",
                           "2026-11-22T04:05:06.Z",
                           "2026-11-22T04:05:06+1:00",
                           "2026-11-22T04:05:06+24:00",
                           "2026-11-22T04:05:06+0100",
                           "2026-11-22T04:05:06ZZ",
                           "2026-11-22T04:05:06Z ",
                           "1969-12-31T23:59:59Z",
                           "1970-01-01T00:00:00+01:00",
                           "9999-12-31T23:59:59-01:00",
                           "abcd-11-22T04:05:06Z"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(Time, SpansAreHalfOpen) {
  const Span a{{10}, {20}};
  EXPECT_TRUE(a.contains({10}));
  EXPECT_FALSE(a.contains({20}));
  EXPECT_EQ(intersect(a, {{15}, {30}}), (Span{{15}, {20}}));
  EXPECT_TRUE(intersect(a, {{20}, {30}}).empty());
  EXPECT_EQ((Span{{20}, {10}}).length(), milliseconds(0));
}

class Fixed final : public Zone {
 public:
  explicit Fixed(int offset) : offset_(offset) {}
  std::string_view name() const override { return "Fixed"; }
  int offset_s(WallTime) const override { return offset_; }
  WallTime next_transition(WallTime) const override { return {std::numeric_limits<std::int64_t>::max()}; }

 private:
  int offset_;
};

TEST(Calendar, DatesAreReadStrictly) {
  EXPECT_EQ(parse_date("2026-11-22"), (Date{2026, 11, 22}));
  EXPECT_EQ(parse_date("2024-02-29"), (Date{2024, 2, 29}));
  for (const char* text : {"", "2026-11-2", "2026-1-22", "2026-02-29", "2026-13-01", "2026-00-10", "2026-11-00",
                           "0000-01-01", "2026/11/22", "2026-11-22 ", "-026-11-22", "2026-+1-22"}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
  EXPECT_EQ(to_string(Date{2026, 1, 2}), "2026-01-02");
  EXPECT_EQ(next_day({2026, 12, 31}), (Date{2027, 1, 1}));
  EXPECT_EQ(next_day({2024, 2, 28}), (Date{2024, 2, 29}));
}

TEST(Calendar, FixedOffsets) {
  const Fixed east(14 * 3600), west(-12 * 3600), utc(0);
  EXPECT_EQ(day_span({1970, 1, 1}, utc), (Span{{0}, {kDayMs}}));
  EXPECT_EQ(day_span({1970, 1, 1}, east).from.ms, -14 * 3'600'000);
  EXPECT_EQ(day_span({1970, 1, 1}, west).from.ms, 12 * 3'600'000);
  EXPECT_EQ(date_of({-1}, utc), (Date{1969, 12, 31}));
  EXPECT_EQ(month_span(2024, 2, utc).length().count(), 29 * kDayMs);
  EXPECT_EQ(month_span(2026, 12, utc).to, year_span(2026, utc).to);
  EXPECT_EQ(local_text({-1}, utc), "1969-12-31 23:59:59 +00:00");
  EXPECT_EQ(local_to_utc({2016, 12, 31}, 23, 59, 60, utc), day_span({2017, 1, 1}, utc).from);
}

}  // namespace
}  // namespace everup
