// Ids, shards and slots: what is printed and stored for ever.
#include "core/ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <set>

#include "core/schedule.h"

namespace everup {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(Ids, PrintAndParseAreInverse) {
  EXPECT_EQ(base32_of(0), "0000000000000");
  EXPECT_EQ(base32_of(31), "000000000000z");
  EXPECT_EQ(base32_of(32), "0000000000010");
  EXPECT_EQ(base32_of(kMax), "7zzzzzzzzzzzz");
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto value = static_cast<std::int64_t>(random() >> (1 + random() % 62));
    ASSERT_EQ(base32_value(base32_of(value)), value);
  }
  EXPECT_EQ(to_string(MonitorId{1}), "mon_0000000000001");
  EXPECT_EQ(parse_id<MonitorTag>("mon_0000000000001"), MonitorId{1});
  EXPECT_EQ(parse_id<MonitorTag>("mon_7ZZZZZZZZZZZZ"), MonitorId{kMax});
}

TEST(Ids, OthersAreRefused) {
  for (const char* text :
       {"", "mon_", "mon_000000000000", "mon_00000000000001", "mon_8000000000000", "mon_000000000000i",
        "mon_000000000000l", "mon_000000000000o", "mon_000000000000u", "mon_000000000000-", "mon_0000000000000",
        "acc_0000000000001", "Mon_0000000000001", "0000000000001", " mon_0000000000001"}) {
    EXPECT_FALSE(parse_id<MonitorTag>(text)) << text;
  }
}

TEST(Ids, ShardsAreSpreadEvenlyAndNeverChange) {
  EXPECT_EQ(shard_of(MonitorId{1}), 145);
  EXPECT_EQ(shard_of(MonitorId{2}), 151);
  EXPECT_EQ(shard_of(MonitorId{kMax}), 42);
  std::array<int, kShards> counts{};
  for (std::int64_t i = 0; i < 256 * 200; ++i)
    ++counts.at(static_cast<std::size_t>(shard_of(MonitorId{(i << 12) + 7})));
  EXPECT_GT(*std::min_element(counts.begin(), counts.end()), 130);
  EXPECT_LT(*std::max_element(counts.begin(), counts.end()), 280);
}

TEST(Slots, AgreeWithTheirDefinition) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20'000; ++i) {
    const MonitorId id{static_cast<std::int64_t>(random() >> 1)};
    const std::int64_t interval = 1000 * (1 + static_cast<std::int64_t>(random() % 86'400));
    const WallTime t{static_cast<std::int64_t>(random() % 4'000'000'000'000) - 1'000'000'000'000};
    const std::int64_t phase = slot_phase_ms(id, interval);
    ASSERT_GE(phase, 0);
    ASSERT_LT(phase, interval);
    const WallTime before = slot_at_or_before(id, interval, t), after = slot_at_or_after(id, interval, t);
    ASSERT_EQ((before.ms - phase) % interval, 0);
    ASSERT_LE(before, t);
    ASSERT_GT(before.ms + interval, t.ms);
    ASSERT_EQ(after, before == t ? t : before + milliseconds(interval));
    ASSERT_EQ(next_slot(id, interval, t), before + milliseconds(interval));
    const std::int64_t length = static_cast<std::int64_t>(random() % 1'000'000);
    std::int64_t slots = 0;
    for (WallTime s = after; s.ms < t.ms + length; s = next_slot(id, interval, s)) ++slots;
    ASSERT_EQ(slots_in(id, interval, {t, t + milliseconds(length)}), slots);
  }
}

TEST(Slots, NeverOverflowAndNeverChange) {
  EXPECT_EQ(slot_phase_ms({1}, 60'000), 10'507);
  EXPECT_EQ(slot_phase_ms({2}, 60'000), 49'232);
  EXPECT_EQ(next_slot({1}, 60'000, {kMax}).ms, kMax);
  EXPECT_EQ(slot_at_or_after({1}, 86'400'000, {kMax - 5}).ms, kMax);
  EXPECT_GT(slots_in({1}, 1000, {{0}, {kMax}}), 0);
  EXPECT_EQ(slots_in({1}, 1000, {{10}, {10}}), 0);
}

TEST(Slots, MonitorsOfOneShardAreSpreadOverTheInterval) {
  std::array<int, 60> seconds{};
  int found = 0;
  for (std::int64_t i = 1; found < 6'000; ++i) {
    if (shard_of(MonitorId{i}) != 3) continue;
    ++seconds.at(static_cast<std::size_t>(slot_phase_ms(MonitorId{i}, 60'000) / 1000));
    ++found;
  }
  EXPECT_GT(*std::min_element(seconds.begin(), seconds.end()), 50);
}

}  // namespace
}  // namespace everup
