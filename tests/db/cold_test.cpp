// Cold storage on a real PostgreSQL: what is read before an hour is packed is read after, whatever is killed in
// between, and what arrives late arrives once.
#include <csignal>
#include <random>
#include <set>
#include <sstream>

#include "core/chunk.h"
#include "core/schedule.h"
#include "db/keeper.h"
#include "db/report_store.h"
#include "tests/db/store_fixture.h"
#include "tests/paths.h"
#include "tests/support/process.h"

namespace everup::db {
namespace {
using test::must;

constexpr std::int64_t kMinute = 60'000, kHour = 3'600'000;

std::string text_of(const ResultRow& row) {
  std::ostringstream out;
  out << to_string(row.monitor) << ' ' << row.slot_at.ms << '/' << row.look << ' ' << row.started_at.ms << ' '
      << row.covered << ' ' << row.revision << ' ' << static_cast<int>(row.trigger) << ' '
      << (row.missed ? -static_cast<int>(*row.missed) : static_cast<int>(row.verdict)) << ' '
      << static_cast<int>(row.cause) << ' ' << static_cast<int>(row.phase) << ' ' << row.timings.dns_us << ' '
      << row.timings.total_us << ' ' << row.code << ' ' << row.detail << '\n';
  return out.str();
}

class ColdTest : public StoreTest {
 protected:
  ColdTest() {
    for (int i = 0; i < 3; ++i) monitors.push_back(must(s.monitors.create(s.a, draft_of("https://x.example/"))));
    for (std::int64_t at = first; at <= kNoon; at += kDayMs) s.partition(at);
    s.partition(kNoon);
  }

  KeeperOptions options() {
    KeeperOptions out;
    out.connect = s.database.connector(Role::kOwner);
    out.clock = &s.clock;
    out.packing.batch_rows = 500;
    out.packing.budget = milliseconds(3'600'000);
    return out;
  }
  Kept pack() { return must(keep(options())); }
  std::int64_t number(const std::string& sql) { return s.database.sql(sql)[0][0].as<std::int64_t>(); }

