// Hostile servers (faults 1.3): each alone against one loop, with what it costs; then 200 of all kinds beside 1 000
// healthy monitors in a whole service. The servers are tests/support/hostile.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

#include "bench/faults/counting_target.h"
#include "bench/faults/house.h"
#include "checker/make_probe.h"
#include "net/clock.h"
#include "tests/support/hostile.h"
#include "tests/support/tempdir.h"

namespace everup::bench {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using test::HostileZoo;
using test::Hostility;

bool right(const Hostility& what, Cause cause) {
  return std::find(what.causes.begin(), what.causes.end(), cause) != what.causes.end();
}

double thread_cpu_ms() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

// One look at a time, on a loop of this thread: what it costs is the thread's.
class Looker {
 public:
  Looker(const std::string& hosts_file, const std::string& ca_file)
      : loop_(clock_), policy_(*net::AllowList::parse("loopback"), {}), resolver_(loop_, resolver_options(hosts_file)) {
    auto made = checker::Probes::make(loop_, resolver_, policy_, checker::ProbeSettings{"Everup-bench/1.0", ca_file});
    if (!made) throw std::runtime_error(made.error().what);
    probes_ = *std::move(made);
  }
  struct Seen {
    Cause cause = Cause::kInternal;
    double over_ms = 0, cpu_ms = 0, turn_ms = 0;  // beyond the deadline; of this thread; the longest turn
    int left_open = 0;
  };
  Seen look(const HostileZoo::Cage& cage, int timeout_ms) {
    plan_.url = cage.url();
    plan_.kind = cage.what.tls ? Kind::kHttps : Kind::kHttp;
    plan_.settings = std::make_shared<HttpSettings>();
    std::optional<Outcome> outcome;
    checker::Question question;
    question.plan = &plan_;
    question.deadline = clock_.now().mono + milliseconds(timeout_ms);
    const double before = thread_cpu_ms();
    loop_.take_longest_turn();
    auto probe = probes_->start(question, [&outcome](Outcome&& told) { outcome = std::move(told); });
    while (!outcome) loop_.run_once(milliseconds(1'000));
    Seen seen;
    seen.cause = outcome->cause;
    seen.over_ms = duration<double, std::milli>(clock_.now().mono - question.deadline).count();
    seen.left_open = test::sockets_to(cage.server->port());
    probe.reset();
    seen.cpu_ms = thread_cpu_ms() - before;
    seen.turn_ms = duration<double, std::milli>(loop_.take_longest_turn()).count();
    return seen;
  }

 private:
  static net::ResolverOptions resolver_options(const std::string& hosts_file) {
    net::ResolverOptions options;
    options.hosts_file = hosts_file;
    options.servers = {*net::Address::parse("127.0.0.1", 1)};
    options.resolv_conf.clear();
    return options;
  }
  net::SystemClock clock_;
  net::Loop loop_;
  net::AddressPolicy policy_;
  net::Resolver resolver_;
  std::unique_ptr<checker::Probes> probes_;
  CheckPlan plan_;
};

void hostile_each(Run& run) {
  const test::TempDir dir;
  HostileZoo zoo(dir.path());
  Looker looker(dir.write("hosts", "127.0.0.1 localhost\n"), dir.write("ca.pem", zoo.ca().pem()));
  const int looks = run.options().brief ? 1 : 5;
  double cpu = 0, turn = 0, over = 0;
  std::string slowest, longest, wrong;
  int open = 0, bad = 0;
  for (const HostileZoo::Cage& cage : zoo.cages()) {
    for (int i = 0; i < looks; ++i) {
      const auto seen = looker.look(cage, cage.what.lasts ? 1'000 : 20'000);
      if (!right(cage.what, seen.cause)) ++bad, wrong += fmt::format(" {}: {}", cage.what.name, facts(seen.cause).slug);
      open += seen.left_open;
      over = std::max(over, seen.over_ms);
      if (seen.cpu_ms > cpu) cpu = seen.cpu_ms, slowest = cage.what.name;
      if (seen.turn_ms > turn) turn = seen.turn_ms, longest = cage.what.name;
      run.note(fmt::format("{:<28} {:<24} cpu {:6.1f} ms, longest turn {:5.1f} ms, {:6.1f} ms beyond the deadline",
                           cage.what.name, facts(seen.cause).slug, seen.cpu_ms, seen.turn_ms, seen.over_ms));
    }
  }
  const auto what = fmt::format("{} kinds of hostile server, {} looks each", zoo.cages().size(), looks);
  run.found({what, fmt::format("{} wrong causes{}", bad, wrong), "0", bad == 0});
  run.found({what, fmt::format("latest outcome {:.1f} ms after its deadline", over), "<= 100 ms", over <= 100});
  run.found({what, fmt::format("{} connections open after their outcome", open), "0", open == 0});
  run.found({what, fmt::format("most CPU for a look {:.1f} ms ({})", cpu, slowest), "<= 250 ms", cpu <= 250});
  run.found({what, fmt::format("longest turn of the loop {:.1f} ms ({})", turn, longest), "<= 50 ms", turn <= 50});
}

// Samples of everup_worker_longest_turn_seconds above `le`.
std::int64_t turns_above(const House& house, const std::string& le) {
  std::istringstream in(house.service().get("/metrics").body);
  std::int64_t within = 0, all = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("everup_worker_longest_turn_seconds_count")) all = std::atoll(line.c_str() + line.rfind(' '));
    if (line.starts_with("everup_worker_longest_turn_seconds_bucket{le=\"" + le + "\"}"))
      within = std::atoll(line.c_str() + line.rfind(' '));
  }
  return all - within;
}

struct Told {
  std::int64_t looks = 0, wrong = 0, late = 0;
  std::string words;
};

// What SQL knows of the hostile ones.
Told told(const House& house, const std::vector<const Hostility*>& kinds, std::size_t first, int timeout_ms) {
  Told out;
  std::map<std::int64_t, const Hostility*> by_id;
  for (std::size_t i = 0; i < kinds.size(); ++i) by_id[house.watched()[first + i].id.value] = kinds[i];
  std::istringstream rows(
      house.sql("SELECT monitor_id, cause, total_us FROM results WHERE verdict > 0 AND monitor_id IN (SELECT id FROM "
                "monitors WHERE name LIKE 'hostile %')"));
  std::map<std::string, int> wrong;
  for (std::string line; std::getline(rows, line);) {
    long long id = 0, total_us = 0;
    int cause = 0;
    if (std::sscanf(line.c_str(), "%lld|%d|%lld", &id, &cause, &total_us) != 3) continue;
    const Hostility& what = *by_id.at(id);
    const auto known = cause_from_number(static_cast<std::int16_t>(cause)).value_or(Cause::kInternal);
    ++out.looks;
    out.late += total_us > (timeout_ms + 100) * 1000LL;
    if (!right(what, known)) ++out.wrong, ++wrong[fmt::format("{}: {}", what.name, facts(known).slug)];
  }
  for (const auto& [words, n] : wrong) out.words += fmt::format("; {} x {}", n, words);
  return out;
}

void hostile_all(Run& run) {
  constexpr int kHealthy = 1000, kHostile = 200, kTimeoutMs = 5'000;
  const test::TempDir dir;
  std::filesystem::permissions(dir.path(), std::filesystem::perms::all);
  HostileZoo zoo(dir.path());
  CountingTarget target;
  House house(run, {{"EVERUP_CA_FILE", dir.write("ca.pem", zoo.ca().pem())}});
  std::vector<Json> healthy;
  for (int i = 0; i < kHealthy; ++i) healthy.push_back({{"target", target.url(i)}, {"interval_s", 10}});
  house.add(healthy);
  const int seconds = run.options().brief ? 20 : 60;
  wait_ms(20'000);  // all have had a look, pools are filled
  const auto quiet_from = wall_ms();
  wait_ms(seconds * 1000);
  const auto quiet_to = wall_ms() - 2'000;
  const auto rss_before = house.usage().rss_bytes;
  const auto turns_before = turns_above(house, "0.05");

  std::vector<Json> hostile;
  std::vector<const Hostility*> kinds;
  for (auto cage = zoo.cages().begin(); static_cast<int>(hostile.size()) < kHostile; ++cage) {
    if (cage == zoo.cages().end()) cage = zoo.cages().begin();
    kinds.push_back(&cage->what);
    hostile.push_back({{"target", cage->url()},
                       {"name", fmt::format("hostile {} {}", hostile.size(), cage->what.name)},
                       {"interval_s", 10},
                       {"timeout_ms", kTimeoutMs}});
  }
  house.add(hostile);
  const auto from = wall_ms();
  std::int64_t rss = 0;
  for (int i = 0; i < seconds; ++i) {
    wait_ms(1'000);
    rss = std::max(rss, house.usage().rss_bytes);
  }
  const auto to = wall_ms() - 2'000;
  const auto turns = turns_above(house, "0.05") - turns_before;
  if (!house.settled(to)) throw std::runtime_error("the shards' marks do not move");
  const auto arrivals = target.arrivals();
  const auto counts = [](int monitor) { return monitor < kHealthy; };
  const auto quiet = lateness(arrivals, house.watched(), quiet_from, quiet_to, counts);
  const auto late = lateness(arrivals, house.watched(), from, to, counts);
  const auto seen = told(house, kinds, kHealthy, kTimeoutMs);
  const std::string what = fmt::format("{} hostile beside {} healthy for {} s", kHostile, kHealthy, seconds);
  run.found(
      {what,
       fmt::format("healthy lateness p50 {:.1f}, p99 {:.1f}, max {:.1f} ms (before: {:.1f}, {:.1f}, {:.1f}); {} of "
                   "{} slots without a request",
                   late.p50_ms, late.p99_ms, late.max_ms, quiet.p50_ms, quiet.p99_ms, quiet.max_ms, late.missed,
                   late.slots),
       "p99 <= 1000 ms, none without", late.p99_ms <= 1000 && late.missed == 0});
  run.found({what, fmt::format("{} seconds of a worker with a turn above 50 ms", turns), "0", turns == 0});
  const double each = static_cast<double>(rss - rss_before) / 1024 / kHostile;
  run.found({what,
             fmt::format("RSS {:.1f} MiB, at most {:.1f} with them: {:.0f} KiB each",
                         static_cast<double>(rss_before) / 1048576, static_cast<double>(rss) / 1048576, each),
             "<= 256 KiB each", each <= 256});
  run.found({what, fmt::format("{} looks, {} wrong causes{}", seen.looks, seen.wrong, seen.words), "0 wrong",
             seen.looks > kHostile && seen.wrong == 0});
  run.found({what, fmt::format("{} outcomes more than 100 ms after their deadline", seen.late), "0", seen.late == 0});
  const auto wrong = house.count(
      "SELECT count(*) FROM results WHERE verdict <> 1 AND monitor_id NOT IN (SELECT id FROM "
      "monitors WHERE name LIKE 'hostile %')");
  run.found({what, fmt::format("{} results of healthy ones that are not up", wrong), "0", wrong == 0});
}

const Case kEach{"hostile-each", 4, "Each kind of hostile server alone: cause, deadline, CPU, longest turn, sockets.",
                 hostile_each};
const Case kAll{"hostile-all", 4, "200 hostile servers of all kinds beside 1 000 healthy 10-s monitors.", hostile_all};

}  // namespace
}  // namespace everup::bench
