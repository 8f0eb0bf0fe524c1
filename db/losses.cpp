// See losses.h.
#include "db/losses.h"

#include <algorithm>
#include <tuple>

namespace everup::db {

void Losses::add_resync(const Batch::Resync& resync) {
  if (resync_.size() >= kResyncMax) return static_cast<void>(++forgotten_);
  const auto [row, fresh] = resync_.try_emplace({resync.monitor.value, resync.region}, resync.oldest);
  if (!fresh) row->second = std::min(row->second, resync.oldest);
}

void Losses::add(const Batch& batch, GapReason reason) {
  for (const Observation& o : batch.observations) {
    const Span slot{o.slot_at, o.slot_at + milliseconds(1)};
    const auto [row, fresh] = stretches_.try_emplace({o.region, shard_of(o.monitor), reason}, slot);
    if (!fresh) row->second = {std::min(row->second.from, slot.from), std::max(row->second.to, slot.to)};
    if (o.conclusion) {
      const auto& edges = o.conclusion->edges;
      add_resync({o.monitor, o.region, edges.empty() ? o.slot_at : std::min(o.slot_at, edges.front().at)});
    }
  }
  for (const Gap& gap : batch.gaps) {
    if (gaps_.size() >= kGapsMax) {
      ++forgotten_;
    } else {
      gaps_.push_back(gap);
    }
  }
  for (const Batch::Resync& resync : batch.resync) add_resync(resync);
}

void Losses::attach(Batch& batch) {
  for (const auto& [key, span] : stretches_) {
    Gap gap;
    gap.region = std::get<0>(key);
    gap.shard = std::get<1>(key);
    gap.span = span;
    gap.reason = std::get<2>(key);
    batch.gaps.push_back(gap);
  }
  batch.gaps.insert(batch.gaps.end(), gaps_.begin(), gaps_.end());
  for (const auto& [key, oldest] : resync_) batch.resync.push_back({MonitorId{key.first}, key.second, oldest});
  stretches_.clear(), gaps_.clear(), resync_.clear();
}

}  // namespace everup::db
