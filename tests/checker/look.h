// One look at a time: a loop, a resolver whose names come from a hosts file of the test's own, a policy that opens
// loopback.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "checker/make_probe.h"
#include "net/address_policy.h"
#include "net/clock.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "tests/support/tempdir.h"

namespace everup::checker::test {

struct LookOptions {
  std::string hosts = "127.0.0.1 shop.test other.test\n";
  std::string allow = "loopback";
  std::vector<net::Address> dns_servers;  // empty: one that refuses everything (nobody listens)
  std::string ca_file;
};

class Look {
 public:
  explicit Look(LookOptions options = {})
      : loop_(clock_), policy_(*net::AllowList::parse(options.allow), {}), resolver_(loop_, resolver_options(options)) {
    auto made = Probes::make(loop_, resolver_, policy_, ProbeSettings{"Everup-test/1.0", options.ca_file});
    EXPECT_TRUE(made.ok());
    if (made.ok()) probes_ = std::move(*made);
    plan_.timeout_ms = 20'000;
  }

  // What the next look at `url` asks and demands; reset by every look.
  HttpOptions& options() { return std::get<HttpSettings>(settings_).options; }
  HttpExpect& expect() { return std::get<HttpSettings>(settings_).expect; }
  HttpExpect& warn() { return std::get<HttpSettings>(settings_).warn; }
  // The same of another kind: look.of<TcpSettings>().expect…
  template <class Settings>
  Settings& of() {
    if (!std::holds_alternative<Settings>(settings_)) settings_ = Settings{};
    return std::get<Settings>(settings_);
  }

  Outcome at(const std::string& url, int timeout_ms = 20'000, bool want_evidence = true) {
    start(url, timeout_ms, want_evidence);
    turn_until([this] { return outcome_.has_value(); });
    EXPECT_TRUE(outcome_) << "the look did not end";
    probe_.reset();
    settings_ = HttpSettings{};
    return outcome_ ? std::move(*outcome_) : Outcome{};
  }
  void start(const std::string& url, int timeout_ms = 20'000, bool want_evidence = true) {
    plan_.url = url;
    const auto target = parse_target(url);
    plan_.kind = target ? target->kind : Kind::kHttp;
    if (settings_.index() != default_settings(plan_.kind).index()) settings_ = default_settings(plan_.kind);
    plan_.settings = std::make_shared<const KindSettings>(settings_);
    outcome_.reset();
    Question question;
    question.plan = &plan_;
    question.deadline = clock_.now().mono + std::chrono::milliseconds(timeout_ms);
    question.strict_policy = strict_policy;
    question.want_evidence = want_evidence;
    probe_ = probes_->start(question, [this](Outcome&& outcome) {
      EXPECT_FALSE(outcome_) << "told twice";
      outcome_ = std::move(outcome);
    });
    EXPECT_FALSE(outcome_) << "told from inside start()";
  }
  template <class F>
  void turn_until(F&& reached) {
    const Instant limit = clock_.now().mono + std::chrono::seconds(60);
    while (!reached() && clock_.now().mono < limit) loop_.run_once(std::chrono::milliseconds(100));
  }
  void cancel() { probe_.reset(); }
  bool ended() const { return outcome_.has_value(); }
  std::optional<Outcome>& outcome() { return outcome_; }
  net::Resolver& resolver() { return resolver_; }
  net::Loop& loop() { return loop_; }
  bool strict_policy = true;

 private:
  net::ResolverOptions resolver_options(const LookOptions& options) {
    net::ResolverOptions result;
    result.hosts_file = dir_.write("hosts", options.hosts);
    result.servers = options.dns_servers;
    if (result.servers.empty()) result.servers.push_back(*net::Address::parse("127.0.0.1", 1));
    result.resolv_conf.clear();
    return result;
  }

  everup::test::TempDir dir_;
  net::SystemClock clock_;
  net::Loop loop_;
  net::AddressPolicy policy_;
  net::Resolver resolver_;
  std::unique_ptr<Probes> probes_;
  KindSettings settings_;
  CheckPlan plan_;
  std::optional<Outcome> outcome_;
  std::unique_ptr<Probe> probe_;
};

}  // namespace everup::checker::test
