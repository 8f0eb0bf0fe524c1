// See color.h. Our palette keeps a contrast of at least 4.5 with white text (WCAG AA); shields' names mean its colours
// of version 6 when palette=shields is asked for, and the nearest of ours otherwise.
#include "badges/color.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace everup::badges {
namespace {

struct ToneColors {
  Tone tone;
  std::string_view everup, shields;
};
constexpr std::array<ToneColors, 9> kTones{{
    {Tone::kUp, "#1a7f37", "#44bb00"},
    {Tone::kAlmost, "#4d7c0f", "#67ac09"},
    {Tone::kFair, "#687100", "#95991a"},
    {Tone::kDegraded, "#9a6700", "#d8b800"},
    {Tone::kPartial, "#bc4c00", "#ea7233"},
    {Tone::kDown, "#cf222e", "#dd4343"},
    {Tone::kMaintenance, "#0969da", "#007ec6"},
    {Tone::kNeutral, "#59636e", "#939393"},
    {Tone::kLabel, "#555555", "#555555"},
}};

struct NamedTone {
  std::string_view name;
  Tone tone;
};
constexpr std::array<NamedTone, 17> kNamedTones{{
    {"brightgreen", Tone::kUp},
    {"green", Tone::kAlmost},
    {"yellowgreen", Tone::kFair},
    {"yellow", Tone::kDegraded},
    {"orange", Tone::kPartial},
    {"red", Tone::kDown},
    {"blue", Tone::kMaintenance},
    {"grey", Tone::kLabel},
    {"gray", Tone::kLabel},
    {"lightgrey", Tone::kNeutral},
    {"lightgray", Tone::kNeutral},
    {"success", Tone::kUp},
    {"important", Tone::kPartial},
    {"critical", Tone::kDown},
    {"informational", Tone::kMaintenance},
    {"inactive", Tone::kNeutral},
    {"degraded", Tone::kDegraded},
}};

struct NamedColor {
  std::string_view name, hex;
};
// The sixteen basic CSS names that shields has no colour of its own for, and a few that people type.
constexpr std::array<NamedColor, 20> kCssColors{{
    {"black", "#000000"},   {"silver", "#c0c0c0"},  {"white", "#ffffff"},  {"maroon", "#800000"},
    {"purple", "#800080"},  {"fuchsia", "#ff00ff"}, {"lime", "#00ff00"},   {"olive", "#808000"},
    {"navy", "#000080"},    {"teal", "#008080"},    {"aqua", "#00ffff"},   {"cyan", "#00ffff"},
    {"magenta", "#ff00ff"}, {"crimson", "#dc143c"}, {"gold", "#ffd700"},   {"indigo", "#4b0082"},
    {"pink", "#ffc0cb"},    {"tomato", "#ff6347"},  {"violet", "#ee82ee"}, {"brown", "#a52a2a"},
}};

bool hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_value(char c) { return c <= '9' ? c - '0' : lower(c) - 'a' + 10; }
int channel(std::string_view hex, std::size_t at) { return hex_value(hex[at]) * 16 + hex_value(hex[at + 1]); }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

}  // namespace

std::string_view tone_color(Tone tone, Palette palette) {
  const auto& row = kTones[static_cast<std::size_t>(tone)];
  return palette == Palette::kShields ? row.shields : row.everup;
}

bool hex_color(std::string_view text) {
  return text.size() == 7 && text[0] == '#' && std::all_of(text.begin() + 1, text.end(), hex_digit);
}

TextColors text_on(std::string_view hex) {
  const int brightness = 299 * channel(hex, 1) + 587 * channel(hex, 3) + 114 * channel(hex, 5);  // of 255 000
  if (brightness > 175'950) return {"#333", "#ccc"};
  return {"#fff", "#010101"};
}

Result<std::string> parse_color(std::string_view text, Palette palette) {
  const std::string name = lowered(text.substr(0, 32));
  for (const auto& known : kNamedTones)
    if (name == known.name) return std::string(tone_color(known.tone, palette));
  for (const auto& known : kCssColors)
    if (name == known.name) return std::string(known.hex);
  const std::string_view digits = std::string_view(name).substr(name.starts_with('#') ? 1 : 0);
  const bool hex = std::all_of(digits.begin(), digits.end(), hex_digit) && text.size() == name.size();
  if (hex && digits.size() == 6) return "#" + std::string(digits);
  if (hex && digits.size() == 3) {
    std::string out = "#";
    for (const char c : digits) out.append(2, c);
    return out;
  }
  return Error{ErrorCode::kInvalid,
               "color: a name such as brightgreen, green, yellow, orange, red, blue, grey, or 3 or 6 hex digits"};
}

}  // namespace everup::badges
