// What must hold whatever went wrong: the invariants I1 to I8 of the fault catalogue, in the words of RULES. It is told
// what every node offered and what the world did; at the end it reads the database as a stranger would.
//
//   I1  every slot of an enabled monitor before its shard's mark is a row, covered by one, or inside a gap; and the
//   mark
//       stands at the present
//   I2  what a node offered and did not lose in a crash is stored once, or its slot lies in a gap that says why not
//   I3  spans of a monitor never overlap; a flip to down is dated from a look that failed
//   I5  no look is down but through its target; no flip to down without `failures` such looks
//   I6  the ledger's milliseconds are those of the stored spans, and its seven counters add up
//   I7  conclusions of a lost lease change nothing: no flip twice, no chain broken (checked by Database as it happens)
//   I8  queue and spool keep their limits
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/ports.h"
#include "tests/spine/database.h"

namespace everup::spine {

// One thing that a node offered about a slot.
struct Fact {
  std::int64_t real_ms = 0;
  WallTime slot_at, started_at, ended_at;
  std::int32_t look = 0, covered = 1, revision = 1;
  Verdict verdict = Verdict::kInconclusive;
  Trigger trigger = Trigger::kSlot;
  bool missed = false;
  bool lost = false;     // in memory when its node was killed
  bool dropped = false;  // or in a batch for which there was no room
  int node = 0, boot = 0;
};

class Judge {
 public:
  struct Place {
    MonitorId monitor;
    std::size_t index = 0;
  };
  Place offered(const Observation& row, const Fact& fact, bool target_failed, int failures);
  void lost(const Place& place) { facts_.at(place.monitor)[place.index].lost = true; }
  void dropped(const Place& place) { facts_.at(place.monitor)[place.index].dropped = true; }
  void complain(const std::string& what);
  void tell(std::int64_t real_ms, const std::string& event);
  // No burst: looks for slots in the minute after the clock moved are at most two a monitor.
  void clock_moved(int node, std::int64_t real_ms) { moves_.push_back({node, real_ms}); }
  // `now`: UTC of the world's end. `clock_went_back`: time was lived twice, starts may have been moved by milliseconds.
  void audit(const Database& database, WallTime now, bool clock_went_back);

  const std::vector<std::string>& violations() const { return violations_; }
  std::uint64_t differing() const { return differing_; }  // monitors whose stored past is not its recomputation

 private:
  struct Move {
    int node = 0;
    std::int64_t real_ms = 0;
  };
  void audit_slots(const Database& database, const StoredMonitor& monitor);
  void audit_rows(const Database& database, const StoredMonitor& monitor);
  void audit_spans(const StoredMonitor& monitor);
  void audit_flips(const StoredMonitor& monitor);
  void audit_ledger(const Database& database, const StoredMonitor& monitor, WallTime now);
  void audit_bursts(const StoredMonitor& monitor);
  void compare_past(const Database& database, const StoredMonitor& monitor);
  std::string around(std::int64_t real_ms) const;
  std::string facts_near(MonitorId id, WallTime at) const;

  std::map<MonitorId, std::vector<Fact>> facts_;
  std::vector<Move> moves_;
  std::multimap<std::int64_t, std::string> story_;
  std::vector<std::string> violations_;
  std::uint64_t differing_ = 0;
};

}  // namespace everup::spine
