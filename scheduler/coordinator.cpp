#include "scheduler/coordinator.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace everup::scheduler {

Coordinator::Coordinator(CoordinatorOptions options, MonitorSource& source, Post post, PostAll post_all,
                         Stopping stopping)
    : options_(std::move(options)),
      source_(source),
      post_(std::move(post)),
      post_all_(std::move(post_all)),
      stopping_(std::move(stopping)) {}

void Coordinator::round() {
  if (mono() >= hold_at_) hold();
  load_gained();
  if (mono() >= reread_at_) reread();
  take_commands();
  follow_changes();
}

milliseconds Coordinator::patience() const {
  if (!gained_.empty()) return milliseconds(0);
  const auto until_hold = std::chrono::duration_cast<milliseconds>(hold_at_ - mono());
  return std::clamp(until_hold, milliseconds(0), options_.changes_wait);
}

// The source was away: wait before the next round, longer each time. Said once.
void Coordinator::failed(const std::string& doing, const Error& error) {
  if (backoff_.count() == 0 && options_.say) options_.say(doing + ": " + error.what);
  backoff_ = std::clamp(backoff_ * 2, options_.retry_min, options_.retry_max);
}

void Coordinator::answered() {
  if (backoff_.count() > 0 && options_.say) options_.say("the database answers again");
  backoff_ = milliseconds(0);
}

void Coordinator::hold() {
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

void Coordinator::forget_lost(const std::vector<OwnedShard>& owned) {
  std::array<bool, kShards> ours{};
  for (const OwnedShard& shard : owned) ours[static_cast<std::size_t>(shard.shard)] = true;
  for (Shard shard = 0; shard < kShards; ++shard) {
    auto& epoch = epochs_[static_cast<std::size_t>(shard)];
    if (!epoch || ours[static_cast<std::size_t>(shard)]) continue;
    epoch.reset();
    post_(shard, [shard](Roster& roster, Now) { roster.lose_shard(shard); });
  }
}

bool Coordinator::load(Shard shard, std::vector<ScheduledMonitor>& monitors) {
  const auto status =
      source_.load(shard, [&monitors](ScheduledMonitor&& monitor) { monitors.push_back(std::move(monitor)); });
  if (status) return true;
  failed("monitors of shard " + std::to_string(shard), status.error());
  return false;
}

// One shard after the other, but never so long that a lease could run out.
void Coordinator::load_gained() {
  while (!gained_.empty() && mono() < hold_at_ && !stopping_()) {
    const OwnedShard shard = gained_.front();
    auto monitors = std::make_shared<std::vector<ScheduledMonitor>>();
    if (!load(shard.shard, *monitors)) return;
    gained_.pop_front();
    epochs_[static_cast<std::size_t>(shard.shard)] = shard.epoch;
    post_(shard.shard,
          [shard, monitors](Roster& roster, Now now) { roster.take_shard(shard, std::move(*monitors), now); });
  }
}

void Coordinator::reread() {
  reread_at_ = mono() + options_.reread_every / kShards;
  for (int tried = 0; tried < kShards; ++tried) {
    const Shard shard = reread_next_;
    reread_next_ = static_cast<Shard>((shard + 1) % kShards);
    if (!epochs_[static_cast<std::size_t>(shard)]) continue;
    auto monitors = std::make_shared<std::vector<ScheduledMonitor>>();
    if (!load(shard, *monitors)) return;
    post_(shard, [shard, monitors](Roster& roster, Now now) { roster.reconcile(shard, std::move(*monitors), now); });
    return;
  }
}

void Coordinator::take_commands() {
  auto commands = source_.commands();
  if (!commands) {
    failed("commands", commands.error());
    return;
  }
  for (const CheckNow& command : *commands) {
    post_(shard_of(command.monitor), [command](Roster& roster, Now now) { roster.check_now(command, now); });
  }
}

void Coordinator::follow_changes() {
  const WallTime asked = options_.clock->now().wall;
  auto changes = source_.changes(patience());
  if (!changes) {
    failed("changes", changes.error());
    return;
  }
  for (MonitorChange& change : *changes) {
    const Shard shard = shard_of(change.id);
    if (!epochs_[static_cast<std::size_t>(shard)]) continue;
    auto moved = std::make_shared<MonitorChange>(std::move(change));
    post_(shard, [moved](Roster& roster, Now now) { roster.change(std::move(*moved), now); });
  }
  const WallTime known = changes->empty() ? options_.clock->now().wall : asked;  // empty: it waited in vain until now
  post_all_([known](Roster& roster, Now) { roster.informed(known); });
}

}  // namespace everup::scheduler
