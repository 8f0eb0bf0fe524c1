// How late the looks came, from the log of the target they came to, against the slots that core/schedule.h names.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/ids.h"

namespace everup::bench {

// A monitor under observation; its number in the list is the last part of its target's path ("/m/17").
struct Watched {
  MonitorId id;
  std::int64_t interval_ms = 60'000;
};

struct Arrival {
  std::int64_t at_us = 0;  // unix time
  int monitor = -1;        // index into the list of Watched
};

struct Lateness {
  std::int64_t requests = 0, slots = 0, missed = 0;
  double p50_ms = 0, p99_ms = 0, max_ms = 0;
};

// Slots of [from, to) and the arrivals that belong to them, of the monitors that `counts` accepts (empty: all). A
// re-check counts as one more request of its slot, and late: leave monitors out that fail.
Lateness lateness(const std::vector<Arrival>& arrivals, const std::vector<Watched>& watched, std::int64_t from_ms,
                  std::int64_t to_ms, const std::function<bool(int)>& counts = {});

// The log of bench/target_nginx: "<unix seconds.ms of the answer> <seconds it took> <path>".
std::vector<Arrival> arrivals_in(const std::string& nginx_log);
int monitor_in_path(const char* path);                  // -1: none
double quantile(std::vector<double> values, double q);  // 0 when empty
std::int64_t wall_us();
inline std::int64_t wall_ms() { return wall_us() / 1000; }

}  // namespace everup::bench
