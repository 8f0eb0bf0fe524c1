#include "tests/scheduler/simulation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/schedule.h"

namespace everup::scheduler::testing {

namespace {
constexpr std::int64_t kStart = 1'767'225'600'000;  // 2026-01-01
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr Shard kHeld = 8;
}  // namespace

Simulation::Simulation(const World& world) : world_(world), random_(world.seed) {
  database_.target_failed = [this](const Observation& row) {
    const auto found = truth_.find({row.monitor, row.started_at.ms});
    return found == truth_.end() || found->second;
  };
  for (Shard shard = 0; shard < kHeld; ++shard) database_.shards[shard] = OwnedShard{shard, 0, 1, WallTime{}};
  boot();
}

Simulation::~Simulation() = default;

Now Simulation::now() const {
  return {WallTime{kStart + real_ms_ + offset_ms_}, Instant{(1'000'000 + real_ms_) * 1'000'000}};
}

std::int64_t Simulation::pick(std::int64_t from, std::int64_t to) {
  return from + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(to - from + 1));
}

void Simulation::at(std::int64_t real, std::function<void()> what) { events_[{real, ++orders_}] = std::move(what); }

void Simulation::boot() {
  ++boot_;
  in_flight_.clear();
  database_.turned = now().wall;  // what an earlier roster lived beyond it, this one does not know
  RosterOptions options;
  options.limits = world_.limits;
  roster_ = std::make_unique<Roster>(options, database_);
  take_all_shards();
  wake_ms_ = real_ms_;
}

void Simulation::take_all_shards() {
  for (auto& [number, shard] : database_.shards) {
    ++shard.epoch;
    std::vector<ScheduledMonitor> monitors;
    for (const auto& [id, stored] : database_.monitors) {
      if (!stored.deleted && shard_of(id) == number) monitors.push_back({stored.plan, stored.standing});
    }
    roster_->take_shard(shard, std::move(monitors), now());
  }
}

void Simulation::lose_shard(Shard number) {
  database_.tell("shard " + std::to_string(number) + " lost");
  roster_->lose_shard(number);
  const std::uint64_t boot = boot_;
  at(real_ms_ + pick(1'000, 40'000), [this, number, boot] {
    if (boot != boot_ || !roster_) return;
    OwnedShard& shard = database_.shards.at(number);
    shard.since_epoch = ++shard.epoch;
    std::vector<ScheduledMonitor> monitors;
    for (const auto& [id, stored] : database_.monitors) {
      if (!stored.deleted && shard_of(id) == number) monitors.push_back({stored.plan, stored.standing});
    }
    roster_->take_shard(shard, std::move(monitors), now());
  });
}

void Simulation::crash(std::int64_t away_ms) {
  database_.tell("away for " + std::to_string(away_ms));
  roster_.reset();
  in_flight_.clear();
  wake_ms_ = kNever;
  ++boot_;
  at(real_ms_ + away_ms, [this] { boot(); });
}

void Simulation::restart(std::int64_t away_ms) {
  database_.tell("drain");
  roster_->drain();
  const std::uint64_t boot = boot_;
  at(real_ms_ + 2'000, [this, boot, away_ms] {
    if (boot != boot_) return;
    roster_->finish(now());
    crash(away_ms);
  });
}

void Simulation::stand_still(std::int64_t ms) {
  database_.tell("standstill of " + std::to_string(ms));
  real_ms_ += ms;
  still_until_ = real_ms_;
}

