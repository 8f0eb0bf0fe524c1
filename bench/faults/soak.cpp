// The soak: three hundred monitors of all kinds there are, for --minutes (30), with one check in a thousand failing by
// chance, and four things that go wrong one after the other: a DNS provider is lost, a shared host hangs, our own
// uplink goes. Nothing but what is really away may be down, all that is away must be, and the process must not grow.
//
// Two network namespaces joined by a line: ours with everup and its database, and the world with targets, a resolver
// and two name servers. Losing the uplink takes our end of the line down: the kernel then says so (network
// unreachable), which is what is shown here. A line that swallows packets in silence looks like targets that time out;
// telling those apart needs sentinels, which are not built yet (docs/FAULTS.md).

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "bench/faults/counting_target.h"
#include "bench/faults/house.h"
#include "bench/target_nginx.h"
#include "core/standing.h"
#include "tests/support/netns.h"

namespace everup::bench {
namespace {

// ---- the mix: a new kind of monitor is one more line, and a target that counts --------------------------------------

enum class Group { kSteady, kLostZone, kHungHost };

struct Kind {
  const char* name;
  int share;
  Group group;
  int blips_in_1000;   // failures by chance
  const char* target;  // {host number}, {port}, {monitor number} are put in
};

constexpr std::uint16_t kPlainPort = 8080, kTlsPort = 8443;
constexpr Kind kMix[] = {
    {"http by name", 110, Group::kSteady, 1, "http://s{0}.good.test:8080/m/{1}"},
    {"http by address", 60, Group::kSteady, 1, "http://10.77.2.{2}:8080/m/{1}"},
    {"https by name", 60, Group::kSteady, 0, "https://s{0}.good.test:8443/m/{1}"},
    {"http at the provider that is lost", 40, Group::kLostZone, 1, "http://s{0}.lost.test:8080/m/{1}"},
    {"http on the host that hangs", 30, Group::kHungHost, 1, "http://10.77.3.1:8080/m/{1}"},
};
// A look must outlast the resolver's five seconds for a question, or silence of a zone's servers proves nothing.
constexpr int kIntervalS = 10, kTimeoutMs = 7000, kRetryS = 3, kFailures = 3, kTtlS = 5;
constexpr int kLeastMinutes = 10;  // three outages that each settle

struct Member {
  const Kind* kind = nullptr;
  std::string target;
};

std::vector<Member> members() {
  std::vector<Member> out;
  for (const Kind& kind : kMix) {
    for (int i = 0; i < kind.share; ++i) {
      const int number = static_cast<int>(out.size());
      out.push_back({&kind, fmt::format(fmt::runtime(kind.target), i, number, 1 + i % 200)});
    }
  }
  return out;
}

constexpr const char* kTtl = "--local-ttl=5";

// ---- the world ------------------------------------------------------------------------------------------------------

class World {
 public:
  World(const std::vector<Member>& list, std::uint64_t seed) : members_(list), seed_(seed) {
    test::ip_command("link add up0 type veth peer name up1");
    test::ip_command("link set up1 netns " + net_.pid());
    test::ip_command("address add 10.77.255.1/16 dev up0");
    test::ip_command("link set up0 up");
    std::string addresses;
    for (const char* address : {"10.77.0.1", "10.77.1.1", "10.77.1.2", "10.77.3.1"}) addresses += line(address);
    for (int i = 1; i <= 200; ++i) addresses += line(fmt::format("10.77.2.{}", i));
    const auto batch = dir_.write("addresses", addresses + "link set up1 up\n");
    test::run_tool(net_.command({"ip", "-batch", batch}));
    resolver_ =
        dnsmasq({"--listen-address=10.77.0.1", "--server=/good.test/10.77.1.1", "--server=/lost.test/10.77.1.2"});
    good_ = dnsmasq({"--listen-address=10.77.1.1", "--address=/good.test/10.77.2.1", "--local=/good.test/", kTtl});
    lost_ = dnsmasq({"--listen-address=10.77.1.2", "--address=/lost.test/10.77.2.2", "--local=/lost.test/", kTtl});
    net_.inside([&] {
      http_ = std::make_unique<CountingTarget>(
          [this](int monitor, std::int64_t before) { return answer(monitor, before); }, "0.0.0.0", kPlainPort);
      NginxOptions options{dir_.path(), kTlsPort, true};
      options.names = "DNS:*.good.test";
      https_ = std::make_unique<TargetNginx>(options);
    });
  }
  void lose_provider() { lost_.reset(); }
  void find_provider() {
    lost_ = dnsmasq({"--listen-address=10.77.1.2", "--address=/lost.test/10.77.2.2", "--local=/lost.test/", kTtl});
  }
  void hang(bool on) { hangs_ = on; }
  void uplink(bool up) { test::ip_command(up ? "link set up0 up" : "link set up0 down"); }
  std::string ca() const { return https_->ca_path(); }
  std::int64_t blips() const { return blips_; }
  std::vector<Arrival> arrivals() const {
    auto all = http_->arrivals();
    for (const Arrival& arrival : arrivals_in(https_->log_path())) all.push_back(arrival);
    return all;
  }

