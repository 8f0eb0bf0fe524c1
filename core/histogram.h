// Log-bucket latency histogram: mergeable, relative error of a quantile at most 1 %. Also the step table in which
// phases are stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace everup {

// The steps: 0 … 127 µs each by itself, then 64 to each power of two. latency_of_step(latency_step(us)) is within 1/128
// of us, and its step is the same again. `us` is taken as between 0 and 2^31 − 1.
std::size_t latency_step(std::int64_t us);
std::int64_t latency_of_step(std::size_t step);

class LatencyHistogram {
 public:
  void add(std::int64_t us, std::int64_t count = 1);  // negative counts as 0; above 120 s as 120 s
  void merge(const LatencyHistogram& other);
  std::int64_t count() const { return count_; }
  // The q-quantile (0 … 1) in µs; nullopt when empty. q = 0 and 1 give the smallest and largest bucket's value.
  std::optional<std::int64_t> quantile_us(double q) const;
  // `use(bucket, count)` of each bucket that holds something, in order; latency_of_step(bucket) is its value.
  template <class Use>
  void each(Use use) const {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      if (buckets_[i] != 0) use(i, buckets_[i]);
    }
  }
  static constexpr std::size_t kBucketsMax = 1408;

 private:
  std::vector<std::uint32_t> buckets_;  // grows to the largest index used
  std::int64_t count_ = 0;
};

}  // namespace everup
