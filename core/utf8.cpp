// Strict UTF-8, by the definition and without tables: it is used on short texts only.
#include "core/utf8.h"

#include <array>

namespace everup {

std::size_t utf8_front(std::string_view text, char32_t& code) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) {
    code = first;
    return 1;
  }
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  code = first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < kSmallest[length] || surrogate || code > 0x10FFFF ? 0 : length;
}

std::optional<std::size_t> utf8_characters(std::string_view text) {
  std::size_t characters = 0;
  for (char32_t code = 0; !text.empty(); ++characters) {
    const std::size_t length = utf8_front(text, code);
    if (length == 0) return std::nullopt;
    text.remove_prefix(length);
  }
  return characters;
}

bool alters_display(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

bool plain_text(std::string_view text) {
  for (char32_t code = 0; !text.empty();) {
    const std::size_t length = utf8_front(text, code);
    if (length == 0 || alters_display(code)) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace everup
