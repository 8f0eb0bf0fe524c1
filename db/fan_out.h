// From flips to incidents and deliveries: one bounded transaction a call, which marks what it took in the same COMMIT
// (RULES B 9). Internal to outbox.cpp. One fan-out runs at a time in a database (an advisory lock of the transaction);
// a second caller answers at once with nothing done. Thread: the transaction's.
//
//   down   opens an incident; every matching policy's steps become deliveries, later ones due after their delays.
//          A second outage within ten minutes of what a channel was told of the first: one note of flapping at once,
//          and the DOWN only when the ten minutes are over and it is still down.
//   up     (or degraded after down) ends it; who was told, or is about to be, is told; later steps are dropped.
//   in maintenance  a down, degraded or security of a monitor is told when its window ends, if it is still so.
//   degraded, security   told once, at once; their end is told to whom they were.
#pragma once

#include <string>

#include "core/result.h"
#include "core/time.h"
#include "core/zone.h"
#include "db/vault.h"

namespace pqxx {
class transaction_base;
}

namespace everup::db {

inline constexpr int kFlipsMonitorsMax = 500;  // monitors a call takes
inline constexpr int kFlipsMax = 5000;         // and flips
inline constexpr milliseconds kFlappingWindow{600'000};
inline constexpr milliseconds kUnknownAfter{600'000};

struct FannedOut {
  bool elsewhere = false;  // another one is at it
  int flips = 0;           // taken
  int deliveries = 0;      // made
};
Result<FannedOut> fan_out_flips(pqxx::transaction_base& tx, const Vault& vault, const Zones& zones, WallTime now);

// Monitors that nobody could judge for ten minutes and three slots, each stretch told once; not those that are unknown
// because we are blind: that is told once, of ourselves (blindness.h). At most 500 a call.
Result<FannedOut> fan_out_unknown(pqxx::transaction_base& tx, const Vault& vault, const Zones& zones, WallTime now);

// Certificates that end within 30, 14, 7, 3 or 1 days (for those that live shorter than 90 days: within a third, a
// sixth … of it), each threshold told once per certificate. Looks at `most` monitors after `after`, and answers the
// last one in it (0: there are no more).
Result<FannedOut> fan_out_certificates(pqxx::transaction_base& tx, const Vault& vault, const Zones& zones, WallTime now,
                                       std::int64_t& after, int most);

}  // namespace everup::db
