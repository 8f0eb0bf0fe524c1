// Small steps of the parsers on this floor. Pure; internal to checker/.
#pragma once

#include <string>
#include <string_view>

#include "core/outcome.h"

namespace everup::checker {

inline bool digit(char c) { return c >= '0' && c <= '9'; }

inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

// For an error's text: at most 100 characters, nothing that a terminal obeys.
inline std::string in_quotes(std::string_view text) { return '"' + printable(text, 100) + '"'; }

}  // namespace everup::checker
