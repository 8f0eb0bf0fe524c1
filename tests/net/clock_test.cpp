#include "net/clock.h"

#include <gtest/gtest.h>

namespace everup::net {
namespace {

std::int64_t mono_ns, utc_ns;
constexpr std::int64_t kSecond = 1'000'000'000;

class ClockTest : public testing::Test {
 protected:
  ClockTest() {
    mono_ns = 100 * kSecond;
    utc_ns = 5'000 * kSecond;
  }
  void pass(std::int64_t ns) { mono_ns += ns, utc_ns += ns; }
  static std::int64_t mono() { return mono_ns; }
  static std::int64_t utc() { return utc_ns; }
};

TEST_F(ClockTest, UtcIsMonotonicPlusOffset) {
  const SystemClock clock(mono, utc);
  pass(1'234'567'890);
  EXPECT_EQ(clock.now().mono, Instant{101'234'567'890});
  EXPECT_EQ(clock.now().wall, WallTime{5'001'234});
  EXPECT_EQ(clock.steps(), 0U);
  EXPECT_FALSE(clock.last_step());
}

TEST_F(ClockTest, AStepIsSeenAtTheNextRereadingAndNotBefore) {
  const SystemClock clock(mono, utc);
  pass(kSecond / 2);
  utc_ns += 3600 * kSecond;
  EXPECT_EQ(clock.now().wall, WallTime{5'000'500});
  pass(kSecond / 2);
  EXPECT_EQ(clock.now().wall, WallTime{8'601'000});
  ASSERT_EQ(clock.steps(), 1U);
  EXPECT_EQ(clock.last_step()->before, WallTime{5'001'000});
  EXPECT_EQ(clock.last_step()->after, WallTime{8'601'000});
  EXPECT_EQ(clock.last_step()->at, Instant{101 * kSecond});
}

TEST_F(ClockTest, AStepBackIsAStep) {
  const SystemClock clock(mono, utc);
  pass(kSecond);
  utc_ns -= 10 * kSecond;
  EXPECT_EQ(clock.now().wall, WallTime{4'991'000});
  EXPECT_EQ(clock.steps(), 1U);
}

TEST_F(ClockTest, SmallCorrectionsAreNoStep) {
  const SystemClock clock(mono, utc);
  pass(kSecond);
  utc_ns += 2 * kSecond;
  EXPECT_EQ(clock.now().wall, WallTime{5'003'000});
  EXPECT_EQ(clock.steps(), 0U);
}

TEST_F(ClockTest, BeforeTheEpochMillisecondsAreFloored) {
  utc_ns = -1;
  const SystemClock clock(mono, utc);
  EXPECT_EQ(clock.now().wall, WallTime{-1});
}

TEST(SystemClockTest, RealClocksAreNearEachOther) {
  const SystemClock a, b;
  const Now first = a.now(), second = b.now();
  EXPECT_LE(first.mono, second.mono);
  EXPECT_GT(first.wall.ms, 1'600'000'000'000);
}

}  // namespace
}  // namespace everup::net
