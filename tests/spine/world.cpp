// See world.h.
#include "tests/spine/world.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <stdexcept>

namespace everup::spine {

namespace {
constexpr std::int64_t kPeaceMs = 30 * kMinuteMs;
constexpr std::size_t kLogMax = 64u << 20;

// In memory where the machine has it: a spool's fsync costs nothing there.
std::string make_directory() {
  std::string pattern = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm/everup-XXXXXX" : "/tmp/everup-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  return pattern;
}
}  // namespace

Plan plan_of(std::uint64_t seed) {
  // Noon before: a new year, a leap day, the two changes of European summer time, an ordinary day.
  constexpr std::array<std::int64_t, 5> kStarts{1'830'254'400'000, 1'835'352'000'000, 1'774'699'200'000,
                                                1'792'843'200'000, 1'767'225'600'000};
  Plan plan;
  plan.seed = seed;
  plan.start_ms = kStarts[seed % kStarts.size()];
  plan.nodes = seed % 3 == 0 ? 2 : 1;
  if (seed % 7 == 1) plan.spool_bytes_max = 24 * 1024;
  if (seed % 7 == 2) plan.queue_items_max = 12;
  if (seed % 7 == 3) plan.limits = {2, 1, 2, 1};
  plan.faults.poison = seed % 7 == 4;
  plan.faults.steps_back = seed % 5 == 0;
  return plan;
}

World::World(const Plan& plan) : plan_(plan), random_(plan.seed), directory_(make_directory()), database_(plan.shards) {
  database_.now_ms = plan_.start_ms;
  database_.complain = [this](const std::string& what) { judge_.complain(what); };
  database_.log = [this](std::int64_t value) { log(value); };
  database_.poison = [this] { return poison_ && chance(20); };
  for (int i = 0; i < plan_.nodes; ++i) {
    nodes_.push_back(std::make_unique<Node>(*this, i, directory_ + "/" + std::to_string(i)));
  }
  for (const auto& node : nodes_) node->boot();
}

World::~World() {
  nodes_.clear();
  std::error_code ignored;  // what is left behind is no verdict
  std::filesystem::remove_all(directory_, ignored);
}

std::int64_t World::pick(std::int64_t from, std::int64_t to) {
  return from + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(to - from + 1));
}

void World::log(std::int64_t value) {
  hash_ = (hash_ ^ static_cast<std::uint64_t>(value)) * 0x100000001b3ULL;
  if (plan_.keep_log && log_.size() < kLogMax) log_ += std::to_string(value) + "\n";
}

void World::at(std::int64_t real, std::function<void()> what) { events_[{real, ++orders_}] = std::move(what); }

void World::run_for(std::int64_t real_ms) {
  const std::int64_t end = real_ms_ + real_ms;
  while (real_ms_ < end) {
    std::int64_t next = end;
    if (!events_.empty()) next = std::min(next, events_.begin()->first.at);
    for (const auto& node : nodes_) next = std::min(next, node->next());
    real_ms_ = std::max(real_ms_, next);
    database_.now_ms = utc().ms + nodes_.front()->offset_ms();
    latest_ms_ = std::max(latest_ms_, database_.now_ms);
    while (!events_.empty() && events_.begin()->first.at <= real_ms_) {
      const auto what = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      what();
    }
    for (const auto& node : nodes_) {
      if (node->next() <= real_ms_) node->run();
    }
  }
}

// ---- monitors and their targets --------------------------------------------------------------------------------

MonitorId World::create(std::int32_t interval_ms, std::int32_t timeout_ms, const Patience& patience) {
  MonitorId id;
  do {
    id.value = static_cast<std::int64_t>(random_() >> 2);
  } while (shard_of(id) >= plan_.shards || database_.monitors.contains(id));
  StoredMonitor& stored = database_.monitors[id];
  CheckPlan& plan = stored.plan;
  plan.id = id;
  plan.account = AccountId{1 + id.value % 3};
  plan.interval_ms = interval_ms;
  plan.timeout_ms = timeout_ms;
  plan.confirm = patience;
  plan.url = "https://host" + std::to_string(database_.monitors.size() % 20) + ".example/";
  plan.created_at = plan.revised_at = WallTime{database_.now_ms};
  database_.save(stored);
  changed();
  return id;
}

void World::edit(MonitorId id, const std::function<void(CheckPlan&)>& how) {
  StoredMonitor& stored = database_.monitors.at(id);
  how(stored.plan);
  ++stored.plan.revision;
  stored.plan.revised_at = WallTime{database_.now_ms};
  judge_.tell(real_ms_, "revision " + std::to_string(stored.plan.revision) + " of " + to_string(id));
  database_.save(stored);
  changed();
}

void World::erase(MonitorId id) {
  database_.erase(id, WallTime{database_.now_ms});
  changed();
}

