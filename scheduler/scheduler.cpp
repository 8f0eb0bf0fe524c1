#include "scheduler/scheduler.h"

#include <algorithm>
#include <utility>

#include "net/limits.h"

namespace everup::scheduler {

namespace {
constexpr milliseconds kPostAgain{10};
}

Scheduler::Scheduler(SchedulerOptions options, MonitorSource& source, ObservationSink& sink)
    : options_(std::move(options)),
      source_(source),
      sink_(sink),
      map_(static_cast<std::size_t>(std::max(1, options_.workers))) {
  EVERUP_ASSERT(options_.clock != nullptr && options_.workers >= 1 && options_.workers <= kShards);
}

Scheduler::~Scheduler() { stop(milliseconds(0)); }

Status Scheduler::start() {
  EVERUP_ASSERT(!started_);
  std::int64_t descriptors = options_.descriptors;
  if (descriptors == 0) {
    const auto room = net::descriptor_room();
    if (!room) return room.error();
    descriptors = *room;
  }
  if (descriptors < 2 * options_.workers) {
    return Error{ErrorCode::kExhausted, "scheduler: no descriptors are left for checks; raise ulimit -n"};
  }
  WorkerOptions each;
  each.roster.region = options_.region;
  each.roster.limits = limits_for(descriptors);
  each.make_probes = options_.make_probes;
  each.clock = options_.clock;
  for (int i = 0; i < options_.workers; ++i) {
    auto worker = std::make_unique<Worker>(each, sink_);
    if (auto status = worker->start(); !status) return status;
    workers_.push_back(std::move(worker));
  }
  started_ = true;
  room_at_ = mono() + options_.hold_every;
  coordinator_ = std::thread([this] { coordinate(); });
  return ok();
}

void Scheduler::stop(milliseconds within) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
  }
  changed_.notify_all();
  const Instant deadline = mono() + within;
  for (const auto& worker : workers_) {
    while (!worker->stop(deadline)) std::this_thread::yield();
  }
  for (const auto& worker : workers_) worker->join();
  if (coordinator_.joinable()) coordinator_.join();
}

Status Scheduler::release_shards() {
  EVERUP_ASSERT(!coordinator_.joinable());
  return source_.release_shards();
}

bool Scheduler::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

bool Scheduler::pause(milliseconds at_most) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, at_most, [this] { return stopping_; });
}

void Scheduler::coordinate() {
  while (!stopping()) {
    backoff_ = std::min(backoff_, options_.retry_max);
    if (backoff_.count() > 0 && pause(backoff_)) return;
    if (mono() >= room_at_) look_for_room();
    if (mono() >= hold_at_) hold();
    load_gained();
    if (mono() >= reread_at_) reread();
    take_commands();
    follow_changes();
  }
}

// The source was away: wait before the next round, longer each time. Said once.
void Scheduler::failed(const std::string& doing, const Error& error) {
  if (backoff_.count() == 0 && options_.say) options_.say(doing + ": " + error.what);
  backoff_ = std::clamp(backoff_ * 2, options_.retry_min, options_.retry_max);
}

void Scheduler::answered() {
  if (backoff_.count() > 0 && options_.say) options_.say("the database answers again");
  backoff_ = milliseconds(0);
}

void Scheduler::hold() {
  const auto owned = source_.hold_shards();
  if (!owned) {
    failed("leases", owned.error());
    return;
  }
  answered();
  // Somebody else has the others, and may die: his leases last 15 s, and all is taken over within 20.
  const bool all = owned->size() == static_cast<std::size_t>(kShards);
  hold_at_ = mono() + (all ? options_.hold_every : options_.hold_every / 2);
  forget_lost(*owned);
  gained_.clear();
  for (const OwnedShard& shard : *owned) {
    if (epochs_[static_cast<std::size_t>(shard.shard)] != shard.epoch) gained_.push_back(shard);
  }
}

void Scheduler::forget_lost(const std::vector<OwnedShard>& owned) {
  std::array<bool, kShards> ours{};
  for (const OwnedShard& shard : owned) ours[static_cast<std::size_t>(shard.shard)] = true;
  for (Shard shard = 0; shard < kShards; ++shard) {
    auto& epoch = epochs_[static_cast<std::size_t>(shard)];
    if (!epoch || ours[static_cast<std::size_t>(shard)]) continue;
    epoch.reset();
    post(shard, [shard](Roster& roster, Now) { roster.lose_shard(shard); });
  }
}

bool Scheduler::load(Shard shard, std::vector<ScheduledMonitor>& monitors) {
  const auto status =
      source_.load(shard, [&monitors](ScheduledMonitor&& monitor) { monitors.push_back(std::move(monitor)); });
  if (status) return true;
  failed("monitors of shard " + std::to_string(shard), status.error());
  return false;
}

