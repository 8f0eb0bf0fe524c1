// What a dialogue file cannot say: names, addresses, refusals, silence in every phase, certificates, who watches, and
// what is demanded of time.
#include "checker/smtp_probe.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/checker_smtp/mail_look.h"
#include "tests/checker_smtp/scripted_server.h"
#include "tests/support/fake_server.h"
#include "tests/support/netns.h"
#include "tests/support/pki.h"
#include "tests/support/ports.h"

namespace everup::checker::test {
namespace {

using everup::test::BoundSocket;
using everup::test::FakeConnection;
using everup::test::FakeServer;
using everup::test::Listener;
using Kind = DialogueFile::Move::Kind;

std::string url(std::uint16_t port, const std::string& host = "mx.test", const std::string& scheme = "smtp") {
  return scheme + "://" + host + ":" + std::to_string(port) + "/";
}

// A plain good server.
void greet(FakeConnection& connection) {
  Wire wire(connection, nullptr);
  std::string line;
  wire.send("220 mx.test ESMTP\r\n", false);
  while (wire.line(&line)) {
    if (line == "QUIT") {
      wire.send("221 bye\r\n", false);
      return connection.wait_for_close();
    }
    wire.send("250 mx.test\r\n", false);
  }
}

class Watcher final : public Live {
 public:
  void on_line(const TranscriptLine& line) override { lines.push_back(line.text); }
  void on_step(std::string_view step, std::int32_t, std::int32_t, int code) override {
    steps += std::string(step) + "=" + std::to_string(code) + " ";
  }
  void on_smtp(const SmtpReport& told) override { report = told; }
  std::vector<std::string> lines;
  std::string steps;
  std::optional<SmtpReport> report;
};

TEST(SmtpProbe, AGoodServer) {
  FakeServer server(greet);
  MailLook look;
  const Outcome outcome = look.at(url(server.port()));
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_EQ(outcome.verdict, Verdict::kUp);
  EXPECT_EQ(outcome.detail, "");
  EXPECT_EQ(outcome.code, 250);
  const Timings& times = outcome.timings;
  EXPECT_GE(times.dns_us, 0);
  EXPECT_GE(times.connect_us, 0);
  EXPECT_EQ(times.tls_us, -1);
  EXPECT_GE(times.wait_us, 0);
  EXPECT_GE(times.transfer_us, 0);
  EXPECT_LE(times.dns_us + times.connect_us + times.wait_us + times.transfer_us, times.total_us);
  ASSERT_TRUE(outcome.evidence);
  EXPECT_EQ(outcome.evidence->address, "127.0.0.1:" + std::to_string(server.port()));
}

TEST(SmtpProbe, WithoutANameWeGiveOurAddress) {
  FakeServer server(greet);
  net::SystemClock clock;
  net::Loop loop(clock);
  net::ResolverOptions options;
  options.servers.push_back(*net::Address::parse("127.0.0.1", 1));
  net::Resolver resolver(loop, options);
  const net::AddressPolicy policy(*net::AllowList::parse("loopback"), {});
  auto probes = Probes::make(loop, resolver, policy, ProbeSettings{});
  ASSERT_TRUE(probes.ok());
  CheckPlan plan;
  plan.kind = everup::Kind::kSmtp;
  plan.url = url(server.port(), "127.0.0.1");
  std::optional<Outcome> outcome;
  Question question;
  question.plan = &plan;
  question.deadline = clock.now().mono + std::chrono::seconds(20);
  const auto probe = (*probes)->start(question, [&](Outcome&& said) {
    outcome = std::move(said);
    loop.stop();
  });
  loop.run();
  ASSERT_TRUE(outcome && outcome->evidence);
  const std::vector<std::string> lines = printed(outcome->evidence->transcript);
  EXPECT_NE(std::find(lines.begin(), lines.end(), "> EHLO [127.0.0.1]"), lines.end());
}

TEST(SmtpProbe, NamesAndAddresses) {
  FakeServer four(greet), six(greet, "::1");
  MailLook look;
  EXPECT_EQ(look.at(url(four.port(), "nowhere.test")).cause, Cause::kDnsUnavailable);
  EXPECT_EQ(look.at(url(six.port(), "six.test")).cause, Cause::kOk);
  // Nobody listens at the IPv4 address of that port: the other family answers, and both were tried.
  const Outcome both = look.at(url(six.port(), "both.test"));
  EXPECT_EQ(both.cause, Cause::kOk) << both.detail;
  ASSERT_TRUE(both.evidence);
  EXPECT_EQ(both.evidence->addresses_tried.size(), 2u);
  EXPECT_EQ(both.evidence->address, "[::1]:" + std::to_string(six.port()));
}

TEST(SmtpProbe, Refused) {
  const BoundSocket bound;
  MailLook look;
  const Outcome outcome = look.at(url(bound.port()));
  EXPECT_EQ(outcome.cause, Cause::kConnectRefused);
  EXPECT_EQ(outcome.verdict, Verdict::kDown);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_GE(outcome.timings.connect_us, 0);
  EXPECT_EQ(outcome.timings.wait_us, -1);
}

TEST(SmtpProbe, ThePolicyIsAsked) {
  FakeServer server(greet);
  MailLook look("127.0.0.1 mx.test\n169.254.169.254 cloud.test\n");
  const Outcome refused = look.at(url(25, "cloud.test"));
  EXPECT_EQ(refused.cause, Cause::kAddressRefused);
  EXPECT_EQ(refused.verdict, Verdict::kInconclusive);
  EXPECT_NE(refused.detail.find("cloud.test is 169.254.169.254"), std::string::npos);
  EXPECT_EQ(look.at(url(server.port())).cause, Cause::kOk);
}

TEST(SmtpProbe, SilenceInEveryPhase) {
  MailLook look;
  FakeServer mute([](FakeConnection& connection) { connection.wait_for_close(); });
  const Outcome banner = look.at(url(mute.port()), {}, 300);
  EXPECT_EQ(banner.cause, Cause::kSmtpTimeout);
  EXPECT_EQ(banner.detail, "BANNER: no reply after 300 ms");
  EXPECT_EQ(look.at(url(mute.port(), "mx.test", "smtps"), {}, 300).cause, Cause::kTlsTimeout);
  FakeServer halting([](FakeConnection& connection) {
    connection.send("220-mx.test\r\n220 ready\r\n");
    connection.wait_for_close();
  });
  const Outcome ehlo = look.at(url(halting.port()), {}, 300);
  EXPECT_EQ(ehlo.cause, Cause::kSmtpTimeout);
  EXPECT_EQ(ehlo.detail, "FIRST-EHLO: no reply after 300 ms");
  EXPECT_EQ(ehlo.verdict, Verdict::kDown);
  FakeServer stalling([](FakeConnection& connection) {
    Wire wire(connection, nullptr);
    std::string line;
    wire.send("220 mx.test\r\n", false);
    wire.line(&line);
    wire.send("250 STARTTLS\r\n", false);
    connection.wait_for_close();
  });
  FakeServer no_handshake([](FakeConnection& connection) {
    Wire wire(connection, nullptr);
    std::string line;
    wire.send("220 mx.test\r\n", false);
    wire.line(&line);
    wire.send("250-mx.test\r\n250 STARTTLS\r\n", false);
    wire.line(&line);
    wire.send("220 go\r\n", false);
    connection.wait_for_close();
  });
  EXPECT_EQ(look.at(url(no_handshake.port()), {}, 300).cause, Cause::kTlsTimeout);
}

TEST(SmtpProbe, AListenerThatNobodyAccepts) {
  everup::test::in_own_network([] {
    everup::test::run_tool({"nft", "add table inet t"});
    everup::test::run_tool({"nft", "add chain inet t i { type filter hook input priority 0 ; }"});
    everup::test::run_tool({"nft", "add rule inet t i tcp dport 2525 drop"});
    MailLook look;
    const Outcome outcome = look.at(url(2525), {}, 300);
    EXPECT_EQ(outcome.cause, Cause::kConnectTimeout);
    EXPECT_EQ(outcome.verdict, Verdict::kDown);
  });
}

// Seconds between the lines of a greeting are no outage; more than twenty are degraded.
TEST(SmtpProbe, ATarpit) {
  for (const auto& [seconds, cause] : {std::pair{6, Cause::kOk}, {21, Cause::kSmtpTarpit}}) {
    Listener gate;
    FakeServer server([&](FakeConnection& connection) {
      Wire wire(connection, nullptr);
      wire.send("220-please wait\r\n", false);
      const int fd = accept(gate.fd(), nullptr, nullptr);
      close(fd);
      std::string line;
      EXPECT_FALSE(wire.spoken_to()) << "nothing is said before the whole greeting";
      wire.send("220 mx.test\r\n", false);
      while (wire.line(&line)) wire.send(line == "QUIT" ? "221 bye\r\n" : "250 mx.test\r\n", false);
    });
    MailLook look;
    Watcher watcher;
    look.live = &watcher;
    look.start(url(server.port()), {}, 40'000);
    ASSERT_TRUE(look.turn_until([&] { return watcher.lines.size() >= 2; })) << "the first line is shown when it comes";
    EXPECT_EQ(watcher.lines.back(), "220-please wait");
    look.clock().leap(std::chrono::seconds(seconds));
    const BoundSocket unused;
    net::Stream open_gate(look.loop(), [](net::StreamEvent) {});
    open_gate.connect(*net::Address::parse("127.0.0.1", gate.port()), nullptr);
    ASSERT_TRUE(look.turn_until([&] { return look.outcome().has_value(); }));
    EXPECT_EQ(look.outcome()->cause, cause) << look.outcome()->detail;
    EXPECT_EQ(look.outcome()->verdict, cause == Cause::kOk ? Verdict::kUp : Verdict::kDegraded);
  }
}

// QUIT is waited for five seconds, and the time it takes is not the server's latency.
TEST(SmtpProbe, NoAnswerToQuit) {
  FakeServer server([](FakeConnection& connection) {
    Wire wire(connection, nullptr);
    std::string line;
    wire.send("220 mx.test\r\n", false);
    wire.line(&line);
    wire.send("250 mx.test\r\n", false);
    connection.wait_for_close();
  });
  MailLook look;
  Watcher watcher;
  look.live = &watcher;
  look.start(url(server.port()), {}, 40'000);
  ASSERT_TRUE(look.turn_until([&] { return !watcher.lines.empty() && watcher.lines.back() == "QUIT"; }));
  look.loop().run_once(std::chrono::milliseconds(1));
  EXPECT_FALSE(look.outcome());
  look.clock().leap(std::chrono::seconds(5));
  ASSERT_TRUE(look.turn_until([&] { return look.outcome().has_value(); }));
  EXPECT_EQ(look.outcome()->cause, Cause::kOk);
  EXPECT_LT(look.outcome()->timings.total_us, 5'000'000);
}

TEST(SmtpProbe, WhatIsDemandedOfTime) {
  FakeServer server(greet);
  MailLook look;
  SmtpSettings settings;
  settings.warn.latency_ms_max = 40'000;
  EXPECT_EQ(look.at(url(server.port()), settings).cause, Cause::kOk);
  settings.warn.capabilities = {"SMTPUTF8"};
  const Outcome warned = look.at(url(server.port()), settings);
  EXPECT_EQ(warned.cause, Cause::kSmtpCapability);
  EXPECT_EQ(warned.verdict, Verdict::kDegraded) << "a broken warn is degraded";
  settings.expect.certificate_days_min = 7;
  EXPECT_EQ(look.at(url(server.port()), settings).cause, Cause::kStartTlsUnavailable);
}

class SmtpCertificates : public ::testing::Test {
 protected:
  SmtpCertificates() : ca_(dir_) {}
  ~SmtpCertificates() override { SSL_CTX_free(context_); }
  // A server with STARTTLS and this certificate.
  void serve(const everup::test::CertificateFiles& files) {
    SSL_CTX_free(context_);
    context_ = SSL_CTX_new(TLS_server_method());
    ASSERT_EQ(SSL_CTX_use_certificate_file(context_, files.certificate.c_str(), SSL_FILETYPE_PEM), 1);
    ASSERT_EQ(SSL_CTX_use_PrivateKey_file(context_, files.key.c_str(), SSL_FILETYPE_PEM), 1);
    server_ = std::make_unique<FakeServer>([this](FakeConnection& connection) {
      Wire wire(connection, context_);
      std::string line;
      wire.send("220 mx.test\r\n", false);
      for (bool secured = false; wire.line(&line);) {
        if (line == "STARTTLS" && !secured) {
          wire.send("220 go\r\n", false);
          if (!wire.secure()) return;
          secured = true;
        } else if (line == "QUIT") {
          wire.send("221 bye\r\n", false);
        } else {
          wire.send(secured ? "250 mx.test\r\n" : "250-mx.test\r\n250 STARTTLS\r\n", false);
        }
      }
    });
  }
  Outcome look(const SmtpSettings& settings) { return look_->at(url(server_->port()), settings); }
  static SmtpSettings verified() {
    SmtpSettings settings;
    settings.options.starttls = StartTls::kRequire;
    return settings;
  }

  everup::test::TempDir dir_;
  everup::test::TestCa ca_;
  SSL_CTX* context_ = nullptr;
  std::unique_ptr<FakeServer> server_;
  std::unique_ptr<MailLook> look_ = std::make_unique<MailLook>("127.0.0.1 mx.test\n", ca_.certificate());
};

TEST_F(SmtpCertificates, RequiredMeansVerified) {
  serve(ca_.issue("good", "DNS:mx.test"));
  SmtpSettings settings = verified();
  settings.expect.certificate_days_min = 20;
  const Outcome good = look(settings);
  EXPECT_EQ(good.cause, Cause::kOk) << good.detail;
  EXPECT_TRUE(good.certificate_not_after);
  EXPECT_GT(good.timings.tls_us, 0);
  ASSERT_TRUE(good.evidence && good.evidence->certificate);
  EXPECT_EQ(good.evidence->certificate->subject, "CN=good");
  EXPECT_EQ(good.evidence->certificate->verify_error, "");
  settings.expect.certificate_days_min = 60;
  EXPECT_EQ(look(settings).cause, Cause::kCertificateExpiring);
}

// RFC 7435: on port 25 a certificate that fits no name is a finding, not a fault.
TEST_F(SmtpCertificates, TheWrongOneIsDownOrToldOrBoth) {
  serve(ca_.issue("other", "DNS:other.test"));
  const Outcome tried = look({});
  EXPECT_EQ(tried.cause, Cause::kOk) << tried.detail;
  ASSERT_TRUE(tried.evidence && tried.evidence->certificate);
  EXPECT_EQ(tried.evidence->certificate->verify_error, "the certificate is not for mx.test, but for other.test");
  const Outcome required = look(verified());
  EXPECT_EQ(required.cause, Cause::kTlsWrongHost);
  EXPECT_EQ(required.verdict, Verdict::kDown);
  ASSERT_TRUE(required.evidence && required.evidence->certificate);
  // Before a listener the dialogue goes on, and the verdict is the same.
  Watcher watcher;
  look_->live = &watcher;
  const Outcome watched = look(verified());
  EXPECT_EQ(watched.cause, Cause::kTlsWrongHost);
  EXPECT_EQ(watched.detail, "the certificate is not for mx.test, but for other.test");
  EXPECT_EQ(watcher.steps, "CONNECT=0 BANNER=220 FIRST-EHLO=250 TLS=220 EHLO=250 QUIT=221 ");
  ASSERT_TRUE(watcher.report);
  EXPECT_EQ(watcher.report->stopped_at, "EHLO");
  EXPECT_EQ(watcher.report->cause, Cause::kTlsWrongHost);
  EXPECT_TRUE(watcher.report->tls);
}

TEST_F(SmtpCertificates, StarttlsThatIsAnnouncedAndBroken) {
  FakeServer broken([](FakeConnection& connection) {
    Wire wire(connection, nullptr);
    std::string line;
    wire.send("220 mx.test\r\n", false);
    wire.line(&line);
    wire.send("250-mx.test\r\n250 STARTTLS\r\n", false);
    wire.line(&line);
    wire.send("220 go\r\n", false);
    char hello[4096];
    if (recv(connection.fd(), hello, sizeof hello, 0) > 0)
      wire.send(std::string_view("\x15\x03\x03\x00\x02\x02\x50", 7), false);
    connection.wait_for_close();
  });
  const Outcome outcome = look_->at(url(broken.port()));
  EXPECT_EQ(outcome.cause, Cause::kTlsHandshake);
  EXPECT_EQ(outcome.verdict, Verdict::kDown);
  EXPECT_EQ(outcome.detail.substr(0, 10), "TLS: TLS: ") << outcome.detail;
}

TEST(SmtpProbe, CancelledAndDestroyedInside) {
  FakeServer server(greet);
  MailLook look;
  look.destroy_when_done = true;
  EXPECT_EQ(look.at(url(server.port())).cause, Cause::kOk);
  const BoundSocket bound;
  EXPECT_EQ(look.at(url(bound.port())).cause, Cause::kConnectRefused);
  FakeServer mute([](FakeConnection& connection) { connection.wait_for_close(); });
  look.start(url(mute.port()));
  look.loop().run_once(std::chrono::milliseconds(5));
  look.cancel();
  look.loop().run_once(std::chrono::milliseconds(5));
  EXPECT_FALSE(look.outcome());
}

TEST(SmtpMessage, IsFixedAndHonest) {
  EXPECT_EQ(mail_date(WallTime{1'795'331'045'000}), "Sun, 22 Nov 2026 07:04:05 +0000");
  EXPECT_EQ(mail_date(WallTime{0}), "Thu, 01 Jan 1970 00:00:00 +0000");
  SmtpPlan plan;
  plan.ehlo = "probe.test";
  plan.from = "alice@sender.test";
  plan.to = {"bob@example.test"};
  const std::string text = smtp_test_message(plan, WallTime{1'795'331'045'000}, "abc");
  for (const char* part :
       {"Date: Sun, 22 Nov 2026", "\r\nFrom: Everup test <alice@sender.test>\r\n", "\r\nTo: <bob@example.test>",
        "\r\nMessage-ID: <everup-abc@probe.test>\r\n", "\r\nList-Unsubscribe: ", "\r\n\r\nThis is a test"})
    EXPECT_NE(text.find(part), std::string::npos) << part;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      EXPECT_EQ(text[i - 1], '\r');
    }
    if (text[i] == '\r') {
      EXPECT_EQ(text[i + 1], '\n');
    }
  }
}

}  // namespace
}  // namespace everup::checker::test
