// Every attribute of place, size and paint against what badge-maker 6.0.0 drew for the same words (shields_oracle.tsv,
// made once with that package): Latin, other scripts, symbols, capitals that change length.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "badges/badge.h"
#include "tests/badges/strict_xml.h"
#include "tests/paths.h"

namespace everup::badges {
namespace {

using testing::XmlElement;

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, '\t');) cells.push_back(cell);
  cells.resize(8);
  return cells;
}

std::string attribute(const XmlElement& element, const std::string& name, const std::string& otherwise = "") {
  const auto found = element.attributes.find(name);
  return found == element.attributes.end() ? otherwise : found->second;
}

void add(std::string& list, const std::string& one) { list += (list.empty() ? "" : " ") + one; }

// The same summary of our drawing as the file has of theirs.
struct Summary {
  std::string root, rects, stops, texts;
  void walk(const XmlElement& e) {
    if (e.name == "g" && e.attributes.contains("font-size")) root += "," + e.attributes.at("font-size");
    if (e.name == "rect" && attribute(e, "width") != "0") {
      add(rects, attribute(e, "x", "0") + "," + attribute(e, "width") + "," + attribute(e, "height") + "," +
                     attribute(e, "rx", attribute(e, "fill")));
    }
    if (e.name == "stop")
      add(stops, attribute(e, "offset") + "," + attribute(e, "stop-color") + "," + attribute(e, "stop-opacity"));
    if (e.name == "text") {
      add(texts, attribute(e, "x") + "," + attribute(e, "y") + "," + attribute(e, "textLength") + "," +
                     attribute(e, "fill") + "," + attribute(e, "font-weight") + "," + attribute(e, "fill-opacity"));
    }
    for (const XmlElement& child : e.children) walk(child);
  }
};

TEST(ShieldsOracle, EveryAttributeIsTheirs) {
  std::ifstream file(std::string(EVERUP_SOURCE_DIR) + "/tests/badges/shields_oracle.tsv");
  ASSERT_TRUE(file.good());
  int compared = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const auto cells = cells_of(line);
    const auto parsed = parse_badge_options({{"style", cells[0]}});
    ASSERT_TRUE(parsed.errors.empty()) << cells[0];
    BadgeText text;
    text.style = parsed.options.style;
    text.label = cells[1];
    text.message = cells[2];
    text.message_color = cells[3];
    std::string why;
    const auto svg = everup::testing::StrictXml::parse(badge_svg(text), &why);
    ASSERT_TRUE(svg) << why;
    Summary ours;
    ours.root = svg->attributes.at("width") + "," + svg->attributes.at("height");
    ours.walk(*svg);
    EXPECT_EQ(ours.root, cells[4]) << line;
    EXPECT_EQ(ours.rects, cells[5]) << line;
    EXPECT_EQ(ours.stops, cells[6]) << line;
    EXPECT_EQ(ours.texts, cells[7]) << line;
    ++compared;
  }
  EXPECT_GE(compared, 500);
}

}  // namespace
}  // namespace everup::badges
