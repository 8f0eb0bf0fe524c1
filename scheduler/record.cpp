#include "scheduler/record.h"

#include "core/result.h"

namespace everup::scheduler {

std::uint32_t RecordStore::add(MonitorId id) {
  EVERUP_ASSERT(find(id) == kNoIndex);
  std::uint32_t index = end_;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    if (end_ % kChunk == 0) chunks_.push_back(std::make_unique<std::array<Record, kChunk>>());
    ++end_;
  }
  Record& record = (*this)[index];
  const std::uint32_t ticket = record.ticket + 1;
  record = Record{};
  record.plan.id = id;
  record.ticket = ticket;
  record.stage = Stage::kIdle;
  ++used_;
  if (used_ * 8 > table_.size() * 5) grow();
  insert(index);
  return index;
}

void RecordStore::insert(std::uint32_t index) {
  std::size_t at = home((*this)[index].plan.id);
  while (table_[at] != kNoIndex) at = (at + 1) & (table_.size() - 1);
  table_[at] = index;
}

void RecordStore::grow() {
  std::vector<std::uint32_t> old(table_.size() * 2, kNoIndex);
  old.swap(table_);
  for (const std::uint32_t index : old) {
    if (index != kNoIndex) insert(index);
  }
}

std::uint32_t RecordStore::find(MonitorId id) const {
  for (std::size_t at = home(id); table_[at] != kNoIndex; at = (at + 1) & (table_.size() - 1)) {
    if ((*this)[table_[at]].plan.id == id) return table_[at];
  }
  return kNoIndex;
}

// Linear probing without tombstones: those behind the hole move up if their home allows it.
void RecordStore::remove(std::uint32_t index) {
  const std::size_t mask = table_.size() - 1;
  std::size_t hole = home((*this)[index].plan.id);
  while (table_[hole] != index) hole = (hole + 1) & mask;
  for (std::size_t at = (hole + 1) & mask; table_[at] != kNoIndex; at = (at + 1) & mask) {
    const std::size_t wanted = home((*this)[table_[at]].plan.id);
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = kNoIndex;
  Record& record = (*this)[index];
  const std::uint32_t ticket = record.ticket;
  record = Record{};
  record.ticket = ticket;
  free_.push_back(index);
  --used_;
}

}  // namespace everup::scheduler
