// PostgreSQL as the recorder, the leases and the amender use it (RULES A 1-5, B 6), in memory and under a manual clock:
// what db/*_sql.cpp does with statements, this does with maps. What is pure there (chained edges, plan_late, fold) is
// the service's own code.
//
// A transaction is one call. One whose COMMIT was cut off may be kept waiting (hold_back) with its locks: a stream's
// row, leases, standings; whoever needs one of them is told kUnavailable, as by lock_timeout. Known differences: no
// partitions, no isolation to test (calls never interleave), one region.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/ledger.h"
#include "core/ports.h"
#include "core/timeline.h"
#include "db/amend_plan.h"
#include "db/batch.h"
#include "db/recorder_sql.h"

namespace everup::spine {

struct StoredRow {
  WallTime slot_at, started_at;
  std::int32_t look = 0, covered = 1, revision = 1;
  Verdict verdict = Verdict::kInconclusive;
  Cause cause = Cause::kInternal;
  std::int16_t missed = 0;  // GapReason number, 0: a look
  std::string stream;
};

struct StoredFlip {
  std::int32_t version = 0;
  Flip flip;
  bool after_resync = false;  // the health before it was recomputed, not settled by a flip
};

struct LateRow {
  WallTime oldest;
  std::int64_t queued_ms = 0;
  bool resync = false;
};

// Everything that is stored of one monitor.
struct StoredMonitor {
  CheckPlan plan;
  std::vector<Revision> history;
  bool deleted = false;
  WallTime deleted_at;
  std::vector<StoredRow> rows;
  std::set<std::pair<std::int64_t, std::int32_t>> keys;  // (slot, look)
  std::optional<Standing> standing;
  bool resynced = false;  // since the last flip
  std::vector<LedgerSpan> spans;
  std::vector<StoredFlip> flips;
  std::vector<Gap> gaps;
  std::optional<LateRow> late;
};

struct Lease {
  std::string node, boot;
  std::int64_t epoch = 0, since_epoch = 0, expires_ms = 0;
};

struct DatabaseCounts {
  std::uint64_t rows = 0, repeated = 0, missed = 0, gaps = 0, flips_down = 0, flips_up = 0, duplicates = 0, fenced = 0,
                lost_compare = 0, corrections = 0, resynced = 0, taken_over = 0, poisoned = 0;
};

class Database {
 public:
  explicit Database(int shards) : leases_(static_cast<std::size_t>(shards)) {}

  std::int64_t now_ms = 0;  // clock_timestamp()
  std::map<MonitorId, StoredMonitor> monitors;
  std::map<Shard, WallTime> marks;
  std::vector<Gap> gaps;                             // of shards
  std::vector<std::pair<MonitorId, Shard>> changes;  // the feed; a cursor is an index
  DatabaseCounts counts;
  std::function<void(const std::string&)> complain;  // what must never be seen in a database
  std::function<void(std::int64_t)> log;
  std::function<bool()> poison;  // this row cannot be stored

  void save(const StoredMonitor& monitor);  // a new revision of what stands in monitors: history and feed
  void erase(MonitorId id, WallTime at);

  std::vector<OwnedShard> hold(const std::string& node, const std::string& boot, std::int64_t ttl_ms);
  void release(const std::string& node, const std::string& boot);
  const Lease& lease(Shard shard) const { return leases_[static_cast<std::size_t>(shard)]; }
  int shards() const { return static_cast<int>(leases_.size()); }

  void make_stream(const std::string& stream) { streams_.try_emplace(stream, 0); }
  bool knows_stream(const std::string& stream) const { return streams_.contains(stream); }
  void trim_streams(const std::string& node, const std::string& stream);
  Result<db::Applied> apply(const db::Fence& fence, const std::string& stream, const db::Batch& batch, WallTime now);
  // The same transaction, waiting in a frozen backend until let_go().
  bool hold_back(const db::Fence& fence, const std::string& stream, const db::Batch& batch, WallTime now);
  void let_go(bool commit);
  bool holds_back() const { return held_.has_value(); }

  void sweep(const std::string& node, const std::string& boot, WallTime now);
  std::size_t late() const { return late_; }

 private:
  struct Held {
    db::Fence fence;
    std::string stream, batch;
    std::int64_t seq = 0;
    WallTime now;
    std::set<Shard> shards;
  };
  bool locked(const std::string& stream, const db::Batch& batch) const;
  bool fenced_in(const db::Fence& fence, const std::string& boot, Shard shard, std::int64_t epoch) const;
  void store(const Observation& row, const std::string& stream, db::Applied& applied, std::uint32_t index);
  void conclude(const Observation& row);
  void edit_spans(StoredMonitor& monitor, const std::vector<SpanEdge>& edges);
  void add_flip(StoredMonitor& monitor, const Observation& row);
  void queue_late(MonitorId id, WallTime oldest, bool resync);
  void put(const Gap& gap);
  void amend(StoredMonitor& monitor, WallTime now);
  void write(StoredMonitor& monitor, const db::Amendment& amendment) const;
  void check_spans(const StoredMonitor& monitor) const;

  std::vector<Lease> leases_;
  std::map<std::string, std::int64_t> streams_;
  std::optional<Held> held_;
  std::size_t late_ = 0;
};

}  // namespace everup::spine
