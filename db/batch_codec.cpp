// See batch_codec.h. Layout of format 1 (v: varint, z: zigzag varint, b: one byte, s: v length and bytes):
//   v format · z closed_at · v observations · v evidence · v gaps · v marks · v resyncs, then each in this order.
//   observation: b flags · z monitor−previous · z slot−closed_at · z started−slot · z epoch · z epoch−since_epoch · …
// Flags say which optional parts follow; a flag that this binary does not know makes the record corrupt.
#include "db/batch_codec.h"

#include <utility>

namespace everup::db {
namespace {

enum Flag : std::uint8_t {
  kMissed = 1,
  kDetail = 2,
  kConclusion = 4,
  kCommand = 8,
  kCertificate = 16,
  kAllFlags = 31,
};
constexpr std::uint64_t kItemsMax = 1'000'000;
constexpr std::uint64_t kEdgesMax = 10'000;

class ItemWriter {
 public:
  explicit ItemWriter(std::size_t reserve) { out_.reserve(reserve); }
  void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void v(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    byte(static_cast<std::uint8_t>(value));
  }
  // Differences wrap: the reader adds them the same way.
  void z(std::int64_t value) { v(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63)); }
  void difference(std::int64_t a, std::int64_t b) {
    z(static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)));
  }
  void s(std::string_view text) {
    v(text.size());
    out_.append(text);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Reads until the first thing that does not fit; then everything reads as zero and bad() tells.
class ItemReader {
 public:
  explicit ItemReader(std::string_view bytes) : bytes_(bytes) {}
  bool bad() const { return bad_; }
  bool at_end() const { return at_ == bytes_.size(); }
  std::size_t offset() const { return at_; }
  void fail() { bad_ = true; }
  std::uint8_t byte() {
    if (bad_ || at_ >= bytes_.size()) return bad_ = true, std::uint8_t{0};
    return static_cast<std::uint8_t>(bytes_[at_++]);
  }
  std::uint64_t v() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
      if ((next & 0x80) == 0) return value;
    }
    return bad_ = true, 0;
  }
  std::int64_t z() {
    const std::uint64_t value = v();
    return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
  }
  std::int64_t sum(std::int64_t base) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(z()) + static_cast<std::uint64_t>(base));
  }
  template <class Integer>
  Integer number() {
    const std::int64_t value = z();
    const auto cut = static_cast<Integer>(value);
    if (cut != value) bad_ = true;
    return cut;
  }
  // How many items follow, each of at least one byte.
  std::size_t count(std::uint64_t most) {
    const std::uint64_t value = v();
    if (value > most || value > bytes_.size() - at_) return bad_ = true, std::size_t{0};
    return static_cast<std::size_t>(value);
  }
  std::string s(std::size_t most) {
    const std::uint64_t length = v();
    if (bad_ || length > most || length > bytes_.size() - at_) return bad_ = true, std::string{};
    std::string text(bytes_.substr(at_, static_cast<std::size_t>(length)));
    at_ += static_cast<std::size_t>(length);
    return text;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool bad_ = false;
};

void put(ItemWriter& out, const Reason& reason) {
  out.z(reason.cause);
  out.z(reason.gap);
}

Reason read_reason(ItemReader& in) {
  Reason reason;
  reason.cause = in.number<std::int16_t>();
  reason.gap = in.number<std::int16_t>();
  return reason;
}

void put(ItemWriter& out, const Conclusion& conclusion, WallTime base) {
  out.byte(static_cast<std::uint8_t>((conclusion.pending_since ? 1 : 0) | (conclusion.flip ? 2 : 0)));
  out.z(conclusion.version_before);
  out.z(conclusion.version_after);
  out.z(static_cast<std::int16_t>(conclusion.health));
  out.z(static_cast<std::int16_t>(conclusion.booked));
  out.difference(conclusion.health_since.ms, base.ms);
  out.difference(conclusion.booked_since.ms, base.ms);
  if (conclusion.pending_since) out.difference(conclusion.pending_since->ms, base.ms);
  out.v(conclusion.edges.size());
  for (const SpanEdge& edge : conclusion.edges) {
    out.difference(edge.at.ms, base.ms);
    out.z(static_cast<std::int16_t>(edge.state));
    put(out, edge.reason);
  }
  if (conclusion.flip) {
    out.z(static_cast<std::int16_t>(conclusion.flip->from));
    out.z(static_cast<std::int16_t>(conclusion.flip->to));
    out.difference(conclusion.flip->at.ms, base.ms);
    out.difference(conclusion.flip->settled_at.ms, base.ms);
    put(out, conclusion.flip->reason);
  }
}

