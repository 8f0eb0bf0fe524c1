// Hours of small worlds with one thing taken to its extreme; and the published guarantees of detection. The long days
// are in simulation_days_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/scheduler/simulation.h"

namespace everup::scheduler::testing {
namespace {

TEST(Simulation, TheSameSeedTellsTheSameStory) {
  World world;
  world.seed = 7;
  world.hours = 6;
  const Told one = live(world), two = live(world);
  EXPECT_EQ(one.hash, two.hash);
  EXPECT_EQ(one.rows, two.rows);
  world.seed = 8;
  EXPECT_NE(live(world).hash, one.hash);
}

TEST(Simulation, FastMonitors) {
  for (std::uint64_t seed = 100; seed < 102; ++seed) {
    World world;
    world.seed = seed;
    world.hours = 2;
    world.monitors = 6;
    world.intervals_ms = {1'000, 2'000, 5'000, 7'000};
    world.mean_minutes_between_faults = 2;
    world.faults.steps_back = false;  // whose slots a long look covers in time that comes twice, no judge can say
    live(world);
  }
}

// Far more work than places: late, then missed, never down, never lost.
TEST(Simulation, Overload) {
  Told all;
  for (std::uint64_t seed = 200; seed < 202; ++seed) {
    World world;
    world.seed = seed;
    world.hours = 1;
    world.monitors = 200;
    world.intervals_ms = {10'000, 30'000};
    world.limits = {2, 1, 2, 1};
    world.faults.steps_back = false;
    const Told one = live(world);
    all.rows += one.rows;
    all.missed += one.missed;
  }
  EXPECT_GT(all.missed, 100U);
}

struct Detection {
  std::int32_t interval_ms, timeout_ms;
  std::uint8_t failures;
  std::uint16_t retry_s;
};

bool settles_down(const Detection& with, std::int64_t phase_ms, std::int64_t length_ms, bool hang) {
  World world;
  world.seed = 1;
  world.faults.inconclusive = false;
  Simulation simulation(world);
  Patience patience;
  patience.failures = with.failures;
  patience.retry_s = {with.retry_s};
  const MonitorId id = simulation.create(with.interval_ms, with.timeout_ms, patience, "https://one.example/");
  const std::int64_t from = 3LL * with.interval_ms + phase_ms;
  simulation.outage(id, from, from + length_ms, hang);
  simulation.run_for(from + length_ms + 3LL * with.interval_ms + 3LL * with.timeout_ms);
  simulation.finish();
  EXPECT_EQ(told(simulation.database()), "");
  return simulation.database().flips_down == 1;
}

// SHAPES 1, as published: longer than this is always found, whatever its phase, refused or hung.
TEST(Guarantee, LongOutagesAreAlwaysFound) {
  for (const Detection& with : {Detection{60'000, 10'000, 3, 10}, Detection{60'000, 30'000, 3, 10},
                                Detection{30'000, 5'000, 2, 20}, Detection{10'000, 10'000, 3, 10}}) {
    const std::int64_t worst = std::max<std::int64_t>(with.retry_s * 1'000, with.timeout_ms);
    const std::int64_t bound = with.interval_ms + (with.failures - 1) * worst + with.timeout_ms;
    for (std::int64_t phase = 0; phase < with.interval_ms; phase += with.interval_ms / 24 + 1) {
      EXPECT_TRUE(settles_down(with, phase, bound + 1, false)) << with.interval_ms << " at " << phase;
      EXPECT_TRUE(settles_down(with, phase, bound + 1, true)) << with.interval_ms << " at " << phase;
    }
  }
}

TEST(Guarantee, ShortOutagesAreNeverTold) {
  for (const Detection& with :
       {Detection{60'000, 10'000, 3, 10}, Detection{60'000, 10'000, 2, 25}, Detection{300'000, 10'000, 4, 30}}) {
    const std::int64_t bound = (with.failures - 1) * with.retry_s * 1'000LL;
    for (std::int64_t phase = 0; phase < with.interval_ms; phase += with.interval_ms / 48 + 1) {
      EXPECT_FALSE(settles_down(with, phase, bound - 1, false)) << with.interval_ms << " at " << phase;
    }
  }
}

}  // namespace
}  // namespace everup::scheduler::testing
