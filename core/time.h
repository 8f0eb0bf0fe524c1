// Two clocks, never mixed: WallTime is what records say (UTC, milliseconds since 1970), Instant is what deadlines use
// (monotonic).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace everup {

using std::chrono::milliseconds;

struct WallTime {
  std::int64_t ms = 0;
  auto operator<=>(const WallTime&) const = default;
  WallTime operator+(milliseconds d) const { return {ms + d.count()}; }
  WallTime operator-(milliseconds d) const { return {ms - d.count()}; }
  milliseconds operator-(WallTime other) const { return milliseconds(ms - other.ms); }
};

inline constexpr WallTime kForever{std::numeric_limits<std::int64_t>::max()};

struct Instant {
  std::int64_t ns = 0;  // CLOCK_MONOTONIC
  auto operator<=>(const Instant&) const = default;
  Instant operator+(std::chrono::nanoseconds d) const { return {ns + d.count()}; }
  Instant operator-(std::chrono::nanoseconds d) const { return {ns - d.count()}; }
  std::chrono::nanoseconds operator-(Instant other) const { return std::chrono::nanoseconds(ns - other.ns); }
};

// Half-open [from, to). Empty when to <= from.
struct Span {
  WallTime from;
  WallTime to;
  bool operator==(const Span&) const = default;
  bool empty() const { return to <= from; }
  milliseconds length() const { return empty() ? milliseconds(0) : to - from; }
  bool contains(WallTime t) const { return from <= t && t < to; }
};
Span intersect(Span a, Span b);

inline constexpr std::int64_t kMinuteMs = 60'000, kHourMs = 3'600'000, kDayMs = 86'400'000;

// RFC 3339, always UTC: "2026-11-22T04:05:06Z", with ".123" when there are milliseconds. Years 1970 … 9999.
std::string rfc3339(WallTime t);
// RFC 3339 with any offset, or whole unix seconds; fractions below a millisecond are cut. nullopt when it is neither.
std::optional<WallTime> parse_time(std::string_view text);

}  // namespace everup
