// Housekeeping by the clock (RULES A 6): partitions seven days ahead, partitions past their retention or wholly packed
// removed, closed hours packed (compactor.h), chunks of deleted monitors erased, change feed and idempotency keys
// trimmed, repeated maintenance windows worked out further. One pass at a time in the whole installation (advisory
// lock); a pass that finds the lock taken does nothing.
//
// Partitions leave by DETACH … CONCURRENTLY (finalised when a former pass was cut off) and DROP, under lock_timeout, so
// that no recorder ever queues behind the keeper. Thread: the caller's, or Keeper's own small thread, which also sweeps
// the amender.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "core/zone.h"
#include "db/amender.h"
#include "db/compactor.h"
#include "db/recorder.h"

namespace everup::db {

struct KeeperOptions {
  Connect connect;  // a session of the owner (or worker, where there is only one role): partitions are the owner's
  const Clock* clock = nullptr;
  int results_days = 90;    // EVERUP_RETAIN_RESULTS_DAYS
  int evidence_days = 365;  // EVERUP_RETAIN_EVIDENCE_DAYS
  int latency_days = 1096;  // histograms: three years
  int ahead_days = 7;
  milliseconds changes_kept{24 * 3'600'000LL};
  milliseconds idempotency_kept{24 * 3'600'000LL};
  milliseconds deadline{30'000};
  CompactorOptions packing;      // its clock and deadline are those above
  const Zones* zones = nullptr;  // of repeated maintenance windows, which are worked out ahead; null: not here
};

struct Kept {
  bool held_elsewhere = false;
  int made = 0, removed = 0;
  std::int64_t changes_trimmed = 0, keys_trimmed = 0, erased = 0;
  Compacted packed;
};
// One pass.
Result<Kept> keep(const KeeperOptions& options);

// A thread that keeps once at the start and then every `period`, at once again while there is more to pack, and sweeps
// the amender every `sweep_period`. Errors go to `on_error`.
class Keeper {
 public:
  struct Schedule {
    milliseconds period{3'600'000};
    milliseconds retry{10'000};  // after a pass that failed
    milliseconds sweep_period{2000};
  };
  Keeper(KeeperOptions options, std::unique_ptr<Amender> amender, Schedule schedule,
         std::function<void(const Error&)> on_error);
  ~Keeper();  // stop()
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace everup::db
