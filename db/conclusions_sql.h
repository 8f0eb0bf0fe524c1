// The fenced half of a recorder transaction: which conclusions may be applied, and applying them as sets (RULES A 1, A
// 5). Used inside recorder_sql.cpp's transaction only; throws what pqxx throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "core/ports.h"
#include "core/time.h"

namespace pqxx {
class transaction_base;
}

namespace everup::db {

class Session;

// (region, shard) → since_epoch of the lease that we hold, locked FOR SHARE until the transaction ends.
using HeldLeases = std::map<std::pair<Region, Shard>, std::int64_t>;
// `boots`: ours, and the boot that numbered the batch (the lock of the data directory proves that it is dead).
HeldLeases lock_leases(pqxx::transaction_base& tx, const std::vector<std::pair<Region, Shard>>& shards,
                       const std::string& node, const std::string& boot, const std::string& batch_boot);

struct LateRow {
  std::int64_t oldest_ms = 0;
  bool resync = false;
};
using LateRows = std::map<std::pair<std::int64_t, Region>, LateRow>;  // by monitor and region
void add_late(LateRows& late, const Observation& observation, bool resync);

// The conclusions of `observations` (pointers: each has one, no two of one monitor and region). Losers of the
// compare-and-set go to `late`, marked for resync: whoever drew them goes on from a standing that the database does not
// have. Answers the number of flips.
std::uint64_t conclude(pqxx::transaction_base& tx, const std::vector<const Observation*>& observations, WallTime now,
                       LateRows& late);
void queue_late(pqxx::transaction_base& tx, const LateRows& late, WallTime now);

// Edges chain: each ends where the next begins, the last is open. None begins before `floor`, none is empty.
std::vector<SpanEdge> chained(const std::vector<SpanEdge>& edges, std::int64_t floor);

void prepare_conclusions(Session& session);

}  // namespace everup::db
