// See safe_text.h. The decoder is strict: overlong forms, surrogates and values above U+10FFFF are bad UTF-8.
#include "badges/safe_text.h"

#include <array>
#include <cstdint>

namespace everup::badges {
namespace {

struct Decoded {
  char32_t c = 0;
  std::size_t length = 1;
  bool good = false;
};

std::uint8_t byte_at(std::string_view s, std::size_t i) { return static_cast<std::uint8_t>(s[i]); }

// One character at the front of `s`, which is not empty. Bad: one byte is skipped.
Decoded decode(std::string_view s) {
  const std::uint8_t first = byte_at(s, 0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || s.size() < length) return {};
  constexpr std::array<std::uint8_t, 5> kMask{0, 0, 0x1f, 0x0f, 0x07};
  char32_t c = first & kMask[length];
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte_at(s, i) & 0xc0) != 0x80) return {};
    c = (c << 6) | (byte_at(s, i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = c >= 0xd800 && c <= 0xdfff;
  return {c, length, c >= kLeast[length] && c <= 0x10ffff && !surrogate};
}

bool blank(char32_t c) { return c == ' ' || c == 0xa0 || c == 0x2028 || c == 0x2029; }

// Controls, bidi controls (they reorder what stands beside them), byte order mark, non-characters.
bool unwanted(char32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;
  if (c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
    return true;
  if (c == 0xfeff || (c >= 0xfdd0 && c <= 0xfdef)) return true;
  return (c & 0xfffe) == 0xfffe;
}

}  // namespace

std::u32string clean_text(std::string_view bytes, std::size_t characters_max) {
  std::u32string text;
  while (!bytes.empty() && text.size() < characters_max) {
    Decoded one = decode(bytes);
    bytes.remove_prefix(one.good ? one.length : 1);
    if (!one.good) continue;
    if (one.c == '\t' || one.c == '\n' || one.c == '\r' || blank(one.c)) one.c = ' ';
    if (unwanted(one.c) || (one.c == ' ' && text.empty())) continue;
    text.push_back(one.c);
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

std::string utf8(std::u32string_view text) {
  std::string out;
  const auto put = [&out](char32_t value) { out.push_back(static_cast<char>(static_cast<std::uint8_t>(value))); };
  for (const char32_t c : text) {
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xc0 | (c >> 6));
      put(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
      put(0xe0 | (c >> 12));
      put(0x80 | ((c >> 6) & 0x3f));
      put(0x80 | (c & 0x3f));
    } else {
      put(0xf0 | (c >> 18));
      put(0x80 | ((c >> 12) & 0x3f));
      put(0x80 | ((c >> 6) & 0x3f));
      put(0x80 | (c & 0x3f));
    }
  }
  return out;
}

std::string xml_escaped(std::string_view clean_utf8) {
  std::string out;
  out.reserve(clean_utf8.size() + 16);
  for (const char c : clean_utf8) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string json_quoted(std::string_view clean_utf8) {
  std::string out = "\"";
  for (const char c : clean_utf8) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

}  // namespace everup::badges
