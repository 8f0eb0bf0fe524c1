// What the scheduler itself costs: CPU a check from due to offered (due queue, admission, start, conclusion, offer) and
// bytes a monitor, without probes and without a database. Prints the longest turn as well: what a worker's loop must
// wait at most.
//
//   scheduler_bench [checks_of=100000 monitors] [memory_of=1000000 monitors]
//
// The clock is ours and runs in steps of 5 ms; looks answer after 500 ms, one in three thousand fails.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/roster.h"

namespace {

using namespace everup;             // NOLINT(google-build-using-namespace)
using namespace everup::scheduler;  // NOLINT(google-build-using-namespace)

constexpr std::int64_t kStartMs = 1'767'225'600'000;
constexpr std::int64_t kStepMs = 5, kAnswerMs = 500;

class CountingSink final : public ObservationSink {
 public:
  bool offer(Observation&& observation) override {
    ++rows;
    const Observation gone = std::move(observation);  // the recorder would take it over
    return true;
  }
  bool offer(Gap&&) override { return true; }
  bool offer(std::vector<ShardMark>&&) override { return true; }
  std::uint64_t rows = 0;
};

double thread_cpu_us() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

double rss_mb() {
  std::ifstream in("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  in >> size >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / 1e6;
}

Now at(std::int64_t ms) { return {WallTime{kStartMs + ms}, Instant{(1'000'000 + ms) * 1'000'000}}; }

ScheduledMonitor monitor_of(std::int64_t number, const std::shared_ptr<const KindSettings>& settings) {
  ScheduledMonitor made;
  made.plan.id = MonitorId{(number << 22) + number % 4096};
  made.plan.account = AccountId{1};
  made.plan.url = "http://127." + std::to_string(number / 62'500 % 250) + "." + std::to_string(number / 250 % 250) +
                  "." + std::to_string(number % 250 + 1) + ":8080/m/" + std::to_string(number);
  made.plan.settings = settings;
  made.plan.created_at = made.plan.revised_at = WallTime{kStartMs - 3'600'000};
  made.standing.version = 1;
  made.standing.health = made.standing.booked = State::kUp;
  made.standing.health_since = made.standing.booked_since = made.plan.created_at;
  return made;
}

// Shard by shard, as the coordinator does it. The longest of the loads, in µs.
double load(Roster& roster, std::int64_t monitors, Now now) {
  const auto settings = std::make_shared<const KindSettings>();
  std::vector<std::vector<std::int64_t>> numbers(kShards);
  for (std::int64_t i = 0; i < monitors; ++i) {
    const MonitorId id{(i << 22) + i % 4096};
    numbers[static_cast<std::size_t>(shard_of(id))].push_back(i);
  }
  double longest = 0;
  for (Shard shard = 0; shard < kShards; ++shard) {
    std::vector<ScheduledMonitor> loaded;
    for (const std::int64_t i : numbers[static_cast<std::size_t>(shard)]) loaded.push_back(monitor_of(i, settings));
    const double start = thread_cpu_us();
    roster.take_shard({shard, 1, 1, now.wall - milliseconds(2'000)}, std::move(loaded), now);
    longest = std::max(longest, thread_cpu_us() - start);
  }
  return longest;
}

struct Asked {
  std::int64_t due_ms = 0;
  std::uint64_t token = 0;
};

void checks(std::int64_t monitors) {
  CountingSink sink;
  RosterOptions options;
  options.limits = admission_limits(1'000'000, 100'000, 1);
  Roster roster(options, sink);
  std::printf("load of %lld monitors: the longest shard %.0f us\n", static_cast<long long>(monitors),
              load(roster, monitors, at(0)));
  std::deque<Asked> asked;
  double spent = 0, longest = 0;
  std::uint64_t started = 0, counted_from = 0;
  for (std::int64_t ms = kStepMs; ms <= 180'000; ms += kStepMs) {
    if (ms == 60'000) spent = 0, longest = 0, counted_from = sink.rows;
    const double start = thread_cpu_us();
    while (!asked.empty() && asked.front().due_ms <= ms) {
      Outcome outcome = outcome_of(started % 3'000 == 0 ? Cause::kConnectRefused : Cause::kOk);
      outcome.timings.total_us = kAnswerMs * 1'000;
      roster.on_outcome(asked.front().token, std::move(outcome), at(ms));
      asked.pop_front();
    }
    do {
      const double turn_start = thread_cpu_us();
      const Turn turn = roster.on_time(at(ms));
      longest = std::max(longest, thread_cpu_us() - turn_start);
      for (const LookStart& look : turn.starts) asked.push_back({ms + kAnswerMs, look.token}), ++started;
    } while (roster.ready());
    spent += thread_cpu_us() - start;
  }
  const auto rows = static_cast<double>(sink.rows - counted_from);
  std::printf("checks: %.0f of %lld monitors in 120 s: %.2f us a check; the longest turn %.0f us\n", rows,
              static_cast<long long>(monitors), spent / rows, longest);
}

void memory(std::int64_t monitors) {
  CountingSink sink;
  RosterOptions options;
  options.limits = admission_limits(100'000, 512, 1);
  const double before = rss_mb();
  Roster roster(options, sink);
  const double longest = load(roster, monitors, at(0));
  const double used = rss_mb() - before;
  std::printf("memory: %lld monitors %.0f MB, %.0f bytes each (a record %zu); the longest shard %.0f us\n",
              static_cast<long long>(monitors), used, used * 1e6 / static_cast<double>(monitors), sizeof(Record),
              longest);
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t checks_of = argc > 1 ? std::atoll(argv[1]) : 100'000;
  const std::int64_t memory_of = argc > 2 ? std::atoll(argv[2]) : 1'000'000;
  memory(memory_of);
  checks(checks_of);
  return 0;
}
