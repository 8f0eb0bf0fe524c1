#include "scheduler/due_queue.h"

#include <algorithm>

namespace everup::scheduler {

namespace {
constexpr std::size_t kArity = 4;
}

void DueQueue::place(std::size_t position, Due due) {
  heap_[position] = due;
  position_[due.monitor] = static_cast<std::uint32_t>(position);
}

void DueQueue::up(std::size_t position, Due due) {
  while (position > 0) {
    const std::size_t parent = (position - 1) / kArity;
    if (!before(due, heap_[parent])) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, due);
}

void DueQueue::down(std::size_t position, Due due) {
  for (;;) {
    const std::size_t first = position * kArity + 1;
    if (first >= heap_.size()) break;
    const std::size_t end = std::min(first + kArity, heap_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (before(heap_[child], heap_[least])) least = child;
    }
    if (!before(heap_[least], due)) break;
    place(position, heap_[least]);
    position = least;
  }
  place(position, due);
}

void DueQueue::set(std::uint32_t monitor, WallTime at) {
  if (monitor >= position_.size()) position_.resize(monitor + std::size_t{1}, kAbsent);
  const Due due{at, monitor};
  if (position_[monitor] == kAbsent) {
    heap_.push_back(due);
    up(heap_.size() - 1, due);
    return;
  }
  const std::size_t position = position_[monitor];
  if (before(due, heap_[position])) {
    up(position, due);
  } else {
    down(position, due);
  }
}

void DueQueue::remove(std::uint32_t monitor) {
  if (monitor >= position_.size() || position_[monitor] == kAbsent) return;
  const std::size_t position = position_[monitor];
  position_[monitor] = kAbsent;
  const Due last = heap_.back();
  heap_.pop_back();
  if (position == heap_.size()) return;
  if (position > 0 && before(last, heap_[(position - 1) / kArity])) {
    up(position, last);
  } else {
    down(position, last);
  }
}

std::optional<DueQueue::Due> DueQueue::next() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front();
}

std::optional<WallTime> DueQueue::when(std::uint32_t monitor) const {
  if (monitor >= position_.size() || position_[monitor] == kAbsent) return std::nullopt;
  return heap_[position_[monitor]].at;
}

}  // namespace everup::scheduler
