// Promises that need a whole world to be shown, one script each: a hung host (SHAPES 5), evidence (RULES B 13).
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/scheduler/simulation.h"

namespace everup::scheduler::testing {
namespace {

constexpr std::int32_t kIntervalMs = 60'000, kTimeoutMs = 10'000;

class HungHost : public ::testing::TestWithParam<AdmissionLimits> {};

// 300 monitors on a host that hangs for 15 minutes are 300 times down, never unknown, and delay nobody else.
TEST_P(HungHost, IsDownThreeHundredTimesAndDelaysNobody) {
  World world;
  world.limits = GetParam();
  world.faults.inconclusive = false;
  Simulation simulation(world);
  std::vector<MonitorId> hung, others;
  for (int i = 0; i < 300; ++i) {
    hung.push_back(simulation.create(kIntervalMs, kTimeoutMs, Patience{}, "https://hung.example/" + std::to_string(i)));
    simulation.outage(hung.back(), 5 * kMinuteMs, 20 * kMinuteMs, true);
  }
  for (int i = 0; i < 100; ++i) {
    others.push_back(
        simulation.create(kIntervalMs, kTimeoutMs, Patience{}, "https://well" + std::to_string(i) + ".example/"));
  }
  const WallTime all_known = simulation.now().wall + milliseconds(kMinuteMs);
  simulation.run_for(30 * kMinuteMs);
  simulation.finish();
  const Database& database = simulation.database();
  EXPECT_EQ(told(database), "");
  EXPECT_EQ(database.flips_down, 300U);
  EXPECT_EQ(database.missed, 0U);
  for (const MonitorId id : hung) {
    const StoredMonitor& stored = database.monitors.at(id);
    EXPECT_TRUE(stored.gaps.empty());
    EXPECT_EQ(stored.standing.health, State::kUp) << "it answers again";
    for (const SpanEdge& edge : stored.edges) {
      EXPECT_TRUE(edge.state != State::kUnknown || GetParam().address < 300);
    }
    for (const auto& row : stored.rows) {
      EXPECT_NE(row.verdict, Verdict::kInconclusive);
    }
  }
  for (const MonitorId id : others) {
    for (const auto& row : database.monitors.at(id).rows) {
      EXPECT_EQ(row.verdict, Verdict::kUp);
      if (row.look == 0 && row.slot_at >= all_known) {
        EXPECT_LE((row.started_at - row.slot_at).count(), 5);
      }
    }
  }
}
// As it is by default with many and with few descriptors; and with an address limit that is far too small for them:
// then a run may take longer to settle than a suspicion may last, and is unknown until it does.
INSTANTIATE_TEST_SUITE_P(Limits, HungHost,
                         ::testing::Values(admission_limits(20'000, 512, 1), admission_limits(1'000, 512, 1),
                                           admission_limits(20'000, 64, 1)));

int kept(const StoredMonitor& monitor, Verdict verdict, WallTime from, WallTime to) {
  return static_cast<int>(std::count_if(monitor.rows.begin(), monitor.rows.end(), [&](const auto& row) {
    return row.evidence && row.verdict == verdict && from <= row.started_at && row.started_at < to;
  }));
}

TEST(EvidenceKept, OfAMonitorThatIsWellOnceAnHour) {
  World world;
  world.faults.inconclusive = false;
  Simulation simulation(world);
  const MonitorId id = simulation.create(kIntervalMs, kTimeoutMs, Patience{}, "https://one.example/");
  simulation.run_for(10 * kHourMs);
  simulation.finish();
  const StoredMonitor& stored = simulation.database().monitors.at(id);
  const int rows = kept(stored, Verdict::kUp, WallTime{}, simulation.now().wall + milliseconds(1));
  EXPECT_GE(rows, 9);
  EXPECT_LE(rows, 10);
  EXPECT_EQ(simulation.good_evidence_wanted(), rows) << "whatever is not kept costs nothing";
  EXPECT_TRUE(stored.rows.front().evidence) << "the first look tells how it looks when it is well";
}

TEST(EvidenceKept, OfTroubleTheFirstTheSettlingAndOneAnHour) {
  World world;
  world.faults.inconclusive = false;
  Simulation simulation(world);
  const MonitorId id = simulation.create(kIntervalMs, kTimeoutMs, Patience{}, "https://one.example/");
  simulation.run_for(30 * kMinuteMs);
  const WallTime from = simulation.now().wall;
  simulation.outage(id, simulation.real(), simulation.real() + 3 * kHourMs + 30 * kMinuteMs, false);
  simulation.run_for(3 * kHourMs + 30 * kMinuteMs);
  const WallTime to = simulation.now().wall;
  simulation.run_for(10 * kMinuteMs);
  simulation.finish();
  EXPECT_EQ(told(simulation.database()), "");
  const StoredMonitor& stored = simulation.database().monitors.at(id);
  EXPECT_EQ(kept(stored, Verdict::kDown, from, to), 2 + 3);
  const auto down = std::find_if(stored.rows.begin(), stored.rows.end(),
                                 [](const auto& row) { return row.verdict == Verdict::kDown; });
  EXPECT_TRUE(down->evidence) << "the first failing look";
  EXPECT_FALSE((down + 1)->evidence);
  EXPECT_TRUE((down + 2)->evidence) << "the look that settles";
  EXPECT_EQ(kept(stored, Verdict::kUp, to, to + milliseconds(10 * kMinuteMs)), 2) << "the first good one, the settling";
}

// Bulk creation must not bring an evidence of each in the same minute.
TEST(EvidenceKept, OfManyNewOnesSpreadOverTheHour) {
  World world;
  world.faults.inconclusive = false;
  Simulation simulation(world);
  for (int i = 0; i < 2'000; ++i) {
    simulation.create(kIntervalMs, kTimeoutMs, Patience{}, "https://h" + std::to_string(i) + ".example/");
  }
  simulation.run_for(3 * kMinuteMs);
  EXPECT_LE(simulation.good_evidence_wanted(), 3 * 64 + 2'000 * 3 / 60 + 50);
  EXPECT_GE(simulation.good_evidence_wanted(), 64);
  simulation.finish();
  EXPECT_EQ(told(simulation.database()), "");
}

}  // namespace
}  // namespace everup::scheduler::testing
