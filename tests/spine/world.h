// Days of the whole spine from one seed: nodes (node.h) that watch the same targets, one database (database.h), and
// everything that goes wrong between them. `real` milliseconds are what truly passes; targets and the database live in
// them, each node's clocks are moved against them by faults.
//
// One seed is one run: the only source of chance is one generator, the only order that of instants and, within one,
// of the nodes. log_hash() and, where asked for, log_text() tell it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "scheduler/admission.h"
#include "tests/spine/database.h"
#include "tests/spine/judge.h"
#include "tests/spine/node.h"

namespace everup::spine {

enum class Service { kUp, kAway, kFrozen, kSlow };

struct Faults {
  bool outages = true, own_trouble = true;
  bool changes = true;
  bool database = true, in_doubt = true, poison = false;
  bool crashes = true, stops = true, partitions = true;
  bool standstills = true, clock_steps = true, steps_back = true;
};

struct Plan {
  std::uint64_t seed = 1;
  int nodes = 1, monitors = 50, shards = 8;
  std::int64_t hours = 24;
  std::int64_t start_ms = 1'767'225'600'000;  // 2026-01-01
  scheduler::AdmissionLimits limits{64, 16, 48, 32};
  Faults faults;
  std::vector<std::int32_t> intervals_ms{60'000,  60'000,  300'000,   300'000,   300'000,
                                         900'000, 900'000, 3'600'000, 3'600'000, 86'400'000};
  int mean_minutes_between_faults = 15;
  std::uint64_t spool_bytes_max = 1ULL << 30;
  std::size_t queue_items_max = 65'536;
  bool keep_log = false;
};
// Nodes, limits, dates and kinds of faults as the seed says.
Plan plan_of(std::uint64_t seed);

struct Told {
  std::uint64_t hash = 0, differing = 0;
  DatabaseCounts counts;
  Node::Counts nodes;
  std::string log, violations;
};

class World {
 public:
  explicit World(const Plan& plan);
  ~World();

  Told live();                         // the whole time, then peace, a clean end, and the audit
  void run_for(std::int64_t real_ms);  // no faults beyond those asked for
  Told finish();

  MonitorId create(std::int32_t interval_ms, std::int32_t timeout_ms, const Patience& patience);
  void edit(MonitorId id, const std::function<void(CheckPlan&)>& how);
  void erase(MonitorId id);
  void outage(MonitorId id, std::int64_t from_real, std::int64_t to_real, bool hang);
  void service(Service service, std::int64_t for_ms);
  // Steps of a node's clock; the first node shares its machine, and so its clock, with the database.
  void step_clock(Node& node, std::int64_t ms);
  void freeze(Node& node, std::int64_t ms, bool suspend);
  void kill(Node& node, std::int64_t away_ms);
  void at(std::int64_t real, std::function<void()> what);

  const Plan& plan() const { return plan_; }
  std::int64_t real() const { return real_ms_; }
  WallTime utc() const { return WallTime{plan_.start_ms + real_ms_}; }
  Database& database() { return database_; }
  Judge& judge() { return judge_; }
  Node& node(int number) { return *nodes_[static_cast<std::size_t>(number)]; }
  Service service() const { return service_; }
  bool in_doubt() const { return in_doubt_; }
  bool target_fails(MonitorId id, std::int64_t real, bool& hangs) const;
  std::int64_t pick(std::int64_t from, std::int64_t to);
  bool chance(int in) { return pick(1, in) == 1; }
  void log(std::int64_t value);

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
  void populate();
  void plan_fault();
  void do_fault();
  void disturb_database();
  void disturb_clock(Node& node);
  void disturb_process(Node& node);
  void change_something();
  void changed();
  void peace();
  MonitorId any_monitor();

  Plan plan_;
  std::mt19937_64 random_;
  std::string directory_;
  Database database_;
  Judge judge_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<Event, std::function<void()>> events_;
  std::map<MonitorId, std::vector<Outage>> outages_;
  Service service_ = Service::kUp;
  bool in_doubt_ = false, poison_ = false, peace_ = false, went_back_ = false;
  std::int64_t service_until_ = 0, latest_ms_ = 0;
  std::int64_t real_ms_ = 0, ids_ = 0;
  std::uint64_t orders_ = 0, hash_ = 0xcbf29ce484222325ULL;
  std::string log_;
};

// Lives the seed's world; every broken promise is a failure of the test.
Told live(const Plan& plan);

}  // namespace everup::spine
