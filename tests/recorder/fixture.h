// A recorder on a database of its own, with the leases of every shard held by "node/boot".
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/clock.h"
#include "db/recorder.h"
#include "tests/recorder/samples.h"
#include "tests/support/postgres.h"
#include "tests/support/tempdir.h"

namespace everup::db::test {

using everup::test::must;
using everup::test::TempDir;
using everup::test::TestCluster;
using everup::test::TestDatabase;

inline constexpr milliseconds kPatience{60'000};  // how long a test waits for an event that must come

class NoonClock final : public Clock {
 public:
  Now now() const override { return {WallTime{kNoonMs}, Instant{}}; }
};

struct Bed {
  TestDatabase database;
  TempDir dir;
  NoonClock clock;

  Bed() { sql("SELECT ensure_partition(" + std::to_string(kNoonMs) + ")"); }
  pqxx::result sql(const std::string& text) const { return database.sql(text); }
  std::int64_t number(const std::string& text) const {
    const pqxx::result rows = sql(text);
    if (rows.empty()) throw std::runtime_error("no row: " + text);
    return rows[0][0].as<std::int64_t>();
  }
  // Every shard of region 1.
  void lease(const std::string& node, const std::string& boot, std::int64_t epoch, std::int64_t since_epoch) const {
    sql("INSERT INTO leases SELECT 1, s, '" + node + "', '" + boot + "', " + std::to_string(epoch) + ", " +
        std::to_string(since_epoch) +
        ", clock_timestamp() + interval '1 hour' FROM generate_series(0, 255) s ON CONFLICT (region, shard) DO UPDATE "
        "SET node = excluded.node, boot = excluded.boot, epoch = excluded.epoch, since_epoch = excluded.since_epoch");
  }
  RecorderOptions options(const std::string& boot = "boot") const {
    RecorderOptions o;
    o.connect = database.connector(Role::kWorker);
    o.clock = &clock;
    o.node = "node", o.boot = boot;
    o.spool_directory = dir.file("spool");
    o.batch_wait = milliseconds(5);
    o.retry_min = milliseconds(5), o.retry_max = milliseconds(50);
    o.deadline = milliseconds(20'000);
    return o;
  }
  std::unique_ptr<Recorder> recorder() const { return must(Recorder::start(options())); }
  // Rule: spans of one monitor and region never overlap, at most one is open, standing and open span agree.
  void expect_sound_ledger() const {
    EXPECT_EQ(number("SELECT count(*) FROM spans a JOIN spans b ON a.monitor_id = b.monitor_id AND a.region = b.region "
                     "AND a.from_at < b.from_at AND (a.to_at IS NULL OR a.to_at > b.from_at)"),
              0);
    EXPECT_EQ(number("SELECT count(*) FROM standings s LEFT JOIN spans p ON p.monitor_id = s.monitor_id AND "
                     "p.region = s.region AND p.to_at IS NULL WHERE p.state IS DISTINCT FROM s.booked OR p.from_at <> "
                     "s.booked_since"),
              0);
  }
};

inline ShardMark mark_of(Shard shard, std::int64_t through_ms, std::int64_t epoch = 1) {
  return {kLocalRegion, shard, epoch, 1, WallTime{through_ms}};
}

}  // namespace everup::db::test
