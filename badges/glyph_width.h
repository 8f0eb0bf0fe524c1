// How wide shields thinks a text is: the sum of Verdana's advance widths, without kerning, and how it capitalises.
// Widths below U+10000 are anafanafo's (verdana_widths.inc); what is not listed there is as wide as an "m", as in
// shields. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace everup::badges {

enum class Face : unsigned char { kRegular11, kRegular10, kBold10 };
// In px. A double, summed in shields' order: its floor must be the same as shields'.
double text_px(std::u32string_view text, Face face);
// Unicode's default mapping below U+10000, as JavaScript's toUpperCase: "ß" becomes "SS".
std::u32string capitals(std::u32string_view text);

}  // namespace everup::badges
