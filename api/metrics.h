// /metrics: what the running parts tell, in Prometheus' text form 0.0.4 with the names of INTERFACE 7. No monitor,
// account or channel id is ever a label. Any thread; own counters behind one mutex. The only home of prometheus-cpp is
// metrics.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/stats.h"

namespace everup::api {

class HttpMetrics {
 public:
  // `route` is a pattern, never a path: the number of series is bounded by the table.
  void count(std::string_view route, std::string_view method, int status, double seconds);
  struct Snapshot {
    std::map<std::pair<std::string, std::pair<std::string, int>>, std::uint64_t> requests;  // (route, (method, code))
    std::map<std::string, SecondsHistogram> duration;                                       // by route
  };
  Snapshot snapshot() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string_view, std::pair<std::string_view, int>>, std::uint64_t> requests_;
  std::map<std::string_view, SecondsHistogram> duration_;
};

struct MetricsInput {
  std::string version, revision;
  const SchedulerStats* scheduler = nullptr;  // null: this process has none
  const RecorderStats* recorder = nullptr;
  std::optional<double> backup_age_s;  // nothing: no backup is known
  HttpMetrics::Snapshot http;
  std::uint64_t connections_open = 0, connections_refused = 0, connections_timed_out = 0;
  std::uint64_t streams = 0, streams_dropped = 0;
};
std::string metrics_text(const MetricsInput& input);

}  // namespace everup::api
