// What the scheduler reads: leases between nodes, monitors of a shard, changes without loss, commands once.
#include "db/monitor_source.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/recorder/fixture.h"

namespace everup::db {
namespace {

using namespace everup::db::test;  // NOLINT(google-build-using-namespace): the suite's own vocabulary

struct SourceBed : Bed {
  SourceBed() { sql("INSERT INTO accounts VALUES (1, 'a', 'UTC', 1)"); }
  std::unique_ptr<MonitorSource> source(const std::string& node = "node", const std::string& boot = "boot") const {
    MonitorSourceOptions options;
    options.connect = database.connector(Role::kWorker);
    options.clock = &clock;
    options.node = node, options.boot = boot;
    options.deadline = milliseconds(20'000);
    return make_monitor_source(options);
  }
  static std::string insert(std::int64_t id, const std::string& expect = "{}") {
    const std::string n = std::to_string(id);
    return "INSERT INTO monitors (id, account_id, slug, name, target, kind, interval_s, timeout_ms, confirm, expect, "
           "badge_token, report_token, shard, created_at, updated_at, revised_at) VALUES (" +
           n + ", 1, 'm" + n +
           "', 'm', "
           "'https://example.com/" +
           n + "', 2, 60, 10000, '{\"failures\":3,\"successes\":2,\"retry_s\":10}', '" + expect + "', 'b" + n +
           "', 'r" + n + "', " + std::to_string(shard_of(MonitorId{id})) + ", 1, 1, 1)";
  }
};

std::size_t held(MonitorSource& source) { return must(source.hold_shards()).size(); }

TEST(Leases, OneNodeTakesAllAndKeepsItsEpochs) {
  SourceBed bed;
  const auto source = bed.source();
  const auto first = must(source->hold_shards());
  ASSERT_EQ(first.size(), static_cast<std::size_t>(kShards));
  const auto again = must(source->hold_shards());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].shard, static_cast<Shard>(i));
    EXPECT_EQ(again[i].epoch, first[i].epoch) << "renewing is not taking";
  }
}

TEST(Leases, TheNextBootOfTheNodeNeedNotWaitAndKeepsSinceEpoch) {
  SourceBed bed;
  const auto before = must(bed.source()->hold_shards())[5];
  bed.sql("INSERT INTO shard_marks VALUES (1, 5, 777)");
  const auto after = must(bed.source("node", "boot2")->hold_shards())[5];
  EXPECT_EQ(after.epoch, before.epoch + 1);
  EXPECT_EQ(after.since_epoch, before.since_epoch);
  EXPECT_EQ(after.observed_through, WallTime{777});
}

TEST(Leases, AnotherNodeTakesOnlyWhatExpiredAndBeginsANewEra) {
  SourceBed bed;
  const auto mine = bed.source(), other = bed.source("other", "o");
  ASSERT_EQ(held(*mine), 256U);
  EXPECT_EQ(held(*other), 0U);
  bed.sql("UPDATE leases SET expires_at = clock_timestamp() - interval '1 second' WHERE shard < 10");
  const auto taken = must(other->hold_shards());
  ASSERT_EQ(taken.size(), 10U);
  EXPECT_EQ(taken[0].epoch, 2);
  EXPECT_EQ(taken[0].since_epoch, 2);
  EXPECT_EQ(held(*mine), 246U);
  ASSERT_TRUE(other->release_shards().ok());
  const auto back = must(mine->hold_shards());
  ASSERT_EQ(back.size(), 256U);
  EXPECT_EQ(back[0].epoch, 3);
  EXPECT_EQ(back[0].since_epoch, 3) << "somebody else was there in between";
  ASSERT_TRUE(mine->release_shards().ok());
  EXPECT_EQ(held(*other), 256U) << "released: free at once";
}

TEST(Leases, AFrozenTransactionDoesNotStopTheOthersRenewal) {
  SourceBed bed;
  const auto source = bed.source();
  ASSERT_EQ(held(*source), 256U);
  bed.sql("UPDATE leases SET expires_at = clock_timestamp() + interval '5 minutes'");
  pqxx::connection frozen(bed.database.url());
  pqxx::work hanging(frozen);
  hanging.exec("SELECT 1 FROM leases WHERE shard = 3 FOR SHARE");
  EXPECT_EQ(held(*source), 256U) << "the locked one has time left";
  EXPECT_EQ(bed.number("SELECT count(*) FROM leases WHERE expires_at > clock_timestamp() + interval '1 minute'"), 1);
}

