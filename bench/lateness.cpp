#include "bench/lateness.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "core/schedule.h"

namespace everup::bench {

Lateness lateness(const std::vector<Arrival>& arrivals, const std::vector<Watched>& watched, std::int64_t from_ms,
                  std::int64_t to_ms, const std::function<bool(int)>& counts) {
  Lateness out;
  std::vector<double> late;
  std::vector<std::int64_t> answered(watched.size(), 0);
  constexpr std::int64_t kClockGrainMs = 20;  // a target's cached clock may stand a little before ours
  for (const Arrival& arrival : arrivals) {
    if (arrival.monitor < 0 || arrival.monitor >= static_cast<int>(watched.size())) continue;
    if (counts && !counts(arrival.monitor)) continue;
    const Watched& one = watched[static_cast<std::size_t>(arrival.monitor)];
    const auto slot = slot_at_or_before(one.id, one.interval_ms, WallTime{arrival.at_us / 1000 + kClockGrainMs});
    if (slot.ms < from_ms || slot.ms >= to_ms) continue;
    ++out.requests;
    ++answered[static_cast<std::size_t>(arrival.monitor)];
    late.push_back(std::max(0.0, static_cast<double>(arrival.at_us - slot.ms * 1000) / 1000.0));
  }
  for (std::size_t i = 0; i < watched.size(); ++i) {
    if (counts && !counts(static_cast<int>(i))) continue;
    const auto slots = slots_in(watched[i].id, watched[i].interval_ms, {{from_ms}, {to_ms}});
    out.slots += slots;
    out.missed += std::max<std::int64_t>(0, slots - answered[i]);
  }
  out.max_ms = late.empty() ? 0 : *std::max_element(late.begin(), late.end());
  out.p50_ms = quantile(late, 0.5);
  out.p99_ms = quantile(std::move(late), 0.99);
  return out;
}

int monitor_in_path(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash == nullptr || slash[1] < '0' || slash[1] > '9' ? -1 : std::atoi(slash + 1);
}

std::vector<Arrival> arrivals_in(const std::string& nginx_log) {
  std::vector<Arrival> out;
  std::ifstream in(nginx_log);
  for (std::string line; std::getline(in, line);) {
    double logged_s = 0, took_s = 0;
    std::array<char, 64> path{};
    if (std::sscanf(line.c_str(), "%lf %lf %63s", &logged_s, &took_s, path.data()) != 3) continue;
    out.push_back({static_cast<std::int64_t>((logged_s - took_s) * 1e6), monitor_in_path(path.data())});
  }
  return out;
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const auto rank = std::min(values.size() - 1, static_cast<std::size_t>(q * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank), values.end());
  return values[rank];
}

std::int64_t wall_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace everup::bench
