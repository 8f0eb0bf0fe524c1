// Certificates of every kind of wrong, each by its own name, and the trap of libcurl's CA cache (docs: one trust store
// per loop thread).
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "net/certificate.h"
#include "net/tls_store.h"
#include "tests/net_curl/exchange.h"
#include "tests/support/fake_server.h"
#include "tests/support/pki.h"
#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::net::test {
namespace {

using everup::test::CertificateFiles;
using everup::test::Child;
using everup::test::FakeConnection;
using everup::test::FakeServer;
using everup::test::TempDir;
using everup::test::TestCa;

// openssl s_server on an ephemeral port; -www answers every request with a status page.
class TlsServer {
 public:
  TlsServer(const CertificateFiles& files, std::vector<std::string> more = {})
      : child_(arguments(files, std::move(more))) {
    EXPECT_TRUE(child_.wait_for_output("ACCEPT ")) << child_.output();
    EXPECT_TRUE(child_.wait_for_output("\n", std::chrono::seconds(5)));
    const std::string text = child_.output();
    const std::size_t line = text.find("ACCEPT ");
    const std::size_t end = text.find('\n', line);
    port_ = static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':', end) + 1)));
  }
  std::uint16_t port() const { return port_; }

 private:
  static std::vector<std::string> arguments(const CertificateFiles& files, std::vector<std::string> more) {
    std::vector<std::string> result = {"openssl", "s_server",        "-accept", "127.0.0.1:0", "-www",
                                       "-cert",   files.certificate, "-key",    files.key};
    result.insert(result.end(), more.begin(), more.end());
    return result;
  }
  Child child_;
  std::uint16_t port_ = 0;
};

class Tls : public ::testing::Test {
 protected:
  Tls() : ca_(dir_) {
    auto none = TrustStore::none();
    EXPECT_TRUE(none.ok());
    empty_ = *none;
    auto trusting = empty_->with(ca_.pem());
    EXPECT_TRUE(trusting.ok());
    trust_ = *trusting;
  }
  TransferResult ask(const TlsServer& server, const std::string& host, std::shared_ptr<const TrustStore> trust) {
    exchange_.recycle();
    Ask ask("https", host, server.port());
    ask->trust = std::move(trust);
    return exchange_.run(ask.request);
  }
  const TlsVerifier& seen() { return exchange_.transfer().tls(); }

  TempDir dir_;
  TestCa ca_;
  std::shared_ptr<const TrustStore> empty_, trust_;
  Exchange exchange_;
};

TEST_F(Tls, AGoodCertificateIsVerifiedAndKnown) {
  const CertificateFiles good = ca_.issue("good", "DNS:shop.test,DNS:*.shop.test,IP:127.0.0.1");
  const TlsServer server(good);
  EXPECT_EQ(ask(server, "shop.test", trust_).cause, Cause::kOk);
  ASSERT_TRUE(seen().seen());
  const CertificateFacts facts = seen().facts();
  EXPECT_EQ(facts.subject, "CN=good");
  EXPECT_EQ(facts.issuer, "CN=Everup test ca");
  EXPECT_EQ(facts.names, (std::vector<std::string>{"shop.test", "*.shop.test", "127.0.0.1"}));
  EXPECT_EQ(facts.verify_error, "");
  EXPECT_EQ(facts.sha256.size(), 64u);
  EXPECT_EQ((facts.not_after - facts.not_before).count(), 30 * kDayMs);
  EXPECT_EQ(facts.chain_not_after, facts.not_after);
  const std::string print =
      everup::test::run_tool({"openssl", "x509", "-in", good.certificate, "-noout", "-fingerprint", "-sha256"});
  std::string hex;
  for (const char c : print.substr(print.find('=') + 1)) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) hex += static_cast<char>(std::tolower(c));
  }
  EXPECT_EQ(facts.sha256, hex);
  EXPECT_EQ(ask(server, "www.shop.test", trust_).cause, Cause::kOk);
  EXPECT_EQ(ask(server, "127.0.0.1", trust_).cause, Cause::kOk) << "an address is checked against the addresses";
  EXPECT_GT(exchange_.transfer().result().times.secured, exchange_.transfer().result().times.connected);
}

