// What the recorder owes through outages (RULES A 2–4): every batch exactly once and in order, whatever happens to
// PostgreSQL.
#include <poll.h>
#include <signal.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>

#include "db/batch_codec.h"
#include "db/spool.h"
#include "tests/recorder/cutting_proxy.h"
#include "tests/recorder/fixture.h"
#include "tests/support/mounts.h"

namespace everup::db {
namespace {

using namespace everup::db::test;  // NOLINT(google-build-using-namespace): the suite's own vocabulary

bool is_long() { return std::getenv("EVERUP_LONG") != nullptr; }

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

// Asks again until `done` says so; false at the limit.
bool comes_true(const std::function<bool()>& done) {
  for (int tries = 0; tries < 3000; ++tries) {
    if (done()) return true;
    poll(nullptr, 0, 20);
  }
  return false;
}

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

TEST(Outage, ACommitInDoubtIsAppliedOnceEveryTime) {
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
  const int rounds = is_long() ? 1000 : 100;
  for (int n = 0; n < rounds; ++n) {
    proxy.cut_commits(n == 0 ? 2 : 1);  // the first connection's own preparation is cut, too
    ASSERT_TRUE(recorder->offer(link(7, n)));
    ASSERT_TRUE(recorder->offer(look_of(1000 + n, kNoonMs)));
    ASSERT_TRUE(recorder->drained(kPatience)) << n;
  }
  EXPECT_GE(proxy.cuts(), rounds);
  expect_chain(bed, 7, rounds);
  EXPECT_EQ(bed.number("SELECT count(*) FROM results WHERE monitor_id >= 1000"), rounds);
  EXPECT_GE(recorder->stats().batches["duplicate"], static_cast<std::uint64_t>(rounds / 2));
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
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  for (; recorder->stats().dropped == 0 && n < 100'000; ++n) {
    while (!recorder->offer(look_of(7, kNoonMs + n * 1000))) {  // its queue is full while its thread waits for a core
      ASSERT_LT(std::chrono::steady_clock::now(), limit);
      std::this_thread::yield();
    }
  }
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

TEST(Outage, AFullDiskUnderTheSpoolIsToldWholeHoweverLongItLasts) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  everup::test::in_own_mounts([&] {
    const everup::test::SmallDisk disk(bed.dir.file("disk"), 128 * 1024);
    Gate gate(bed.database.connector(Role::kWorker));
    auto options = bed.options();
    options.connect = gate.connect();
    options.spool_directory = disk.path() + "/spool";
    options.batch_rows_max = 50;
    auto recorder = must(Recorder::start(options));
    disk.fill();
    // Far more lost batches than gaps are kept one by one: 300 monitors in all shards, a hundred times.
    constexpr int kMonitorsLost = 300, kRoundsLost = 100;
    for (int n = 0; n < kRoundsLost; ++n) {
      for (int i = 1; i <= kMonitorsLost; ++i) {
        ASSERT_TRUE(comes_true([&] { return recorder->offer(look_of(i, kNoonMs + n * 1000)); }));
      }
    }
    ASSERT_TRUE(recorder->drained(kPatience)) << "what cannot be kept does not wait";
    EXPECT_GT(recorder->stats().dropped, 0U);
    disk.relieve();
    gate.open(true);
    int more = 0;  // the next batch that can be stored tells what was lost
    ASSERT_TRUE(comes_true([&] {
      if (!recorder->offer(look_of(1, kNoonMs + 1'000'000 + more * 1000))) return false;
      ++more;
      return recorder->drained(kPatience) && recorder->stats().results_written > 0;
    }));
    const auto stored = bed.number("SELECT count(*) FROM results");
    EXPECT_EQ(stored + static_cast<std::int64_t>(recorder->stats().dropped), kMonitorsLost * kRoundsLost + more);
    std::int64_t unbooked = 0;
    for (int i = 1; i <= kMonitorsLost; ++i) {
      const std::string id = std::to_string(i), shard = std::to_string(shard_of(MonitorId{i}));
      unbooked += bed.number("SELECT count(*) FROM generate_series(0, " + std::to_string(kRoundsLost - 1) +
                             ") n WHERE NOT EXISTS (SELECT 1 FROM results WHERE monitor_id = " + id +
                             " AND slot_at = " + std::to_string(kNoonMs) +
                             " + n * 1000) AND NOT EXISTS (SELECT 1 FROM gaps WHERE reason = 6 AND shard = " + shard +
                             " AND from_at <= " + std::to_string(kNoonMs) + " + n * 1000 AND to_at > " +
                             std::to_string(kNoonMs) + " + n * 1000)");
    }
    EXPECT_EQ(unbooked, 0);
    EXPECT_LE(bed.number("SELECT count(*) FROM gaps"), 512);
    EXPECT_EQ(bed.number("SELECT count(*) FROM late_observations WHERE resync"), kMonitorsLost)
        << "their state over the loss is recomputed";
  });
}

// What the recorder makes of a spool with three batches of ten results: rows and different keys by SQL.
struct Damage {
  Bed bed;
  std::string directory = bed.dir.file("spool"), segment, bytes;
  int boots = 0;

