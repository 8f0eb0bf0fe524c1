// What the recorder had to drop, kept until it can be told: gaps for the slots, and resyncs for their monitors, whose
// open past then becomes unknown where nothing was seen. Owned by the recorder's thread. Bounded: one stretch a shard
// and reason; kGapsMax gaps of others, beyond which they widen their shard's stretch (a gap fills only what nothing
// observed, so a wider one takes nothing away); kResyncMax monitors. Weakness: of more monitors than that only those
// whose next conclusion is refused are recomputed; the others keep their state over the loss.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "db/batch.h"

namespace everup::db {

class Losses {
 public:
  static constexpr std::size_t kGapsMax = 4096;
  static constexpr std::size_t kResyncMax = 100'000;

  // Books everything in the batch as lost for `reason`; its own gaps and resyncs are kept.
  void add(const Batch& batch, GapReason reason);
  bool empty() const { return stretches_.empty() && gaps_.empty() && resync_.empty(); }
  // Moves what is kept into `batch`.
  void attach(Batch& batch);
  std::uint64_t forgotten() const { return forgotten_; }  // beyond the bounds

 private:
  void add_resync(const Batch::Resync& resync);
  void add_gap(const Gap& gap);
  void stretch(Region region, Shard shard, GapReason reason, Span span);

  std::map<std::tuple<Region, Shard, GapReason>, Span> stretches_;
  std::vector<Gap> gaps_;
  std::map<std::pair<std::int64_t, Region>, WallTime> resync_;
  std::uint64_t forgotten_ = 0;
};

}  // namespace everup::db
