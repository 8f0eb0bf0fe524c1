#include "net/timer_heap.h"

#include <algorithm>

#include "core/result.h"

namespace everup::net {
namespace {
constexpr std::size_t kArity = 4;  // half the depth of a binary heap, and four nodes are one cache line
constexpr std::size_t kTimersMax = std::size_t{1} << 31;
}  // namespace

TimerId TimerHeap::add(Instant when) {
  std::uint32_t slot = free_;
  if (slot == kNone) {
    EVERUP_ASSERT(index_.size() < kTimersMax);
    slot = static_cast<std::uint32_t>(index_.size());
    index_.push_back({0, 0});
  } else {
    free_ = index_[slot].place;
  }
  const std::uint32_t generation = ++index_[slot].generation;  // odd from here on
  heap_.push_back({when.ns, order_++, slot});
  index_[slot].place = static_cast<std::uint32_t>(heap_.size() - 1);
  sift_up(heap_.size() - 1);
  return TimerId{std::uint64_t{generation} << 32 | slot};
}

bool TimerHeap::pending(TimerId id) const {
  const std::uint32_t generation = static_cast<std::uint32_t>(id.value >> 32);
  return (generation & 1) != 0 && id.slot() < index_.size() && index_[id.slot()].generation == generation;
}

bool TimerHeap::cancel(TimerId id) {
  if (!pending(id)) return false;
  remove(index_[id.slot()].place);
  return true;
}

bool TimerHeap::move(TimerId id, Instant when) {
  if (!pending(id)) return false;
  const std::size_t place = index_[id.slot()].place;
  heap_[place].when_ns = when.ns;
  heap_[place].order = order_++;
  sift_up(place);
  sift_down(index_[id.slot()].place);
  return true;
}

std::optional<Instant> TimerHeap::next() const {
  if (heap_.empty()) return std::nullopt;
  return Instant{heap_.front().when_ns};
}

std::optional<TimerId> TimerHeap::pop(Instant now) {
  if (heap_.empty() || heap_.front().when_ns > now.ns) return std::nullopt;
  const std::uint32_t slot = heap_.front().slot;
  const TimerId id{std::uint64_t{index_[slot].generation} << 32 | slot};
  remove(0);
  return id;
}

void TimerHeap::reserve(std::size_t timers) {
  heap_.reserve(timers);
  index_.reserve(timers);
}

void TimerHeap::put(std::size_t place, const Node& node) {
  heap_[place] = node;
  index_[node.slot].place = static_cast<std::uint32_t>(place);
}

void TimerHeap::sift_up(std::size_t place) {
  const Node node = heap_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / kArity;
    if (!node.before(heap_[parent])) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, node);
}

void TimerHeap::sift_down(std::size_t place) {
  const Node node = heap_[place];
  for (;;) {
    const std::size_t first = place * kArity + 1;
    if (first >= heap_.size()) break;
    const std::size_t end = std::min(first + kArity, heap_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (heap_[child].before(heap_[least])) least = child;
    }
    if (!heap_[least].before(node)) break;
    put(place, heap_[least]);
    place = least;
  }
  put(place, node);
}

void TimerHeap::remove(std::size_t place) {
  const std::uint32_t slot = heap_[place].slot;
  const Node last = heap_.back();
  heap_.pop_back();
  if (place < heap_.size()) {
    put(place, last);
    sift_up(place);
    sift_down(index_[last.slot].place);
  }
  ++index_[slot].generation;  // even: free
  index_[slot].place = free_;
  free_ = slot;
}

}  // namespace everup::net
