// What every ledger must be after any fault, told by SQL and by the targets' logs.
#pragma once

#include <cstdint>
#include <string>

#include "bench/faults/counting_target.h"
#include "bench/faults/house.h"

namespace everup::bench {

// Adds findings: each slot of [from, to) is answered once by a stored result (or, with `gaps_allowed`, booked); the
// target's log shows the same; spans partition the time of each monitor; nothing is down but what is.
struct Audit {
  std::string injected;
  bool gaps_allowed = false;
  bool doubles_allowed = false;  // two nodes may both look at a slot: one row, two coverings
};
void audit_slots(Run& run, House& house, const CountingTarget& target, const Audit& audit, std::int64_t from_ms,
                 std::int64_t to_ms);
void audit_spans(Run& run, House& house, const std::string& injected);
void audit_no_down(Run& run, House& house, const std::string& injected);
// Lateness of the looks of [from, to) at the target; a finding in the long form, a note in the short one.
void audit_lateness(Run& run, House& house, const CountingTarget& target, const std::string& injected,
                    std::int64_t from_ms, std::int64_t to_ms, double p99_ms_max);

// `count` monitors of the target with this interval, all of them up and stored so before it returns. Throws after 90 s.
void add_healthy(House& house, const CountingTarget& target, int count, int interval_s);
// Until late evidence is worked off; false after 120 s.
bool amended(House& house);

}  // namespace everup::bench
