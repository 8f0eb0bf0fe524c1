// What the kernel says about routes and filters, in a network of our own: whose fault it is, and how far a public
// address can send us.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/checker/look.h"
#include "tests/support/fake_server.h"
#include "tests/support/netns.h"

namespace everup::checker::test {
namespace {

using everup::test::FakeConnection;
using everup::test::FakeServer;
using everup::test::in_own_network;
using everup::test::ip_command;
using everup::test::run_tool;
using ::testing::HasSubstr;

TEST(HttpNetwork, RoutesAndFiltersHaveTheirCauses) {
  in_own_network([] {
    ip_command("route add default dev lo");  // what is sent to nobody's address vanishes
    ip_command("route add unreachable 9.9.2.1 && ip route add prohibit 9.9.2.2 && ip route add blackhole 9.9.2.3");
    run_tool({"nft",
              "add table inet t; add chain inet t out { type filter hook output priority 0; };"
              "add rule inet t out ip daddr 9.9.3.2 tcp dport 80 reject with tcp reset"});
    Look look;
    const auto cause = [&](const std::string& address) { return look.at("http://" + address + "/", 300).cause; };
    EXPECT_EQ(cause("9.9.1.9"), Cause::kConnectTimeout) << "nobody answers";
    EXPECT_EQ(cause("9.9.2.1"), Cause::kHostUnreachable);
    EXPECT_EQ(cause("9.9.2.2"), Cause::kOwnNetwork) << "EACCES is a rule of our own";
    EXPECT_EQ(cause("9.9.2.3"), Cause::kOwnNetwork) << "EINVAL too";
    EXPECT_EQ(cause("9.9.3.2"), Cause::kConnectRefused);
    ip_command("route del default");
    const Outcome lost = look.at("http://8.8.8.8/", 300);
    EXPECT_EQ(lost.cause, Cause::kNetworkUnreachable);
    EXPECT_EQ(lost.verdict, Verdict::kInconclusive) << "our uplink is not their outage";
  });
}

TEST(HttpNetwork, NoEphemeralPortLeftIsOurTrouble) {
  in_own_network([] {
    run_tool({"sh", "-c", "echo 40000 40000 > /proc/sys/net/ipv4/ip_local_port_range"});
    FakeServer server([](FakeConnection& connection) { connection.wait_for_close(); }, "127.0.0.1", 8080);
    Look look;
    look.start("http://shop.test:8080/");  // holds the only port
    look.turn_until([&] { return server.accepted() > 0; });
    Look second;
    EXPECT_EQ(second.at("http://shop.test:8080/").cause, Cause::kOwnResources);
    look.cancel();
  });
}

TEST(HttpNetwork, ADeadAddressLeavesTimeForTheNext) {
  in_own_network([] {
    ip_command("route add default dev lo");
    FakeServer server([](FakeConnection& connection) {
      if (!connection.read_request().empty()) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    LookOptions options;
    options.hosts = "9.9.1.9 shop.test\n127.0.0.1 shop.test\n";
    Look look(options);
    const Outcome outcome = look.at("http://shop.test:" + std::to_string(server.port()), 3000);
    EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
    EXPECT_EQ(outcome.evidence->addresses_tried.size(), 2u);
    EXPECT_GE(outcome.timings.connect_us, 1'400'000) << "half of the time was the first one's";
  });
}

TEST(HttpNetwork, ADeadFamilyDoesNotDelayTheOther) {
  in_own_network([] {
    ip_command("-6 addr add 2001:4860::1/128 dev lo nodad && ip -6 route add 2001:4860::/32 dev lo");
    FakeServer server([](FakeConnection& connection) {
      if (!connection.read_request().empty()) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    LookOptions options;
    options.hosts = "2001:4860::9 shop.test\n127.0.0.1 shop.test\n";
    Look look(options);
    const Outcome outcome = look.at("http://shop.test:" + std::to_string(server.port()));
    EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
    EXPECT_EQ(outcome.evidence->addresses_tried.size(), 2u);
    EXPECT_THAT(outcome.evidence->address, HasSubstr("127.0.0.1:"));
  });
}

TEST(HttpNetwork, APublicAddressCannotSendUsInside) {
  in_own_network([] {
    ip_command("addr add 8.8.4.4/32 dev lo");
    FakeServer inside([](FakeConnection& connection) {
      if (!connection.read_request().empty()) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    const std::string there = "http://127.0.0.1:" + std::to_string(inside.port()) + "/";
    FakeServer outside(
        [&](FakeConnection& connection) {
          if (!connection.read_request().empty())
            connection.send("HTTP/1.1 302 Go\r\nLocation: " + there + "\r\nContent-Length: 0\r\n\r\n");
        },
        "8.8.4.4");
    Look look;
    EXPECT_EQ(look.at(there).cause, Cause::kOk) << "the operator opened loopback";
    const Outcome outcome = look.at("http://8.8.4.4:" + std::to_string(outside.port()) + "/");
    EXPECT_EQ(outcome.cause, Cause::kAddressRefused) << outcome.detail;
    EXPECT_EQ(inside.accepted(), 1);
    EXPECT_EQ(outside.accepted(), 1);
  });
}

}  // namespace
}  // namespace everup::checker::test
