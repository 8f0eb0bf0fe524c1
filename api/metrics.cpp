// See api/metrics.h. Families are built from the snapshots at each scrape: nothing is registered, nothing outlives the
// call.
#include "api/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

namespace everup::api {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

class Page {
 public:
  void number(const char* name, const char* help, MetricType type, double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (type == MetricType::Counter)
      metric.counter.value = value;
    else
      metric.gauge.value = value;
    family(name, help, type).metric.push_back(std::move(metric));
  }
  void counter(const char* name, const char* help, std::uint64_t value, Labels labels = {}) {
    number(name, help, MetricType::Counter, static_cast<double>(value), std::move(labels));
  }
  void gauge(const char* name, const char* help, double value, Labels labels = {}) {
    number(name, help, MetricType::Gauge, value, std::move(labels));
  }
  void histogram(const char* name, const char* help, const SecondsHistogram& values, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < values.buckets.size(); ++i) {
      cumulative += values.buckets.at(i);
      const double bound = i < kSecondsBuckets.size() ? kSecondsBuckets.at(i) : std::numeric_limits<double>::infinity();
      ClientMetric::Bucket bucket;
      bucket.cumulative_count = cumulative;
      bucket.upper_bound = bound;
      metric.histogram.bucket.push_back(bucket);
    }
    metric.histogram.sample_count = cumulative;
    metric.histogram.sample_sum = values.sum_s;
    family(name, help, MetricType::Histogram).metric.push_back(std::move(metric));
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  MetricFamily& family(const char* name, const char* help, MetricType type) {
    if (families_.empty() || families_.back().name != name) {
      MetricFamily next;
      next.name = name;
      next.help = help;
      next.type = type;
      families_.push_back(std::move(next));
    }
    return families_.back();
  }
  std::vector<MetricFamily> families_;
};

std::string text_of(std::string_view view) { return std::string(view); }

void scheduler_page(const SchedulerStats& stats, Page* page) {
  for (const auto& [key, count] : stats.checks) {
    page->counter("everup_checks_total", "Looks done, by kind and verdict", count,
                  {{"kind", text_of(slug(key.first))}, {"verdict", text_of(slug(key.second))}});
  }
  for (const auto& [kind, values] : stats.duration) {
    page->histogram("everup_check_duration_seconds", "How long looks took", values, {{"kind", text_of(slug(kind))}});
  }
  page->histogram("everup_schedule_lateness_seconds", "Start of a look against its slot", stats.lateness);
  page->histogram("everup_worker_longest_turn_seconds", "The longest turn of each worker's loop, one sample a second",
                  stats.longest_turn);
  for (const auto& [reason, count] : stats.missed) {
    page->counter("everup_missed_total", "Slots without a look", count, {{"reason", text_of(slug(reason))}});
  }
  page->gauge("everup_checks_in_flight", "Looks running now", static_cast<double>(stats.in_flight));
  for (const auto& [key, count] : stats.monitors) {
    page->gauge("everup_monitors", "Monitors on this node", static_cast<double>(count),
                {{"kind", text_of(slug(key.first))}, {"state", text_of(slug(key.second))}});
  }
  page->gauge("everup_shards_owned", "Shards held by this node", static_cast<double>(stats.shards_owned));
  page->gauge("everup_worker_heartbeat_age_seconds", "Age of the stalest worker's last turn",
              static_cast<double>(stats.oldest_heartbeat_ms) / 1000);
}

void recorder_page(const RecorderStats& stats, Page* page) {
  page->counter("everup_results_written_total", "Result rows stored", stats.results_written);
  for (const auto& [result, count] : stats.batches) {
    page->counter("everup_batches_total", "Recorder batches", count, {{"result", result}});
  }
  page->gauge("everup_spool_bytes", "Bytes waiting in the spool", static_cast<double>(stats.spool_bytes));
  page->gauge("everup_spool_oldest_seconds", "Age of the oldest spooled batch", stats.spool_oldest_s);
  page->gauge("everup_recorder_queue", "Observations waiting in memory", static_cast<double>(stats.queue));
  page->counter("everup_observations_dropped_total", "Observations that could not be kept", stats.dropped);
  page->counter("everup_observations_late_total", "Observations that came too late to conclude", stats.late);
  page->gauge("everup_database_up", "1 while the recorder reaches PostgreSQL", stats.database_ok ? 1 : 0);
  page->gauge("everup_outbox_pending", "Flips not fanned out and deliveries that are due",
              static_cast<double>(stats.outbox_pending));
  page->gauge("everup_outbox_oldest_seconds", "Age of the oldest of them", stats.outbox_oldest_s);
}

void http_page(const MetricsInput& input, Page* page) {
  for (const auto& [key, count] : input.http.requests) {
    page->counter("everup_http_requests_total", "Requests answered", count,
                  {{"route", key.first}, {"method", key.second.first}, {"code", std::to_string(key.second.second)}});
  }
  for (const auto& [route, values] : input.http.duration) {
    page->histogram("everup_http_request_duration_seconds", "From the complete request to its answer", values,
                    {{"route", route}});
  }
  page->gauge("everup_http_connections", "Open connections", static_cast<double>(input.connections_open));
  page->counter("everup_http_connections_refused_total", "Connections refused by a limit", input.connections_refused);
  page->counter("everup_http_connections_timed_out_total", "Connections closed by a deadline",
                input.connections_timed_out);
  page->gauge("everup_sse_clients", "Clients of live streams", static_cast<double>(input.streams));
  page->counter("everup_sse_dropped_total", "Live streams ended because their reader was too slow",
                input.streams_dropped);
}

void process_page(Page* page) {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    page->number("process_cpu_seconds_total", "User and system CPU time", MetricType::Counter,
                 seconds(usage.ru_utime) + seconds(usage.ru_stime));
  }
  std::ifstream statm("/proc/self/statm");
  std::uint64_t virtual_pages = 0;
  std::uint64_t resident_pages = 0;
  if (statm >> virtual_pages >> resident_pages) {
    const auto size = static_cast<double>(::sysconf(_SC_PAGESIZE));
    page->gauge("process_virtual_memory_bytes", "Virtual memory", static_cast<double>(virtual_pages) * size);
    page->gauge("process_resident_memory_bytes", "Resident memory", static_cast<double>(resident_pages) * size);
  }
  std::error_code unreadable;
  const auto fds = std::filesystem::directory_iterator("/proc/self/fd", unreadable);
  if (!unreadable)
    page->gauge("process_open_fds", "Open descriptors", static_cast<double>(std::distance(begin(fds), end(fds))));
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    page->gauge("process_max_fds", "Descriptor limit", static_cast<double>(limit.rlim_cur));
}

}  // namespace

void HttpMetrics::count(std::string_view route, std::string_view method, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++requests_[{route, {method, status}}];
  duration_[route].add(seconds);
}

HttpMetrics::Snapshot HttpMetrics::snapshot() const {
  const std::lock_guard lock(mutex_);
  Snapshot out;
  for (const auto& [key, count] : requests_) {
    out.requests[{std::string(key.first), {std::string(key.second.first), key.second.second}}] = count;
  }
  for (const auto& [route, values] : duration_) out.duration.emplace(std::string(route), values);
  return out;
}

std::string metrics_text(const MetricsInput& input) {
  Page page;
  page.gauge("everup_build_info", "1, with what this binary is", 1,
             {{"version", input.version}, {"revision", input.revision}});
  if (input.scheduler != nullptr) scheduler_page(*input.scheduler, &page);
  if (input.recorder != nullptr) recorder_page(*input.recorder, &page);
  if (input.backup_age_s)
    page.gauge("everup_backup_age_seconds", "Age of the last backup; absent: there is none", *input.backup_age_s);
  http_page(input, &page);
  process_page(&page);
  return page.text();
}

}  // namespace everup::api