 private:
  static std::string line(const std::string& address) { return "address add " + address + "/16 dev up1\n"; }
  std::unique_ptr<test::Child> dnsmasq(std::vector<std::string> words) const {
    std::vector<std::string> argv{"dnsmasq",           "--keep-in-foreground",  "--no-resolv",
                                  "--no-hosts",        "--no-daemon",           "--conf-file=/dev/null",
                                  "--bind-interfaces", "--except-interface=lo", "--user=root",
                                  "--pid-file="};
    argv.insert(argv.end(), words.begin(), words.end());
    auto child = std::make_unique<test::Child>(net_.command(std::move(argv)));
    if (!child->wait_for_output("started")) throw std::runtime_error("dnsmasq: " + child->output());
    return child;
  }
  // On the target's thread.
  Reply answer(int monitor, std::int64_t before) {
    if (monitor < 0 || monitor >= static_cast<int>(members_.size())) return {Reply::Kind::kAnswer, 404, "nobody\n"};
    const Kind& kind = *members_[static_cast<std::size_t>(monitor)].kind;
    if (kind.group == Group::kHungHost && hangs_) return {Reply::Kind::kHang, 0, ""};
    std::uint64_t mixed =
        (seed_ * 1'000'003 + static_cast<std::uint64_t>(monitor)) * 1'000'003 + static_cast<std::uint64_t>(before);
    mixed = (mixed ^ (mixed >> 31)) * 0x9e3779b97f4a7c15ULL;
    const int chance = static_cast<int>((mixed >> 33) % 1000);
    if (chance >= kind.blips_in_1000) return {};
    ++blips_;
    return before % 2 == 0 ? Reply{Reply::Kind::kAnswer, 503, "a moment\n"} : Reply{Reply::Kind::kReset, 0, ""};
  }

  const std::vector<Member>& members_;
  const std::uint64_t seed_;
  test::TempDir dir_;
  test::OtherNetwork net_;
  std::atomic<bool> hangs_{false};
  std::atomic<std::int64_t> blips_{0};
  std::unique_ptr<test::Child> resolver_, good_, lost_;
  std::unique_ptr<CountingTarget> http_;
  std::unique_ptr<TargetNginx> https_;
};

// ---- what happened --------------------------------------------------------------------------------------------------

struct Outage {
  std::int64_t from_ms = 0, to_ms = 0;
};

struct Flip {
  int monitor = -1;
  State to = State::kUnknown;
  std::int64_t at_ms = 0;
  int cause = 0;
};

std::vector<Flip> flips_of(const House& house) {
  std::map<std::int64_t, int> numbers;
  for (std::size_t i = 0; i < house.watched().size(); ++i) numbers[house.watched()[i].id.value] = static_cast<int>(i);
  std::vector<Flip> out;
  std::istringstream in(house.sql("SELECT monitor_id, to_state, at, cause FROM flips ORDER BY at"));
  long long monitor = 0, at = 0;
  int to = 0, cause = 0;
  for (std::string row; std::getline(in, row);) {
    if (std::sscanf(row.c_str(), "%lld|%d|%lld|%d", &monitor, &to, &at, &cause) != 4) continue;
    out.push_back({numbers.at(monitor), static_cast<State>(to), at, cause});
  }
  return out;
}

// Downs of one group against its one outage.
void judge_outage(Run& run, const std::string& what, const std::vector<Flip>& flips, const std::vector<Member>& members,
                  Group group, const Outage& outage) {
  constexpr std::int64_t kLongestMs = (kTtlS + kIntervalS + 1) * 1000;  // until the first failing look begins
  std::map<int, int> downs, ups;
  std::int64_t latest = 0;
  int early = 0;
  for (const Flip& flip : flips) {
    if (members[static_cast<std::size_t>(flip.monitor)].kind->group != group) continue;
    if (flip.to == State::kDown) {
      ++downs[flip.monitor];
      // A look that began before the outage may end in it.
      early += flip.at_ms < outage.from_ms - kTimeoutMs || flip.at_ms >= outage.to_ms ? 1 : 0;
      latest = std::max(latest, flip.at_ms - outage.from_ms);
    } else if (flip.to == State::kUp && flip.at_ms >= outage.from_ms) {
      ++ups[flip.monitor];
    }
  }
  int expected = 0, missed = 0, more = 0, still = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i].kind->group != group) continue;
    ++expected;
    const int number = static_cast<int>(i);
    missed += downs[number] == 0 ? 1 : 0;
    more += downs[number] > 1 ? 1 : 0;
    still += ups[number] < downs[number] ? 1 : 0;
  }
  run.found(
      {what,
       fmt::format("of {} monitors {} missed it, {} were down twice, {} outside of it, {} did not come back; down "
                   "dated {:.1f} s after its begin at the latest",
                   expected, missed, more, early, still, static_cast<double>(latest) / 1000),
       fmt::format("0, 0, 0, 0; <= {} s", kLongestMs / 1000),
       missed == 0 && more == 0 && early == 0 && still == 0 && latest <= kLongestMs});
}

