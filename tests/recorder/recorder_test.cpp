// The recorder on a real PostgreSQL: what is offered is stored once, conclusions are fenced and set-based, bad rows
// stand alone.
#include "db/recorder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/recorder/fixture.h"

namespace everup::db {
namespace {

using namespace everup::db::test;  // NOLINT(google-build-using-namespace): the suite's own vocabulary

Observation concluding(std::int64_t monitor, std::int64_t slot_ms, std::int32_t before, State to,
                       State from = State::kUnknown) {
  Observation o = look_of(monitor, slot_ms, to == State::kDown ? Verdict::kDown : Verdict::kUp);
  o.conclusion = conclusion_of(before, to, slot_ms, from);
  return o;
}

TEST(Recorder, StoresEveryColumn) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  bed.sql("INSERT INTO commands VALUES (77, 5, 'check', 1)");
  auto recorder = bed.recorder();
  Observation o = look_of(77, kNoonMs, Verdict::kDown, 101);
  o.revision = 4, o.covered = 3, o.trigger = Trigger::kManual, o.command = CommandId{5};
  o.detail = "tab\there, back\\slash, new\nline, \"quote\", ž";
  o.evidence = std::make_unique<Evidence>();
  o.evidence->address = "192.0.2.1:80";
  ASSERT_TRUE(recorder->offer(std::move(o)));
  Observation missed = look_of(78, kNoonMs);
  missed.missed = GapReason::kOverload;
  ASSERT_TRUE(recorder->offer(std::move(missed)));
  ASSERT_TRUE(recorder->offer(Gap{kLocalRegion, 3, {}, {WallTime{10}, WallTime{20}}, GapReason::kBlind}));
  ASSERT_TRUE(recorder->offer(std::vector{mark_of(3, kNoonMs), mark_of(3, kNoonMs - 5)}));
  ASSERT_TRUE(recorder->drained(kPatience));
  const auto row = bed.sql("SELECT * FROM results WHERE monitor_id = 77")[0];
  EXPECT_EQ(row["slot_at"].as<std::int64_t>(), kNoonMs);
  EXPECT_EQ(row["start_ms"].as<int>(), 7);
  EXPECT_EQ(row["dns_us"].as<int>(), 120);
  EXPECT_EQ(row["connect_us"].as<int>(), 340);
  EXPECT_EQ(row["tls_us"].as<int>(), -1);
  EXPECT_EQ(row["wait_us"].as<int>(), 5600);
  EXPECT_EQ(row["transfer_us"].as<int>(), 70);
  EXPECT_EQ(row["total_us"].as<int>(), 6130);
  EXPECT_EQ(row["revision"].as<int>(), 4);
  EXPECT_EQ(row["look"].as<int>(), 101);
  EXPECT_EQ(row["covered"].as<int>(), 3);
  EXPECT_EQ(row["code"].as<int>(), 0);
  EXPECT_EQ(row["region"].as<int>(), 1);
  EXPECT_EQ(row["verdict"].as<int>(), 3);
  EXPECT_EQ(row["cause"].as<int>(), 20);
  EXPECT_EQ(row["phase"].as<int>(), 2);
  EXPECT_EQ(row["trigger"].as<int>(), 4);
  EXPECT_EQ(row["detail"].as<std::string>(), "tab\there, back\\slash, new\nline, \"quote\", ž");
  EXPECT_EQ(
      bed.sql("SELECT body->>'address' FROM evidence WHERE monitor_id = 77 AND look = 101")[0][0].as<std::string>(),
      "192.0.2.1:80");
  EXPECT_EQ(bed.number("SELECT count(*) FROM results WHERE monitor_id = 78 AND verdict = 0 AND cause = 1"), 1);
  EXPECT_EQ(bed.number("SELECT count(*) FROM gaps WHERE shard = 3 AND from_at = 10 AND to_at = 20 AND blind"), 1);
  EXPECT_EQ(bed.number("SELECT observed_through FROM shard_marks WHERE shard = 3"), kNoonMs);
  EXPECT_EQ(bed.number("SELECT count(*) FROM commands WHERE id = 5 AND done_at = " + std::to_string(kNoonMs) +
                       " AND look = 101 AND slot_at = " + std::to_string(kNoonMs)),
            1);
  EXPECT_EQ(recorder->stats().results_written, 2U);
}

TEST(Recorder, ConclusionsMoveStandingsSpansAndFlipsTogether) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  auto recorder = bed.recorder();
  ASSERT_TRUE(recorder->offer(concluding(7, kNoonMs, 0, State::kUp)));
  ASSERT_TRUE(recorder->offer(concluding(7, kNoonMs + 60'000, 1, State::kDown, State::kUp)));  // closes the batch
  ASSERT_TRUE(recorder->offer(concluding(7, kNoonMs + 120'000, 2, State::kUp, State::kDown)));
  Observation pending = look_of(7, kNoonMs + 180'000, Verdict::kDown);  // suspicion only: no edge, no flip
  pending.conclusion = conclusion_of(3, State::kUp, kNoonMs + 120'000);
  pending.conclusion->edges.clear(), pending.conclusion->flip.reset();
  pending.conclusion->pending_since = WallTime{kNoonMs + 180'000};
  ASSERT_TRUE(recorder->offer(std::move(pending)));
  ASSERT_TRUE(recorder->drained(kPatience));
  const auto spans = bed.sql("SELECT from_at - " + std::to_string(kNoonMs) +
                             ", to_at - from_at, state, cause FROM spans WHERE monitor_id = 7 ORDER BY from_at");
  ASSERT_EQ(spans.size(), 3U);
  EXPECT_EQ(spans[0][2].as<int>(), 1);
  EXPECT_EQ(spans[1][0].as<int>(), 60'000);
  EXPECT_EQ(spans[1][1].as<int>(), 60'000);
  EXPECT_EQ(spans[1][2].as<int>(), 3);
  EXPECT_EQ(spans[1][3].as<int>(), 20);
  EXPECT_TRUE(spans[2][1].is_null());
  EXPECT_EQ(bed.number("SELECT count(*) FROM flips WHERE monitor_id = 7 AND fanned_at IS NULL"), 3);
  EXPECT_EQ(bed.number("SELECT version FROM standings WHERE monitor_id = 7"), 4);
  EXPECT_EQ(bed.number("SELECT pending_since FROM standings WHERE monitor_id = 7"), kNoonMs + 180'000);
  EXPECT_EQ(bed.number("SELECT count(*) FROM late_observations"), 0);
  EXPECT_GE(recorder->stats().batches["stored"], 4U) << "no batch holds two conclusions of one monitor";
  bed.expect_sound_ledger();
}

TEST(Recorder, EdgesChainAndAnEdgeOnTheOpenSpansStartReplacesIt) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  auto recorder = bed.recorder();
  ASSERT_TRUE(recorder->offer(concluding(7, kNoonMs, 0, State::kUp)));
  Observation chain = concluding(7, kNoonMs + 1, 1, State::kUp);
  chain.conclusion->edges = {
      {WallTime{kNoonMs}, State::kDown, {20, 0}},
      {WallTime{kNoonMs + 10}, State::kUnknown, {0, 5}},
      {WallTime{kNoonMs + 10}, State::kDegraded, {75, 0}},  // the same instant: the later one counts
      {WallTime{kNoonMs + 30}, State::kUp, {}}};
  chain.conclusion->booked_since = WallTime{kNoonMs + 30};
  ASSERT_TRUE(recorder->offer(std::move(chain)));
  ASSERT_TRUE(recorder->drained(kPatience));
  const auto spans = bed.sql("SELECT from_at - " + std::to_string(kNoonMs) + ", state FROM spans ORDER BY from_at");
  ASSERT_EQ(spans.size(), 3U);
  EXPECT_EQ(spans[0][1].as<int>(), 3);
  EXPECT_EQ(spans[1][0].as<int>(), 10);
  EXPECT_EQ(spans[1][1].as<int>(), 2);
  EXPECT_EQ(spans[2][0].as<int>(), 30);
  bed.expect_sound_ledger();
}

TEST(Recorder, AnotherNodesShardTakesResultsButNoConclusions) {
  Bed bed;
  bed.lease("other", "boot9", 2, 2);
  bed.sql("INSERT INTO standings VALUES (7, 1, 1, 1, 1, 5, 5, NULL)");
  bed.sql("INSERT INTO spans VALUES (7, 1, 5, NULL, 1)");
  auto recorder = bed.recorder();
  ASSERT_TRUE(recorder->offer(concluding(7, kNoonMs, 1, State::kDown, State::kUp)));
  ASSERT_TRUE(recorder->offer(look_of(8, kNoonMs)));
  ASSERT_TRUE(recorder->offer(std::vector{mark_of(shard_of(MonitorId{7}), kNoonMs)}));
  ASSERT_TRUE(recorder->drained(kPatience));
  EXPECT_EQ(bed.number("SELECT count(*) FROM results"), 2);
  EXPECT_EQ(bed.number("SELECT count(*) FROM flips"), 0);
  EXPECT_EQ(bed.number("SELECT version FROM standings WHERE monitor_id = 7"), 1);
  EXPECT_EQ(bed.number("SELECT count(*) FROM shard_marks"), 0);
  EXPECT_EQ(
      bed.number("SELECT count(*) FROM late_observations WHERE NOT resync AND oldest_at = " + std::to_string(kNoonMs)),
      2);
  EXPECT_EQ(recorder->stats().late, 2U);
  bed.expect_sound_ledger();
}

TEST(Recorder, AnEpochBeforeAForeignOwnerIsLateEvenWhenTheShardIsOursAgain) {
  Bed bed;
  bed.lease("node", "boot", 5, 5);  // somebody else held it in between: since_epoch 5
  auto recorder = bed.recorder();
  ASSERT_TRUE(recorder->offer(concluding(7, kNoonMs, 0, State::kUp)));  // epoch 1
  Observation fresh = concluding(8, kNoonMs, 0, State::kUp);
  fresh.epoch = 5;
  ASSERT_TRUE(recorder->offer(std::move(fresh)));
  ASSERT_TRUE(recorder->drained(kPatience));
  EXPECT_EQ(bed.number("SELECT min(monitor_id) FROM standings"), 8);
  EXPECT_EQ(bed.number("SELECT monitor_id FROM late_observations"), 7);
}

TEST(Recorder, AStaleVersionLosesAndAsksForAResync) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  bed.sql("INSERT INTO standings VALUES (7, 1, 9, 1, 1, 5, 5, NULL)");
  bed.sql("INSERT INTO spans VALUES (7, 1, 5, NULL, 1)");
  auto recorder = bed.recorder();
  ASSERT_TRUE(recorder->offer(concluding(7, kNoonMs, 3, State::kDown, State::kUp)));
  ASSERT_TRUE(recorder->offer(concluding(9, kNoonMs, 0, State::kUp)));
  ASSERT_TRUE(recorder->drained(kPatience));
  EXPECT_EQ(bed.number("SELECT version FROM standings WHERE monitor_id = 7"), 9);
  EXPECT_EQ(bed.number("SELECT version FROM standings WHERE monitor_id = 9"), 1) << "its neighbour wins";
  EXPECT_EQ(bed.number("SELECT count(*) FROM late_observations WHERE monitor_id = 7 AND resync"), 1);
  bed.expect_sound_ledger();
}

TEST(Recorder, MarksNeverGoBack) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  auto recorder = bed.recorder();
  for (const std::int64_t at : {500, 400, 900, 100}) {
    ASSERT_TRUE(recorder->offer(std::vector{mark_of(1, at), mark_of(2, at + 1)}));
    ASSERT_TRUE(recorder->drained(kPatience));
  }
  EXPECT_EQ(bed.number("SELECT observed_through FROM shard_marks WHERE shard = 1"), 900);
  EXPECT_EQ(bed.number("SELECT observed_through FROM shard_marks WHERE shard = 2"), 901);
}

TEST(Recorder, OfGapsThatBeginTogetherTheLongestHolds) {
  Bed bed;
  auto recorder = bed.recorder();
  for (const std::int64_t to : {20, 90, 50}) {  // as after kills before the mark has moved
    ASSERT_TRUE(recorder->offer(Gap{kLocalRegion, 3, {}, {WallTime{10}, WallTime{to}}, GapReason::kRestart}));
    ASSERT_TRUE(recorder->offer(Gap{kLocalRegion, 3, {}, {WallTime{10}, WallTime{to + 5}}, GapReason::kRestart}));
    ASSERT_TRUE(recorder->drained(kPatience));
  }
  EXPECT_EQ(bed.number("SELECT count(*) FROM gaps"), 1);
  EXPECT_EQ(bed.number("SELECT to_at FROM gaps"), 95);
  EXPECT_EQ(recorder->stats().batches["poison"], 0U);
}

TEST(Recorder, FirstOneWinsPerKey) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  auto recorder = bed.recorder();
  ASSERT_TRUE(recorder->offer(look_of(7, kNoonMs)));
  ASSERT_TRUE(recorder->drained(kPatience));
  for (int i = 0; i < 3; ++i) {  // the same key within one batch, and again
    Observation again = look_of(7, kNoonMs);
    again.code = 500 + i;
    ASSERT_TRUE(recorder->offer(std::move(again)));
  }
  ASSERT_TRUE(recorder->offer(look_of(8, kNoonMs)));
  ASSERT_TRUE(recorder->drained(kPatience));
  EXPECT_EQ(bed.number("SELECT code FROM results WHERE monitor_id = 7"), 200);
  EXPECT_EQ(bed.number("SELECT count(*) FROM results"), 2);
}

TEST(Recorder, AMissingPartitionIsMadeOnce) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  auto recorder = bed.recorder();
  Observation old = look_of(7, kNoonMs - 40 * kDayMs, Verdict::kDown);
  old.evidence = std::make_unique<Evidence>();
  ASSERT_TRUE(recorder->offer(std::move(old)));
  ASSERT_TRUE(recorder->offer(look_of(7, kNoonMs + 3 * kDayMs)));
  ASSERT_TRUE(recorder->drained(kPatience));
  EXPECT_EQ(bed.number("SELECT count(*) FROM results"), 2);
  EXPECT_EQ(bed.number("SELECT count(*) FROM evidence"), 1);
  EXPECT_EQ(recorder->stats().batches["poison"], 0U);
}

TEST(Recorder, APoisonRowStandsAlone) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  auto options = bed.options();
  options.batch_rows_max = 500, options.batch_wait = milliseconds(60'000);
  auto recorder = must(Recorder::start(options));
  for (std::int64_t i = 1; i <= 500; ++i) {
    Observation o = i % 100 == 50 ? concluding(i, kNoonMs, 0, State::kUp) : look_of(i, kNoonMs);
    if (i == 250) o.detail = "\xff\xfe not UTF-8";
    ASSERT_TRUE(recorder->offer(std::move(o)));
  }
  ASSERT_TRUE(recorder->drained(kPatience));
  EXPECT_EQ(bed.number("SELECT count(*) FROM results"), 499);
  EXPECT_EQ(bed.number("SELECT count(*) FROM results WHERE monitor_id = 250"), 0);
  EXPECT_EQ(bed.number("SELECT count(*) FROM gaps WHERE monitor_id = 250 AND reason = 7 AND from_at = " +
                       std::to_string(kNoonMs)),
            1);
  EXPECT_EQ(bed.number("SELECT count(*) FROM standings"), 5) << "the conclusions of the batch hold";
  EXPECT_EQ(bed.number("SELECT monitor_id FROM late_observations WHERE resync"), 250) << "unknown until its next look";
  EXPECT_EQ(recorder->stats().batches["poison"], 1U);
  EXPECT_EQ(recorder->stats().results_written, 499U);
  std::ifstream kept(bed.dir.file("spool") + "/poison");
  std::string word, monitor;
  kept >> word >> monitor;
  EXPECT_EQ(word + " " + monitor, "row " + to_string(MonitorId{250}));
}

TEST(Recorder, ManyPoisonRowsOfManyKinds) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  auto options = bed.options();
  options.batch_rows_max = 64, options.batch_wait = milliseconds(60'000);
  auto recorder = must(Recorder::start(options));
  for (std::int64_t i = 1; i <= 64; ++i) {
    Observation o = look_of(i, i == 9 ? -kDayMs : kNoonMs);  // 9: no partition will ever take it
    if (i % 8 == 0) o.detail = "\x80";
    if (i == 3) o.detail = std::string("nul\0byte", 8);
    if (i == 4) o = concluding(i, kNoonMs, 0, static_cast<State>(1));
    ASSERT_TRUE(recorder->offer(std::move(o)));
  }
  ASSERT_TRUE(recorder->drained(kPatience));
  EXPECT_EQ(bed.number("SELECT count(*) FROM results"), 64 - 8 - 2);
  EXPECT_EQ(bed.number("SELECT count(*) FROM gaps WHERE reason = 7"), 10);
  EXPECT_EQ(recorder->stats().batches["poison"], 10U);
}

TEST(Recorder, TheQueueIsBoundedInItemsAndBytes) {
  Bed bed;
  auto options = bed.options();
  options.batch_wait = milliseconds(600'000);
  options.queue_items_max = 100;
  auto recorder = must(Recorder::start(options));
  int taken = 0;
  while (taken < 1000 && recorder->offer(look_of(taken + 1, kNoonMs))) ++taken;
  EXPECT_EQ(taken, 100);
  EXPECT_EQ(recorder->stats().dropped, 1U);
  options.spool_directory = bed.dir.file("spool2");
  options.boot = "boot2";
  options.queue_items_max = 1'000'000, options.queue_bytes_max = 100'000;
  auto small = must(Recorder::start(options));
  taken = 0;
  while (taken < 1000) {
    Observation o = look_of(taken + 1, kNoonMs);
    o.evidence = std::make_unique<Evidence>();
    o.evidence->head = std::string(8000, 'x');
    if (!small->offer(std::move(o))) break;
    ++taken;
  }
  EXPECT_GT(taken, 5);
  EXPECT_LT(taken, 13);
}

TEST(Recorder, ManyThreadsOfferAndLookOn) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  auto recorder = bed.recorder();
  constexpr int kThreads = 4, kEach = 300;
  std::vector<std::thread> threads;
  std::atomic<int> refused{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < kEach; ++n) {  // each thread's conclusions chain: their order is kept
        Observation o = look_of(t + 1, kNoonMs + n * 1000);
        if (n % 50 == 0) o = concluding(t + 1, kNoonMs + n * 1000, n / 50, n % 100 == 0 ? State::kUp : State::kDown);
        if (!recorder->offer(std::move(o))) ++refused;
        if (n % 100 == 0 && recorder->stats().queue > 1'000'000) ++refused;
        if (recorder->outstanding(shard_of(MonitorId{t + 1})).size() > 1) ++refused;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(recorder->drained(kPatience));
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(bed.number("SELECT count(*) FROM results"), kThreads * kEach);
  EXPECT_EQ(bed.number("SELECT count(*) FROM standings WHERE version = 6"), kThreads);
  EXPECT_EQ(bed.number("SELECT count(*) FROM late_observations"), 0);
  bed.expect_sound_ledger();
}

TEST(Recorder, StopStoresWhatWasOffered) {
  Bed bed;
  bed.lease("node", "boot", 1, 1);
  auto options = bed.options();
  options.batch_wait = milliseconds(600'000);
  auto recorder = must(Recorder::start(options));
  for (std::int64_t i = 1; i <= 10; ++i) ASSERT_TRUE(recorder->offer(look_of(i, kNoonMs)));
  recorder->stop();
  EXPECT_FALSE(recorder->offer(look_of(11, kNoonMs)));
  EXPECT_EQ(bed.number("SELECT count(*) FROM results"), 10);
}

TEST(Recorder, RefusesSettingsThatCannotWork) {
  Bed bed;
  auto options = bed.options();
  options.node = "a/b";
  EXPECT_EQ(Recorder::start(options).error().code, ErrorCode::kInvalid);
  options = bed.options();
  options.spool_directory = bed.dir.write("file", "");
  EXPECT_FALSE(Recorder::start(options).ok());
}

}  // namespace
}  // namespace everup::db
