// Response times over a day or so: looks in, half-hour bins with p50, p95 and p99, SVG out. Only looks that were
// answered count (up or degraded): a timeout says how patient we are, not how fast they are. Cost: one histogram of at
// most 1408 buckets a bin, at most kBinsMax bins. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"

namespace everup::reports {

struct LatencySample {
  WallTime at;
  std::int64_t us = 0;
};
struct LatencyBin {
  Span span;
  std::int64_t count = 0;
  std::optional<std::int64_t> p50_us, p95_us, p99_us;
};
struct LatencyChart {
  Span span;
  std::vector<LatencyBin> bins;  // ascending, adjacent; the last one may be shorter
  LatencyBin whole;              // of all of it
};
inline constexpr std::int64_t kBinMs = 1'800'000;
inline constexpr std::size_t kBinsMax = 60;  // of a day of 25 hours 50 are needed; what lies beyond is left out
LatencyChart latency_chart(Span span, const std::vector<LatencySample>& samples);

// "231 ms", "1.2 s"; three digits are enough for what is measured to 1 %.
std::string latency_text(std::int64_t us);
// The round value above the largest p99: the top of the scale.
std::int64_t scale_top_us(const LatencyChart& chart);
// Three stepped lines; a bin without looks is a gap.
std::string chart_svg(const LatencyChart& chart, const std::string& label);

}  // namespace everup::reports