Conclusion read_conclusion(ItemReader& in, WallTime base) {
  Conclusion conclusion;
  const std::uint8_t flags = in.byte();
  if (flags > 3) in.fail();
  conclusion.version_before = in.number<std::int32_t>();
  conclusion.version_after = in.number<std::int32_t>();
  conclusion.health = static_cast<State>(in.number<std::int16_t>());
  conclusion.booked = static_cast<State>(in.number<std::int16_t>());
  conclusion.health_since.ms = in.sum(base.ms);
  conclusion.booked_since.ms = in.sum(base.ms);
  if ((flags & 1) != 0) conclusion.pending_since = WallTime{in.sum(base.ms)};
  const std::size_t edges = in.count(kEdgesMax);
  for (std::size_t i = 0; i < edges && !in.bad(); ++i) {
    SpanEdge edge;
    edge.at.ms = in.sum(base.ms);
    edge.state = static_cast<State>(in.number<std::int16_t>());
    edge.reason = read_reason(in);
    conclusion.edges.push_back(edge);
  }
  if ((flags & 2) != 0) {
    Flip flip;
    flip.from = static_cast<State>(in.number<std::int16_t>());
    flip.to = static_cast<State>(in.number<std::int16_t>());
    flip.at.ms = in.sum(base.ms);
    flip.settled_at.ms = in.sum(base.ms);
    flip.reason = read_reason(in);
    conclusion.flip = flip;
  }
  return conclusion;
}

std::uint8_t flags_of(const Observation& observation) {
  return static_cast<std::uint8_t>((observation.missed ? kMissed : 0) | (observation.detail.empty() ? 0 : kDetail) |
                                   (observation.conclusion ? kConclusion : 0) | (observation.command ? kCommand : 0) |
                                   (observation.certificate_not_after ? kCertificate : 0));
}

void put(ItemWriter& out, const Observation& observation, std::int64_t previous_id, WallTime base) {
  out.byte(flags_of(observation));
  out.difference(observation.monitor.value, previous_id);
  out.difference(observation.slot_at.ms, base.ms);
  out.difference(observation.started_at.ms, observation.slot_at.ms);
  out.z(observation.region);
  out.z(observation.epoch);
  out.difference(observation.epoch, observation.since_epoch);
  out.z(observation.look);
  out.z(observation.revision);
  out.z(static_cast<std::int16_t>(observation.trigger));
  out.z(observation.covered);
  if (observation.missed) {
    out.z(static_cast<std::int16_t>(*observation.missed));
  } else {
    const Timings& t = observation.timings;
    out.z(static_cast<std::int16_t>(observation.verdict));
    out.z(static_cast<std::int16_t>(observation.cause));
    out.z(static_cast<std::int16_t>(observation.phase));
    for (const std::int32_t us : {t.dns_us, t.connect_us, t.tls_us, t.wait_us, t.transfer_us, t.total_us}) out.z(us);
    out.z(observation.code);
  }
  if (!observation.detail.empty()) out.s(observation.detail);
  if (observation.certificate_not_after) out.difference(observation.certificate_not_after->ms, base.ms);
  if (observation.command) out.z(observation.command.value);
  if (observation.conclusion) put(out, *observation.conclusion, base);
}

void read_outcome(ItemReader& in, Observation& observation) {
  observation.verdict = static_cast<Verdict>(in.number<std::int16_t>());
  observation.cause = static_cast<Cause>(in.number<std::int16_t>());
  observation.phase = static_cast<Phase>(in.number<std::int16_t>());
  Timings& t = observation.timings;
  for (std::int32_t* us : {&t.dns_us, &t.connect_us, &t.tls_us, &t.wait_us, &t.transfer_us, &t.total_us}) {
    *us = in.number<std::int32_t>();
  }
  observation.code = in.number<std::int32_t>();
}

Observation read_observation(ItemReader& in, std::int64_t previous_id, WallTime base) {
  Observation observation;
  const std::uint8_t flags = in.byte();
  if (flags > kAllFlags) in.fail();
  observation.monitor.value = in.sum(previous_id);
  observation.slot_at.ms = in.sum(base.ms);
  observation.started_at.ms = in.sum(observation.slot_at.ms);
  observation.region = in.number<Region>();
  observation.epoch = in.z();
  observation.since_epoch =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(observation.epoch) - static_cast<std::uint64_t>(in.z()));
  observation.look = in.number<std::int32_t>();
  observation.revision = in.number<std::int32_t>();
  observation.trigger = static_cast<Trigger>(in.number<std::int16_t>());
  observation.covered = in.number<std::int32_t>();
  if ((flags & kMissed) != 0) {
    observation.missed = static_cast<GapReason>(in.number<std::int16_t>());
  } else {
    read_outcome(in, observation);
  }
  if ((flags & kDetail) != 0) observation.detail = in.s(64 * 1024);
  if ((flags & kCertificate) != 0) observation.certificate_not_after = WallTime{in.sum(base.ms)};
  if ((flags & kCommand) != 0) observation.command.value = in.z();
  if ((flags & kConclusion) != 0) observation.conclusion = read_conclusion(in, base);
  return observation;
}