TEST(Source, LoadsPlansAndStandingsWithSharedSettings) {
  SourceBed bed;
  const auto source = bed.source();
  ASSERT_EQ(held(*source), 256U);
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 1; ids.size() < 4; ++id) {
    if (shard_of(MonitorId{id}) == 9) ids.push_back(id);
  }
  bed.sql(SourceBed::insert(ids[0]));
  bed.sql(SourceBed::insert(ids[1], R"({"status":"404"})"));
  bed.sql(SourceBed::insert(ids[2], R"({"status":"404"})"));
  bed.sql(SourceBed::insert(ids[3]));
  bed.sql("UPDATE monitors SET deleted_at = 5 WHERE id = " + std::to_string(ids[3]));
  bed.sql("INSERT INTO standings VALUES (" + std::to_string(ids[1]) + ", 1, 4, 3, 3, 10, 11, 12)");
  std::vector<ScheduledMonitor> loaded;
  ASSERT_TRUE(source->load(9, [&](ScheduledMonitor&& m) { loaded.push_back(std::move(m)); }).ok());
  ASSERT_EQ(loaded.size(), 3U);
  EXPECT_EQ(loaded[0].plan.url, "https://example.com/" + std::to_string(ids[0]));
  EXPECT_EQ(loaded[0].plan.kind, Kind::kHttps);
  EXPECT_EQ(loaded[0].plan.interval_ms, 60'000);
  EXPECT_EQ(loaded[0].plan.confirm, Patience{});
  EXPECT_EQ(loaded[0].plan.settings, nullptr) << "all defaults";
  EXPECT_EQ(loaded[0].standing.version, 0);
  ASSERT_NE(loaded[1].plan.settings, nullptr);
  EXPECT_EQ(std::get<HttpSettings>(*loaded[1].plan.settings).expect.status, "404");
  EXPECT_EQ(loaded[1].plan.settings, loaded[2].plan.settings) << "equal settings are one object";
  EXPECT_EQ(loaded[1].standing.version, 4);
  EXPECT_EQ(loaded[1].standing.health, State::kDown);
  EXPECT_EQ(loaded[1].standing.pending_since, WallTime{12});
}

TEST(Source, ChangesComeOnceAlsoWhenTheyCommitLate) {
  SourceBed bed;
  bed.sql(SourceBed::insert(1));
  const auto source = bed.source();
  ASSERT_EQ(held(*source), 256U);
  EXPECT_TRUE(must(source->changes(milliseconds(0))).empty()) << "what was before is for load()";
  pqxx::connection slow(bed.database.url());
  pqxx::work late(slow);
  late.exec(SourceBed::insert(2));  // has an older transaction id and an older row id than the next one
  bed.sql(SourceBed::insert(3));
  std::multiset<std::int64_t> seen;
  const auto collect = [&](milliseconds wait) {
    for (const MonitorChange& change : must(source->changes(wait))) seen.insert(change.id.value);
  };
  collect(milliseconds(100));
  EXPECT_EQ(seen.count(2), 0U);
  late.commit();
  for (int i = 0; i < 100 && seen.size() < 2; ++i) collect(milliseconds(1000));
  EXPECT_EQ(seen, (std::multiset<std::int64_t>{2, 3}));
  bed.sql("UPDATE monitors SET paused = true, revision = 2 WHERE id = 1");
  bed.sql("UPDATE monitors SET deleted_at = 5 WHERE id = 3");
  std::map<std::int64_t, std::optional<bool>> paused;
  for (int i = 0; i < 100 && paused.size() < 2; ++i) {
    for (const MonitorChange& change : must(source->changes(milliseconds(1000)))) {
      paused[change.id.value] = change.monitor ? std::optional(change.monitor->plan.paused) : std::nullopt;
    }
  }
  EXPECT_EQ(paused[1], true);
  EXPECT_EQ(paused[3], std::nullopt) << "deleted";
}

