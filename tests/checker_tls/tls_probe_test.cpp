// Whole looks at real servers: nginx, openssl s_server, gnutls-serv; and at one whose heartbeats are a fake's while
// everything else is real.
#include "checker/tls_probe.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/checker_tls/tls_look.h"
#include "tests/support/fake_server.h"
#include "tests/support/heartbleed_server.h"
#include "tests/support/nginx.h"
#include "tests/support/pki.h"
#include "tests/support/process.h"

namespace everup::checker {
namespace {

using everup::test::Heart;
using everup::test::HeartbleedServer;
using everup::test::HeartbleedServerOptions;
using test::TlsLook;

class TlsServers : public testing::Test {
 protected:
  std::uint16_t openssl(const everup::test::CertificateFiles& files, std::vector<std::string> more = {},
                        std::uint16_t port = 0) {
    if (port == 0) port = everup::test::free_port();
    std::vector<std::string> argv = {
        "openssl", "s_server",        "-www", "-accept", "127.0.0.1:" + std::to_string(port),
        "-cert",   files.certificate, "-key", files.key};
    argv.insert(argv.end(), more.begin(), more.end());
    return start(std::move(argv), port);
  }
  std::uint16_t gnutls(const std::string& priority) {
    const std::uint16_t port = everup::test::free_port();
    return start({"gnutls-serv", "--http", "--quiet", "--port", std::to_string(port), "--x509certfile",
                  good_.certificate, "--x509keyfile", good_.key, "--priority", priority},
                 port);
  }
  std::uint16_t start(std::vector<std::string> argv, std::uint16_t port) {
    child_.reset();
    child_.emplace(std::move(argv));
    EXPECT_TRUE(everup::test::wait_until_accepts("127.0.0.1", port)) << child_->output();
    return port;
  }
  static HeartbleedServerOptions with_heart(Heart kind, std::uint16_t forward_port) {
    HeartbleedServerOptions options;
    options.heart = kind;
    options.forward_port = forward_port;
    return options;
  }

