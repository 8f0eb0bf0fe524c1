// Every spelling and wrapping of a refused address, as a target, as a redirect and as a DNS answer, in a network of our
// own where the kernel counts what leaves: not one packet may go to anybody but the two machines that are allowed. The
// form with 10 000 rebinding looks is EVERUP_LONG's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "core/target.h"
#include "tests/checker/look.h"
#include "tests/support/fake_server.h"
#include "tests/support/name_server.h"
#include "tests/support/netns.h"
#include "tests/support/spellings.h"

namespace everup::checker::test {
namespace {

using everup::test::FakeConnection;
using everup::test::FakeServer;
using everup::test::in_own_network;
using everup::test::ip_command;
using everup::test::NameAnswer;
using everup::test::NameServer;
using everup::test::run_tool;
using ::testing::HasSubstr;

constexpr const char* kSite = "8.8.4.4";   // a public web server
constexpr const char* kNames = "8.8.8.8";  // a public name server
constexpr std::uint16_t kPort = 8080;
constexpr Cause kNobodyThere = Cause::kConnectRefused;  // "8.8.4.4#@127.0.0.1" is port 80 of the site

// Whatever the machine sends by TCP or UDP to others than the two goes by the counter. Everything has a route.
class Watch {
 public:
  Watch() {
    ip_command(std::string("addr add ") + kSite + "/32 dev lo && ip addr add " + kNames + "/32 dev lo");
    ip_command("route add default dev lo && ip -6 route add default dev lo");
    run_tool({"nft", std::string("add table inet t; add counter inet t canary;"
                                 "add chain inet t out { type filter hook output priority 0; };"
                                 "add rule inet t out ip daddr { ") +
                         kSite + ", " + kNames +
                         " } accept;"
                         "add rule inet t out meta l4proto { tcp, udp } counter name canary"});
  }
  long packets() const {
    const std::string text = run_tool({"nft", "list", "counter", "inet", "t", "canary"});
    return std::atol(text.c_str() + text.find("packets ") + 8);
  }
};

LookOptions nothing_opened() {
  LookOptions options;
  options.hosts.clear();
  options.allow.clear();
  options.dns_servers = {*net::Address::parse(kNames, 53)};
  return options;
}

std::string in_url(const std::string& host) {
  const bool v6 = host.find(':') != std::string::npos && host.find('@') == std::string::npos;
  return "http://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(kPort) + "/";
}

TEST(Spellings, TheCounterSeesWhatWouldLeave) {
  in_own_network([] {
    const Watch watch;
    Look look(nothing_opened());
    look.strict_policy = false;
    look.at("http://10.0.0.1:8080/", 100);
    EXPECT_GT(watch.packets(), 0);
  });
}

TEST(Spellings, NoTargetReachesARefusedAddress) {
  in_own_network([] {
    const Watch watch;
    NameServer names([](const std::string&) { return NameAnswer{3, {}, 0, 0}; }, kNames, 53);
    Look look(nothing_opened());
    int refused_at_save = 0, refused_at_look = 0;
    for (const std::string& host : everup::test::refused_hosts()) {
      SCOPED_TRACE(host);
      const auto target = parse_target(in_url(host));
      if (!target.ok()) {
        ++refused_at_save;
        continue;
      }
      const Outcome outcome = look.at(target->url(), 5'000, false);
      EXPECT_THAT((std::vector{Cause::kAddressRefused, Cause::kDnsFailure, kNobodyThere}),
                  ::testing::Contains(outcome.cause))
          << facts(outcome.cause).slug << ": " << outcome.detail;
      refused_at_look += outcome.cause == Cause::kAddressRefused;
    }
    EXPECT_GT(refused_at_save, 300);
    EXPECT_GT(refused_at_look, 300);
    EXPECT_EQ(watch.packets(), 0);
  });
}

TEST(Spellings, NoRedirectReachesARefusedAddress) {
  in_own_network([] {
    const Watch watch;
    NameServer names([](const std::string&) { return NameAnswer{3, {}, 0, 0}; }, kNames, 53);
    const auto hosts = everup::test::refused_hosts();
    FakeServer site(
        [&](FakeConnection& connection) {
          const std::string request = connection.read_request();
          if (request.empty()) return;
          const auto number = static_cast<std::size_t>(std::atol(request.c_str() + sizeof "GET /" - 1));
          connection.send("HTTP/1.1 302 Go\r\nLocation: " + in_url(hosts.at(number)) + "\r\nContent-Length: 0\r\n\r\n");
        },
        kSite, kPort);
    Look look(nothing_opened());
    int refused = 0;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      SCOPED_TRACE(hosts[i]);
      const Outcome outcome = look.at(std::string("http://") + kSite + ":8080/" + std::to_string(i), 5'000, false);
      EXPECT_THAT((std::vector{Cause::kAddressRefused, Cause::kDnsFailure, Cause::kHttpRedirectInvalid, kNobodyThere}),
                  ::testing::Contains(outcome.cause))
          << facts(outcome.cause).slug << ": " << outcome.detail;
      refused += outcome.cause == Cause::kAddressRefused;
    }
    EXPECT_GT(refused, 300);
    EXPECT_EQ(site.accepted(), static_cast<int>(hosts.size()));
    EXPECT_EQ(watch.packets(), 0);
  });
}

TEST(Spellings, NoDnsAnswerReachesARefusedAddress) {
  in_own_network([] {
    const Watch watch;
    const auto addresses = everup::test::refused_addresses();
    NameServer names(
        [&](const std::string& name) {
          return NameAnswer{0, {addresses.at(static_cast<std::size_t>(std::atol(name.c_str() + 1)))}, 0, 0};
        },
        kNames, 53);
    Look look(nothing_opened());
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      const Outcome outcome = look.at("http://n" + std::to_string(i) + ".test:8080/", 5'000, false);
      EXPECT_EQ(outcome.cause, Cause::kAddressRefused) << addresses[i] << ": " << outcome.detail;
    }
    EXPECT_GT(addresses.size(), 300U);
    EXPECT_EQ(watch.packets(), 0);
  });
}

// A name that is public when it is asked for once, and inside the next time.
TEST(Spellings, RebindingReachesNobody) {
  in_own_network([] {
    const Watch watch;
    const auto inside = everup::test::refused_addresses();
    std::atomic<std::size_t> turn{0};
    NameServer names(
        [&](const std::string&) {
          const std::size_t now = turn;
          const std::string& other = inside[now / 4 % inside.size()];
          if (now % 4 == 0) return NameAnswer{0, {kSite}, 0, 0};
          if (now % 4 == 1) return NameAnswer{0, {other}, 0, 0};
          if (now % 4 == 2) return NameAnswer{0, {kSite, other}, 0, 0};
          return NameAnswer{0, {other, "::1", "127.0.0.1"}, 0, 0};
        },
        kNames, 53);
    FakeServer site(
        [](FakeConnection& connection) {
          if (!connection.read_request().empty()) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        },
        kSite, kPort);
    Look look(nothing_opened());
    const std::size_t looks = std::getenv("EVERUP_LONG") != nullptr ? 10'000 : 400;
    for (; turn < looks; ++turn) {
      look.resolver().clear_cache();
      const Outcome outcome = look.at("http://rebind.test:8080/", 5'000, false);
      const bool open = turn % 2 == 0;
      EXPECT_EQ(outcome.cause, open ? Cause::kOk : Cause::kAddressRefused) << turn << ": " << outcome.detail;
    }
    EXPECT_EQ(site.accepted(), static_cast<int>(looks / 2));
    EXPECT_EQ(watch.packets(), 0);
  });
}

}  // namespace
}  // namespace everup::checker::test
