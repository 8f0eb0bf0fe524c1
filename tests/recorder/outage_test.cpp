// What the recorder owes through outages (RULES A 2–4): every batch exactly once and in order, whatever happens to
// PostgreSQL.
#include <signal.h>

#include <condition_variable>
#include <functional>
#include <mutex>

#include "db/batch_codec.h"
#include "db/spool.h"
#include "tests/recorder/cutting_proxy.h"
#include "tests/recorder/fixture.h"

namespace everup::db {
namespace {

using namespace everup::db::test;  // NOLINT(google-build-using-namespace): the suite's own vocabulary

// A database that is away until let in; waits for attempts, not for time.
class Gate {
 public:
  explicit Gate(Connect inner) : inner_(std::move(inner)) {}
  Connect connect() {
    return [this]() -> Result<std::unique_ptr<Session>> {
      std::unique_lock lock(mutex_);
      ++attempts_;
      tried_.notify_all();
      if (!open_) return Error{ErrorCode::kUnavailable, "gate: closed"};
      lock.unlock();
      return inner_();
    };
  }
  void open(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
  }
  bool wait_for_attempts(int attempts) {
    std::unique_lock lock(mutex_);
    return tried_.wait_for(lock, kPatience, [&] { return attempts_ >= attempts; });
  }

 private:
  Connect inner_;
  std::mutex mutex_;
  std::condition_variable tried_;
  int attempts_ = 0;
  bool open_ = false;
};

// A chain of conclusions of one monitor: up, down, up … each in a batch of its own, each a minute after the last.
Observation link(std::int64_t monitor, std::int32_t n) {
  const std::int64_t at = kNoonMs + n * 60'000;
  const State to = n % 2 == 0 ? State::kUp : State::kDown;
  Observation o = look_of(monitor, at, to == State::kDown ? Verdict::kDown : Verdict::kUp);
  o.conclusion = conclusion_of(n, to, at, n == 0 ? State::kUnknown : to == State::kDown ? State::kUp : State::kDown);
  return o;
}

void expect_chain(const Bed& bed, std::int64_t monitor, int links) {
  const std::string where = " WHERE monitor_id = " + std::to_string(monitor);
  EXPECT_EQ(bed.number("SELECT count(*) FROM results" + where), links);
  EXPECT_EQ(bed.number("SELECT count(*) FROM flips" + where), links);
  EXPECT_EQ(bed.number("SELECT count(*) FROM spans" + where), links);
  EXPECT_EQ(bed.number("SELECT version FROM standings" + where), links);
  EXPECT_EQ(bed.number("SELECT count(*) FROM late_observations" + where), 0);
  bed.expect_sound_ledger();
}

TEST(Outage, WhatWasOfferedMeanwhileIsReplayedInOrder) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  Gate gate(bed.database.connector(Role::kWorker));
  auto options = bed.options();
  options.connect = gate.connect();
  auto recorder = must(Recorder::start(options));
  for (int n = 0; n < 40; ++n) ASSERT_TRUE(recorder->offer(link(7, n)));
  ASSERT_TRUE(gate.wait_for_attempts(3));
  EXPECT_FALSE(recorder->drained(milliseconds(0)));
  EXPECT_EQ(bed.number("SELECT count(*) FROM results"), 0);
  EXPECT_FALSE(recorder->stats().database_ok);
  gate.open(true);
  for (int n = 40; n < 80; ++n) ASSERT_TRUE(recorder->offer(link(7, n)));  // join the tail
  ASSERT_TRUE(recorder->drained(kPatience));
  expect_chain(bed, 7, 80);
  const RecorderStats stats = recorder->stats();
  EXPECT_TRUE(stats.database_ok);
  EXPECT_EQ(stats.spool_bytes, 0U);
  EXPECT_EQ(stats.dropped, 0U);
  EXPECT_EQ(stats.results_written, 80U);
}

TEST(Outage, ACommitInDoubtIsAppliedOnceAHundredTimes) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  const std::string url = bed.database.url();
  const std::string upstream = bed.sql("SHOW unix_socket_directories")[0][0].as<std::string>() + "/.s.PGSQL." +
                               bed.sql("SHOW port")[0][0].as<std::string>();
  CuttingProxy proxy(bed.dir.file(".s.PGSQL.5432"), upstream);
  DatabaseAccess access = bed.database.access();
  pqxx::connection direct(url);
  access.url = "host=" + bed.dir.path() + " port=5432 user=" + direct.username() + " dbname=" + direct.dbname();
  auto options = bed.options();
  options.connect = [access] { return Session::open(access, Role::kWorker, "test"); };
  auto recorder = must(Recorder::start(options));
  constexpr int kRounds = 100;
  for (int n = 0; n < kRounds; ++n) {
    proxy.cut_commits(n == 0 ? 2 : 1);  // the first connection's own preparation is cut, too
    ASSERT_TRUE(recorder->offer(link(7, n)));
    ASSERT_TRUE(recorder->offer(look_of(1000 + n, kNoonMs)));
    ASSERT_TRUE(recorder->drained(kPatience)) << n;
  }
  EXPECT_GE(proxy.cuts(), kRounds);
  expect_chain(bed, 7, kRounds);
  EXPECT_EQ(bed.number("SELECT count(*) FROM results WHERE monitor_id >= 1000"), kRounds);
  EXPECT_GE(recorder->stats().batches["duplicate"], static_cast<std::uint64_t>(kRounds) / 2);
}

