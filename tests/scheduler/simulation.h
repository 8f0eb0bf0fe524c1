// A world for one Roster: a manual clock, targets with outages, a database that remembers, and everything that goes
// wrong, all from one seed. The database is also the judge: it holds the promises of scheduler/roster.h against what it
// was offered, and names each broken one in violations().
//
// Time: `real` milliseconds are what truly passes; the monotonic clock follows them, UTC is real plus an offset that
// faults move. Targets live in real time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/ports.h"
#include "scheduler/roster.h"

namespace everup::scheduler::testing {

// What is configured and what is stored of one monitor.
struct StoredMonitor {
  CheckPlan plan;
  Standing standing;
  bool deleted = false;
  bool repeated = false;  // a row of it was dropped, because an earlier roster had stored its key
  WallTime deleted_at;
  struct Revision {
    WallTime from;
    std::int32_t interval_ms = 60'000;
    bool paused = false;
  };
  std::vector<Revision> history;
  struct Row {
    WallTime slot_at, started_at, ended_at;
    std::int32_t look = 0, covered = 1;
    Verdict verdict = Verdict::kInconclusive;
    bool missed = false, concludes = true, evidence = false;
  };
  std::vector<Row> rows;
  std::map<std::pair<std::int64_t, std::int32_t>, std::int64_t> keys;  // (slot, look) → the epoch that stored it
  std::vector<SpanEdge> edges;
  std::vector<Flip> flips;
  std::vector<Gap> gaps;
};

class Database final : public ObservationSink {
 public:
  bool offer(Observation&& observation) override;
  bool offer(Gap&& gap) override;
  bool offer(std::vector<ShardMark>&& marks) override;

  bool full = false;
  WallTime now;     // set by the simulation: UTC of the offer
  WallTime turned;  // and of the roster's last turn: slots up to here have fallen due
  std::map<MonitorId, StoredMonitor> monitors;
  std::map<Shard, OwnedShard> shards;
  std::vector<Gap> gaps;
  std::uint64_t rows = 0, missed = 0, flips_down = 0, flips_up = 0, refused = 0, repeated = 0;
  std::int64_t latest_ms = 0;  // the worst lateness of a slot's look
  // True: this look may have failed through the target's own fault.
  std::function<bool(const Observation&)> target_failed;

  void complain(const std::string& what);
  const std::vector<std::string>& violations() const { return violations_; }
  std::uint64_t log_hash() const { return hash_; }
  // What was done to the world lately: told with a violation.
  void tell(const std::string& event);
  // Every slot of the configuration's history before the shard's mark ended exactly once.
  void audit();

 private:
  void audit(const StoredMonitor& monitor);
  void conclude(StoredMonitor& monitor, const Observation& row);
  void log(std::int64_t value);

  std::string story_around(WallTime at) const;

  std::multimap<std::int64_t, std::string> story_;
  std::vector<std::string> violations_;
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

struct Faults {
  bool outages = true, inconclusive = true;
  bool edits = true, pauses = true, deletes = true, commands = true;
  bool clock_steps = true, steps_back = true, standstills = true;
  bool crashes = true, restarts = true, lost_shards = true, full_sinks = true;
};

struct World {
  std::uint64_t seed = 1;
  int monitors = 50;
  std::int64_t hours = 24;
  AdmissionLimits limits{64, 16, 48, 32};
  Faults faults;
  std::vector<std::int32_t> intervals_ms{30'000, 60'000, 60'000, 60'000, 300'000, 300'000, 3'600'000, 86'400'000};
  int mean_minutes_between_faults = 10;
};

class Simulation {
 public:
  explicit Simulation(const World& world);
  ~Simulation();

  void run();                          // the whole time, then a clean stop and the audit
  void run_for(std::int64_t real_ms);  // no faults beyond those asked for
  void finish();

  // For tests that write their own script.
  MonitorId create(std::int32_t interval_ms, std::int32_t timeout_ms, const Patience& patience, const std::string& url);
  void edit(MonitorId id, const std::function<void(CheckPlan&)>& how, std::int64_t learnt_after_ms);
  void erase(MonitorId id, std::int64_t learnt_after_ms);
  void outage(MonitorId id, std::int64_t from_real, std::int64_t to_real, bool hang);
  void step_clock(std::int64_t ms) {
    database_.tell("clock step of " + std::to_string(ms));
    offset_ms_ += ms;
  }
  void stand_still(std::int64_t ms);
  void crash(std::int64_t away_ms);
  void restart(std::int64_t away_ms);
  void lose_shard(Shard shard);
  bool check_now(MonitorId id, CommandId command);

  std::int64_t real() const { return real_ms_; }
  Now now() const;
  Database& database() { return database_; }
  Roster& roster() { return *roster_; }
  // Good looks that were asked to bring evidence.
  int good_evidence_wanted() const { return good_evidence_wanted_; }

 private:
  struct Event {
    std::int64_t at = 0;
    std::uint64_t order = 0;
    bool operator<(const Event& other) const { return at != other.at ? at < other.at : order < other.order; }
  };
  struct Outage {
    std::int64_t from = 0, to = 0;
    bool hang = false;
  };
  struct Asked {
    std::uint64_t token = 0;
    std::int64_t started = 0, deadline = 0;
    bool failed = false, hung = false, odd = false, wants = false;
  };
  void at(std::int64_t real, std::function<void()> what);
  void boot();
  void take_all_shards();
  void turn();
  void ask(LookStart&& look);
  void answer(const Asked& asked);
  const Outage* outage_at(MonitorId id, std::int64_t real) const;
  void plan_fault();
  void do_fault();
  void change_something(MonitorId id);
  void deliver(MonitorId id, std::int64_t after_ms);
  MonitorId any_monitor();
  std::int64_t pick(std::int64_t from, std::int64_t to);

  World world_;
  std::mt19937_64 random_;
  Database database_;
  std::unique_ptr<Roster> roster_;
  std::map<Event, std::function<void()>> events_;
  std::map<MonitorId, std::vector<Outage>> outages_;
  std::set<std::uint64_t> in_flight_;
  std::map<std::pair<MonitorId, std::int64_t>, bool> truth_;  // (monitor, started UTC) → the target failed
  WallTime latest_;                                           // the latest UTC there ever was
  std::int64_t real_ms_ = 0, offset_ms_ = 0, ids_ = 0, still_until_ = 0;
  std::uint64_t orders_ = 0, boot_ = 0;
  int good_evidence_wanted_ = 0;
  std::int64_t wake_ms_ = 0;
};

// Lives the world to its end; every broken promise is a failure of the test.
struct Told {
  std::uint64_t hash = 0, rows = 0, missed = 0, down = 0, up = 0;
};
Told live(const World& world);
std::string told(const Database& database);  // its violations

}  // namespace everup::scheduler::testing
