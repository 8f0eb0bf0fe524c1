// Histograms of seconds with Prometheus' "less or equal" bounds.
#include "core/stats.h"

#include <algorithm>

namespace everup {

void SecondsHistogram::add(double seconds) {
  const auto bound = std::lower_bound(kSecondsBuckets.begin(), kSecondsBuckets.end(), seconds);
  ++buckets[static_cast<std::size_t>(bound - kSecondsBuckets.begin())];
  sum_s += seconds;
}

void SecondsHistogram::merge(const SecondsHistogram& other) {
  for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
  sum_s += other.sum_s;
}

}  // namespace everup