TEST(Outage, AFrozenBackendEndsAtTheDeadlineAndNothingIsLost) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  auto options = bed.options();
  options.deadline = milliseconds(1500);
  auto recorder = must(Recorder::start(options));
  ASSERT_TRUE(recorder->offer(link(7, 0)));
  ASSERT_TRUE(recorder->drained(kPatience));
  const auto backend = static_cast<pid_t>(
      bed.number("SELECT pid FROM pg_stat_activity WHERE application_name = 'test' AND datname = current_database()"));
  ASSERT_EQ(kill(backend, SIGSTOP), 0);
  for (int n = 1; n < 20; ++n) ASSERT_TRUE(recorder->offer(link(7, n)));
  const bool went_on = recorder->drained(kPatience);  // by another connection, while the first one is frozen
  ASSERT_EQ(kill(backend, SIGCONT), 0);
  ASSERT_TRUE(went_on);
  expect_chain(bed, 7, 20);
  EXPECT_GE(recorder->stats().batches["spooled"], 1U);
}

TEST(Outage, PostgresStoppedAndStarted) {
  TempDir dir;
  ClusterOptions cluster_options;
  cluster_options.data_dir = dir.file("data");
  cluster_options.user = everup::test::postgres_user();
  cluster_options.durable = false;
  ASSERT_EQ(mkdir(cluster_options.data_dir.c_str(), 0755), 0);
  auto cluster = std::make_unique<PrivateCluster>(must(PrivateCluster::start(cluster_options)));
  const DatabaseAccess access = must(migrate({cluster->url(), "", false}, WallTime{1'000})).access;
  const auto sql = [&](const std::string& text) {
    pqxx::connection connection(cluster->url());
    return pqxx::nontransaction(connection).exec(text);
  };
  NoonClock clock;
  RecorderOptions options;
  options.connect = [access] { return Session::open(access, Role::kWorker, "test"); };
  options.clock = &clock;
  options.node = "node", options.boot = "boot";
  options.spool_directory = dir.file("spool");
  options.batch_wait = milliseconds(5), options.retry_min = milliseconds(5), options.retry_max = milliseconds(50);
  auto recorder = must(Recorder::start(options));
  for (std::int64_t i = 1; i <= 20; ++i) ASSERT_TRUE(recorder->offer(look_of(i, kNoonMs)));
  ASSERT_TRUE(recorder->drained(kPatience));
  ASSERT_TRUE(cluster->stop().ok());
  for (std::int64_t i = 21; i <= 60; ++i) ASSERT_TRUE(recorder->offer(look_of(i, kNoonMs)));
  ASSERT_FALSE(recorder->drained(milliseconds(200)));
  cluster = std::make_unique<PrivateCluster>(must(PrivateCluster::start(cluster_options)));
  ASSERT_TRUE(recorder->drained(kPatience));
  EXPECT_EQ(sql("SELECT count(*) FROM results")[0][0].as<int>(), 60);
  EXPECT_EQ(sql("SELECT count(DISTINCT monitor_id) FROM results")[0][0].as<int>(), 60);
}

TEST(Outage, TheNextBootReplaysAndKnowsTheStandingsOnTheirWay) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  auto options = bed.options();
  options.connect = []() -> Result<std::unique_ptr<Session>> { return Error{ErrorCode::kUnavailable, "away"}; };
  {
    auto recorder = must(Recorder::start(options));
    for (int n = 0; n < 5; ++n) ASSERT_TRUE(recorder->offer(link(7, n)));
    recorder->stop();
  }
  Gate gate(bed.database.connector(Role::kWorker));
  auto second = bed.options("boot2");
  second.connect = gate.connect();
  auto recorder = must(Recorder::start(second));
  const Shard shard = shard_of(MonitorId{7});
  const auto on_their_way = recorder->outstanding(shard);
  ASSERT_EQ(on_their_way.size(), 1U);
  Standing standing;
  EXPECT_FALSE(fold(standing, on_their_way[0], 2)) << "of an epoch before a foreign owner";
  ASSERT_TRUE(fold(standing, on_their_way[0], 1));
  EXPECT_EQ(standing.version, 5);
  EXPECT_EQ(standing.health, State::kUp);
  EXPECT_EQ(standing.booked_since, WallTime{kNoonMs + 4 * 60'000});
  gate.open(true);  // the lease row still says "boot": the former process's batches may conclude under it
  ASSERT_TRUE(recorder->drained(kPatience));
  expect_chain(bed, 7, 5);
  EXPECT_TRUE(recorder->outstanding(shard).empty());
  bed.lease("node", "boot2", 2, 1);
  Observation next = link(7, 5);
  next.epoch = 2;
  ASSERT_TRUE(recorder->offer(std::move(next)));
  ASSERT_TRUE(recorder->drained(kPatience));
  expect_chain(bed, 7, 6);
  EXPECT_EQ(bed.number("SELECT count(*) FROM recorder_streams"), 1) << "the former boot's stream is forgotten";
}

TEST(Outage, ABatchThatIsReplayedTwiceIsAppliedOnce) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  Batch batch;
  batch.closed_at = WallTime{kNoonMs};
  batch.observations.push_back(link(7, 0));
  for (const char* boot : {"boot2", "boot3"}) {  // as after a crash between COMMIT and the removal of the segment
    {
      auto spool = must(Spool::open({bed.dir.file("spool"), "node/boot", 1 << 20, 1 << 20}, nullptr));
      ASSERT_TRUE(spool.append(1, batch.closed_at, encode_batch(batch)).ok());
    }
    bed.sql("INSERT INTO recorder_streams VALUES ('node/boot', 0) ON CONFLICT DO NOTHING");
    if (std::string(boot) == "boot3") bed.sql("UPDATE recorder_streams SET seq = 1 WHERE node = 'node/boot'");
    auto recorder = must(Recorder::start(bed.options(boot)));
    ASSERT_TRUE(recorder->drained(kPatience));
    EXPECT_EQ(recorder->stats().batches["duplicate"], std::string(boot) == "boot3" ? 1U : 0U);
  }
  expect_chain(bed, 7, 1);
}

TEST(Outage, AFullSpoolIsToldAsAGapWhenThereIsRoomAgain) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  Gate gate(bed.database.connector(Role::kWorker));
  auto options = bed.options();
  options.connect = gate.connect();
  options.spool_bytes_max = 4096;
  options.batch_rows_max = 10;
  auto recorder = must(Recorder::start(options));
  int n = 0;
  for (; recorder->stats().dropped == 0 && n < 100'000; ++n)
    ASSERT_TRUE(recorder->offer(look_of(7, kNoonMs + n * 1000)));
  ASSERT_GT(recorder->stats().dropped, 0U);
  Observation lost = link(8, 0);
  ASSERT_TRUE(recorder->offer(std::move(lost)));
  gate.open(true);
  // Whatever was dropped is booked by the next batch that can be stored.
  ASSERT_TRUE(recorder->drained(kPatience));
  ASSERT_TRUE(recorder->offer(look_of(9, kNoonMs)));
  ASSERT_TRUE(recorder->drained(kPatience));
  const auto dropped = static_cast<std::int64_t>(recorder->stats().dropped);
  EXPECT_EQ(bed.number("SELECT count(*) FROM results"), n + 2 - dropped);
  const std::string shard = std::to_string(shard_of(MonitorId{7}));
  EXPECT_GE(bed.number("SELECT count(*) FROM gaps WHERE reason = 6 AND shard = " + shard), 1);
  // Every slot of monitor 7 is a result or lies in the gap.
  EXPECT_EQ(bed.number("SELECT count(*) FROM generate_series(0, " + std::to_string(n - 1) +
                       ") i WHERE NOT EXISTS (SELECT "
                       "1 FROM results WHERE monitor_id = 7 AND slot_at = " +
                       std::to_string(kNoonMs) +
                       " + i * 1000) AND NOT "
                       "EXISTS (SELECT 1 FROM gaps WHERE reason = 6 AND shard = " +
                       shard + " AND from_at <= " + std::to_string(kNoonMs) + " + i * 1000 AND to_at > " +
                       std::to_string(kNoonMs) + " + i * 1000)"),
            0);
}

TEST(Outage, ADroppedConclusionAsksForAResync) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  Gate gate(bed.database.connector(Role::kWorker));
  auto options = bed.options();
  options.connect = gate.connect();
  options.spool_bytes_max = 200;  // not even one batch
  auto recorder = must(Recorder::start(options));
  ASSERT_TRUE(gate.wait_for_attempts(0));
  ASSERT_TRUE(recorder->offer(link(8, 0)));
  ASSERT_TRUE(recorder->drained(kPatience));
  EXPECT_EQ(recorder->stats().dropped, 1U);
  EXPECT_TRUE(recorder->outstanding(shard_of(MonitorId{8})).empty());
  gate.open(true);
  int tries = 0;
  while (recorder->stats().results_written == 0 && ++tries < 10'000) {
    ASSERT_TRUE(recorder->offer(look_of(9, kNoonMs + tries)));
    ASSERT_TRUE(recorder->drained(kPatience));
  }
  EXPECT_EQ(bed.number("SELECT count(*) FROM late_observations WHERE monitor_id = 8 AND resync"), 1);
  EXPECT_EQ(bed.number("SELECT count(*) FROM standings WHERE monitor_id = 8"), 0);
}

}  // namespace
}  // namespace everup::db
