// Buckets: every microsecond below 128 by itself, then 64 steps to each power of two, so that a bucket's middle is at
// most 1/128 away from any of its values. Found by bit operations, no logarithm. At most 1408 buckets; a bucket's count
// saturates at 2^32 − 1.
#include "core/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace everup {

namespace {

constexpr std::int64_t kExact = 128, kMaxUs = 120'000'000;
constexpr int kStepBits = 6, kFirstOctave = 7;

std::size_t bucket_of(std::int64_t us) { return latency_step(std::min(us, kMaxUs)); }
std::int64_t middle_of(std::size_t bucket) { return latency_of_step(bucket); }

}  // namespace

std::size_t latency_step(std::int64_t us) {
  const auto v = static_cast<std::uint64_t>(std::clamp<std::int64_t>(us, 0, std::numeric_limits<std::int32_t>::max()));
  if (v < kExact) return static_cast<std::size_t>(v);
  const int octave = static_cast<int>(std::bit_width(v)) - 1;
  const std::uint64_t step = (v >> (octave - kStepBits)) & 63;
  return static_cast<std::size_t>(kExact + (octave - kFirstOctave) * 64) + static_cast<std::size_t>(step);
}

std::int64_t latency_of_step(std::size_t step) {
  const auto index = static_cast<std::int64_t>(step);
  if (index < kExact) return index;
  const auto octave = static_cast<int>((index - kExact) / 64) + kFirstOctave;
  const std::int64_t width = std::int64_t{1} << (octave - kStepBits);
  return (64 + (index - kExact) % 64) * width + (width - 1) / 2;
}

void LatencyHistogram::add(std::int64_t us, std::int64_t count) {
  if (count <= 0) return;
  const std::size_t bucket = bucket_of(us);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  const std::int64_t room = std::int64_t{std::numeric_limits<std::uint32_t>::max()} - buckets_[bucket];
  const std::int64_t added = std::min(count, room);
  buckets_[bucket] += static_cast<std::uint32_t>(added);
  count_ += added;
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) {
    if (other.buckets_[i] != 0) add(middle_of(i), other.buckets_[i]);
  }
}

std::optional<std::int64_t> LatencyHistogram::quantile_us(double q) const {
  if (count_ == 0) return std::nullopt;
  const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  const std::int64_t rank = std::clamp<std::int64_t>(static_cast<std::int64_t>(wanted), 1, count_);
  std::int64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return middle_of(i);
  }
  return middle_of(buckets_.size() - 1);
}

}  // namespace everup
