// What cold storage costs: bytes a check on the disk all in, packing rate, read times, for synthetic hours (RULES A 7:
// log-normal latencies, sigma 10 % on connect and wait, 30 % on dns and transfer).
//
// Usage: ledger [monitors=100000] [hours=24] [interval_s=60]. The codec is measured in CPU time. The chunks then go by
// COPY into a table of a private cluster made for the run, one row a monitor and hour in order of its key
// (monitor, region, hour), to count what PostgreSQL adds and what reading 24 hours of one monitor takes. No table of
// the schema holds chunks yet: this is the codec's bench, and the size that a table for it would have.
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
#include "tests/support/postgres.h"

namespace {

using namespace everup;  // NOLINT(google-build-using-namespace)

constexpr WallTime kFirst{473'000 * kHourMs};
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

struct Packed {
  std::vector<std::string> chunks;
  std::size_t rows = 0, bytes = 0;
};

Packed measure_codec(std::int64_t interval_ms) {
  std::mt19937_64 random(1);
  std::vector<std::vector<ChunkRow>> hours;
  for (std::size_t i = 0; i < kTemplates; ++i) hours.push_back(steady_hour(random, interval_ms));
  Packed out;
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
  return out;
}

// "\x…", as COPY reads bytea.
std::string copy_bytes(const std::string& bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\\x";
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::int64_t number(const test::TestDatabase& database, const std::string& sql) {
  return database.sql(sql)[0][0].as<std::int64_t>();
}

void load(const test::TestDatabase& database, const Packed& packed, std::int64_t monitors, std::int64_t hours) {
  database.sql(
      "CREATE TABLE chunks (monitor_id bigint NOT NULL, hour_at bigint NOT NULL, region smallint NOT NULL, row_count "
      "smallint NOT NULL, body bytea NOT NULL)");
  database.sql("ALTER TABLE chunks ALTER body SET STORAGE EXTERNAL");  // there is nothing left to compress
  const double began = now_s();
  pqxx::connection connection(database.url());
  pqxx::work tx(connection);
  pqxx::stream_to stream(tx, "chunks",
                         std::vector<std::string>{"monitor_id", "hour_at", "region", "row_count", "body"});
  std::vector<std::string> texts;
  for (const std::string& chunk : packed.chunks) texts.push_back(copy_bytes(chunk));
  const auto rows = static_cast<std::int64_t>(packed.rows / packed.chunks.size());
  for (std::int64_t hour = 0; hour < hours; ++hour) {
    for (std::int64_t monitor = 0; monitor < monitors; ++monitor) {
      const auto which = static_cast<std::size_t>(monitor * 31 + hour * 7) % texts.size();
      stream << std::make_tuple(monitor + 1, kFirst.ms + hour * kHourMs, 1, rows, texts[which]);
    }
  }
  stream.complete();
  tx.commit();
  database.sql("CREATE UNIQUE INDEX chunks_key ON chunks (monitor_id, region, hour_at)");
  const auto checks = static_cast<double>(monitors * hours) * static_cast<double>(packed.rows) /
                      static_cast<double>(packed.chunks.size());
  const std::int64_t heap = number(database, "SELECT pg_table_size('chunks')"),
                     index = number(database, "SELECT pg_indexes_size('chunks')");
  std::printf("table     %6.2f bytes a check (heap %.2f, index %.2f)   %.0f checks in %lld chunks, stored in %.1f s\n",
              static_cast<double>(heap + index) / checks, static_cast<double>(heap) / checks,
              static_cast<double>(index) / checks, checks, static_cast<long long>(monitors * hours), now_s() - began);
  std::fflush(stdout);
}

void read(const test::TestDatabase& database, std::int64_t monitors, std::int64_t hours) {
  database.sql("VACUUM ANALYZE chunks");
  pqxx::connection connection(database.url());
  connection.prepare("day",
                     "SELECT body FROM chunks WHERE monitor_id = $1 AND region = 1::smallint AND hour_at >= $2 AND "
                     "hour_at < $3 ORDER BY hour_at");
  std::mt19937_64 random(2);
  std::vector<double> took;
  std::size_t rows = 0;
  for (int i = 0; i < kReads; ++i) {
    const auto monitor = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(monitors)) + 1;
    const double began = now_s();
    pqxx::work tx(connection);
    for (const auto& row : tx.exec_prepared("day", monitor, kFirst.ms, kFirst.ms + hours * kHourMs)) {
      const pqxx::binarystring body(row[0]);
      rows += test::must(unpack_chunk(kFirst, {body.get(), body.size()})).size();
    }
    took.push_back((now_s() - began) * 1000);
  }
  std::sort(took.begin(), took.end());
  std::printf("reading %lld hours of one monitor, %zu results: p50 %.2f, p99 %.2f, max %.2f ms\n",
              static_cast<long long>(hours), rows / kReads, took[took.size() / 2], took[took.size() * 99 / 100],
              took.back());
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t monitors = argc > 1 ? std::atoll(argv[1]) : 100'000, hours = argc > 2 ? std::atoll(argv[2]) : 24;
  const std::int64_t interval_s = argc > 3 ? std::atoll(argv[3]) : 60;
  if (monitors < 1 || hours < 1 || hours > 1'000 || interval_s < 1 || interval_s > 3'600) {
    std::fprintf(stderr, "usage: ledger [monitors=100000] [hours=24] [interval_s=60]\n");
    return 2;
  }
  const Packed packed = measure_codec(interval_s * 1'000);
  const test::TestDatabase database;
  load(database, packed, monitors, hours);
  read(database, monitors, hours);
  return 0;
}