TEST(Source, ALostConnectionLosesNoChange) {
  SourceBed bed;
  const auto source = bed.source();
  ASSERT_EQ(held(*source), 256U);
  bed.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test' AND datname = "
      "current_database()");
  bed.sql(SourceBed::insert(1));
  std::size_t failed = 0, seen = 0;
  for (int i = 0; i < 100 && seen == 0; ++i) {
    const auto changes = source->changes(milliseconds(100));
    changes ? seen += changes->size() : ++failed;
  }
  EXPECT_EQ(seen, 1U);
  EXPECT_GE(failed, 1U);
}

TEST(Source, ManyChangesComeInParts) {
  SourceBed bed;
  MonitorSourceOptions options;
  options.connect = bed.database.connector(Role::kWorker);
  options.clock = &bed.clock;
  options.node = "node", options.boot = "boot";
  options.changes_max = 7;
  const auto source = make_monitor_source(options);
  ASSERT_EQ(held(*source), 256U);
  std::string all;
  for (std::int64_t id = 1; id <= 40; ++id) all += SourceBed::insert(id) + ";";
  bed.sql(all);
  std::set<std::int64_t> seen;
  for (int i = 0; i < 100 && seen.size() < 40; ++i) {
    const auto changes = must(source->changes(milliseconds(1000)));
    EXPECT_LE(changes.size(), 7U);
    for (const MonitorChange& change : changes) EXPECT_TRUE(seen.insert(change.id.value).second);
  }
  EXPECT_EQ(seen.size(), 40U);
}

TEST(Source, StandingsOnTheirWayAreFoldedIn) {
  SourceBed bed;
  bed.sql(SourceBed::insert(7));
  MonitorSourceOptions options;
  options.connect = bed.database.connector(Role::kWorker);
  options.clock = &bed.clock;
  options.node = "node", options.boot = "boot";
  options.outstanding = [](Shard shard) {
    std::vector<OutstandingStanding> on_their_way;
    if (shard != shard_of(MonitorId{7})) return on_their_way;
    OutstandingStanding one;
    one.monitor = MonitorId{7}, one.epoch = 1;
    one.standing.version = 3, one.standing.health = State::kDown;
    on_their_way.push_back(one);
    return on_their_way;
  };
  const auto source = make_monitor_source(options);
  ASSERT_EQ(held(*source), 256U);
  Standing standing;
  ASSERT_TRUE(source->load(shard_of(MonitorId{7}), [&](ScheduledMonitor&& m) { standing = m.standing; }).ok());
  EXPECT_EQ(standing.version, 3);
  EXPECT_EQ(standing.health, State::kDown);
}

TEST(Source, CommandsAreTakenOnceAndOnlyOurs) {
  SourceBed bed;
  const auto source = bed.source(), other = bed.source("other", "o");
  bed.lease("other", "o", 1, 1);
  bed.sql("UPDATE leases SET node = 'node', boot = 'boot' WHERE shard = " + std::to_string(shard_of(MonitorId{7})));
  ASSERT_EQ(held(*source), 1U);
  ASSERT_EQ(held(*other), 255U);
  std::int64_t foreign = 8;
  while (shard_of(MonitorId{foreign}) == shard_of(MonitorId{7})) ++foreign;
  const std::string now = std::to_string(kNoonMs);
  bed.sql("INSERT INTO commands VALUES (7, 1, 'check', " + now + "), (" + std::to_string(foreign) + ", 2, 'check', " +
          now + "), (7, 3, 'check', 5)");
  const auto mine = must(source->commands());
  ASSERT_EQ(mine.size(), 1U) << "one is another node's, one is too old to answer";
  EXPECT_EQ(mine[0].command, CommandId{1});
  EXPECT_EQ(mine[0].monitor, MonitorId{7});
  EXPECT_TRUE(must(source->commands()).empty());
  EXPECT_EQ(must(other->commands()).size(), 1U);
}

TEST(Source, AnAwayDatabaseIsUnavailable) {
  MonitorSourceOptions options;
  NoonClock clock;
  options.clock = &clock;
  options.connect = []() -> Result<std::unique_ptr<Session>> { return Error{ErrorCode::kUnavailable, "away"}; };
  const auto source = make_monitor_source(options);
  EXPECT_EQ(source->hold_shards().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(source->changes(milliseconds(0)).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(source->commands().error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(source->load(1, [](ScheduledMonitor&&) {}).ok());
}

}  // namespace
}  // namespace everup::db
