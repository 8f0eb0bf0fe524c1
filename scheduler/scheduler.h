// Who watches what: the workers, and the coordinator that tells them which monitors are theirs.
//
// The coordinator's thread is the only one that talks to the MonitorSource: leases every hold_every, the monitors of a
// shard when it is gained, changes as they come, check-now commands, and every shard once in reread_every as a safety
// net. A source that is away changes nothing for the shards we have: they are watched on (RULES A 1).
//
// Wiring (app/): make the clock, the recorder (sink) and the monitor source; construct, start(); at shut-down stop(),
// then stop the recorder, then release_shards(): leases must stand until the last conclusion is stored, they fence it.
//
// Thread: start(), stop(), release_shards() from one thread; stats() from any. Ownership: source, sink and clock
// outlive it. Limits: 256 shards, one load at a time, changes as the source bounds them; a worker's queue of
// Worker::kTasksMax tasks.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
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
  void hold();
  void forget_lost(const std::vector<OwnedShard>& owned);
  void load_gained();
  void reread();
  void follow_changes();
  void take_commands();
  void look_for_room();
  AdmissionLimits limits_for(std::int64_t descriptors) const;
  bool load(Shard shard, std::vector<ScheduledMonitor>& monitors);
  void failed(const std::string& doing, const Error& error);
  void answered();
  void post(Shard shard, const std::function<void(Roster&, Now)>& task);
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

  // The coordinator's thread only.
  std::array<std::optional<std::int64_t>, kShards> epochs_;  // of the shards that the workers have
  std::deque<OwnedShard> gained_;                            // to be loaded
  Instant hold_at_, reread_at_, room_at_;
  Shard reread_next_ = 0;
  milliseconds backoff_{0};  // 0: the source answers
};

}  // namespace everup::scheduler