  // Looks, confirmations, missed slots and failures as they come; latencies are such that a chunk gives them back
  // whole.
  void fill(std::mt19937_64& random, const Monitor& monitor, std::int64_t from, std::int64_t to,
            const std::string& table = "results") {
    std::string values;
    bool down = false;
    const std::int64_t offset = static_cast<std::int64_t>(random() % 50'000);
    for (std::int64_t slot = from + offset; slot < to; slot += kMinute * (1 + static_cast<int>(random() % 4))) {
      const int looks = random() % 12 == 0 ? 3 : 1;
      for (int look = 0; look < looks; ++look) {
        if (random() % 15 == 0) down = !down;
        values += row_of(random, monitor, slot, look, down);
      }
    }
    values.pop_back();
    s.database.sql("INSERT INTO " + table + " VALUES " + values + " ON CONFLICT DO NOTHING");
  }
  static std::string row_of(std::mt19937_64& random, const Monitor& monitor, std::int64_t slot, int look, bool down) {
    const auto us = [&](std::uint64_t most) {
      return std::to_string(stored_latency_us(static_cast<int>(random() % most)));
    };
    const int missed = random() % 40 == 0 ? 1 : 0;
    const int verdict = missed != 0 ? 0 : random() % 30 == 0 ? 4 : down ? 3 : random() % 9 == 0 ? 2 : 1;
    const std::string total = us(900'000);
    return "(" + std::to_string(monitor.id.value) + "," + std::to_string(slot) + "," + std::to_string(random() % 900) +
           "," + us(2000) + "," + us(90'000) + ",-1," + us(200'000) + "," + us(300) + "," + total + ",1," +
           std::to_string(look) + ",1,200,1," + std::to_string(verdict) + "," + (verdict == 3 ? "20" : "1") + ",0," +
           (look > 0 ? "2" : "1") + "," + (verdict == 3 ? "'refused'" : "NULL") + "),";
  }

  std::string pages(const Monitor& monitor, ResultsQuery query) {
    std::string out;
    for (int i = 0; i < 2000; ++i) {
      const ResultsPage page = must(s.ledger.results(s.a, to_string(monitor.id), query));
      for (const ResultRow& row : page.rows) out += text_of(row);
      if (!page.next_cursor) break;
      query.cursor = *page.next_cursor;
    }
    return out;
  }

  // Everything that anybody reads of results, in words.
  std::string all_reads(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::ostringstream out;
    for (const Monitor& monitor : monitors) {
      const std::string id = to_string(monitor.id);
      for (int limit : {61, 10'000}) {
        ResultsQuery query;
        query.limit = limit;
        out << pages(monitor, query);
        query.from = WallTime{first + static_cast<std::int64_t>(random() % (50 * kHour))};
        query.to = *query.from + milliseconds(random() % (20 * kHour));
        out << "window " << limit << '\n' << pages(monitor, query);
      }
      const Span window{WallTime{first + 90 * kMinute + 17}, WallTime{kNoon - 13 * kMinute}};
      const auto points = [&](const std::vector<LatencyPoint>& list) {
        for (const auto& point : list)
          out << point.at.ms << ':' << point.total_us << ':' << static_cast<int>(point.verdict) << ' ';
      };
      points(must(s.ledger.latencies(s.a, id, window)));
      points(must(s.ledger.latencies_by_token(TokenKind::kReport, monitor.report_token, window)));
      for (const std::int64_t step : {5 * kMinute, kHour, 3 * kHour, kDayMs}) {
        const WallTime start{window.from.ms / step * step};
        for (const LatencyHistogram& h : must(s.ledger.series(s.a, id, window, start, milliseconds(step))))
          out << h.count() << ' ' << h.quantile_us(0.5).value_or(-1) << ' ' << h.quantile_us(0.99).value_or(-1) << ' ';
      }
      const auto ledger = must(s.ledger.by_token(TokenKind::kReport, monitor.report_token, WallTime{0}, s.clock.at));
      out << "\nlast " << ledger.last_checked_at.value_or(WallTime{}).ms << " glitches "
          << ledger.glitches_90d.value_or(-1) << '\n';
      out << text_of(*must(s.monitors.find(s.a, id)).last_result);
      ReportStore reports(*s.owner_pool, *s.public_pool);
      out << "median " << must(reports.median_us(TokenKind::kReport, monitor.report_token, window)).value_or(-1)
          << '\n';
    }
    return out.str();
  }

  std::vector<Monitor> monitors;
  std::int64_t first = kNoon / kDayMs * kDayMs - 2 * kDayMs;
};

// The judgement of spans does not matter here, but a glitch lies in one.
TEST_F(ColdTest, EveryReadIsTheSameAfterPacking) {
  for (const std::uint64_t seed : {1U, 2U}) {
    std::mt19937_64 random(seed);
    s.database.sql("TRUNCATE results, spans, result_chunks, latency_days, results_late");
    s.database.sql("UPDATE storage_mark SET tallied_through = 0, packed_through = 0, sealed_through = 0");
    for (const Monitor& monitor : monitors) {
      // The third one was paused ten hours ago.
      fill(random, monitor, first, monitor.id == monitors[2].id ? kNoon - 10 * kHour : kNoon);
      s.span(monitor.id, first, std::to_string(first + 20 * kHour), 1);
      s.span(monitor.id, first + 20 * kHour, std::to_string(first + 25 * kHour), 3);
      s.span(monitor.id, first + 25 * kHour, "NULL", 1);
    }
    const std::string before = all_reads(seed);
    const std::int64_t rows =
        number("SELECT count(*) FROM results WHERE slot_at < " + std::to_string(kNoon - 2 * kHour));
    const Kept kept = pack();
    EXPECT_EQ(kept.packed.hours, 2 * 24 + 10);
    EXPECT_EQ(kept.packed.rows, rows);
    EXPECT_EQ(kept.packed.days, 2);
    EXPECT_TRUE(kept.packed.damage.empty());
    EXPECT_EQ(number("SELECT sum(row_count) FROM result_chunks"), rows);
    EXPECT_TRUE(all_reads(seed) == before) << "seed " << seed << "\n" << before << "\n----\n" << all_reads(seed);
    EXPECT_EQ(pack().packed.hours, 0);  // the packed days leave
    EXPECT_EQ(number("SELECT count(*) FROM results WHERE slot_at < " + std::to_string(first + 2 * kDayMs)), 0);
    EXPECT_TRUE(all_reads(seed) == before) << "seed " << seed << ", rows gone";
    for (std::int64_t at = first; at < kNoon; at += kDayMs) s.partition(at);
  }
}

TEST_F(ColdTest, AKeeperKilledAtFiftyPointsLosesAndDoublesNothing) {
  std::mt19937_64 random(4);
  for (const Monitor& monitor : monitors) {
    fill(random, monitor, first, kNoon);
    s.span(monitor.id, first, "NULL", 1);
  }
  const std::string before = all_reads(4);
  const std::int64_t rows = number("SELECT count(*) FROM results WHERE slot_at < " + std::to_string(kNoon - 2 * kHour));
  std::set<std::string> points;
  for (int i = 0; i < 50; ++i) {
    test::Child keeper({EVERUP_KEEPER_CHILD, s.database.url(), s.database.access().role_prefix, std::to_string(kNoon)});
    // Somewhere behind a step; one that finds the former one's session still there, or nothing to do, ends by itself.
    keeper.wait_for_output("step " + std::to_string(1 + random() % 12) + ".\n");
    keeper.wait(milliseconds(random() % 4));
    keeper.signal(SIGKILL);
    ASSERT_TRUE(keeper.wait());
    const auto at = s.database.sql(
        "SELECT packed_through || ' ' || sealed_through || ' ' || tallied_through || ' ' || (SELECT string_agg(at || "
        "':' "
        "|| after_monitor, ' ' ORDER BY step) FROM storage_steps) FROM storage_mark");
    points.insert(at[0][0].c_str());
    // Readers see the same in the middle of it; late rows come in the middle of it, of looks that are there already.
    EXPECT_TRUE(i % 10 != 9 || all_reads(4) == before) << "after kill " << i;
    s.database.sql(
        "INSERT INTO results_late SELECT * FROM results WHERE slot_at < (SELECT sealed_through FROM "
        "storage_mark) ORDER BY random() LIMIT 3 ON CONFLICT DO NOTHING");
  }
  EXPECT_GE(points.size(), 15U) << "the kills met few different points";
  Kept kept;
  do {
    kept = pack();  // what a killed one's session still holds is let go soon
  } while (kept.held_elsewhere);
  EXPECT_EQ(number("SELECT packed_through FROM storage_mark"), kNoon - 2 * kHour);
  EXPECT_EQ(number("SELECT sum(row_count) FROM result_chunks"), rows);
  EXPECT_EQ(number("SELECT count(*) - count(DISTINCT (monitor_id, region, hour_at)) FROM result_chunks"), 0);
  EXPECT_TRUE(all_reads(4) == before);
  RecordProperty("points", static_cast<int>(points.size()));
}

TEST_F(ColdTest, WhatComesLateIsReadAtOnceAndMergedOnce) {
  std::mt19937_64 random(7);
  fill(random, monitors[0], first, kNoon);
  fill(random, monitors[1], first, first + 3 * kHour);
  fill(random, monitors[2], first, kNoon);
  // The same looks in one installation as they came, in the other late ones out of order: both read alike.
  const std::string in_order = all_reads(7);
  s.database.sql("CREATE TABLE kept_back AS SELECT * FROM results WHERE slot_at % 7 = 0");
  s.database.sql("DELETE FROM results WHERE slot_at % 7 = 0");
  pack();
  s.database.sql(
      "INSERT INTO results_late SELECT * FROM kept_back WHERE slot_at < (SELECT sealed_through FROM storage_mark)");
  s.database.sql(
      "INSERT INTO results SELECT * FROM kept_back WHERE slot_at >= (SELECT sealed_through FROM storage_mark)");
  ResultsQuery query;
  query.limit = 100;
  const std::string late = pages(monitors[0], query);
  const Kept merged = pack();
  EXPECT_GT(merged.packed.late, 0);
  EXPECT_EQ(number("SELECT count(*) FROM results_late"), 0);
  EXPECT_TRUE(all_reads(7) == in_order);
  EXPECT_TRUE(late == pages(monitors[0], query)) << "late rows were read before they were merged";
  // Sent again, and with another content: the first of a key stays.
  s.database.sql("UPDATE kept_back SET code = 500");
  s.database.sql(
      "INSERT INTO results_late SELECT * FROM kept_back WHERE slot_at < (SELECT sealed_through FROM storage_mark)");
  EXPECT_TRUE(all_reads(7) == in_order) << "doubles are not read";
  pack();
  EXPECT_TRUE(all_reads(7) == in_order) << "nor merged";
}

TEST_F(ColdTest, ADamagedChunkIsToldAndNotServed) {
  std::mt19937_64 random(8);
  fill(random, monitors[0], first, kNoon);
  pack();
  const std::string hour = std::to_string(first + 30 * kHour);
  s.database.sql("UPDATE result_chunks SET body = set_byte(body, 9, get_byte(body, 9) # 16) WHERE hour_at = " + hour);
  ResultsQuery query;
  query.from = WallTime{first + 30 * kHour}, query.to = WallTime{first + 31 * kHour};
  const auto page = s.ledger.results(s.a, to_string(monitors[0].id), query);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(page.error().what.find(to_string(monitors[0].id)), std::string::npos) << page.error().what;
  EXPECT_NE(page.error().what.find("2026-11-21T06:00:00Z"), std::string::npos) << page.error().what;
  query.from = WallTime{first + 31 * kHour}, query.to = std::nullopt;
  EXPECT_TRUE(s.ledger.results(s.a, to_string(monitors[0].id), query)) << "other hours are";
  s.result(monitors[0].id, first + 30 * kHour + 1);
  s.database.sql("INSERT INTO results_late SELECT * FROM results WHERE slot_at = " +
                 std::to_string(first + 30 * kHour + 1));
  const Kept kept = pack();
  ASSERT_EQ(kept.packed.damage.size(), 1U);
  EXPECT_EQ(kept.packed.damage[0].code, ErrorCode::kCorrupt);
  EXPECT_EQ(number("SELECT count(*) FROM results_late"), 1) << "what cannot be merged waits";
}

TEST_F(ColdTest, AnHourWaitsForASpoolADayAtMost) {
  std::mt19937_64 random(9);
  fill(random, monitors[0], first, kNoon);
  s.mark(monitors[0].id, first + 5 * kHour + kMinute);
  s.database.sql(
      "INSERT INTO leases SELECT 1, shard, 'n', 'b', 1, 1, clock_timestamp() + interval '1 hour' FROM shard_marks");
  pack();
  // 57 h of looks, the mark in the sixth hour: what ended 26 h ago is packed, what the mark passed is too.
  EXPECT_EQ(number("SELECT packed_through FROM storage_mark"), kNoon - 26 * kHour);
  s.database.sql("UPDATE shard_marks SET observed_through = " + std::to_string(kNoon - 10 * kHour));
  pack();
  EXPECT_EQ(number("SELECT packed_through FROM storage_mark"), kNoon - 10 * kHour);
  s.database.sql("DELETE FROM leases");
  pack();
  EXPECT_EQ(number("SELECT packed_through FROM storage_mark"), kNoon - 2 * kHour);
}

TEST_F(ColdTest, ADeletedMonitorsChunksGo) {
  std::mt19937_64 random(10);
  for (const Monitor& monitor : monitors) fill(random, monitor, first, kNoon);
  pack();
  const auto left =
      "SELECT (SELECT count(*) FROM result_chunks WHERE monitor_id = " + std::to_string(monitors[0].id.value) +
      ") + (SELECT count(*) FROM latency_days WHERE monitor_id = " + std::to_string(monitors[0].id.value) + ")";
  EXPECT_GT(number(left), 50);
  ASSERT_TRUE(s.monitors.remove(s.a, to_string(monitors[0].id)));
  EXPECT_GT(pack().erased, 50);
  EXPECT_EQ(number(left), 0);
  EXPECT_GT(number("SELECT count(*) FROM result_chunks"), 100);
}

TEST_F(ColdTest, RetentionDropsPartitions) {
  std::mt19937_64 random(11);
  fill(random, monitors[0], first, kNoon);
  pack();
  const WallTime then = s.clock.at;
  s.clock.at = then + milliseconds(90 * kDayMs);
  pack();
  EXPECT_EQ(number("SELECT min(hour_at) FROM result_chunks"), first + 2 * kDayMs);
  EXPECT_EQ(number("SELECT count(*) FROM latency_days"), 3) << "histograms stay";
  s.clock.at = then + milliseconds((1096 + 31) * kDayMs);
  pack();
  EXPECT_EQ(number("SELECT count(*) FROM latency_days"), 0);
}

}  // namespace
}  // namespace everup::db
