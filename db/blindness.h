// When this node was blind, and that somebody is told of it (worker role). The sentinels' thread writes it, the fan-out
// reads it: they may be different processes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/time.h"
#include "core/zone.h"
#include "db/fan_out.h"
#include "db/pool.h"
#include "db/vault.h"

namespace everup::db {

struct BlindRow {
  std::string node;
  WallTime from;
  std::string over;  // in words: "IPv4 and IPv6"
  std::optional<WallTime> to;
};
// Again and again the same row: the end is filled in, also into the alert when that has not left yet.
Status store_blindness(Pool& pool, const BlindRow& row);

// Times that nobody was told of: one alert each to the channels of the first account, the operator's. At most 100 a
// call.
Result<FannedOut> fan_out_ourselves(pqxx::transaction_base& tx, const Vault& vault, const Zones& zones, WallTime now);

}  // namespace everup::db
