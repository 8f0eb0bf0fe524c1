// Point by point what clocks do to a monitor: steps of an hour and of ten years, both ways; a suspended machine; the
// ends of years, leap days and changes of summer time. Always: no burst (Judge), no false down (Judge), time that was
// not watched is a gap of the clock, and watching goes on.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "tests/spine/world.h"

namespace everup::spine {
namespace {

constexpr std::int64_t kSecondMs = 1'000;
constexpr std::int64_t kTenYearsMs = 3'652 * 24 * kHourMs;
constexpr std::array<std::int32_t, 6> kIntervals{5'000, 10'000, 60'000, 300'000, 3'600'000, 86'400'000};

Plan quiet(std::int64_t start_ms = 1'767'225'600'000) {
  Plan plan;
  plan.start_ms = start_ms;
  plan.faults = Faults{false, false, false, false, false, false, false, false, false, false, false, false};
  return plan;
}

// Monitors of every interval, ten minutes old.
struct Watched {
  explicit Watched(const Plan& plan) : world(plan) {
    for (const std::int32_t interval : kIntervals) {
      for (int i = 0; i < 2; ++i) ids.push_back(world.create(interval, std::min(interval, 10'000), Patience{}));
    }
    world.run_for(10 * kMinuteMs);
  }
  std::size_t looks(MonitorId id) { return world.database().monitors.at(id).rows.size(); }
  // Every shard that is watched has time of at least `ms` in gaps of the clock.
  void expect_clock_gaps(std::int64_t ms) {
    std::map<Shard, std::int64_t> sums;
    for (const Gap& gap : world.database().gaps) {
      if (gap.reason == GapReason::kClock) sums[gap.shard] += gap.span.length().count();
    }
    for (const MonitorId id : ids) EXPECT_GE(sums[shard_of(id)], ms) << "shard " << shard_of(id);
  }
  void expect_nothing_down() {
    const Told told = world.finish();
    EXPECT_EQ(told.violations, "");
    EXPECT_EQ(told.counts.flips_down, 0U);
  }
  // A minute of outage of the first monitor of a minute is told, and its end.
  void expect_outage_is_told() {
    const MonitorId id = ids[4];
    const auto before = world.database().counts;
    world.outage(id, world.real(), world.real() + 5 * kMinuteMs, false);
    world.run_for(15 * kMinuteMs);
    EXPECT_EQ(world.database().counts.flips_down, before.flips_down + 1);
    EXPECT_EQ(world.database().counts.flips_up, before.flips_up + 1);
  }

  World world;
  std::vector<MonitorId> ids;
};

class Step : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(Step, IsNoBurstAndNoOutage) {
  Watched watched(quiet());
  watched.world.step_clock(watched.world.node(0), GetParam());
  watched.world.run_for(20 * kMinuteMs);
  if (GetParam() > 0) watched.expect_clock_gaps(GetParam() - kMinuteMs);
  watched.expect_nothing_down();
}

TEST_P(Step, IsFollowedByWatchingAsEver) {
  Watched watched(quiet());
  watched.world.step_clock(watched.world.node(0), GetParam());
  watched.world.run_for(20 * kMinuteMs);
  watched.expect_outage_is_told();
  EXPECT_EQ(watched.world.finish().violations, "");
}

TEST_P(Step, AndBackAgain) {
  Watched watched(quiet());
  watched.world.step_clock(watched.world.node(0), GetParam());
  watched.world.run_for(10 * kMinuteMs);
  const auto looks = watched.looks(watched.ids[2]);
  watched.world.step_clock(watched.world.node(0), -GetParam());
  watched.world.run_for(20 * kMinuteMs);
  EXPECT_GE(watched.looks(watched.ids[2]), looks + 100) << "every ten seconds, for twenty minutes";
  watched.expect_nothing_down();
}
INSTANTIATE_TEST_SUITE_P(Clock, Step,
                         ::testing::Values(2'100, kMinuteMs, kHourMs, kTenYearsMs, -2'100, -kMinuteMs, -kHourMs,
                                           -kTenYearsMs));

class Still : public ::testing::TestWithParam<std::tuple<std::int64_t, bool>> {};

TEST_P(Still, IsUnknownByTheClock) {
  const auto [ms, suspend] = GetParam();
  Watched watched(quiet());
  watched.world.freeze(watched.world.node(0), ms, suspend);
  watched.world.run_for(ms + 10 * kMinuteMs);
  // Leases of our own that ran out meanwhile are renewed, nobody else took them.
  watched.expect_clock_gaps(ms - kSecondMs);
  watched.expect_nothing_down();
}
INSTANTIATE_TEST_SUITE_P(Clock, Still,
                         ::testing::Combine(::testing::Values(5 * kSecondMs, 5 * kMinuteMs, 2 * kHourMs),
                                            ::testing::Bool()));

// UTC has none of it: not a slot is missed over the end of a year, a leap day, or a change of summer time.
class Calendar : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(Calendar, IsNothingToASlot) {
  Watched watched(quiet(GetParam()));
  watched.world.run_for(14 * kHourMs);
  const Told told = watched.world.finish();
  EXPECT_EQ(told.violations, "");
  EXPECT_EQ(told.counts.missed, 0U);
  EXPECT_EQ(told.counts.flips_down, 0U);
  for (const Gap& gap : watched.world.database().gaps) EXPECT_NE(gap.reason, GapReason::kClock);
}
// Noon before 2028, before 29 February 2028, before Europe's changes of 2026.
INSTANTIATE_TEST_SUITE_P(Clock, Calendar,
                         ::testing::Values(1'830'254'400'000, 1'835'352'000'000, 1'774'699'200'000, 1'792'843'200'000));

}  // namespace
}  // namespace everup::spine
