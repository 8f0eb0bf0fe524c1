// Late evidence amends the open past and nothing else, with a numbered correction and never a flip (RULES B 6).
#include "db/amend_plan.h"
#include "db/amender.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "core/schedule.h"
#include "db/amend_plan.h"
#include "db/keeper.h"
#include "tests/recorder/fixture.h"

namespace everup::db {
namespace {

using namespace everup::db::test;  // NOLINT(google-build-using-namespace): the suite's own vocabulary

LedgerSpan part(std::int64_t from, std::int64_t to, State state) { return {{WallTime{from}, WallTime{to}}, state, {}}; }

TEST(AmendPlan, FindsTheFirstDifference) {
  const std::vector<LedgerSpan> a{part(0, 100, State::kUp), part(100, 200, State::kDown),
                                  part(200, INT64_MAX, State::kUp)};
  EXPECT_EQ(plan_amendment(a, a, WallTime{0}, kOpenEnd), std::nullopt);
  const std::vector<LedgerSpan> b{part(0, 100, State::kUp), part(100, 150, State::kDown),
                                  part(150, INT64_MAX, State::kUp)};
  const auto shorter = plan_amendment(a, b, WallTime{50}, kOpenEnd);
  ASSERT_TRUE(shorter.has_value());
  EXPECT_EQ(shorter->window, (Span{WallTime{150}, kOpenEnd}));
  EXPECT_EQ(shorter->before.size(), 2U);
  EXPECT_EQ(shorter->after.size(), 1U);
  EXPECT_EQ(plan_amendment(a, b, WallTime{0}, WallTime{150}), std::nullopt) << "not beyond the limit";
  const std::vector<LedgerSpan> hole{part(0, 50, State::kUp), part(60, INT64_MAX, State::kUp)};
  const auto filled = plan_amendment(hole, {part(0, INT64_MAX, State::kUp)}, WallTime{0}, WallTime{1000});
  ASSERT_TRUE(filled.has_value());
  EXPECT_EQ(filled->window.from, WallTime{50});
  EXPECT_EQ(filled->before[0].state, State::kUnknown);
}

// A monitor of 60 s that lives since an hour before noon, and its slots.
struct LateBed : Bed {
  static constexpr std::int64_t kMonitor = 77;
  std::int64_t first = 0;  // its first slot