// One shard after the other, but never so long that a lease could run out.
void Scheduler::load_gained() {
  while (!gained_.empty() && mono() < hold_at_ && !stopping()) {
    const OwnedShard shard = gained_.front();
    auto monitors = std::make_shared<std::vector<ScheduledMonitor>>();
    if (!load(shard.shard, *monitors)) return;
    gained_.pop_front();
    epochs_[static_cast<std::size_t>(shard.shard)] = shard.epoch;
    post(shard.shard,
         [shard, monitors](Roster& roster, Now now) { roster.take_shard(shard, std::move(*monitors), now); });
  }
}

void Scheduler::reread() {
  reread_at_ = mono() + options_.reread_every / kShards;
  for (int tried = 0; tried < kShards; ++tried) {
    const Shard shard = reread_next_;
    reread_next_ = static_cast<Shard>((shard + 1) % kShards);
    if (!epochs_[static_cast<std::size_t>(shard)]) continue;
    auto monitors = std::make_shared<std::vector<ScheduledMonitor>>();
    if (!load(shard, *monitors)) return;
    post(shard, [shard, monitors](Roster& roster, Now now) { roster.reconcile(shard, std::move(*monitors), now); });
    return;
  }
}

void Scheduler::take_commands() {
  auto commands = source_.commands();
  if (!commands) {
    failed("commands", commands.error());
    return;
  }
  for (const CheckNow& command : *commands) {
    post(shard_of(command.monitor), [command](Roster& roster, Now now) { roster.check_now(command, now); });
  }
}

void Scheduler::follow_changes() {
  const auto until_hold = std::chrono::duration_cast<milliseconds>(hold_at_ - mono());
  milliseconds wait = std::clamp(until_hold, milliseconds(0), options_.changes_wait);
  if (!gained_.empty()) wait = milliseconds(0);
  auto changes = source_.changes(wait);
  if (!changes) {
    failed("changes", changes.error());
    return;
  }
  for (MonitorChange& change : *changes) {
    const Shard shard = shard_of(change.id);
    if (!epochs_[static_cast<std::size_t>(shard)]) continue;
    auto moved = std::make_shared<MonitorChange>(std::move(change));
    post(shard, [moved](Roster& roster, Now now) { roster.change(std::move(*moved), now); });
  }
}

AdmissionLimits Scheduler::limits_for(std::int64_t descriptors) const {
  return admission_limits(descriptors, options_.target_limit, options_.workers);
}

// What others of this process open and close (API, database, DNS) changes what is left for looks. One descriptor is
// counted for each look in flight: those that have two make the limit smaller for a while, never too large.
void Scheduler::look_for_room() {
  room_at_ = mono() + options_.hold_every;
  if (options_.descriptors != 0) return;
  const auto room = net::descriptor_room();
  if (!room) {
    if (options_.say) options_.say("descriptors: " + room.error().what);
    return;
  }
  std::int64_t descriptors = *room;
  for (const auto& worker : workers_) descriptors += static_cast<std::int64_t>(worker->stats().in_flight);
  const AdmissionLimits limits = limits_for(descriptors);
  for (const auto& worker : workers_) {
    post_to(*worker, [limits](Roster& roster, Now) { roster.set_limits(limits); });
  }
}

void Scheduler::post(Shard shard, const std::function<void(Roster&, Now)>& task) {
  post_to(*workers_[map_.worker_of(shard)], task);
}

// A worker whose queue is full gets its time; nothing is dropped.
void Scheduler::post_to(Worker& worker, const std::function<void(Roster&, Now)>& task) {
  while (!worker.post(task)) {
    if (pause(kPostAgain)) return;
  }
}

SchedulerStats Scheduler::stats() const {
  SchedulerStats all;
  const Instant now = mono();
  for (const auto& worker : workers_) {
    const SchedulerStats one = worker->stats();
    for (const auto& [key, n] : one.checks) all.checks[key] += n;
    for (const auto& [key, histogram] : one.duration) all.duration[key].merge(histogram);
    all.lateness.merge(one.lateness);
    for (const auto& [key, n] : one.missed) all.missed[key] += n;
    for (const auto& [key, n] : one.monitors) all.monitors[key] += n;
    all.in_flight += one.in_flight;
    all.shards_owned += one.shards_owned;
    all.monitors_total += one.monitors_total;
    const auto age = std::chrono::duration_cast<milliseconds>(now - worker->last_turn()).count();
    all.oldest_heartbeat_ms = std::max<std::int64_t>(all.oldest_heartbeat_ms, age);
  }
  return all;
}

}  // namespace everup::scheduler
