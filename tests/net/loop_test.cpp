#include "net/loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "net/clock.h"
#include "tests/net/manual_clock.h"

namespace everup::net {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kLong{60'000};  // never reached: something happens first

struct Pair {
  Pair() {
    int both[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both), 0);
    ours = Fd(both[0]), theirs = Fd(both[1]);
  }
  void send() const { EXPECT_EQ(::write(theirs.value(), "x", 1), 1); }
  void receive() const {
    char byte = 0;
    EXPECT_EQ(::read(ours.value(), &byte, 1), 1);
  }
  Fd ours, theirs;
};

class LoopTest : public testing::Test {
 protected:
  Instant in(std::chrono::nanoseconds wait) { return clock.now().mono + wait; }
  ManualClock clock;
  Loop loop{clock};
};

TEST_F(LoopTest, ServesAReadableDescriptorUntilItIsRead) {
  Pair pair;
  int calls = 0;
  ASSERT_TRUE(loop.watch(pair.ours.value(), EPOLLIN,
                         [&](std::uint32_t events) {
                           EXPECT_TRUE(events & EPOLLIN);
                           if (++calls == 2) pair.receive();
                         })
                  .ok());
  EXPECT_FALSE(loop.run_once(milliseconds(0)));
  pair.send();
  EXPECT_TRUE(loop.run_once(kLong));
  EXPECT_TRUE(loop.run_once(kLong));  // level-triggered: still unread
  EXPECT_FALSE(loop.run_once(milliseconds(0)));
  EXPECT_EQ(calls, 2);
}

TEST_F(LoopTest, ModifyChangesWhatIsAsked) {
  Pair pair;
  std::vector<std::uint32_t> seen;
  ASSERT_TRUE(loop.watch(pair.ours.value(), EPOLLIN, [&](std::uint32_t events) { seen.push_back(events); }).ok());
  ASSERT_TRUE(loop.modify(pair.ours.value(), EPOLLOUT).ok());
  EXPECT_TRUE(loop.run_once(kLong));
  EXPECT_EQ(seen, std::vector<std::uint32_t>{EPOLLOUT});
}

TEST_F(LoopTest, ErrorsAreNamed) {
  Pair pair;
  const int fd = pair.ours.value();
  ASSERT_TRUE(loop.watch(fd, EPOLLIN, [](std::uint32_t) {}).ok());
  EXPECT_FALSE(loop.watch(fd, EPOLLIN, [](std::uint32_t) {}).ok());
  EXPECT_FALSE(loop.watch(-1, EPOLLIN, [](std::uint32_t) {}).ok());
  const auto missing = loop.modify(fd + 1, EPOLLIN);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  const Fd plain(::open("/dev/shm", O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  EXPECT_FALSE(loop.watch(plain.value(), EPOLLIN, [](std::uint32_t) {}).ok());  // EPERM
  loop.unwatch(fd);
  loop.unwatch(fd);
  EXPECT_FALSE(loop.watched(fd));
}

// forget() asks the kernel nothing: the close ends the watch, and the number may be watched anew at once.
TEST_F(LoopTest, AForgottenDescriptorIsNotServedAndItsNumberIsFree) {
  std::array<Pair, 2> pairs;
  Pair fresh;
  int first = -1, stale = 0, wanted = 0;
  for (std::size_t me = 0; me < 2; ++me) {
    ASSERT_TRUE(loop.watch(pairs[me].ours.value(), EPOLLIN,
                           [&, me](std::uint32_t) {
                             if (first >= 0) {
                               ++stale;
                               return;
                             }
                             first = static_cast<int>(me);
                             const int number = pairs[1 - me].ours.value();
                             loop.forget(number);
                             EXPECT_FALSE(loop.watched(number));
                             ASSERT_EQ(::dup2(fresh.ours.value(), number), number);  // closes it first
                             ASSERT_TRUE(loop.watch(number, EPOLLIN, [&](std::uint32_t) { ++wanted; }).ok());
                             loop.unwatch(pairs[me].ours.value());
                           })
                    .ok());
  }
  pairs[0].send(), pairs[1].send();
  loop.run_once(kLong);
  loop.run_once(milliseconds(0));
  EXPECT_GE(first, 0);
  EXPECT_EQ(stale, 0);
  EXPECT_EQ(wanted, 0);
  fresh.send();
  loop.run_once(kLong);
  EXPECT_EQ(wanted, 1);
}

// Whichever is served first unwatches the other: its event, in the same batch, must not arrive.
TEST_F(LoopTest, UnwatchedInTheSameBatchIsNotServed) {
  Pair a, b;
  int calls = 0;
  const auto either = [&](std::uint32_t) {
    ++calls;
    loop.unwatch(a.ours.value());
    loop.unwatch(b.ours.value());
  };
  ASSERT_TRUE(loop.watch(a.ours.value(), EPOLLIN, either).ok());
  ASSERT_TRUE(loop.watch(b.ours.value(), EPOLLIN, either).ok());
  a.send(), b.send();
  loop.run_once(kLong);
  loop.run_once(milliseconds(0));
  EXPECT_EQ(calls, 1);
}

// The other descriptor is closed and its number given to a fresh socket with nothing to read: the stale event must not
// reach it.
TEST_F(LoopTest, AReusedNumberDoesNotInheritTheOldEvent) {
  std::array<Pair, 2> pairs;
  Pair fresh;
  int first = -1, stale = 0;
  for (int i = 0; i < 2; ++i) {
    const auto me = static_cast<std::size_t>(i);
    ASSERT_TRUE(loop.watch(pairs[me].ours.value(), EPOLLIN,
                           [&, me](std::uint32_t) {
                             if (first >= 0) return;
                             first = static_cast<int>(me);
                             loop.unwatch(pairs[me].ours.value());
                             Pair& other = pairs[1 - me];
                             const int number = other.ours.value();
                             loop.unwatch(number);
                             ASSERT_EQ(::dup2(fresh.ours.value(), number), number);
                             ASSERT_TRUE(loop.watch(number, EPOLLIN, [&](std::uint32_t) { ++stale; }).ok());
                           })
                    .ok());
  }
  pairs[0].send(), pairs[1].send();
  loop.run_once(kLong);
  loop.run_once(milliseconds(0));
  EXPECT_GE(first, 0);
  EXPECT_EQ(stale, 0);
  fresh.send();
  loop.run_once(kLong);
  EXPECT_EQ(stale, 1);
}

TEST_F(LoopTest, ACallbackMayReplaceItselfAndGrowTheTable) {
  Pair pair;
  std::vector<Fd> many;
  std::string said;
  const int fd = pair.ours.value();
  const std::string word = "captured, longer than any small buffer, to be seen by the sanitizer";
  ASSERT_TRUE(loop.watch(fd, EPOLLIN,
                         [&, word](std::uint32_t) {
                           loop.unwatch(fd);
                           for (int i = 0; i < 300; ++i) {
                             many.emplace_back(::dup(pair.theirs.value()));
                             ASSERT_TRUE(loop.watch(many.back().value(), 0, [](std::uint32_t) {}).ok());
                           }
                           ASSERT_TRUE(
                               loop.watch(fd, EPOLLIN, [&](std::uint32_t) { said += "new", pair.receive(); }).ok());
                           said += word + ";";
                         })
                  .ok());
  pair.send();
  loop.run_once(kLong);
  loop.run_once(kLong);
  EXPECT_EQ(said, word + ";new");
  for (const Fd& one : many) loop.unwatch(one.value());
}

TEST_F(LoopTest, ClosedBeforeUnwatchIsNoHarm) {
  Pair pair;
  const int fd = pair.ours.value();
  ASSERT_TRUE(loop.watch(fd, EPOLLIN, [](std::uint32_t) {}).ok());
  pair.ours.reset();
  loop.unwatch(fd);
  Pair other;
  ASSERT_TRUE(loop.watch(other.ours.value(), EPOLLIN, [](std::uint32_t) {}).ok());
}

TEST_F(LoopTest, TimersFireInOrderNeverEarly) {
  std::string said;
  loop.at(in(milliseconds(20)), [&] { said += 'b'; });
  loop.at(in(milliseconds(10)), [&] { said += 'a'; });
  const TimerId never = loop.at(in(milliseconds(15)), [&] { said += '!'; });
  EXPECT_TRUE(loop.cancel(never));
  EXPECT_FALSE(loop.cancel(never));
  clock.advance(milliseconds(10) - std::chrono::nanoseconds(1));
  EXPECT_FALSE(loop.run_once(milliseconds(0)));
  clock.advance(std::chrono::nanoseconds(1));
  EXPECT_TRUE(loop.run_once(milliseconds(0)));
  EXPECT_EQ(said, "a");
  clock.advance(milliseconds(10));
  loop.run_once(milliseconds(0));
  EXPECT_EQ(said, "ab");
  EXPECT_EQ(loop.timers(), 0U);
}

TEST_F(LoopTest, ATimerForNowDoesNotStarveTheTurn) {
  int fired = 0;
  std::function<void()> again = [&] {
    ++fired;
    loop.at(loop.now().mono, again);
  };
  loop.at(loop.now().mono, again);
  for (int turn = 1; turn <= 5; ++turn) {
    loop.run_once(milliseconds(0));
    EXPECT_EQ(fired, turn);
  }
}

TEST_F(LoopTest, ATimerMayCancelAnotherThatIsDue) {
  int fired = 0;
  TimerId second;
  loop.at(in(milliseconds(1)), [&] { fired += loop.cancel(second) ? 1 : 100; });
  second = loop.at(in(milliseconds(1)), [&] { ++fired; });
  clock.advance(milliseconds(5));
  loop.run_once(milliseconds(0));
  loop.run_once(milliseconds(0));
  EXPECT_EQ(fired, 1);
}

TEST_F(LoopTest, NowIsTheSameThroughoutATurn) {
  Pair pair;
  std::set<std::int64_t> seen;
  ASSERT_TRUE(loop.watch(pair.ours.value(), EPOLLIN,
                         [&](std::uint32_t) {
                           seen.insert(loop.now().mono.ns);
                           clock.advance(milliseconds(7));
                         })
                  .ok());
  loop.at(in(milliseconds(0)), [&] { seen.insert(loop.now().mono.ns); });
  pair.send();
  loop.run_once(kLong);
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_EQ(loop.take_longest_turn(), milliseconds(7));
  EXPECT_EQ(loop.take_longest_turn(), milliseconds(0));
  EXPECT_EQ(loop.last_turn(), clock.now().mono);
}

TEST_F(LoopTest, ALongTurnEndsAndWhoWaitedIsFirstInTheNext) {
  Pair heavy, light;
  std::string said;
  const auto watch = [&](const Pair& pair, char letter) {
    ASSERT_TRUE(loop.watch(pair.ours.value(), EPOLLIN,
                           [&, letter](std::uint32_t) {
                             pair.receive();
                             said += letter;
                             clock.advance(2 * Loop::kTurnBudget);
                           })
                    .ok());
    pair.send();
  };
  watch(heavy, 'a');
  watch(light, 'b');
  loop.at(in(milliseconds(0)), [&] { said += 't'; });
  loop.run_once(kLong);
  EXPECT_EQ(said.size(), 2U) << said << ": one descriptor and the timer, then the turn was over";
  loop.run_once(kLong);
  EXPECT_EQ(said.size(), 3U) << said;
  EXPECT_EQ(said[1], 't');
  EXPECT_EQ(loop.take_longest_turn(), 2 * Loop::kTurnBudget);
  EXPECT_FALSE(loop.run_once(milliseconds(0)));
}

TEST_F(LoopTest, ManyHeavyTimersShareTheirTurns) {
  int fired = 0;
  for (int i = 0; i < 100; ++i) {
    loop.at(in(milliseconds(0)), [&] {
      ++fired;
      clock.advance(milliseconds(5));
    });
  }
  loop.run_once(milliseconds(0));
  EXPECT_LT(fired, 20);
  while (loop.run_once(milliseconds(0))) continue;
  EXPECT_EQ(fired, 100);
  EXPECT_LE(loop.take_longest_turn(), milliseconds(50));
}

TEST_F(LoopTest, PostsRunInOrderAndTheQueueHasALimit) {
  Loop small(clock, 3);
  std::string said;
  EXPECT_TRUE(small.post([&] { said += '1'; }));
  EXPECT_TRUE(small.post([&] {
    said += '2';
    EXPECT_TRUE(small.post([&] { said += '4'; }));
  }));
  EXPECT_TRUE(small.post([&] { said += '3'; }));
  EXPECT_FALSE(small.post([&] { said += '!'; }));
  small.run_once(kLong);
  EXPECT_EQ(said, "123");
  small.run_once(kLong);
  EXPECT_EQ(said, "1234");
}

TEST_F(LoopTest, AStopBeforeRunEndsItAfterOneTurn) {
  int ran = 0;
  EXPECT_TRUE(loop.post([&] { ++ran; }));
  loop.stop();
  loop.run();
  EXPECT_EQ(ran, 1);
}

TEST_F(LoopTest, WhatIsPendingAtTheEndIsDroppedNotRun) {
  int ran = 0;
  auto witness = std::make_shared<int>(1);
  {
    Loop mine(clock);
    EXPECT_TRUE(mine.post([&ran, witness] { ++ran; }));
    mine.at(in(milliseconds(0)), [&ran, witness] { ++ran; });
    EXPECT_EQ(witness.use_count(), 3);
  }
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(LoopRealTimeTest, WaitsForATimer) {
  const SystemClock clock;
  Loop loop(clock);
  const Instant due = clock.now().mono + milliseconds(5);
  bool fired = false;
  loop.at(due, [&] {
    fired = true;
    EXPECT_GE(loop.now().mono, due);
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(fired);
}

}  // namespace
}  // namespace everup::net