MonitorId Simulation::create(std::int32_t interval_ms, std::int32_t timeout_ms, const Patience& patience,
                             const std::string& url) {
  MonitorId id;
  do {
    id.value = static_cast<std::int64_t>(random_() >> 2);
  } while (shard_of(id) >= kHeld || database_.monitors.contains(id));
  StoredMonitor& stored = database_.monitors[id];
  CheckPlan& plan = stored.plan;
  plan.id = id;
  plan.account = AccountId{1 + id.value % 3};
  plan.interval_ms = interval_ms;
  plan.timeout_ms = timeout_ms;
  plan.confirm = patience;
  plan.url = url;
  plan.created_at = plan.revised_at = now().wall;
  stored.history.push_back({plan.revised_at, interval_ms, false});
  deliver(id, pick(0, 2'000));
  return id;
}

void Simulation::deliver(MonitorId id, std::int64_t after_ms) {
  at(real_ms_ + after_ms, [this, id] {
    if (!roster_) return;
    const StoredMonitor& stored = database_.monitors.at(id);
    MonitorChange change{id, std::nullopt};
    if (!stored.deleted) change.monitor = ScheduledMonitor{stored.plan, stored.standing};
    roster_->change(std::move(change), now());
  });
}

void Simulation::edit(MonitorId id, const std::function<void(CheckPlan&)>& how, std::int64_t learnt_after_ms) {
  database_.tell("edit of " + to_string(id) + " learnt after " + std::to_string(learnt_after_ms));
  StoredMonitor& stored = database_.monitors.at(id);
  how(stored.plan);
  ++stored.plan.revision;
  stored.plan.revised_at = now().wall;
  stored.history.push_back({stored.plan.revised_at, stored.plan.interval_ms, stored.plan.paused});
  deliver(id, learnt_after_ms);
}

void Simulation::erase(MonitorId id, std::int64_t learnt_after_ms) {
  StoredMonitor& stored = database_.monitors.at(id);
  stored.deleted = true;
  stored.deleted_at = now().wall;
  deliver(id, learnt_after_ms);
}

bool Simulation::check_now(MonitorId id, CommandId command) { return roster_->check_now({command, id}, now()); }

void Simulation::outage(MonitorId id, std::int64_t from_real, std::int64_t to_real, bool hang) {
  outages_[id].push_back({from_real, to_real, hang});
}

const Simulation::Outage* Simulation::outage_at(MonitorId id, std::int64_t real) const {
  const auto found = outages_.find(id);
  if (found == outages_.end()) return nullptr;
  for (const Outage& outage : found->second) {
    if (outage.from <= real && real < outage.to) return &outage;
  }
  return nullptr;
}

void Simulation::ask(LookStart&& look) {
  const MonitorId id = look.plan.id;
  Asked asked;
  asked.token = look.token;
  asked.started = real_ms_;
  asked.deadline = real_ms_ + look.plan.timeout_ms;
  in_flight_.insert(look.token);
  if (look.deadline.ns != (1'000'000 + asked.deadline) * 1'000'000) database_.complain("odd deadline");
  const Outage* outage = outage_at(id, real_ms_);
  asked.failed = outage != nullptr;
  asked.hung = outage != nullptr && outage->hang;
  asked.wants = look.want_evidence;
  asked.odd = world_.faults.inconclusive && pick(0, 299) == 0;
  std::int64_t takes = outage != nullptr ? 2 : pick(20, 60);
  if (world_.faults.inconclusive && pick(0, 99) == 0) takes = pick(100, look.plan.timeout_ms - 1);
  if (asked.hung) takes = look.plan.timeout_ms + pick(0, 50);
  truth_[{id, now().wall.ms}] = asked.failed;
  const std::uint64_t boot = boot_;
  at(real_ms_ + takes, [this, asked, boot] {
    if (boot == boot_ && roster_) answer(asked);
  });
}

void Simulation::answer(const Asked& asked) {
  if (in_flight_.erase(asked.token) == 0) return;  // cancelled
  const bool starved = still_until_ > asked.started && real_ms_ > asked.deadline;
  Outcome outcome = outcome_of(asked.odd               ? Cause::kOwnNetwork
                               : asked.hung || starved ? Cause::kHttpTimeout
                               : asked.failed          ? Cause::kConnectRefused
                                                       : Cause::kOk);
  const bool good = outcome.verdict == Verdict::kUp;
  if (good && asked.wants) ++good_evidence_wanted_;
  if (!good || asked.wants) outcome.evidence = std::make_unique<Evidence>();
  outcome.timings.total_us = static_cast<std::int32_t>(std::min<std::int64_t>(60'000, real_ms_ - asked.started) * 1000);
  roster_->on_outcome(asked.token, std::move(outcome), now());
}

void Simulation::turn() {
  for (int again = 0; again < 100; ++again) {
    Turn turn = roster_->on_time(now());
    database_.turned = std::max(database_.turned, now().wall);
    for (const std::uint64_t token : turn.cancels) in_flight_.erase(token);
    for (LookStart& look : turn.starts) ask(std::move(look));
    if (roster_->in_flight() != in_flight_.size()) database_.complain("looks in flight are miscounted");
    wake_ms_ = std::max(real_ms_ + 1, (turn.wake.ns + 999'999) / 1'000'000 - 1'000'000);
    if (wake_ms_ > real_ms_ + 1'000) database_.complain("sleeps longer than a second");
    if (!roster_->ready()) return;
  }
  database_.complain("a turn never ends");
}

void Simulation::run_for(std::int64_t real_ms) {
  const std::int64_t end = real_ms_ + real_ms;
  while (real_ms_ < end) {
    std::int64_t next = std::min(end, wake_ms_);
    if (!events_.empty()) next = std::min(next, events_.begin()->first.at);
    real_ms_ = std::max(real_ms_, next);
    database_.now = now().wall;
    latest_ = std::max(latest_, now().wall);
    while (!events_.empty() && events_.begin()->first.at <= real_ms_) {
      const auto what = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      what();
    }
    if (roster_) turn();
  }
}

void Simulation::finish() {
  while (!roster_) run_for(1'000);
  database_.full = false;
  run_for(2'000);
  while (!roster_) run_for(1'000);
  roster_->finish(now());
  database_.audit();
}

void Simulation::run() {
  for (int i = 0; i < world_.monitors; ++i) {
    const auto interval = world_.intervals_ms[static_cast<std::size_t>(i) % world_.intervals_ms.size()];
    const std::string host = "https://host" + std::to_string(i % 20) + ".example/";
    const MonitorId id = create(interval, 10'000, Patience{}, host);
    if (!world_.faults.outages) continue;
    for (std::int64_t from = pick(0, 4 * kHourMs); from < world_.hours * kHourMs; from += pick(0, 8 * kHourMs)) {
      outage(id, from, from + pick(1'000, 20 * kMinuteMs), pick(0, 1) == 0);
    }
  }
  plan_fault();
  run_for(world_.hours * kHourMs);
  finish();
}

void Simulation::plan_fault() {
  const std::int64_t mean = world_.mean_minutes_between_faults * kMinuteMs;
  at(real_ms_ + pick(1, 2 * mean), [this] {
    if (roster_) do_fault();
    plan_fault();
  });
}

MonitorId Simulation::any_monitor() {
  for (int tries = 0; tries < 1'000; ++tries) {
    auto found = database_.monitors.begin();
    std::advance(found, pick(0, static_cast<std::int64_t>(database_.monitors.size()) - 1));
    if (!found->second.deleted) return found->first;
  }
  return {};
}

void Simulation::change_something(MonitorId id) {
  const StoredMonitor& stored = database_.monitors.at(id);
  // In time that comes twice nobody can say whose slots are whose; two changes in one instant are one.
  if (now().wall < latest_ || now().wall <= stored.history.back().from) return;
  const bool paused = stored.plan.paused;
  const std::int64_t what = pick(0, 3);
  if (what == 0 && world_.faults.deletes) {
    erase(id, pick(0, 2'000));
    create(60'000, 10'000, Patience{}, "https://new.example/");
  } else if (what <= 2 && world_.faults.pauses) {
    edit(
        id, [paused](CheckPlan& plan) { plan.paused = !paused; }, pick(0, 2'000));
  } else if (world_.faults.edits) {
    const auto interval = world_.intervals_ms[static_cast<std::size_t>(pick(0, 6)) % world_.intervals_ms.size()];
    edit(
        id, [interval](CheckPlan& plan) { plan.interval_ms = interval; }, pick(0, 2'000));
  }
}

void Simulation::do_fault() {
  const Faults& faults = world_.faults;
  switch (pick(0, 9)) {
    case 0:
    case 1:
    case 2:
      for (std::int64_t n = pick(1, 5); n > 0; --n) change_something(any_monitor());
      return;
    case 3:
      if (faults.clock_steps) step_clock(pick(2'500, pick(0, 1) == 0 ? 60'000 : 2 * kHourMs));
      return;
    case 4:
      if (faults.steps_back) step_clock(-pick(500, 10 * kMinuteMs));
      return;
    case 5:
      if (faults.standstills) stand_still(pick(500, 5 * kMinuteMs));
      return;
    case 6:
      if (faults.crashes) crash(pick(500, 2 * kMinuteMs));
      return;
    case 7:
      if (faults.restarts) restart(pick(500, kMinuteMs));
      return;
    case 8:
      if (faults.lost_shards) lose_shard(static_cast<Shard>(pick(0, kHeld - 1)));
      if (faults.commands) check_now(any_monitor(), CommandId{++ids_});
      return;
    default:
      if (!faults.full_sinks) return;
      database_.full = true;
      database_.tell("full");
      at(real_ms_ + pick(1'000, 5 * kMinuteMs), [this] {
        database_.full = false;
        database_.tell("room");
      });
  }
}

std::string told(const Database& database) {
  std::string all;
  for (const std::string& one : database.violations()) all += one + "\n";
  return all;
}

Told live(const World& world) {
  Simulation simulation(world);
  simulation.run();
  const Database& database = simulation.database();
  EXPECT_EQ(told(database), "") << "seed " << world.seed;
  return {database.log_hash(), database.rows, database.missed, database.flips_down, database.flips_up};
}

}  // namespace everup::scheduler::testing
