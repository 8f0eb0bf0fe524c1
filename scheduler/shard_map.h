// Which worker watches a shard: always the same one, so a monitor's looks never meet themselves on two threads.
#pragma once

#include <cstddef>

#include "core/ids.h"

namespace everup::scheduler {

class ShardMap {
 public:
  explicit ShardMap(std::size_t workers) : workers_(workers == 0 ? 1 : workers) {}
  std::size_t worker_of(Shard shard) const { return static_cast<std::size_t>(shard) % workers_; }
  std::size_t workers() const { return workers_; }

 private:
  std::size_t workers_;
};

}  // namespace everup::scheduler
