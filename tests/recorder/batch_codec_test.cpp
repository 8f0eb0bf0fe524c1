// The batch codec: what is written is read back, and no sequence of bytes makes the reader crash, hang or allocate
// without bound.
#include "db/batch_codec.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "core/crc32c.h"
#include "tests/recorder/samples.h"

namespace everup::db {
namespace {

using test::kNoonMs;
using test::look_of;
using test::rich_batch;

TEST(Crc32c, KnownAnswers) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);  // RFC 3720 B.4 and every catalogue
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(Crc32c, GoesOnWhereItStopped) {
  const std::string text = "an uptime monitor keeps an honest ledger";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c(text)) << cut;
  }
}

TEST(BatchCodec, EverythingComesBack) {
  const Batch written = rich_batch();
  const auto read = decode_batch(encode_batch(written));
  ASSERT_TRUE(read.ok()) << read.error().what;
  ASSERT_EQ(read->observations.size(), written.observations.size());
  for (std::size_t i = 0; i < written.observations.size(); ++i) {
    const Observation &a = written.observations[i], &b = read->observations[i];
    EXPECT_EQ(a.monitor, b.monitor);
    EXPECT_EQ(a.slot_at, b.slot_at);
    EXPECT_EQ(a.started_at, b.started_at);
    EXPECT_EQ(a.look, b.look);
    EXPECT_EQ(a.revision, b.revision);
    EXPECT_EQ(a.trigger, b.trigger);
    EXPECT_EQ(a.covered, b.covered);
    EXPECT_EQ(a.missed, b.missed);
    EXPECT_EQ(a.verdict, b.verdict);
    EXPECT_EQ(a.cause, b.cause);
    EXPECT_EQ(a.timings, b.timings);
    EXPECT_EQ(a.code, b.code);
    EXPECT_EQ(a.detail, b.detail);
    EXPECT_EQ(a.certificate_not_after, b.certificate_not_after);
    EXPECT_EQ(a.conclusion, b.conclusion);
    EXPECT_EQ(a.command, b.command);
    EXPECT_EQ(a.epoch, b.epoch);
    EXPECT_EQ(a.since_epoch, b.since_epoch);
  }
  ASSERT_EQ(read->evidence.size(), 1U);
  EXPECT_EQ(read->evidence[0].observation, 5U);
  EXPECT_EQ(read->evidence[0].json, written.evidence[0].json);
  ASSERT_EQ(read->gaps.size(), 2U);
  EXPECT_EQ(read->gaps[0].span, written.gaps[0].span);
  EXPECT_EQ(read->gaps[1].monitor, MonitorId{42});
  ASSERT_EQ(read->marks.size(), 1U);
  EXPECT_EQ(read->marks[0].through, written.marks[0].through);
  EXPECT_EQ(read->marks[0].since_epoch, 4);
  ASSERT_EQ(read->resync.size(), 1U);
  EXPECT_EQ(read->resync[0].monitor, MonitorId{99});
  EXPECT_EQ(read->resync[0].oldest, written.resync[0].oldest);
}

TEST(BatchCodec, ExtremesComeBack) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max(),
                         kMin = std::numeric_limits<std::int64_t>::min();
  Batch batch;
  for (const std::int64_t at : {kMax, kMin, std::int64_t{0}, kMax}) {
    Observation o = look_of(at == 0 ? 1 : kMax, 0);
    o.slot_at = WallTime{at};
    o.started_at = WallTime{at == kMin ? kMax : -at};
    o.epoch = kMax, o.since_epoch = at;
    o.timings.total_us = std::numeric_limits<std::int32_t>::max();
    batch.observations.push_back(std::move(o));
  }
  batch.closed_at = WallTime{kMin};
  const auto read = decode_batch(encode_batch(batch));
  ASSERT_TRUE(read.ok()) << read.error().what;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(read->observations[i].slot_at, batch.observations[i].slot_at);
    EXPECT_EQ(read->observations[i].started_at, batch.observations[i].started_at);
    EXPECT_EQ(read->observations[i].since_epoch, batch.observations[i].since_epoch);
  }
}

TEST(BatchCodec, OrdinaryLooksAreSmall) {
  Batch batch;
  batch.closed_at = WallTime{kNoonMs};
  for (std::int64_t i = 0; i < 2000; ++i)
    batch.observations.push_back(look_of(7'500'000'000'000'000 + i * 4096, kNoonMs - i % 1000));
  EXPECT_LT(encode_batch(batch).size(), 2000U * 40);
}

TEST(BatchCodec, EveryPrefixIsRefused) {
  const std::string bytes = encode_batch(rich_batch());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const auto read = decode_batch(std::string_view(bytes).substr(0, length));
    ASSERT_FALSE(read.ok()) << length;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(decode_batch(bytes + "x").ok());
}

TEST(BatchCodec, AnUnknownFormatIsRefusedByName) {
  std::string bytes = encode_batch(rich_batch());
  bytes[0] = 2;
  const auto read = decode_batch(bytes);
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().what.find("format 2"), std::string::npos);
}

TEST(BatchCodec, AnyBytesAreHarmless) {
  const std::string good = encode_batch(rich_batch());
  std::mt19937 random(7);
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    const int edits = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < edits; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    if (const auto read = decode_batch(bytes); !read.ok()) {
      ++refused;
    } else {
      EXPECT_LE(read->observations.size(), bytes.size());
    }
  }
  EXPECT_GT(refused, 5000U);
}

}  // namespace
}  // namespace everup::db
