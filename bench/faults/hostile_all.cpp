// All kinds of hostile server at once beside a thousand healthy monitors: each is called by its own cause, and nobody
// else notices.
//
// Two hundred hostile monitors go round the kinds of tests/support/hostile. The kinds that are certificates, bombs and
// floods cost the bench itself as much as everup: on two cores the figures hold both. Memory is the highest RSS, read
// each second, over that before.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "bench/faults/audit.h"
#include "core/outcome.h"
#include "tests/support/hostile.h"

namespace everup::bench {
namespace {

constexpr int kHealthy = 1000, kHostile = 200, kIntervalS = 10, kTimeoutMs = 5000;
constexpr std::int64_t kBytesEach = 256 * 1024;

// Turns of the workers' loops by /metrics: the longest of each second, and how many of them took more than 50 ms.
struct Turns {
  double all = 0, short_ones = 0;
};
Turns turns(House& house) {
  Turns out;
  std::istringstream page(house.service().get("/metrics").body);
  for (std::string line; std::getline(page, line);) {
    const auto value = [&] { return std::stod(line.substr(line.rfind(' ') + 1)); };
    if (line.starts_with("everup_worker_longest_turn_seconds_bucket{le=\"0.05\"}")) out.short_ones = value();
    if (line.starts_with("everup_worker_longest_turn_seconds_count")) out.all = value();
  }
  if (out.all == 0) throw std::runtime_error("/metrics tells no turns");
  return out;
}

struct Wrong {
  int kinds = 0, results = 0, silent = 0;
};
// By SQL: every result of a hostile monitor has one of the causes that are right for its kind.
Wrong wrong_causes(Run& run, const House& house, const std::vector<const test::Hostility*>& what, int first) {
  std::map<std::int64_t, std::set<int>> seen;
  std::istringstream in(house.sql("SELECT DISTINCT monitor_id, cause FROM results WHERE verdict <> 0"));
  for (std::string row; std::getline(in, row);) {
    const auto bar = row.find('|');
    seen[std::stoll(row.substr(0, bar))].insert(std::stoi(row.substr(bar + 1)));
  }
  Wrong out;
  std::set<std::string> told;
  for (std::size_t i = 0; i < what.size(); ++i) {
    const auto& causes = seen[house.watched()[static_cast<std::size_t>(first) + i].id.value];
    out.silent += causes.empty() ? 1 : 0;
    for (const int number : causes) {
      const auto cause = cause_from_number(static_cast<std::int16_t>(number));
      if (cause && std::find(what[i]->causes.begin(), what[i]->causes.end(), *cause) != what[i]->causes.end()) continue;
      ++out.results;
      if (told.insert(what[i]->name).second) {
        run.note(fmt::format("{}: {}", what[i]->name, cause ? facts(*cause).slug : "a number of no cause"));
      }
    }
  }
  out.kinds = static_cast<int>(told.size());
  return out;
}

void hostile_all(Run& run) {
  test::TempDir dir;
  test::HostileZoo zoo(dir.path());
  CountingTarget target;
  House house(run, {{"EVERUP_CA_FILE", dir.write("ca.pem", zoo.ca().pem())}});
  add_healthy(house, target, kHealthy, kIntervalS);
  const std::int64_t length_ms = run.options().brief ? 30'000 : 180'000;
  wait_ms(kIntervalS * 1000);
  const auto before = house.usage();
  const auto turns_before = turns(house);

  std::vector<Json> monitors;
  std::vector<const test::Hostility*> what;
  auto cage = zoo.cages().begin();
  for (int i = 0; i < kHostile; ++i) {
    monitors.push_back({{"target", cage->url()},
                        {"interval_s", kIntervalS},
                        {"timeout_ms", kTimeoutMs},
                        {"confirm", {{"failures", 3}, {"successes", 2}, {"retry_s", kIntervalS}}}});
    what.push_back(&cage->what);
    if (++cage == zoo.cages().end()) cage = zoo.cages().begin();
  }
  house.add(monitors);
  const std::int64_t from = wall_ms();
  Usage most = before;
  while (wall_ms() < from + length_ms) {
    wait_ms(1000);
    most.rss_bytes = std::max(most.rss_bytes, house.usage().rss_bytes);
  }
  const std::int64_t to = wall_ms() - 2 * kTimeoutMs;
  if (!house.settled(to)) throw std::runtime_error("the shards' marks do not move");

  const auto injected = fmt::format("{} monitors on {} kinds of hostile server", kHostile, zoo.cages().size());
  const auto late = lateness(target.arrivals(), house.watched(), from, to, [](int i) { return i < kHealthy; });
  run.found({injected,
             fmt::format(
                 "{} looks at {} healthy targets: lateness p50 {:.1f}, p99 {:.1f}, max {:.1f} ms, {} slots without one",
                 late.requests, kHealthy, late.p50_ms, late.p99_ms, late.max_ms, late.missed),
             "p99 <= 1000 ms, 0", late.p99_ms <= 1000 && late.missed == 0 && late.requests > 0});
  const auto turns_after = turns(house);
  const double over = (turns_after.all - turns_before.all) - (turns_after.short_ones - turns_before.short_ones);
  run.found({injected,
             fmt::format("{:.0f} of {:.0f} seconds of a worker had a turn above 50 ms", over,
                         turns_after.all - turns_before.all),
             "0", over == 0});
  const auto each = (most.rss_bytes - before.rss_bytes) / kHostile;
  run.found({injected,
             fmt::format("RSS {} → {} MB at most: {} KiB for each hostile monitor", before.rss_bytes / 1'000'000,
                         most.rss_bytes / 1'000'000, each / 1024),
             fmt::format("<= {} KiB", kBytesEach / 1024), each <= kBytesEach});
  const auto wrong = wrong_causes(run, house, what, kHealthy);
  run.found({injected,
             fmt::format("{} monitors without a result, {} with a wrong cause, of {} kinds", wrong.silent,
                         wrong.results, wrong.kinds),
             "0, 0, 0", wrong.silent == 0 && wrong.results == 0});
  const auto false_downs = house.count(
      fmt::format("SELECT count(*) FROM flips f JOIN monitors m ON m.id = f.monitor_id WHERE f.to_state = 3 AND "
                  "m.target LIKE '%:{}/%'",
                  target.port()));
  run.found({injected, fmt::format("{} healthy monitors down", false_downs), "0", false_downs == 0});
}

const Case kHostileAll{"hostile-all", 4,
                       "Two hundred monitors on all kinds of hostile server beside a thousand healthy ones.",
                       hostile_all};

}  // namespace
}  // namespace everup::bench
