// UTF-8 as bytes from strangers need it: strict, one character at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace everup {

// Length in bytes of the valid character at the front of a text that is not empty (Unicode 15, table 3-7), its code
// point in `code`. 0: not valid (overlong, surrogate, above U+10FFFF, cut short).
std::size_t utf8_front(std::string_view text, char32_t& code);
// Number of characters; nullopt when the text is not valid UTF-8.
std::optional<std::size_t> utf8_characters(std::string_view text);
// Controls, line and paragraph separators, bidi marks, the byte order mark: what changes how the text around it is
// shown.
bool alters_display(char32_t code);
// Valid UTF-8 in which nothing alters the display.
bool plain_text(std::string_view text);

}  // namespace everup
