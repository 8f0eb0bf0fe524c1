// Slots by arithmetic. The phase uses another hash than shard_of, so that the monitors of one shard are spread over the
// interval. Limits: instants near INT64_MAX saturate; interval_ms must be positive.
#include "core/schedule.h"

#include <limits>

#include "core/result.h"

namespace everup {

namespace {

// t − floor_mod(t − phase, interval), without overflow for t near the ends.
std::int64_t floor_mod(std::int64_t value, std::int64_t modulus) {
  const std::int64_t rest = value % modulus;
  return rest < 0 ? rest + modulus : rest;
}

std::int64_t offset_in_interval(MonitorId id, std::int64_t interval_ms, WallTime t) {
  return floor_mod(floor_mod(t.ms, interval_ms) - slot_phase_ms(id, interval_ms), interval_ms);
}

}  // namespace

std::int64_t slot_phase_ms(MonitorId id, std::int64_t interval_ms) {
  EVERUP_ASSERT(interval_ms > 0);
  auto x = static_cast<std::uint64_t>(id.value) ^ 0x5851f42d4c957f2dULL;  // murmur3's finalizer
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return static_cast<std::int64_t>((x ^ (x >> 33)) % static_cast<std::uint64_t>(interval_ms));
}

WallTime slot_at_or_after(MonitorId id, std::int64_t interval_ms, WallTime t) {
  const std::int64_t past = offset_in_interval(id, interval_ms, t);
  if (past == 0) return t;
  const std::int64_t wait = interval_ms - past;
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  return {t.ms > kEnd - wait ? kEnd : t.ms + wait};
}

WallTime next_slot(MonitorId id, std::int64_t interval_ms, WallTime after) {
  if (after.ms == std::numeric_limits<std::int64_t>::max()) return after;
  return slot_at_or_after(id, interval_ms, {after.ms + 1});
}

WallTime slot_at_or_before(MonitorId id, std::int64_t interval_ms, WallTime t) {
  return {t.ms - offset_in_interval(id, interval_ms, t)};
}

std::int64_t slots_in(MonitorId id, std::int64_t interval_ms, Span span) {
  if (span.empty()) return 0;
  const WallTime first = slot_at_or_after(id, interval_ms, span.from);
  if (first >= span.to) return 0;
  return (span.to.ms - 1 - first.ms) / interval_ms + 1;
}

}  // namespace everup
