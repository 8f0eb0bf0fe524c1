// Name servers in trouble: names that fail, names that are slow, and servers that say nothing at all, in a whole
// service. Who is healthy must not feel it, and our own silence must make nobody down (RULES B 11, decision 0004).

#include <fmt/format.h>

#include <atomic>

#include "bench/faults/counting_target.h"
#include "bench/faults/house.h"
#include "tests/support/name_server.h"

namespace everup::bench {
namespace {

constexpr int kGood = 400, kLiteral = 200, kEach = 40;
constexpr const char* kKinds[] = {"nx", "servfail", "dead", "slow", "alternating"};

test::NameAnswer answer_to(const std::string& name, std::atomic<int>& turns) {
  const auto dot = name.find('.');
  const std::string kind = name.substr(0, std::min(dot, name.find_first_of("0123456789")));
  if (kind == "nx") return {3, {}, 0, 0};
  if (kind == "servfail") return {2, {}, 0, 0};
  if (kind == "dead") return {0, {}, -1, 0};
  if (kind == "alternating" && (turns++ / 2) % 2 == 0) return {2, {}, 0, 0};
  return {0, {"127.0.0.1"}, kind == "slow" ? 3'000 : 0, 0};
}

std::int64_t results_of(const House& house, const std::string& kind, const std::string& condition) {
  return house.count(
      fmt::format("SELECT count(*) FROM results WHERE verdict > 0 AND {} AND monitor_id IN (SELECT id "
                  "FROM monitors WHERE name LIKE '{} %')",
                  condition, kind));
}

std::string is(Cause cause) { return fmt::format("cause = {}", static_cast<int>(cause)); }

void troubled_names(Run& run) {
  std::atomic<int> turns{0};
  test::NameServer names([&turns](const std::string& name) { return answer_to(name, turns); });
  CountingTarget target;
  House house(run, {{"EVERUP_DNS_SERVERS", names.place()}});
  std::vector<Json> monitors;
  const auto add = [&](const std::string& kind, const std::string& host) {
    const auto i = monitors.size();
    monitors.push_back({{"target", fmt::format("http://{}:{}/m/{}", host, target.port(), i)},
                        {"name", fmt::format("{} {}", kind, i)},
                        {"interval_s", 5},
                        {"timeout_ms", 8000}});
  };
  for (int i = 0; i < kGood; ++i) add("good", fmt::format("good{}.test", i));
  for (int i = 0; i < kLiteral; ++i) add("literal", fmt::format("127.2.0.{}", i + 1));
  for (const char* kind : kKinds) {
    for (int i = 0; i < kEach; ++i) add(kind, fmt::format("{}{}.test", kind, i));
  }
  house.add(monitors);
  wait_ms(20'000);
  const auto from = wall_ms();
  const int seconds = run.options().brief ? 20 : 60;
  wait_ms(seconds * 1000);
  const auto to = wall_ms() - 2'000;
  if (!house.settled(to)) throw std::runtime_error("the shards' marks do not move");
  const auto counts = [](int monitor) { return monitor < kGood + kLiteral; };
  const auto late = lateness(target.arrivals(), house.watched(), from, to, counts);
  const std::string what = fmt::format("{} names of each: NXDOMAIN, SERVFAIL, silence, 3 s late, alternating", kEach);
  run.found({what,
             fmt::format("{} others: lateness p50 {:.1f}, p99 {:.1f}, max {:.1f} ms; {} of {} slots without a request",
                         kGood + kLiteral, late.p50_ms, late.p99_ms, late.max_ms, late.missed, late.slots),
             "p99 <= 250 ms, none without", late.p99_ms <= 250 && late.missed == 0});
  const auto others = results_of(house, "good", "verdict <> 1") + results_of(house, "literal", "verdict <> 1");
  run.found({what, fmt::format("{} results of the others are not up", others), "0", others == 0});
  for (const char* kind : {"nx", "servfail", "dead"}) {
    const auto all = results_of(house, kind, "true"), down = results_of(house, kind, is(Cause::kDnsFailure));
    run.found({kind, fmt::format("{} of {} results are dns_failure", down, all), "all", all > 0 && down == all});
  }
  const auto slow = results_of(house, "slow", "true"), slow_up = results_of(house, "slow", "verdict = 1");
  run.found({"3 s late", fmt::format("{} of {} results are up", slow_up, slow), "all", slow > 0 && slow_up == slow});
  const auto odd = results_of(house, "alternating", "NOT (verdict = 1 OR " + is(Cause::kDnsFailure) + ")");
  run.found({"alternating", fmt::format("{} results are neither up nor dns_failure", odd), "0", odd == 0});
}

void silent_servers(Run& run) {
  std::atomic<int> turns{0};
  test::NameServer names([&turns](const std::string& name) { return answer_to(name, turns); });
  CountingTarget target;
  House house(run, {{"EVERUP_DNS_SERVERS", names.place()}});
  std::vector<Json> monitors;
  for (int i = 0; i < kGood + kLiteral; ++i) {
    const std::string host = i < kGood ? fmt::format("good{}.test", i) : fmt::format("127.2.0.{}", i - kGood + 1);
    monitors.push_back({{"target", fmt::format("http://{}:{}/m/{}", host, target.port(), i)},
                        {"name", fmt::format("{} {}", i < kGood ? "good" : "literal", i)},
                        {"interval_s", 5},
                        {"timeout_ms", 4000}});
  }
  house.add(monitors);
  wait_ms(20'000);
  names.silence(true);
  const auto from = wall_ms();
  const int seconds = run.options().brief ? 30 : 120;
  wait_ms(seconds * 1000);
  const auto to = wall_ms() - 2'000;
  names.silence(false);
  wait_ms(15'000);
  if (!house.settled(to)) throw std::runtime_error("the shards' marks do not move");
  const auto late =
      lateness(target.arrivals(), house.watched(), from, to, [](int monitor) { return monitor >= kGood; });
  const std::string what = fmt::format("the only name server is silent for {} s", seconds);
  run.found({what,
             fmt::format("{} monitors of addresses: lateness p50 {:.1f}, p99 {:.1f}, max {:.1f} ms; {} of {} slots "
                         "without a request",
                         kLiteral, late.p50_ms, late.p99_ms, late.max_ms, late.missed, late.slots),
             "p99 <= 250 ms, none without", late.p99_ms <= 250 && late.missed == 0});
  const auto down = house.count("SELECT count(*) FROM results WHERE verdict = 2"), flips = house.flips_down();
  const auto doubts = results_of(house, "good", is(Cause::kDnsUnavailable));
  run.found({what, fmt::format("{} results dns_unavailable, {} down, {} flips to down", doubts, down, flips),
             "some, 0, 0", doubts > kGood && down == 0 && flips == 0});
}

const Case kTroubled{"names-in-trouble", 3, "Names that fail, are slow or alternate, beside healthy ones.",
                     troubled_names};
const Case kSilent{"name-server-silent", 3, "The only name server answers nothing.", silent_servers};

}  // namespace
}  // namespace everup::bench
