// See api/parameters.h.
#include "api/parameters.h"

#include <algorithm>
#include <charconv>

namespace everup::api {
namespace {

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && at == end && !text.empty() ? std::optional<std::int64_t>(value) : std::nullopt;
}

// 1: once, 2: may be repeated, 0: not known.
int listed(std::string_view known, std::string_view name) {
  while (!known.empty()) {
    const auto space = known.find(' ');
    auto word = known.substr(0, space);
    const bool many = word.ends_with('+');
    if (many) word.remove_suffix(1);
    if (word == name) return many ? 2 : 1;
    known = space == std::string_view::npos ? std::string_view() : known.substr(space + 1);
  }
  return 0;
}

std::string known_list(std::string_view known) {
  if (known.empty()) return "this resource has no query parameters";
  std::string out = "known are ";
  for (const char c : known) {
    if (c == ' ')
      out += ", ";
    else if (c != '+')
      out += c;
  }
  return out;
}

}  // namespace

void Parameters::wrong(std::string_view name, std::string_view code, std::string detail) {
  errors_.push_back({std::string(name), std::string(code), std::move(detail)});
}

std::int64_t Parameters::integer(std::string_view name, std::int64_t fallback, std::int64_t min, std::int64_t max) {
  const std::string* text = call_.parameter(name);
  if (text == nullptr) return fallback;
  const auto value = whole(*text);
  if (value && *value >= min && *value <= max) return *value;
  wrong(name, "out_of_range", "is a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return fallback;
}

std::string Parameters::text(std::string_view name, std::size_t bytes_max) {
  const std::string* value = call_.parameter(name);
  if (value == nullptr) return {};
  if (value->size() <= bytes_max && value->find('\0') == std::string::npos) return *value;
  wrong(name, "too_long", "has at most " + std::to_string(bytes_max) + " bytes");
  return {};
}

std::optional<WallTime> Parameters::time(std::string_view name) {
  const std::string* value = call_.parameter(name);
  if (value == nullptr) return std::nullopt;
  const auto time = parse_time(*value);
  if (!time) wrong(name, "bad_time", "is an RFC 3339 time (2026-11-22T04:05:06Z) or unix seconds");
  return time;
}

std::optional<std::int64_t> Parameters::duration_s(std::string_view name) {
  const std::string* value = call_.parameter(name);
  if (value == nullptr) return std::nullopt;
  std::string_view text = *value;
  std::int64_t unit = 1;
  if (!text.empty()) {
    switch (text.back()) {
      case 's':
        unit = 1;
        break;
      case 'm':
        unit = 60;
        break;
      case 'h':
        unit = 3600;
        break;
      case 'd':
        unit = 86'400;
        break;
      default:
        unit = 0;
        break;
    }
    if (unit != 0) text.remove_suffix(1);
  }
  const auto number = whole(text);
  if (!number || *number < 1 || *number > 86'400 * 366) {
    wrong(name, "bad_duration", "is seconds, or a number with s, m, h or d: 60, 5m, 1h, 1d");
    return std::nullopt;
  }
  return *number * (unit == 0 ? 1 : unit);
}

Span Parameters::window(milliseconds default_length, milliseconds length_max) {
  const auto from = time("from");
  const auto to = time("to");
  const WallTime end = to.value_or(call_.now);
  const Span span{from.value_or(end - default_length), end};
  if (!errors_.empty()) return {};
  if (span.empty()) {
    wrong("from", "empty_window", "is before to");
  } else if (span.length() > length_max) {
    wrong("from", "window_too_long", "is at most " + std::to_string(length_max.count() / kDayMs) + " days before to");
  }
  return errors_.empty() ? span : Span{};
}

FieldErrors unknown_parameters(const Call& call, std::string_view known) {
  FieldErrors errors;
  if (known == "*") return errors;
  for (std::size_t i = 0; i < call.query.size() && errors.size() < 20; ++i) {
    const std::string& name = call.query[i].first;
    const int times = listed(known, name);
    const auto is_name = [&name](const auto& pair) { return pair.first == name; };
    const bool again = std::any_of(call.query.begin(), call.query.begin() + static_cast<std::ptrdiff_t>(i), is_name);
    if (times == 0)
      errors.push_back({name, "unknown_parameter", known_list(known)});
    else if (times == 1 && again)
      errors.push_back({name, "duplicate_parameter", "comes once"});
  }
  return errors;
}

}  // namespace everup::api
