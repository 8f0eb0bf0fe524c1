// Badges as drawn: shields' geometry, well-formed XML whatever comes in, names and attributes from a short list.
#include "badges/badge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "badges/color.h"
#include "tests/badges/strict_xml.h"

namespace everup::badges {
namespace {

using testing::XmlElement;

XmlElement parsed(const std::string& svg) {
  std::string why;
  auto root = everup::testing::StrictXml::parse(svg, &why);
  EXPECT_TRUE(root.has_value()) << why << "\n" << svg;
  return root.value_or(XmlElement{});
}

void collect(const XmlElement& element, std::string_view name, std::vector<XmlElement>& out) {
  if (element.name == name) out.push_back(element);
  for (const XmlElement& child : element.children) collect(child, name, out);
}

std::vector<XmlElement> all(const XmlElement& root, std::string_view name) {
  std::vector<XmlElement> out;
  collect(root, name, out);
  return out;
}

BadgeText uptime_text() {
  BadgeText text;
  text.label = "uptime";
  text.message = "99.98%";
  text.message_color = "#1a7f37";
  return text;
}

// The figures are those that badge-maker 6 prints for the same words.
TEST(BadgeGeometry, WidthsAreShields) {
  EXPECT_EQ(text_width_px("uptime"), 39);
  EXPECT_EQ(text_width_px("99.98%"), 43);
  EXPECT_EQ(text_width_px(""), 1);
  EXPECT_EQ(text_width_px("build"), 27);
  EXPECT_EQ(text_width_px("passing"), 41) << "build | passing is 37 + 51 px wide";
  EXPECT_EQ(text_width_px("n/a"), 19);
  EXPECT_EQ(text_width_px("日本"), 23) << "11 px each, made odd";
}

TEST(BadgeGeometry, FlatStandsWhereShieldsPutsIt) {
  const XmlElement svg = parsed(badge_svg(uptime_text()));
  EXPECT_EQ(svg.attributes.at("width"), "102");
  EXPECT_EQ(svg.attributes.at("height"), "20");
  const auto texts = all(svg, "text");
  ASSERT_EQ(texts.size(), 4u);
  for (const std::size_t i : {0u, 1u}) EXPECT_EQ(texts[i].attributes.at("x"), "255");
  for (const std::size_t i : {2u, 3u}) EXPECT_EQ(texts[i].attributes.at("x"), "745");
  EXPECT_EQ(texts[0].attributes.at("y"), "150");
  EXPECT_EQ(texts[0].attributes.at("aria-hidden"), "true");
  EXPECT_EQ(texts[1].attributes.at("y"), "140");
  EXPECT_EQ(texts[1].attributes.at("textLength"), "390");
  EXPECT_EQ(texts[3].attributes.at("textLength"), "430");
  const auto rects = all(svg, "rect");
  EXPECT_EQ(rects.at(0).attributes.at("rx"), "3");
  EXPECT_EQ(rects.at(1).attributes.at("width"), "49");
  EXPECT_EQ(rects.at(2).attributes.at("x"), "49");
  EXPECT_EQ(rects.at(2).attributes.at("width"), "53");
}

TEST(BadgeGeometry, FlatSquareHasNoShineAndNoShadow) {
  BadgeText text = uptime_text();
  text.style = Style::kFlatSquare;
  const XmlElement svg = parsed(badge_svg(text));
  EXPECT_EQ(all(svg, "text").size(), 2u);
  EXPECT_TRUE(all(svg, "linearGradient").empty());
  EXPECT_EQ(svg.children.at(1).attributes.at("shape-rendering"), "crispEdges");
  EXPECT_EQ(svg.attributes.at("width"), "102");
}

TEST(BadgeGeometry, WithoutALabelOnlyTheMessageStays) {
  BadgeText text = uptime_text();
  text.label = " ";
  const XmlElement svg = parsed(badge_svg(text));
  EXPECT_EQ(svg.attributes.at("width"), "53");
  EXPECT_EQ(svg.attributes.at("aria-label"), "99.98%");
  EXPECT_EQ(all(svg, "text").at(0).attributes.at("x"), "265");
  EXPECT_EQ(all(svg, "rect").at(1).attributes.at("fill"), "#1a7f37");
}

TEST(BadgeText, IsReadAloud) {
  const XmlElement svg = parsed(badge_svg(uptime_text()));
  EXPECT_EQ(svg.attributes.at("role"), "img");
  EXPECT_EQ(svg.attributes.at("aria-label"), "uptime: 99.98%");
  EXPECT_EQ(all(svg, "title").at(0).text, "uptime: 99.98%");
}

TEST(BadgeText, SuffixKeepsIdsApart) {
  BadgeText text = uptime_text();
  text.id_suffix = "-a1";
  const XmlElement svg = parsed(badge_svg(text));
  EXPECT_EQ(all(svg, "clipPath").at(0).attributes.at("id"), "r-a1");
  EXPECT_EQ(all(svg, "linearGradient").at(0).attributes.at("id"), "s-a1");
  EXPECT_NE(badge_svg(text).find("url(#r-a1)"), std::string::npos);
  text.id_suffix = "\"><script>";
  EXPECT_EQ(all(parsed(badge_svg(text)), "clipPath").at(0).attributes.at("id"), "r");
}

TEST(BadgeText, LongTextIsCut) {
  BadgeText text;
  text.label = std::string(500, 'l');
  text.message = std::string(500, 'm');
  const XmlElement svg = parsed(badge_svg(text));
  EXPECT_EQ(svg.attributes.at("aria-label").size(), kLabelMax + 2 + kMessageMax);
}

TEST(BadgeText, BrokenColoursBecomeGrey) {
  BadgeText text = uptime_text();
  text.message_color = "red;}<script>";
  text.label_color = "url(#x)";
  const XmlElement svg = parsed(badge_svg(text));
  EXPECT_EQ(all(svg, "rect").at(1).attributes.at("fill"), "#59636e");
  EXPECT_EQ(all(svg, "rect").at(2).attributes.at("fill"), "#59636e");
}

std::vector<std::string> hostile_texts() {
  std::vector<std::string> texts{"<script>alert(1)</script>",
                                 "\"><svg onload=alert(1)>",
                                 "</title><foreignObject>",
                                 "]]><x/>",
                                 "&#x3c;script&#x3e;",
                                 "&lt;b&gt;",
                                 "<!--",
                                 "-->",
                                 "<![CDATA[x]]>",
                                 "<!DOCTYPE svg [<!ENTITY a \"b\">]>",
                                 "&a;",
                                 "&",
                                 "&&amp;",
                                 "'\"`",
                                 "\x01\x02\x1b[31mred",
                                 std::string("nul\0byte", 8),
                                 "line\nbreak\ttab\r",
                                 "\xff\xfe\xfd",
                                 "\xc0\xaf overlong",
                                 "\xed\xa0\x80 surrogate",
                                 "\xf4\x90\x80\x80 too high",
                                 "\xe2\x80\xae right to left",
                                 "\xef\xbf\xbf",
                                 "\xc2\x85\xc2\x9f",
                                 "javascript:alert(1)",
                                 "url(#s)",
                                 "x\" onmouseover=\"alert(1)",
                                 "<?xml version=\"1.0\"?>",
                                 "\xf0\x9f\x92\xa9",
                                 "\xe2\x80\x8b zero width",
                                 "{{name}}",
                                 "%3Cscript%3E",
                                 "a\xcc\x81\xcc\x82\xcc\x83",
                                 std::string(10'000, '<')};
  std::mt19937 random(20261122);
  const std::string alphabet = "<>&\"'/=!?-[]()#;xX \n\t\x01\x7f\x80\xc2\xe2\xf0\xff";
  while (texts.size() < 400) {
    std::string text;
    const std::size_t length = random() % 90;
    for (std::size_t i = 0; i < length; ++i) text.push_back(alphabet[random() % alphabet.size()]);
    texts.push_back(text);
  }
  return texts;
}

TEST(BadgeText, HostileTextStaysText) {
  const std::set<std::string> elements{"svg", "title", "linearGradient", "stop", "clipPath", "rect", "g", "text"};
  for (const std::string& hostile : hostile_texts()) {
    for (const Style style : {Style::kFlat, Style::kFlatSquare, Style::kPlastic, Style::kForTheBadge}) {
      BadgeText text;
      text.label = hostile;
      text.message = hostile;
      text.message_color = hostile;
      text.id_suffix = hostile.substr(0, 40);
      text.style = style;
      const XmlElement svg = parsed(badge_svg(text));
      std::set<std::string> names;
      everup::testing::names_in(svg, names);
      EXPECT_TRUE(std::includes(elements.begin(), elements.end(), names.begin(), names.end())) << hostile;
      std::set<std::string> attributes;
      everup::testing::attributes_in(svg, attributes);
      for (const std::string& name : attributes) {
        EXPECT_FALSE(name.starts_with("on")) << name;
        EXPECT_NE(name, "href");
        EXPECT_NE(name, "style");
      }
    }
  }
}

TEST(BadgeText, WhatCanBeReadStays) {
  BadgeText text;
  text.label = "  Größe <&> \xe2\x80\xae\"x\"'\n日本 ";
  text.message = "ok";
  EXPECT_EQ(parsed(badge_svg(text)).attributes.at("aria-label"), "Größe <&> \"x\"' 日本: ok");
}

TEST(BadgeJson, HasShieldsKeysAndNoOthers) {
  EXPECT_EQ(shields_json(uptime_text()),
            R"({"schemaVersion":1,"label":"uptime","message":"99.98%","color":"#1a7f37","labelColor":"#555555",)"
            R"("isError":false,"style":"flat","cacheSeconds":300})");
  BadgeText text;
  text.label = "a\"b\\c\x01\n";
  EXPECT_NE(shields_json(text, -5).find(R"("label":"a\"b\\c","message":"n/a")"), std::string::npos);
  EXPECT_NE(shields_json(text, -5).find(R"("cacheSeconds":0})"), std::string::npos);
}

double channel(int value) {
  const double c = value / 255.0;
  return c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}
double luminance(std::string_view hex) {
  const auto part = [hex](std::size_t at) { return channel(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16)); };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}

TEST(BadgeColor, OurPaletteCanBeReadInWhite) {
  for (int i = 0; i <= static_cast<int>(Tone::kLabel); ++i) {
    const auto color = tone_color(static_cast<Tone>(i), Palette::kEverup);
    EXPECT_GE(1.05 / (luminance(color) + 0.05), 4.5) << color;
    EXPECT_EQ(text_on(color).text, "#fff") << color;
  }
  EXPECT_EQ(text_on("#ffffff").text, "#333");
}

TEST(BadgeColor, NamesAndHexAreUnderstood) {
  EXPECT_EQ(*parse_color("abc"), "#aabbcc");
  EXPECT_EQ(*parse_color("#ABCDEF"), "#abcdef");
  EXPECT_EQ(*parse_color("BrightGreen", Palette::kShields), "#44bb00");
  EXPECT_EQ(*parse_color("red"), "#cf222e");
  EXPECT_EQ(*parse_color("navy"), "#000080");
  for (const char* bad : {"", "#", "#12", "12345", "#1234567", "reddish", "url(#x)", "red ", "<b>", "rgb(1,2,3)"})
    EXPECT_FALSE(parse_color(bad).ok()) << bad;
}

}  // namespace
}  // namespace everup::badges