  LateBed() {
    first = slot_at_or_after(MonitorId{kMonitor}, 60'000, WallTime{kNoonMs - 3'600'000}).ms;
    const std::string born = std::to_string(first - 1000);
    sql("INSERT INTO accounts VALUES (1, 'a', 'UTC', 1)");
    sql("INSERT INTO monitors (id, account_id, slug, name, target, kind, interval_s, timeout_ms, confirm, badge_token, "
        "report_token, shard, created_at, updated_at, revised_at) VALUES (77, 1, 'm', 'm', 'https://example.com/', 2, "
        "60, "
        "10000, '{\"failures\":1,\"successes\":1,\"retry_s\":10}', 'b', 'r', " +
        std::to_string(shard_of(MonitorId{kMonitor})) + ", " + born + ", " + born + ", " + born + ")");
    lease("node", "boot", 2, 2);
    sql("SELECT ensure_partition(" + std::to_string(first) + ")");
  }
  std::int64_t slot(int n) const { return first + n * 60'000; }
  void result(int n, Verdict verdict) const {
    sql("INSERT INTO results VALUES (77, " + std::to_string(slot(n)) + ", 5, 1, 1, 1, 1, 1, 5, 1, 0, 1, 200, 1, " +
        std::to_string(static_cast<int>(verdict)) + ", " + (verdict == Verdict::kUp ? "1" : "20") + ", 0, 1, NULL)");
  }
  void span(std::int64_t from, std::int64_t to, int state, int cause = 0, int gap = 0) const {
    sql("INSERT INTO spans VALUES (77, 1, " + std::to_string(from) + ", " + (to == 0 ? "NULL" : std::to_string(to)) +
        ", " + std::to_string(state) + ", " + std::to_string(cause) + ", " + std::to_string(gap) + ")");
  }
  void late(int n, bool resync) const {
    sql("INSERT INTO late_observations VALUES (77, 1, " + std::to_string(slot(n)) + ", 1, " +
        (resync ? "true" : "false") + ")");
  }
  Amender::Swept sweep() const {
    AmenderOptions options;
    options.connect = database.connector(Role::kWorker);
    options.clock = &clock;
    options.node = "node", options.boot = "boot";
    options.deadline = milliseconds(20'000);
    return must(Amender(options).sweep());
  }
};

TEST(Amender, AHoleThatSomebodySawBecomesWhatHeSaw) {
  LateBed bed;
  // Seen live: up, nobody for slots 10 … 19 (the shard changed hands), up again since slot 20.
  for (int n = 0; n < 10; ++n) bed.result(n, Verdict::kUp);
  for (int n = 20; n < 55; ++n) bed.result(n, Verdict::kUp);
  bed.span(bed.slot(0) + 5, bed.slot(10), 1);
  bed.span(bed.slot(10), bed.slot(20) + 5, 4, 0, 3);
  bed.span(bed.slot(20) + 5, 0, 1);
  bed.sql("INSERT INTO standings VALUES (77, 1, 3, 1, 1, " + std::to_string(bed.slot(0) + 5) + ", " +
          std::to_string(bed.slot(20) + 5) + ", NULL)");
  // The former owner's results arrive: down from 12 to 15, up after.
  for (int n = 10; n < 20; ++n) bed.result(n, n >= 12 && n < 16 ? Verdict::kDown : Verdict::kUp);
  bed.late(10, false);
  const auto swept = bed.sweep();
  EXPECT_EQ(swept.corrections, 1);
  EXPECT_EQ(swept.resynced, 0);
  EXPECT_EQ(swept.failed, 0) << swept.last_error;
  const auto spans = bed.sql("SELECT from_at, to_at, state FROM spans ORDER BY from_at");
  ASSERT_EQ(spans.size(), 4U);
  EXPECT_EQ(spans[1][0].as<std::int64_t>(), bed.slot(12) + 5);
  EXPECT_EQ(spans[1][1].as<std::int64_t>(), bed.slot(16) + 5);
  EXPECT_EQ(spans[1][2].as<int>(), 3);
  EXPECT_EQ(spans[3][0].as<std::int64_t>(), bed.slot(20) + 5);
  EXPECT_TRUE(spans[3][1].is_null()) << "the live span is untouched";
  EXPECT_EQ(bed.number("SELECT version FROM standings"), 3);
  EXPECT_EQ(bed.number("SELECT count(*) FROM flips"), 0);
  EXPECT_EQ(bed.number("SELECT number FROM corrections"), 1);
  EXPECT_EQ(bed.number("SELECT from_at FROM corrections"), bed.slot(10));
  EXPECT_EQ(bed.number("SELECT jsonb_array_length(before) FROM corrections"), 1);
  EXPECT_EQ(bed.number("SELECT jsonb_array_length(after) FROM corrections"), 3);
  EXPECT_EQ(bed.number("SELECT count(*) FROM late_observations"), 0);
  bed.expect_sound_ledger();
  bed.late(10, false);
  EXPECT_EQ(bed.sweep().corrections, 0) << "the same evidence again changes nothing";
}

TEST(Amender, ARefusedChainIsResyncedAndTheSchedulerIsTold) {
  LateBed bed;
  for (int n = 0; n < 50; ++n) bed.result(n, n < 40 ? Verdict::kUp : Verdict::kDown);
  bed.span(bed.slot(0) + 5, 0, 1);
  bed.sql("INSERT INTO standings VALUES (77, 1, 1, 1, 1, " + std::to_string(bed.slot(0) + 5) + ", " +
          std::to_string(bed.slot(0) + 5) + ", NULL)");
  bed.late(40, true);
  const std::int64_t changes = bed.number("SELECT count(*) FROM monitor_changes");
  const auto swept = bed.sweep();
  EXPECT_EQ(swept.resynced, 1);
  EXPECT_EQ(bed.number("SELECT health FROM standings"), 3);
  EXPECT_EQ(bed.number("SELECT version FROM standings"), 1 + kResyncStep);
  EXPECT_EQ(bed.number("SELECT from_at FROM spans WHERE to_at IS NULL AND state = 3"), bed.slot(40) + 5);
  EXPECT_EQ(bed.number("SELECT count(*) FROM flips"), 0) << "amendments never alert";
  EXPECT_EQ(bed.number("SELECT count(*) FROM monitor_changes"), changes + 1);
  bed.expect_sound_ledger();
}

TEST(Amender, LeavesAloneWhatIsNotOursOrTooFresh) {
  LateBed bed;
  bed.result(0, Verdict::kUp);
  bed.lease("other", "o", 3, 3);
  bed.late(0, true);
  EXPECT_EQ(bed.sweep().monitors, 0);
  bed.lease("node", "boot", 4, 4);
  bed.sql("UPDATE late_observations SET queued_at = " + std::to_string(kNoonMs - 100));
  EXPECT_EQ(bed.sweep().monitors, 0) << "more is usually behind it";
  EXPECT_EQ(bed.number("SELECT count(*) FROM late_observations"), 1);
}

TEST(Keeper, MakesAheadRemovesTheOldAndTrims) {
  Bed bed;
  KeeperOptions options;
  options.connect = bed.database.connector(Role::kOwner);
  options.clock = &bed.clock;
  const std::int64_t old = kNoonMs - 91 * kDayMs;
  bed.sql("SELECT ensure_partition(" + std::to_string(old) + ")");
  bed.sql("SELECT ensure_partition(" + std::to_string(old + kDayMs) + ")");
  bed.sql("INSERT INTO monitor_changes (monitor_id, shard, at) VALUES (1, 1, " + std::to_string(kNoonMs - 2 * kDayMs) +
          "), (1, 1, " + std::to_string(kNoonMs) + ")");
  bed.sql("INSERT INTO accounts VALUES (1, 'a', 'UTC', 1)");
  bed.sql("INSERT INTO idempotency_keys VALUES (1, 'k', 'r', '\\x00', 200, '', 1)");
  const Kept kept = must(keep(options));
  EXPECT_FALSE(kept.held_elsewhere);
  EXPECT_GE(kept.made, 7);
  EXPECT_EQ(kept.removed, 1);
  EXPECT_EQ(kept.changes_trimmed, 1);
  EXPECT_EQ(kept.keys_trimmed, 1);
  for (int day = 0; day <= 7; ++day) {
    const std::string at = std::to_string(kNoonMs + day * kDayMs);
    bed.sql("INSERT INTO results VALUES (1, " + at + ", 5, 1, 1, 1, 1, 1, 5, 1, 0, 1, 200, 1, 1, 1, 0, 1, NULL)");
    bed.sql("INSERT INTO evidence VALUES (1, 1, " + at + ", 0, '{}')");
  }
  const Kept again = must(keep(options));
  EXPECT_EQ(again.made, 0);
  EXPECT_EQ(again.removed, 1) << "the old day that the first pass packed";
}

TEST(Keeper, OnePassAtATimeAndACutOffOneIsFinished) {
  Bed bed;
  KeeperOptions options;
  options.connect = bed.database.connector(Role::kOwner);
  options.clock = &bed.clock;
  pqxx::connection other(bed.database.url());
  {
    pqxx::nontransaction tx(other);
    tx.exec("SELECT pg_advisory_lock(hashtextextended('everup.keeper', 0))");
    EXPECT_TRUE(must(keep(options)).held_elsewhere);
    tx.exec("SELECT pg_advisory_unlock_all()");
  }
  const std::string old = std::to_string(kNoonMs - 100 * kDayMs);
  bed.sql("SELECT ensure_partition(" + old + ")");
  const auto name =
      bed.sql("SELECT 'results_' || to_char(to_timestamp(" + old + " / 1000) AT TIME ZONE 'UTC', 'YYYYMMDD')");
  bed.sql("ALTER TABLE results DETACH PARTITION " + name[0][0].as<std::string>());  // detached, never dropped
  ASSERT_FALSE(must(keep(options)).held_elsewhere);
  EXPECT_EQ(bed.number("SELECT count(*) FROM pg_class WHERE relname = '" + name[0][0].as<std::string>() + "'"), 0);
}

TEST(Keeper, ItsThreadKeepsSweepsTellsAndStops) {
  LateBed bed;
  for (int n = 0; n < 5; ++n) bed.result(n, Verdict::kUp);
  bed.late(0, true);
  std::mutex mutex;
  std::condition_variable told;
  int errors = 0, sweeps = 0;
  KeeperOptions options;
  options.connect = []() -> Result<std::unique_ptr<Session>> { return Error{ErrorCode::kUnavailable, "away"}; };
  options.clock = &bed.clock;
  AmenderOptions amender;
  amender.connect = [&, inner = bed.database.connector(Role::kWorker)] {
    const std::lock_guard lock(mutex);
    ++sweeps;
    told.notify_all();
    return inner();
  };
  amender.clock = &bed.clock;
  amender.node = "node", amender.boot = "boot";
  Keeper keeper(options, std::make_unique<Amender>(amender), {milliseconds(1), milliseconds(1), milliseconds(1)},
                [&](const Error&) {
                  const std::lock_guard lock(mutex);
                  ++errors;
                  told.notify_all();
                });
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(told.wait_for(lock, kPatience, [&] { return errors >= 3 && sweeps >= 1; }));
  }
  keeper.stop();
  keeper.stop();
  EXPECT_EQ(bed.number("SELECT count(*) FROM late_observations"), 0);
}

}  // namespace
}  // namespace everup::db
