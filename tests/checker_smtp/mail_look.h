// One look at a mail server at a time, with everything real but the names: they come from a hosts file of the test's
// own.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checker/live.h"
#include "checker/make_probe.h"
#include "checker/smtp_probe.h"
#include "net/address_policy.h"
#include "net/clock.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "tests/support/tempdir.h"

namespace everup::checker::test {

// The real clock, and a test may put it forward.
class LeapingClock final : public Clock {
 public:
  Now now() const override {
    Now now = real_.now();
    now.mono = now.mono + leap_;
    now.wall = now.wall + std::chrono::duration_cast<milliseconds>(leap_);
    return now;
  }
  void leap(std::chrono::seconds by) { leap_ += by; }

 private:
  net::SystemClock real_;
  std::chrono::nanoseconds leap_{0};
};

class MailLook {
 public:
  explicit MailLook(std::string hosts = "127.0.0.1 mx.test\n::1 six.test\n127.0.0.1 both.test\n::1 both.test\n",
                    std::string ca_file = {})
      : loop_(clock_), policy_(*net::AllowList::parse("loopback"), {}), resolver_(loop_, options(std::move(hosts))) {
    ProbeSettings settings{"Everup-test/1.0", std::move(ca_file)};
    settings.ehlo_name = "probe.test";
    auto made = Probes::make(loop_, resolver_, policy_, std::move(settings));
    EXPECT_TRUE(made.ok());
    if (made.ok()) probes_ = std::move(*made);
  }

  Outcome at(const std::string& url, const SmtpSettings& settings = {}, int timeout_ms = 20'000) {
    start(url, settings, timeout_ms);
    turn_until([this] { return outcome_.has_value(); });
    EXPECT_TRUE(outcome_) << "the look did not end";
    probe_.reset();
    return outcome_ ? std::move(*outcome_) : Outcome{};
  }
  void start(const std::string& url, const SmtpSettings& settings = {}, int timeout_ms = 20'000) {
    plan_.url = url;
    plan_.kind = url.starts_with("smtps") ? Kind::kSmtps : Kind::kSmtp;
    plan_.timeout_ms = timeout_ms;
    plan_.settings = std::make_shared<KindSettings>(settings);
    outcome_.reset();
    Question question;
    question.plan = &plan_;
    question.deadline = clock_.now().mono + std::chrono::milliseconds(timeout_ms);
    question.strict_policy = strict_policy;
    question.live = live;
    question.want_evidence = want_evidence;
    probe_ = probes_->start(question, [this](Outcome&& outcome) {
      EXPECT_FALSE(outcome_) << "told twice";
      outcome_ = std::move(outcome);
      if (destroy_when_done) probe_.reset();
    });
    EXPECT_FALSE(outcome_) << "told from inside start()";
  }
  template <class F>
  bool turn_until(F&& reached) {
    const net::SystemClock real;
    const Instant limit = real.now().mono + std::chrono::seconds(60);
    while (!reached() && real.now().mono < limit) loop_.run_once(std::chrono::milliseconds(20));
    return reached();
  }
  void cancel() { probe_.reset(); }
  std::optional<Outcome>& outcome() { return outcome_; }
  LeapingClock& clock() { return clock_; }
  net::Loop& loop() { return loop_; }

  bool strict_policy = true, destroy_when_done = false, want_evidence = true;
  Live* live = nullptr;

 private:
  net::ResolverOptions options(std::string hosts) {
    net::ResolverOptions result;
    result.hosts_file = dir_.write("hosts", hosts);
    result.servers.push_back(*net::Address::parse("127.0.0.1", 1));  // nobody listens: refuses everything
    result.resolv_conf.clear();
    return result;
  }

  everup::test::TempDir dir_;
  LeapingClock clock_;
  net::Loop loop_;
  net::AddressPolicy policy_;
  net::Resolver resolver_;
  std::unique_ptr<Probes> probes_;
  CheckPlan plan_;
  std::optional<Outcome> outcome_;
  std::unique_ptr<Probe> probe_;
};

// "> line" for what we said, "< line" for what we heard, "* line" for remarks; where to is left out.
inline std::vector<std::string> printed(const Transcript& transcript) {
  std::vector<std::string> out;
  for (const TranscriptLine& line : transcript.lines()) {
    const char* mark = line.direction == Direction::kOut ? "> " : line.direction == Direction::kIn ? "< " : "* ";
    if (line.direction == Direction::kNote && line.text.starts_with("connecting to ")) continue;
    out.push_back(mark + line.text);
  }
  return out;
}

}  // namespace everup::checker::test
