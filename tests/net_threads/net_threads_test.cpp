// What other threads may do to a loop, a clock and a policy; for the thread sanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "net/address_policy.h"
#include "net/clock.h"
#include "net/loop.h"

namespace everup::net {
namespace {

constexpr int kThreads = 4;
constexpr int kEach = 5'000;

TEST(LoopThreadsTest, EveryPostRunsOnceInItsThreadsOrder) {
  const SystemClock clock;
  Loop loop(clock);
  std::vector<int> next(kThreads, 0);  // touched on the loop's thread only
  int total = 0;
  bool ordered = true;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i) {
        const bool taken = loop.post([&, thread, i] {
          ordered &= next[static_cast<std::size_t>(thread)]++ == i;
          if (++total == kThreads * kEach) loop.stop();
        });
        EXPECT_TRUE(taken);  // the queue holds more than all of them
      }
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(ordered);
  EXPECT_EQ(total, kThreads * kEach);
}

// One post at a time, each answered before the next: a lost wake-up would leave the loop waiting for its idle second, 2
// 000 times.
TEST(LoopThreadsTest, NoWakeUpIsLost) {
  const SystemClock clock;
  Loop loop(clock);
  std::thread runner([&] { loop.run(); });
  std::atomic<int> answered{0};
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_TRUE(loop.post([&] {
      ++answered;
      answered.notify_one();
    }));
    answered.wait(i);
  }
  loop.stop();
  runner.join();
  EXPECT_EQ(answered, 2'000);
}

TEST(LoopThreadsTest, TwoLoopsTalkAndMetricsAreReadMeanwhile) {
  const SystemClock clock;
  Loop left(clock), right(clock);
  int volleys = 0;
  std::function<void()> serve = [&] {
    if (++volleys == 1'000) {
      left.stop();
      right.stop();
      return;
    }
    EXPECT_TRUE(right.post([&] { EXPECT_TRUE(left.post(serve)); }));
  };
  EXPECT_TRUE(left.post(serve));
  std::thread one([&] { left.run(); }), two([&] { right.run(); });
  std::int64_t seen = 0;
  for (int i = 0; i < 1'000; ++i) seen += left.take_longest_turn().count() + right.last_turn().ns + clock.now().wall.ms;
  one.join();
  two.join();
  EXPECT_EQ(volleys, 1'000);
  EXPECT_GT(seen, 0);
}

TEST(LoopThreadsTest, StopFromAnotherThreadEndsARunningLoop) {
  const SystemClock clock;
  for (int i = 0; i < 200; ++i) {
    Loop loop(clock);
    std::thread runner([&] { loop.run(); });
    loop.stop();
    runner.join();
  }
}

TEST(PolicyThreadsTest, JudgesWhileAddressesAreReread) {
  AddressPolicy policy(*AllowList::parse("10.0.0.0/8"));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2'000; ++i) {
        wrong += policy.judge(*Address::parse("127.0.0.1")).allowed;
        wrong += !policy.judge(*Address::parse("10.1.2.3")).allowed;
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(policy.reread_own_addresses().ok());
    policy.protect({*Address::parse("8.8.8.8")});
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace everup::net