struct Samples {
  std::vector<Usage> all;
  Usage median(double from, double to) const {
    std::vector<std::int64_t> rss, fds, threads;
    const auto count = static_cast<double>(all.size());
    for (auto i = static_cast<std::size_t>(from * count); i < static_cast<std::size_t>(to * count); ++i) {
      rss.push_back(all[i].rss_bytes);
      fds.push_back(all[i].descriptors);
      threads.push_back(all[i].threads);
    }
    const auto middle = [](std::vector<std::int64_t>& values) {
      if (values.empty()) return std::int64_t{0};
      std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
      return values[values.size() / 2];
    };
    return {middle(rss), static_cast<int>(middle(fds)), static_cast<int>(middle(threads))};
  }
};

struct Story {
  std::int64_t from_ms = 0, to_ms = 0;
  Outage provider, host, uplink;
  Samples samples;
};

// Waits until the moment, looking at the process every second.
void watch_until(House& house, Story& story, std::int64_t at_ms) {
  while (wall_ms() < at_ms) {
    story.samples.all.push_back(house.usage());
    wait_ms(std::min<std::int64_t>(1000, std::max<std::int64_t>(1, at_ms - wall_ms())));
  }
}

Story tell(Run& run, House& house, World& world, std::int64_t length_ms) {
  Story story;
  story.from_ms = wall_ms();
  const auto at = [&](double part) {
    return story.from_ms + static_cast<std::int64_t>(part * static_cast<double>(length_ms));
  };
  const auto outage = [&](const char* name, double from, double to, const std::function<void(bool)>& away) {
    watch_until(house, story, at(from));
    Outage out{wall_ms(), 0};
    away(true);
    run.note(fmt::format("{}: away", name));
    watch_until(house, story, at(to));
    out.to_ms = wall_ms();
    away(false);
    run.note(fmt::format("{}: back; {} MB, {} descriptors", name, house.usage().rss_bytes / 1'000'000,
                         house.usage().descriptors));
    return out;
  };
  story.provider =
      outage("DNS provider", 0.40, 0.50, [&](bool away) { away ? world.lose_provider() : world.find_provider(); });
  story.host = outage("shared host", 0.54, 0.64, [&](bool away) { world.hang(away); });
  story.uplink = outage("own uplink", 0.68, 0.78, [&](bool away) { world.uplink(!away); });
  watch_until(house, story, at(1.0));
  story.to_ms = wall_ms();
  return story;
}

void judge_uplink(Run& run, const House& house, const Story& story, const std::vector<Flip>& flips) {
  int downs = 0;
  for (const Flip& flip : flips) {
    const bool near = flip.at_ms >= story.uplink.from_ms - kTimeoutMs && flip.at_ms < story.uplink.to_ms + 10'000;
    if (flip.to != State::kDown || !near) continue;
    ++downs;
    run.note(fmt::format("down during our own loss: {} for cause {}", flip.monitor, flip.cause));
  }
  // Time that is booked unknown of each monitor, against the time that the line was away.
  std::vector<double> unknown;
  std::istringstream in(house.sql(fmt::format(
      "SELECT coalesce(sum(least(s.to_at, {1}) - greatest(s.from_at, {0})), 0) FROM monitors m LEFT JOIN spans s ON "
      "s.monitor_id = m.id AND s.state = {2} AND s.to_at > {0} AND s.from_at < {1} GROUP BY m.id",
      story.uplink.from_ms - 30'000, story.uplink.to_ms + 60'000, static_cast<int>(State::kUnknown))));
  for (std::string row; std::getline(in, row);) unknown.push_back(std::stod(row) / 1000);
  const double away = static_cast<double>(story.uplink.to_ms - story.uplink.from_ms) / 1000;
  const double least = unknown.empty() ? 0 : *std::min_element(unknown.begin(), unknown.end());
  const double most = unknown.empty() ? 0 : *std::max_element(unknown.begin(), unknown.end());
  constexpr double kSlack = kIntervalS + kTimeoutMs / 1000.0 + 1;
  run.found(
      {fmt::format("our own uplink is down for {:.0f} s", away),
       fmt::format("{} of {} monitors down; each is unknown for {:.1f} to {:.1f} s", downs, unknown.size(), least,
                   most),
       fmt::format("0 down; unknown the time of the loss, an interval and a timeout more or less ({:.0f} s)", kSlack),
       downs == 0 && !unknown.empty() && least >= away - kSlack && most <= away + kSlack});
}

