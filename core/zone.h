// Time zones as core sees them; zone/ implements it with Hinnant date and app joins the two (RULES D 4).
#pragma once

#include <string>
#include <string_view>

#include "core/time.h"

namespace everup {

class Zone {
 public:
  virtual ~Zone() = default;
  virtual std::string_view name() const = 0;
  // Seconds east of UTC in force at t.
  virtual int offset_s(WallTime t) const = 0;
  // The first transition strictly after t, or INT64_MAX ms.
  virtual WallTime next_transition(WallTime t) const = 0;
};

class Zones {
 public:
  virtual ~Zones() = default;
  virtual const Zone* find(
      std::string_view iana_name) const = 0;  // null: unknown; owned by this, lives as long; any thread
};

}  // namespace everup
