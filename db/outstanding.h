// Conclusions on their way to the database, per monitor and region: what a standing that is read meanwhile lacks (RULES
// A 3). Any thread. One entry a monitor, however many conclusions wait: they chain, so the last one and the first
// version say it all.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "core/ports.h"
#include "db/batch.h"
#include "db/recorder.h"

namespace everup::db {

class Outstanding {
 public:
  void add(const Observation& observation);  // no conclusion: nothing
  void add(const Batch& batch);
  void settle(const Batch& batch);  // applied or refused
  std::vector<OutstandingStanding> of(Shard shard) const;

 private:
  struct Entry {
    OutstandingStanding standing;
    int waiting = 0;
  };
  using Key = std::pair<std::int64_t, Region>;
  mutable std::mutex mutex_;
  std::array<std::map<Key, Entry>, kShards> shards_;
};

}  // namespace everup::db
