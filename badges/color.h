// Colours of badges: the two palettes, names and hex, and what text can be read on them. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "badges/badge.h"

namespace everup::badges {

// What a colour means; each palette has one for each.
enum class Tone : unsigned char { kUp, kAlmost, kFair, kDegraded, kPartial, kDown, kMaintenance, kNeutral, kLabel };
std::string_view tone_color(Tone tone, Palette palette);

bool hex_color(std::string_view text);  // "#rrggbb", lower or upper case
struct TextColors {
  std::string_view text, shadow;
};
TextColors text_on(std::string_view hex);  // shields' rule: brightness above 0.69 takes dark text

}  // namespace everup::badges
