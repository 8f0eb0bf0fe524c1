// Time that moves only when a test moves it.
#pragma once

#include "core/clock.h"

namespace everup::net {

class ManualClock final : public Clock {
 public:
  Now now() const override { return now_; }
  void advance(std::chrono::nanoseconds by) {
    now_.mono = now_.mono + by;
    now_.wall.ms = kWallStartMs + now_.mono.ns / 1'000'000;
  }

 private:
  static constexpr std::int64_t kWallStartMs = 1'795'000'000'000;
  Now now_{WallTime{kWallStartMs}, Instant{0}};
};

}  // namespace everup::net
