#include "net/clock.h"

#include <ctime>

namespace everup::net {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

std::int64_t read(clockid_t id) {
  timespec t{};
  ::clock_gettime(id, &t);  // cannot fail for these two
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}
std::int64_t read_monotonic() { return read(CLOCK_MONOTONIC); }
std::int64_t read_utc() { return read(CLOCK_REALTIME); }

std::int64_t floor_ms(std::int64_t ns) { return ns >= 0 ? ns / kNsPerMs : -((-ns + kNsPerMs - 1) / kNsPerMs); }

}  // namespace

SystemClock::SystemClock() : SystemClock(read_monotonic, read_utc) {}

SystemClock::SystemClock(Read monotonic, Read utc) : monotonic_(monotonic), utc_(utc) {
  const std::int64_t mono = monotonic_();
  offset_ns_ = utc_() - mono;
  reread_at_ = mono + kRereadNs;
}

Now SystemClock::now() const {
  const std::int64_t mono = monotonic_();
  const std::int64_t offset =
      mono < reread_at_.load(std::memory_order_relaxed) ? offset_ns_.load(std::memory_order_relaxed) : reread(mono);
  return {WallTime{floor_ms(mono + offset)}, Instant{mono}};
}

// Several threads may come here in the same second: the exchange lets one of them do the work, the others go on with
// the old offset.
std::int64_t SystemClock::reread(std::int64_t mono_ns) const {
  const std::int64_t before = offset_ns_.load(std::memory_order_relaxed);
  std::int64_t expected = reread_at_.load(std::memory_order_relaxed);
  if (mono_ns < expected || !reread_at_.compare_exchange_strong(expected, mono_ns + kRereadNs)) return before;
  const std::int64_t after = utc_() - mono_ns;
  offset_ns_.store(after, std::memory_order_relaxed);
  const std::int64_t step_ms = (after - before) / kNsPerMs;
  if (step_ms > kStepMs || step_ms < -kStepMs) {
    step_at_ = mono_ns;
    step_before_ms_ = floor_ms(mono_ns + before);
    step_after_ms_ = floor_ms(mono_ns + after);
    steps_.fetch_add(1, std::memory_order_release);
  }
  return after;
}

std::optional<ClockStep> SystemClock::last_step() const {
  if (steps() == 0) return std::nullopt;
  return ClockStep{Instant{step_at_}, WallTime{step_before_ms_}, WallTime{step_after_ms_}};
}

}  // namespace everup::net
