// The disk queue of batches that PostgreSQL has not confirmed (RULES A 3): one FIFO per node.
//
// A directory of segments of at most 64 MiB, named by a growing number. A segment's head carries the format version and
// the stream (the boot that numbered its batches); a record is magic, length, sequence, CRC of the head, CRC-32C of the
// payload, payload. append() returns after fsync. What was acknowledged is forgotten when its whole segment is done:
// after a crash some records are replayed again, and the stream's sequence in the database makes that harmless (RULES A
// 2). A torn tail ends at the last valid record and is counted; a bad record in the middle is skipped and counted, and
// its segment is kept beside the others as NAME.corrupt (at most kCorruptKept of them). Thread: the recorder's only.
// Limits: bytes_max in all; one record at most kBatchBytesMax. Known weakness: a disk that lies about fsync.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"

namespace everup::db {

struct SpoolOptions {
  std::string directory;  // made when absent, 0700
  std::string stream;     // numbers the batches of this boot; at most 200 bytes
  std::uint64_t bytes_max = 1ULL << 30;
  std::uint64_t segment_bytes_max = 64ULL << 20;
};

struct SpoolRecord {
  std::string stream;
  std::int64_t seq = 0;
  WallTime at;          // closed_at of the batch
  std::string payload;  // encode_batch()
};

class Spool {
 public:
  static constexpr int kCorruptKept = 16;
  struct Stats {
    std::uint64_t bytes = 0, records = 0;  // waiting now
    std::uint64_t torn = 0, corrupt = 0;   // tails dropped, records skipped since start
    std::optional<WallTime> oldest;        // closed_at of the front record
  };

  // Reads every segment once: checks the records, counts what is bad, shows each good payload to `each` (may be empty).
  static Result<Spool> open(SpoolOptions options, const std::function<void(const SpoolRecord&)>& each);
  Spool(Spool&&) noexcept;
  Spool& operator=(Spool&&) noexcept;
  ~Spool();

  bool empty() const { return records_ == 0; }
  // kExhausted: bytes_max would be passed, nothing was written. kUnavailable: the disk refused; nothing is kept.
  Status append(std::int64_t seq, WallTime at, std::string_view payload);
  // The oldest record not acknowledged; kNotFound when empty. Stays the same until pop(). kUnavailable: the disk
  // refused to read.
  Result<SpoolRecord> front();
  // Acknowledges front(); removes its segment when that was the last record in it. An error: the file is still there,
  // and comes again after a restart; the record is acknowledged all the same.
  Status pop();
  Stats stats() const;
  // Keeps bytes that must not be tried again in DIRECTORY/poison (bounded, oldest first to go is never: full means
  // counted only).
  Status keep_poison(std::string_view text);

 private:
  struct Slot {
    std::uint64_t offset = 0, length = 0;
    std::int64_t seq = 0;
    WallTime at;
  };
  struct Segment {
    std::uint64_t number = 0, bytes = 0;
    std::string stream;
    std::deque<Slot> slots;  // not acknowledged yet
    bool corrupt = false;
  };

  explicit Spool(SpoolOptions options);
  Status load(const std::function<void(const SpoolRecord&)>& each);
  Status load_segment(std::uint64_t number, bool last, const std::function<void(const SpoolRecord&)>& each);
  Status start_segment();
  void abandon_tail();
  Status retire_front();
  std::string path_of(std::uint64_t number) const;
  void close_files();
  Status sync_directory() const;

  SpoolOptions options_;
  std::deque<Segment> segments_;
  int tail_fd_ = -1;   // open for append: segments_.back() of this boot
  int front_fd_ = -1;  // open for reading: segments_.front()
  std::uint64_t front_number_ = 0, next_number_ = 1;
  std::uint64_t bytes_ = 0, records_ = 0, torn_ = 0, corrupt_ = 0;
};

}  // namespace everup::db
