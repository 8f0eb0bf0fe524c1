// One look at a time at a TLS server: a loop, a resolver whose names come from a hosts file of the test's own, a policy
// that opens loopback.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "checker/make_probe.h"
#include "core/tls_report.h"
#include "net/address_policy.h"
#include "net/clock.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "tests/support/tempdir.h"

namespace everup::checker::test {

class TlsLook {
 public:
  explicit TlsLook(const std::string& ca_file = {})
      : loop_(clock_), policy_(*net::AllowList::parse("loopback"), {}), resolver_(loop_, resolver_options()) {
    auto made = Probes::make(loop_, resolver_, policy_, ProbeSettings{"Everup-test/1.0", ca_file});
    EXPECT_TRUE(made.ok());
    if (made.ok()) probes_ = std::move(*made);
    plan_.kind = Kind::kTls;
    plan_.id = MonitorId{7};
  }

  TlsSettings settings;  // kept between looks
  CheckPlan& plan() { return plan_; }

  Outcome at(const std::string& host, std::uint16_t port, int timeout_ms = 20'000) {
    plan_.url = "tls://" + host + ":" + std::to_string(port);
    plan_.settings = std::make_shared<KindSettings>(settings);
    std::optional<Outcome> outcome;
    Question question;
    question.plan = &plan_;
    question.deadline = clock_.now().mono + std::chrono::milliseconds(timeout_ms);
    auto probe = probes_->start(question, [&](Outcome&& said) {
      EXPECT_FALSE(outcome) << "told twice";
      outcome = std::move(said);
    });
    EXPECT_FALSE(outcome) << "told from inside start()";
    const Instant limit = clock_.now().mono + std::chrono::seconds(60);
    while (!outcome && clock_.now().mono < limit) loop_.run_once(std::chrono::milliseconds(100));
    EXPECT_TRUE(outcome) << "the look did not end";
    return outcome ? std::move(*outcome) : Outcome{};
  }
  static const TlsReport& report_of(const Outcome& outcome) {
    static const TlsReport kNone;
    const bool there = outcome.evidence && outcome.evidence->tls;
    EXPECT_TRUE(there) << "no report";
    return there ? *outcome.evidence->tls : kNone;
  }

 private:
  net::ResolverOptions resolver_options() {
    net::ResolverOptions result;
    result.hosts_file = dir_.write("hosts", "127.0.0.1 shop.test other.test\n");
    result.servers.push_back(*net::Address::parse("127.0.0.1", 1));
    result.resolv_conf.clear();
    return result;
  }

  everup::test::TempDir dir_;
  net::SystemClock clock_;
  net::Loop loop_;
  net::AddressPolicy policy_;
  net::Resolver resolver_;
  std::unique_ptr<Probes> probes_;
  CheckPlan plan_;
};

}  // namespace everup::checker::test
