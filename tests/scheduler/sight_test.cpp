// Whose fault is it: sentinels, shares and waits, at chosen times.
#include "scheduler/sight.h"

#include <gtest/gtest.h>

namespace everup::scheduler {
namespace {

using Word = Sight::Word;

class SightTest : public ::testing::Test {
 protected:
  SightTest() { sight.watching(this, 100); }
  Sight::Failure failure(int monitor, std::uint8_t families = kV4, bool settles = true) const {
    return {MonitorId{monitor},
            families,
            static_cast<std::uint64_t>(monitor),
            now + milliseconds(-1000),
            now,
            settles,
            true};
  }
  Word failed(int monitor, std::uint8_t families = kV4, bool settles = true) {
    return sight.failed(failure(monitor, families, settles), now);
  }
  void pass(std::int64_t ms) { now = now + milliseconds(ms); }
  Sight::Blindness heard(int four, int six = 3) { return sight.heard({{{3, four}, {3, six}}}, now, now); }

  Sight sight;
  WallTime now{1'800'000'000'000};
};

TEST_F(SightTest, WithoutSentinelsEveryFailureIsTheirs) {
  for (int i = 1; i <= 50; ++i) EXPECT_EQ(failed(i), Word::kTheirs);
  EXPECT_EQ(sight.heard({}, now, now).families, 0) << "nobody who could tell";
}

TEST_F(SightTest, AFailureThatWouldSettleWaitsForOneTest) {
  heard(3);
  pass(10'000);
  EXPECT_EQ(failed(1, kV4, false), Word::kTheirs);
  EXPECT_FALSE(sight.asks(now)) << "nothing depends on it yet";
  const auto settling = failure(1);
  EXPECT_EQ(sight.failed(settling, now), Word::kWait);
  EXPECT_TRUE(sight.asks(now));
  pass(100);
  heard(3);
  EXPECT_EQ(sight.failed(settling, now), Word::kTheirs);
}

TEST_F(SightTest, WhereNobodyAsksAWaitEnds) {
  heard(3);
  pass(10'000);
  const auto settling = failure(1);
  EXPECT_EQ(sight.failed(settling, now), Word::kWait);
  pass(Sight::kTestMax.count());
  EXPECT_EQ(sight.failed(settling, now), Word::kTheirs);
}

TEST_F(SightTest, ManyFailuresAndSilentSentinelsAreOursFromTheFirstOn) {
  heard(3);
  pass(10'000);
  const WallTime first = now + milliseconds(-1000);
  const auto settling = failure(1);
  EXPECT_EQ(sight.failed(settling, now), Word::kWait);
  for (int i = 2; i <= 4; ++i) pass(100), failed(i, kV4, false);
  EXPECT_EQ(heard(0).families, 0) << "four are few";
  EXPECT_EQ(sight.failed(settling, now), Word::kWait) << "but more may come";
  failed(5, kV4, false);
  pass(1'000);
  const auto blind = heard(1);
  EXPECT_EQ(blind.families, kV4);
  EXPECT_EQ(blind.from, first);
  EXPECT_EQ(sight.failed(settling, now), Word::kOurs);
  pass(100);
  EXPECT_EQ(failed(6, kV6, true), Word::kWait) << "the other family's sentinels are asked";
  pass(100);
  heard(1);
  EXPECT_EQ(failed(7, kBothFamilies, false), Word::kTheirs) << "of both, where one sees";
  pass(5'000);
  EXPECT_EQ(heard(3).families, 0);
  pass(1'500);
  EXPECT_EQ(failed(8, kV4, false), Word::kTheirs) << "it began after we saw again";
}

TEST_F(SightTest, FewFailuresWithSilentSentinelsAreTheirsInTheEnd) {
  heard(3);
  pass(10'000);
  const auto settling = failure(1);
  heard(0);
  EXPECT_EQ(sight.failed(settling, now), Word::kWait);
  pass(Sight::kWaitMax.count());
  heard(0);
  EXPECT_EQ(sight.failed(settling, now), Word::kTheirs);
}

TEST_F(SightTest, FiveInOneNetworkAreOneOutage) {
  heard(3);
  pass(10'000);
  for (int i = 1; i <= 10; ++i) {
    auto one = failure(i, kV4, false);
    one.network = 7;
    sight.failed(one, now);
  }
  EXPECT_EQ(heard(0).families, 0);
  for (int i = 11; i <= 20; ++i) {
    auto one = failure(i, kV4, false);
    one.network = 7;
    sight.failed(one, now);
  }
  EXPECT_EQ(heard(0).families, kV4) << "a fifth of all that were up";
}

TEST_F(SightTest, WhatWasVindicatedOrIsDownAlreadyDoesNotCount) {
  heard(3);
  pass(10'000);
  for (int i = 1; i <= 9; ++i) failed(i, kV4, false);
  pass(1'000);
  heard(3);
  EXPECT_EQ(heard(0).families, 0) << "they failed while we saw";
  for (int i = 1; i <= 9; ++i) {
    auto one = failure(i);
    one.news = false;
    sight.failed(one, now);
  }
  EXPECT_EQ(heard(0).families, 0);
}

TEST_F(SightTest, NamesThatNobodyCanAskForNeedNoSentinels) {
  for (int i = 1; i <= 20; ++i) failed(i, kNames, false);
  EXPECT_EQ(sight.heard({}, now, now).families, kNames);
  for (int i = 1; i <= 20; ++i) sight.well(MonitorId{i});
  EXPECT_EQ(sight.heard({}, now, now).families, 0);
}

TEST(SightFailures, FamilyAndNetworkAreThoseOfTheAddressesTried) {
  Outcome outcome = outcome_of(Cause::kConnectTimeout);
  EXPECT_EQ(Sight::failure_of(MonitorId{1}, outcome).families, kBothFamilies);
  outcome.evidence = std::make_unique<Evidence>();
  outcome.evidence->addresses_tried = {"[2001:db8:1::7]:443"};
  const auto six = Sight::failure_of(MonitorId{1}, outcome);
  EXPECT_EQ(six.families, kV6);
  outcome.evidence->addresses_tried = {"[2001:db8:1:2::9]:443"};
  EXPECT_EQ(Sight::failure_of(MonitorId{1}, outcome).network, six.network);
  outcome.evidence->addresses_tried = {"192.0.2.7:443"};
  EXPECT_EQ(Sight::failure_of(MonitorId{1}, outcome).families, kV4);
  EXPECT_EQ(Sight::failure_of(MonitorId{1}, outcome_of(Cause::kHttpStatus)).families, 0);
  EXPECT_EQ(Sight::failure_of(MonitorId{1}, outcome_of(Cause::kDnsUnavailable)).families, kNames);
}

}  // namespace
}  // namespace everup::scheduler
