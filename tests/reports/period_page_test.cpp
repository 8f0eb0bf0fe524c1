// The calendar pages: what they say, where they lead, that hostile text stays text.
#include <gtest/gtest.h>

#include "reports/period_report.h"
#include "reports/strip.h"
#include "tests/reports/markup.h"
#include "tests/reports/report_case.h"

namespace everup::reports {
namespace {

using testing::count;
using testing::has;
using testing::kRefused;
using testing::kRestarted;
using testing::markup_fault;
using testing::ReportCase;

ReportCase linked() {
  ReportCase history(100 * kDayMs);
  history.span(State::kUp, 90 * kDayMs)
      .span(State::kDown, 595'000, kRefused)
      .span(State::kUp, kDayMs)
      .span(State::kUnknown, 3'600'000, kRestarted)
      .open(State::kUp);
  history.input().links = {"/report/abc", "?tz=Europe%2FPrague"};
  return history;
}

std::string page_of(const ReportCase& history, std::string_view name) { return period_html(*history.period(name)); }

TEST(PeriodPage, AYearLeadsToItsMonths) {
  const std::string page = page_of(linked(), "2026");
  EXPECT_TRUE(has(page, "<title>Shop: 2026 · availability report</title>"));
  EXPECT_TRUE(has(page, "href=\"/report/abc/2026-11?tz=Europe%2FPrague\""));
  EXPECT_TRUE(has(page, "<span aria-current=\"page\">2026</span>"));
  EXPECT_TRUE(has(page, "It is not over"));
  EXPECT_FALSE(has(page, "rel=\"prev\"")) << "the monitor was made this year";
  EXPECT_EQ(count(page, "data-label=\"Month\""), 11);
  EXPECT_EQ(markup_fault(page), "");
}

TEST(PeriodPage, AMonthLeadsToItsDaysAndNeighbours) {
  const std::string page = page_of(linked(), "2026-10");
  EXPECT_TRUE(has(page, "<h2 id=\"uptime\">October 2026</h2>"));
  EXPECT_TRUE(has(page, "rel=\"prev\" href=\"/report/abc/2026-09?tz=Europe%2FPrague\">← September 2026</a>"));
  EXPECT_TRUE(has(page, "rel=\"next\" href=\"/report/abc/2026-11?tz=Europe%2FPrague\">November 2026 →</a>"));
  EXPECT_TRUE(has(page, "href=\"/report/abc/2026-10-25?tz=Europe%2FPrague\""));
  EXPECT_TRUE(has(page, "href=\"/report/abc/2026-10.json\"")) << "files have no zone of the reader's";
  EXPECT_FALSE(has(page, "It is not over"));
  EXPECT_EQ(count(page, "data-label=\"Day\""), 31);
  EXPECT_EQ(count(page, "<a href=\"/report/abc/2026-10-"), 2 * 31) << "strip and table";
  EXPECT_TRUE(has(page, "No down time was seen."));
  EXPECT_EQ(markup_fault(page), "");
}

TEST(PeriodPage, ADayTellsEveryStretchAndCause) {
  const std::string page = page_of(linked(), "2026-11-12");
  EXPECT_TRUE(has(page, "<h2 id=\"uptime\">12 November 2026</h2>"));
  EXPECT_TRUE(has(page, "2026-11-12 05:25:05 +01:00"));
  EXPECT_TRUE(has(page, facts(Cause::kConnectRefused).english));
  EXPECT_TRUE(has(page, "9 min 55 s"));
  EXPECT_EQ(count(page, "data-label=\"State\""), 3);
  EXPECT_TRUE(has(page, "<svg class=\"strip timeline\""));
  EXPECT_EQ(markup_fault(page), "");
  const std::string blind = page_of(linked(), "2026-11-13");
  EXPECT_TRUE(has(blind, "the prober was restarted"));
  EXPECT_TRUE(has(blind, "<dt>Not watched (unknown)</dt><dd>1 h 0 min 0 s</dd>"));
  EXPECT_TRUE(has(blind, "<dt>At worst</dt>"));
}

TEST(PeriodPage, AnIncidentMayGoOnAfterIt) {
  ReportCase history(10 * kDayMs);
  history.span(State::kUp, 5 * kDayMs).open(State::kDown, kRefused);
  EXPECT_TRUE(has(page_of(history, "2026-11-18"), "after this day"));
  EXPECT_TRUE(has(page_of(history, "2026-11"), "not over yet"));
}

TEST(PeriodPage, AFinishedPeriodDoesNotChangeWithTheClock) {
  ReportCase history = linked();
  const std::string before = page_of(history, "2026-10");
  history.input().now = history.input().now + milliseconds(7'654'321);
  history.input().ledger.regions[0].observed_through = history.input().now;
  EXPECT_EQ(page_of(history, "2026-10"), before) << "its ETag stays";
}

TEST(PeriodPage, ManyStretchesAreBounded) {
  ReportCase history(kDayMs);
  for (int i = 0; i < 700; ++i) history.span(State::kUp, 60'000).span(State::kDown, 2'000, kRefused);
  history.open(State::kUp);
  const std::string page = page_of(history, "2026-11-21");
  EXPECT_EQ(count(page, "data-label=\"State\""), static_cast<int>(kStretchesMax));
  EXPECT_TRUE(has(page, "later ones are not listed here"));
  EXPECT_LT(page.size(), 400u * 1024);
}

TEST(PeriodPage, ShowsResponseTimesOfADay) {
  const ReportCase history = linked();
  PeriodInput in = history.period("2026-11-20")->input;
  const Span day = span_of(in.period, *in.zone);
  in.chart = latency_chart(day, {{day.from, 120'000}, {day.from, 130'000}});
  const std::string page = period_html(*period_model(in));
  EXPECT_TRUE(has(page, "2 checks answered"));
  EXPECT_TRUE(has(page, "<svg class=\"chart\""));
  EXPECT_EQ(markup_fault(page), "");
  in.chart = latency_chart(day, {});
  EXPECT_TRUE(has(period_html(*period_model(in)), "no check was answered, or its measurements are no longer kept"));
}

TEST(PeriodPage, HostileNamesStayText) {
  ReportCase history = linked();
  history.input().name = "</title><script>x</script>{{{style}}}\"'>";
  history.input().target = "\"><img src=x onerror=alert(1)>";
  for (const char* name : {"2026", "2026-11", "2026-11-21"}) {
    const std::string page = page_of(history, name);
    EXPECT_EQ(markup_fault(page), "");
    EXPECT_FALSE(has(page, "<script") || has(page, "<img"));
    EXPECT_EQ(count(page, "<style>"), 1);
  }
}

TEST(PeriodPage, NothingRunsAndNothingIsFetched) {
  for (const char* name : {"2026", "2026-11", "2026-11-21"}) {
    const std::string page = page_of(linked(), name);
    for (const char* banned :
         {"<script", "javascript:", "http-equiv", "@import", "url(http", "<link", "<iframe", "src="})
      EXPECT_FALSE(has(page, banned)) << banned;
    EXPECT_EQ(count(page, "<h1"), 1);
  }
}

}  // namespace
}  // namespace everup::reports
