// What the scheduler reads: leases, monitors, changes, commands (core/ports.h), over one session of the worker role.
//
// Thread: the scheduler's coordinator only. A lost session is dropped and opened again by the next call; the change
// feed's cursor stays, so nothing between is missed (RULES C 4).
//
// A standing that comes from here may lag behind the scheduler's own (the recorder writes a second later). It is newer
// if, and only if, its version is GREATER than the one in memory: then conclusions were refused by the database (a lost
// batch, a correction), and the scheduler must go on from this one, or all its later conclusions are refused too. Known
// weakness: a transaction that hangs with a transaction id holds the feed back until the server ends it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ports.h"
#include "db/recorder.h"

namespace everup::db {

struct MonitorSourceOptions {
  Connect connect;
  const Clock* clock = nullptr;
  std::string node, boot;
  Region region = kLocalRegion;
  milliseconds lease_ttl{15'000};
  milliseconds deadline{5000};
  std::size_t changes_max = 10'000;  // of one changes() call; the next call gives the rest
  // Opens a monitor's sealed secrets: JSON {"auth.password":…}. Null: monitors with secrets are read without them.
  std::function<Result<std::string>(AccountId, MonitorId, const std::string& sealed)> unseal;
  // A monitor whose stored definition or secrets cannot be read is left out (not looked at, so unknown) and told here.
  // May be null.
  std::function<void(MonitorId, const Error&)> on_unreadable;
  // The recorder's outstanding(); null: standings are taken as stored.
  std::function<std::vector<OutstandingStanding>(Shard)> outstanding;
};

std::unique_ptr<MonitorSource> make_monitor_source(MonitorSourceOptions options);

}  // namespace everup::db