  everup::test::TempDir dir_;
  everup::test::TestCa ca_{dir_};
  everup::test::CertificateFiles good_ = ca_.issue("good", "DNS:shop.test");
  std::optional<everup::test::Child> child_;
  TlsLook look_{ca_.certificate()};
};

TEST_F(TlsServers, AGoodOneIsDescribedWhole) {
  everup::test::Nginx server(dir_,
                             "ssl_certificate " + good_.certificate + "; ssl_certificate_key " + good_.key +
                                 "; ssl_protocols TLSv1.2 TLSv1.3; add_header Strict-Transport-Security "
                                 "'max-age=63072000; includeSubDomains' always; location / { return 200 \"fine\\n\"; }",
                             "ssl");
  const Outcome outcome = look_.at("shop.test", server.port());
  EXPECT_EQ(outcome.verdict, Verdict::kUp) << outcome.detail;
  const TlsReport& report = TlsLook::report_of(outcome);
  EXPECT_EQ(report.version, "TLSv1.3");
  EXPECT_EQ(report.alpn, "http/1.1");
  for (const TlsVersion version : {TlsVersion::k1_2, TlsVersion::k1_3})
    EXPECT_EQ(report.protocol(version).offer, TlsOffer::kOffered) << slug(version);
  for (const TlsVersion version : {TlsVersion::kSsl3, TlsVersion::k1_0, TlsVersion::k1_1})
    EXPECT_EQ(report.protocol(version).offer, TlsOffer::kRefused) << slug(version);
  EXPECT_EQ(report.protocol(TlsVersion::k1_2).cipher, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  ASSERT_EQ(report.chain.size(), 1U);
  EXPECT_EQ(report.chain[0].key_type, "EC P-256");
  EXPECT_EQ(report.chain[0].key_bits, 256);
  EXPECT_EQ(report.chain[0].names, std::vector<std::string>{"shop.test"});
  EXPECT_EQ(report.chain[0].sha256.size(), 64U);
  ASSERT_TRUE(report.trust && report.hostname);
  EXPECT_EQ(report.trust->cause, Cause::kOk) << report.trust->detail;
  EXPECT_EQ(report.hostname->cause, Cause::kOk);
  EXPECT_EQ(report.resumed, std::optional(true));
  ASSERT_TRUE(report.hsts);
  EXPECT_EQ(*report.hsts, (StrictTransport{63'072'000, true, false}));
  EXPECT_EQ(report.heartbleed.reason, "no_extension");
  EXPECT_EQ(report.grade, "A+");
  EXPECT_TRUE(report.intermediate.deviations.empty());
  EXPECT_TRUE(outcome.certificate_not_after);
  EXPECT_GT(outcome.timings.tls_us, 0);
  EXPECT_GE(outcome.timings.total_us, outcome.timings.tls_us);
}

TEST_F(TlsServers, ExpiredAndForeignAreToldApartAndTogether) {
  const auto files = ca_.issue("old", "DNS:other.test", "20200101000000Z", "20210101000000Z");
  const Outcome outcome = look_.at("shop.test", openssl(files));
  EXPECT_EQ(outcome.verdict, Verdict::kDown);
  EXPECT_EQ(outcome.cause, Cause::kTlsExpired);
  const TlsReport& report = TlsLook::report_of(outcome);
  EXPECT_EQ(report.trust->cause, Cause::kTlsExpired);
  EXPECT_EQ(report.hostname->cause, Cause::kTlsWrongHost);
  EXPECT_EQ(report.chain.at(0).names, std::vector<std::string>{"other.test"});
  EXPECT_EQ(report.grade, "T");
}

TEST_F(TlsServers, VerificationCanBeOffAndIsToldAllTheSame) {
  look_.settings.options.verify_tls = false;
  const Outcome outcome = look_.at("shop.test", openssl(ca_.self_signed("alone", "DNS:shop.test")));
  EXPECT_EQ(outcome.verdict, Verdict::kUp) << outcome.detail;
  EXPECT_EQ(TlsLook::report_of(outcome).trust->cause, Cause::kTlsSelfSigned);
}

TEST_F(TlsServers, ARevokedStapleIsDown) {
  const std::uint16_t port = openssl(good_, {"-status_file", ca_.revoke(good_)});
  const Outcome outcome = look_.at("shop.test", port);
  EXPECT_EQ(outcome.cause, Cause::kTlsRevoked) << outcome.detail;
  EXPECT_EQ(TlsLook::report_of(outcome).stapled, std::optional(true));
}

TEST_F(TlsServers, OldVersionsAreFoundByRawHellos) {
  const std::uint16_t port = gnutls("NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+3DES-CBC");
  look_.settings.expect.min_version = TlsVersion::k1_2;
  Outcome outcome = look_.at("shop.test", port);
  EXPECT_EQ(outcome.cause, Cause::kTlsVersion) << outcome.detail;
  EXPECT_EQ(outcome.verdict, Verdict::kDown);
  for (const TlsVersion version : {TlsVersion::k1_0, TlsVersion::k1_1, TlsVersion::k1_2, TlsVersion::k1_3})
    EXPECT_EQ(TlsLook::report_of(outcome).protocol(version).offer, TlsOffer::kOffered) << slug(version);
  EXPECT_EQ(TlsLook::report_of(outcome).protocol(TlsVersion::kSsl3).offer, TlsOffer::kRefused);
  look_.settings.warn.min_version = look_.settings.expect.min_version;
  look_.settings.expect.min_version.reset();
  outcome = look_.at("shop.test", port);
  EXPECT_EQ(outcome.cause, Cause::kTlsVersion);
  EXPECT_EQ(outcome.verdict, Verdict::kDegraded);
}

TEST_F(TlsServers, WhoSpeaksOnlyOldOnesIsDownAndDescribed) {
  const std::uint16_t port = gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.0");
  const Outcome outcome = look_.at("shop.test", port);
  EXPECT_EQ(outcome.cause, Cause::kTlsHandshake);
  EXPECT_EQ(outcome.detail, "nothing newer than TLS 1.0 is offered");
  const TlsReport& report = TlsLook::report_of(outcome);
  ASSERT_EQ(report.chain.size(), 1U) << "read from the raw flight";
  EXPECT_EQ(report.hostname->cause, Cause::kOk);
  EXPECT_TRUE(outcome.certificate_not_after);
}

TEST_F(TlsServers, Tls13OnlyIsModern) {
  const Outcome outcome = look_.at("shop.test", openssl(good_, {"-tls1_3"}));
  const TlsReport& report = TlsLook::report_of(outcome);
  EXPECT_EQ(report.protocol(TlsVersion::k1_2).offer, TlsOffer::kRefused);
  EXPECT_EQ(report.heartbleed.reason, "tls1_3_only");
  EXPECT_TRUE(report.modern.deviations.empty()) << report.modern.deviations.front();
}

TEST_F(TlsServers, ThroughEveryPreludeToARealServer) {
  const std::uint16_t real = openssl(good_);
  for (const TlsPrelude prelude : {TlsPrelude::kSmtp, TlsPrelude::kLmtp, TlsPrelude::kImap, TlsPrelude::kPop3,
                                   TlsPrelude::kFtp, TlsPrelude::kXmpp, TlsPrelude::kLdap, TlsPrelude::kPostgres}) {
    HeartbleedServerOptions options = with_heart(Heart::kPatched, real);
    options.prelude = prelude;
    HeartbleedServer server(options);
    look_.settings.options.starttls = prelude;
    ++look_.plan().revision;
    const Outcome outcome = look_.at("shop.test", server.port());
    EXPECT_EQ(outcome.verdict, Verdict::kUp) << slug(prelude) << ": " << outcome.detail;
    EXPECT_GE(outcome.timings.wait_us, 0);
    const TlsReport& report = TlsLook::report_of(outcome);
    EXPECT_EQ(report.version, "TLSv1.3");
    EXPECT_EQ(report.protocol(TlsVersion::k1_2).offer, TlsOffer::kOffered);
    EXPECT_EQ(report.heartbleed.reason, "within_bounds") << report.heartbleed.detail;
    EXPECT_FALSE(outcome.evidence->transcript.lines().empty());
  }
}

// ---- Heartbleed in a look ---------------------------------------------------------------------------------

TEST_F(TlsServers, VulnerableIsDegradedOrDownAsWanted) {
  HeartbleedServer server(with_heart(Heart::kVulnerable, openssl(good_)));
  Outcome outcome = look_.at("shop.test", server.port());
  EXPECT_EQ(outcome.cause, Cause::kTlsHeartbleed) << outcome.detail;
  EXPECT_EQ(outcome.verdict, Verdict::kDegraded);
  EXPECT_EQ(TlsLook::report_of(outcome).grade, "F");
  look_.settings.expect.not_vulnerable = true;
  EXPECT_EQ(look_.at("shop.test", server.port()).verdict, Verdict::kDown);
}

TEST_F(TlsServers, InconclusiveNeverChangesTheVerdict) {
  HeartbleedServer server(with_heart(Heart::kCloses, openssl(good_)));
  look_.settings.expect.not_vulnerable = true;
  const Outcome outcome = look_.at("shop.test", server.port());
  EXPECT_EQ(outcome.verdict, Verdict::kUp) << outcome.detail;
  EXPECT_EQ(TlsLook::report_of(outcome).heartbleed.verdict, HeartbleedReport::Verdict::kInconclusive);
}

TEST_F(TlsServers, TheDeadlineInTheExaminationSpoilsNothing) {
  HeartbleedServer server(with_heart(Heart::kDrops, openssl(good_)));
  const Outcome outcome = look_.at("shop.test", server.port(), 1'500);
  EXPECT_EQ(outcome.verdict, Verdict::kUp) << outcome.detail;
  EXPECT_LT(outcome.timings.total_us, 1'000'000) << "the examination is not in the look's time";
}

TEST_F(TlsServers, TheExaminationIsMadeOnceADayAndItsAnswerKept) {
  HeartbleedServer server(with_heart(Heart::kVulnerable, openssl(good_)));
  EXPECT_EQ(look_.at("shop.test", server.port()).cause, Cause::kTlsHeartbleed);
  const int whole = server.accepted();
  EXPECT_GT(whole, 4);
  const Outcome second = look_.at("shop.test", server.port());
  EXPECT_EQ(server.accepted(), whole + 1) << "one handshake";
  EXPECT_EQ(second.cause, Cause::kTlsHeartbleed) << "remembered";
  EXPECT_TRUE(TlsLook::report_of(second).heartbleed.remembered);
  look_.settings.options.heartbleed = HeartbleedAsk::kEvery;
  EXPECT_FALSE(TlsLook::report_of(look_.at("shop.test", server.port())).heartbleed.remembered);
  EXPECT_EQ(server.accepted(), whole + 3) << "a handshake and a heartbeat";
  look_.settings.options.heartbleed = HeartbleedAsk::kOff;
  EXPECT_EQ(look_.at("shop.test", server.port()).verdict, Verdict::kUp);
  look_.settings.options.heartbleed = HeartbleedAsk::kDaily;
  ++look_.plan().revision;
  EXPECT_FALSE(TlsLook::report_of(look_.at("shop.test", server.port())).heartbleed.remembered) << "edited: asked anew";
}

TEST_F(TlsServers, AChangedCertificateIsToldAndExaminedAgain) {
  const std::uint16_t port = openssl(good_);
  EXPECT_TRUE(TlsLook::report_of(look_.at("shop.test", port)).changed.empty());
  EXPECT_EQ(TlsLook::report_of(look_.at("shop.test", port)).heartbleed.connections, 0);
  child_.reset();
  openssl(ca_.issue("next", "DNS:shop.test"), {}, port);
  const Outcome outcome = look_.at("shop.test", port);
  EXPECT_EQ(TlsLook::report_of(outcome).changed, (std::vector<std::string>{"serial", "key"}));
  EXPECT_GT(TlsLook::report_of(outcome).heartbleed.connections, 0);
}

// ---- who is no TLS server ---------------------------------------------------------------------------------

TEST_F(TlsServers, NobodyThere) {
  const Outcome outcome = look_.at("shop.test", everup::test::free_port());
  EXPECT_EQ(outcome.cause, Cause::kConnectRefused);
  EXPECT_EQ(outcome.verdict, Verdict::kDown);
}

TEST_F(TlsServers, SilentInTheHandshake) {
  everup::test::FakeServer server([](everup::test::FakeConnection& peer) { peer.wait_for_close(); });
  EXPECT_EQ(look_.at("shop.test", server.port(), 300).cause, Cause::kTlsTimeout);
}

TEST_F(TlsServers, SilentBeforeTls) {
  everup::test::FakeServer server([](everup::test::FakeConnection& peer) { peer.wait_for_close(); });
  look_.settings.options.starttls = TlsPrelude::kSmtp;
  EXPECT_EQ(look_.at("shop.test", server.port(), 300).cause, Cause::kSmtpTimeout);
}

TEST_F(TlsServers, PlainTextInsteadOfTls) {
  everup::test::FakeServer server([](everup::test::FakeConnection& peer) {
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.wait_for_close();
  });
  EXPECT_EQ(look_.at("shop.test", server.port(), 5'000).cause, Cause::kTlsHandshake);
}

TEST_F(TlsServers, InjectionAfterStartTlsIsDown) {
  HeartbleedServerOptions options;
  options.prelude = TlsPrelude::kImap;
  options.inject = "* injected\r\n";
  HeartbleedServer server(options);
  look_.settings.options.starttls = TlsPrelude::kImap;
  EXPECT_EQ(look_.at("shop.test", server.port()).cause, Cause::kStartTlsInjection);
}

TEST_F(TlsServers, ExpectationsOfTimeAndDays) {
  const std::uint16_t port = openssl(good_);
  look_.settings.expect.certificate_days_min = 60;
  EXPECT_EQ(look_.at("shop.test", port).cause, Cause::kCertificateExpiring);
  look_.settings.expect.certificate_days_min = 20;
  EXPECT_EQ(look_.at("shop.test", port).verdict, Verdict::kUp);
}

}  // namespace
}  // namespace everup::checker
