// What badges say, and what their query may ask for.
#include <gtest/gtest.h>

#include "badges/badge.h"

namespace everup::badges {
namespace {

// Figures as the ledger gives them: thousandths of a percent.
Uptime judged(std::int64_t uptime, std::int64_t coverage, std::string display) {
  Uptime out;
  out.uptime = uptime;
  out.worst = uptime;
  out.best = uptime;
  out.coverage = coverage;
  out.display = std::move(display);
  return out;
}

std::string color_at(std::int64_t uptime) {
  return uptime_badge(judged(uptime, 100'000, "x"), Tally{}, "30d").message_color;
}

TEST(UptimeBadge, SaysWindowAndFigure) {
  const BadgeText text = uptime_badge(judged(99'982, 100'000, "99.982%"), Tally{}, "30d");
  EXPECT_EQ(text.label, "uptime 30d");
  EXPECT_EQ(text.message, "99.982%");
  EXPECT_FALSE(text.is_error);
}

TEST(UptimeBadge, ColoursFollowTheFlooredFigure) {
  EXPECT_EQ(color_at(100'000), "#1a7f37");
  EXPECT_EQ(color_at(99'950), "#1a7f37");
  EXPECT_EQ(color_at(99'949), "#4d7c0f");
  EXPECT_EQ(color_at(99'899), "#687100");
  EXPECT_EQ(color_at(99'499), "#9a6700");
  EXPECT_EQ(color_at(98'999), "#bc4c00");
  EXPECT_EQ(color_at(96'999), "#cf222e");
  EXPECT_EQ(color_at(0), "#cf222e");
}

TEST(UptimeBadge, LowCoverageIsTold) {
  EXPECT_EQ(uptime_badge(judged(99'980, 61'999, "99.98%"), Tally{}, "30d").message, "99.98% (61% watched)");
  EXPECT_EQ(uptime_badge(judged(99'980, 94'999, "99.98%"), Tally{}, "30d").message, "99.98% (94% watched)");
  EXPECT_EQ(uptime_badge(judged(99'980, 95'000, "99.98%"), Tally{}, "30d").message, "99.98%");
  EXPECT_NE(shields_json(uptime_badge(judged(99'980, 61'000, "99.98%"), Tally{}, "30d")).find("(61% watched)"),
            std::string::npos);
  BadgeOptions options;
  options.coverage = false;
  EXPECT_EQ(uptime_badge(judged(99'980, 61'000, "99.98%"), Tally{}, "30d", options).message, "99.98%");
}

TEST(UptimeBadge, NothingJudgedIsNoFigure) {
  const BadgeText text = uptime_badge(Uptime{}, Tally{}, "24h");
  EXPECT_EQ(text.message, "n/a");
  EXPECT_EQ(text.message_color, "#59636e");
}

TEST(UptimeBadge, AgreesWithTheLedger) {
  Tally tally;
  tally.up_ms = 86'400'000 - 15'000;
  tally.down_ms = 15'000;
  const Uptime uptime = uptime_of(tally);
  EXPECT_EQ(uptime_badge(uptime, tally, "24h").message, "99.982%");
  BadgeOptions options;
  options.decimals = 2;
  EXPECT_EQ(uptime_badge(uptime, tally, "24h", options).message, "99.98%");
  options.decimals = 0;
  EXPECT_EQ(uptime_badge(uptime, tally, "24h", options).message, "99%") << "floored, never rounded up";
}

TEST(StatusBadge, EveryStateHasItsWord) {
  EXPECT_EQ(status_badge(State::kUp).message, "up");
  EXPECT_EQ(status_badge(State::kDegraded).message, "degraded");
  EXPECT_EQ(status_badge(State::kDown).message, "down");
  EXPECT_EQ(status_badge(State::kUnknown).message, "unknown");
  EXPECT_EQ(status_badge(State::kMaintenance).message, "maintenance");
  EXPECT_EQ(status_badge(State::kPaused).message, "paused");
  EXPECT_EQ(status_badge(State::kBeforeCreation).message, "unknown");
  EXPECT_EQ(status_badge(State::kDown).message_color, "#cf222e");
  EXPECT_EQ(status_badge(State::kUp).label, "status");
}

TEST(NotFoundBadge, IsAnError) {
  EXPECT_TRUE(not_found_badge().is_error);
  EXPECT_NE(badge_svg(not_found_badge()).find("not found"), std::string::npos);
}

TEST(BadgeOptions, AllAreUnderstood) {
  const ParsedOptions parsed = parse_badge_options({{"style", "flat-square"},
                                                    {"color", "green"},
                                                    {"labelColor", "123456"},
                                                    {"label", "My <site>"},
                                                    {"decimals", "3"},
                                                    {"palette", "shields"},
                                                    {"idSuffix", "a_1-B"},
                                                    {"coverage", "off"},
                                                    {"utm_source", "x"}});
  EXPECT_TRUE(parsed.errors.empty());
  const BadgeOptions& o = parsed.options;
  EXPECT_EQ(o.style, Style::kFlatSquare);
  EXPECT_EQ(o.color, "#67ac09") << "palette decides wherever it stands";
  EXPECT_EQ(o.label_color, "#123456");
  EXPECT_EQ(o.label, "My <site>");
  EXPECT_EQ(o.decimals, 3);
  EXPECT_EQ(o.id_suffix, "a_1-B");
  EXPECT_FALSE(o.coverage);
  const BadgeText text = status_badge(State::kUp, o);
  EXPECT_EQ(text.label, "My <site>");
  EXPECT_EQ(text.message_color, "#67ac09");
}

TEST(BadgeOptions, WrongOnesAreNamedAndKeepTheirDefault) {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"style", "fancy"},
                                                                                    {"color", "#12"},
                                                                                    {"labelColor", "url(x)"},
                                                                                    {"label", std::string(1000, 'x')},
                                                                                    {"decimals", "4"},
                                                                                    {"decimals", "-1"},
                                                                                    {"decimals", ""},
                                                                                    {"palette", "dark"},
                                                                                    {"idSuffix", "a b"},
                                                                                    {"idSuffix", std::string(33, 'a')},
                                                                                    {"coverage", "maybe"}}) {
    const ParsedOptions parsed = parse_badge_options({{name, value}});
    ASSERT_EQ(parsed.errors.size(), 1u) << name << "=" << value;
    EXPECT_EQ(parsed.errors[0].pointer, name);
    EXPECT_TRUE(parsed.errors[0].detail.starts_with(name + " must be ")) << parsed.errors[0].detail;
    EXPECT_EQ(parsed.options, BadgeOptions{});
  }
}

TEST(ResponseText, TellsTheMedian) {
  EXPECT_EQ(response_badge(231'400, "24h").label, "response 24h");
  EXPECT_EQ(response_badge(231'400, "24h").message, "231 ms");
  EXPECT_EQ(response_badge(12'400'000, "24h").message, "12 s");
  EXPECT_EQ(response_badge(std::nullopt, "24h").message, "n/a");
  EXPECT_NE(response_badge(231'400, "24h").message_color, response_badge(2'400'000, "24h").message_color);
  EXPECT_EQ(response_badge(299'000, "7d").message_color, response_badge(1, "7d").message_color);
  EXPECT_EQ(response_badge(9'000'000, "7d").message_color, response_badge(90'000'000, "7d").message_color);
}

TEST(CertText, CountsDays) {
  EXPECT_EQ(cert_badge(41).message, "41 days");
  EXPECT_EQ(cert_badge(1).message, "1 day");
  EXPECT_EQ(cert_badge(0).message, "0 days");
  EXPECT_EQ(cert_badge(-1).message, "expired");
  EXPECT_EQ(cert_badge(std::nullopt).message, "n/a");
  EXPECT_EQ(cert_badge(13).message_color, cert_badge(7).message_color);
  EXPECT_NE(cert_badge(14).message_color, cert_badge(13).message_color);
  EXPECT_EQ(cert_badge(6).message_color, cert_badge(-5).message_color);
}

}  // namespace
}  // namespace everup::badges
