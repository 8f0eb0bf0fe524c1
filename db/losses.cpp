// See losses.h.
#include "db/losses.h"

#include <algorithm>
#include <tuple>

namespace everup::db {

void Losses::add_resync(const Batch::Resync& resync) {
  if (resync_.size() >= kResyncMax && !resync_.contains({resync.monitor.value, resync.region})) {
    return static_cast<void>(++forgotten_);
  }
  const auto [row, fresh] = resync_.try_emplace({resync.monitor.value, resync.region}, resync.oldest);
  if (!fresh) row->second = std::min(row->second, resync.oldest);
}

void Losses::stretch(Region region, Shard shard, GapReason reason, Span span) {
  const auto [row, fresh] = stretches_.try_emplace({region, shard, reason}, span);
  if (!fresh) row->second = {std::min(row->second.from, span.from), std::max(row->second.to, span.to)};
}

void Losses::add_gap(const Gap& gap) {
  // A batch that told of losses and was lost itself: the same stretch again, not one more a batch.
  const bool own = gap.reason == GapReason::kSpoolFull || gap.reason == GapReason::kPoison;
  if (own && !gap.monitor) return stretch(gap.region, gap.shard, gap.reason, gap.span);
  if (gaps_.size() < kGapsMax) return gaps_.push_back(gap);
  stretch(gap.region, gap.monitor ? shard_of(gap.monitor) : gap.shard, GapReason::kSpoolFull, gap.span);
}

void Losses::add(const Batch& batch, GapReason reason) {
  for (const Observation& o : batch.observations) {
    stretch(o.region, shard_of(o.monitor), reason, {o.slot_at, o.slot_at + milliseconds(1)});
    WallTime oldest = o.slot_at;
    if (o.conclusion && !o.conclusion->edges.empty()) oldest = std::min(oldest, o.conclusion->edges.front().at);
    add_resync({o.monitor, o.region, oldest});
  }
  for (const Gap& gap : batch.gaps) add_gap(gap);
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
