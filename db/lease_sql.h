// The statements of RULES A 1's leases: a row per region and shard, held by node and boot until expires_at, by the
// database's clock. Used by monitor_source.cpp on its session.
#pragma once

#include <string>
#include <vector>

#include "core/ids.h"
#include "core/ports.h"
#include "core/result.h"
#include "core/time.h"

namespace everup::db {

class Session;

struct LeaseHolder {
  std::string node, boot;
  Region region = kLocalRegion;
  milliseconds ttl{15'000};
};

// Renews what is ours, takes what is free, expired, or left by a former process of this node (the data directory's lock
// proves that it is dead), and lists what is held now. Taking adds one to the epoch; since_epoch is kept only when the
// node stays the same. A lease row that a frozen transaction keeps locked is passed over: the others are renewed all
// the same.
Result<std::vector<OwnedShard>> hold_leases(Session& session, milliseconds deadline, const LeaseHolder& holder);
Status release_leases(Session& session, milliseconds deadline, const LeaseHolder& holder);

}  // namespace everup::db
