// See outstanding.h.
#include "db/outstanding.h"

#include <algorithm>

namespace everup::db {

void Outstanding::add(const Observation& observation) {
  if (!observation.conclusion) return;
  const Conclusion& c = *observation.conclusion;
  const std::lock_guard lock(mutex_);
  auto& shard = shards_[static_cast<std::size_t>(shard_of(observation.monitor))];
  const auto [row, fresh] = shard.try_emplace({observation.monitor.value, observation.region});
  Entry& entry = row->second;
  OutstandingStanding& out = entry.standing;
  // A chain that does not go on where it ended (a shard that was lost meanwhile) begins anew.
  if (fresh || out.standing.version != c.version_before) {
    out.monitor = observation.monitor;
    out.region = observation.region;
    out.epoch = observation.epoch;
    out.first_version_before = c.version_before;
  }
  out.epoch = std::min(out.epoch, observation.epoch);
  out.standing.version = c.version_after;
  out.standing.health = c.health;
  out.standing.booked = c.booked;
  out.standing.health_since = c.health_since;
  out.standing.booked_since = c.booked_since;
  out.standing.pending_since = c.pending_since;
  ++entry.waiting;
}

void Outstanding::add(const Batch& batch) {
  for (const Observation& observation : batch.observations) add(observation);
}

void Outstanding::settle(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  for (const Observation& observation : batch.observations) {
    if (!observation.conclusion) continue;
    auto& shard = shards_[static_cast<std::size_t>(shard_of(observation.monitor))];
    const auto row = shard.find({observation.monitor.value, observation.region});
    if (row != shard.end() && --row->second.waiting <= 0) shard.erase(row);
  }
}

std::vector<OutstandingStanding> Outstanding::of(Shard shard) const {
  std::vector<OutstandingStanding> all;
  if (shard < 0 || shard >= kShards) return all;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : shards_[static_cast<std::size_t>(shard)]) all.push_back(entry.standing);
  return all;
}

bool fold(Standing& stored, const OutstandingStanding& outstanding, std::int64_t since_epoch) {
  if (outstanding.epoch < since_epoch) return false;
  if (stored.version < outstanding.first_version_before || stored.version >= outstanding.standing.version) return false;
  stored = outstanding.standing;
  return true;
}

}  // namespace everup::db
