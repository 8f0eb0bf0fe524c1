// Hosts by grammar: WHATWG's rule decides what looks like IPv4 (the last label is a number), and then only the plain
// spelling passes.
#include "core/host.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "core/utf8.h"

namespace everup {

namespace {

constexpr std::size_t kHostMax = 253, kLabelMax = 63;

Error invalid(const std::string& detail) { return {ErrorCode::kInvalid, "invalid_host: " + detail}; }

bool digit(char c) { return c >= '0' && c <= '9'; }
bool hex(char c) { return digit(c) || (c >= 'a' && c <= 'f'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t dot; (dot = text.find(at)) != std::string_view::npos; text.remove_prefix(dot + 1)) {
    parts.push_back(text.substr(0, dot));
  }
  parts.push_back(text);
  return parts;
}

bool number(std::string_view label) {
  if (label.starts_with("0x")) return std::all_of(label.begin() + 2, label.end(), hex);
  return std::all_of(label.begin(), label.end(), digit);
}

// "0" … "255" without leading zeros.
std::optional<unsigned> octet(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (!digit(c)) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= 255 ? std::optional(value) : std::nullopt;
}

std::optional<std::array<unsigned, 4>> dotted_quad(std::string_view text) {
  std::array<unsigned, 4> quad{};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t end = text.find('.');
    if ((end == std::string_view::npos) != (i == 3)) return std::nullopt;
    const auto value = octet(text.substr(0, end));
    if (!value) return std::nullopt;
    quad.at(i) = *value;
    if (i < 3) text.remove_prefix(end + 1);
  }
  return quad;
}

// Non-ASCII characters that are no part of a name: controls, spaces, soft hyphen and invisibles, full stops, and
// full-width ASCII.
bool no_name_character(char32_t c) {
  return alters_display(c) || c == 0xA0 || c == 0xAD || c == 0x034F || c == 0x115F || c == 0x1160 || c == 0x1680 ||
         c == 0x180E || (c >= 0x2000 && c <= 0x206F) || c == 0x3000 || c == 0x3002 || c == 0x3164 ||
         (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xFF01 && c <= 0xFF65) || (c >= 0xFFF0 && c <= 0xFFFF) || c >= 0xE0000;
}

// Empty: the label is one.
std::string wrong_with(std::string_view label) {
  if (label.empty())
    return "the host has an empty label; allowed are names, IPv4 addresses and IPv6 addresses in brackets";
  std::size_t characters = 0;
  for (auto rest = label; !rest.empty(); ++characters) {
    char32_t code = 0;
    const std::size_t length = utf8_front(rest, code);
    if (length == 0) return "the host is not valid UTF-8";
    const char c = rest.front();
    const bool fine =
        length == 1 ? digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_' : !no_name_character(code);
    if (!fine) return "the host holds a character that names have not; allowed are letters, digits, '-', '_' and '.'";
    rest.remove_prefix(length);
  }
  if (characters > kLabelMax) return "a label of the host has more than 63 characters";
  return {};
}

using Groups = std::array<unsigned, 8>;

std::optional<unsigned> group(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  unsigned value = 0;
  for (const char raw : text) {
    const char c = lower(raw);
    if (!hex(c)) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit(c) ? c - '0' : c - 'a' + 10);
  }
  return value;
}

// "1:2:3", possibly ending in a dotted quad, onto `groups`; false when it is not that. Empty text: no groups.
bool take_groups(std::string_view text, bool may_end_in_quad, std::vector<unsigned>& groups) {
  if (text.empty()) return true;
  const auto parts = split(text, ':');
  if (parts.size() > 8) return false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (const auto value = group(parts[i])) {
      groups.push_back(*value);
      continue;
    }
    const auto quad = may_end_in_quad && i + 1 == parts.size() ? dotted_quad(parts[i]) : std::nullopt;
    if (!quad) return false;
    groups.push_back((*quad)[0] << 8 | (*quad)[1]);
    groups.push_back((*quad)[2] << 8 | (*quad)[3]);
  }
  return true;
}

std::optional<Groups> parse_ipv6(std::string_view text) {
  std::vector<unsigned> head, tail;
  const auto gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!take_groups(text, true, head) || head.size() != 8) return std::nullopt;
  } else if (!take_groups(text.substr(0, gap), false, head) || !take_groups(text.substr(gap + 2), true, tail) ||
             head.size() + tail.size() > 7) {
    return std::nullopt;
  }
  Groups groups{};
  std::copy(head.begin(), head.end(), groups.begin());
  std::copy(tail.begin(), tail.end(), groups.end() - static_cast<std::ptrdiff_t>(tail.size()));
  return groups;
}

// The first longest run of at least two zero groups, as [from, to).
std::pair<std::size_t, std::size_t> longest_zeros(const Groups& groups) {
  std::pair<std::size_t, std::size_t> best{8, 8};
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t end = i;
    while (end < 8 && groups.at(end) == 0) ++end;
    if (end - i >= 2 && end - i > best.second - best.first) best = {i, end};
    i = std::max(i, end);
  }
  return best;
}

std::string print_ipv6(const Groups& groups) {
  std::array<char, 24> text{};
  const auto print = [&text](const char* format, auto... values) {
    return std::string(text.data(),
                       static_cast<std::size_t>(std::snprintf(text.data(), text.size(), format, values...)));
  };
  const bool mapped =
      groups[5] == 0xFFFF && std::all_of(groups.begin(), groups.begin() + 5, [](unsigned g) { return g == 0; });
  if (mapped) {
    return print("::ffff:%u.%u.%u.%u", groups[6] >> 8, groups[6] & 255, groups[7] >> 8, groups[7] & 255);
  }
  const auto [from, to] = longest_zeros(groups);
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == from) {
      out += "::";
      i = to - 1;
      continue;
    }
    if (!out.empty() && !out.ends_with(':')) out += ':';
    out += print("%x", groups.at(i));
  }
  return out;
}

}  // namespace

Result<std::string> canonical_host(std::string_view text) {
  std::string host(text);
  std::transform(host.begin(), host.end(), host.begin(), lower);
  if (host.ends_with('.')) host.pop_back();
  if (host.empty()) return invalid("the host is missing");
  if (host.size() > kHostMax) return invalid("the host has more than 253 bytes");
  std::string_view label;
  for (std::string_view rest = host;;) {  // every look comes through here: nothing is allocated for labels
    const std::size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    if (auto wrong = wrong_with(label); !wrong.empty()) return invalid(wrong);
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (number(label) && !dotted_quad(host)) {
    return invalid("an IPv4 address is four decimal numbers from 0 to 255 without leading zeros, such as 192.0.2.7");
  }
  return host;
}

Result<std::string> canonical_ipv6(std::string_view text) {
  if (text.find('%') != std::string_view::npos) return invalid("an address with a zone cannot be checked");
  const auto groups = text.size() <= 45 ? parse_ipv6(text) : std::nullopt;
  if (!groups) return invalid("between the brackets is no IPv6 address, such as [2001:db8::7]");
  return print_ipv6(*groups);
}

}  // namespace everup
