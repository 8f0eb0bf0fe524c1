// When a monitor's slots are: a pure function of id and interval. Restarts never bunch, ticks never drift, nothing is
// stored.
#pragma once

#include <cstdint>

#include "core/ids.h"
#include "core/time.h"

namespace everup {

// Slots are the instants t (UTC ms) with t ≡ phase (mod interval_ms), phase = hash(id) mod interval_ms.
std::int64_t slot_phase_ms(MonitorId id, std::int64_t interval_ms);
// The first slot at or after / strictly after `t`; the last slot at or before `t`.
WallTime slot_at_or_after(MonitorId id, std::int64_t interval_ms, WallTime t);
WallTime next_slot(MonitorId id, std::int64_t interval_ms, WallTime after);
WallTime slot_at_or_before(MonitorId id, std::int64_t interval_ms, WallTime t);
// Number of slots in [from, to).
std::int64_t slots_in(MonitorId id, std::int64_t interval_ms, Span span);

}  // namespace everup
