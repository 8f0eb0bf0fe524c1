// Deadlines in order: a 4-ary heap with stable handles. 24 bytes a timer (16 in the heap, 8 in the index), no
// allocation per fire.
//
// The heap knows numbers only: each timer has a slot, small and reused, and whoever owns the heap keeps its own data
// beside it in a vector indexed by slot (the loop its functions, a due queue its monitors). Equal deadlines come out in
// the order in which they went in. Owned by one thread. Limit: 2^31 timers. Adding, cancelling and popping are O(log
// n); measured in tests/net/timer_heap_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/time.h"

namespace everup::net {

// Never valid again once the timer has fired or was cancelled. 0: none.
struct TimerId {
  std::uint64_t value = 0;
  bool operator==(const TimerId&) const = default;
  explicit operator bool() const { return value != 0; }
  std::uint32_t slot() const { return static_cast<std::uint32_t>(value); }
};

class TimerHeap {
 public:
  TimerId add(Instant when);
  bool cancel(TimerId id);              // false: it has fired, or was cancelled, or never was
  bool move(TimerId id, Instant when);  // the same timer at another time; false as above
  bool pending(TimerId id) const;
  std::optional<Instant> next() const;  // the earliest deadline
  std::optional<TimerId> pop(
      Instant now);  // the earliest timer with deadline <= now; it is gone then, its slot is free
  std::size_t size() const { return heap_.size(); }
  std::size_t slots() const { return index_.size(); }  // size of the vector that belongs beside it
  void reserve(std::size_t timers);

 private:
  struct Node {
    std::int64_t when_ns;
    std::uint32_t order;
    std::uint32_t slot;
    bool before(const Node& other) const {
      return when_ns != other.when_ns ? when_ns < other.when_ns : static_cast<std::int32_t>(order - other.order) < 0;
    }
  };
  struct Slot {
    std::uint32_t generation = 0;  // odd while in use
    std::uint32_t place = 0;       // in heap_ while in use, else the next free slot
  };
  void put(std::size_t place, const Node& node);
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);
  void remove(std::size_t place);

  std::vector<Node> heap_;
  std::vector<Slot> index_;
  std::uint32_t free_ = kNone;
  std::uint32_t order_ = 0;
  static constexpr std::uint32_t kNone = 0xffffffff;
};

}  // namespace everup::net
