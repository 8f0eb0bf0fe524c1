// See chart.h.
#include "reports/chart.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/histogram.h"
#include "reports/strip.h"

namespace everup::reports {
namespace {

constexpr int kHeight = 120;
constexpr int kBinWidth = 10;

LatencyBin bin_of(Span span, const LatencyHistogram& histogram) {
  return {span, histogram.count(), histogram.quantile_us(0.50), histogram.quantile_us(0.95),
          histogram.quantile_us(0.99)};
}

using Quantile = std::optional<std::int64_t> LatencyBin::*;

// Steps, so that one bin alone is seen too.
std::string line_of(const LatencyChart& chart, Quantile quantile, std::int64_t top_us) {
  std::string path;
  bool drawing = false;
  for (std::size_t i = 0; i < chart.bins.size(); ++i) {
    const auto us = chart.bins[i].*quantile;
    if (!us) {
      drawing = false;
      continue;
    }
    const auto y = kHeight - std::min<std::int64_t>(*us, top_us) * (kHeight - 2) / top_us - 1;
    const auto x = static_cast<int>(i) * kBinWidth;
    path += (drawing ? "V" : "M" + std::to_string(x) + " ") + std::to_string(y) + "H" + std::to_string(x + kBinWidth);
    drawing = true;
  }
  return path;
}

}  // namespace

LatencyChart latency_chart(Span span, const std::vector<LatencySample>& samples) {
  LatencyChart chart;
  chart.span = span;
  const auto wanted = static_cast<std::size_t>((span.length().count() + kBinMs - 1) / kBinMs);
  std::vector<LatencyHistogram> histograms(std::min(wanted, kBinsMax));
  LatencyHistogram whole;
  for (const LatencySample& sample : samples) {
    if (!span.contains(sample.at)) continue;
    const auto index = static_cast<std::size_t>((sample.at - span.from).count() / kBinMs);
    if (index >= histograms.size()) continue;
    histograms[index].add(sample.us);
    whole.add(sample.us);
  }
  for (std::size_t i = 0; i < histograms.size(); ++i) {
    const WallTime from = span.from + milliseconds(static_cast<std::int64_t>(i) * kBinMs);
    chart.bins.push_back(bin_of({from, std::min(span.to, from + milliseconds(kBinMs))}, histograms[i]));
  }
  chart.whole = bin_of(span, whole);
  return chart;
}

std::string latency_text(std::int64_t us) {
  const auto tenths = [](std::int64_t value, std::string_view unit) {
    return std::to_string(value / 10) + "." + std::to_string(value % 10) + " " + std::string(unit);
  };
  if (us >= 9'950'000) return std::to_string((us + 500'000) / 1'000'000) + " s";
  if (us >= 999'500) return tenths((us + 50'000) / 100'000, "s");
  if (us >= 9'950) return std::to_string((us + 500) / 1000) + " ms";
  return tenths((us + 50) / 100, "ms");
}

std::int64_t scale_top_us(const LatencyChart& chart) {
  std::int64_t most = 1000;
  for (const LatencyBin& bin : chart.bins) most = std::max(most, bin.p99_us.value_or(0));
  constexpr std::array<std::int64_t, 3> kRound{2, 5, 10};
  for (std::int64_t decade = 100;; decade *= 10) {  // ends: a histogram holds at most 120 s
    for (const std::int64_t round : kRound)
      if (decade * round >= most) return decade * round;
  }
}

std::string chart_svg(const LatencyChart& chart, const std::string& label) {
  const std::int64_t top_us = scale_top_us(chart);
  const std::string width = std::to_string(static_cast<int>(chart.bins.size()) * kBinWidth);
  std::string svg = "<svg class=\"chart\" viewBox=\"0 0 " + width + " " + std::to_string(kHeight) +
                    "\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"" + escaped(label) +
                    "\"><path class=\"grid\" d=\"M0 1H" + width + "M0 60H" + width + "M0 119H" + width + "\"/>";
  constexpr std::array<std::pair<std::string_view, Quantile>, 3> kLines{
      {{"p99", &LatencyBin::p99_us}, {"p95", &LatencyBin::p95_us}, {"p50", &LatencyBin::p50_us}}};
  for (const auto& [name, quantile] : kLines) {
    const std::string path = line_of(chart, quantile, top_us);
    if (!path.empty()) svg += "<path class=\"line " + std::string(name) + "\" d=\"" + path + "\"/>";
  }
  return svg + "</svg>";
}

}  // namespace everup::reports
