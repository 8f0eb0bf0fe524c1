#include "core/chunk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include "core/crc32c.h"
#include "core/histogram.h"
#include "core/outcome.h"
#include "tests/fuzz/chunk_outcome.h"
#include "tests/paths.h"

namespace everup {
namespace {

constexpr WallTime kHour{473'000 * kHourMs};

// Rows as they come back: phases and total in their steps.
std::vector<ChunkRow> stored(std::vector<ChunkRow> rows) {
  std::sort(rows.begin(), rows.end(), [](const ChunkRow& a, const ChunkRow& b) {
    return a.slot_at != b.slot_at ? a.slot_at < b.slot_at : a.look < b.look;
  });
  for (ChunkRow& row : rows) {
    for (std::int32_t& us : row.phase_us) us = stored_latency_us(us);
  }
  return rows;
}

void expect_same(const std::vector<ChunkRow>& rows, const std::string& what) {
  const auto packed = pack_chunk(kHour, rows);
  ASSERT_TRUE(packed.ok()) << what << ": " << packed.error().what;
  const auto back = unpack_chunk(kHour, *packed);
  ASSERT_TRUE(back.ok()) << what << ": " << back.error().what;
  const auto wanted = stored(rows);
  ASSERT_EQ(back->size(), wanted.size()) << what;
  for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_EQ((*back)[i], wanted[i]) << what << ", row " << i;
}

// The data of RULES A 7: log-normal, sigma 10 % on connect and wait, 30 % on dns and transfer.
std::vector<ChunkRow> steady_hour(std::mt19937_64& random, std::int64_t interval_ms, bool tls) {
  const auto about = [&](double middle, double sigma) {
    return static_cast<std::int32_t>(middle * std::exp(std::normal_distribution<double>(0, sigma)(random)));
  };
  std::vector<ChunkRow> rows;
  for (std::int64_t at = 17'000 % interval_ms; at < kHourMs; at += interval_ms) {
    ChunkRow row;
    row.slot_at = kHour + milliseconds(at);
    row.start_ms = static_cast<std::int32_t>(random() % 16);
    row.phase_us = {about(2'000, 0.3),  about(11'000, 0.1), tls ? about(23'000, 0.1) : -1,
                    about(48'000, 0.1), about(900, 0.3),    0};
    for (std::size_t p = 0; p < 5; ++p) row.phase_us[5] += std::max(0, row.phase_us[p]);
    row.phase_us[5] += static_cast<std::int32_t>(random() % 60);
    row.verdict = 1, row.trigger = 1, row.code = 200;
    rows.push_back(row);
  }
  return rows;
}

// Anything that the table could hold, from tame to wild.
std::vector<ChunkRow> random_hour(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(random() % n); };
  const int wildness = static_cast<int>(below(4));
  std::vector<ChunkRow> rows =
      steady_hour(random, std::array{1'000, 10'000, 60'000, 3'600'000}[random() % 4], wildness > 1);
  std::set<std::pair<std::int64_t, std::int32_t>> keys;
  for (ChunkRow& row : rows) {
    keys.emplace(row.slot_at.ms, row.look);
    if (wildness == 0 || below(10) > 2 * wildness) continue;
    row.verdict = static_cast<std::int16_t>(below(5)), row.cause = static_cast<std::int16_t>(below(90));
    row.phase = static_cast<std::int16_t>(below(8)), row.trigger = static_cast<std::int16_t>(1 + below(4));
    row.detail =
        below(3) == 0 ? "" : std::string(static_cast<std::size_t>(1 + below(200)), static_cast<char>(below(256)));
    for (std::int32_t& us : row.phase_us) {
      if (below(2) == 0) us = below(3) == 0 ? -1 : static_cast<std::int32_t>(random() & 0x7fffffff) >> below(31);
    }
    if (wildness < 3) continue;
    row.start_ms = static_cast<std::int32_t>(random()), row.code = static_cast<std::int32_t>(random());
    row.covered = static_cast<std::int32_t>(random() & 0x7fffffff);
    row.revision = static_cast<std::int32_t>(random() & 0x7fffffff);
  }
  for (std::int64_t more = wildness * below(30); more > 0; --more) {  // re-checks and checks by hand
    ChunkRow row = rows[static_cast<std::size_t>(below(rows.size()))];
    row.look = static_cast<std::int32_t>(below(2) == 0 ? 1 + below(9) : below(0x7fffffff));
    if (below(2) == 0) row.slot_at = kHour + milliseconds(below(kHourMs));
    if (keys.emplace(row.slot_at.ms, row.look).second) rows.push_back(row);
  }
  std::shuffle(rows.begin(), rows.end(), random);
  return rows;
}

TEST(LatencySteps, AreWithinOneInOneHundredAndTwentyEightAndNeverFall) {
  EXPECT_EQ(stored_latency_us(-1), -1);
  for (std::int32_t us = 0; us <= 128; ++us) EXPECT_EQ(stored_latency_us(us), us);
  std::int32_t before = 0;
  for (double value = 129; value < 2147483647.0; value *= 1.0007) {
    const auto us = static_cast<std::int32_t>(value);
    const std::int32_t back = stored_latency_us(us);
    EXPECT_LE(std::abs(static_cast<double>(back) - us) * 128, us) << us;
    EXPECT_GE(back, before) << us;
    EXPECT_EQ(stored_latency_us(back), back) << "a stored value is stored as itself";
    before = back;
  }
}

TEST(Chunk, WhatWasSeenComesBack) {
  const int hours = std::getenv("EVERUP_LONG") != nullptr ? 20'000 : 250;
  for (int seed = 0; seed < hours && !::testing::Test::HasFatalFailure(); ++seed) {
    std::mt19937_64 random(static_cast<std::uint64_t>(seed));
    expect_same(random_hour(random), "seed " + std::to_string(seed));
  }
}

TEST(Chunk, TheEndsOfEveryColumnComeBack) {
  ChunkRow low, high;
  low.slot_at = kHour, high.slot_at = kHour + milliseconds(kHourMs - 1);
  low.start_ms = low.code = std::numeric_limits<std::int32_t>::min();
  low.phase_us = {0, 0, 0, 0, 0, 0};
  low.revision = low.covered = 0;
  low.cause = low.phase = std::numeric_limits<std::int16_t>::min();
  high.look = high.start_ms = high.revision = high.covered = high.code = std::numeric_limits<std::int32_t>::max();
  high.phase_us.fill(std::numeric_limits<std::int32_t>::max());
  high.verdict = high.cause = high.phase = high.trigger = std::numeric_limits<std::int16_t>::max();
  high.detail = std::string(kChunkDetailMax, '\xff');
  expect_same({low}, "low");
  expect_same({high}, "high");
  expect_same({high, low}, "both");
  std::vector<ChunkRow> many(kChunkRowsMax, high);
  for (std::size_t i = 0; i < many.size(); ++i) many[i].look = static_cast<std::int32_t>(i);
  expect_same(many, "as many as may be");
}

TEST(Chunk, ASteadyHourCostsFewBytes) {
  std::mt19937_64 random(1);
  std::size_t bytes = 0, rows = 0;
  for (int i = 0; i < 1'000; ++i) {
    const auto hour = steady_hour(random, 60'000, i % 2 == 0);
    bytes += pack_chunk(kHour, hour)->size();
    rows += hour.size();
  }
  EXPECT_LE(bytes * 10, rows * 60) << "6 bytes a check; a row of the table around it takes the rest of 8";
}

TEST(Chunk, WhatCannotBeStoredIsRefused) {
  ChunkRow row;
  row.slot_at = kHour;
  const auto refused = [](const std::vector<ChunkRow>& rows, WallTime hour = kHour) {
    const auto packed = pack_chunk(hour, rows);
    ASSERT_FALSE(packed.ok());
    EXPECT_EQ(packed.error().code, ErrorCode::kInvalid) << packed.error().what;
  };
  refused({});
  refused({row, row});
  refused({row}, kHour + milliseconds(1));
  refused({row}, kHour + milliseconds(kHourMs));
  refused(std::vector<ChunkRow>(kChunkRowsMax + 1, row));
  for (const auto change : {+[](ChunkRow& r) { r.look = -1; }, +[](ChunkRow& r) { r.phase_us[2] = -2; },
                            +[](ChunkRow& r) { r.covered = -1; }, +[](ChunkRow& r) { r.revision = -1; },
                            +[](ChunkRow& r) { r.verdict = -1; }, +[](ChunkRow& r) { r.trigger = -1; },
                            +[](ChunkRow& r) { r.slot_at = kHour + milliseconds(-1); },
                            +[](ChunkRow& r) { r.detail = std::string(kChunkDetailMax + 1, 'x'); }}) {
    ChunkRow changed = row;
    change(changed);
    refused({changed});
  }
}

TEST(Chunk, EveryChangedByteAndEveryCutIsSeen) {
  std::mt19937_64 random(7);
  auto rows = random_hour(random);
  const std::string packed = *pack_chunk(kHour, rows);
  for (std::size_t at = 0; at < packed.size(); ++at) {
    std::string changed = packed;
    changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
    EXPECT_EQ(unpack_chunk(kHour, changed).error().code, ErrorCode::kCorrupt) << at;
    EXPECT_EQ(unpack_chunk(kHour, packed.substr(0, at)).error().code, ErrorCode::kCorrupt) << at;
  }
}

// As the fuzzer does it: behind a checksum that is right, anything may stand.
TEST(Chunk, RubbishBehindARightChecksumDoesNoHarm) {
  std::mt19937_64 random(11);
  int read = 0;
  for (int i = 0; i < 5'000; ++i) {
    std::string body = *pack_chunk(kHour, steady_hour(random, 600'000, false));
    body.resize(body.size() - 4);
    for (auto changes = 1 + random() % 4; changes > 0; --changes)
      body[random() % body.size()] = static_cast<char>(random());
    if (random() % 8 == 0) body.resize(random() % body.size());
    read += fuzz::chunk_outcome(body) ? 1 : 0;
  }
  EXPECT_GT(read, 0) << "some changes only change what was seen";
}

TEST(Chunk, TheFuzzersCorpusIsReplayed) {
  int good = 0, bad = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(EVERUP_SOURCE_DIR) + "/tests/fuzz/chunk_corpus")) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string body((std::istreambuf_iterator<char>(in)), {});
    ++(fuzz::chunk_outcome(body) ? good : bad);
  }
  EXPECT_GE(good, 4);
  EXPECT_GE(bad, 2);
}

}  // namespace
}  // namespace everup
