// Each weakness alone: its finding, its grade.
#include "checker/tls_findings.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace everup::checker {
namespace {

constexpr WallTime kNow{1'800'000'000'000};

TlsReport good() {
  TlsReport report;
  report.version = "TLSv1.3", report.cipher = "TLS_AES_256_GCM_SHA384";
  for (TlsProtocol& protocol : report.protocols) protocol.offer = TlsOffer::kRefused;
  report.protocol(TlsVersion::k1_3).offer = TlsOffer::kOffered;
  report.protocol(TlsVersion::k1_2) = {TlsOffer::kOffered, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"};
  TlsCertificate leaf;
  leaf.subject = "CN=shop.test", leaf.names = {"shop.test"};
  leaf.key_type = "EC P-256", leaf.key_bits = 256, leaf.signature = "ecdsa-with-SHA256";
  leaf.not_before = kNow - std::chrono::days(10), leaf.not_after = kNow + std::chrono::days(60);
  report.chain = {leaf};
  report.leaf_not_after = report.chain_not_after = leaf.not_after;
  report.trust = report.hostname = TlsOpinion{};
  report.https = true;
  report.hsts = StrictTransport{63'072'000, true, false};
  report.heartbleed.verdict = HeartbleedReport::Verdict::kNotVulnerable;
  return report;
}

bool has(const TlsReport& report, const std::string& id) {
  return std::any_of(report.findings.begin(), report.findings.end(), [&](const TlsFinding& f) { return f.id == id; });
}

TlsReport judged(TlsReport report) {
  judge_tls_report(report, kNow);
  return report;
}

TEST(TlsFindings, AGoodServerHasNone) {
  const TlsReport report = judged(good());
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.grade, "A+");
  EXPECT_TRUE(report.intermediate.asked);
  EXPECT_TRUE(report.intermediate.deviations.empty());
  EXPECT_EQ(report.modern.deviations, std::vector<std::string>{"TLS 1.2 is offered"});
}

struct Weakness {
  const char* id;
  const char* grade;
  void (*make)(TlsReport&);
};

TEST(TlsFindings, EachWeaknessHasItsGrade) {
  for (const Weakness& weak : std::vector<Weakness>{
           {"heartbleed", "F", [](TlsReport& r) { r.heartbleed.verdict = HeartbleedReport::Verdict::kVulnerable; }},
           {"heartbleed_inconclusive", "A+",
            [](TlsReport& r) { r.heartbleed.verdict = HeartbleedReport::Verdict::kInconclusive; }},
           {"ssl3_offered", "F", [](TlsReport& r) { r.protocol(TlsVersion::kSsl3).offer = TlsOffer::kOffered; }},
           {"tls1_0_offered", "B", [](TlsReport& r) { r.protocol(TlsVersion::k1_0).offer = TlsOffer::kOffered; }},
           {"tls1_1_offered", "B", [](TlsReport& r) { r.protocol(TlsVersion::k1_1).offer = TlsOffer::kOffered; }},
           {"no_tls1_3", "A+", [](TlsReport& r) { r.protocol(TlsVersion::k1_3).offer = TlsOffer::kRefused; }},
           {"no_protection", "F", [](TlsReport& r) { r.weak_cipher = "TLS_RSA_WITH_NULL_SHA"; }},
           {"breakable_suite", "F", [](TlsReport& r) { r.weak_cipher = "TLS_RSA_WITH_DES_CBC_SHA"; }},
           {"rc4", "C", [](TlsReport& r) { r.weak_cipher = "TLS_RSA_WITH_RC4_128_SHA"; }},
           {"3des", "B", [](TlsReport& r) { r.weak_cipher = "TLS_RSA_WITH_3DES_EDE_CBC_SHA"; }},
           {"short_key", "C", [](TlsReport& r) { r.chain[0].key_type = "RSA", r.chain[0].key_bits = 1024; }},
           {"weak_signature", "C", [](TlsReport& r) { r.chain[0].sha1_or_md5 = true; }},
           {"no_names", "C", [](TlsReport& r) { r.chain[0].names.clear(); }},
           {"expires_soon", "B", [](TlsReport& r) { r.leaf_not_after = kNow + std::chrono::days(10); }},
           {"expires_soon", "C", [](TlsReport& r) { r.leaf_not_after = kNow + std::chrono::days(1); }},
           {"chain_expires_soon", "B", [](TlsReport& r) { r.chain_not_after = kNow + std::chrono::days(5); }},
           {"not_trusted", "T",
            [](TlsReport& r) {
              r.trust = TlsOpinion{Cause::kTlsSelfSigned, "self-signed"};
            }},
           {"wrong_host", "T",
            [](TlsReport& r) {
              r.hostname = TlsOpinion{Cause::kTlsWrongHost, "another"};
            }},
           {"no_hsts", "A", [](TlsReport& r) { r.hsts.reset(); }},
           {"short_hsts", "A", [](TlsReport& r) { r.hsts->max_age_s = 60; }},
           {"certificate_changed", "A+",
            [](TlsReport& r) {
              r.changed = {"serial", "key"};
            }},
       }) {
    TlsReport report = good();
    weak.make(report);
    report = judged(report);
    EXPECT_TRUE(has(report, weak.id)) << weak.id;
    EXPECT_EQ(report.grade, weak.grade) << weak.id;
    EXPECT_EQ(report.findings.size(), 1U) << weak.id;
    EXPECT_EQ(report.grade_reasons.size(), 1U) << weak.id;
  }
}

TEST(TlsFindings, WorstFirst) {
  TlsReport report = good();
  report.protocol(TlsVersion::k1_0).offer = TlsOffer::kOffered;
  report.heartbleed.verdict = HeartbleedReport::Verdict::kVulnerable;
  report.hsts.reset();
  report = judged(report);
  ASSERT_EQ(report.findings.size(), 3U);
  EXPECT_EQ(report.findings[0].id, "heartbleed");
  EXPECT_EQ(report.findings[2].id, "no_hsts");
}

TEST(TlsFindings, OfNothingSeenThereIsNoGrade) {
  TlsReport report;
  judge_tls_report(report, kNow);
  EXPECT_TRUE(report.grade.empty());
  EXPECT_FALSE(report.modern.asked);
}

}  // namespace
}  // namespace everup::checker
