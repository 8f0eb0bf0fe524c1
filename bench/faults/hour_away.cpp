// Point 1: PostgreSQL is away for an hour of 1 000 results a second. The hour is fed to the recorder as fast as its
// queue takes it; then PostgreSQL comes back and live results go on in real time beside the replay.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <pqxx/pqxx>
#include <string>
#include <thread>
#include <utility>

#include "bench/faults/fault.h"
#include "bench/faults/house.h"
#include "bench/faults/shared_postgres.h"
#include "bench/process.h"
#include "core/clock.h"
#include "db/migrate.h"
#include "db/recorder.h"
#include "db/session.h"
#include "tests/recorder/samples.h"

namespace everup::bench {
namespace {

constexpr int kPerSecond = 1'000, kMonitors = 60'000;
constexpr std::int64_t kBase = db::test::kNoonMs;

class FixedClock final : public Clock {
 public:
  Now now() const override { return {WallTime{kBase}, Instant{}}; }
};

// Result number n of second s: 60 000 monitors, each once a minute.
Observation result_of(std::int64_t second, int n) {
  const std::int64_t monitor = second % (kMonitors / kPerSecond) * kPerSecond + n + 1;
  return db::test::look_of(monitor, kBase + second * 1'000 + n % 1'000);
}

// One second of results and its marks; waits while the queue is full. Results refused for good are never counted.
void offer_second(db::Recorder& recorder, std::int64_t second) {
  for (int n = 0; n < kPerSecond; ++n) {
    while (!recorder.offer(result_of(second, n))) wait_ms(1);
  }
  std::vector<ShardMark> marks;
  for (Shard shard = 0; shard < kShards; ++shard) {
    marks.push_back({kLocalRegion, shard, 1, 1, WallTime{kBase + second * 1'000}});
  }
  while (!recorder.offer(std::vector<ShardMark>(marks))) wait_ms(1);
}

std::string sql(const std::string& url, const std::string& text) {
  pqxx::connection connection(url);
  const auto rows = pqxx::nontransaction(connection).exec(text);
  return rows.empty() ? std::string() : rows[0][0].c_str();
}

void hour_away(Run& run) {
  const std::int64_t away_s = run.options().brief ? 120 : 3'600;
  const auto injected = fmt::format("PostgreSQL away for {} s of 1 000 results a second", away_s);
  SharedPostgres postgres;
  auto migrated = db::migrate({postgres.url(), "", false}, WallTime{1'000});
  if (!migrated) throw std::runtime_error(migrated.error().what);
  sql(postgres.url(), fmt::format("SELECT ensure_partition({})", kBase));
  sql(postgres.url(),
      "INSERT INTO leases SELECT 1, s, 'node', 'boot', 1, 1, now() + interval '1 day' FROM generate_series(0, 255) s");
  const test::TempDir dir;
  const FixedClock clock;
  db::RecorderOptions options;
  options.connect = [access = migrated->access] { return db::Session::open(access, db::Role::kWorker, "hour away"); };
  options.clock = &clock;
  options.node = "node", options.boot = "boot";
  options.spool_directory = dir.file("spool");
  options.batch_rows_max = kPerSecond;  // the batches of a real second
  auto recorder = db::Recorder::start(options);
  if (!recorder) throw std::runtime_error(recorder.error().what);
  offer_second(**recorder, 0);
  if (!(*recorder)->drained(milliseconds(30'000))) throw std::runtime_error("nothing is stored to begin with");

  postgres.stop();
  const auto rss_before = rss_bytes(getpid());
  auto rss_most = rss_before;
  std::int64_t second = 1;
  for (; second <= away_s; ++second) {
    offer_second(**recorder, second);
    rss_most = std::max(rss_most, rss_bytes(getpid()));
  }
  const auto spool = (*recorder)->stats().spool_bytes;
  postgres.start();

  const auto back = wall_ms();
  std::int64_t live = 0, slowest_ms = 0;
  while ((*recorder)->stats().spool_bytes > 0 && live < 900) {
    const auto due = back + live * 1'000;
    if (wall_ms() < due) wait_ms(due - wall_ms());
    offer_second(**recorder, second++);
    slowest_ms = std::max(slowest_ms, wall_ms() - due);
    ++live;
    rss_most = std::max(rss_most, rss_bytes(getpid()));
  }
  const double replay_s = static_cast<double>(wall_ms() - back) / 1000;
  const bool drained = (*recorder)->drained(milliseconds(60'000));
  const std::int64_t offered = second * kPerSecond;
  const auto stored =
      sql(postgres.url(), "SELECT count(*) || ' ' || count(DISTINCT (monitor_id, slot_at)) FROM results");
  const auto mark = sql(postgres.url(), "SELECT min(observed_through) FROM shard_marks");
  run.found({injected,
             fmt::format("{} offered; rows and different keys stored: {}; the spool held {:.0f} MB", offered, stored,
                         static_cast<double>(spool) / 1e6),
             "nothing lost, nothing twice", drained && stored == fmt::format("{0} {0}", offered)});
  run.found({injected, fmt::format("every shard's mark at second {}", (std::stoll(mark) - kBase) / 1'000),
             fmt::format("{}", second - 1), std::stoll(mark) == kBase + (second - 1) * 1'000});
#ifdef __SANITIZE_ADDRESS__
  run.note("memory is not judged under a sanitizer");
#else
  run.found({injected, fmt::format("RSS {:+.1f} MiB", static_cast<double>(rss_most - rss_before) / (1 << 20)),
             "+64 MiB at most", rss_most - rss_before <= 64LL << 20});
#endif
  const double times = static_cast<double>(away_s) / std::max(replay_s, 0.001);
  const auto speed = fmt::format(
      "replayed in {:.1f} s, {:.0f} times real time, beside {} s of live results, of which "
      "the slowest was offered in {} ms",
      replay_s, times, live, slowest_ms);
  if (run.options().brief) return run.note(speed);
  run.found({injected, speed, "10 times real time", times >= 10 && live < 900});
}

const Case kHourAway{"hour-away", 1, "PostgreSQL is away for an hour at 1 000 results a second.", hour_away};

}  // namespace
}  // namespace everup::bench
