// Ids: 41 bits of UTC milliseconds, 10 of node number, 12 of counter (RULES C 5). The counter borrows from the next
// millisecond, so a burst never waits; ids of one source only grow, whatever the clock does, and are never behind what
// was persisted: stretches of kReserve are reserved in nodes.last_id before an id of them is given out. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ids.h"
#include "core/result.h"

namespace everup::db {

class Pool;

class IdSource {
 public:
  static constexpr milliseconds kReserve{60'000};
  static constexpr int kAtOnceMax = 100'000;
  // Stores that ids up to `last_id` may be in use; only after it succeeded are they given out. Called under the
  // source's lock.
  using Reserve = std::function<Status(std::int64_t last_id)>;
  IdSource(int node_number, std::int64_t last_id, const Clock& clock, Reserve reserve);

  // Registers the node in `nodes` (the smallest free number; kExhausted when all 1024 are taken). `pool` and `clock`
  // must outlive it.
  static Result<std::unique_ptr<IdSource>> open(Pool& pool, const std::string& node, const Clock& clock);

  Result<std::int64_t> next();
  Result<std::vector<std::int64_t>> next(int count);  // ascending
  int node_number() const { return node_; }

 private:
  const int node_;
  const Clock& clock_;
  const Reserve reserve_;
  std::mutex mutex_;
  std::int64_t last_;      // (ms << 12 | counter) given out last
  std::int64_t reserved_;  // same shape: may be given out
};

}  // namespace everup::db
