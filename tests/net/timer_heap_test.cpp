#include "net/timer_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace everup::net {
namespace {

TEST(TimerHeapTest, EmptyHasNothing) {
  TimerHeap heap;
  EXPECT_FALSE(heap.next());
  EXPECT_FALSE(heap.pop(Instant{1'000'000}));
  EXPECT_FALSE(heap.cancel(TimerId{}));
  EXPECT_FALSE(heap.cancel(TimerId{12345}));
}

TEST(TimerHeapTest, PopsInOrderAndOnlyWhatIsDue) {
  TimerHeap heap;
  const TimerId late = heap.add(Instant{30}), early = heap.add(Instant{10}), middle = heap.add(Instant{20});
  EXPECT_EQ(heap.next(), Instant{10});
  EXPECT_FALSE(heap.pop(Instant{9}));
  EXPECT_EQ(heap.pop(Instant{20}), early);
  EXPECT_EQ(heap.pop(Instant{20}), middle);
  EXPECT_FALSE(heap.pop(Instant{20}));
  EXPECT_EQ(heap.pop(Instant{30}), late);
  EXPECT_EQ(heap.size(), 0U);
}

TEST(TimerHeapTest, EqualDeadlinesKeepTheirOrder) {
  TimerHeap heap;
  std::vector<TimerId> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back(heap.add(Instant{7}));
  for (const TimerId id : ids) EXPECT_EQ(heap.pop(Instant{7}), id);
}

TEST(TimerHeapTest, AnOldIdIsNeverValidAgain) {
  TimerHeap heap;
  const TimerId first = heap.add(Instant{1});
  EXPECT_TRUE(heap.cancel(first));
  const TimerId second = heap.add(Instant{1});
  EXPECT_EQ(first.slot(), second.slot());
  EXPECT_FALSE(heap.cancel(first));
  EXPECT_FALSE(heap.move(first, Instant{2}));
  EXPECT_TRUE(heap.pending(second));
  EXPECT_EQ(heap.pop(Instant{1}), second);
  EXPECT_FALSE(heap.cancel(second));
  EXPECT_EQ(heap.slots(), 1U);
}

TEST(TimerHeapTest, MoveGoesBothWays) {
  TimerHeap heap;
  const TimerId a = heap.add(Instant{10}), b = heap.add(Instant{20}), c = heap.add(Instant{30});
  EXPECT_TRUE(heap.move(a, Instant{40}));
  EXPECT_TRUE(heap.move(c, Instant{5}));
  EXPECT_EQ(heap.pop(Instant{50}), c);
  EXPECT_EQ(heap.pop(Instant{50}), b);
  EXPECT_EQ(heap.pop(Instant{50}), a);
}

// Against the obvious implementation, a sorted map: 200 000 random steps.
TEST(TimerHeapTest, AgreesWithASortedMap) {
  std::mt19937_64 random(20261122);
  TimerHeap heap;
  std::map<std::pair<std::int64_t, std::uint64_t>, TimerId> model;
  std::map<std::uint64_t, std::pair<std::int64_t, std::uint64_t>> key_of;
  std::uint64_t order = 0;
  const auto insert = [&](TimerId id, std::int64_t when) {
    model[{when, order}] = id;
    key_of[id.value] = {when, order++};
  };
  for (int step = 0; step < 200'000; ++step) {
    const auto when = static_cast<std::int64_t>(random() % 1000);
    const std::uint64_t kind = random() % 10;
    if (kind < 5) {
      insert(heap.add(Instant{when}), when);
    } else if (kind < 8 && !key_of.empty()) {
      auto at = key_of.lower_bound(random());
      if (at == key_of.end()) at = key_of.begin();
      const TimerId id{at->first};
      model.erase(at->second);
      key_of.erase(at);
      if (kind == 7) {
        ASSERT_TRUE(heap.move(id, Instant{when}));
        insert(id, when);
      } else {
        ASSERT_TRUE(heap.cancel(id));
      }
    } else {
      const auto popped = heap.pop(Instant{when});
      const bool due = !model.empty() && model.begin()->first.first <= when;
      ASSERT_EQ(popped.has_value(), due);
      if (!due) continue;
      ASSERT_EQ(*popped, model.begin()->second);
      key_of.erase(popped->value);
      model.erase(model.begin());
    }
    ASSERT_EQ(heap.size(), model.size());
  }
}

TEST(TimerHeapTest, AMillionTimersComeOutSorted) {
  std::mt19937_64 random(1);
  TimerHeap heap;
  heap.reserve(1'000'000);
  for (int i = 0; i < 1'000'000; ++i) heap.add(Instant{static_cast<std::int64_t>(random() % 60'000'000'000)});
  std::int64_t last = -1;
  std::size_t count = 0;
  while (const auto next = heap.next()) {
    ASSERT_GE(next->ns, last);
    last = next->ns;
    ASSERT_TRUE(heap.pop(*next));
    ++count;
  }
  EXPECT_EQ(count, 1'000'000U);
}

}  // namespace
}  // namespace everup::net