void World::changed() {
  for (const auto& node : nodes_) node->news();
}

void World::outage(MonitorId id, std::int64_t from_real, std::int64_t to_real, bool hang) {
  outages_[id].push_back({from_real, to_real, hang});
}

bool World::target_fails(MonitorId id, std::int64_t real, bool& hangs) const {
  const auto found = outages_.find(id);
  if (found == outages_.end()) return false;
  for (const Outage& outage : found->second) {
    if (real < outage.from || real >= outage.to) continue;
    hangs = outage.hang;
    return true;
  }
  return false;
}

void World::populate() {
  for (int i = 0; i < plan_.monitors; ++i) {
    const auto interval = plan_.intervals_ms[static_cast<std::size_t>(i) % plan_.intervals_ms.size()];
    const MonitorId id = create(interval, 10'000, Patience{});
    if (!plan_.faults.outages) continue;
    if (i % 13 == 0) {  // flaps
      for (std::int64_t from = pick(0, kHourMs); from < plan_.hours * kHourMs; from += pick(30'000, 10 * kMinuteMs)) {
        outage(id, from, from + pick(1'000, 2 * kMinuteMs), false);
      }
    } else {
      for (std::int64_t from = pick(0, 4 * kHourMs); from < plan_.hours * kHourMs;
           from += pick(kMinuteMs, 8 * kHourMs)) {
        outage(id, from, from + pick(1'000, 40 * kMinuteMs), chance(2));
      }
    }
  }
}

// ---- what goes wrong -------------------------------------------------------------------------------------------

void World::service(Service service, std::int64_t for_ms) {
  service_ = service;
  service_until_ = std::max(service_until_, real_ms_ + for_ms);
  judge_.tell(real_ms_, "database " + std::to_string(static_cast<int>(service)) + " for " + std::to_string(for_ms));
  at(real_ms_ + for_ms, [this] {
    if (real_ms_ < service_until_) return;
    service_ = Service::kUp;
    database_.let_go(chance(2));
  });
}

void World::step_clock(Node& node, std::int64_t ms) {
  judge_.tell(real_ms_, node.name() + " clock step of " + std::to_string(ms));
  node.step_clock(ms);
  database_.now_ms = utc().ms + nodes_.front()->offset_ms();
  went_back_ = went_back_ || ms < 0;
  judge_.clock_moved(node.number(), real_ms_);
}

void World::freeze(Node& node, std::int64_t ms, bool suspend) {
  judge_.tell(real_ms_, node.name() + " stands still for " + std::to_string(ms));
  node.freeze(ms, suspend);
  if (node.next() >= real_ms_ + ms) judge_.clock_moved(node.number(), real_ms_ + ms);
}

void World::kill(Node& node, std::int64_t away_ms) {
  if (!node.alive()) return;
  judge_.tell(real_ms_, node.name() + " killed, away for " + std::to_string(away_ms));
  node.kill();
  at(real_ms_ + away_ms, [&node] {
    if (!node.alive()) node.boot();
  });
}

void World::plan_fault() {
  at(real_ms_ + pick(1, 2 * plan_.mean_minutes_between_faults * kMinuteMs), [this] {
    if (peace_) return;
    do_fault();
    plan_fault();
  });
}

void World::do_fault() {
  Node& node = *nodes_[static_cast<std::size_t>(pick(0, plan_.nodes - 1))];
  switch (pick(0, 6)) {
    case 0:
    case 1:
      for (std::int64_t n = pick(1, 5); n > 0; --n) change_something();
      return;
    case 2:
    case 3:
      return disturb_database();
    case 4:
      return disturb_clock(node);
    case 5:
      return disturb_process(node);
    default:
      if (!plan_.faults.partitions) return;
      const std::int64_t ms = pick(500, chance(4) ? 30 * kMinuteMs : 40'000);
      judge_.tell(real_ms_, node.name() + " partitioned for " + std::to_string(ms));
      node.partition(ms);
  }
}

void World::disturb_database() {
  if (!plan_.faults.database || service_ != Service::kUp) return;
  switch (pick(0, 4)) {
    case 0:
      return service(Service::kAway, pick(500, chance(6) ? kHourMs : 3 * kMinuteMs));
    case 1:
      return service(Service::kFrozen, pick(500, 90'000));
    case 2:
      return service(Service::kSlow, pick(5'000, 5 * kMinuteMs));
    case 3:
      in_doubt_ = plan_.faults.in_doubt;
      at(real_ms_ + pick(5'000, 3 * kMinuteMs), [this] { in_doubt_ = false; });
      return;
    default:
      poison_ = plan_.faults.poison;
      at(real_ms_ + pick(5'000, 3 * kMinuteMs), [this] { poison_ = false; });
      return;
  }
}

// Steps are those of a time server that all nodes follow: between clocks that stay apart nothing is promised.
void World::disturb_clock(Node& node) {
  const auto step = [this](std::int64_t ms) {
    for (const auto& each : nodes_) step_clock(*each, ms);
  };
  switch (pick(0, 4)) {
    case 0:
      if (plan_.faults.clock_steps) step(pick(2'500, chance(2) ? 60'000 : 10 * kMinuteMs));
      return;
    case 1:
      if (plan_.faults.clock_steps) step(kHourMs);
      return;
    case 2:
      if (plan_.faults.steps_back) step(chance(4) ? -kHourMs : -pick(500, 10 * kMinuteMs));
      return;
    default:
      if (plan_.faults.standstills) freeze(node, pick(500, chance(4) ? 2 * kHourMs : 3 * kMinuteMs), chance(2));
      return;
  }
}

void World::disturb_process(Node& node) {
  if (!node.alive()) return;
  if (plan_.faults.crashes && chance(2)) return kill(node, pick(500, chance(5) ? kHourMs : 2 * kMinuteMs));
  if (!plan_.faults.stops) return;
  judge_.tell(real_ms_, node.name() + " stops");
  node.stop();
  at(real_ms_ + 2'000 + pick(500, kMinuteMs), [&node] {
    if (!node.alive()) node.boot();
  });
}

MonitorId World::any_monitor() {
  for (int tries = 0; tries < 1'000; ++tries) {
    auto found = database_.monitors.begin();
    std::advance(found, pick(0, static_cast<std::int64_t>(database_.monitors.size()) - 1));
    if (!found->second.deleted) return found->first;
  }
  throw std::runtime_error("no monitor is left");
}

void World::change_something() {
  if (!plan_.faults.changes) return;
  const MonitorId id = any_monitor();
  const StoredMonitor& stored = database_.monitors.at(id);
  // In time that comes twice nobody can say whose slots are whose; two changes in one instant are one.
  if (database_.now_ms < latest_ms_ || database_.now_ms <= stored.history.back().from_at.ms) return;
  const bool paused = stored.plan.paused;
  const std::int64_t what = pick(0, 4);
  if (what == 0) {
    erase(id);
    create(60'000, 10'000, Patience{});
  } else if (what <= 2) {
    edit(id, [paused](CheckPlan& plan) { plan.paused = !paused; });
  } else if (what == 3) {
    const auto last = static_cast<std::int64_t>(plan_.intervals_ms.size()) - 1;
    const auto interval = plan_.intervals_ms[static_cast<std::size_t>(pick(0, last))];
    edit(id, [interval](CheckPlan& plan) { plan.interval_ms = interval; });
  } else {
    Node& node = *nodes_[static_cast<std::size_t>(pick(0, plan_.nodes - 1))];
    if (node.alive()) node.check_now(id, CommandId{++ids_});
  }
}

// ---- a life ----------------------------------------------------------------------------------------------------

// Everything answers again; long enough that spools drain, leases settle, late evidence is worked in.
void World::peace() {
  peace_ = true;
  in_doubt_ = poison_ = false;
  service_ = Service::kUp;
  database_.let_go(true);
  for (const auto& node : nodes_) {
    node->calm();
    if (!node->alive()) node->boot();
  }
  run_for(kPeaceMs);
}

Told World::live() {
  populate();
  plan_fault();
  run_for(plan_.hours * kHourMs);
  return finish();
}

Told World::finish() {
  peace();
  // What a stop itself leaves behind is the next owner's to amend.
  if (database_.late() > 0) judge_.complain("late evidence is left after peace");
  for (const auto& node : nodes_) {
    if (!node->spool_empty()) judge_.complain(node->name() + "'s spool is not empty after peace");
    node->finish();
  }
  WallTime now{database_.now_ms};
  for (const auto& node : nodes_) now = std::max(now, node->now().wall);
  judge_.audit(database_, now, went_back_);
  Told told{hash_, judge_.differing(), database_.counts, {}, log_, {}};
  for (const auto& node : nodes_) {
    const Node::Counts& counts = node->counts();
    if (counts.queue_most > plan_.queue_items_max) judge_.complain("the queue passed its limit");
    if (counts.spool_bytes_most > plan_.spool_bytes_max) judge_.complain("the spool passed its limit");
    told.nodes.looks += counts.looks, told.nodes.refused += counts.refused, told.nodes.replayed += counts.replayed;
    told.nodes.lost_in_crash += counts.lost_in_crash, told.nodes.dropped += counts.dropped;
  }
  for (const std::string& one : judge_.violations()) told.violations += one + "\n";
  return told;
}

Told live(const Plan& plan) {
  const Told told = World(plan).live();
  EXPECT_EQ(told.violations, "") << "seed " << plan.seed;
  return told;
}

}  // namespace everup::spine
