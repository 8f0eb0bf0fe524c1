// See sql_values.h.
#include "db/sql_values.h"

#include <algorithm>
#include <charconv>

namespace everup::db {
namespace {
constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr char kCursorVersion = 1;
constexpr std::size_t kCursorMax = 2048;

void quote_into(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

template <class T, class Fn>
std::string joined(const std::vector<T>& values, Fn put) {
  std::string out = "{";
  for (const T& value : values) {
    if (out.size() > 1) out += ',';
    put(out, value);
  }
  return out + "}";
}
}  // namespace

std::string array_of(const std::vector<std::int64_t>& values) {
  return joined(values, [](std::string& out, std::int64_t value) { out += std::to_string(value); });
}
std::string array_of(const std::vector<std::string>& values) {
  return joined(values, [](std::string& out, const std::string& value) { quote_into(out, value); });
}
std::string array_of(const std::vector<std::optional<std::string>>& values) {
  return joined(values, [](std::string& out, const std::optional<std::string>& value) {
    value ? quote_into(out, *value) : static_cast<void>(out += "NULL");
  });
}

std::string hex_bytes(std::string_view bytes) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\\x";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHex[byte >> 4], out += kHex[byte & 15];
  }
  return out;
}

std::string like_anywhere(std::string_view text) {
  std::string out = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out + "%";
}

std::string to_cursor(char kind, std::string_view body) {
  const std::string raw = std::string{kCursorVersion, kind} + std::string(body);
  std::string out;
  std::uint32_t window = 0;
  int bits = 0;
  for (const char c : raw) {
    window = window << 8 | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) out += kDigits[window >> (bits - 6) & 63];
  }
  if (bits > 0) out += kDigits[window << (6 - bits) & 63];
  return out;
}

std::optional<std::string> from_cursor(char kind, std::string_view cursor) {
  if (cursor.size() > kCursorMax) return std::nullopt;
  std::string raw;
  std::uint32_t window = 0;
  int bits = 0;
  for (const char c : cursor) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    window = window << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) raw += static_cast<char>(window >> (bits -= 8) & 255);
  }
  if (raw.size() < 2 || raw[0] != kCursorVersion || raw[1] != kind) return std::nullopt;
  return raw.substr(2);
}

std::optional<std::vector<std::int64_t>> numbers_in(std::string_view text, std::size_t count) {
  std::vector<std::int64_t> out;
  while (out.size() < count) {
    const std::string_view part = text.substr(0, text.find(':'));
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc{} || end != part.data() + part.size()) return std::nullopt;
    out.push_back(value);
    if (part.size() == text.size()) return out.size() == count ? std::optional(out) : std::nullopt;
    text.remove_prefix(part.size() + 1);
  }
  return std::nullopt;
}

Error no_such_monitor() { return {ErrorCode::kNotFound, "monitor: there is no such monitor"}; }

Result<MonitorName> monitor_name(std::string_view text) {
  if (const auto id = parse_id<MonitorTag>(text)) return MonitorName{id->value, {}};
  if (text.starts_with("slug:")) text.remove_prefix(5);
  const bool slug = !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!slug) return no_such_monitor();
  return MonitorName{0, std::string(text)};
}

}  // namespace everup::db
