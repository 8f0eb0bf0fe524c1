// The only reader of the machine's clocks.
//
// Monotonic time comes fresh with every call; UTC is monotonic time plus an offset that is re-read once a second (RULES
// B 2). So between two re-readings UTC never jumps, two events of one second are ordered as they happened, and a step
// of the machine's clock is seen as what it is: a step, with a size, and not as a strange latency. Steps of less than 2
// s (NTP's daily work) are taken silently.
//
// Thread: any; no lock, no allocation. One object may serve the whole process, or one per loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "core/clock.h"

namespace everup::net {

struct ClockStep {
  Instant at;              // when we noticed it (at most 1 s after it happened)
  WallTime before, after;  // UTC at `at` by the old and by the new offset; after < before: set back
};

class SystemClock final : public Clock {
 public:
  using Read = std::int64_t (*)();  // nanoseconds
  static constexpr std::int64_t kRereadNs = 1'000'000'000;
  static constexpr std::int64_t kStepMs = 2'000;

  SystemClock();
  SystemClock(Read monotonic, Read utc);  // for tests

  Now now() const override;
  // How many steps of more than kStepMs were seen since construction. A loop that remembers the number knows when to
  // ask last_step().
  std::uint64_t steps() const { return steps_.load(std::memory_order_acquire); }
  std::optional<ClockStep> last_step() const;

 private:
  std::int64_t reread(std::int64_t mono_ns) const;

  Read monotonic_, utc_;
  mutable std::atomic<std::int64_t> offset_ns_;  // UTC − monotonic
  mutable std::atomic<std::int64_t> reread_at_;  // monotonic
  mutable std::atomic<std::uint64_t> steps_{0};
  mutable std::atomic<std::int64_t> step_at_{0}, step_before_ms_{0}, step_after_ms_{0};
};

}  // namespace everup::net
