#include "checker/tls_findings.h"

#include <algorithm>
#include <array>
#include <utility>

namespace everup::checker {

namespace {

using S = TlsSeverity;

constexpr std::int64_t kHalfYearS = 180 * 86'400, kTwoYearsS = 63'072'000;
constexpr int kSoonDays = 14, kVerySoonDays = 3;

bool offered(const TlsReport& report, TlsVersion version) {
  return report.protocol(version).offer == TlsOffer::kOffered;
}

class Findings {
 public:
  Findings(TlsReport& report, WallTime now) : report_(report), now_(now) {}
  void judge() {
    report_.findings.clear();
    heartbleed();
    versions();
    suites();
    certificates();
    expiry();
    opinions();
    rest();
    std::stable_sort(report_.findings.begin(), report_.findings.end(),
                     [](const TlsFinding& a, const TlsFinding& b) { return a.severity > b.severity; });
  }

 private:
  void add(std::string id, S severity, std::string text, std::string fix = {}) {
    report_.findings.push_back({std::move(id), severity, std::move(text), std::move(fix)});
  }
  void heartbleed() {
    const HeartbleedReport& said = report_.heartbleed;
    if (said.verdict == HeartbleedReport::Verdict::kVulnerable) {
      add("heartbleed", S::kCritical, "vulnerable to Heartbleed (CVE-2014-0160): anyone can read the server's memory",
          "update OpenSSL to 1.0.1g or later, then replace the key and revoke the certificate");
    }
    if (said.verdict == HeartbleedReport::Verdict::kInconclusive) {
      add("heartbleed_inconclusive", S::kInfo, "Heartbleed could not be judged: " + said.detail);
    }
  }
  void versions() {
    const std::string fix = "offer TLS 1.2 and TLS 1.3 only";
    if (offered(report_, TlsVersion::kSsl3))
      add("ssl3_offered", S::kCritical, "SSL 3.0 is offered (POODLE, CVE-2014-3566; RFC 7568 forbids it)", fix);
    if (offered(report_, TlsVersion::k1_0))
      add("tls1_0_offered", S::kMinor, "TLS 1.0 is offered (RFC 8996 forbids it)", fix);
    if (offered(report_, TlsVersion::k1_1))
      add("tls1_1_offered", S::kMinor, "TLS 1.1 is offered (RFC 8996 forbids it)", fix);
    const bool none = report_.protocol(TlsVersion::k1_2).offer == TlsOffer::kRefused &&
                      report_.protocol(TlsVersion::k1_3).offer == TlsOffer::kRefused;
    if (none) add("no_current_version", S::kMajor, "neither TLS 1.2 nor TLS 1.3 is offered", fix);
    if (report_.protocol(TlsVersion::k1_3).offer == TlsOffer::kRefused && !none)
      add("no_tls1_3", S::kInfo, "TLS 1.3 is not offered", "offer TLS 1.3 beside TLS 1.2");
  }
  void suites() {
    const std::string& weak = report_.weak_cipher;
    if (weak.empty()) return;
    const auto has = [&](std::string_view word) { return weak.find(word) != std::string::npos; };
    const std::string fix = "take NULL, anon, EXPORT, DES, 3DES and RC4 out of the list of suites";
    if (has("NULL") || has("anon")) {
      add("no_protection", S::kCritical, weak + " is accepted: no encryption, or nobody is authenticated", fix);
    } else if (has("EXPORT") || has("_DES_CBC")) {
      add("breakable_suite", S::kCritical, weak + " is accepted: its keys can be found by trying", fix);
    } else if (has("RC4")) {
      add("rc4", S::kMajor, weak + " is accepted (RFC 7465 forbids RC4)", fix);
    } else {
      add("3des", S::kMinor, weak + " is accepted (64-bit blocks: SWEET32, CVE-2016-2183)", fix);
    }
  }
  void certificates() {
    for (std::size_t i = 0; i < report_.chain.size(); ++i) {
      const TlsCertificate& one = report_.chain[i];
      const std::string whose = i == 0 ? "the certificate" : "a certificate of the chain (" + one.subject + ")";
      if ((one.key_type == "RSA" || one.key_type == "DSA") && one.key_bits < 2048)
        add("short_key", S::kMajor, whose + " has a key of " + std::to_string(one.key_bits) + " bits",
            "get one with RSA 2048 bits or more, or ECDSA P-256");
      if (one.sha1_or_md5 && !one.self_issued)
        add("weak_signature", S::kMajor, whose + " is signed with " + one.signature,
            "get one that is signed with SHA-256");
    }
    if (!report_.chain.empty() && report_.chain.front().names.empty())
      add("no_names", S::kMajor, "the certificate has no subject alternative names; clients ignore its common name",
          "get one with the host's name among its subject alternative names (RFC 9525)");
  }
  void expiry() {
    const auto days = [&](WallTime end) { return (end - now_).count() / kDayMs; };
    if (report_.leaf_not_after && *report_.leaf_not_after > now_) {
      const auto left = days(*report_.leaf_not_after);
      if (left < kSoonDays)
        add("expires_soon", left < kVerySoonDays ? S::kMajor : S::kMinor,
            "the certificate expires in " + std::to_string(left) + " days, on " + rfc3339(*report_.leaf_not_after),
            "renew it now, and look why it was not renewed by itself");
    }
    const bool chain_first =
        report_.chain_not_after && report_.leaf_not_after && *report_.chain_not_after < *report_.leaf_not_after;
    if (chain_first && days(*report_.chain_not_after) < kSoonDays)
      add("chain_expires_soon", S::kMinor,
          "a certificate of the chain ends before the server's own, on " + rfc3339(*report_.chain_not_after),
          "ask the issuer for a current chain");
  }
  void opinions() {
    if (report_.trust && report_.trust->cause != Cause::kOk)
      add("not_trusted", S::kMajor, report_.trust->detail,
          "get a certificate from a trusted authority, and send its whole chain");
    if (report_.hostname && report_.hostname->cause != Cause::kOk)
      add("wrong_host", S::kMajor, report_.hostname->detail, "get a certificate that names this host");
    if (!report_.changed.empty()) {
      std::string what;
      for (const std::string& one : report_.changed) what += (what.empty() ? "" : ", ") + one;
      add("certificate_changed", S::kInfo, "the certificate has changed since the last look: " + what);
    }
  }
  void rest() {
    if (report_.https && !report_.hsts)
      add("no_hsts", S::kInfo, "no Strict-Transport-Security header (RFC 6797)",
          "send Strict-Transport-Security: max-age=63072000");
    if (report_.hsts && report_.hsts->max_age_s < kHalfYearS)
      add("short_hsts", S::kInfo, "Strict-Transport-Security holds for less than 180 days",
          "send Strict-Transport-Security: max-age=63072000");
  }

