// Names in trouble: name servers that answer some names never, slowly, or with a refusal, and one that says nothing at
// all. Only the monitors concerned are touched, and RULES B 11 decides which of them are down and which unknown.

#include <fmt/format.h>

#include <atomic>
#include <stdexcept>

#include "bench/faults/audit.h"
#include "core/outcome.h"
#include "tests/support/name_server.h"

namespace everup::bench {
namespace {

constexpr int kEach = 100, kIntervalS = 10;
constexpr int kTimeoutMs = 8000;  // longer than the resolver's five seconds: silence of one zone can be proved
constexpr const char* kTroubled[] = {"nx", "servfail", "dead", "slow"};

test::NameAnswer by_first_label(const std::string& name) {
  if (name.starts_with("nx")) return {3, {}, 0, 0};
  if (name.starts_with("servfail")) return {2, {}, 0, 0};
  if (name.starts_with("dead")) return {0, {}, -1, 0};
  return {0, {"127.0.0.1"}, name.starts_with("slow") ? 1500 : 0, 0};
}

Json monitor(const std::string& host, std::uint16_t port, int number) {
  return {{"target", fmt::format("http://{}:{}/m/{}", host, port, number)},
          {"interval_s", kIntervalS},
          {"timeout_ms", kTimeoutMs},
          {"confirm", {{"failures", 2}, {"successes", 1}, {"retry_s", 3}}}};
}

// "cause|count" of what the monitors of one label were told since then.
std::string causes_of(const House& house, const std::string& label, std::int64_t from_ms) {
  return house.sql(fmt::format(
      "SELECT string_agg(cause || ' x' || n, ', ' ORDER BY cause) FROM (SELECT r.cause, count(*) AS n FROM results r "
      "JOIN monitors m ON m.id = r.monitor_id WHERE m.target LIKE 'http://{}%' AND r.slot_at >= {} GROUP BY 1) c",
      label, from_ms));
}
std::int64_t results_but(const House& house, const std::string& label, std::int64_t from_ms, Cause cause) {
  return house.count(fmt::format(
      "SELECT count(*) FROM results r JOIN monitors m ON m.id = r.monitor_id WHERE m.target LIKE 'http://{}%' AND "
      "r.slot_at >= {} AND r.verdict <> 0 AND r.cause <> {}",
      label, from_ms, static_cast<int>(cause)));
}
std::int64_t down(const House& house, const std::string& label) {
  return house.count(
      fmt::format("SELECT count(DISTINCT f.monitor_id) FROM flips f JOIN monitors m ON m.id = f.monitor_id WHERE "
                  "f.to_state = 3 AND "
                  "m.target LIKE 'http://{}%'",
                  label));
}

void names_in_trouble(Run& run) {
  test::NameServer names(by_first_label);
  CountingTarget target;
  House house(run, {{"EVERUP_DNS_SERVERS", names.place()}});
  std::vector<Json> monitors;
  for (int i = 0; i < 2 * kEach; ++i) monitors.push_back(monitor(fmt::format("good{}.test", i), target.port(), i));
  for (const char* label : kTroubled) {
    for (int i = 0; i < kEach; ++i) {
      monitors.push_back(monitor(fmt::format("{}{}.test", label, i), target.port(), static_cast<int>(monitors.size())));
    }
  }
  house.add(monitors);
  wait_ms(2 * kIntervalS * 1000);
  const auto from = wall_ms();
  wait_ms(run.options().brief ? 30'000 : 120'000);
  const auto to = wall_ms() - 2 * kTimeoutMs;
  if (!house.settled(to)) throw std::runtime_error("the shards' marks do not move");
  const auto late = lateness(target.arrivals(), house.watched(), from, to, [](int i) { return i < 2 * kEach; });
  run.found({fmt::format("{} names each that are NXDOMAIN, SERVFAIL, silent, 1.5 s late", kEach),
             fmt::format("{} looks at {} good names: lateness p50 {:.1f}, p99 {:.1f} ms", late.requests, 2 * kEach,
                         late.p50_ms, late.p99_ms),
             "p99 <= 250 ms", late.requests > 0 && late.p99_ms <= 250});
  const auto good = results_but(house, "good", 0, Cause::kOk), slow = results_but(house, "slow", from, Cause::kOk);
  run.found({"good and slow names",
             fmt::format("{} and {} results that are not ok ({})", good, slow, causes_of(house, "slow", from)),
             "0 and 0", good == 0 && slow == 0});
  for (const char* label : {"nx", "servfail", "dead"}) {
    const auto others = results_but(house, label, from, Cause::kDnsFailure);
    const auto downs = down(house, label);
    run.found({fmt::format("{} names: {}", kEach, label),
               fmt::format("{} results by another cause than dns_failure ({}), {} of {} down", others,
                           causes_of(house, label, from), downs, kEach),
               "0, all", others == 0 && downs == kEach});
  }
}

void name_server_silent(Run& run) {
  test::NameServer names(by_first_label);
  CountingTarget target;
  House house(run, {{"EVERUP_DNS_SERVERS", names.place()}});
  std::vector<Json> monitors;
  for (int i = 0; i < 3 * kEach; ++i) {
    const std::string host = i < kEach ? fmt::format("127.1.0.{}", 1 + i % 250) : fmt::format("good{}.test", i);
    monitors.push_back(monitor(host, target.port(), i));
  }
  house.add(monitors);
  if (!test::until([&] { return house.count("SELECT count(*) FROM standings WHERE health = 1") == 3 * kEach; })) {
    throw std::runtime_error("the monitors do not come up");
  }
  names.silence(true);
  const auto from = wall_ms() + 2 * kTimeoutMs;  // what was asked before may still be answered
  wait_ms(run.options().brief ? 40'000 : 120'000);
  const auto to = wall_ms() - 2 * kTimeoutMs;
  if (!house.settled(to)) throw std::runtime_error("the shards' marks do not move");
  const auto late = lateness(target.arrivals(), house.watched(), from, to, [](int i) { return i < kEach; });
  run.found({"the only name server falls silent",
             fmt::format("{} looks at {} literal addresses: lateness p99 {:.1f} ms", late.requests, kEach, late.p99_ms),
             "p99 <= 250 ms", late.requests > 0 && late.p99_ms <= 250});
  const auto others = results_but(house, "good", from, Cause::kDnsUnavailable);
  run.found({"the only name server falls silent",
             fmt::format("{} results of names by another cause than dns_unavailable ({}), {} flips to down", others,
                         causes_of(house, "good", from), house.flips_down()),
             "0, 0", others == 0 && house.flips_down() == 0});
  names.silence(false);
  const bool back =
      test::until([&] { return house.count("SELECT count(*) FROM standings WHERE booked = 1") == 3 * kEach; });
  run.found({"it answers again", back ? "all are up" : "not all are up after 90 s", "all are up", back});
}

const Case kNames{"names-in-trouble", 3, "Names that are NXDOMAIN, SERVFAIL, silent or slow, beside good ones.",
                  names_in_trouble};
const Case kSilent{"name-server-silent", 3, "The only name server says nothing any more.", name_server_silent};

}  // namespace
}  // namespace everup::bench
