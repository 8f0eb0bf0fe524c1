// Response times: bins, quantiles, scale, and lines that break where nothing was answered.
#include "reports/chart.h"

#include <gtest/gtest.h>

#include <string>

namespace everup::reports {
namespace {

constexpr Span kDay{{1'795'305'600'000}, {1'795'392'000'000}};

TEST(Chart, BinsHoldTheirQuantiles) {
  std::vector<LatencySample> samples;
  for (int i = 1; i <= 100; ++i) samples.push_back({kDay.from + milliseconds(i * 1000), i * 1000});
  samples.push_back({kDay.to, 99});  // not in it
  const LatencyChart chart = latency_chart(kDay, samples);
  ASSERT_EQ(chart.bins.size(), 48u);
  EXPECT_EQ(chart.bins[0].count, 100);
  EXPECT_EQ(chart.whole.count, 100);
  EXPECT_NEAR(static_cast<double>(*chart.bins[0].p50_us), 50'000, 500);
  EXPECT_NEAR(static_cast<double>(*chart.bins[0].p99_us), 99'000, 1000);
  EXPECT_FALSE(chart.bins[1].p50_us);
  EXPECT_EQ(chart.bins.back().span.to, kDay.to);
}

TEST(Chart, ADayOf25HoursHas50Bins) {
  const Span day{kDay.from, kDay.to + milliseconds(3'600'000)};
  EXPECT_EQ(latency_chart(day, {}).bins.size(), 50u);
  const Span week{kDay.from, kDay.to + milliseconds(6 * kDayMs)};
  EXPECT_EQ(latency_chart(week, {{kDay.to, 5}}).bins.size(), kBinsMax) << "never more";
}

TEST(Chart, TheScaleIsRound) {
  const auto top = [](std::int64_t us) { return scale_top_us(latency_chart(kDay, {{kDay.from, us}})); };
  EXPECT_EQ(top(1), 1000);
  EXPECT_EQ(top(1900), 2000);
  EXPECT_EQ(top(230'000), 500'000);
  EXPECT_EQ(top(120'000'000), 200'000'000);
  EXPECT_EQ(scale_top_us(latency_chart(kDay, {})), 1000);
}

TEST(Chart, LinesBreakWhereNothingWasAnswered) {
  const LatencyChart chart = latency_chart(
      kDay,
      {{kDay.from, 1000}, {kDay.from + milliseconds(kBinMs), 2000}, {kDay.from + milliseconds(3 * kBinMs), 1000}});
  const std::string svg = chart_svg(chart, "a<b");
  EXPECT_NE(svg.find("<path class=\"line p50\" d=\"M0 96H10V72H20M30 96H40\"/>"), std::string::npos) << svg;
  EXPECT_NE(svg.find("aria-label=\"a&lt;b\""), std::string::npos);
}

TEST(Chart, TimesAreShort) {
  EXPECT_EQ(latency_text(0), "0.0 ms");
  EXPECT_EQ(latency_text(1240), "1.2 ms");
  EXPECT_EQ(latency_text(231'400), "231 ms");
  EXPECT_EQ(latency_text(999'600), "1.0 s");
  EXPECT_EQ(latency_text(1'240'000), "1.2 s");
  EXPECT_EQ(latency_text(61'000'000), "61 s");
}

}  // namespace
}  // namespace everup::reports
