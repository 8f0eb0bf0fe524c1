// A zone without a rule, for tests of what counts by the clock on the wall.
#pragma once

#include <string_view>

#include "core/zone.h"

namespace everup {

struct Utc final : Zone {
  std::string_view name() const override { return "UTC"; }
  int offset_s(WallTime) const override { return 0; }
  WallTime next_transition(WallTime) const override { return kForever; }
};
inline const Utc kUtc;

}  // namespace everup
