// What a node does about shards and monitors, without its thread: leases every hold_every, the monitors of a shard when
// it is gained, changes as they come, check-now commands, and every shard once in reread_every as a safety net.
//
// A source that is away changes nothing for the shards we have: they are watched on (RULES A 1); the next round comes
// after a pause that doubles. What concerns a roster is posted to whoever runs it, in order.
//
// One thread uses it: the scheduler's coordinator, or a simulation (tests/spine). Ownership: source and clock outlive
// it. Limits: 256 shards, one load at a time, never so long that a lease could run out; changes as the source bounds
// them.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ports.h"
#include "scheduler/roster.h"

namespace everup::scheduler {

struct CoordinatorOptions {
  const Clock* clock = nullptr;
  milliseconds hold_every{5'000};
  milliseconds changes_wait{1'000};
  milliseconds reread_every{300'000};
  milliseconds retry_min{100}, retry_max{5'000};  // after the source was away
  std::function<void(const std::string&)> say;    // a line for the log; may be empty
};

class Coordinator {
 public:
  using Task = std::function<void(Roster&, Now)>;
  using Post = std::function<void(Shard, const Task&)>;
  using PostAll = std::function<void(const Task&)>;  // to every roster
  using Stopping = std::function<bool()>;

  Coordinator(CoordinatorOptions options, MonitorSource& source, Post post, PostAll post_all, Stopping stopping);

  // Everything that is due, then the source's changes (which may wait, changes_wait at most).
  void round();
  // How long to wait before the next round; 0: the source answers.
  milliseconds pause() const { return backoff_; }
  // The longest that changes() is asked to wait now.
  milliseconds patience() const;

 private:
  void hold();
  void forget_lost(const std::vector<OwnedShard>& owned);
  void load_gained();
  void reread();
  void follow_changes();
  void take_commands();
  bool load(Shard shard, std::vector<ScheduledMonitor>& monitors);
  void failed(const std::string& doing, const Error& error);
  void answered();
  Instant mono() const { return options_.clock->now().mono; }

  CoordinatorOptions options_;
  MonitorSource& source_;
  Post post_;
  PostAll post_all_;
  Stopping stopping_;
  std::array<std::optional<std::int64_t>, kShards> epochs_;  // of the shards that the rosters have
  std::deque<OwnedShard> gained_;                            // to be loaded
  Instant hold_at_, reread_at_;
  Shard reread_next_ = 0;
  milliseconds backoff_{0};  // 0: the source answers
};

}  // namespace everup::scheduler
