// What a finished TLS test shows. See tool_page.h.
#include <algorithm>
#include <array>

#include "reports/page_template.h"
#include "reports/tool_page.h"
#include "reports/tool_parts.h"
#include "reports/tool_text.h"

namespace everup::reports {
namespace {

constexpr std::size_t kNamesShown = 12;
constexpr std::array<TlsVersion, kTlsVersions> kNewestFirst{TlsVersion::k1_3, TlsVersion::k1_2, TlsVersion::k1_1,
                                                            TlsVersion::k1_0, TlsVersion::kSsl3};

std::string_view tone_of(TlsSeverity severity) {
  switch (severity) {
    case TlsSeverity::kInfo:
      return "unknown";
    case TlsSeverity::kMinor:
      return "maintenance";
    case TlsSeverity::kMajor:
      return "degraded";
    case TlsSeverity::kCritical:
      return "down";
  }
  return "unknown";
}

std::string_view grade_tone(std::string_view grade) {
  if (grade.starts_with('A')) return "up";
  return grade == "B" || grade == "C" ? "degraded" : "down";
}

std::string_view grade_words(std::string_view grade) {
  if (grade == "A+") return "Nothing to mend, and browsers are told to stay with HTTPS";
  if (grade == "A") return "Nothing to mend";
  if (grade == "B") return "Sound, with something to mend";
  if (grade == "C") return "Usable, with something that should not be there";
  if (grade == "T") return "Would be fine, but its certificate is not trusted";
  return "Not safe";
}

std::vector<Fields> finding_rows(const TlsReport& report) {
  std::vector<Fields> rows;
  for (const TlsFinding& finding : report.findings) {
    rows.push_back({.texts = {{"tone", std::string(tone_of(finding.severity))},
                              {"severity", std::string(slug(finding.severity))},
                              {"text", printable(finding.text, kToolTextMax)},
                              {"fix", printable(finding.fix, kToolTextMax)}},
                    .flags = {{"has_fix", !finding.fix.empty()}},
                    .lists = {}});
  }
  return rows;
}

std::vector<Fields> protocol_rows(const TlsReport& report) {
  std::vector<Fields> rows;
  for (const TlsVersion version : kNewestFirst) {
    const TlsProtocol& protocol = report.protocol(version);
    rows.push_back({.texts = {{"name", std::string(english(version))},
                              {"offer", std::string(slug(protocol.offer))},
                              {"cipher", protocol.cipher.empty() ? "–" : printable(protocol.cipher, 100)}},
                    .flags = {},
                    .lists = {}});
  }
  return rows;
}

std::vector<Fields> chain_rows(const TlsTest& test) {
  std::vector<Fields> rows;
  for (const TlsCertificate& one : test.report->chain) {
    const std::string bits = one.key_bits > 0 ? ", " + std::to_string(one.key_bits) + " bits" : "";
    rows.push_back({.texts = {{"ordinal", rows.empty() ? "Its own" : "Certificate " + std::to_string(rows.size() + 1)},
                              {"subject", printable(one.subject, kToolTextMax)},
                              {"names", listed(one.names, kNamesShown)},
                              {"issuer", printable(one.issuer, kToolTextMax)},
                              {"valid", validity_text(one.not_before, one.not_after, test.now)},
                              {"key", printable(one.key_type, 100) + bits},
                              {"signature", printable(one.signature, 100)},
                              {"sha256", printable(one.sha256, 100)}},
                    .flags = {{"has_names", !one.names.empty()}},
                    .lists = {}});
  }
  return rows;
}

std::string opinion(const std::optional<TlsOpinion>& one, std::string_view good) {
  if (!one) return "not judged";
  if (one->cause == Cause::kOk) return std::string(good);
  return one->detail.empty() ? std::string(facts(one->cause).english) : printable(one->detail, kToolTextMax);
}

std::string yes_or_no(const std::optional<bool>& value) {
  if (!value) return "not known";
  return *value ? "yes" : "no";
}

std::string profile(const TlsProfile& one) {
  if (one.deviations.empty()) return "met";
  return listed(one.deviations, 20);
}

std::string heartbleed_text(const TlsTest& test) {
  if (test.heartbleed_withheld) return "asked for signed-in users only";
  const HeartbleedReport& said = test.report->heartbleed;
  std::string verdict(slug(said.verdict));
  std::replace(verdict.begin(), verdict.end(), '_', ' ');
  return said.detail.empty() ? verdict : verdict + ": " + printable(said.detail, kToolTextMax);
}

std::vector<Fields> fact_rows(const TlsTest& test) {
  const TlsReport& report = *test.report;
  std::vector<Fields> rows;
  const auto add = [&](std::string name, std::string text) {
    if (text.empty()) return;
    rows.push_back(
        {.texts = {{"name", std::move(name)}, {"text", printable(text, kToolTextMax)}}, .flags = {}, .lists = {}});
  };
  add("Address", report.address);
  add("Agreed upon", report.version + (report.cipher.empty() ? "" : ", " + report.cipher));
  add("ALPN", report.alpn);
  if (!report.chain.empty()) {
    add("Trust", opinion(report.trust, "trusted"));
    add("Name", opinion(report.hostname, "fits " + report.host));
  }
  add("OCSP stapled", yes_or_no(report.stapled));
  add("Resumption", yes_or_no(report.resumed));
  if (report.https)
    add("HSTS", report.hsts ? "for " + std::to_string(report.hsts->max_age_s / 86'400) + " days" : "no");
  if (report.weak_asked)
    add("Broken suites", report.weak_cipher.empty() ? "refused" : report.weak_cipher + " accepted");
  add("Heartbleed", heartbleed_text(test));
  if (report.intermediate.asked) add("Mozilla intermediate", profile(report.intermediate));
  if (report.modern.asked) add("Mozilla modern", profile(report.modern));
  return rows;
}

std::string bars_of(const TlsReport& report) {
  std::vector<StepBar> bars;
  std::int32_t at = 0;
  for (const TlsReport::Step& step : report.steps) {
    bars.push_back({step.name, at, step.ms, step.text});
    at += step.ms;
  }
  return step_bars(bars);
}

}  // namespace

std::string tls_test_html(const TlsTest& test) {
  const TlsReport& report = *test.report;
  std::vector<Fields> reasons;
  for (const std::string& reason : report.grade_reasons)
    reasons.push_back({.texts = {{"text", printable(reason, kToolTextMax)}}, .flags = {}, .lists = {}});
  Fields page;
  page.texts = {{"state_bar", state_bar(test.verdict, test.cause, test.detail)},
                {"grade", report.grade},
                {"grade_tone", std::string(grade_tone(report.grade))},
                {"grade_words", std::string(grade_words(report.grade))},
                {"total", std::to_string(test.total_ms)},
                {"bars", bars_of(report)},
                {"save", save_html(test.save, test.save_link)}};
  page.flags = {{"has_grade", !report.grade.empty()},
                {"has_reasons", !reasons.empty()},
                {"has_findings", !report.findings.empty()},
                {"has_protocols", !report.grade.empty() || !report.chain.empty()},
                {"has_chain", !report.chain.empty()}};
  page.lists = {{"reasons", std::move(reasons)},
                {"findings", finding_rows(report)},
                {"protocols", protocol_rows(report)},
                {"facts", fact_rows(test)},
                {"chain", chain_rows(test)}};
  return render_page(kTlsTemplate, page);
}

}  // namespace everup::reports
