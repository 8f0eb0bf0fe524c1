// One everup process of the simulated world: the service's own roster, coordinator, delivery and spool, under a clock
// of its own. What its threads would do is done in turn at the instants at which they would wake; a call that blocks
// makes its thread late, nobody else.
//
// kill() is kill -9: memory is lost, the spool's directory stays. freeze() is SIGSTOP, or a suspend (then the monotonic
// clock stands as well).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ports.h"
#include "db/delivery.h"
#include "db/outstanding.h"
#include "scheduler/coordinator.h"
#include "scheduler/roster.h"
#include "tests/spine/database.h"
#include "tests/spine/judge.h"

namespace everup::spine {

class World;

class Node final : public ObservationSink, private MonitorSource, private db::BatchStore {
 public:
  Node(World& world, int number, std::string spool_directory);
  ~Node() override;

  void boot();
  void kill();
  void stop();  // SIGTERM: a drain, then all that a clean end does
  void freeze(std::int64_t ms, bool suspend);
  void step_clock(std::int64_t ms) { offset_ms_ += ms; }
  void partition(std::int64_t ms);
  void calm();    // goes on at once, and reaches the database
  void finish();  // at the end of the world: a clean end now
  void news();    // the database tells of a change

  bool alive() const { return roster_ != nullptr; }
  bool partitioned() const;
  std::int64_t offset_ms() const { return offset_ms_; }
  int number() const { return number_; }
  const std::string& name() const { return name_; }
  const std::string& boot_name() const { return boot_name_; }
  bool check_now(MonitorId id, CommandId command);
  bool spool_empty() const { return delivery_ == nullptr || delivery_->spool().empty(); }

  std::int64_t next() const;  // the earliest instant (real ms) at which run() has something to do
  void run();
  Now now() const;
  WallTime turned() const { return turned_; }

  bool offer(Observation&& observation) override;
  bool offer(Gap&& gap) override;
  bool offer(std::vector<ShardMark>&& marks) override;

  struct Counts {
    std::uint64_t looks = 0, refused = 0, spooled = 0, replayed = 0, lost_in_crash = 0, dropped = 0;
    std::uint64_t spool_bytes_most = 0, queue_most = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  // A thread's clock: later than the node's while the thread is blocked.
  class ThreadClock final : public Clock {
   public:
    explicit ThreadClock(const Node& node) : node_(node) {}
    Now now() const override;
    std::int64_t late_ms = 0;

   private:
    const Node& node_;
  };
  struct Asked {
    std::uint64_t token = 0;
    MonitorId monitor;
    std::int64_t started = 0, deadline = 0;
    bool failed = false, hung = false, odd = false;
  };
  struct Task {
    std::int64_t at = 0;
    scheduler::Coordinator::Task what;
  };

  // MonitorSource, on the coordinator's thread
  Result<std::vector<OwnedShard>> hold_shards() override;
  Status release_shards() override;
  Status load(Shard shard, const std::function<void(ScheduledMonitor&&)>& each) override;
  Result<std::vector<MonitorChange>> changes(milliseconds wait) override;
  Result<std::vector<CheckNow>> commands() override;
  // BatchStore, on the recorder's thread
  Result<db::Applied> apply(const std::string& stream, const db::Batch& batch, bool replay, WallTime now) override;
  bool connected() const override { return connected_; }
  void disconnect() override;
  bool trim(const std::string& stream) override;

  bool offer_item(db::Offered&& item);
  Status reach(ThreadClock& thread);
  ScheduledMonitor read(const StoredMonitor& stored, const std::vector<db::OutstandingStanding>& outstanding) const;
  void ask(scheduler::LookStart&& look);
  void answer(const Asked& asked);
  void turn();
  void record();
  void take_in();
  void coordinate();
  void end_cleanly();

  World& world_;
  const int number_;
  const std::string name_, spool_directory_;
  std::string boot_name_;
  int boots_ = 0;
  std::int64_t offset_ms_ = 0, lag_ms_ = 0, frozen_until_ = 0, partitioned_until_ = 0, stood_until_ = 0;

  ThreadClock recorder_clock_, coordinator_clock_;
  std::unique_ptr<db::Outstanding> outstanding_;
  std::unique_ptr<scheduler::Roster> roster_;
  std::unique_ptr<scheduler::Coordinator> coordinator_;
  std::unique_ptr<db::Delivery> delivery_;
  std::unique_ptr<db::Intake> intake_;
  bool connected_ = false, suspended_ = false;
  std::map<Shard, std::int64_t> since_epoch_;
  std::size_t cursor_ = 0;
  milliseconds wait_{0};

  std::multimap<std::int64_t, Asked> answers_;
  std::set<std::uint64_t> in_flight_;
  std::map<MonitorId, bool> target_failed_;  // of the look that was asked last
  std::vector<Judge::Place> in_memory_;      // offered, and in no batch yet
  std::deque<Task> tasks_;
  std::int64_t wake_turn_ = 0, wake_record_ = 0, wake_coordinate_ = 0, wake_sweep_ = 0, stop_at_ = 0;
  WallTime turned_;
  Counts counts_;
};

}  // namespace everup::spine