// libcurl 7.88 with its CA cache on replaces a store that the SSL_CTX callback installs by its first one.
TEST_F(Tls, AnEmptyStoreFailsAlsoAfterAGoodOne) {
  const TlsServer server(ca_.issue("good", "DNS:shop.test"));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(ask(server, "shop.test", trust_).cause, Cause::kOk);
    EXPECT_EQ(ask(server, "shop.test", empty_).cause, Cause::kTlsUnknownIssuer);
    ASSERT_TRUE(seen().seen()) << "facts are kept when verification fails";
    EXPECT_EQ(seen().facts().subject, "CN=good");
    EXPECT_NE(seen().facts().verify_error, "");
  }
}

TEST_F(Tls, EveryKindOfWrongHasItsName) {
  const auto cause = [&](const CertificateFiles& files, const std::string& host, std::string* detail) {
    const TlsServer server(files);
    const TransferResult result = ask(server, host, trust_);
    *detail = result.detail;
    EXPECT_TRUE(seen().seen());
    return result.cause;
  };
  std::string detail;
  EXPECT_EQ(cause(ca_.issue("old", "DNS:shop.test", "20200101000000Z", "20210101000000Z"), "shop.test", &detail),
            Cause::kTlsExpired);
  EXPECT_EQ(detail, "certificate has expired on 2021-01-01T00:00:00Z (CN=old)");
  EXPECT_EQ(cause(ca_.issue("young", "DNS:shop.test", "20950101000000Z", "20960101000000Z"), "shop.test", &detail),
            Cause::kTlsNotYetValid);
  EXPECT_NE(detail.find("2095-01-01"), std::string::npos) << detail;
  EXPECT_EQ(cause(ca_.issue("other", "DNS:other.test,DNS:more.test"), "shop.test", &detail), Cause::kTlsWrongHost);
  EXPECT_EQ(detail, "the certificate is not for shop.test, but for other.test and 1 more");
  EXPECT_EQ(cause(ca_.issue("address", "IP:127.0.0.2"), "127.0.0.1", &detail), Cause::kTlsWrongHost);
  EXPECT_EQ(cause(ca_.issue("shop.test", "IP:127.0.0.2"), "shop.test", &detail), Cause::kTlsWrongHost)
      << "a common name is no name";
  EXPECT_EQ(cause(ca_.self_signed("self", "DNS:shop.test"), "shop.test", &detail), Cause::kTlsSelfSigned);
  TestCa stranger(dir_, "stranger");
  EXPECT_EQ(cause(stranger.issue("unknown", "DNS:shop.test"), "shop.test", &detail), Cause::kTlsUnknownIssuer);
}

TEST_F(Tls, ARevokedStapleIsHeard) {
  const CertificateFiles files = ca_.issue("withdrawn", "DNS:shop.test");
  const std::string fine = ca_.staple(files);
  {
    const TlsServer server(files, {"-status_file", fine});
    EXPECT_EQ(ask(server, "shop.test", trust_).cause, Cause::kOk) << exchange_.transfer().result().detail;
  }
  const std::string revoked = ca_.revoke(files);
  const TlsServer server(files, {"-status_file", revoked});
  EXPECT_EQ(ask(server, "shop.test", trust_).cause, Cause::kTlsRevoked) << exchange_.transfer().result().detail;
  EXPECT_EQ(exchange_.transfer().result().detail, "the server's own OCSP staple says: revoked (CN=withdrawn)");
  TestCa stranger(dir_, "stranger");
  const CertificateFiles other = stranger.issue("theirs", "DNS:shop.test");
  const TlsServer foreign(files, {"-status_file", stranger.revoke(other)});
  EXPECT_EQ(ask(foreign, "shop.test", trust_).cause, Cause::kOk) << "a staple about another certificate is none";
}

