// Calendar periods: names, spans in zones with odd days, models that partition their time, neighbours, files.
#include "reports/period.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "reports/period_report.h"
#include "reports/strip.h"
#include "tests/reports/report_case.h"

namespace everup::reports {
namespace {

using testing::kAutumn;
using testing::kRefused;
using testing::kRestarted;
using testing::ReportCase;

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 3'600'000;

// Samoa's jump over the date line, as seen from UTC: the offset grows by 24 hours at one instant, a date is skipped.
class DateLine : public Zone {
 public:
  static constexpr WallTime kJump{1'325'239'200'000};  // 2011-12-30T10:00:00Z
  std::string_view name() const override { return "Pacific/Apia"; }
  int offset_s(WallTime t) const override { return t < kJump ? -36'000 : 50'400; }
  WallTime next_transition(WallTime t) const override {
    return t < kJump ? kJump : WallTime{std::numeric_limits<std::int64_t>::max()};
  }
};

TEST(PeriodName, IsAYearAMonthOrADay) {
  for (const char* name : {"1970", "2026", "9998", "2026-01", "2026-12", "2026-11-22", "2024-02-29"}) {
    const auto period = parse_period(name);
    ASSERT_TRUE(period) << name;
    EXPECT_EQ(to_string(*period), name);
  }
  for (const char* name : {"", "202", "20260", "1969", "9999", "2026-", "2026-13", "2026-00", "2026-1", "2026-02-30",
                           "2026-11-2", "2026/11", "2026-11-22T00", "abcd", "2026-ab", "+026", "2026-11-00"})
    EXPECT_FALSE(parse_period(name)) << name;
}

TEST(PeriodName, IsReadAloudInWords) {
  EXPECT_EQ(period_text(*parse_period("2026")), "2026");
  EXPECT_EQ(period_text(*parse_period("2026-11")), "November 2026");
  EXPECT_EQ(period_text(*parse_period("2026-01-02")), "2 January 2026");
}

TEST(PeriodSpan, FollowsTheZone) {
  EXPECT_EQ(span_of(*parse_period("2026-10-25"), kAutumn).length().count(), 25 * kHour);
  EXPECT_EQ(span_of(*parse_period("2026-10"), kAutumn).length().count(), 31 * kDayMs + kHour);
  EXPECT_EQ(parts_of(*parse_period("2026-10"), kAutumn).size(), 31u);
  EXPECT_EQ(parts_of(*parse_period("2026"), kAutumn).size(), 12u);
  EXPECT_TRUE(parts_of(*parse_period("2026-10-25"), kAutumn).empty());
}

TEST(PeriodSpan, ASkippedDateIsNoDay) {
  const DateLine apia;
  EXPECT_TRUE(span_of(*parse_period("2011-12-30"), apia).empty());
  const auto days = parts_of(*parse_period("2011-12"), apia);
  EXPECT_EQ(days.size(), 30u);
  EXPECT_EQ(to_string(days[28]), "2011-12-29");
  EXPECT_EQ(to_string(days[29]), "2011-12-31");
}

TEST(PeriodModel, PartsPartitionWhatIsSettled) {
  std::mt19937 source(8);
  const auto random = [&source](std::int64_t below) { return static_cast<std::int64_t>(source()) % below; };
  for (int round = 0; round < 60; ++round) {
    ReportCase history((random(300) + 1) * kDayMs + random(1000));
    while (history.at() < ReportCase::kNow) {
      const std::int64_t length = 1 + random(5 * kDayMs);
      history.span(State::kUp, length).span(State::kDown, length / 30 + 1, kRefused);
      history.span(State::kUnknown, length / 20 + 1, kRestarted);
    }
    for (const char* name : {"2026", "2026-11", "2026-10", "2026-11-22", "2026-11-21"}) {
      const auto model = history.period(name);
      if (!model) continue;
      EXPECT_EQ(model->tally.total_ms(), model->seen.length().count());
      if (model->input.period.kind == PeriodKind::kDay) continue;
      Tally sum;
      for (const PeriodPart& part : model->parts) {
        EXPECT_EQ(part.tally.total_ms(), part.span.length().count());
        sum = sum + part.tally;
      }
      EXPECT_EQ(sum.up_ms, model->tally.up_ms);
      EXPECT_EQ(sum.down_ms, model->tally.down_ms);
      EXPECT_EQ(sum.unknown_ms, model->tally.unknown_ms);
      EXPECT_EQ(sum.total_ms(), model->tally.total_ms());
    }
  }
}

TEST(PeriodModel, EndsWhereDoubtBegins) {
  ReportCase history(10 * kDayMs);
  history.open(State::kUp);
  history.input().ledger.regions[0].pending_since = ReportCase::kNow - milliseconds(25'000);
  const auto today = history.period("2026-11-22");
  ASSERT_TRUE(today);
  EXPECT_FALSE(today->complete);
  EXPECT_EQ(today->seen.to.ms, (ReportCase::kNow.ms - 25'000) / 1000 * 1000);
  const auto yesterday = history.period("2026-11-21");
  ASSERT_TRUE(yesterday);
  EXPECT_TRUE(yesterday->complete);
  EXPECT_EQ(yesterday->seen, yesterday->whole);
}

TEST(PeriodModel, HasNeighboursInsideTheMonitorsTime) {
  const ReportCase history = ReportCase(3 * kDayMs).open(State::kUp);  // first look 2026-11-19
  EXPECT_FALSE(history.period("2026-11-18"));
  EXPECT_FALSE(history.period("2025"));
  EXPECT_FALSE(history.period("2026-11-23"));
  EXPECT_FALSE(history.period("2027"));
  const auto first = history.period("2026-11-19");
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->previous);
  ASSERT_TRUE(first->next);
  EXPECT_EQ(to_string(*first->next), "2026-11-20");
  EXPECT_EQ(first->tally.before_creation_ms, 5 * kHour + 25 * kMinute + 5678);
  const auto last = history.period("2026-11-22");
  ASSERT_TRUE(last);
  EXPECT_FALSE(last->next);
  EXPECT_EQ(to_string(*last->previous), "2026-11-21");
  EXPECT_FALSE(history.period("2026-11")->previous);
}

TEST(PeriodModel, DownsAreThoseOfThePeriod) {
  ReportCase history(10 * kDayMs);
  history.span(State::kUp, 5 * kDayMs).span(State::kDown, 2 * kDayMs, kRefused).open(State::kUp);
  const auto middle = history.period("2026-11-18");
  ASSERT_TRUE(middle);
  ASSERT_EQ(middle->downs.size(), 1u);
  EXPECT_TRUE(middle->downs[0].before);
  EXPECT_TRUE(middle->downs[0].open);
  EXPECT_EQ(middle->downs[0].down_ms, kDayMs);
  EXPECT_EQ(middle->uptime.display, "0%");
}

TEST(PeriodCsv, HasOneLineAPart) {
  ReportCase history(60 * kDayMs);
  history.span(State::kUp, 50 * kDayMs).span(State::kDown, 595'500, kRefused).open(State::kUp);
  const std::string month = period_csv(*history.period("2026-11"));
  EXPECT_EQ(std::count(month.begin(), month.end(), '\n'), 1 + 22);
  EXPECT_TRUE(month.starts_with("period,from,to,uptime_percent,"));
  EXPECT_NE(month.find("2026-11-12,2026-11-11T23:00:00Z,2026-11-12T23:00:00Z,99.31,99.31,99.31,100,85804.5,0,595.5,"),
            std::string::npos)
      << month;
  const std::string day = period_csv(*history.period("2026-11-12"));
  EXPECT_NE(day.find(",595.5,down,\"" + std::string(facts(Cause::kConnectRefused).english) + "\"\r\n"),
            std::string::npos)
      << day;
  const std::string year = period_csv(*history.period("2026"));
  EXPECT_EQ(std::count(year.begin(), year.end(), '\n'), 1 + 11);
  const std::string overview = overview_csv(history.model());
  EXPECT_EQ(std::count(overview.begin(), overview.end(), '\n'), 1 + kDays);
}

TEST(TimelineStrip, DrawsShortDownsWideEnough) {
  ReportCase history(3 * kDayMs);
  history.span(State::kUp, 2 * kDayMs).span(State::kDown, 1000, kRefused).open(State::kUp);
  const auto day = history.period("2026-11-21");
  ASSERT_TRUE(day);
  const std::string svg = timeline_svg(day->timeline, day->whole, "x");
  EXPECT_NE(svg.find("viewBox=\"0 0 1440 40\""), std::string::npos);
  EXPECT_NE(svg.find("<path class=\"fill-down\" d=\"M325 0h4v40h-4z\"/>"), std::string::npos) << svg;
}

}  // namespace
}  // namespace everup::reports
