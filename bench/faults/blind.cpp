// Our own line is cut (everything, only the name server, only IPv6) in a network of the case's own: nobody is down,
// what was seen meanwhile is unknown, and one mail tells about ourselves. Then the targets really go, all at once, and
// everybody is told. Packets vanish in silence, as behind a dead uplink; the mail relay is on this side of it.

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "bench/faults/audit.h"
#include "bench/faults/mail_log.h"
#include "tests/support/dnsmasq.h"
#include "tests/support/netns.h"

namespace everup::bench {
namespace {

constexpr int kOfEach = 6;  // monitors by IPv4 address, by IPv6 address, and by name
constexpr const char* kV4 = "ip daddr 10.81.0.0/16 drop";
constexpr const char* kV6 = "ip6 daddr fd81::/16 drop";

class Line {
 public:
  Line() {
    for (int i = 1; i <= 3 * kOfEach + 3; ++i) {
      test::ip_command(fmt::format("address add 10.81.{}.1/32 dev lo", i));
      test::ip_command(fmt::format("-6 address add fd81:{}::1/128 dev lo nodad", i));
    }
    nft("add table inet cut");
    nft("add chain inet cut in { type filter hook input priority 0 ; }");
    std::vector<std::string> names{"--local-ttl=1"};
    for (int i = 1; i <= kOfEach; ++i)
      names.push_back(fmt::format("--host-record=n{}.line.test,10.81.{}.1", i, kOfEach + i));
    dns_ = std::make_unique<test::Dnsmasq>(names);
  }
  std::string name_server() const { return fmt::format("127.0.0.1:{}", dns_->port()); }
  std::string no_names() const { return fmt::format("meta l4proto {{ tcp, udp }} th dport {} drop", dns_->port()); }
  static void cut(const std::vector<std::string>& rules) {
    for (const std::string& rule : rules) nft("add rule inet cut in " + rule);
  }
  static void mend() { nft("flush chain inet cut in"); }

 private:
  static void nft(const std::string& words) { test::run_tool({"nft", words}); }
  std::unique_ptr<test::Dnsmasq> dns_;
};

CountingTarget::Answer hanging_while(const std::atomic<bool>& hanging) {
  return [&hanging](int, std::int64_t) {
    Reply reply;
    if (hanging) reply.kind = Reply::Kind::kHang;
    return reply;
  };
}

struct Cut {
  const char* what;
  std::vector<std::string> rules;
  std::string concerned;  // SQL of the monitors' names
  int count;
};

class Story {
 public:
  explicit Story(Run& run)
      : run_(run),
        target_(hanging_while(failing_), "::"),
        house_(run, relay_.environment({{"EVERUP_ALLOW_TARGETS", "10.81.0.0/16 fd81::/16"},
                                        {"EVERUP_DNS_SERVERS", line_.name_server()},
                                        {"EVERUP_SENTINELS", sentinels()}})) {
    std::vector<Json> monitors;
    for (int i = 1; i <= kOfEach; ++i) {
      monitors.push_back(monitor(fmt::format("four{}", i), fmt::format("10.81.{}.1", i)));
      monitors.push_back(monitor(fmt::format("six{}", i), fmt::format("[fd81:{}::1]", i)));
      monitors.push_back(monitor(fmt::format("name{}", i), fmt::format("n{}.line.test", i)));
    }
    house_.add(monitors);
    all_up();
  }
  void cut(const Cut& cut) {
    const std::string injected = fmt::format("{} cut", cut.what);
    const auto ours = relay_.count("EVERUP");
    const auto others = static_cast<std::int64_t>(relay_.mails().size()) - ours;
    const auto from = wall_ms();
    Line::cut(cut.rules);
    wait_ms(run_.options().brief ? 15'000 : 60'000);
    Line::mend();
    const auto to = wall_ms();
    all_up();
    test::until([&] { return relay_.count("EVERUP") > ours; }, std::chrono::seconds(40));
    wait_ms(20'000);  // whatever else may be told
    run_.found({injected, fmt::format("{} flips to down", house_.flips_down(from)), "0", house_.flips_down(from) == 0});
    const auto about_us = relay_.count("EVERUP") - ours;
    const auto about_them = static_cast<std::int64_t>(relay_.mails().size()) - relay_.count("EVERUP") - others;
    run_.found({injected, fmt::format("{} mails about ourselves, {} about targets", about_us, about_them), "1, 0",
                about_us == 1 && about_them == 0});
    const auto unknown = [&](const std::string& which) {
      return house_.count(fmt::format(
          "SELECT count(DISTINCT s.monitor_id) FROM spans s JOIN monitors m ON m.id = s.monitor_id WHERE s.state = 4 "
          "AND s.from_at BETWEEN {} AND {} AND s.to_at BETWEEN {} AND {} AND m.name ~ '{}'",
          from - 3'000, from + 8'000, to - 1'500, to + 15'000, which));
    };
    run_.found({injected, fmt::format("{} monitors unknown from then to the end", unknown(cut.concerned)),
                fmt::format("{}", cut.count), unknown(cut.concerned) == cut.count});
    const auto down = house_.count(fmt::format("SELECT count(*) FROM spans WHERE state = 3 AND from_at >= {}", from));
    run_.found({injected, fmt::format("{} spans down", down), "0", down == 0});
  }
  void targets_go() {
    const std::string injected = "all targets really gone";
    const auto from = wall_ms();
    failing_ = true;
    const bool all = test::until([&] { return house_.flips_down(from) == 3 * kOfEach; }, std::chrono::seconds(40));
    const bool told = test::until([&] { return relay_.monitors("DOWN").size() > 0; }, std::chrono::seconds(60));
    run_.found({injected, fmt::format("{} flips to down, {}", house_.flips_down(from), told ? "told" : "nobody told"),
                fmt::format("{}, told", 3 * kOfEach), all && told});
  }
  const Line& line() const { return line_; }

 private:
  std::string sentinels() const {
    std::string text;
    for (int i = 1; i <= 3; ++i) {
      const int host = 3 * kOfEach + i;
      text += fmt::format("10.81.{}.1:{} [fd81:{}::1]:{} ", host, sentinel_.port(), host, sentinel_.port());
    }
    return text;
  }
  Json monitor(const std::string& name, const std::string& host) const {
    return {{"name", name},
            {"target", fmt::format("http://{}:{}/m/1", host, target_.port())},
            {"interval_s", 2},
            {"timeout_ms", 1000},
            {"confirm", {{"failures", 2}, {"successes", 1}, {"retry_s", 1}}}};
  }
  void all_up() {
    const auto up = [&] { return house_.count("SELECT count(*) FROM standings WHERE booked = 1") == 3 * kOfEach; };
    if (!test::until(up)) throw std::runtime_error("not all monitors are up");
  }

  Run& run_;
  Line line_;
  std::atomic<bool> failing_{false};
  CountingTarget target_;
  CountingTarget sentinel_{{}, "::"};
  Relay relay_;
  House house_;
};

void line_cut(Run& run) {
  test::in_own_network([&] {
    Story story(run);
    const std::string no_names = story.line().no_names();
    story.cut({"everything", {kV4, kV6, no_names}, ".", 3 * kOfEach});
    story.cut({"only names", {no_names}, "^name", kOfEach});
    story.cut({"only IPv6", {kV6}, "^six", kOfEach});
    story.targets_go();
  });
}

const Case kLineCut{"line-cut", 26, "Our own line is cut: everything, only names, only IPv6; then the targets go.",
                    line_cut};

}  // namespace
}  // namespace everup::bench
