#include "scheduler/scheduler.h"

#include <algorithm>
#include <utility>

#include "net/limits.h"
#include "scheduler/coordinator.h"

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
  each.roster.sight = options_.sight;
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
  CoordinatorOptions options;
  options.clock = options_.clock;
  options.hold_every = options_.hold_every;
  options.changes_wait = options_.changes_wait;
  options.reread_every = options_.reread_every;
  options.retry_min = options_.retry_min, options.retry_max = options_.retry_max;
  options.say = options_.say;
  Coordinator coordinator(
      std::move(options), source_,
      [this](Shard shard, const Coordinator::Task& task) { post_to(*workers_[map_.worker_of(shard)], task); },
      [this](const Coordinator::Task& task) {
        for (const auto& worker : workers_) post_to(*worker, task);
      },
      [this] { return stopping(); });
  while (!stopping()) {
    if (coordinator.pause().count() > 0 && pause(coordinator.pause())) return;
    if (mono() >= room_at_) look_for_room();
    coordinator.round();
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
    all.longest_turn.merge(one.longest_turn);
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