TEST_F(Tls, VerifyOffLooksButDoesNotJudge) {
  const TlsServer server(ca_.self_signed("self", "DNS:else.test"));
  EXPECT_EQ(ask(server, "shop.test", nullptr).cause, Cause::kOk);
  ASSERT_TRUE(seen().seen());
  EXPECT_EQ(seen().facts().subject, "CN=self");
  EXPECT_EQ(seen().facts().verify_error, "not verified: verify_tls is off");
  EXPECT_EQ(ask(server, "shop.test", trust_).cause, Cause::kTlsSelfSigned) << "and the next exchange judges again";
}

TEST_F(Tls, AMonitorsOwnRootsJoinTheBase) {
  TestCa inner(dir_, "inner");
  const TlsServer ours(ca_.issue("good", "DNS:shop.test")), theirs(inner.issue("inside", "DNS:shop.test"));
  TrustStores stores(trust_);
  const auto both = stores.with(inner.pem());
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(*stores.with(inner.pem()), *both) << "kept, not made again";
  EXPECT_EQ(stores.kept(), 1u);
  EXPECT_EQ((*both)->size(), trust_->size() + 1);
  EXPECT_EQ(ask(theirs, "shop.test", *both).cause, Cause::kOk);
  EXPECT_EQ(ask(ours, "shop.test", *both).cause, Cause::kOk);
  EXPECT_EQ(ask(theirs, "shop.test", trust_).cause, Cause::kTlsUnknownIssuer);
  EXPECT_FALSE(stores.with("no certificate").ok());
  EXPECT_EQ(*stores.with(""), trust_);
}

TEST_F(Tls, StoresOfMonitorsAreBounded) {
  TrustStores stores(trust_);
  for (std::size_t i = 0; i < TrustStores::kStoresMax + 5; ++i) {
    ASSERT_TRUE(stores.with(ca_.pem() + std::string(i, '\n')).ok());
  }
  EXPECT_EQ(stores.kept(), TrustStores::kStoresMax);
}

TEST_F(Tls, ASelfSignedCertificateNamedAsRootIsTrusted) {
  const CertificateFiles self = ca_.self_signed("self", "DNS:shop.test");
  const TlsServer server(self);
  const auto trust = trust_->with(everup::test::read_file(self.certificate));
  ASSERT_TRUE(trust.ok());
  EXPECT_EQ(ask(server, "shop.test", *trust).cause, Cause::kOk);
}

TEST_F(Tls, SystemRootsAndTheExtraFile) {
  const auto system = TrustStore::system("");
  ASSERT_TRUE(system.ok());
  const auto more = TrustStore::system(ca_.certificate());
  ASSERT_TRUE(more.ok());
  EXPECT_EQ((*more)->size(), (*system)->size() + 1);
  const auto missing = TrustStore::system(dir_.file("nothing.pem"));
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().what.find("EVERUP_CA_FILE"), std::string::npos);
  EXPECT_FALSE(TrustStore::system(dir_.write("junk.pem", "junk")).ok());
  const TlsServer server(ca_.issue("good", "DNS:shop.test"));
  EXPECT_EQ(ask(server, "shop.test", *more).cause, Cause::kOk);
  EXPECT_EQ(ask(server, "shop.test", *system).cause, Cause::kTlsUnknownIssuer);
}

// A root and a certificate of one kind of key each.
CertificateFiles chain_of(const TempDir& dir, const std::string& kind, std::vector<std::string> key) {
  const auto make = [&](const std::string& name, std::vector<std::string> more) {
    std::vector<std::string> words = {"openssl", "req",
                                      "-x509",   "-nodes",
                                      "-days",   "30",
                                      "-subj",   "/CN=" + name,
                                      "-keyout", dir.file(kind + name + ".key"),
                                      "-out",    dir.file(kind + name + ".crt")};
    words.insert(words.end(), key.begin(), key.end());
    words.insert(words.end(), more.begin(), more.end());
    everup::test::run_tool(words);
  };
  make("root", {});
  make("leaf", {"-CA", dir.file(kind + "root.crt"), "-CAkey", dir.file(kind + "root.key"), "-addext",
                "subjectAltName=DNS:shop.test"});
  return {dir.file(kind + "leaf.crt"), dir.file(kind + "leaf.key")};
}

