// The page: what it says, that hostile text stays text, that nothing runs or loads, that it can be read.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <random>
#include <sstream>

#include "reports/page_text.h"
#include "reports/report.h"
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

std::string page_of(const ReportCase& history) { return overview_html(history.model()); }

ReportCase usual() {
  return ReportCase(100 * kDayMs)
      .span(State::kUp, 50 * kDayMs)
      .span(State::kDown, 595'000, kRefused)
      .span(State::kUp, kDayMs)
      .span(State::kUnknown, 3'600'000, kRestarted)
      .open(State::kUp);
}

TEST(Page, TellsStateFiguresAndDowns) {
  ReportCase history = usual();
  history.input().since = history.at();
  history.input().version = "0.1.0";
  const std::string page = page_of(history);
  EXPECT_TRUE(has(page, "<title>Shop: Up · availability report</title>"));
  EXPECT_TRUE(has(page, "<h1 dir=\"auto\">Shop</h1>"));
  EXPECT_TRUE(has(page, "Times are in the zone Europe/Prague."));
  EXPECT_TRUE(has(page, "<td data-label=\"Down for\">9 min 55 s</td>"));
  EXPECT_TRUE(has(page, facts(Cause::kConnectRefused).english));
  EXPECT_TRUE(has(page, "Everup 0.1.0"));
  EXPECT_TRUE(has(page, "uptime = up ÷ (up + down)"));
  EXPECT_TRUE(has(page, "<dt>At worst</dt>"));
  for (const char* title : {"24 hours", "7 days", "30 days", "90 days", "365 days"}) EXPECT_TRUE(has(page, title));
  EXPECT_EQ(count(page, "<svg class=\"strip\""), 3);
  EXPECT_EQ(count(page, "data-label=\"Day\""), kDays);
  EXPECT_EQ(markup_fault(page), "");
}

TEST(Page, TheTargetIsShownOnlyWhenItsOwnerOpenedIt) {
  ReportCase history = usual();
  EXPECT_FALSE(has(page_of(history), "class=\"target\""));
  history.input().target = "https://shop.example/health?a=1&b=2";
  EXPECT_TRUE(has(page_of(history), "https://shop.example/health?a=1&amp;b=2"));
}

TEST(Page, DoubtIsTold) {
  ReportCase history = usual();
  history.input().suspect_since = ReportCase::kNow - milliseconds(20'000);
  history.input().ledger.regions[0].pending_since = history.input().suspect_since;
  EXPECT_TRUE(has(page_of(history), "that is not confirmed yet"));
  EXPECT_FALSE(has(page_of(usual()), "that is not confirmed yet"));
}

TEST(Page, AnOpenDownIsNotOverYet) {
  ReportCase history(kDayMs);
  history.span(State::kUp, 3'600'000).open(State::kDown, kRefused);
  history.input().state = State::kDown;
  const std::string page = page_of(history);
  EXPECT_TRUE(has(page, "not over yet"));
  EXPECT_TRUE(has(page, "class=\"state t-down\""));
}

TEST(Page, NothingJudgedIsSaidSo) {
  ReportCase fresh(0);
  fresh.input().ledger.first_look.reset();
  fresh.input().ledger.regions.clear();
  fresh.input().state = State::kUnknown;
  const std::string page = page_of(fresh);
  EXPECT_TRUE(has(page, "Nothing has been judged yet."));
  EXPECT_TRUE(has(page, "n/a"));
  EXPECT_FALSE(has(page, "100%</p>"));
  EXPECT_EQ(markup_fault(page), "");
}

TEST(Page, NoDownIsOnlySaidOfWatchedTime) {
  EXPECT_TRUE(has(page_of(ReportCase(kDayMs).open(State::kUp)), "No down time was seen in the last 365 days."));
  const ReportCase gap =
      ReportCase(kDayMs).span(State::kUp, 3'600'000).span(State::kUnknown, 3'600'000, kRestarted).open(State::kUp);
  EXPECT_TRUE(has(page_of(gap), "in the time that was watched."));
}

TEST(Page, GlitchesAndCorrectionsAreTold) {
  ReportCase history = usual();
  EXPECT_FALSE(has(page_of(history), "glitch"));
  history.input().glitches_90d = 1;
  history.input().corrections = 2;
  EXPECT_TRUE(has(page_of(history), "1 glitch in the last 90 days"));
  EXPECT_TRUE(has(page_of(history), "2 corrections were made"));
}

TEST(Page, NothingRunsAndNothingIsFetched) {
  ReportCase history = usual();
  history.input().badge_url = "/badge/abc/uptime/90d.svg";
  for (const std::string& page : {page_of(history), missing_report_html(true), missing_report_html(false)}) {
    for (const char* banned :
         {"<script", "javascript:", "http-equiv", "@import", "url(http", "<link", "<iframe", "<form"})
      EXPECT_FALSE(has(page, banned)) << banned;
    EXPECT_FALSE(has(page, " onload=") || has(page, " onerror=") || has(page, " onclick="));
    EXPECT_TRUE(has(page, "<meta name=\"robots\" content=\"noindex\">"));
    EXPECT_EQ(markup_fault(page), "");
  }
  EXPECT_EQ(count(page_of(history), "src="), 1) << "the badge only";
}

TEST(Page, HostileNamesStayText) {
  const std::array<std::string, 8> parts{"<script>alert(1)</script>",
                                         "\"><img src=x onerror=alert(1)>",
                                         "{{{style}}}",
                                         "{{#windows}}",
                                         "</title><svg onload=x>",
                                         "&lt;b&gt;",
                                         "\xe2\x80\xae\xff\x01",
                                         "' onmouseover='x"};
  std::mt19937 random(2);
  for (int i = 0; i < 200; ++i) {
    std::string name;
    for (int n = 0; n < 3; ++n) name += parts[random() % parts.size()];
    ReportCase history = ReportCase(kDayMs).open(State::kUp);
    history.input().name = name;
    history.input().target = name;
    history.input().badge_url = "/badge/x.svg";
    const std::string page = page_of(history);
    EXPECT_EQ(markup_fault(page), "") << name;
    EXPECT_FALSE(has(page, "<script") || has(page, "<img src=x") || has(page, "<svg onload")) << name;
    EXPECT_EQ(count(page, "<img "), 1);
    EXPECT_EQ(count(page, "<style>"), 1);
  }
}

TEST(Page, IsALandmarkedDocument) {
  const std::string page = page_of(usual());
  for (const char* mark : {"<html lang=\"en\">", "<main id=\"main\">", "<header>", "<footer>", "href=\"#main\"",
                           "<caption>", "scope=\"col\"", "scope=\"row\"", "role=\"img\"", "<time datetime=\""})
    EXPECT_TRUE(has(page, mark)) << mark;
  EXPECT_EQ(count(page, "<h1"), 1);
  EXPECT_EQ(count(page, "<caption>"), 2);
  EXPECT_EQ(count(page, "aria-labelledby=\""), 4);
}

TEST(Page, SaysWhyAReportIsMissingAndNothingElse) {
  EXPECT_TRUE(has(missing_report_html(true), "gone"));
  EXPECT_TRUE(has(missing_report_html(false), "no such report"));
}

TEST(Page, StaysSmall) { EXPECT_LT(page_of(usual()).size(), 64u * 1024); }

double channel(int value) {
  const double c = value / 255.0;
  return c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}
double luminance(const std::string& hex) {
  const auto part = [&hex](std::size_t at) {
    const bool is_short = hex.size() == 4;
    const std::string digits = is_short ? std::string(2, hex[1 + at]) : hex.substr(1 + 2 * at, 2);
    return channel(std::stoi(digits, nullptr, 16));
  };
  return 0.2126 * part(0) + 0.7152 * part(1) + 0.0722 * part(2);
}
double contrast(const std::string& a, const std::string& b) {
  const double x = luminance(a);
  const double y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

// The custom properties of the n-th :root block.
std::map<std::string, std::string> properties(int nth) {
  std::size_t at = 0;
  for (int i = 0; i <= nth; ++i) at = kStyle.find(":root{", at) + 6;
  std::istringstream block(std::string(kStyle.substr(at, kStyle.find('}', at) - at)));
  std::map<std::string, std::string> out;
  for (std::string one; std::getline(block, one, ';');) {
    const auto colon = one.find(':');
    const auto name = one.find("--");
    if (colon != std::string::npos && name != std::string::npos)
      out[one.substr(name, colon - name)] = one.substr(colon + 1);
  }
  return out;
}

TEST(Style, TextCanBeReadInEveryScheme) {
  for (const int scheme : {0, 1, 2}) {  // light, dark, print
    const auto colors = properties(scheme);
    ASSERT_GE(colors.size(), 20u) << scheme;
    for (const char* text : {"--ink", "--soft", "--link", "--up", "--degraded", "--down", "--unknown", "--maintenance",
                             "--paused", "--before"})
      for (const char* ground : {"--ground", "--sheet"})
        EXPECT_GE(contrast(colors.at(text), colors.at(ground)), 4.5) << scheme << " " << text << " on " << ground;
    for (const char* graphic : {"--fill-up", "--fill-down", "--fill-degraded", "--fill-dots", "--fill-plan"})
      EXPECT_GE(contrast(colors.at(graphic), colors.at("--ground")), 2.8) << scheme << " " << graphic;
  }
}

}  // namespace
}  // namespace everup::reports
