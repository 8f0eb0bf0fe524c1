// Real mail servers: smtp-sink with its faults, and Postfix in clear, with STARTTLS, wrapped, and behind postscreen.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/checker_smtp/mail_look.h"
#include "tests/checker_smtp/postfix.h"
#include "tests/support/pki.h"
#include "tests/support/tempdir.h"

namespace everup::checker::test {
namespace {

using everup::test::CertificateFiles;
using everup::test::Postfix;
using everup::test::SmtpSink;
using everup::test::TempDir;
using everup::test::TestCa;

std::string peer_url(std::uint16_t port, const std::string& scheme = "smtp") {
  return scheme + "://mx.test:" + std::to_string(port) + "/";
}

SmtpSettings envelope(const std::string& to, SmtpStop stop = SmtpStop::kRcpt) {
  SmtpSettings settings;
  settings.options.from = "alice@sender.test";
  settings.options.to = {to};
  settings.options.stop_after = stop;
  return settings;
}

TEST(SmtpSinkPeer, TheWholeEnvelopeAndADelivery) {
  const TempDir dir;
  std::filesystem::permissions(dir.path(), std::filesystem::perms::all);
  SmtpSink sink({"-d", dir.file("mail.")});
  MailLook look;
  const Outcome envelope_only = look.at(peer_url(sink.port()), envelope("bob@example.test"));
  EXPECT_EQ(envelope_only.cause, Cause::kOk) << envelope_only.detail;
  const std::vector<std::string> wanted = {"< 220 sink.test ESMTP",
                                           "> EHLO probe.test",
                                           "< 250-sink.test",
                                           "< 250-PIPELINING",
                                           "< 250-8BITMIME",
                                           "< 250-AUTH PLAIN LOGIN",
                                           "< 250-XCLIENT NAME HELO",
                                           "< 250-XFORWARD NAME ADDR PROTO HELO",
                                           "< 250-ENHANCEDSTATUSCODES",
                                           "< 250-DSN",
                                           "< 250 ",
                                           "* STARTTLS is not offered: the dialogue goes on in clear",
                                           "> MAIL FROM:<alice@sender.test>",
                                           "< 250 2.1.0 Ok",
                                           "> RCPT TO:<bob@example.test>",
                                           "< 250 2.1.5 Ok",
                                           "> RSET",
                                           "> QUIT",
                                           "< 250 2.1.0 Ok",
                                           "< 221 Bye"};
  EXPECT_EQ(printed(envelope_only.evidence->transcript), wanted);
  const Outcome sent = look.at(peer_url(sink.port()), envelope("bob@example.test", SmtpStop::kData));
  EXPECT_EQ(sent.cause, Cause::kOk) << sent.detail;
  std::string mail;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path()))
    mail += everup::test::read_file(entry.path());
  EXPECT_NE(mail.find("Subject: Everup: test of this mail server"), std::string::npos) << mail;
  EXPECT_NE(mail.find("This is a test message of Everup"), std::string::npos);
}

TEST(SmtpSinkPeer, EveryFaultHasItsName) {
  struct Case {
    std::vector<std::string> options;
    Cause cause;
    std::string detail;
  };
  const std::vector<Case> cases = {
      {{"-f", "connect"}, Cause::kSmtpBannerRejected, "BANNER: 500 5.3.0 Error: command failed"},
      {{"-r", "connect"}, Cause::kSmtpTemporary, "BANNER: 450 4.3.0 Error: command failed"},
      {{"-Q", "connect"}, Cause::kSmtpUnavailable, "BANNER: 421 4.0.0 Server closing connection"},
      {{"-q", "ehlo"}, Cause::kSmtpConnectionLost, "FIRST-EHLO: the server closed the connection"},
      {{"-r", "ehlo"}, Cause::kSmtpTemporary, "FIRST-EHLO: 450 4.3.0 Error: command failed"},
      {{"-f", "mail"}, Cause::kSmtpRejected, "MAIL: 500 5.3.0 Error: command failed"},
      {{"-r", "mail"}, Cause::kSmtpTemporary, "MAIL: 450 4.3.0 Error: command failed"},
      {{"-q", "mail"}, Cause::kSmtpConnectionLost, "MAIL: the server closed the connection"},
      {{"-f", "rcpt"}, Cause::kSmtpRejected, "RCPT: 500 5.3.0 Error: command failed"},
      {{"-r", "rcpt"}, Cause::kSmtpGreylisted, "RCPT: 450 4.3.0 Error: command failed"},
      {{"-Q", "rcpt"}, Cause::kSmtpUnavailable, "RCPT: 421 4.0.0 Server closing connection"},
      {{"-f", "data"}, Cause::kSmtpRejected, "DATA: 500 5.3.0 Error: command failed"},
      {{"-f", "."}, Cause::kSmtpRejected, "DATA: 500 5.3.0 Error: command failed"},
      {{"-r", "."}, Cause::kSmtpTemporary, "DATA: 450 4.3.0 Error: command failed"},
      {{"-q", "."}, Cause::kSmtpConnectionLost, "DATA: the server closed the connection"},
      {{"-q", "quit"}, Cause::kOk, ""},
      {{"-e"}, Cause::kOk, ""},
      {{"-p"}, Cause::kOk, ""},
      {{"-W", "rcpt:1"}, Cause::kOk, ""}};
  MailLook look;
  for (const Case& one : cases) {
    SmtpSink sink(one.options);
    const Outcome outcome = look.at(peer_url(sink.port()), envelope("bob@example.test", SmtpStop::kData));
    EXPECT_EQ(outcome.cause, one.cause) << one.options.front() << " " << one.options.back() << ": " << outcome.detail;
    EXPECT_EQ(outcome.detail, one.detail) << one.options.front() << " " << one.options.back();
  }
}

