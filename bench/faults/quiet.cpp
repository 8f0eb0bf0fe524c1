// The control: no fault at all. What the other cases count must come out clean here, or their figures mean nothing.

#include <fmt/format.h>

#include "bench/faults/counting_target.h"
#include "bench/faults/house.h"

namespace everup::bench {
namespace {

void quiet(Run& run) {
  CountingTarget target;
  House house(run);
  std::vector<Json> monitors;
  for (int i = 0; i < 200; ++i) monitors.push_back({{"target", target.url(i)}, {"interval_s", 5}});
  house.add(monitors);
  wait_ms(10'000);
  const auto from = wall_ms();
  wait_ms(run.options().brief ? 10'000 : 30'000);
  const auto to = wall_ms() - 2'000;  // what ended by now
  if (!house.settled(to)) throw std::runtime_error("the shards' marks do not move");
  const auto late = lateness(target.arrivals(), house.watched(), from, to);
  const auto slots = house.slots(from, to);
  run.found({"nothing",
             fmt::format("lateness p50 {:.1f}, p99 {:.1f}, max {:.1f} ms", late.p50_ms, late.p99_ms, late.max_ms),
             "p99 <= 100 ms", late.p99_ms <= 100});
  run.found({"nothing",
             fmt::format(
                 "{} slots: {} results, {} missed, {} in gaps, {} missing, {} double; the target saw {} requests",
                 slots.slots, slots.results, slots.missed, slots.in_gaps, slots.missing, slots.doubled, late.requests),
             "a result each, and a request each",
             slots.slots > 0 && slots.results == slots.slots && slots.doubled == 0 && late.requests == late.slots});
  const auto flips = house.flips_down();
  run.found({"nothing", fmt::format("{} flips to down", flips), "0", flips == 0});
}

const Case kQuiet{"quiet", 0, "The control: without a fault every slot is a result, in time, and nothing is down.",
                  quiet};

}  // namespace
}  // namespace everup::bench
