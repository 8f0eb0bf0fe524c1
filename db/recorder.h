// The recorder: takes what the scheduler observed and brings it into PostgreSQL, each batch exactly once, through
// outages.
//
//   offer() ─▶ bounded queue ─▶ batch (rows_max rows, wait, or before a monitor's second conclusion) ─▶ one transaction
//                                    │ lost, in doubt, retryable                                      (recorder_sql.h)
//                                    ▼
//                                  spool ─▶ replayed in order by the same thread, between live batches (which join its
//                                  tail)
//
// Thread: one of its own; offer() and stats() from any thread, never blocking on disk or database. Ownership: the
// options' functions are called on the recorder's thread only. stop() closes and delivers what was offered, to the
// database or to the spool. Limits: queue_items_max and queue_bytes_max; spool.bytes_max; one reconnect a second at
// most (jitter 100 ms … 10 s). Known weakness: a kill -9 loses what is in memory, at most batch_wait of results (RULES
// A 3); those slots become unknown.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ports.h"
#include "core/result.h"
#include "core/stats.h"

namespace everup::db {

class Session;
// Opens a session of the worker role; kUnavailable when PostgreSQL is away. Blocks at most the session's own connect
// deadline.
using Connect = std::function<Result<std::unique_ptr<Session>>()>;

struct RecorderOptions {
  Connect connect;
  const Clock* clock = nullptr;  // must outlive the recorder
  std::string node, boot;        // ids of data directory and process; the leases are fenced by them
  std::string spool_directory;
  std::uint64_t spool_bytes_max = 1ULL << 30;
  std::uint64_t spool_segment_bytes_max = 64ULL << 20;
  std::size_t batch_rows_max = 10'000;
  milliseconds batch_wait{1000};
  std::size_t queue_items_max = 65'536;
  std::size_t queue_bytes_max = 64u << 20;
  milliseconds deadline{5000};  // client side, of one transaction
  milliseconds retry_min{100}, retry_max{10'000};
  milliseconds stop_patience{5000};  // stop(): replay of the spool ends after it; what is left stays on disk
};

// What is on its way to the database for one monitor and region: the standing after it, and the version that it starts
// from.
struct OutstandingStanding {
  MonitorId monitor;
  Region region = kLocalRegion;
  std::int64_t epoch = 0;  // oldest epoch among the conclusions
  std::int32_t first_version_before = 0;
  Standing standing;  // version, health, booked, sinces, pending_since
};
// RULES A 3. True when `stored` was replaced: the conclusion chain starts at or before its version, ends behind it, and
// is of an epoch that since_epoch allows.
bool fold(Standing& stored, const OutstandingStanding& outstanding, std::int64_t since_epoch);

class Recorder final : public ObservationSink {
 public:
  // Opens and checks the spool (kUnavailable, kCorrupt: a directory that cannot be used), then starts the thread. No
  // database needed.
  static Result<std::unique_ptr<Recorder>> start(RecorderOptions options);
  ~Recorder() override;  // stop()

  bool offer(Observation&& observation) override;
  bool offer(Gap&& gap) override;
  bool offer(std::vector<ShardMark>&& marks) override;

  // Conclusions of one shard that were offered (or found in the spool at start) and are neither applied nor refused.
  // Take it BEFORE reading standings, then fold(). Any thread.
  std::vector<OutstandingStanding> outstanding(Shard shard) const;
  // True when everything offered before the call is in the database or refused by it; false at `wait`'s end. Any thread
  // but its own.
  bool drained(milliseconds wait);
  // Hands over what was offered, then ends the thread. Idempotent. offer() answers false from now on.
  void stop();
  RecorderStats stats() const;

 private:
  class Impl;
  explicit Recorder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace everup::db
