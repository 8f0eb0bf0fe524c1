// One thread that asks: a loop, its probes, and the roster that says what to ask when.
//
// The loop has one timer for the roster's next turn, whatever the number of monitors. A turn starts at most
// RosterOptions::starts_max looks; what is left over goes on in the next turn, after the sockets were served, so no
// turn is long. An exception on this thread ends the process: a shard that silently died would be worse.
//
// Ownership: the Scheduler. Thread: one of its own from start() to join(); all public functions may be called from any
// thread, but start(), stop() and join() from one. Roster and probes live on the worker's thread only; whoever wants
// something of them posts it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "checker/probe.h"
#include "core/clock.h"
#include "core/ports.h"
#include "core/result.h"
#include "net/loop.h"
#include "scheduler/roster.h"

namespace everup::scheduler {

// Called once on each worker's thread; what it makes is destroyed there. Null: the worker cannot start.
using MakeProbes = std::function<std::unique_ptr<checker::ProbeMaker>(net::Loop&)>;

struct WorkerOptions {
  RosterOptions roster;
  MakeProbes make_probes;
  const Clock* clock = nullptr;  // outlives the worker
};

class Worker {
 public:
  static constexpr int kTasksMax = 512;  // a few µs each

  Worker(const WorkerOptions& options, ObservationSink& sink);
  ~Worker();  // stop() at once and join()
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // kUnavailable: make_probes gave nothing.
  Status start();
  // `task` runs on the worker's thread, then a turn. False: kTasksMax wait already (the loop would run them all in one
  // turn, and looks would be late), nothing was taken.
  [[nodiscard]] bool post(std::function<void(Roster&, Now)> task);
  // No look starts any more; when those in flight have ended, or at `deadline`, the roster is finished and the thread
  // ends. False: it could not be posted now, ask again.
  [[nodiscard]] bool stop(Instant deadline);
  void join();

  SchedulerStats stats() const;  // at most a second old
  Instant last_turn() const { return loop_.last_turn(); }

 private:
  struct Running {
    std::uint64_t token = 0;
    CheckPlan plan;
    std::unique_ptr<checker::Probe> probe;
  };
  void run(std::function<void(bool)> started);
  void turn();
  void turn_soon();
  void turn_by(Instant when);
  void ask(LookStart&& look);
  void answered(std::uint64_t token, Outcome&& outcome);
  void call_off(std::uint64_t token);
  void wind_up(Instant deadline);
  void end();
  void publish(Now now);

  WorkerOptions options_;
  net::Loop loop_;
  std::thread thread_;
  mutable std::mutex mutex_;
  SchedulerStats published_;   // guarded by mutex_
  std::atomic<int> tasks_{0};  // posted and not run yet

  // The worker's thread only.
  Roster roster_;
  std::unique_ptr<checker::ProbeMaker> probes_;
  std::vector<std::unique_ptr<Running>> running_;  // by the number of the flight: the token's lower half
  std::optional<net::TimerId> timer_;
  Instant timer_at_;  // of timer_
  Instant publish_at_;
  SecondsHistogram longest_turns_;
  bool soon_ = false, stopping_ = false, ended_ = false;
};

}  // namespace everup::scheduler
