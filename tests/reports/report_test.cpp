// The model: windows, days and downs are cut from one timeline and agree.
#include "reports/report.h"

#include <gtest/gtest.h>

#include <random>

#include "reports/strip.h"
#include "tests/reports/report_case.h"

namespace everup::reports {
namespace {

using testing::kRefused;
using testing::kRestarted;
using testing::ReportCase;

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 3'600'000;

TEST(Duration, IsRoundedUpToTheSecond) {
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(1), "1 s");
  EXPECT_EQ(duration_text(1000), "1 s");
  EXPECT_EQ(duration_text(1001), "2 s");
  EXPECT_EQ(duration_text(595'000), "9 min 55 s");
  EXPECT_EQ(duration_text(kHour + 2500), "1 h 0 min 3 s");
  EXPECT_EQ(duration_text(2 * kDayMs + 4 * kHour), "2 d 4 h 0 min 0 s");
  EXPECT_EQ(duration_text(-5), "0 s");
}

TEST(ReasonText, IsEnglish) {
  EXPECT_EQ(reason_text(kRefused), facts(Cause::kConnectRefused).english);
  EXPECT_EQ(reason_text(kRestarted), "the prober was restarted");
  EXPECT_EQ(reason_text({}), "");
  EXPECT_EQ(reason_text({12'345, 0}), "");
}

TEST(Windows, EndTogetherAndCarryTheLedger) {
  const ReportModel model =
      ReportCase(2 * kDayMs).span(State::kUp, kDayMs).span(State::kDown, 15'000, kRefused).open(State::kUp).model();
  ASSERT_EQ(model.windows.size(), 5u);
  EXPECT_EQ(model.as_of.ms, ReportCase::kNow.ms / 1000 * 1000);
  for (const WindowFigures& window : model.windows) {
    EXPECT_EQ(window.span.to, model.as_of);
    EXPECT_EQ(window.tally.total_ms(), window.span.length().count());
    EXPECT_EQ(window.span.length().count(), rolling_window_ms(window.name));
  }
  EXPECT_EQ(model.windows[1].tally.down_ms, 15'000);
  EXPECT_EQ(model.windows[1].uptime.coverage, 100'000);
  EXPECT_EQ(model.windows[1].uptime.display, "99.991%");
  EXPECT_EQ(model.windows[4].tally.before_creation_ms, 363 * kDayMs + 678);
}

TEST(Windows, EndWhereDoubtBegins) {
  ReportCase down(kDayMs);
  down.open(State::kUp);
  down.input().ledger.regions[0].pending_since = ReportCase::kNow - milliseconds(25'000);
  const ReportModel model = down.model();
  EXPECT_EQ(model.as_of.ms, (ReportCase::kNow.ms - 25'000) / 1000 * 1000);
}

TEST(Downs, AreListedNewestFirst) {
  const ReportModel model = ReportCase(10 * kDayMs)
                                .span(State::kUp, kDayMs)
                                .span(State::kDown, kMinute, kRefused)
                                .span(State::kUp, kDayMs)
                                .span(State::kDown, 2 * kMinute, {static_cast<std::int16_t>(Cause::kHttpStatus), 0})
                                .open(State::kUp)
                                .model();
  ASSERT_EQ(model.downs.size(), 2u);
  EXPECT_EQ(model.downs[0].down_ms, 2 * kMinute);
  EXPECT_EQ(reason_text(model.downs[0].reason), facts(Cause::kHttpStatus).english);
  EXPECT_EQ(model.downs[1].span.from, WallTime{ReportCase::kNow.ms - 9 * kDayMs});
  EXPECT_FALSE(model.downs[0].open);
  EXPECT_FALSE(model.downs[1].before);
}

TEST(Downs, StayOneAcrossUnknownTimeWhichIsNotCounted) {
  const ReportModel model = ReportCase(kDayMs)
                                .span(State::kUp, kHour)
                                .span(State::kDown, 5 * kMinute, kRefused)
                                .span(State::kUnknown, kHour, kRestarted)
                                .span(State::kDown, 5 * kMinute, kRefused)
                                .open(State::kUp)
                                .model();
  ASSERT_EQ(model.downs.size(), 1u);
  EXPECT_EQ(model.downs[0].down_ms, 10 * kMinute);
  EXPECT_EQ(model.downs[0].span.length().count(), kHour + 10 * kMinute);
  EXPECT_EQ(model.windows[1].tally.incidents, 1);
}

TEST(Downs, AnOpenOneIsTold) {
  const ReportModel model = ReportCase(kDayMs).span(State::kUp, kHour).open(State::kDown, kRefused).model();
  ASSERT_EQ(model.downs.size(), 1u);
  EXPECT_TRUE(model.downs[0].open);
  EXPECT_EQ(model.downs[0].span.to, model.as_of);
}

TEST(Downs, OneThatBeganBeforeTheWindowIsTold) {
  const ReportModel model = ReportCase(400 * kDayMs).span(State::kDown, 50 * kDayMs, kRefused).open(State::kUp).model();
  ASSERT_EQ(model.downs.size(), 1u);
  EXPECT_TRUE(model.downs[0].before);
  EXPECT_EQ(model.downs[0].span.from, model.windows.back().span.from);
}

TEST(Downs, AreBoundedAndTheRestIsCounted) {
  ReportCase history(300 * kDayMs);
  for (int i = 0; i < 250; ++i) history.span(State::kUp, kHour).span(State::kDown, kMinute, kRefused);
  const ReportModel model = history.open(State::kUp).model();
  EXPECT_EQ(model.downs.size(), kDownsMax);
  EXPECT_EQ(model.downs_left_out, 50u);
  EXPECT_EQ(model.windows.back().tally.incidents, 250);
}

TEST(Days, AreCalendarDaysOfTheZone) {
  const ReportModel model = ReportCase(200 * kDayMs).open(State::kUp).model();
  ASSERT_EQ(model.days.size(), static_cast<std::size_t>(kDays));
  EXPECT_EQ(to_string(model.days.back().date), "2026-11-22");
  EXPECT_EQ(to_string(model.days.front().date), "2026-08-25");
  EXPECT_EQ(model.days.back().span.to, model.as_of);
  for (std::size_t i = 0; i + 1 < model.days.size(); ++i) {
    EXPECT_EQ(model.days[i].span.to, model.days[i + 1].span.from);
    const bool long_day = to_string(model.days[i].date) == "2026-10-25";
    EXPECT_EQ(model.days[i].span.length().count(), long_day ? 25 * kHour : 24 * kHour) << to_string(model.days[i].date);
  }
}

TEST(Days, PausesAndMaintenanceAreToldApart) {
  ReportCase history(10 * kDayMs);
  history.span(State::kUp, 2 * kDayMs);
  const WallTime down = history.at();
  history.span(State::kDown, kHour, kRefused).open(State::kUp);
  history.input().ledger.maintenance = {{down, down + milliseconds(kHour)}};
  history.input().ledger.paused = {{down + milliseconds(kDayMs), down + milliseconds(3 * kDayMs)}};
  const ReportModel model = history.model();
  EXPECT_TRUE(model.downs.empty()) << "a failure inside maintenance does not count";
  EXPECT_EQ(model.windows[2].tally.maintenance_ms, kHour);
  EXPECT_EQ(model.windows[2].tally.paused_ms, 2 * kDayMs);
  EXPECT_EQ(model.windows[2].uptime.display, "100%");
  const std::string svg = strip_svg(bars_of(model.days, {}), 60, 30, "30 days");
  EXPECT_NE(svg.find("<path class=\"fill-maintenance\""), std::string::npos);
  EXPECT_NE(svg.find("<path class=\"fill-paused\""), std::string::npos);
  EXPECT_NE(svg.find("<path class=\"fill-before\""), std::string::npos);
  EXPECT_EQ(svg.find("<path class=\"fill-down\""), std::string::npos);
}

// Whatever the history, days partition time, and downs add up to what the windows say.
TEST(Model, AgreesWithItselfOnRandomHistories) {
  std::mt19937 source(4);
  const auto random = [&source](std::int64_t below) { return static_cast<std::int64_t>(source()) % below; };
  for (int round = 0; round < 100; ++round) {
    ReportCase history((random(500) + 1) * kDayMs + random(1000));
    while (history.at() < ReportCase::kNow) {
      const std::int64_t length = 1 + random(10 * kDayMs);
      switch (random(4)) {
        case 0:
          history.span(State::kUp, length);
          break;
        case 1:
          history.span(State::kDown, length / 20 + 1, kRefused);
          break;
        case 2:
          history.span(State::kUnknown, length / 10 + 1, kRestarted);
          break;
        default:
          history.span(State::kDegraded, length / 10 + 1);
          break;
      }
    }
    const ReportModel model = history.model();
    std::int64_t down_ms = 0;
    for (const Down& down : model.downs) down_ms += down.down_ms;
    if (model.downs_left_out == 0) {
      EXPECT_EQ(down_ms, model.windows.back().tally.down_ms);
      EXPECT_EQ(static_cast<std::int64_t>(model.downs.size()), model.windows.back().tally.incidents);
    }
    for (const DayFigures& day : model.days) EXPECT_EQ(day.tally.total_ms(), day.span.length().count());
  }
}

TEST(Strip, DrawsOnePathPerState) {
  const ReportModel model = ReportCase(30 * kDayMs)
                                .span(State::kUp, 10 * kDayMs)
                                .span(State::kDown, 1000, kRefused)
                                .span(State::kUp, kDayMs)
                                .span(State::kDegraded, kHour)
                                .open(State::kUp)
                                .model();
  const std::string svg = strip_svg(bars_of(model.days, {}), 60, 30, "30 days");
  const auto count = [&svg](std::string_view what) {
    int n = 0;
    for (auto at = svg.find(what); at != std::string::npos; at = svg.find(what, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("<path class=\"fill-up\""), 1);
  EXPECT_EQ(count("<path class=\"fill-down\""), 1) << "a down of one second is drawn";
  EXPECT_EQ(count("<path class=\"fill-degraded\""), 1);
  EXPECT_EQ(count("<title>"), 30);
  EXPECT_NE(svg.find("v-6h8v6z"), std::string::npos) << "six units high";
  EXPECT_EQ(count("NaN"), 0);
}

TEST(Strip, BarsFillTheirHeight) {
  // Whatever a day holds, its parts add up to 40 units.
  std::mt19937 random(9);
  for (int round = 0; round < 300; ++round) {
    Bar day;
    const auto some = [&random] { return random() % 3 == 0 ? static_cast<std::int64_t>(random() % 86'400'000) : 0; };
    day.tally = {.up_ms = some(),
                 .degraded_ms = some(),
                 .down_ms = some(),
                 .unknown_ms = some(),
                 .maintenance_ms = some(),
                 .paused_ms = some(),
                 .before_creation_ms = some()};
    if (day.tally.total_ms() == 0) continue;
    const std::string svg = strip_svg({day}, 0, 1, "x");
    int height = 0;
    for (auto at = svg.find("v-"); at != std::string::npos; at = svg.find("v-", at + 1))
      height += std::stoi(svg.substr(at + 2));
    EXPECT_EQ(height, 40) << svg;
  }
}

}  // namespace
}  // namespace everup::reports
