// Untrusted bytes → characters that may stand in XML 1.0 and in a JSON string, and their escapes. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace everup::badges {

// Bad UTF-8, C0 and C1 controls, bidi controls and non-characters are left out, tabs and line ends become a space,
// blanks at both ends are cut, at most `characters_max` characters stay.
std::u32string clean_text(std::string_view bytes, std::size_t characters_max);
std::string utf8(std::u32string_view text);
std::string xml_escaped(std::string_view clean_utf8);  // & < > " '
std::string json_quoted(std::string_view clean_utf8);  // with the quotes

}  // namespace everup::badges
