#include "db/tls_report_json.h"

#include <nlohmann/json.hpp>

namespace everup::db {
namespace {
using nlohmann::ordered_json;

ordered_json time_or_null(const std::optional<WallTime>& time) {
  return time ? ordered_json(rfc3339(*time)) : ordered_json(nullptr);
}

template <class T>
ordered_json value_or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json text_or_null(const std::string& text) { return text.empty() ? ordered_json(nullptr) : ordered_json(text); }

ordered_json protocols_object(const TlsReport& report) {
  ordered_json out = ordered_json::object();
  for (std::size_t i = 0; i < kTlsVersions; ++i) {
    out[std::string(slug(static_cast<TlsVersion>(i)))] = slug(report.protocols[i].offer);
  }
  return out;
}

// What the server chose of all suites, by version.
ordered_json ciphers_object(const TlsReport& report) {
  ordered_json out = ordered_json::object();
  for (std::size_t i = 0; i < kTlsVersions; ++i) {
    if (!report.protocols[i].cipher.empty())
      out[std::string(slug(static_cast<TlsVersion>(i)))] = report.protocols[i].cipher;
  }
  return out;
}

ordered_json certificate_object(const TlsCertificate& one) {
  return {{"subject", one.subject},
          {"issuer", one.issuer},
          {"serial", one.serial},
          {"names", one.names},
          {"not_before", rfc3339(one.not_before)},
          {"not_after", rfc3339(one.not_after)},
          {"key", one.key_type},
          {"key_bits", one.key_bits},
          {"signature", one.signature},
          {"sha256", one.sha256},
          {"key_sha256", one.key_sha256}};
}

ordered_json opinion_object(const std::optional<TlsOpinion>& opinion) {
  if (!opinion) return nullptr;
  return {{"ok", opinion->cause == Cause::kOk}, {"cause", facts(opinion->cause).slug}, {"detail", opinion->detail}};
}

ordered_json heartbleed_object(const HeartbleedReport& said) {
  ordered_json out{{"verdict", slug(said.verdict)}};
  if (said.verdict == HeartbleedReport::Verdict::kNotAsked) return out;
  out["reason"] = said.reason;
  out["detail"] = said.detail;
  out["version"] = text_or_null(said.version);
  if (said.remembered) {
    out["remembered"] = true;
    return out;
  }
  out["extension"] = said.extension;
  out["connections"] = said.connections;
  out["ms"] = said.ms;
  ordered_json seen = ordered_json::array();
  for (const HeartbleedReport::Seen& one : said.seen) {
    ordered_json record{
        {"connection", one.connection}, {"at_ms", one.at_ms}, {"type", one.type}, {"length", one.length}};
    if (one.alert >= 0) record["alert"] = one.alert;
    seen.push_back(std::move(record));
  }
  out["records"] = std::move(seen);
  return out;
}

ordered_json findings_array(const std::vector<TlsFinding>& findings) {
  ordered_json out = ordered_json::array();
  for (const TlsFinding& one : findings) {
    ordered_json finding{{"id", one.id}, {"severity", slug(one.severity)}, {"text", one.text}};
    if (!one.fix.empty()) finding["fix"] = one.fix;
    out.push_back(std::move(finding));
  }
  return out;
}

ordered_json profile_object(const TlsProfile& profile) {
  if (!profile.asked) return nullptr;
  return {{"ok", profile.deviations.empty()}, {"deviations", profile.deviations}};
}

ordered_json hsts_object(const std::optional<StrictTransport>& hsts) {
  if (!hsts) return nullptr;
  return {{"max_age_s", hsts->max_age_s}, {"include_subdomains", hsts->include_subdomains}, {"preload", hsts->preload}};
}

ordered_json steps_array(const std::vector<TlsReport::Step>& steps) {
  ordered_json out = ordered_json::array();
  for (const TlsReport::Step& one : steps) out.push_back({{"step", one.name}, {"ms", one.ms}, {"text", one.text}});
  return out;
}

void add_report(ordered_json& out, const TlsReport& report) {
  out["host"] = report.host;
  out["address"] = text_or_null(report.address);
  out["starttls"] = report.starttls == TlsPrelude::kNone ? ordered_json(nullptr) : ordered_json(slug(report.starttls));
  out["protocols"] = protocols_object(report);
  out["ciphers"] = ciphers_object(report);
  out["negotiated"] = {{"version", text_or_null(report.version)},
                       {"cipher", text_or_null(report.cipher)},
                       {"alpn", text_or_null(report.alpn)},
                       {"resumed", value_or_null(report.resumed)},
                       {"ocsp_stapled", value_or_null(report.stapled)}};
  out["chain"] = ordered_json::array();
  for (const TlsCertificate& one : report.chain) out["chain"].push_back(certificate_object(one));
  out["leaf_not_after"] = time_or_null(report.leaf_not_after);
  out["chain_not_after"] = time_or_null(report.chain_not_after);
  out["trust"] = opinion_object(report.trust);
  out["hostname"] = opinion_object(report.hostname);
  out["hsts"] = hsts_object(report.hsts);
  out["weak_cipher"] = text_or_null(report.weak_cipher);
  out["heartbleed"] = heartbleed_object(report.heartbleed);
  if (!report.changed.empty()) out["certificate_changed"] = report.changed;
  out["findings"] = findings_array(report.findings);
  out["grade"] = text_or_null(report.grade);
  out["grade_reasons"] = report.grade_reasons;
  out["profiles"] = {{"modern", profile_object(report.modern)}, {"intermediate", profile_object(report.intermediate)}};
  out["steps"] = steps_array(report.steps);
}

std::string line_of(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}
}  // namespace

std::string tls_report_json(const TlsReport& report) {
  ordered_json out = ordered_json::object();
  add_report(out, report);
  return line_of(out);
}

std::string tls_test_json(const Outcome& outcome) {
  ordered_json out{{"verdict", slug(outcome.verdict)},
                   {"cause", facts(outcome.cause).slug},
                   {"detail", outcome.detail},
                   {"latency_ms", outcome.timings.total_us / 1000.0}};
  if (outcome.evidence && outcome.evidence->tls) add_report(out, *outcome.evidence->tls);
  return line_of(out);
}

}  // namespace everup::db
