// The few interfaces through which the scheduler meets the database; db/ implements them, app/ joins them. So the whole
// scheduler runs in a simulation with a manual clock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.h"
#include "core/monitor.h"
#include "core/outcome.h"
#include "core/result.h"
#include "core/standing.h"
#include "core/time.h"

namespace everup {

// ---- monitors and leases in
// -------------------------------------------------------------------------------------------------------

struct ScheduledMonitor {
  CheckPlan plan;
  Standing standing;  // as stored, with the node's own spool folded in (RULES A 3)
};

// One shard that this node holds. Observations carry the epoch; conclusions are fenced by it in the recorder (RULES A
// 1).
struct OwnedShard {
  Shard shard = 0;
  std::int64_t epoch = 0, since_epoch = 0;
  WallTime observed_through;  // the stored mark; {0} when the shard was never watched
};

struct MonitorChange {
  MonitorId id;
  std::optional<ScheduledMonitor> monitor;  // null: deleted. A paused monitor is sent, with plan.paused.
};

struct CheckNow {
  CommandId command;
  MonitorId monitor;
};

// Called on the scheduler's own coordinator thread only; every call blocks at most its deadline (5 s) and answers
// kUnavailable then.
class MonitorSource {
 public:
  virtual ~MonitorSource() = default;
  // Takes and renews leases of the region; the answer is everything held now. kUnavailable: keep what you had (RULES A
  // 1).
  virtual Result<std::vector<OwnedShard>> hold_shards() = 0;
  virtual Status release_shards() = 0;  // at shut-down
  // Every monitor of one shard (not deleted). `each` takes it over.
  virtual Status load(Shard shard, const std::function<void(ScheduledMonitor&&)>& each) = 0;
  // Changes since the last call, waiting up to `wait` for the first (LISTEN/NOTIFY is a hint; the feed is by xid8,
  // RULES C 4).
  virtual Result<std::vector<MonitorChange>> changes(milliseconds wait) = 0;
  // Check-now commands not yet taken, marked taken by this call.
  virtual Result<std::vector<CheckNow>> commands() = 0;
};

// ---- observations out
// ---------------------------------------------------------------------------------------------------------------

// One look, one missed slot: one row with key (monitor, region, slot_at, look).
struct Observation {
  MonitorId monitor;
  Region region = kLocalRegion;
  std::int64_t epoch = 0, since_epoch = 0;  // of the shard when the look started
  WallTime slot_at;
  std::int32_t look = 0;  // 0: the slot itself; 1, 2 …: re-checks; 100 and up: created and check-now looks
  std::int32_t revision = 1;
  Trigger trigger = Trigger::kSlot;
  WallTime started_at;              // = slot_at for a missed slot
  std::int32_t covered = 1;         // slots answered by this look, itself included
  std::optional<GapReason> missed;  // set: nothing ran; the fields below are empty
  Verdict verdict = Verdict::kInconclusive;
  Cause cause = Cause::kInternal;
  Phase phase = Phase::kNone;
  Timings timings;
  std::int32_t code = 0;
  std::string detail;                  // ≤ 200 bytes, printable, empty when ok
  std::unique_ptr<Evidence> evidence;  // only when RULES B 13 wants it kept
  std::optional<WallTime> certificate_not_after;
  std::optional<Conclusion> conclusion;
  CommandId command;  // set when a check-now asked for it
};

// A stretch of time in which a shard (or one monitor) was not watched: one row in gaps.
struct Gap {
  Region region = kLocalRegion;
  Shard shard = -1;  // -1 with `monitor` set
  MonitorId monitor;
  Span span;
  GapReason reason = GapReason::kRestart;
};

// Every slot of the shard before `through` has been answered by something offered before this mark.
struct ShardMark {
  Region region = kLocalRegion;
  Shard shard = 0;
  std::int64_t epoch = 0, since_epoch = 0;
  WallTime through;
};

// Any thread; never blocks. What is offered is stored in the order of offering per thread. False: the bounded queue is
// full and nothing was taken — the caller counts it, and books the slot as missed(kSpoolFull) when there is room again.
class ObservationSink {
 public:
  virtual ~ObservationSink() = default;
  virtual bool offer(Observation&& observation) = 0;
  virtual bool offer(Gap&& gap) = 0;
  virtual bool offer(std::vector<ShardMark>&& marks) = 0;
};

}  // namespace everup
