// See batch.h.
#include "db/batch.h"

#include <utility>

#include "db/batch_codec.h"
#include "db/monitor_json.h"

namespace everup::db {
namespace {

constexpr std::size_t kMarksMax = 65'536;  // a batch closes before it would hold more

std::uint64_t key_of(const Observation& observation) {
  return static_cast<std::uint64_t>(observation.monitor.value) * std::uint64_t{0x9e3779b97f4a7c15} +
         static_cast<std::uint16_t>(observation.region);
}

std::size_t bytes_of_evidence(const Evidence& evidence) {
  std::size_t bytes = sizeof(Evidence) + evidence.address.size() + evidence.head.size() + evidence.body_excerpt.size();
  for (const auto& text : evidence.addresses_tried) bytes += text.size() + 32;
  for (const auto& text : evidence.hops) bytes += text.size() + 32;
  for (const auto& line : evidence.transcript.lines()) bytes += sizeof(TranscriptLine) + line.text.size();
  if (evidence.certificate) {
    for (const auto& name : evidence.certificate->names) bytes += name.size() + 32;
  }
  return bytes;
}

}  // namespace

std::size_t bytes_of(const Offered& item) {
  std::size_t bytes = sizeof(Offered);
  if (const auto* marks = std::get_if<std::vector<ShardMark>>(&item)) bytes += marks->capacity() * sizeof(ShardMark);
  if (const auto* observation = std::get_if<Observation>(&item)) {
    bytes += observation->detail.capacity();
    if (observation->evidence) bytes += bytes_of_evidence(*observation->evidence);
    if (observation->conclusion) bytes += observation->conclusion->edges.capacity() * sizeof(SpanEdge);
  }
  return bytes;
}

bool BatchBuilder::add(Offered& item) {
  if (auto* observation = std::get_if<Observation>(&item)) return add_observation(*observation);
  if (auto* gap = std::get_if<Gap>(&item)) {
    if (full()) return false;
    batch_.gaps.push_back(*gap);
    return true;
  }
  auto& marks = std::get<std::vector<ShardMark>>(item);
  if (!batch_.marks.empty() && batch_.marks.size() + marks.size() > kMarksMax) return false;
  batch_.marks.insert(batch_.marks.end(), marks.begin(), marks.end());
  return true;
}

bool BatchBuilder::add_observation(Observation& observation) {
  if (full()) return false;
  // Two monitors with one key close a batch early; nothing else happens.
  if (observation.conclusion && !concluded_.insert(key_of(observation)).second) return false;
  if (observation.evidence) keep_evidence(*observation.evidence);
  observation.evidence.reset();
  batch_.observations.push_back(std::move(observation));
  return true;
}

// Evidence beyond its limit is left out; the look's row stays.
void BatchBuilder::keep_evidence(const Evidence& evidence) {
  std::string json = evidence_json(evidence);
  if (json.size() > kEvidenceBytesMax) return;
  evidence_bytes_ += json.size();
  batch_.evidence.push_back({static_cast<std::uint32_t>(batch_.observations.size()), std::move(json)});
}

Batch BatchBuilder::close(WallTime now) {
  Batch closed = std::move(batch_);
  batch_ = Batch{};
  concluded_.clear();
  evidence_bytes_ = 0;
  closed.closed_at = now;
  return closed;
}

}  // namespace everup::db