  TlsReport& report_;
  const WallTime now_;
};

void grade(TlsReport& report) {
  report.grade.clear();
  report.grade_reasons.clear();
  const bool spoke = !report.version.empty() || !report.chain.empty();
  if (!spoke) return;
  S worst = S::kInfo;
  for (const TlsFinding& finding : report.findings) {
    const bool trust = finding.id == "not_trusted" || finding.id == "wrong_host";
    if (!trust) worst = std::max(worst, finding.severity);
    if (finding.severity != S::kInfo) report.grade_reasons.push_back(finding.text);
  }
  const bool untrusted =
      (report.trust && report.trust->cause != Cause::kOk) || (report.hostname && report.hostname->cause != Cause::kOk);
  const bool strict = report.hsts && report.hsts->max_age_s >= kHalfYearS;
  switch (worst) {
    case S::kInfo:
      report.grade = strict ? "A+" : "A";
      break;
    case S::kMinor:
      report.grade = "B";
      break;
    case S::kMajor:
      report.grade = "C";
      break;
    case S::kCritical:
      report.grade = "F";
      break;
  }
  if (untrusted && report.grade != "F") report.grade = "T";
  if (report.grade == "A+") report.grade_reasons.emplace_back("nothing weak was found, and HSTS is set");
  if (report.grade == "A") report.grade_reasons.emplace_back("nothing weak was found");
}

// https://wiki.mozilla.org/Security/Server_Side_TLS: what both profiles forbid, then what one of them does.
void compare(const TlsReport& report, TlsProfile& profile, bool modern) {
  profile.asked = !report.version.empty();
  profile.deviations.clear();
  if (!profile.asked) return;
  const auto deviates = [&](std::string what) { profile.deviations.push_back(std::move(what)); };
  for (const TlsVersion version : {TlsVersion::kSsl3, TlsVersion::k1_0, TlsVersion::k1_1, TlsVersion::k1_2}) {
    if ((version != TlsVersion::k1_2 || modern) && offered(report, version))
      deviates(std::string(english(version)) + " is offered");
  }
  if (report.protocol(TlsVersion::k1_3).offer == TlsOffer::kRefused) deviates("TLS 1.3 is not offered");
  if (!report.weak_cipher.empty()) deviates(report.weak_cipher + " is accepted");
  const std::string& suite = report.protocol(TlsVersion::k1_2).cipher;
  const bool forward = suite.empty() || suite.find("DHE") != std::string::npos;
  if (!forward) deviates("TLS 1.2 is spoken without forward secrecy (" + suite + ")");
  if (!report.chain.empty()) {
    const TlsCertificate& leaf = report.chain.front();
    const bool curve = leaf.key_type == "EC P-256" || leaf.key_type == "EC P-384" || leaf.key_type == "Ed25519";
    if (modern && !curve) deviates("the certificate's key is " + leaf.key_type + ", not ECDSA P-256 or P-384");
    if (!modern && !curve && (leaf.key_type != "RSA" || leaf.key_bits < 2048))
      deviates("the certificate's key is neither RSA of 2048 bits nor ECDSA P-256 or P-384");
    if (leaf.sha1_or_md5) deviates("the certificate is signed with " + leaf.signature);
    const std::int64_t days = (leaf.not_after - leaf.not_before).count() / kDayMs;
    if (days > (modern ? 90 : 366)) deviates("the certificate is made for " + std::to_string(days) + " days");
  }
  if (report.https && (!report.hsts || report.hsts->max_age_s < kTwoYearsS)) deviates("HSTS is not set for two years");
}

}  // namespace

void judge_tls_report(TlsReport& report, WallTime now) {
  Findings(report, now).judge();
  grade(report);
  compare(report, report.modern, true);
  compare(report, report.intermediate, false);
}

}  // namespace everup::checker
