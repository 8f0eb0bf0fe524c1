// What the recorder costs per look: CPU of its thread and of the PostgreSQL backend, batches of 2 000 rows with 1 %
// flips and the marks of 256 shards, on a private cluster made for the run. Usage: recorder_bench [batches=100]
// [rows=2000]
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "db/batch_codec.h"
#include "db/monitor_source.h"
#include "db/recorder_sql.h"
#include "tests/recorder/samples.h"
#include "tests/support/postgres.h"

namespace {

using namespace everup;      // NOLINT(google-build-using-namespace)
using namespace everup::db;  // NOLINT(google-build-using-namespace)

// User and system time of a process so far, in µs.
double cpu_us(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string word;
  double ticks = 0;
  for (int i = 1; i <= 15 && stat >> word; ++i) {
    if (i >= 14) ticks += std::strtod(word.c_str(), nullptr);
  }
  return ticks * 1e6 / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double thread_cpu_us() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

// Batch number n: `rows` looks of as many monitors, one in a hundred flips.
Batch batch_of(int n, int rows) {
  Batch batch;
  batch.seq = n + 1;
  const std::int64_t slot = db::test::kNoonMs + n * 1000;
  batch.closed_at = WallTime{slot + 900};
  for (int i = 0; i < rows; ++i) {
    Observation o = db::test::look_of(1'000'000 + static_cast<std::int64_t>(i) * 37, slot + i % 1000);
    if (i % 100 == n % 100) {
      const std::int32_t version = n / 100;
      o.conclusion = db::test::conclusion_of(version, version % 2 == 0 ? State::kUp : State::kDown, slot);
    }
    batch.observations.push_back(std::move(o));
  }
  for (Shard shard = 0; shard < kShards; ++shard) batch.marks.push_back({kLocalRegion, shard, 1, 1, WallTime{slot}});
  return batch;
}

template <class T>
T need(Result<T> result) {
  if (result) return *std::move(result);
  std::cerr << result.error().what << "\n";
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  const int batches = argc > 1 ? std::atoi(argv[1]) : 100, rows = argc > 2 ? std::atoi(argv[2]) : 2000;
  everup::test::TestDatabase database;
  database.sql("SELECT ensure_partition(" + std::to_string(db::test::kNoonMs) + ")");
  database.sql(
      "INSERT INTO leases SELECT 1, s, 'node', 'boot', 1, 1, now() + interval '1 day' FROM generate_series(0, 255) s");
  const auto session = database.session(Role::kWorker);
  need(prepare_recorder_session(*session, milliseconds(5000), "node/boot"));
  for (const bool replay : {false, true}) {
    double client = 0, encode = 0;
    std::size_t bytes = 0;
    const double server = cpu_us(session->backend_pid());
    for (int n = 0; n < batches; ++n) {
      Batch batch = batch_of(n + (replay ? batches : 0), rows);
      const double start = thread_cpu_us();
      need(apply_batch(*session, milliseconds(60'000), {"node", "boot"}, "node/boot", batch, replay, batch.closed_at));
      client += thread_cpu_us() - start;
      const double before = thread_cpu_us();
      bytes += encode_batch(batch).size();
      encode += thread_cpu_us() - before;
    }
    const double all = static_cast<double>(batches) * rows;
    std::printf("%s: per row: PostgreSQL %.2f us, client %.2f us; spool encoding %.2f us, %.1f bytes\n",
                replay ? "replay" : "live", (cpu_us(session->backend_pid()) - server) / all, client / all, encode / all,
                static_cast<double>(bytes) / all);
  }
  // What the scheduler waits for at its start: every shard of 100 000 monitors.
  database.sql("INSERT INTO accounts VALUES (1, 'a', 'UTC', 1)");
  database.sql(
      "INSERT INTO monitors (id, account_id, slug, name, target, kind, interval_s, timeout_ms, confirm, "
      "badge_token, report_token, shard, created_at, updated_at, revised_at) SELECT i, 1, 'm' || i, 'm', "
      "'https://example.com/' || i, 2, 60, 10000, '{\"failures\":3,\"successes\":2,\"retry_s\":10}', 'b' || i, "
      "'r' || i, i % 256, 1, 1, 1 FROM generate_series(1, 100000) i");
  MonitorSourceOptions options;
  options.connect = database.connector(Role::kWorker);
  options.node = "node", options.boot = "boot";
  const auto source = make_monitor_source(options);
  need(source->hold_shards());
  std::size_t loaded = 0;
  const auto start = std::chrono::steady_clock::now();
  for (Shard shard = 0; shard < kShards; ++shard) {
    need(source->load(shard, [&](ScheduledMonitor&&) { ++loaded; }));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("load: %zu monitors in %.2f s\n", loaded, took.count());
  return 0;
}
