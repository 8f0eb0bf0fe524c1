// Looks at a real nginx: plain, TLS with verification, HTTP/2, compression, redirects from http to https.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/checker/look.h"
#include "tests/support/nginx.h"
#include "tests/support/pki.h"

namespace everup::checker::test {
namespace {

using everup::test::CertificateFiles;
using everup::test::Nginx;
using everup::test::TempDir;
using everup::test::TestCa;
using ::testing::HasSubstr;

class HttpNginx : public ::testing::Test {
 protected:
  HttpNginx() : ca_(dir_) {}
  std::string tls(const CertificateFiles& files) const {
    return "ssl_certificate " + files.certificate + "; ssl_certificate_key " + files.key + "; ";
  }
  static std::string url(const std::string& scheme, const Nginx& server, const std::string& path = "/") {
    return scheme + "://shop.test:" + std::to_string(server.port()) + path;
  }
  TempDir dir_;
  TestCa ca_;
};

TEST_F(HttpNginx, PlainAndCompressed) {
  const std::string text(5000, 'a');
  dir_.write("page.html", text);
  Nginx server(
      dir_, "root " + dir_.path() + "; location /page.html { gzip on; gzip_types *; } location /empty { return 204; }");
  LookOptions options;
  Look look(options);
  look.expect().status = "204";
  EXPECT_EQ(look.at(url("http", server, "/empty")).cause, Cause::kOk);
  look.expect().compressed = true;
  look.expect().body_contains = text;
  const Outcome outcome = look.at(url("http", server, "/page.html"));
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_EQ(outcome.evidence->body_excerpt, std::string(2048, 'a'));
  EXPECT_EQ(look.at(url("http", server, "/none")).cause, Cause::kHttpStatus);
  look.options().method = "HEAD";
  EXPECT_EQ(look.at(url("http", server, "/page.html")).cause, Cause::kOk);
}

TEST_F(HttpNginx, VersionsByAlpn) {
  Nginx server(dir_, tls(ca_.issue("good", "DNS:shop.test")) + "location / { return 200 fine; }", "ssl http2");
  LookOptions options;
  options.ca_file = ca_.certificate();
  Look look(options);
  look.expect().http_version = HttpVersion::k2;
  const Outcome two = look.at(url("https", server));
  EXPECT_EQ(two.cause, Cause::kOk) << two.detail;
  EXPECT_GE(two.timings.tls_us, 0);
  ASSERT_TRUE(two.certificate_not_after);
  ASSERT_TRUE(two.evidence->certificate);
  EXPECT_EQ(two.evidence->certificate->subject, "CN=good");
  EXPECT_THAT(two.evidence->head, HasSubstr("HTTP/2 200"));
  look.options().http_version = HttpVersion::k1_1;
  look.expect().http_version = HttpVersion::k1_1;
  EXPECT_EQ(look.at(url("https", server)).cause, Cause::kOk);
  look.expect().certificate_days_min = 29;
  EXPECT_EQ(look.at(url("https", server)).cause, Cause::kOk);
  look.warn().certificate_days_min = 31;
  const Outcome ending = look.at(url("https", server));
  EXPECT_EQ(ending.cause, Cause::kCertificateExpiring);
  EXPECT_EQ(ending.verdict, Verdict::kDegraded);
}

TEST_F(HttpNginx, AskingForHttp2IsADemand) {
  Nginx server(dir_, tls(ca_.issue("good", "DNS:shop.test")) + "location / { return 200 fine; }", "ssl");
  LookOptions options;
  options.ca_file = ca_.certificate();
  Look look(options);
  EXPECT_EQ(look.at(url("https", server)).cause, Cause::kOk);
  look.options().http_version = HttpVersion::k2;
  EXPECT_EQ(look.at(url("https", server)).cause, Cause::kHttpVersion);
}

TEST_F(HttpNginx, CertificateTroubleKeepsItsFacts) {
  Nginx server(
      dir_,
      tls(ca_.issue("old", "DNS:shop.test", "20200101000000Z", "20210101000000Z")) + "location / { return 200 fine; }",
      "ssl");
  LookOptions options;
  options.ca_file = ca_.certificate();
  Look look(options);
  const Outcome expired = look.at(url("https", server));
  EXPECT_EQ(expired.cause, Cause::kTlsExpired);
  EXPECT_EQ(expired.phase, Phase::kTls);
  ASSERT_TRUE(expired.evidence->certificate);
  EXPECT_EQ(expired.evidence->certificate->subject, "CN=old");
  EXPECT_NE(expired.evidence->certificate->verify_error, "");
  EXPECT_THAT(expired.evidence->address, HasSubstr("127.0.0.1:"));
  ASSERT_TRUE(expired.certificate_not_after);
  EXPECT_EQ(rfc3339(*expired.certificate_not_after), "2021-01-01T00:00:00Z");
  EXPECT_GE(expired.timings.tls_us, 0);
  EXPECT_EQ(expired.timings.wait_us, -1);
  look.options().verify_tls = false;
  EXPECT_EQ(look.at(url("https", server)).cause, Cause::kOk);
  Look stranger;
  EXPECT_EQ(stranger.at(url("https", server)).cause, Cause::kTlsUnknownIssuer);
  stranger.options().ca_pem = ca_.pem();
  EXPECT_EQ(stranger.at(url("https", server)).cause, Cause::kTlsExpired)
      << "options.ca joins the roots of this monitor";
}

TEST_F(HttpNginx, AClientsCertificateIsNoServers) {
  const CertificateFiles files = ca_.issue("client", "DNS:shop.test", {}, {}, "clientAuth");
  Nginx server(dir_, tls(files) + "location / { return 200 fine; }", "ssl");
  LookOptions options;
  options.ca_file = ca_.certificate();
  Look look(options);
  EXPECT_EQ(look.at(url("https", server)).cause, Cause::kTlsInvalidCertificate);
}

TEST_F(HttpNginx, FromHttpToHttpsAndNotBackWithSecrets) {
  Nginx secure(
      dir_, tls(ca_.issue("good", "DNS:shop.test")) + "location / { return 200 \"auth=$http_authorization\"; }", "ssl");
  Nginx plain(dir_, "location / { return 301 " + url("https", secure) + "; }");
  LookOptions options;
  options.ca_file = ca_.certificate();
  Look look(options);
  look.options().auth = {HttpAuth::Type::kBasic, "ann", "s3cret"};
  const Outcome outcome = look.at(url("http", plain));
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_EQ(outcome.evidence->body_excerpt, "auth=");
  EXPECT_GE(outcome.timings.tls_us, 0);
  look.options().auth = {HttpAuth::Type::kBasic, "ann", "s3cret"};
  EXPECT_EQ(look.at(url("https", secure)).evidence->body_excerpt, "auth=Basic YW5uOnMzY3JldA==");
}

TEST_F(HttpNginx, StoppedMeansRefused) {
  std::uint16_t port = 0;
  Look look;
  {
    Nginx server(dir_, "location / { return 200 fine; }");
    port = server.port();
    EXPECT_EQ(look.at(url("http", server)).cause, Cause::kOk);
  }
  const Outcome outcome = look.at("http://shop.test:" + std::to_string(port) + "/");
  EXPECT_EQ(outcome.cause, Cause::kConnectRefused);
  EXPECT_EQ(outcome.detail, "Connection refused");
}

}  // namespace
}  // namespace everup::checker::test
