// See safe_text.h.
#include "badges/safe_text.h"

#include <algorithm>
#include <cstdint>

#include "core/utf8.h"

namespace everup::badges {
namespace {

bool blank(char32_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xa0 || c == 0x2028 || c == 0x2029;
}

// Non-characters: XML 1.0 forbids some of them, nobody can read any.
bool no_character(char32_t c) { return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef); }

}  // namespace

std::u32string clean_text(std::string_view bytes, std::size_t characters_max) {
  std::u32string text;
  while (!bytes.empty() && text.size() < characters_max) {
    char32_t c = 0;
    const std::size_t length = utf8_front(bytes, c);
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
    if (length == 0) continue;
    if (blank(c)) c = ' ';
    if (alters_display(c) || no_character(c) || (c == ' ' && text.empty())) continue;
    text.push_back(c);
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
