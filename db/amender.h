// Late evidence (RULES B 6): what arrived when its conclusion could no longer be applied amends the open past.
//
// For each row of late_observations whose shard this node holds: results, gaps and configuration history are read from
// the start of the span that holds oldest_at on (at most 48 h back), core/timeline.h recomputes the spans, and from the
// first difference on they are replaced, in one transaction that is fenced by the lease row and by standings.version,
// with a numbered row in corrections. Never a flip. Only time before the live standing's booked_since and pending_since
// is touched; where the row says `resync` (the owner's own conclusion was refused) the standing itself is recomputed
// too, its version jumps by kResyncStep, and a change row tells the scheduler. Thread: the caller's; sweep() blocks at
// most `deadline` per monitor.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "db/recorder.h"

namespace everup::db {

struct AmenderOptions {
  Connect connect;
  const Clock* clock = nullptr;
  std::string node, boot;
  milliseconds deadline{5000};
  milliseconds settle{2000};  // a row younger than it waits: more evidence is usually behind it
  milliseconds reach{48 * 3'600'000LL};
  int monitors_max = 500;  // of one sweep
};

class Amender {
 public:
  struct Swept {
    int monitors = 0, corrections = 0, resynced = 0;
    int failed = 0;          // put off by ten minutes
    std::string last_error;  // of those
  };

  explicit Amender(AmenderOptions options);
  ~Amender();
  // Works off what is due; kUnavailable when PostgreSQL is away (nothing is lost: the rows stay).
  Result<Swept> sweep();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace everup::db
