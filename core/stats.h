// What the running parts tell about themselves, as plain snapshots: /metrics and /readyz print them. Each part fills
// its own.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/outcome.h"
#include "core/standing.h"
#include "core/target.h"

namespace everup {

// Upper bounds in seconds: 0.005 … 60 (SHAPES 29).
inline constexpr std::array<double, 13> kSecondsBuckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                        1,     2.5,  5,     10,   30,  60};
struct SecondsHistogram {
  std::array<std::uint64_t, kSecondsBuckets.size() + 1> buckets{};  // not cumulative; the last is +Inf
  double sum_s = 0;
  void add(double seconds);
  void merge(const SecondsHistogram& other);
};

struct SchedulerStats {
  std::map<std::pair<Kind, Verdict>, std::uint64_t> checks;
  std::map<Kind, SecondsHistogram> duration;
  SecondsHistogram lateness;
  SecondsHistogram longest_turn;  // of each worker's loop in each second
  std::map<GapReason, std::uint64_t> missed;
  std::map<std::pair<Kind, State>, std::uint64_t> monitors;
  std::uint64_t in_flight = 0, shards_owned = 0, monitors_total = 0;
  std::int64_t oldest_heartbeat_ms = 0;  // age of the stalest worker's last turn
};

struct RecorderStats {
  std::uint64_t results_written = 0;
  std::map<std::string, std::uint64_t> batches;  // by result: stored, spooled, replayed, duplicate, poison
  std::uint64_t spool_bytes = 0, queue = 0, dropped = 0, late = 0;
  double spool_oldest_s = 0;
  bool database_ok = false;
  std::uint64_t outbox_pending = 0;
  double outbox_oldest_s = 0;
};

}  // namespace everup
