// Status pages: what is not watched is never called working, text stays text, feeds are well formed.
#include "reports/status_page.h"

#include <gtest/gtest.h>

#include <cmath>

#include "reports/status_feeds.h"
#include "reports/status_words.h"

namespace everup::reports {
namespace {

class Utc : public Zone {
 public:
  std::string_view name() const override { return "UTC"; }
  int offset_s(WallTime) const override { return 0; }
  WallTime next_transition(WallTime) const override { return WallTime{INT64_MAX}; }
};
const Utc kUtc;
constexpr WallTime kNow{1'795'000'000'000};

StatusRow row(State state, const std::string& name = "Shop") {
  StatusRow out;
  out.id = "mon_1", out.name = name, out.state = state;
  out.created_at = out.ledger.created_at = kNow - milliseconds(10 * kDayMs);
  return out;
}
StatusInput page(const std::vector<State>& states) {
  StatusInput in;
  in.page.slug = "shop", in.page.name = "Shop status";
  in.base = "/status/shop", in.url = "https://up.example.org/status/shop", in.window = "90d";
  in.zone = &kUtc, in.now = kNow;
  in.groups.push_back({"All", {}});
  for (const State state : states) in.groups[0].rows.push_back(row(state));
  return in;
}
Overall overall(const std::vector<State>& states) { return overall_of(page(states).groups); }

TEST(StatusPage, IsAsBadAsItsWorst) {
  using enum State;
  EXPECT_EQ(overall({}), Overall::kEmpty);
  EXPECT_EQ(overall({kUp, kUp}), Overall::kUp);
  EXPECT_EQ(overall({kUp, kPaused}), Overall::kUp);
  EXPECT_EQ(overall({kPaused}), Overall::kUnknown);
  EXPECT_EQ(overall({kUp, kUnknown}), Overall::kUnknown) << "never called working";
  EXPECT_EQ(overall({kUp, kBeforeCreation}), Overall::kUnknown);
  EXPECT_EQ(overall({kUp, kMaintenance}), Overall::kMaintenance);
  EXPECT_EQ(overall({kUnknown, kDegraded}), Overall::kDegraded);
  EXPECT_EQ(overall({kUp, kDown}), Overall::kSomeDown);
  EXPECT_EQ(overall({kDown, kDown, kPaused}), Overall::kAllDown);
  EXPECT_EQ(overall({kDown}), Overall::kSomeDown) << "one is no major outage";
}

TEST(StatusPage, SpeaksItsLanguage) {
  StatusInput in = page({State::kDown});
  for (const auto& [language, text] : {std::pair{"en", "Some systems are down"},
                                       {"de", "Einige Systeme sind ausgefallen"},
                                       {"fr", "Certains systèmes sont en panne"},
                                       {"cs", "Některé systémy mají výpadek"}}) {
    in.page.language = language;
    const std::string html = status_html(in);
    EXPECT_NE(html.find("<html lang=\"" + std::string(language) + "\">"), std::string::npos);
    EXPECT_NE(html.find(text), std::string::npos) << language;
    EXPECT_EQ(html.find("{{"), std::string::npos);
  }
}

TEST(StatusPage, SaysThatItIsOldWhereItIs) {
  const std::string html = status_html(page({State::kUp}));
  EXPECT_NE(html.find("role=\"status\" hidden>"), std::string::npos);
  const std::string stale = marked_stale(html);
  EXPECT_EQ(stale.find("role=\"status\" hidden>"), std::string::npos);
  EXPECT_NE(stale.find("This page could not be renewed"), std::string::npos);
}

TEST(StatusPage, ManyMonitorsAreDrawnWithoutHandles) {
  const std::string few = status_html(page(std::vector<State>(1, State::kUp)));
  const std::string many = status_html(page(std::vector<State>(200, State::kUp)));
  EXPECT_NE(few.find("class=\"day\""), std::string::npos);
  EXPECT_EQ(many.find("class=\"day\""), std::string::npos);
  std::printf("a page of 200 monitors has %zu bytes, of one %zu\n", many.size(), few.size());
  EXPECT_LT(many.size(), 600'000u);
}

TEST(StatusPage, AnyAccentCanBeReadOn) {
  for (int i = 0; i < 4096; ++i) {
    const auto digit = [](int n) { return std::string(2, "0123456789abcdef"[n & 15]); };
    const std::string accent = "#" + digit(i >> 8) + digit(i >> 4) + digit(i);
    const auto linear = [](int c) {
      const double s = c * 17 / 255.0;
      return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
    };
    const double light = 0.2126 * linear(i >> 8 & 15) + 0.7152 * linear(i >> 4 & 15) + 0.0722 * linear(i & 15);
    const double contrast = ink_on(accent) == "#000000" ? (light + 0.05) / 0.05 : 1.05 / (light + 0.05);
    ASSERT_GE(contrast, 4.5) << accent;
  }
}

TEST(StatusFeeds, KeepStrangeTextWellFormed) {
  StatusInput in = page({State::kDown});
  in.incidents.push_back({"inc_1",
                          "mon_1",
                          "<script>\x01&",
                          "connection refused",
                          kNow - milliseconds(60'000),
                          kNow - milliseconds(40'000),
                          std::nullopt,
                          std::nullopt,
                          {{"u1", kNow, "identified", "]]> <b>found</b>"}}});
  for (const std::string& feed : {status_atom(in), status_rss(in)}) {
    EXPECT_EQ(feed.find("<script"), std::string::npos);
    EXPECT_EQ(feed.find("<b>"), std::string::npos);
    EXPECT_EQ(feed.find('\x01'), std::string::npos);
    EXPECT_NE(feed.find("/status/shop/incidents/inc_1"), std::string::npos);
  }
  const std::string json = status_v2_json(in, V2File::kUnresolved);
  EXPECT_NE(json.find("\"status\":\"identified\""), std::string::npos) << json;
  EXPECT_NE(status_v2_json(page({State::kUnknown}), V2File::kComponents).find("degraded_performance"),
            std::string::npos);
}

TEST(StatusFeeds, CalendarLinesAreFoldedBetweenCharacters) {
  StatusInput in = page({State::kUp});
  std::string name;
  for (int i = 0; i < 60; ++i) name += "ě";
  in.maintenance.push_back(
      {"mnt_1-1", name, {kNow, kNow + milliseconds(3'600'000)}, 2, kNow, kNow, {"mon_1"}, {"Shop"}});
  const std::string calendar = status_calendar(in);
  EXPECT_NE(calendar.find("SEQUENCE:1\r\n"), std::string::npos);
  for (std::size_t at = 0; at < calendar.size();) {
    const auto end = calendar.find("\r\n", at);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end - at, 75u);
    EXPECT_NE(static_cast<unsigned char>(calendar[at]) & 0xC0, 0x80) << "cut inside a character";
    at = end + 2;
  }
}

}  // namespace
}  // namespace everup::reports