// The small view of OpenSSL (net/tls_library.h) misses nothing that a server may have: every kind of key, in the root
// and in the leaf, and every group.
TEST_F(Tls, EveryKindOfKeyAndGroupIsKnown) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> kinds = {
      {"rsa", {"-newkey", "rsa:2048"}},
      {"pss", {"-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"}},
      {"p384", {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"}},
      {"p521", {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"}},
      {"ed25519", {"-newkey", "ed25519"}},
      {"ed448", {"-newkey", "ed448"}}};
  for (const auto& [kind, key] : kinds) {
    const CertificateFiles files = chain_of(dir_, kind, key);
    const auto trust = empty_->with(everup::test::read_file(dir_.file(kind + "root.crt")));
    ASSERT_TRUE(trust.ok()) << kind;
    const TlsServer server(files);
    EXPECT_EQ(ask(server, "shop.test", *trust).cause, Cause::kOk) << kind << ": " << seen().detail();
    EXPECT_EQ(ask(server, "shop.test", trust_).cause, Cause::kTlsUnknownIssuer) << kind;
    EXPECT_EQ(ask(server, "other.test", *trust).cause, Cause::kTlsWrongHost) << kind;
  }
  const CertificateFiles rsa = {dir_.file("rsaleaf.crt"), dir_.file("rsaleaf.key")};
  const auto trust = empty_->with(everup::test::read_file(dir_.file("rsaroot.crt")));
  for (const char* group : {"X25519", "P-256", "X448", "P-521", "P-384", "ffdhe2048", "ffdhe3072"}) {
    const TlsServer server(rsa, {"-groups", group});
    EXPECT_EQ(ask(server, "shop.test", *trust).cause, Cause::kOk) << group;
  }
  for (const char* cipher : {"DHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
                             "AES128-SHA", "ECDHE-RSA-AES128-GCM-SHA256"}) {
    const TlsServer server(rsa, {"-tls1_2", "-cipher", cipher});
    EXPECT_EQ(ask(server, "shop.test", *trust).cause, Cause::kOk) << cipher;
  }
}

TEST_F(Tls, HandshakesThatCannotSucceed) {
  FakeServer plain(
      [](FakeConnection& connection) { connection.send("HTTP/1.1 400 Plain\r\n\r\n"), connection.wait_for_close(); });
  Ask talk("https", "shop.test", plain.port());
  talk->trust = trust_;
  EXPECT_EQ(exchange_.run(talk.request).cause, Cause::kTlsHandshake);
  EXPECT_FALSE(seen().seen());
  FakeServer rude([](FakeConnection& connection) { connection.reset(); });
  Ask reset("https", "shop.test", rude.port());
  reset->trust = trust_;
  EXPECT_EQ(exchange_.run(reset.request).cause, Cause::kTlsHandshake);
  EXPECT_EQ(exchange_.transfer().phase(), Phase::kTls);
}

TEST_F(Tls, ASilentHandshakeIsInItsPhase) {
  FakeServer silent([](FakeConnection& connection) { connection.wait_for_close(); });
  Ask talk("https", "shop.test", silent.port());
  talk->trust = trust_;
  ASSERT_TRUE(exchange_.transfer().start(talk.request, exchange_));
  exchange_.turn_until([&] { return exchange_.transfer().phase() == Phase::kTls; });
  EXPECT_EQ(exchange_.transfer().phase(), Phase::kTls);
}

}  // namespace
}  // namespace everup::net::test
