// Advance widths of Verdana at 11 px in hundredths of a pixel, from the font's own metrics (2048 units per em), rounded
// per character as shields does. ASCII by table, Latin letters with marks by an average, wide
// scripts 11 px.
#pragma once

#include <array>
#include <cstdint>

namespace everup::badges {

namespace detail {
// Font units of U+0020 … U+007E.
inline constexpr std::array<std::uint16_t, 95> kVerdanaUnits{
    720,  806,  940,  1676, 1302, 2204, 1488, 550,  930,  930,  1302, 1676, 745,  930,  745,  930,   // space … /
    1302, 1302, 1302, 1302, 1302, 1302, 1302, 1302, 1302, 1302, 930,  930,  1676, 1676, 1676, 1117,  // 0 … ?
    2048, 1400, 1404, 1430, 1578, 1295, 1177, 1588, 1539, 862,  931,  1419, 1140, 1726, 1532, 1612,  // @ … O
    1235, 1612, 1424, 1400, 1262, 1499, 1400, 2025, 1403, 1260, 1403, 930,  930,  930,  1676, 1302,  // P … _
    1302, 1230, 1276, 1067, 1276, 1220, 720,  1276, 1296, 562,  705,  1212, 562,  1992, 1296, 1243,  // ` … o
    1276, 1276, 874,  1067, 807,  1296, 1212, 1676, 1212, 1212, 1076, 1300, 930,  1300, 1676};       // p … ~
inline constexpr int kUnitsPerEm = 2048;
inline constexpr int kCentipixels = 1100;  // 11 px
}  // namespace detail

constexpr int glyph_centipixels(char32_t c) {
  if (c >= 0x20 && c <= 0x7e)
    return (detail::kVerdanaUnits[c - 0x20] * detail::kCentipixels + detail::kUnitsPerEm / 2) / detail::kUnitsPerEm;
  if (c < 0x20) return 0;
  if ((c >= 0x300 && c <= 0x36f) || c == 0x200b || c == 0xfe0f) return 0;  // combining marks, zero width
  if (c < 0x250) return 697;                                               // Latin with marks: as a digit or vowel
  if (c < 0x1100) return 760;                                              // Greek, Cyrillic, Hebrew, Arabic …
  return 1100;                                                             // CJK, arrows, symbols, emoji
}

}  // namespace everup::badges
