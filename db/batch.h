// What the recorder stores in one transaction: observations, gaps and marks in the order in which they were offered.
//
// A batch never holds two conclusions of one monitor and region (RULES A 5): the compare-and-set of all conclusions is
// one statement. Evidence is turned into its JSON here, once, so that the spool keeps text and nothing later needs the
// object.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "core/ids.h"
#include "core/ports.h"
#include "core/time.h"

namespace everup::db {

struct Batch {
  struct EvidenceText {
    std::uint32_t observation = 0;  // index into observations
    std::string json;               // at most kEvidenceBytesMax
  };

  // A monitor of which something was lost on the way (a full spool): the amender recomputes its standing.
  struct Resync {
    MonitorId monitor;
    Region region = kLocalRegion;
    WallTime oldest;  // from when its past is in doubt
  };

  std::int64_t seq = 0;                   // place in its stream (RULES A 2); 0: not numbered yet
  WallTime closed_at;                     // when it was closed; the spool's age is counted from it
  std::vector<Observation> observations;  // their `evidence` is always null
  std::vector<EvidenceText> evidence;
  std::vector<Gap> gaps;
  std::vector<ShardMark> marks;
  std::vector<Resync> resync;

  bool empty() const { return observations.empty() && gaps.empty() && marks.empty() && resync.empty(); }
};

// One thing offered to the recorder.
using Offered = std::variant<Observation, Gap, std::vector<ShardMark>>;
// Bytes that it holds in memory, roughly: what bounds the queue.
std::size_t bytes_of(const Offered& item);

// Fills batches. Owned by the recorder's thread.
class BatchBuilder {
 public:
  explicit BatchBuilder(std::size_t rows_max) : rows_max_(rows_max) {}
  // False: the open batch must be closed first (full, or it holds a conclusion of this monitor already); `item` is
  // untouched.
  bool add(Offered& item);
  bool empty() const { return batch_.empty(); }
  std::size_t rows() const { return batch_.observations.size(); }
  bool full() const {
    return rows() >= rows_max_ || batch_.gaps.size() >= rows_max_ || evidence_bytes_ >= kEvidenceBytesTotalMax;
  }
  Batch close(WallTime now);

 private:
  static constexpr std::size_t kEvidenceBytesTotalMax = 16u << 20;
  bool add_observation(Observation& observation);
  void keep_evidence(const Evidence& evidence);

  std::size_t rows_max_;
  Batch batch_;
  std::size_t evidence_bytes_ = 0;
  std::unordered_set<std::uint64_t> concluded_;  // monitors with a conclusion in batch_
};

}  // namespace everup::db