  Damage() {
    bed.lease("node", "boot", 1, 1);
    auto spool = must(Spool::open({directory, "node/boot", 1 << 20, 1 << 20}, nullptr));
    for (std::int64_t n = 1; n <= 3; ++n) {
      Batch batch;
      batch.closed_at = WallTime{kNoonMs};
      for (std::int64_t i = 0; i < 3; ++i) batch.observations.push_back(look_of(n, kNoonMs + i * 1000));
      if (!spool.append(n, batch.closed_at, encode_batch(batch))) throw std::runtime_error("cannot spool");
    }
    for (const auto& entry : std::filesystem::directory_iterator(directory)) segment = entry.path();
    bytes = everup::test::read_file(segment);
  }
  // Batches stored, each with all of its rows; -1: a row twice or a batch in parts.
  int replay(const std::string& damaged, RecorderStats& stats) {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    std::ofstream(segment, std::ios::binary) << damaged;
    bed.sql("TRUNCATE results, recorder_streams");
    {
      auto recorder = must(Recorder::start(bed.options("boot" + std::to_string(++boots))));
      if (!recorder->drained(kPatience)) return -1;
      stats = recorder->stats();
    }
    const auto rows = bed.sql(
        "SELECT count(*) FILTER (WHERE n = 3), count(*) FILTER (WHERE n <> 3) FROM "
        "(SELECT count(*) AS n FROM results GROUP BY monitor_id) g");
    return rows[0][1].as<int>() == 0 ? rows[0][0].as<int>() : -1;
  }
  bool kept_aside() const {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      if (entry.path().extension() == ".corrupt") return true;
    }
    return false;
  }
};

TEST(Outage, ATruncatedSpoolIsReplayedUpToItsLastWholeRecord) {
  Damage damage;
  const std::size_t step = is_long() ? 1 : 41;
  int whole_before = 0;
  for (std::size_t length = 0; length <= damage.bytes.size(); length += step) {
    RecorderStats stats;
    const int stored = damage.replay(damage.bytes.substr(0, length), stats);
    ASSERT_GE(stored, whole_before) << length;
    ASSERT_LE(stats.batches["torn"] + stats.batches["spool_corrupt"], 1U) << length;
    ASSERT_FALSE(damage.kept_aside()) << length;
    whole_before = stored;
  }
  RecorderStats stats;
  EXPECT_EQ(damage.replay(damage.bytes, stats), 3);
  EXPECT_EQ(damage.replay(damage.bytes.substr(0, damage.bytes.size() - 1), stats), 2);
  EXPECT_EQ(stats.batches["torn"], 1U);
}

TEST(Outage, AFlippedBitInTheSpoolCostsOneBatchAtMost) {
  Damage damage;
  const std::size_t bits = damage.bytes.size() * 8, step = is_long() ? 1 : 211;
  const std::size_t third = (damage.bytes.size() - 23) / 3, last = damage.bytes.size() - third;
  for (std::size_t bit = 0; bit < bits; bit += step) {
    std::string broken = damage.bytes;
    broken[bit / 8] = static_cast<char>(broken[bit / 8] ^ (1 << (bit % 8)));
    RecorderStats stats;
    const int stored = damage.replay(broken, stats);
    const bool in_head = bit / 8 < 23;  // of the segment: no record is touched
    ASSERT_EQ(stored, in_head ? 3 : 2) << bit;
    ASSERT_EQ(stats.batches["torn"] + stats.batches["spool_corrupt"], 1U) << bit;
    if (bit / 8 < last) {
      ASSERT_TRUE(damage.kept_aside()) << bit;
    }
  }
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
