// Looks at TCP ports: real sockets, a server that says what the test wants, TLS by openssl's own.
#include <gtest/gtest.h>

#include "tests/checker/look.h"
#include "tests/support/fake_server.h"

namespace everup::checker::test {
namespace {

using everup::test::FakeConnection;
using everup::test::FakeServer;

std::string at(std::uint16_t port) { return "tcp://127.0.0.1:" + std::to_string(port); }

TEST(TcpProbe, AConnectionIsEnoughWhenNothingIsWanted) {
  Look look;
  FakeServer server([](FakeConnection& connection) { connection.wait_for_close(); });
  const Outcome outcome = look.at(at(server.port()));
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_GE(outcome.timings.connect_us, 0);
  ASSERT_TRUE(outcome.evidence);
  EXPECT_EQ(outcome.evidence->address, "127.0.0.1:" + std::to_string(server.port()));
}

TEST(TcpProbe, TheWantedTextMayComeInPieces) {
  Look look;
  FakeServer server([](FakeConnection& connection) {
    char asked[6];
    EXPECT_EQ(recv(connection.fd(), asked, sizeof asked, MSG_WAITALL), 6);
    EXPECT_EQ(std::string(asked, sizeof asked), "PING\r\n");
    for (const char c : std::string("+PO")) connection.send(std::string(1, c));
    connection.send("NG\r\n");
    connection.wait_for_close();
  });
  look.of<TcpSettings>().options.send = "PING\r\n";
  look.of<TcpSettings>().expect.contains = "+PONG";
  const Outcome outcome = look.at(at(server.port()));
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_GE(outcome.timings.wait_us, 0);
}

TEST(TcpProbe, WhatDoesNotComeIsToldApart) {
  const struct {
    std::function<void(FakeConnection&)> serve;
    Cause cause;
  } kTable[] = {
      {[](FakeConnection& connection) { connection.wait_for_close(); }, Cause::kTcpTimeout},
      {[](FakeConnection& connection) { connection.send("-ERR\r\n"); }, Cause::kTcpClosed},
      {[](FakeConnection& connection) { connection.reset(); }, Cause::kTcpClosed},
      {[](FakeConnection& connection) {
         connection.send(std::string(128 * 1024, 'x'));
         connection.wait_for_close();
       },
       Cause::kTcpMissing},
  };
  for (const auto& row : kTable) {
    Look look;
    FakeServer server(row.serve);
    look.of<TcpSettings>().expect.contains = "+PONG";
    const Outcome outcome = look.at(at(server.port()), row.cause == Cause::kTcpTimeout ? 300 : 20'000);
    EXPECT_EQ(slug(outcome.verdict), "down");
    EXPECT_EQ(facts(outcome.cause).slug, facts(row.cause).slug) << outcome.detail;
  }
}

TEST(TcpProbe, AClosedPortAndARefusedAddressAreWhatTheyAre) {
  Look look;
  EXPECT_EQ(look.at(at(everup::test::free_port())).cause, Cause::kConnectRefused);
  LookOptions options;
  options.allow = "";
  Look strict(options);
  FakeServer canary([](FakeConnection&) { ADD_FAILURE() << "a refused address was reached"; });
  EXPECT_EQ(strict.at(at(canary.port())).cause, Cause::kAddressRefused);
}

TEST(TcpProbe, ANameWithADeadFirstAddressIsAskedAtItsSecond) {
  LookOptions options;
  options.hosts = "127.0.0.1 two.test\n127.0.0.2 two.test\n";
  Look look(options);
  FakeServer server([](FakeConnection& connection) { connection.wait_for_close(); });
  const Outcome outcome = look.at("tcp://two.test:" + std::to_string(server.port()));
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
}

TEST(TcpProbe, ALimitOnTimeIsDownOrDegraded) {
  Look look;
  FakeServer server([](FakeConnection& connection) { connection.wait_for_close(); });
  look.of<TcpSettings>().warn.contains = "never said";
  const Outcome outcome = look.at(at(server.port()));
  EXPECT_EQ(outcome.verdict, Verdict::kDegraded);
  EXPECT_EQ(outcome.cause, Cause::kTcpMissing);
}

}  // namespace
}  // namespace everup::checker::test
