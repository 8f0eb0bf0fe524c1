// Where time comes from. Only net/clock.cpp reads a real clock; everything else is given a Now or this interface.
#pragma once

#include "core/time.h"

namespace everup {

struct Now {
  WallTime wall;
  Instant mono;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now now() const = 0;  // any thread
};

}  // namespace everup
