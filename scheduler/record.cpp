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
  insert({index, hash_of(id)});
  return index;
}

std::uint32_t RecordStore::hash_of(MonitorId id) {
  const auto hash = static_cast<std::uint64_t>(std::hash<MonitorId>{}(id));
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

void RecordStore::insert(const Entry& entry) {
  std::size_t at = home(entry.hash);
  while (table_[at].index != kNoIndex) at = (at + 1) & (table_.size() - 1);
  table_[at] = entry;
}

void RecordStore::grow() {
  std::vector<Entry> old(table_.size() * 2);
  old.swap(table_);
  for (const Entry& entry : old) {
    if (entry.index != kNoIndex) insert(entry);
  }
}

std::uint32_t RecordStore::find(MonitorId id) const {
  const std::uint32_t hash = hash_of(id);
  for (std::size_t at = home(hash); table_[at].index != kNoIndex; at = (at + 1) & (table_.size() - 1)) {
    if (table_[at].hash == hash && (*this)[table_[at].index].plan.id == id) return table_[at].index;
  }
  return kNoIndex;
}

// Linear probing without tombstones: those behind the hole move up if their home allows it.
void RecordStore::remove(std::uint32_t index) {
  const std::size_t mask = table_.size() - 1;
  std::size_t hole = home(hash_of((*this)[index].plan.id));
  while (table_[hole].index != index) hole = (hole + 1) & mask;
  for (std::size_t at = (hole + 1) & mask; table_[at].index != kNoIndex; at = (at + 1) & mask) {
    const std::size_t wanted = home(table_[at].hash);
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = Entry{};
  Record& record = (*this)[index];
  const std::uint32_t ticket = record.ticket;
  record = Record{};
  record.ticket = ticket;
  free_.push_back(index);
  --used_;
}

}  // namespace everup::scheduler