void put(ItemWriter& out, const Gap& gap, WallTime base) {
  out.z(gap.region);
  out.z(gap.shard);
  out.z(gap.monitor.value);
  out.difference(gap.span.from.ms, base.ms);
  out.difference(gap.span.to.ms, base.ms);
  out.z(static_cast<std::int16_t>(gap.reason));
}

Gap read_gap(ItemReader& in, WallTime base) {
  Gap gap;
  gap.region = in.number<Region>();
  gap.shard = in.number<Shard>();
  gap.monitor.value = in.z();
  gap.span.from.ms = in.sum(base.ms);
  gap.span.to.ms = in.sum(base.ms);
  gap.reason = static_cast<GapReason>(in.number<std::int16_t>());
  return gap;
}

void put(ItemWriter& out, const ShardMark& mark, WallTime base) {
  out.z(mark.region);
  out.z(mark.shard);
  out.z(mark.epoch);
  out.difference(mark.epoch, mark.since_epoch);
  out.difference(mark.through.ms, base.ms);
}

ShardMark read_mark(ItemReader& in, WallTime base) {
  ShardMark mark;
  mark.region = in.number<Region>();
  mark.shard = in.number<Shard>();
  mark.epoch = in.z();
  mark.since_epoch =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(mark.epoch) - static_cast<std::uint64_t>(in.z()));
  mark.through.ms = in.sum(base.ms);
  return mark;
}

void put(ItemWriter& out, const Batch::Resync& resync, WallTime base) {
  out.z(resync.region);
  out.z(resync.monitor.value);
  out.difference(resync.oldest.ms, base.ms);
}

Batch::Resync read_resync(ItemReader& in, WallTime base) {
  Batch::Resync resync;
  resync.region = in.number<Region>();
  resync.monitor.value = in.z();
  resync.oldest.ms = in.sum(base.ms);
  return resync;
}

void read_items(ItemReader& in, Batch& batch) {
  const std::size_t observations = in.count(kItemsMax), evidence = in.count(kItemsMax);
  const std::size_t gaps = in.count(kItemsMax), marks = in.count(kItemsMax), resyncs = in.count(kItemsMax);
  std::int64_t previous_id = 0;
  for (std::size_t i = 0; i < observations && !in.bad(); ++i) {
    batch.observations.push_back(read_observation(in, previous_id, batch.closed_at));
    previous_id = batch.observations.back().monitor.value;
  }
  for (std::size_t i = 0; i < evidence && !in.bad(); ++i) {
    const std::uint64_t index = in.v();
    if (index >= batch.observations.size()) in.fail();
    batch.evidence.push_back({static_cast<std::uint32_t>(index), in.s(kEvidenceBytesMax)});
  }
  for (std::size_t i = 0; i < gaps && !in.bad(); ++i) batch.gaps.push_back(read_gap(in, batch.closed_at));
  for (std::size_t i = 0; i < marks && !in.bad(); ++i) batch.marks.push_back(read_mark(in, batch.closed_at));
  for (std::size_t i = 0; i < resyncs && !in.bad(); ++i) batch.resync.push_back(read_resync(in, batch.closed_at));
}

}  // namespace

std::string encode_batch(const Batch& batch) {
  ItemWriter out(64 + batch.observations.size() * 48 + batch.marks.size() * 12);
  out.v(kBatchFormat);
  out.z(batch.closed_at.ms);
  for (const std::size_t count :
       {batch.observations.size(), batch.evidence.size(), batch.gaps.size(), batch.marks.size(), batch.resync.size()}) {
    out.v(count);
  }
  std::int64_t previous_id = 0;
  for (const Observation& observation : batch.observations) {
    put(out, observation, previous_id, batch.closed_at);
    previous_id = observation.monitor.value;
  }
  for (const Batch::EvidenceText& evidence : batch.evidence) {
    out.v(evidence.observation);
    out.s(evidence.json);
  }
  for (const Gap& gap : batch.gaps) put(out, gap, batch.closed_at);
  for (const ShardMark& mark : batch.marks) put(out, mark, batch.closed_at);
  for (const Batch::Resync& resync : batch.resync) put(out, resync, batch.closed_at);
  return out.take();
}

Result<Batch> decode_batch(std::string_view bytes) {
  ItemReader in(bytes);
  if (const std::uint64_t format = in.v(); format != kBatchFormat) {
    return Error{ErrorCode::kCorrupt, "batch: format " + std::to_string(format) + ", this binary reads 1"};
  }
  Batch batch;
  batch.closed_at.ms = in.z();
  read_items(in, batch);
  if (in.bad() || !in.at_end()) {
    return Error{ErrorCode::kCorrupt, "batch: not readable at byte " + std::to_string(in.offset())};
  }
  return batch;
}

}  // namespace everup::db
