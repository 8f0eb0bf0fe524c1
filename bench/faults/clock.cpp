// Clocks: the machine's clock is set forward and back (libfaketime over everup and its PostgreSQL, by a file that both
// read), and the whole process stands still. No burst of looks, no false down, what was not watched is a gap.
//
// Steps that all nodes follow are promised; the monotonic clock is left alone, as a real step leaves it.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>

#include "bench/faults/audit.h"
#include "core/outcome.h"

namespace everup::bench {
namespace {

constexpr int kWatching = 100, kIntervalS = 5;
constexpr std::int64_t kHourS = 3600, kTenYearsS = 10LL * 365 * 86400;

// The seconds by which everup's clock and its PostgreSQL's are off, in a file that both map.
class Clock {
 public:
  Clock() { set(0); }
  void set(std::int64_t offset_s) {
    std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
    if (!file) file.open(path(), std::ios::binary | std::ios::out);
    file.write(reinterpret_cast<const char*>(&offset_s), sizeof offset_s);
    if (!file.flush()) throw std::runtime_error("cannot write " + path());
  }
  std::string path() const { return dir_.path() + "/offset"; }

 private:
  test::TempDir dir_;
};

// The most requests that the target saw in any `window_ms` of [from, to).
std::int64_t busiest(const std::vector<Arrival>& arrivals, std::int64_t from_ms, std::int64_t to_ms,
                     std::int64_t window_ms) {
  std::vector<std::int64_t> at;
  for (const Arrival& arrival : arrivals) {
    if (arrival.at_us >= from_ms * 1000 && arrival.at_us < to_ms * 1000) at.push_back(arrival.at_us / 1000);
  }
  std::sort(at.begin(), at.end());
  std::int64_t most = 0;
  for (std::size_t first = 0, last = 0; last < at.size(); ++last) {
    while (at[last] - at[first] >= window_ms) ++first;
    most = std::max(most, static_cast<std::int64_t>(last - first + 1));
  }
  return most;
}

std::int64_t clock_gaps(const House& house) {
  return house.count(fmt::format("SELECT count(*) FROM gaps WHERE reason = {}", static_cast<int>(GapReason::kClock)));
}

// One look a monitor and interval, and one more to catch up (RULES B 2).
struct Before {
  std::int64_t from_ms = 0, gaps = 0;
  bool skipped = true;  // wall time passed that nobody watched; a clock that is set back skips none
};
void judge(Run& run, House& house, const CountingTarget& target, const std::string& injected, const Before& before) {
  const auto most = busiest(target.arrivals(), before.from_ms, wall_ms(), kIntervalS * 1000);
  run.found({injected, fmt::format("at most {} requests in {} s from {} monitors", most, kIntervalS, kWatching),
             fmt::format("1 … {}", 2 * kWatching), most > 0 && most <= 2 * kWatching});
  const auto downs = house.count("SELECT count(*) FROM results WHERE verdict = 3");
  run.found({injected, fmt::format("{} results and {} flips are down", downs, house.flips_down()), "0, 0",
             downs == 0 && house.flips_down() == 0});
  if (!before.skipped) return;
  const auto gaps = clock_gaps(house) - before.gaps;
  run.found({injected, fmt::format("{} new gaps for the clock", gaps), "at least 1", gaps > 0});
}

void stepped(Run& run) {
  if (std::string(EVERUP_CLOCK_OFFSET).empty()) throw std::runtime_error("clocks are stepped by the bench alone");
  Clock clock;
  CountingTarget target;
  House house(run, {{"LD_PRELOAD", EVERUP_CLOCK_OFFSET}, {"EVERUP_CLOCK_OFFSET_FILE", clock.path()}});
  add_healthy(house, target, kWatching, kIntervalS);
  struct Step {
    const char* words;
    std::int64_t offset_s;
  };
  const Step steps[] = {{"the clock is set an hour forward", kHourS},       {"… and back", 0},
                        {"the clock is set an hour back", -kHourS},         {"… and forward", 0},
                        {"the clock is set ten years back", -kTenYearsS},   {"… and forward", 0},
                        {"the clock is set ten years forward", kTenYearsS}, {"… and back", 0}};
  const std::int64_t stay_ms = run.options().brief ? 12'000 : 40'000;
  std::int64_t offset_s = 0;
  for (const Step& step : steps) {
    const Before before{wall_ms(), clock_gaps(house), step.offset_s > offset_s};
    clock.set(offset_s = step.offset_s);
    wait_ms(stay_ms);
    judge(run, house, target, step.words, before);
  }
}

void suspended(Run& run) {
  CountingTarget target;
  House house(run);
  add_healthy(house, target, kWatching, kIntervalS);
  const auto gaps = clock_gaps(house);
  const std::int64_t still_ms = run.options().brief ? 20'000 : 180'000;
  house.service().child().signal(SIGSTOP);
  wait_ms(still_ms);
  const Before before{wall_ms(), gaps};
  house.service().child().signal(SIGCONT);
  wait_ms(4 * kIntervalS * 1000);
  judge(run, house, target, fmt::format("the process stands still for {} s", still_ms / 1000), before);
  audit_spans(run, house, "the process stood still");
}

const Case kStepped{"clock-stepped", 8, "The machine's clock is set by an hour and by ten years, forward and back.",
                    stepped};
const Case kSuspended{"clock-stopped", 8, "The whole process stands still for minutes.", suspended};

}  // namespace
}  // namespace everup::bench