class PostfixPeer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir;
    ca_ = new TestCa(*dir_);
    postfix_ = new Postfix(*dir_, ca_->issue("mx", "DNS:mx.test"));
  }
  static void TearDownTestSuite() {
    delete postfix_;
    delete ca_;
    delete dir_;
  }
  static inline TempDir* dir_ = nullptr;
  static inline TestCa* ca_ = nullptr;
  static inline Postfix* postfix_ = nullptr;
  MailLook look_{"127.0.0.1 mx.test\n", ca_->certificate()};
};

TEST_F(PostfixPeer, StarttlsVerified) {
  SmtpSettings settings = envelope("bob@example.test", SmtpStop::kData);
  settings.options.starttls = StartTls::kRequire;
  settings.expect.capabilities = {"SIZE", "PIPELINING", "STARTTLS", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN"};
  settings.expect.certificate_days_min = 7;
  const Outcome outcome = look_.at(peer_url(postfix_->smtp()), settings);
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail << "\n" << postfix_->child().output();
  ASSERT_TRUE(outcome.evidence && outcome.evidence->certificate);
  EXPECT_EQ(outcome.evidence->certificate->subject, "CN=mx");
  EXPECT_TRUE(postfix_->child().wait_for_output("relay=none, delay=")) << postfix_->child().output();
}

TEST_F(PostfixPeer, WrappedInTls) {
  const Outcome outcome = look_.at(peer_url(postfix_->smtps(), "smtps"));
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_GT(outcome.timings.tls_us, 0);
  const Outcome mistaken = look_.at(peer_url(postfix_->smtp(), "smtps"));
  EXPECT_EQ(mistaken.cause, Cause::kTlsHandshake) << mistaken.detail;
}

TEST_F(PostfixPeer, ItsRefusalsInItsWords) {
  const auto rcpt = [&](const std::string& to) { return look_.at(peer_url(postfix_->smtp()), envelope(to)); };
  EXPECT_EQ(rcpt("bob@example.test").cause, Cause::kOk);
  const Outcome unknown = rcpt("nobody@example.test");
  EXPECT_EQ(unknown.cause, Cause::kSmtpMailbox) << unknown.detail;
  const Outcome relay = rcpt("bob@elsewhere.test");
  EXPECT_EQ(relay.cause, Cause::kSmtpRelayDenied) << relay.detail;
  EXPECT_EQ(relay.code, 554);
  const Outcome grey = rcpt("grey@example.test");
  EXPECT_EQ(grey.cause, Cause::kSmtpGreylisted) << grey.detail;
  EXPECT_EQ(grey.verdict, Verdict::kDegraded);
  EXPECT_EQ(rcpt("postmaster@example.test").cause, Cause::kOk);
}

// postscreen lets its greeting wait and refuses whoever talks before it. We do not.
TEST_F(PostfixPeer, PostscreenFindsNothingAgainstUs) {
  const Outcome outcome = look_.at(peer_url(postfix_->screened()));
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_EQ(postfix_->child().output().find("PREGREET"), std::string::npos);
}

}  // namespace
}  // namespace everup::checker::test
