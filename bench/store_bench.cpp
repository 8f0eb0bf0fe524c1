// What the api's stores cost with one large account: bulk, lists in every sort, a monitor, its results, its ledger, its
// badge, on a private cluster made for the run.
//
// Usage: store_bench [monitors=100000] [rounds=100] [hold]. Results: 20 minutes of looks of every monitor, 30 days of
// the ten first, in 100 daily partitions. With "hold" it prints the database's URL at the end and waits for a line on
// stdin, for EXPLAIN by hand. The figures are wall time of the whole call (a transaction over a unix socket, rows
// parsed).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "tests/db/stores.h"

namespace {

using namespace everup;      // NOLINT(google-build-using-namespace)
using namespace everup::db;  // NOLINT(google-build-using-namespace)
using test::must;

constexpr std::int64_t kMinute = 60'000, kBusy = 10, kBusyDays = 30, kPastDays = 92, kChanges = 100;

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Bench {
  explicit Bench(int rounds_of) : rounds(rounds_of) {}
  // Runs `work(i)` `rounds` times after three unmeasured ones and prints the spread.
  void measure(const std::string& what, const std::function<void(int)>& work) const {
    for (int i = 0; i < 3; ++i) work(i);
    std::vector<double> took;
    for (int i = 0; i < rounds; ++i) {
      const double begin = now_ms();
      work(i);
      took.push_back(now_ms() - begin);
    }
    print(what, std::move(took));
  }
  static void print(const std::string& what, std::vector<double> took) {
    std::sort(took.begin(), took.end());
    std::printf("%-34s n %4zu   p50 %8.2f   p99 %8.2f   max %8.2f ms\n", what.c_str(), took.size(),
                took[took.size() / 2], took[(took.size() - 1) * 99 / 100], took.back());
    std::fflush(stdout);
  }
  int rounds;
};

std::vector<MonitorId> load_monitors(Stores& s, int monitors) {
  std::vector<MonitorId> ids;
  std::vector<double> took;
  while (static_cast<int>(ids.size()) < monitors) {
    std::vector<MonitorDraft> drafts;
    const int some = std::min(10'000, monitors - static_cast<int>(ids.size()));
    for (int i = 0; i < some; ++i) {
      const std::string number = std::to_string(ids.size() + static_cast<std::size_t>(i));
      drafts.push_back(draft_of("http://127.0.0.1/" + number, "Load " + number));
      drafts.back().tags = {"load", i % 100 == 0 ? "rare" : "common"};
      drafts.back().paused = i % 500 == 499;
    }
    const double begin = now_ms();
    const auto made = must(s.monitors.create_bulk(s.a, drafts));
    took.push_back(now_ms() - begin);
    ids.insert(ids.end(), made.begin(), made.end());
  }
  Bench::print("create_bulk of 10 000", std::move(took));
  return ids;
}

// What a recorder would have left: standings and spans of all but every 1 000th, 1 % down, marks, results, changes.
void load_history(Stores& s, const std::vector<MonitorId>& ids, std::int64_t now) {
  const std::string noon = std::to_string(now), busy_end = std::to_string(ids[kBusy - 1].value);
  for (std::int64_t day = -kPastDays; day <= 7; ++day) s.partition(now + day * kDayMs);
  s.database.sql("INSERT INTO shard_marks SELECT 1, n, " + noon + " FROM generate_series(0, 255) n");
  s.database.sql(
      "INSERT INTO standings SELECT id, 1, 1, CASE WHEN n % 100 = 7 THEN 3 ELSE 1 END, CASE WHEN n % 100 = 7 "
      "THEN 3 ELSE 1 END, " +
      noon + " - n % 5000 * 1000, " + noon +
      " - n % 5000 * 1000, NULL FROM (SELECT id, "
      "row_number() OVER (ORDER BY id) AS n FROM monitors) m WHERE n % 1000 <> 999");
  s.database.sql("INSERT INTO spans SELECT monitor_id, 1, booked_since, NULL, booked, 0, 0 FROM standings");
  s.database.sql(
      "INSERT INTO spans SELECT monitor_id, 1, booked_since - 1000000, booked_since, 1, 0, 0 FROM standings WHERE "
      "booked = 3");
  s.database.sql("INSERT INTO spans SELECT " + std::to_string(ids[0].value) + ", 1, " + noon +
                 " - (400 - n) * 86400000::bigint, " + noon +
                 " - (400 - n) * 86400000::bigint + 86400000, 1 + n % 2 * 2, 0, 0 FROM generate_series(0, " +
                 std::to_string(3 * kChanges) + ") n");
  s.database.sql("INSERT INTO gaps SELECT 0, 1, n % 256, " + noon + " - n * 100000, " + noon +
                 " - n * 100000 + 5000, 5, true "
                 "FROM generate_series(1, 2000) n");
  const std::string row =
      ", 12, 1, 2, 3, 4, 5, 15000, 1, 0, 1, 200, 1, CASE WHEN t % 97 = 0 THEN 3 ELSE 1 END, 1, 0, 1, NULL ";
  s.database.sql("INSERT INTO results SELECT m.id, " + noon + " - t * 60000::bigint" + row +
                 "FROM generate_series(1, 20) t, monitors m WHERE m.id > " + busy_end);
  s.database.sql("INSERT INTO results SELECT m.id, " + noon + " - t * 60000::bigint" + row +
                 "FROM generate_series(1, " + std::to_string(kBusyDays * 1440) +
                 ") t, monitors m WHERE m.id <= " + busy_end);
}

void measure_lists(const Bench& bench, Stores& s) {
  for (const auto& [word, sort] : {std::pair<const char*, MonitorSort>{"id", MonitorSort::kId},
                                   {"name", MonitorSort::kName},
                                   {"created_at", MonitorSort::kCreatedAt},
                                   {"state", MonitorSort::kState},
                                   {"since", MonitorSort::kSince}}) {
    MonitorQuery query;
    query.sort = sort;
    bench.measure(std::string("list limit=50 sort=") + word, [&](int) { must(s.monitors.list(s.a, query)); });
    bench.measure(std::string("  its following pages"),
                  [&](int) { query.cursor = must(s.monitors.list(s.a, query)).next_cursor.value_or(""); });
  }
  MonitorQuery query;
  query.state = State::kDown;
  bench.measure("list state=down", [&](int) { must(s.monitors.list(s.a, query)); });
  query.state = State::kUnknown;
  bench.measure("list state=unknown", [&](int) { must(s.monitors.list(s.a, query)); });
  query = {};
  query.q = "load 9999";
  bench.measure("list q=", [&](int) { must(s.monitors.list(s.a, query)); });
  query = {};
  query.tags = {"rare"};
  bench.measure("list tag=rare", [&](int) { must(s.monitors.list(s.a, query)); });
  bench.measure("count", [&](int) { must(s.monitors.count(s.a)); });
}

void measure_one(const Bench& bench, Stores& s, const std::vector<MonitorId>& ids, WallTime now) {
  const auto any = [&](int i) { return to_string(ids[static_cast<std::size_t>(i) * 7919 % ids.size()]); };
  const auto busy = [&](int i) { return to_string(ids[static_cast<std::size_t>(i) % kBusy]); };
  const WallTime day{now.ms - kDayMs}, year{now.ms - 365 * kDayMs};
  bench.measure("find by id", [&](int i) { must(s.monitors.find(s.a, any(i))); });
  bench.measure("find by slug", [&](int i) { must(s.monitors.find(s.a, "load-" + std::to_string(i * 97))); });
  ResultsQuery query;
  bench.measure("results limit=50", [&](int i) { must(s.ledger.results(s.a, busy(i), query)); });
  query.evidence = true;
  bench.measure("results limit=50 with evidence", [&](int i) { must(s.ledger.results(s.a, busy(i), query)); });
  query.evidence = false;
  query.limit = 1440, query.from = day, query.to = now;
  bench.measure("results of 24 h, 1440 rows", [&](int i) { must(s.ledger.results(s.a, busy(i), query)); });
  bench.measure("latencies of 24 h", [&](int i) { must(s.ledger.latencies(s.a, busy(i), {day, now})); });
  bench.measure("ledger of 24 h", [&](int i) { must(s.ledger.ledger(s.a, any(i), day, now)); });
  bench.measure("ledger of 365 d, 300 changes", [&](int) { must(s.ledger.ledger(s.a, to_string(ids[0]), year, now)); });
  bench.measure("ledgers of 50, 30 d", [&](int i) {
    const auto first = ids.begin() + i * 37 % static_cast<std::int64_t>(ids.size() - 50);
    must(s.ledger.ledgers(s.a, {first, first + 50}, WallTime{now.ms - 30 * kDayMs}, now));
  });
  std::vector<std::string> badges, reports;
  for (int i = 0; i < bench.rounds; ++i) {
    const auto monitor = must(s.monitors.find(s.a, any(i))).monitor;
    badges.push_back(monitor.badge_token), reports.push_back(monitor.report_token);
  }
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  bench.measure("by badge token, 24 h",
                [&](int i) { must(s.ledger.by_token(TokenKind::kBadge, badges[at(i)], day, now)); });
  bench.measure("by report token, 365 d",
                [&](int i) { must(s.ledger.by_token(TokenKind::kReport, reports[at(i)], year, now)); });
  bench.measure("latencies by token, 24 h", [&](int) {
    must(s.ledger.latencies_by_token(TokenKind::kReport, reports[0], {day, now}));
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int monitors = argc > 1 ? std::atoi(argv[1]) : 100'000, rounds = argc > 2 ? std::atoi(argv[2]) : 100;
  if (monitors < 1000 || rounds < 1) {
    std::fputs("usage: store_bench [monitors=100000] [rounds=100] [hold]\n", stderr);
    return 2;
  }
  try {
    Stores s;
    const Bench bench(rounds);
    const auto ids = load_monitors(s, monitors);
    const double begin = now_ms();
    load_history(s, ids, kNoon);
    std::printf("history loaded in %.1f s\n", (now_ms() - begin) / 1000);
    measure_one(Bench(10), s, ids, s.clock.at);  // as right after a bulk load, when nobody has counted anything yet
    s.database.sql("VACUUM ANALYZE");
    std::puts("---- after VACUUM ANALYZE");
    measure_one(bench, s, ids, s.clock.at);
    measure_lists(bench, s);
    if (argc > 3 && std::string(argv[3]) == "hold") {
      std::printf("%s\n", s.database.url().c_str());
      std::fflush(stdout);
      std::cin.get();
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "store_bench: %s\n", e.what());
    return 1;
  }
  return 0;
}
