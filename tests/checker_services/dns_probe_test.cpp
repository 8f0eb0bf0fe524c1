// Looks at names: real messages from a server on the look's own loop.
#include <gtest/gtest.h>

#include "net/clock.h"
#include "tests/checker/look.h"
#include "tests/net/dns_server.h"

namespace everup::checker::test {
namespace {

using net::DnsQuery;
using net::DnsServer;
using Replies = std::vector<std::string>;

class DnsLook : public ::testing::Test {
 protected:
  // The look's own resolver asks `ours` as well.
  void with(DnsServer::Script script) {
    script_ = std::move(script);
    server_ = std::make_unique<DnsServer>(first_.loop(), [this](const DnsQuery& query) { return script_(query); });
  }
  Outcome ask(const std::string& name, int timeout_ms = 10'000) {
    first_.of<DnsSettings>().options.server = server_->address().text();
    return first_.at("dns://" + name, timeout_ms);
  }
  Look first_;
  DnsServer::Script script_;
  std::unique_ptr<DnsServer> server_;
};

TEST_F(DnsLook, AnAnswerIsUpWithItsRecordsAsEvidence) {
  with([](const DnsQuery& query) { return Replies{net::reply(query, 0, {net::a("a.test", "192.0.2.7")})}; });
  const Outcome outcome = ask("a.test");
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_EQ(outcome.verdict, Verdict::kUp);
  ASSERT_TRUE(outcome.evidence);
  EXPECT_EQ(outcome.evidence->body_excerpt, "a.test 60 A 192.0.2.7");
  EXPECT_EQ(outcome.evidence->address, server_->address().text());
  EXPECT_GE(outcome.timings.wait_us, 0);
}

TEST_F(DnsLook, ExpectationsAreHeldAgainstTheAnswer) {
  with([](const DnsQuery& query) {
    return Replies{net::reply(query, 0, {net::a("a.test", "192.0.2.7"), net::a("a.test", "192.0.2.8")})};
  });
  first_.of<DnsSettings>().expect.values = {"192.0.2.8", "192.0.2.7"};
  EXPECT_EQ(ask("a.test").cause, Cause::kOk) << "in any order";
  first_.of<DnsSettings>().expect.values = {"192.0.2.9"};
  const Outcome missing = ask("a.test");
  EXPECT_EQ(missing.cause, Cause::kDnsValues);
  EXPECT_EQ(missing.verdict, Verdict::kDown);
  EXPECT_EQ(missing.detail, "no 192.0.2.9 in the answer: 192.0.2.7 and 1 more");
  first_.of<DnsSettings>().warn.values = {"192.0.2.9"};
  EXPECT_EQ(ask("a.test").verdict, Verdict::kDegraded);
}

TEST_F(DnsLook, ResponseCodesAreToldAndMayBeWanted) {
  with([](const DnsQuery& query) { return Replies{net::reply(query, 3)}; });
  const Outcome none = ask("a.test");
  EXPECT_EQ(none.cause, Cause::kDnsFailure);
  EXPECT_EQ(none.detail, "NXDOMAIN, wanted NOERROR");
  EXPECT_EQ(none.code, 3);
  first_.of<DnsSettings>().expect.rcode = "NXDOMAIN";
  EXPECT_EQ(ask("a.test").cause, Cause::kOk);
  first_.of<DnsSettings>().expect.rcode = "SERVFAIL";
  EXPECT_EQ(ask("a.test").cause, Cause::kDnsRcode);
  script_ = [](const DnsQuery& query) { return Replies{net::reply(query, 0)}; };
  EXPECT_EQ(ask("a.test").detail, "a.test has no A record (NODATA)");
}

TEST_F(DnsLook, WhatIsTruncatedIsAskedAgainOverTcp) {
  with([](const DnsQuery& query) {
    return Replies{query.tcp ? net::reply(query, 0, {net::a("a.test", "192.0.2.7")}) : net::reply(query, 0, {}, true)};
  });
  EXPECT_EQ(ask("a.test").cause, Cause::kOk);
  ASSERT_EQ(server_->log.size(), 2u);
  EXPECT_TRUE(server_->log[1].tcp);
  first_.of<DnsSettings>().options.tcp = true;
  EXPECT_EQ(ask("a.test").cause, Cause::kOk);
  EXPECT_EQ(server_->log.size(), 3u) << "over TCP at once";
}

TEST_F(DnsLook, AnotherIdIsNoAnswerAndALostOneIsAskedAgain) {
  int asked = 0;
  with([&](const DnsQuery& query) {
    if (++asked > 1) return Replies{net::reply(query, 0, {net::a("a.test", "192.0.2.7")})};
    DnsQuery forged = query;
    forged.raw[0] = static_cast<char>(forged.raw[0] ^ 1);
    return Replies{net::reply(forged, 0, {net::a("a.test", "192.0.2.66")})};
  });
  const Outcome outcome = ask("a.test");
  EXPECT_EQ(outcome.cause, Cause::kOk);
  EXPECT_EQ(outcome.evidence->body_excerpt, "a.test 60 A 192.0.2.7");
  EXPECT_EQ(server_->ports.size(), 2u);
  EXPECT_NE(server_->ports[0], server_->ports[1]) << "a fresh port for every try";
}

TEST_F(DnsLook, ANamedServersSilenceIsItsOwnFault) {
  with([](const DnsQuery&) { return Replies{}; });
  const Outcome silent = ask("a.test", 300);
  EXPECT_EQ(silent.cause, Cause::kDnsTimeout);
  EXPECT_EQ(silent.verdict, Verdict::kDown);
  first_.of<DnsSettings>().options.server = "127.0.0.1:1";
  const Outcome nobody = first_.at("dns://a.test", 5'000);
  EXPECT_EQ(nobody.cause, Cause::kDnsTimeout);
  EXPECT_EQ(nobody.detail, "127.0.0.1:1: nobody listens there");
}

TEST_F(DnsLook, AServerThatIsRefusedIsNeverAsked) {
  LookOptions options;
  options.allow = "";
  Look strict(options);
  DnsServer canary(strict.loop(), [](const DnsQuery&) { return Replies{}; });
  strict.of<DnsSettings>().options.server = canary.address().text();
  const Outcome outcome = strict.at("dns://a.test", 2'000);
  EXPECT_EQ(outcome.cause, Cause::kAddressRefused);
  EXPECT_EQ(outcome.verdict, Verdict::kInconclusive);
  EXPECT_TRUE(canary.log.empty());
}

// RULES B 11: whose silence is it, when our own servers are asked?
TEST(OwnServers, ServfailForOneNameIsItsFaultWhenTheServerAnswersOthers) {
  for (const bool works : {true, false}) {
    const net::SystemClock clock;
    net::Loop server_loop(clock);  // its own: the server must be there before the look
    DnsServer server(server_loop, [works](const DnsQuery& query) {
      return Replies{net::reply(query, works && query.name == "." ? 0 : 2)};
    });
    LookOptions options;
    options.dns_servers = {server.address()};
    Look look(options);
    look.start("dns://a.test", 5'000);
    look.turn_until([&] {
      server_loop.run_once(std::chrono::milliseconds(0));
      look.loop().run_once(std::chrono::milliseconds(1));
      return look.ended();
    });
    ASSERT_TRUE(look.outcome());
    EXPECT_EQ(look.outcome()->cause, works ? Cause::kDnsFailure : Cause::kDnsUnavailable) << look.outcome()->detail;
    EXPECT_NE(look.outcome()->detail.find("SERVFAIL for a.test"), std::string::npos);
  }
}

}  // namespace
}  // namespace everup::checker::test
