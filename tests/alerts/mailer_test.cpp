// Fail-over: every fault of relay A, with an smtp-sink (or a scripted relay that keeps what it took) as relay B.
#include "alerts/mailer.h"

#include <gtest/gtest.h>

#include "net/clock.h"
#include "tests/alerts/mail_peers.h"
#include "tests/alerts/samples.h"
#include "tests/checker_smtp/postfix.h"
#include "zone/zones.h"

namespace everup::alerts::test {
namespace {

using everup::test::SmtpSink;
using std::chrono::seconds;

class MailerTest : public ::testing::Test {
 protected:
  static std::string url(std::uint16_t port, const std::string& more = {}) {
    return "smtp://127.0.0.1:" + std::to_string(port) + "?starttls=never" + more + " ";
  }
  void use(const std::string& relays, milliseconds relay_limit = seconds(30)) {
    const auto parsed = parse_relays(relays);
    ASSERT_TRUE(parsed) << parsed.error().what;
    settings_.relays = *parsed;
    settings_.from = "Everup <alerts@watch.example>";
    settings_.relay_limit = relay_limit;
    mailer_.reset();
    roster_ = std::make_unique<RelayRoster>(settings_.relays);
    mailer_ = std::make_unique<Mailer>(settings_, *roster_, clock_, zones_, stop_);
  }
  Turn deliver(int attempt = 1) {
    Message message = message_of({down_alert()});
    message.attempt = attempt;
    return mailer_->deliver(message);
  }
  static ScriptedRelay::Answer at(std::string verb, std::string reply) {
    return [verb = std::move(verb), reply = std::move(reply)](const std::string& now, const std::string&) {
      return now == verb ? reply : "usual";
    };
  }
  net::SystemClock clock_;
  TzdbZones zones_;
  MailSettings settings_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<RelayRoster> roster_;
  std::unique_ptr<Mailer> mailer_;
};

TEST_F(MailerTest, EveryFaultOfTheFirstRelayIsTheSecondOnesWorkAndBothTriesAreKept) {
  for (const auto& [verb, reply] :
       std::vector<std::pair<std::string, std::string>>{{"BANNER", "reset"},
                                                        {"BANNER", "421 4.3.2 Too busy"},
                                                        {"BANNER", ""},
                                                        {"EHLO", "close"},
                                                        {"MAIL", "530 5.7.0 Log in"},
                                                        {"MAIL", "421 4.7.0 Slow down"},
                                                        {"MAIL", "452 4.3.1 Disk full"},
                                                        {"RCPT", "550 5.4.5 Daily quota"},
                                                        {"RCPT", "554 5.7.1 Relay access denied"},
                                                        {"DATA", ""},
                                                        {"DATA", "close"},
                                                        {"DOT", ""},
                                                        {"DOT", "close"},
                                                        {"DOT", "554 5.7.1 Looks like spam"}}) {
    ScriptedRelay first(at(verb, reply)), second(nullptr);
    use(url(first.port()) + url(second.port()), milliseconds(reply.empty() ? 700 : 30'000));
    const Turn turn = deliver();
    ASSERT_EQ(turn.attempts.size(), 2U) << verb << " " << reply;
    EXPECT_EQ(turn.attempts[0].relay, "smtp://127.0.0.1:" + std::to_string(first.port()));
    EXPECT_NE(turn.attempts[0].result, AttemptResult::kSent) << verb << " " << reply;
    EXPECT_FALSE(turn.attempts[0].reply.empty()) << verb << " " << reply;
    EXPECT_EQ(turn.attempts[1].result, AttemptResult::kSent) << verb << " " << reply << turn.attempts[1].reply;
    EXPECT_EQ(turn.attempts[1].reply, "250 2.0.0 Ok: queued as SCRIPT1");
    EXPECT_EQ(turn.attempts[1].queue_id, "SCRIPT1");
    ASSERT_EQ(second.mails().size(), 1U);
    EXPECT_NE(second.mails()[0].find("Message-Id: <dlv.0000000000001@watch.example>\r\n"), std::string::npos);
    if (verb == "DOT") {
      ASSERT_EQ(first.mails().size(), 1U);
      EXPECT_EQ(first.mails()[0], second.mails()[0]) << "a repeated mail is the same mail";
    }
  }
}

TEST_F(MailerTest, ARelayAtFaultRestsAndItsWordsAreKnown) {
  SmtpSink good;
  const std::uint16_t nobody = everup::test::free_port();
  use(url(nobody) + url(good.port()));
  EXPECT_EQ(deliver().attempts.size(), 2U);
  EXPECT_EQ(deliver().attempts.size(), 1U);
  const auto states = roster_->states(clock_.now().mono);
  ASSERT_EQ(states.size(), 2U);
  EXPECT_TRUE(states[0].resting);
  EXPECT_TRUE(states[0].last_fault.starts_with("CONNECT: ")) << states[0].last_fault;
  EXPECT_FALSE(states[1].resting);
}

TEST_F(MailerTest, WhenNoRelayIsLeftItIsLaterAndNotBeforeOneHasRested) {
  use(url(everup::test::free_port()) + url(everup::test::free_port()));
  const Turn first = deliver();
  ASSERT_EQ(first.attempts.size(), 2U);
  EXPECT_EQ(first.attempts.back().result, AttemptResult::kRetry);
  ASSERT_TRUE(first.not_before);
  EXPECT_GT(*first.not_before, seconds(10));
  const Turn second = deliver(2);
  ASSERT_EQ(second.attempts.size(), 1U);
  EXPECT_EQ(second.attempts[0].result, AttemptResult::kRetry);
  EXPECT_TRUE(second.attempts[0].reply.starts_with("every relay rests")) << second.attempts[0].reply;
}

TEST_F(MailerTest, TheSinksFaultsTooAreTheSecondOnesWork) {
  SmtpSink good;
  for (const std::vector<std::string>& options : std::vector<std::vector<std::string>>{{"-f", "connect"},
                                                                                       {"-r", "connect"},
                                                                                       {"-q", "mail"},
                                                                                       {"-Q", "rcpt"},
                                                                                       {"-r", "rcpt"},
                                                                                       {"-f", "data"},
                                                                                       {"-q", "data"},
                                                                                       {"-q", "."},
                                                                                       {"-f", "."}}) {
    SmtpSink bad(options);
    use(url(bad.port()) + url(good.port()));
    const Turn turn = deliver();
    ASSERT_EQ(turn.attempts.size(), 2U) << options[0] << " " << options[1];
    EXPECT_EQ(turn.attempts[1].result, AttemptResult::kSent) << options[1] << turn.attempts[1].reply;
  }
}

TEST_F(MailerTest, GreylistingWaitsForTheSameRelayAndABounceForNobody) {
  SmtpSink grey({"-r", "rcpt", "-b", "450 4.2.0 Greylisted"}), hard({"-f", "rcpt", "-B", "550 5.1.1 Unknown"}), good;
  use(url(grey.port()) + url(good.port()));
  const Turn later = deliver();
  ASSERT_EQ(later.attempts.size(), 1U);
  EXPECT_EQ(later.attempts[0].result, AttemptResult::kRetry) << later.attempts[0].reply;
  EXPECT_EQ(later.attempts[0].reply, "RCPT: 450 4.2.0 Greylisted");
  EXPECT_FALSE(later.not_before);
  EXPECT_EQ(deliver(3).attempts.back().result, AttemptResult::kSent);  // patience has an end
  use(url(hard.port()) + url(good.port()));
  const Turn bounced = deliver();
  ASSERT_EQ(bounced.attempts.size(), 1U);
  EXPECT_EQ(bounced.attempts[0].result, AttemptResult::kFailed) << bounced.attempts[0].reply;
}

TEST_F(MailerTest, AUsedUpDayGoesToTheNextRelay) {
  ScriptedRelay small(nullptr), large(nullptr);
  use(url(small.port(), "&per_day=2") + url(large.port()));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(deliver().attempts.back().result, AttemptResult::kSent);
  EXPECT_EQ(small.mails().size(), 2U);
  EXPECT_EQ(large.mails().size(), 3U);
  EXPECT_EQ(large.connections(), 1);
}

TEST_F(MailerTest, WhatCannotBeSentIsSaid) {
  use("");
  EXPECT_EQ(deliver().attempts.at(0).reply, "no mail relay is configured: set EVERUP_SMTP_RELAYS");
  EXPECT_EQ(deliver().attempts.at(0).result, AttemptResult::kRetry);
  use(url(1));
  Message message = message_of({down_alert()});
  message.channel.to = "nobody";
  const Turn turn = mailer_->deliver(message);
  EXPECT_EQ(turn.attempts.at(0).result, AttemptResult::kFailed);
  EXPECT_EQ(turn.attempts.at(0).reply, "the recipient is not a mail address");
}

TEST_F(MailerTest, ATestMailTriesEveryRelayAndShowsTheDialogues) {
  ScriptedRelay bad(at("RCPT", "550 5.4.5 Quota")), good(nullptr);
  use(url(bad.port()) + url(good.port()));
  const auto tries = send_test(settings_, "ops@example.test", clock_);
  ASSERT_TRUE(tries) << tries.error().what;
  ASSERT_EQ(tries->size(), 2U);
  EXPECT_EQ((*tries)[0].verdict.fault, RelayFault::kQuota);
  EXPECT_EQ((*tries)[0].words(), "RCPT: 550 5.4.5 Quota");
  EXPECT_EQ((*tries)[1].verdict.result, AttemptResult::kSent);
  EXPECT_EQ((*tries)[1].lines.front(), "< 220 relay.test ESMTP");
  EXPECT_NE(good.mails().at(0).find("Subject: [TEST] Everup: this channel works\r\n"), std::string::npos);
  EXPECT_FALSE(send_test(settings_, "nobody", clock_));
  settings_.from = "nobody";
  EXPECT_NE(send_test(settings_, "ops@example.test", clock_).error().what.find("EVERUP_MAIL_FROM"), std::string::npos);
}

}  // namespace
}  // namespace everup::alerts::test
