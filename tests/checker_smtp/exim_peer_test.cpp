// A real Exim: what it can do before and after STARTTLS, AUTH in two ways, its refusals in its own words.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/checker_smtp/exim.h"
#include "tests/checker_smtp/mail_look.h"
#include "tests/support/pki.h"
#include "tests/support/tempdir.h"

namespace everup::checker::test {
namespace {

class EximPeer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new everup::test::TempDir;
    ca_ = new everup::test::TestCa(*dir_);
    exim_ = new everup::test::Exim(*dir_, ca_->issue("mx", "DNS:mx.test"));
  }
  static void TearDownTestSuite() {
    delete exim_;
    delete ca_;
    delete dir_;
  }
  Outcome look(const SmtpSettings& settings) {
    return look_.at("smtp://mx.test:" + std::to_string(exim_->port()) + "/", settings);
  }
  Outcome rcpt(const std::string& to) {
    SmtpSettings settings;
    settings.options.from = "alice@sender.test";
    settings.options.to = {to};
    settings.options.stop_after = SmtpStop::kRcpt;
    return look(settings);
  }
  Outcome login(SmtpAuth::Mechanism mechanism, const std::string& secret) {
    SmtpSettings settings;
    settings.options.starttls = StartTls::kRequire;
    settings.options.auth.user = "bob";
    settings.options.auth.secret = secret;
    settings.options.auth.mechanism = mechanism;
    settings.options.stop_after = SmtpStop::kAuth;
    return look(settings);
  }
  static bool says(const Outcome& outcome, const std::string& line) {
    const auto lines = printed(outcome.evidence->transcript);
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  }
  static inline everup::test::TempDir* dir_ = nullptr;
  static inline everup::test::TestCa* ca_ = nullptr;
  static inline everup::test::Exim* exim_ = nullptr;
  MailLook look_{"127.0.0.1 mx.test\n", ca_->certificate()};
};

TEST_F(EximPeer, StarttlsVerifiedAndWhatItCanDo) {
  SmtpSettings settings;
  settings.options.starttls = StartTls::kRequire;
  settings.options.verify_tls = true;
  settings.expect.capabilities = {"SIZE", "8BITMIME", "PIPELINING", "CHUNKING", "SMTPUTF8"};
  const Outcome outcome = look(settings);
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  ASSERT_TRUE(outcome.evidence && outcome.evidence->certificate);
  EXPECT_EQ(outcome.evidence->certificate->subject, "CN=mx");
  EXPECT_TRUE(says(outcome, "< 250-STARTTLS"));
  EXPECT_TRUE(says(outcome, "< 250-AUTH CRAM-MD5")) << "before TLS";
  EXPECT_TRUE(says(outcome, "< 250-AUTH PLAIN CRAM-MD5")) << "after it";
}

TEST_F(EximPeer, AuthInTwoWays) {
  using Mechanism = SmtpAuth::Mechanism;
  for (const Mechanism mechanism : {Mechanism::kPlain, Mechanism::kCramMd5}) {
    const Outcome good = login(mechanism, "secret");
    EXPECT_EQ(good.cause, Cause::kOk) << good.detail;
    EXPECT_EQ(good.code, 235);
    const Outcome wrong = login(mechanism, "wrong");
    EXPECT_EQ(wrong.cause, Cause::kSmtpAuthFailed) << wrong.detail;
    EXPECT_EQ(wrong.code, 535);
    for (const std::string& line : printed(good.evidence->transcript))
      EXPECT_EQ(line.find("c2VjcmV0"), std::string::npos) << "the secret is masked: " << line;
  }
}

TEST_F(EximPeer, ItsRefusalsInItsWords) {
  EXPECT_EQ(rcpt("bob@example.test").cause, Cause::kOk);
  const Outcome unknown = rcpt("nobody@example.test");
  EXPECT_EQ(unknown.cause, Cause::kSmtpMailbox) << unknown.detail;
  EXPECT_EQ(unknown.detail, "RCPT: 550 Unknown user");
  const Outcome relay = rcpt("bob@elsewhere.test");
  EXPECT_EQ(relay.cause, Cause::kSmtpRelayDenied) << relay.detail;
  EXPECT_EQ(relay.code, 550);
  const Outcome grey = rcpt("grey@example.test");
  EXPECT_EQ(grey.cause, Cause::kSmtpGreylisted) << grey.detail;
  EXPECT_EQ(grey.detail, "RCPT: 451 Greylisted, please come again");
}

TEST_F(EximPeer, AMessageIsTaken) {
  SmtpSettings settings;
  settings.options.from = "alice@sender.test";
  settings.options.to = {"bob@example.test"};
  settings.options.stop_after = SmtpStop::kData;
  const Outcome outcome = look(settings);
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
}

}  // namespace
}  // namespace everup::checker::test
