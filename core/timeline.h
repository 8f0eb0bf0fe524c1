// The spans of one monitor and region as a pure function of everything that was ever observed of it. Live processing
// (advance) and this function agree on every sequence that arrives in order; late evidence (RULES B 6) is applied by
// calling it again.
#pragma once

#include <vector>

#include "core/ledger.h"
#include "core/standing.h"

namespace everup {

struct Observed {  // one stored result
  WallTime started_at, slot_at;
  Verdict verdict = Verdict::kUp;
  Cause cause = Cause::kOk;
  std::int32_t revision = 1;
};
struct ObservedGap {
  Span span;
  GapReason reason = GapReason::kRestart;
  bool blind = false;
};                 // missed slots: [slot, slot+1 ms)
struct Revision {  // one row of monitor_versions
  std::int32_t revision = 1;
  WallTime from_at;
  std::int64_t interval_ms = 60000, timeout_ms = 10000;
  Patience patience;
  bool paused = false;
};

struct Recomputed {
  std::vector<LedgerSpan> spans;  // the last one is open: to = INT64_MAX
  Standing standing;              // as after the last observation; version is not filled
};
// `results` in any order, duplicates allowed (first of equal (slot_at, started_at) wins).
Recomputed recompute(MonitorId id, std::vector<Observed> results, std::vector<ObservedGap> gaps,
                     std::vector<Revision> history);

}  // namespace everup
