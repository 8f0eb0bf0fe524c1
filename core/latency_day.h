// What a day of looks took, hour by hour, as bytes: what stays when the looks themselves are gone, and what a long
// window's quantiles are read from.
//
// Layout: version | each histogram | CRC-32C of all that stands before it, little-endian. A histogram is its number of
// buckets in use, then for each one twice its distance from the one before, and one more where a count other than 1
// follows; LEB128 varints. Counts are exact, a latency comes back within 1/128 of itself, so a quantile of merged
// histograms is as near as one of a single one.
//
// Pure; any thread. The decoder believes nothing and answers kCorrupt to what the encoder would not have written.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/histogram.h"
#include "core/result.h"

namespace everup {

struct LatencyPart {
  LatencyHistogram answered;  // looks that were up or degraded
  LatencyHistogram failed;    // those that ran and were neither
  void merge(const LatencyPart& other) {
    answered.merge(other.answered);
    failed.merge(other.failed);
  }
  LatencyHistogram all() const {
    LatencyHistogram sum = answered;
    sum.merge(failed);
    return sum;
  }
  // A look that took `total_us`; −1 (nothing was reached) counts as 0. Verdict 0, a missed slot, is no look.
  void add(int verdict, std::int64_t total_us) {
    if (verdict != 0) (verdict == 1 || verdict == 2 ? answered : failed).add(total_us);
  }
};
using LatencyHours = std::array<LatencyPart, 24>;  // of a UTC day

std::string pack_latency(const LatencyPart& part);
Result<LatencyPart> unpack_latency(std::string_view bytes);
std::string pack_latency_hours(const LatencyHours& hours);
Result<LatencyHours> unpack_latency_hours(std::string_view bytes);

}  // namespace everup
