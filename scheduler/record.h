// What a roster keeps of one monitor, and where: fixed-size records in chunks, found by index or by id.
//
// A million of them are the budget (RULES E), so a record holds no map and no string but the URL. Records never move:
// an index and a reference stay good until the monitor is freed; an index is used again, its ticket never is.
// Ownership: one Roster, no thread of its own. Limits: 2^32 - 2 records.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/monitor.h"
#include "core/standing.h"
#include "core/time.h"

namespace everup::scheduler {

inline constexpr std::uint32_t kNoIndex = 0xffff'ffff;

// Where a monitor's next look stands.
enum class Stage : std::uint8_t { kFree, kIdle, kWaiting, kInFlight };

struct Record {
  CheckPlan plan;
  Standing standing;
  WallTime slot_next;      // the first slot that has not fallen due
  WallTime look_next;      // a planned look that is no slot; 0: none
  WallTime owed_from;      // the first slot that fell due and is unanswered; 0: none
  WallTime unseen_from;    // the first slot inside a gap (or the pause) that no conclusion knows of yet; 0: none
  WallTime chain_slot;     // the slot that re-checks doubt
  WallTime evidence_at;    // when evidence of a failure was kept last; 0: never
  WallTime waits_since;    // its place in the order of admission, kept when a slot is missed
  std::uint32_t owed = 0;  // slots that fell due and are unanswered
  std::uint32_t flight = kNoIndex;    // of the running look
  std::uint32_t owing_at = kNoIndex;  // position in the roster's list of those who owe a slot
  std::uint32_t member_at = 0;        // position in its shard's list
  std::uint32_t good_minute = 0;      // UTC minutes: when a good look's evidence was kept last; 0: never
  std::uint32_t ticket = 0;           // tells a waiting look that still counts from one that was called off
  std::int16_t unseen_reason = 0;     // GapReason number; 0: a pause
  Shard shard = 0;
  Stage stage = Stage::kFree;
  Trigger look_trigger = Trigger::kCreated;  // of look_next
  std::uint8_t chain_look = 0;               // re-checks so far
  std::uint8_t failed_families = 0;          // of the last look, when it failed for the network (sight.h)
  bool chain_extra = false;                  // the chain began with a look that was no slot: its numbers are 100 and up
};

class RecordStore {
 public:
  RecordStore() : table_(kTableMin) {}

  // `id` must not be there. The record is empty but for plan.id, stage kIdle and a ticket of its own.
  std::uint32_t add(MonitorId id);
  void remove(std::uint32_t index);
  std::uint32_t find(MonitorId id) const;  // kNoIndex: not there

  Record& operator[](std::uint32_t index) { return (*chunks_[index / kChunk])[index % kChunk]; }
  const Record& operator[](std::uint32_t index) const { return (*chunks_[index / kChunk])[index % kChunk]; }
  std::size_t size() const { return used_; }
  std::uint32_t end() const { return end_; }  // indexes are below it; free ones have Stage::kFree

 private:
  static constexpr std::uint32_t kChunk = 1024;
  static constexpr std::size_t kTableMin = 64;
  // The hash is kept beside the index: growing must not touch a million records in one turn.
  struct Entry {
    std::uint32_t index = kNoIndex;
    std::uint32_t hash = 0;
  };
  static std::uint32_t hash_of(MonitorId id);
  std::size_t home(std::uint32_t hash) const { return hash & (table_.size() - 1); }
  void insert(const Entry& entry);
  void grow();

  std::vector<std::unique_ptr<std::array<Record, kChunk>>> chunks_;
  std::vector<std::uint32_t> free_;
  std::vector<Entry> table_;  // open addressing, linear, at most 5/8 full; a power of two
  std::size_t used_ = 0;
  std::uint32_t end_ = 0;
};

}  // namespace everup::scheduler
