// Who watches what: the workers, and the coordinator that tells them which monitors are theirs.
//
// The coordinator's thread is the only one that talks to the MonitorSource (coordinator.h).
//
// Wiring (app/): make the clock, the recorder (sink) and the monitor source; construct, start(); at shut-down stop(),
// then stop the recorder, then release_shards(): leases must stand until the last conclusion is stored, they fence it.
//
// Thread: start(), stop(), release_shards() from one thread; stats() from any. Ownership: source, sink and clock
// outlive it. Limits: 256 shards, one load at a time, changes as the source bounds them; a worker's queue of
// Worker::kTasksMax tasks.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/ports.h"
#include "core/stats.h"
#include "scheduler/shard_map.h"
#include "scheduler/worker.h"

namespace everup::scheduler {

struct SchedulerOptions {
  Region region = kLocalRegion;
  int workers = 1;
  MakeProbes make_probes;
  const Clock* clock = nullptr;
  // That looks of all workers may have open together; 0: net::descriptor_room() is asked, at the start and every
  // hold_every.
  std::int64_t descriptors = 0;
  int target_limit = 512;          // EVERUP_TARGET_LIMIT
  Sight* sight = nullptr;          // of all workers; null: every failure is the target's
  milliseconds hold_every{5'000};  // half of it while another node has shards
  milliseconds changes_wait{1'000};
  milliseconds reread_every{300'000};
  milliseconds retry_min{100}, retry_max{5'000};  // after the source was away
  std::function<void(const std::string&)> say;    // a line for the log; coordinator's thread; may be empty
};

class Scheduler {
 public:
  Scheduler(SchedulerOptions options, MonitorSource& source, ObservationSink& sink);
  ~Scheduler();  // stop(0 ms)
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Returns when the workers run; shards come as soon as the source answers. kUnavailable: no probes; kExhausted: no
  // descriptors.
  Status start();
  // No new looks; those in flight get `within`, then they are dropped and their slots go into a gap. Returns when all
  // threads have ended: `within` plus at most one call of the source (5 s). Twice is once.
  void stop(milliseconds within);
  // After stop() and after the recorder has stored everything.
  Status release_shards();

  SchedulerStats stats() const;

 private:
  void coordinate();
  void look_for_room();
  AdmissionLimits limits_for(std::int64_t descriptors) const;
  void post_to(Worker& worker, const std::function<void(Roster&, Now)>& task);
  bool pause(milliseconds at_most);  // true: stopping
  bool stopping() const;
  Instant mono() const { return options_.clock->now().mono; }

  SchedulerOptions options_;
  MonitorSource& source_;
  ObservationSink& sink_;
  ShardMap map_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::thread coordinator_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // guarded by mutex_
  bool started_ = false;

  Instant room_at_;  // the coordinator's thread only
};

}  // namespace everup::scheduler
