// What every case needs: a whole `everup serve` with its private cluster as a child process, monitors, SQL, and figures
// of the process from /proc. The same equipment as tests/app/service.h, with the binary that the bench was told.
//
// Everything is on loopback and goes with the object; a child dies with the bench. Not thread-safe: one case, one
// thread (SQL and calls may come from others while nothing is started or stopped).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/faults/fault.h"
#include "bench/lateness.h"
#include "tests/app/service.h"

namespace everup::bench {

using test::Environment;
using test::Json;

struct Usage {
  std::int64_t rss_bytes = 0;
  int descriptors = 0, threads = 0;
};

// Slots of a stretch of time, by SQL: a slot is answered by a result, stored as missed, or lies in a gap.
struct SlotCount {
  std::int64_t slots = 0, results = 0, missed = 0, in_gaps = 0, missing = 0, doubled = 0;
};

class House {
 public:
  // Starts and opens an account. Default: loopback targets allowed, no rate limit, 100 000 targets.
  explicit House(const Run& run, const Environment& more = {}, bool start = true);

  test::Service& service() { return service_; }
  const test::Service& service() const { return service_; }
  void start();  // when it was made with start = false, or stopped
  int stop(int signal = SIGTERM) { return service_.stop(signal); }

  // By the bulk call, in chunks of 5 000. Numbers go on from the monitors there are; give targets that carry them.
  void add(const std::vector<Json>& monitors);
  const std::vector<Watched>& watched() const { return watched_; }
  int next_number() const { return static_cast<int>(watched_.size()); }
  std::string sql(const std::string& statement) const { return service_.sql(statement); }
  std::int64_t count(const std::string& statement) const { return std::stoll(service_.sql(statement)); }
  pid_t pid() { return service_.child().pid(); }
  pid_t postmaster() const { return service_.postmaster(); }
  Usage usage();
  SlotCount slots(std::int64_t from_ms, std::int64_t to_ms) const;
  // Flips to down (core/standing.h) settled since then; with `of` empty of all monitors.
  std::int64_t flips_down(std::int64_t since_ms = 0) const;
  // Until every slot before `until_ms` is settled (shard_marks); false after 120 s.
  bool settled(std::int64_t until_ms) const;

 private:
  test::Service service_;
  bool opened_ = false;
  std::vector<Watched> watched_;
};

void wait_ms(std::int64_t ms);

}  // namespace everup::bench