void judge_rest(Run& run, const House& house, const World& world, const Story& story, const std::vector<Flip>& flips,
                const std::vector<Member>& members) {
  int steady_downs = 0;
  for (const Flip& flip : flips) {
    if (flip.to != State::kDown || members[static_cast<std::size_t>(flip.monitor)].kind->group != Group::kSteady)
      continue;
    ++steady_downs;
    run.note(fmt::format("false down: {} ({}) for cause {}, {:.1f} s after the begin", flip.monitor,
                         members[static_cast<std::size_t>(flip.monitor)].target, flip.cause,
                         static_cast<double>(flip.at_ms - story.from_ms) / 1000));
  }
  run.found({fmt::format("{} failures by chance", world.blips()),
             fmt::format("{} flips to down of monitors whose target was there", steady_downs), "0", steady_downs == 0});
  const auto steady = [&](int i) { return members[static_cast<std::size_t>(i)].kind->group == Group::kSteady; };
  const auto late = lateness(world.arrivals(), house.watched(), story.provider.from_ms, story.host.to_ms, steady);
  run.found({"the two outages of others",
             fmt::format("{} looks at steady targets: lateness p50 {:.1f}, p99 {:.1f} ms", late.requests, late.p50_ms,
                         late.p99_ms),
             "p99 <= 250 ms", late.p99_ms <= 250});
  const auto slots = house.slots(story.from_ms, story.to_ms - 10'000);
  run.found({"all of it",
             fmt::format("{} slots: {} results, {} missed, {} in gaps, {} without a row, {} double", slots.slots,
                         slots.results, slots.missed, slots.in_gaps, slots.missing, slots.doubled),
             "a row each, none double, none missed",
             slots.slots > 0 && slots.missing == 0 && slots.doubled == 0 && slots.missed == 0});
  const Usage early = story.samples.median(0.2, 0.4), end = story.samples.median(0.8, 1.0);
  const auto grown = (end.rss_bytes - early.rss_bytes) / 1024;
  run.found({"all of it, medians of the second and the last fifth",
             fmt::format("RSS {} → {} KiB, descriptors {} → {}, threads {} → {}", early.rss_bytes / 1024,
                         end.rss_bytes / 1024, early.descriptors, end.descriptors, early.threads, end.threads),
             "RSS + 4 MiB at most, descriptors + 8, threads the same",
             grown <= 4096 && end.descriptors <= early.descriptors + 8 && end.threads == early.threads});
}

void soak(Run& run) {
  test::in_own_network([&] {
    const auto list = members();
    World world(list, run.options().seed);
    House house(run, {{"EVERUP_ALLOW_TARGETS", "10.77.0.0/16 loopback"},
                      {"EVERUP_DNS_SERVERS", "10.77.0.1"},
                      {"EVERUP_CA_FILE", world.ca()}});
    std::vector<Json> monitors;
    for (const Member& member : list) {
      monitors.push_back({{"target", member.target},
                          {"interval_s", kIntervalS},
                          {"timeout_ms", kTimeoutMs},
                          {"confirm", {{"failures", kFailures}, {"successes", 2}, {"retry_s", kRetryS}}}});
    }
    house.add(monitors);
    const bool all_up = test::until(
        [&] {
          return house.count("SELECT count(*) FROM standings WHERE booked = 1") == static_cast<long>(list.size());
        },
        std::chrono::seconds(60));
    if (!all_up)
      throw std::runtime_error("not all came up: " + house.sql("SELECT cause, count(*) FROM results GROUP BY 1"));
    const int minutes = run.options().brief ? kLeastMinutes : std::max(kLeastMinutes, run.options().minutes);
    const Story story = tell(run, house, world, minutes * 60'000LL);
    if (!house.settled(story.to_ms - 10'000)) throw std::runtime_error("the shards' marks do not move");
    const auto flips = flips_of(house);
    const auto seconds = [](const Outage& outage) { return (outage.to_ms - outage.from_ms) / 1000; };
    judge_outage(run, fmt::format("a DNS provider is lost for {} s", seconds(story.provider)), flips, list,
                 Group::kLostZone, story.provider);
    judge_outage(run, fmt::format("a shared host hangs for {} s", seconds(story.host)), flips, list, Group::kHungHost,
                 story.host);
    judge_uplink(run, house, story, flips);
    judge_rest(run, house, world, story, flips, list);
  });
}

const Case kSoak{"soak", 11, "Half an hour of three hundred monitors while others' things and our own fail.", soak};

}  // namespace
}  // namespace everup::bench
