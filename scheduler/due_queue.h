// Which monitor is due next: a heap of (instant, monitor index) that can be re-keyed. One entry a monitor at most.
//
// A 4-ary heap with the position of each monitor beside it: set() and remove() are O(log n), next() is O(1), an entry
// costs 20 bytes. Measured on purpose against cleverness: a million entries fire at some 200 ns each (decision 14).
// Ownership: one Roster; no thread of its own. Limits: indexes below 2^32 - 1, as dense as the roster's records.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/time.h"

namespace everup::scheduler {

class DueQueue {
 public:
  struct Due {
    WallTime at;
    std::uint32_t monitor = 0;
  };

  void set(std::uint32_t monitor, WallTime at);  // adds or moves
  void remove(std::uint32_t monitor);            // not in it: nothing happens
  std::optional<Due> next() const;               // the earliest; equal instants: the smaller index
  std::optional<WallTime> when(std::uint32_t monitor) const;
  std::size_t size() const { return heap_.size(); }

 private:
  static constexpr std::uint32_t kAbsent = 0xffff'ffff;
  static bool before(const Due& a, const Due& b) { return a.at != b.at ? a.at < b.at : a.monitor < b.monitor; }
  void place(std::size_t position, Due due);
  void up(std::size_t position, Due due);
  void down(std::size_t position, Due due);

  std::vector<Due> heap_;
  std::vector<std::uint32_t> position_;  // by monitor index
};

}  // namespace everup::scheduler
