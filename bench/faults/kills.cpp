// Points 2 and 10: everup killed at random points of its life, and two nodes on one database of which one is stopped or
// killed.

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <vector>

#include "bench/faults/audit.h"
#include "bench/faults/shared_postgres.h"

namespace everup::bench {
namespace {

std::int64_t first_after(const CountingTarget& target, std::int64_t at_ms) {
  std::int64_t first = 0;
  for (const Arrival& arrival : target.arrivals()) {
    const auto ms = arrival.at_us / 1000;
    if (ms >= at_ms && (first == 0 || ms < first)) first = ms;
  }
  return first;
}

// Monitors that have a state other than unknown at an instant.
std::int64_t states_at(const House& house, std::int64_t at_ms) {
  return house.count(fmt::format(
      "SELECT count(*) FROM spans WHERE state <> 4 AND from_at <= {0} AND (to_at IS NULL OR to_at > {0})", at_ms));
}

struct Killed {
  std::int64_t at_ms = 0, start_ms = 0, back_ms = 0;  // back: the first look at the target
};

void kill_nine(Run& run) {
  const bool brief = run.options().brief;
  const std::string injected = "everup killed with SIGKILL";
  constexpr int kIntervalS = 1;
  std::mt19937_64 random(run.options().seed);
  std::uniform_int_distribution<int> living_ms(500, 8'000), starting_ms(0, 1'500);
  CountingTarget target;
  House house(run);
  add_healthy(house, target, brief ? 50 : 200, kIntervalS);
  const auto from = wall_ms();
  std::vector<Killed> kills;
  std::int64_t longest_ms = 0, lost = 0;
  for (int cycle = 0; cycle < (brief ? 3 : 30); ++cycle) {
    wait_ms(living_ms(random));
    const auto before_ms = wall_ms() - 3'000;
    const auto stored = fmt::format("SELECT count(*) FROM results WHERE slot_at < {}", before_ms);
    const auto had = house.count(stored);
    Killed killed;
    house.stop(SIGKILL);
    killed.at_ms = wall_ms();                          // until here it may have looked
    for (int again = cycle % 3; again > 0; --again) {  // and once or twice while it starts
      house.service().launch();
      wait_ms(starting_ms(random));
      house.stop(SIGKILL);
      killed.at_ms = wall_ms();
    }
    const auto start = wall_ms();
    house.start();
    longest_ms = std::max(longest_ms, wall_ms() - start);
    killed.start_ms = start;
    if (!test::until([&] { return (killed.back_ms = first_after(target, start)) != 0; })) {
      throw std::runtime_error("no look after the start");
    }
    lost += had - house.count(stored);
    kills.push_back(killed);
  }
  wait_ms(3'000);
  const auto to = wall_ms();
  const auto took =
      fmt::format("{} kills; ready again after {:.1f} s at most", kills.size(), static_cast<double>(longest_ms) / 1000);
  run.found({injected, took, "private cluster and everup are back within 10 s", longest_ms <= 10'000});
  run.found({injected, fmt::format("{} stored results are gone", lost), "0", lost == 0});
  Audit audit{injected};
  audit.gaps_allowed = true;
  audit_slots(run, house, target, audit, from, to);
  amended(house);
  // Two seconds of memory may hold looks that nobody stored; from then to the first look again nobody saw anything.
  std::int64_t lied = 0, asked = 0;
  for (const Killed& killed : kills) {
    // A look begins before its target hears of it, by much on a busy machine: the stored one tells when.
    const auto looked = house.count(fmt::format(
        "SELECT coalesce(min(slot_at + start_ms), {0}) FROM results WHERE verdict <> 0 AND slot_at + start_ms "
        "BETWEEN {1} AND {0}",
        killed.back_ms, killed.start_ms));
    const auto at = looked - 200;
    if (at < killed.at_ms + 1'000LL * kIntervalS + 200) continue;
    ++asked;
    lied += states_at(house, at);
  }
  run.found({injected, fmt::format("{} monitors had a state while nobody looked, at {} instants", lied, asked), "0",
             lied == 0});
  audit_no_down(run, house, injected);
  audit_spans(run, house, injected);
  run.note(fmt::format("everup ended with {}", house.stop()));
}

// Two nodes on one database; the first one holds every shard.
struct Pair {
  SharedPostgres postgres;
  std::atomic<bool> failing{false};  // a third of the targets
  CountingTarget target{[this](int monitor, std::int64_t) {
    Reply reply;
    if (failing && monitor % 3 == 0) reply.status = 503;
    return reply;
  }};
  House first;
  test::Service second;

  explicit Pair(Run& run) : first(run, postgres.environment()), second(second_environment(), run.options().everup) {
    add_healthy(first, target, run.options().brief ? 60 : 300, 2);
    second.start();
  }
  Environment second_environment() const {
    Environment all{{"EVERUP_TARGET_LIMIT", "100000"}};
    for (const auto& [name, value] : postgres.environment()) all[name] = value;
    return all;
  }
  std::int64_t owners() const { return first.count("SELECT count(DISTINCT node) FROM leases"); }
  std::string owner() const { return first.sql("SELECT node FROM leases WHERE shard = 0"); }
  // Until another node holds every shard and the targets are asked again: seconds since `since_ms`; -1: never.
  std::pair<double, double> taken_over(const std::string& from, std::int64_t since_ms) const {
    double leases_s = -1;
    const bool taken = test::until([&] {
      const auto left = first.count("SELECT count(*) FROM leases WHERE node = '" + from + "'");
      leases_s = static_cast<double>(wall_ms() - since_ms) / 1000;
      return left == 0;
    });
    std::int64_t back = 0;
    // Whatever the former node had on its way to the targets is there within two seconds.
    if (!taken || !test::until([&] { return (back = first_after(target, since_ms + 2'000)) != 0; })) return {-1, -1};
    return {leases_s, static_cast<double>(back - since_ms) / 1000};
  }
};

void found_taken_over(Run& run, const std::string& injected, const std::pair<double, double>& s) {
  run.found({injected, fmt::format("every lease taken after {:.1f} s, first look after {:.1f} s", s.first, s.second),
             "<= 20 s", s.first >= 0 && s.first <= 20 && s.second <= 20});
}

// Each failing monitor went up (first seen), down once and up once; the others only up.
void audit_flips(Run& run, const House& house, const std::string& injected, int outages) {
  const auto text = house.sql(fmt::format(
      "WITH f AS (SELECT *, lag(to_state) OVER (PARTITION BY monitor_id ORDER BY version) AS before FROM flips), "
      "n AS (SELECT m.id, count(f.*) AS flips, count(*) FILTER (WHERE f.to_state = 3) AS downs FROM monitors m LEFT "
      "JOIN f ON f.monitor_id = m.id GROUP BY m.id) SELECT (SELECT count(*) FROM f WHERE before IS NOT NULL AND "
      "before <> from_state), (SELECT count(*) FROM n WHERE downs NOT IN (0, {0})), (SELECT count(*) FROM n WHERE "
      "downs = {0}), (SELECT count(*) FROM n WHERE flips <> 1 + 2 * downs)",
      outages));
  const auto failing = (house.watched().size() + 2) / 3;
  const auto want = fmt::format("0|0|{}|0", failing);
  run.found({injected,
             "flips that do not follow|monitors with a wrong number of downs|with the right one|with a flip "
             "too many = " +
                 text,
             want, text == want});
}

void fail_for_a_while(Pair& pair, std::int64_t ms) {
  pair.failing = true;
  wait_ms(ms);
  pair.failing = false;
}

void node_frozen(Run& run) {
  const std::string injected = "one of two nodes stopped with SIGSTOP, then continued";
  Pair pair(run);
  const auto from = wall_ms();
  const auto owner = pair.owner();
  const auto stopped_at = wall_ms();
  const pid_t pid = pair.first.pid();
  kill(pid, SIGSTOP);
  const auto taken = pair.taken_over(owner, stopped_at);
  const auto until = stopped_at + (run.options().brief ? 24'000 : 60'000);
  if (wall_ms() < until) wait_ms(until - wall_ms());
  pair.failing = true;  // both will see it, one may say so
  kill(pid, SIGCONT);
  wait_ms(8'000);
  pair.failing = false;
  wait_ms(8'000);
  const auto to = wall_ms();
  found_taken_over(run, injected, taken);
  Audit audit{injected};
  audit.gaps_allowed = audit.doubles_allowed = true;
  audit_slots(run, pair.first, pair.target, audit, from, to);
  if (!amended(pair.first)) throw std::runtime_error("late evidence is not worked off");
  audit_flips(run, pair.first, injected, 1);
  audit_spans(run, pair.first, injected);
  pair.second.stop();
  run.note(fmt::format("the first node ended with {}", pair.first.stop()));
}

void node_killed(Run& run) {
  const std::string injected = "one of two nodes killed with SIGKILL, then the other";
  Pair pair(run);
  const auto from = wall_ms();
  auto owner = pair.owner();
  auto at = wall_ms();
  pair.first.stop(SIGKILL);
  const auto taken = pair.taken_over(owner, at);
  fail_for_a_while(pair, 8'000);
  wait_ms(8'000);
  pair.first.start();
  wait_ms(2'000);
  owner = pair.owner();
  at = wall_ms();
  pair.second.stop(SIGKILL);
  const auto taken_back = pair.taken_over(owner, at);
  wait_ms(5'000);
  const auto to = wall_ms();
  found_taken_over(run, injected, taken);
  found_taken_over(run, injected, taken_back);
  Audit audit{injected};
  audit.gaps_allowed = true;
  audit_slots(run, pair.first, pair.target, audit, from, to);
  if (!amended(pair.first)) throw std::runtime_error("late evidence is not worked off");
  audit_flips(run, pair.first, injected, 1);
  audit_spans(run, pair.first, injected);
  run.note(fmt::format("the first node ended with {}", pair.first.stop()));
}

const Case kKillNine{"kill-9", 2, "everup is killed 30 times, also while it starts.", kill_nine};
const Case kNodeFrozen{"node-frozen", 10, "One of two nodes stands still for a minute.", node_frozen};
const Case kNodeKilled{"node-killed", 10, "One of two nodes is killed, then the other.", node_killed};

}  // namespace
}  // namespace everup::bench
