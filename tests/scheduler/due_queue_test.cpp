// The heap against a plain sorted set, and the order of equal instants.
#include "scheduler/due_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace everup::scheduler {
namespace {

TEST(DueQueue, EmptyHasNoNext) {
  DueQueue queue;
  EXPECT_FALSE(queue.next());
  queue.remove(7);
  EXPECT_EQ(queue.size(), 0U);
}

TEST(DueQueue, EqualInstantsComeByIndex) {
  DueQueue queue;
  for (const std::uint32_t monitor : {3U, 1U, 2U}) queue.set(monitor, WallTime{5});
  for (const std::uint32_t monitor : {1U, 2U, 3U}) {
    EXPECT_EQ(queue.next()->monitor, monitor);
    queue.remove(monitor);
  }
}

TEST(DueQueue, AgreesWithASortedSet) {
  std::mt19937 random(1);
  DueQueue queue;
  std::set<std::pair<std::int64_t, std::uint32_t>> model;
  std::map<std::uint32_t, std::int64_t> keys;
  for (int step = 0; step < 50'000; ++step) {
    const auto monitor = static_cast<std::uint32_t>(random() % 300);
    if (const auto had = keys.find(monitor); had != keys.end()) {
      model.erase({had->second, monitor});
      keys.erase(had);
    }
    if (random() % 3 == 0) {
      queue.remove(monitor);
    } else {
      const auto at = static_cast<std::int64_t>(random() % 1000);
      queue.set(monitor, WallTime{at});
      model.insert({at, monitor});
      keys[monitor] = at;
    }
    ASSERT_EQ(queue.size(), model.size());
    if (model.empty()) continue;
    ASSERT_EQ(queue.next()->at.ms, model.begin()->first);
    ASSERT_EQ(queue.next()->monitor, model.begin()->second);
    ASSERT_EQ(queue.when(monitor).has_value(), keys.contains(monitor));
  }
}

}  // namespace
}  // namespace everup::scheduler
