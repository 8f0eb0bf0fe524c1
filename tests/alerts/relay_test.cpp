// One relay: a real Postfix with STARTTLS and a login as it should be, and every fault of the list.
#include "alerts/relay.h"

#include <gtest/gtest.h>

#include "alerts/mail_dialogue.h"
#include "tests/alerts/mail_peers.h"
#include "tests/alerts/samples.h"

namespace everup::alerts::test {
namespace {

using everup::test::TestCa;
using std::chrono::seconds;

const std::string kMail = "Subject: hello\r\nMessage-ID: <one@watch.example>\r\n\r\nText\r\n.dot\r\n";

Envelope envelope(std::vector<std::string> to = {"ops@example.test"}) {
  return {"alerts@watch.example", std::move(to), kMail};
}

RelayUrl url_of(const std::string& text) {
  const auto relays = parse_relays(text);
  EXPECT_TRUE(relays) << relays.error().what;
  return relays ? relays->at(0) : RelayUrl{};
}

bool said(const RelayTry& one, const std::string& part) {
  for (const std::string& line : one.lines)
    if (line.find(part) != std::string::npos) return true;
  return false;
}

std::string printed(const RelayTry& one) {
  std::string out = one.words();
  for (const std::string& line : one.lines) out += "\n" + line;
  return out;
}

class SubmissionTest : public ::testing::Test {
 protected:
  SubmissionTest() : ca_(dir_), files_(ca_.issue("relay", "DNS:localhost,IP:127.0.0.1")) {
    password_ = dir_.write("password", std::string(LoginServer::kSecret) + "\n");
  }
  RelayOptions options() const {
    RelayOptions result;
    result.ca_file = ca_.certificate();
    result.ehlo = "watch.example";
    return result;
  }
  RelayUrl url(const SubmissionPostfix& postfix, const std::string& more = {}) const {
    return url_of("smtp://alerts%40example.test@127.0.0.1:" + std::to_string(postfix.port()) +
                  "?password_file=" + password_ + more);
  }
  TempDir dir_;
  TestCa ca_;
  CertificateFiles files_;
  std::string password_;
};

TEST_F(SubmissionTest, SeveralMailsLeaveOverOneProtectedConnectionWithProof) {
  SubmissionPostfix postfix(dir_, files_);
  Relay relay(url(postfix), options());
  for (int i = 0; i < 3; ++i) {
    const RelayTry one = relay.hand_over(envelope(), seconds(60));
    ASSERT_EQ(one.verdict.result, AttemptResult::kSent) << printed(one);
    EXPECT_EQ(one.reused, i > 0);
    EXPECT_EQ(one.tls, "TLSv1.3");
    EXPECT_TRUE(one.reply.lines.starts_with("250 2.0.0 Ok: queued as ")) << one.reply.lines;
    EXPECT_EQ(one.reply.lines, "250 2.0.0 Ok: queued as " + one.queue_id);
    EXPECT_EQ(one.words(), one.reply.lines);
    EXPECT_EQ(said(one, "EHLO watch.example"), i == 0) << printed(one);
    EXPECT_EQ(said(one, "> AUTH PLAIN ****"), i == 0) << printed(one);
    for (const std::string& line : one.lines) {
      EXPECT_EQ(line.find(LoginServer::kSecret), std::string::npos);
      EXPECT_EQ(line.find(net::base64(LoginServer::kSecret).substr(0, 8)), std::string::npos);
    }
  }
  relay.close();
  const auto mails = postfix.mails(3);
  ASSERT_EQ(mails.size(), 3U) << postfix.child().output();
  EXPECT_NE(mails[0].find("\nText\n.dot\n"), std::string::npos) << mails[0];
  EXPECT_NE(mails[0].find("Message-ID: <one@watch.example>\n"), std::string::npos) << mails[0];
}

TEST_F(SubmissionTest, EveryWayToLogInAndAWrongPasswordWithoutHammering) {
  SubmissionPostfix postfix(dir_, files_);
  for (const char* way : {"plain", "login", "xoauth2"}) {
    Relay relay(url(postfix, std::string("&auth=") + way), options());
    const RelayTry one = relay.hand_over(envelope(), seconds(60));
    EXPECT_EQ(one.verdict.result, AttemptResult::kSent) << way << "\n" << printed(one);
    for (const std::string& line : one.lines)
      EXPECT_EQ(line.find(net::base64(LoginServer::kSecret)), std::string::npos) << way << ": " << line;
  }
  EXPECT_EQ(postfix.logins().mechanisms(), (std::vector<std::string>{"PLAIN", "LOGIN", "XOAUTH2"}));
  dir_.write("password", "wrong\n");
  Relay relay(url(postfix), options());
  const RelayTry one = relay.hand_over(envelope(), seconds(60));
  EXPECT_EQ(one.verdict.fault, RelayFault::kLogin) << printed(one);
  EXPECT_TRUE(one.verdict.next_relay);
  EXPECT_EQ(one.reply.code, 535) << printed(one);
  EXPECT_TRUE(one.words().starts_with("AUTH: 535 5.7.8")) << one.words();
  EXPECT_EQ(postfix.logins().mechanisms().size(), 4U);  // asked once

  Relay without(url_of("smtp://u@127.0.0.1:1?password_file=/nonexistent/password"), options());
  const RelayTry unread = without.hand_over(envelope(), seconds(60));
  EXPECT_EQ(unread.verdict.fault, RelayFault::kLogin);
  EXPECT_EQ(unread.words(), "AUTH: cannot read a password from /nonexistent/password");
}

TEST_F(SubmissionTest, ACertificateThatDoesNotHoldEndsItBeforeThePassword) {
  const auto expect_refused = [&](const CertificateFiles& files, const RelayOptions& given, const char* what) {
    const TempDir place;
    SubmissionPostfix postfix(place, files);
    Relay relay(url(postfix), given);
    const RelayTry one = relay.hand_over(envelope(), seconds(60));
    EXPECT_EQ(one.end, WireEnd::kTls) << what << "\n" << printed(one);
    EXPECT_EQ(one.verdict.fault, RelayFault::kAway) << what;
    EXPECT_TRUE(one.verdict.next_relay) << what;
    EXPECT_FALSE(said(one, "AUTH")) << what;
    EXPECT_TRUE(postfix.logins().mechanisms().empty()) << what;
  };
  expect_refused(ca_.issue("other", "DNS:other.test"), options(), "another name");
  expect_refused(ca_.issue("old", "IP:127.0.0.1", "20200101000000Z", "20200201000000Z"), options(), "expired");
  RelayOptions strangers = options();
  strangers.ca_file.clear();
  expect_refused(files_, strangers, "an unknown authority");
}

TEST_F(SubmissionTest, ARelayThatWantsAClientCertificateGetsOne) {
  SubmissionPostfix postfix(dir_, files_, ca_.certificate());
  const CertificateFiles own = ca_.issue("client", "DNS:watch.example");
  Relay relay(url(postfix, "&cert_file=" + own.certificate + "&key_file=" + own.key), options());
  const RelayTry one = relay.hand_over(envelope(), seconds(60));
  EXPECT_EQ(one.verdict.result, AttemptResult::kSent) << printed(one);
  Relay without(url(postfix), options());
  EXPECT_NE(without.hand_over(envelope(), seconds(60)).verdict.result, AttemptResult::kSent);
}

TEST_F(SubmissionTest, EachRecipientHasAVerdictOfItsOwn) {
  SubmissionPostfix postfix(dir_, files_);
  Relay relay(url(postfix), options());
  const RelayTry one =
      relay.hand_over(envelope({"ops@example.test", "nobody@example.test", "grey@example.test"}), seconds(60));
  ASSERT_EQ(one.recipients.size(), 3U);
  EXPECT_EQ(one.verdict.result, AttemptResult::kSent) << printed(one);
  EXPECT_EQ(one.recipients[0].result, AttemptResult::kSent);
  EXPECT_EQ(one.recipients[1].result, AttemptResult::kFailed) << printed(one);
  EXPECT_EQ(one.recipients[1].fault, RelayFault::kNone);
  EXPECT_EQ(one.recipients[2].result, AttemptResult::kRetry);
  EXPECT_EQ(one.recipients[2].fault, RelayFault::kNone);
}

// ---- faults ------------------------------------------------------------------------------------------------

class FaultTest : public ::testing::Test {
 protected:
  RelayUrl clear(std::uint16_t port) const {
    return url_of("smtp://127.0.0.1:" + std::to_string(port) + "?starttls=never&ehlo=watch.example");
  }
  RelayTry with(const ScriptedRelay::Answer& answer, milliseconds limit = seconds(60)) {
    ScriptedRelay server(answer);
    Relay relay(clear(server.port()), {});
    return relay.hand_over(envelope(), limit);
  }
  static ScriptedRelay::Answer at(std::string verb, std::string reply) {
    return [verb = std::move(verb), reply = std::move(reply)](const std::string& now, const std::string&) {
      return now == verb ? reply : "usual";
    };
  }
  void expect(const RelayTry& one, RelayFault fault, bool next, const std::string& words) {
    EXPECT_EQ(one.verdict.fault, fault) << printed(one);
    EXPECT_EQ(one.verdict.next_relay, next) << printed(one);
    EXPECT_NE(one.verdict.result, AttemptResult::kSent) << printed(one);
    EXPECT_NE(one.words().find(words), std::string::npos) << printed(one);
    EXPECT_LE(one.words().size(), 500U);
  }
};

TEST_F(FaultTest, NobodyThere) {
  Relay relay(clear(everup::test::free_port()), {});
  const RelayTry one = relay.hand_over(envelope(), seconds(60));
  EXPECT_EQ(one.end, WireEnd::kRefused);
  expect(one, RelayFault::kAway, true, "CONNECT: ");
}

TEST_F(FaultTest, RelaysThatAreInTrouble) {
  expect(with(at("BANNER", "reset")), RelayFault::kAway, true, "CONNECT: ");
  expect(with(at("BANNER", "421 4.3.2 Too busy")), RelayFault::kAway, true, "BANNER: 421 4.3.2 Too busy");
  expect(with(at("MAIL", "421 4.7.0 Slow down")), RelayFault::kAway, true, "MAIL: 421 4.7.0");
  expect(with(at("RCPT", "550 5.4.5 Daily sending quota exceeded")), RelayFault::kQuota, true, "RCPT: 550 5.4.5");
  expect(with(at("DOT", "550-5.4.5 Daily\r\n550 5.4.5 quota")), RelayFault::kQuota, true, "DOT: 550-5.4.5 Daily|550");
  expect(with(at("DOT", "close")), RelayFault::kAway, true, "DOT: ");
  expect(with(at("DATA", "reset")), RelayFault::kAway, true, "DATA: ");
  expect(with(at("RCPT", "554 5.7.1 Relay access denied")), RelayFault::kAway, true, "RCPT: 554");
}

TEST_F(FaultTest, RecipientsThatAreInTrouble) {
  const RelayTry grey = with(at("RCPT", "450 4.2.0 Greylisted"));
  expect(grey, RelayFault::kNone, false, "RCPT: 450 4.2.0 Greylisted");
  EXPECT_EQ(grey.recipients.at(0).result, AttemptResult::kRetry);
  const RelayTry unknown = with(at("RCPT", "550 5.1.1 No such user"));
  expect(unknown, RelayFault::kNone, false, "RCPT: 550 5.1.1 No such user");
  EXPECT_EQ(unknown.recipients.at(0).result, AttemptResult::kFailed);
}

TEST_F(FaultTest, WithoutStartTlsNothingIsSaid) {
  ScriptedRelay server(nullptr);
  Relay relay(url_of("smtp://u@127.0.0.1:" + std::to_string(server.port()) + "?password_file=/etc/hostname"), {});
  const RelayTry one = relay.hand_over(envelope(), seconds(60));
  EXPECT_EQ(one.end, WireEnd::kNoTlsOffered) << printed(one);
  expect(one, RelayFault::kAway, true, "EHLO: ");
  EXPECT_EQ(server.heard().find("MAIL"), std::string::npos);
  EXPECT_EQ(server.heard().find("AUTH"), std::string::npos);
}

TEST_F(FaultTest, SilenceEndsAtTheLimitWhereverItBegins) {
  for (const char* verb : {"BANNER", "EHLO", "MAIL", "RCPT", "DATA", "DOT"}) {
    const RelayTry one = with(at(verb, ""), milliseconds(400));
    EXPECT_EQ(one.end, WireEnd::kTimeout) << verb << "\n" << printed(one);
    expect(one, RelayFault::kAway, true, verb == std::string("BANNER") ? "CONNECT: " : std::string(verb) + ": ");
  }
}

TEST_F(FaultTest, OneByteAtATimeEndsAtTheLimitToo) {
  FakeServer drip([](FakeConnection& connection) {
    while (connection.send("2") && connection.pause(50)) continue;
  });
  Relay relay(clear(drip.port()), {});
  const RelayTry one = relay.hand_over(envelope(), milliseconds(500));
  EXPECT_EQ(one.end, WireEnd::kTimeout) << printed(one);
}

TEST_F(FaultTest, ARelayThatTalksTooMuchIsLeft) {
  const RelayTry long_line = with(at("MAIL", "250 " + std::string(1'000'000, 'x')), seconds(20));
  EXPECT_LE(printed(long_line).size(), 64U * 1024);
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "250-line\r\n";
  const RelayTry lines = with(at("MAIL", many + "250 end"), seconds(20));
  expect(lines, RelayFault::kAway, true, "MAIL: ");
  EXPECT_LE(lines.lines.size(), MailDialogue::kLinesMax);
}

TEST_F(FaultTest, AConnectionThatTheRelayClosedMeanwhileIsMadeAnew) {
  std::atomic<int> dots{0};
  ScriptedRelay server([&](const std::string& verb, const std::string&) -> std::string {
    if (verb == "DOT") ++dots;
    return verb == "MAIL" && dots == 1 && dots++ == 1 ? "close" : "usual";
  });
  Relay relay(clear(server.port()), {});
  EXPECT_EQ(relay.hand_over(envelope(), seconds(60)).verdict.result, AttemptResult::kSent);
  const RelayTry second = relay.hand_over(envelope(), seconds(60));
  EXPECT_EQ(second.verdict.result, AttemptResult::kSent) << printed(second);
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(server.mails().size(), 2U);
}

TEST_F(FaultTest, ClosingIsPoliteAndBounded) {
  ScriptedRelay server(nullptr);
  {
    Relay relay(clear(server.port()), {});
    EXPECT_EQ(relay.hand_over(envelope(), seconds(60)).verdict.result, AttemptResult::kSent);
  }
  EXPECT_NE(server.heard().find("QUIT\r\n"), std::string::npos);
  ScriptedRelay silent([](const std::string& verb, const std::string&) {
    return verb == "QUIT" || verb == "NOOP" ? std::string() : std::string("usual");
  });
  Relay relay(clear(silent.port()), {});
  EXPECT_EQ(relay.hand_over(envelope(), seconds(60)).verdict.result, AttemptResult::kSent);
}

TEST_F(FaultTest, AStopEndsARunningHandOver) {
  std::atomic<bool> stop{false};
  ScriptedRelay server([&](const std::string& verb, const std::string&) -> std::string {
    if (verb == "DATA") stop = true;
    return verb == "DATA" ? "" : "usual";
  });
  RelayOptions options;
  options.stop = &stop;
  Relay relay(clear(server.port()), options);
  EXPECT_EQ(relay.hand_over(envelope(), seconds(600)).end, WireEnd::kTimeout);
}

}  // namespace
}  // namespace everup::alerts::test
