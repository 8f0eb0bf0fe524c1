// What the recorder does, without its thread: offers become batches, batches reach the database or the spool, the spool
// is replayed in order.
//
//   Intake    the bounded queue of what was offered and is in no batch yet
//   Delivery  batches, their numbers, the spool, losses, and the pauses between attempts
//
// Pure but for the spool's disk: time comes in as Now, the database is a BatchStore. So the same code runs on the
// recorder's thread (recorder.cpp) and in a simulation of days (tests/spine). Ownership: Intake is guarded by whoever
// shares it; Delivery has one thread, and the outstanding conclusions, shared, must outlive it. Limits: see
// RecorderOptions. Known weakness: one call blocks as long as the store or the disk does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ports.h"
#include "core/result.h"
#include "core/stats.h"
#include "db/batch.h"
#include "db/losses.h"
#include "db/outstanding.h"
#include "db/recorder_sql.h"
#include "db/spool.h"

namespace everup::db {

// Where batches end. The errors of apply() are apply_batch()'s: after kInternal the batch is refused for good, after
// all others it must be sent again.
class BatchStore {
 public:
  virtual ~BatchStore() = default;
  virtual Result<Applied> apply(const std::string& stream, const Batch& batch, bool replay, WallTime now) = 0;
  virtual bool connected() const = 0;
  virtual void disconnect() = 0;
  // Forgets the former streams of this node; false: not now.
  virtual bool trim(const std::string& stream) = 0;
};

struct IntakeLimits {
  std::size_t rows_due = 10'000;  // due at once
  milliseconds wait{1000};        // due after it
  std::size_t items_max = 65'536;
  std::size_t bytes_max = 64u << 20;
};

class Intake {
 public:
  explicit Intake(const IntakeLimits& limits) : limits_(limits) {}
  // `bytes`: bytes_of(item), told so that nobody counts them under a lock.
  bool has_room(std::size_t bytes) const {
    return items_.size() < limits_.items_max && bytes_ + bytes <= limits_.bytes_max;
  }
  void offer(Offered&& item, std::size_t bytes, Instant now);  // only while there is room
  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }
  bool due(Instant now) const { return !items_.empty() && (items_.size() >= limits_.rows_due || now >= due_at()); }
  Instant due_at() const { return first_at_ + limits_.wait; }  // of what is there
  // Appends everything to `items`.
  void take(std::vector<Offered>& items);

 private:
  IntakeLimits limits_;
  std::vector<Offered> items_;
  std::size_t bytes_ = 0;
  Instant first_at_;
};

struct DeliveryOptions {
  std::string stream;  // "node/boot": numbers the batches
  std::size_t batch_rows_max = 10'000;
  milliseconds retry_min{100}, retry_max{10'000};
  std::uint64_t random = 1;  // of the jitter
};

class Delivery {
 public:
  Delivery(DeliveryOptions options, Spool spool, BatchStore& store, Outstanding& outstanding);

  // Everything in `items` leaves as batches, in order: stored, spooled, or counted as lost.
  void take_in(std::vector<Offered>& items, const Clock& clock);
  // One record of the spool. False: PostgreSQL is away, or the disk does not answer.
  bool replay_one(const Clock& clock);
  // Losses that could not be told yet: a last batch of their own.
  void tell_losses(const Clock& clock);

  bool may_try(Instant now) const { return store_.connected() || now >= next_try_; }
  Instant next_try() const { return next_try_; }
  bool replay_due(Instant now) const { return !spool_.empty() && may_try(now); }
  const Spool& spool() const { return spool_; }
  std::uint64_t taken() const { return taken_; }  // offers that are in batches
  const RecorderStats& stats() const { return stats_; }
  // Drops the connection; the next one comes after a jittered pause that doubles, from the second failure on at least
  // a second.
  void lose_session(Instant now);

 private:
  void deliver(Batch batch, const Clock& clock);
  void into_spool(Batch& batch);
  void drop(const Batch& batch, const char* result, GapReason reason);
  void pop_front(const char* counted);
  Result<Applied> apply(const std::string& stream, const Batch& batch, bool replay, const Clock& clock);
  void count(const Applied& applied, const Batch& batch, const char* result);
  void keep_aside(const Batch& batch, const Applied& applied);
  void keep_poison(const std::string& line);

  const DeliveryOptions options_;
  Spool spool_;
  BatchStore& store_;
  Outstanding& outstanding_;
  BatchBuilder builder_;
  Losses losses_;
  bool streams_trimmed_ = false;
  std::int64_t seq_ = 0;
  std::uint64_t taken_ = 0;
  int failures_ = 0;  // in a row
  Instant next_try_;
  std::minstd_rand random_;
  RecorderStats stats_;
};

// Opens a spool and tells `outstanding` of every conclusion in it (RULES A 3).
Result<Spool> open_spool(SpoolOptions options, Outstanding& outstanding);

}  // namespace everup::db
