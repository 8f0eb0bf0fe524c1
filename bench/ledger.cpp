// What cold storage costs: bytes a check on the disk all in, packing rate, read times, for synthetic hours (RULES A 7:
// log-normal latencies, sigma 10 % on connect and wait, 30 % on dns and transfer).
//
// Usage: ledger [monitors=5000] [interval_s=60]. The codec is measured in CPU time. Then a day of every monitor's
// results is put into the real tables of a private cluster made for the run (fsync off), the keeper packs and tallies
// it, and the stores read it back through the api's role: one monitor's 24 hours, and a series of 365 days.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "core/chunk.h"
#include "db/keeper.h"
#include "tests/db/stores.h"

namespace {

using namespace everup;  // NOLINT(google-build-using-namespace)

constexpr WallTime kFirst{20'000 * kDayMs};
constexpr std::size_t kTemplates = 512;  // hours that the monitors' are drawn from
constexpr int kReads = 1'000;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Of this process: what the codec costs, whoever else uses the machine.
double cpu_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::vector<ChunkRow> steady_hour(std::mt19937_64& random, std::int64_t interval_ms) {
  const auto about = [&](double middle, double sigma) {
    return static_cast<std::int32_t>(middle * std::exp(std::normal_distribution<double>(0, sigma)(random)));
  };
  const double distance = std::exp(std::normal_distribution<double>(0, 1)(random));
  std::vector<ChunkRow> rows;
  for (auto at = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(interval_ms)); at < kHourMs;
       at += interval_ms) {
    ChunkRow row;
    row.slot_at = kFirst + milliseconds(at);
    row.start_ms = static_cast<std::int32_t>(random() % 16);
    row.phase_us = {
        about(900, 0.3), about(9'000 * distance, 0.1), -1, about(30'000 * distance, 0.1), about(600, 0.3), 0};
    for (std::size_t p = 0; p < 5; ++p) row.phase_us[5] += std::max(0, row.phase_us[p]);
    row.phase_us[5] += static_cast<std::int32_t>(random() % 60);
    row.verdict = 1, row.trigger = 1, row.code = 200;
    rows.push_back(row);
  }
  return rows;
}

std::vector<std::vector<ChunkRow>> measure_codec(std::int64_t interval_ms) {
  std::mt19937_64 random(1);
  std::vector<std::vector<ChunkRow>> hours;
  for (std::size_t i = 0; i < kTemplates; ++i) hours.push_back(steady_hour(random, interval_ms));
  struct {
    std::vector<std::string> chunks;
    std::size_t rows = 0, bytes = 0;
  } out;
  double began = cpu_s();
  for (const auto& hour : hours) out.chunks.push_back(test::must(pack_chunk(kFirst, hour)));
  const double packing = cpu_s() - began;
  for (const auto& hour : hours) out.rows += hour.size();
  for (const std::string& chunk : out.chunks) out.bytes += chunk.size();
  began = cpu_s();
  std::size_t read = 0;
  for (const std::string& chunk : out.chunks) read += test::must(unpack_chunk(kFirst, chunk)).size();
  const double reading = cpu_s() - began;
  std::printf("codec     %6.2f bytes a check   packing %9.0f results/s   unpacking %9.0f results/s (of CPU)\n",
              static_cast<double>(out.bytes) / static_cast<double>(out.rows), static_cast<double>(out.rows) / packing,
              static_cast<double>(read) / reading);
  std::fflush(stdout);
  return hours;
}

double number(const db::Stores& s, const std::string& sql) { return s.database.sql(sql)[0][0].as<double>(); }
double wal(const db::Stores& s) { return number(s, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"); }

// Of the tables whose names begin so.
double size(const db::Stores& s, const std::string& begin, const std::string& of) {
  return number(s, "SELECT coalesce(sum(" + of + "(oid)), 0) FROM pg_class WHERE relkind = 'r' AND relname ~ '^" +
                       begin + "_[0-9_]+$'");
}

struct DayEnd final : Clock {
  Now now() const override {
    return {kFirst + milliseconds(kDayMs + 4 * kHourMs), Instant{static_cast<std::int64_t>(now_s() * 1e9)}};
  }
};

void load_templates(const db::Stores& s, const std::vector<std::vector<ChunkRow>>& hours) {
  s.database.sql("CREATE TABLE template (hour int, at bigint, start_ms int, us int[])");
  pqxx::connection connection(s.database.url());
  pqxx::work tx(connection);
  pqxx::stream_to stream(tx, "template", std::vector<std::string>{"hour", "at", "start_ms", "us"});
  for (std::size_t i = 0; i < hours.size(); ++i) {
    for (const ChunkRow& row : hours[i]) {
      std::string us = "{";
      for (const std::int32_t one : row.phase_us) us += std::to_string(one) + ",";
      us.back() = '}';
      stream << std::make_tuple(i, row.slot_at.ms - kFirst.ms, row.start_ms, us);
    }
  }
  stream.complete();
  tx.commit();
}

// A day of every monitor as a recorder leaves it: rows in the order of their time. Answers how many.
double load(const db::Stores& s, const std::vector<std::vector<ChunkRow>>& hours) {
  s.database.sql("SELECT ensure_partition(" + std::to_string(kFirst.ms) + ")");
  load_templates(s, hours);
  const double before = wal(s);
  for (int hour = 0; hour < 24; ++hour) {
    s.database.sql(
        "INSERT INTO results SELECT m.id, " + std::to_string(kFirst.ms + hour * kHourMs) +
        " + t.at, t.start_ms, t.us[1], t.us[2], t.us[3], t.us[4], t.us[5], t.us[6], 1, 0, 1, 200, 1, 1, 1, 0, 1, NULL "
        "FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM bench_ids) m JOIN template t ON t.hour = (m.n * 31 "
        "+ " +
        std::to_string(hour * 7) + ") % " + std::to_string(kTemplates) + " ORDER BY t.at / 1000, m.id");
  }
  const double rows = number(s, "SELECT count(*) FROM results"), heap = size(s, "results", "pg_table_size"),
               index = size(s, "results", "pg_indexes_size");
  std::printf("rows      %6.2f bytes a check (heap %.2f, index %.2f) and %.2f of WAL   %.0f checks\n",
              (heap + index) / rows, heap / rows, index / rows, (wal(s) - before) / rows, rows);
  std::fflush(stdout);
  return rows;
}

void pack(const db::Stores& s, double rows) {
  const DayEnd clock;
  db::KeeperOptions options;
  options.connect = s.database.connector(db::Role::kOwner);
  options.clock = &clock;
  options.packing.budget = milliseconds(3'600'000);
  s.database.sql("ANALYZE results");
  const double before = wal(s), began = now_s(), began_cpu = cpu_s();
  const db::Compacted packed = test::must(db::keep(options)).packed;
  const double took = now_s() - began, cpu = cpu_s() - began_cpu;
  const double heap = size(s, "result_chunks", "pg_table_size"), index = size(s, "result_chunks", "pg_indexes_size"),
               days = size(s, "latency_days", "pg_total_relation_size");
  std::printf("tables    %6.2f bytes a check (chunks: heap %.2f, index %.2f; latencies %.2f) and %.2f of WAL\n",
              (heap + index + days) / rows, heap / rows, index / rows, days / rows, (wal(s) - before) / rows);
  std::printf(
      "packing   %9.0f results/s through PostgreSQL, %lld chunks, days tallied (%.1f s; %.1f s of it CPU of the "
      "keeper)\n",
      static_cast<double>(packed.rows) / took, static_cast<long long>(packed.chunks), took, cpu);
  std::fflush(stdout);
}

template <class Read>
void measure(const char* what, int times, Read read) {
  std::vector<double> took;
  std::size_t rows = 0;
  for (int i = 0; i < times; ++i) {
    const double began = now_s();
    rows += read(static_cast<std::size_t>(i));
    took.push_back((now_s() - began) * 1000);
  }
  std::sort(took.begin(), took.end());
  std::printf("reading   %s, %zu: p50 %.2f, p99 %.2f, max %.2f ms\n", what, rows / took.size(), took[took.size() / 2],
              took[took.size() * 99 / 100], took.back());
  std::fflush(stdout);
}

void read(db::Stores& s, const std::vector<MonitorId>& monitors) {
  s.database.sql("TRUNCATE results");  // what is packed is dead
  s.database.sql("SELECT ensure_latencies(" + std::to_string(kFirst.ms) +
                 " - d * 86400000::bigint) FROM generate_series(0, 365) d");
  s.database.sql(
      "INSERT INTO latency_days SELECT monitor_id, day_at - d * 86400000::bigint, region, day, hours FROM "
      "latency_days, "
      "generate_series(1, 365) d WHERE monitor_id IN (SELECT id FROM bench_ids ORDER BY id LIMIT 50)");
  s.database.sql("VACUUM ANALYZE");
  const auto any = [&](std::size_t i) { return to_string(monitors[i * 7919 % monitors.size()]); };
  const Span day{kFirst, kFirst + milliseconds(kDayMs)};
  db::ResultsQuery query;
  query.limit = db::LedgerStore::kResultsMax, query.from = day.from, query.to = day.to;
  measure("24 h of one monitor, results", kReads,
          [&](std::size_t i) { return test::must(s.ledger.results(s.a, any(i), query)).rows.size(); });
  measure("24 h of one monitor, latencies", kReads,
          [&](std::size_t i) { return test::must(s.ledger.latencies(s.a, any(i), day)).size(); });
  const Span year{kFirst - milliseconds(364 * kDayMs), day.to};
  const auto series = [&](std::size_t i, std::int64_t step) {
    return test::must(s.ledger.series(s.a, to_string(monitors[i % 50]), year, year.from, milliseconds(step))).size();
  };
  measure("365 days by days, histograms", 200, [&](std::size_t i) { return series(i, kDayMs); });
  measure("365 days by 6 hours, histograms", 200, [&](std::size_t i) { return series(i, 6 * kHourMs); });
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t monitors = argc > 1 ? std::atoll(argv[1]) : 5'000,
                     interval_s = argc > 2 ? std::atoll(argv[2]) : 60;
  if (monitors < 50 || monitors > 1'000'000 || interval_s < 1 || interval_s > 3'600) {
    std::fprintf(stderr, "usage: ledger [monitors=5000] [interval_s=60]\n");
    return 2;
  }
  const auto hours = measure_codec(interval_s * 1'000);
  db::Stores s;
  std::vector<MonitorId> ids;
  for (std::int64_t n = 0; n < monitors; n += 1000) {
    std::vector<MonitorDraft> drafts;
    for (std::int64_t i = n; i < std::min(n + 1000, monitors); ++i)
      drafts.push_back(db::draft_of("https://x.example/", "m" + std::to_string(i)));
    for (const MonitorId id : test::must(s.monitors.create_bulk(s.a, drafts))) ids.push_back(id);
  }
  s.database.sql("CREATE TABLE bench_ids AS SELECT id FROM monitors");
  pack(s, load(s, hours));
  read(s, ids);
  return 0;
}
