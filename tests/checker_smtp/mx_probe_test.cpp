// MX mode: which hosts are asked, and what their answers mean together.
#include "checker/mx_probe.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checker/make_probe.h"
#include "net/clock.h"
#include "tests/checker_smtp/scripted_server.h"
#include "tests/net/dns_server.h"
#include "tests/support/fake_server.h"
#include "tests/support/ports.h"

namespace everup::checker::test {
namespace {

using everup::test::FakeConnection;
using everup::test::FakeServer;
using net::DnsQuery;

constexpr int kMxType = 15;

void agree(FakeConnection& connection) {
  Wire wire(connection, nullptr);
  std::string line;
  wire.send("220 mx.test ESMTP\r\n", false);
  while (wire.line(&line)) wire.send(line == "QUIT" ? "221 bye\r\n" : "250 mx.test\r\n", false);
}

class MxMode : public ::testing::Test {
 protected:
  MxMode()
      : loop_(clock_),
        dns_(loop_, [this](const DnsQuery& query) { return answer(query); }),
        policy_(*net::AllowList::parse("loopback"), {}) {
    net::ResolverOptions options;
    options.servers = {dns_.address()};
    options.hosts_file = "";
    options.try_timeout = std::chrono::milliseconds(300);
    resolver_ = std::make_unique<net::Resolver>(loop_, options);
    ProbeSettings settings;
    settings.ehlo_name = "probe.test";
    probes_ = std::move(*Probes::make(loop_, *resolver_, policy_, settings));
  }
  Outcome look(int timeout_ms = 20'000) {
    CheckPlan plan;
    plan.kind = everup::Kind::kSmtp;
    plan.url = "smtp://example.test:" + std::to_string(port_) + "/";
    SmtpSettings settings;
    settings.options.mx = true;
    settings.options.stop_after = SmtpStop::kEhlo;
    plan.settings = std::make_shared<KindSettings>(settings);
    std::optional<Outcome> outcome;
    Question question;
    question.plan = &plan;
    question.deadline = clock_.now().mono + std::chrono::milliseconds(timeout_ms);
    const auto probe = probes_->start(question, [&](Outcome&& said) { outcome = std::move(said); });
    EXPECT_FALSE(outcome) << "told from inside start()";
    const Instant end = clock_.now().mono + std::chrono::seconds(60);
    while (!outcome && clock_.now().mono < end) loop_.run_once(std::chrono::milliseconds(20));
    EXPECT_TRUE(outcome);
    return outcome ? std::move(*outcome) : Outcome{};
  }
  std::string place(const std::string& address) const { return address + ":" + std::to_string(port_); }

  // What the DNS says: mail hosts of example.test, addresses of names. A name without addresses is NXDOMAIN.
  std::vector<std::pair<unsigned, std::string>> mx_;
  std::map<std::string, std::string> addresses_;
  int mx_rcode_ = 0;

 private:
  std::vector<std::string> answer(const DnsQuery& query) const {
    std::vector<net::DnsRecord> records;
    if (query.type == kMxType) {
      for (const auto& [preference, host] : mx_)
        records.push_back({query.name, kMxType, 60, net::be16(preference) + net::wire_name(host)});
      return {net::reply(query, mx_rcode_, records)};
    }
    const auto found = addresses_.find(query.name);
    if (found == addresses_.end()) return {net::reply(query, 3)};
    const net::DnsRecord record = net::a(query.name, found->second);
    if (record.type == query.type) records.push_back(record);
    return {net::reply(query, 0, records)};
  }

 protected:
  std::uint16_t port_ = everup::test::free_port("127.0.0.2");
  net::SystemClock clock_;
  net::Loop loop_;
  net::DnsServer dns_;
  net::AddressPolicy policy_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<Probes> probes_;
};

TEST_F(MxMode, EveryHostIsAskedInOrderOfPreference) {
  FakeServer first(agree, "127.0.0.2", port_), second(agree, "127.0.0.3", port_);
  mx_ = {{20, "mx2.test"}, {10, "mx1.test"}};
  addresses_ = {{"mx1.test", "127.0.0.2"}, {"mx2.test", "127.0.0.3"}};
  const Outcome outcome = look();
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_EQ(outcome.verdict, Verdict::kUp);
  EXPECT_GE(outcome.timings.dns_us, 0);
  ASSERT_TRUE(outcome.evidence);
  EXPECT_EQ(outcome.evidence->hops, (std::vector<std::string>{"10 mx1.test (IPv4) " + place("127.0.0.2") + " ok",
                                                              "20 mx2.test (IPv4) " + place("127.0.0.3") + " ok"}));
  EXPECT_EQ(first.accepted(), 1);
  EXPECT_EQ(second.accepted(), 1);
}

TEST_F(MxMode, WithoutMxTheDomainItselfIsAsked) {
  FakeServer server(agree, "127.0.0.2", port_);
  addresses_ = {{"example.test", "127.0.0.2"}};
  const Outcome outcome = look();
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_EQ(outcome.evidence->hops.front(), "0 example.test (IPv4) " + place("127.0.0.2") + " ok");
}

TEST_F(MxMode, SomeThatFailAreDegradedAllAreDown) {
  FakeServer second(agree, "127.0.0.3", port_);
  mx_ = {{10, "mx1.test"}, {20, "mx2.test"}};
  addresses_ = {{"mx1.test", "127.0.0.2"}, {"mx2.test", "127.0.0.3"}};  // nobody listens at the first
  const Outcome some = look();
  EXPECT_EQ(some.cause, Cause::kSmtpMxPartial);
  EXPECT_EQ(some.verdict, Verdict::kDegraded);
  EXPECT_EQ(some.detail, "1 of 2 fail, the first is mx1.test (IPv4): Connection refused");
  addresses_["mx2.test"] = "127.0.0.4";
  resolver_->clear_cache();
  const Outcome all = look();
  EXPECT_EQ(all.cause, Cause::kConnectRefused);
  EXPECT_EQ(all.verdict, Verdict::kDown);
  EXPECT_EQ(all.detail, "mx1.test (IPv4): Connection refused");
}

TEST_F(MxMode, AHostWithoutAnAddressFails) {
  FakeServer second(agree, "127.0.0.3", port_);
  mx_ = {{10, "mx1.test"}, {20, "mx2.test"}};
  addresses_ = {{"mx2.test", "127.0.0.3"}};
  const Outcome outcome = look();
  EXPECT_EQ(outcome.cause, Cause::kSmtpMxPartial) << outcome.detail;
  ASSERT_TRUE(outcome.evidence);
  EXPECT_EQ(outcome.evidence->hops.front(), "10 mx1.test dns_failure");
}

TEST_F(MxMode, NoMailHere) {
  mx_ = {{0, "."}};
  const Outcome outcome = look();
  EXPECT_EQ(outcome.cause, Cause::kSmtpNullMx);
  EXPECT_EQ(outcome.verdict, facts(Cause::kSmtpNullMx).verdict);
}

TEST_F(MxMode, NamesThatAreNotThereAndServersThatDoNotAnswer) {
  mx_rcode_ = 3;
  EXPECT_EQ(look().cause, Cause::kDnsFailure);
  mx_rcode_ = 2;
  const Outcome outcome = look();
  EXPECT_EQ(outcome.cause, Cause::kDnsUnavailable);
  EXPECT_EQ(outcome.verdict, Verdict::kInconclusive);
}

}  // namespace
}  // namespace everup::checker::test
