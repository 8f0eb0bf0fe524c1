#include "app/tls_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/check_command.h"
#include "app/probe_once.h"
#include "core/monitor.h"
#include "core/tls_report.h"
#include "db/monitor_json.h"
#include "db/tls_report_json.h"

namespace everup::app {
namespace {

constexpr int kInconclusiveExit = 3;

struct UsualPort {
  std::string_view prelude;
  int port;
};
constexpr std::array<UsualPort, 8> kUsualPorts{{{"smtp", 25},
                                                {"lmtp", 24},
                                                {"imap", 143},
                                                {"pop3", 110},
                                                {"ftp", 21},
                                                {"xmpp", 5222},
                                                {"ldap", 389},
                                                {"postgres", 5432}}};

// Has the authority a port? An IPv6 literal needs its brackets for one.
bool has_port(std::string_view authority) {
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == authority.size()) return false;
  const bool bare_v6 = authority.find(':') != colon && !authority.starts_with('[');
  if (bare_v6 || authority.ends_with(']')) return false;
  return std::all_of(authority.begin() + static_cast<std::ptrdiff_t>(colon) + 1, authority.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string target_of(const TlsWords& words) {
  if (words.target.find("://") != std::string::npos) return words.target;
  std::string authority = words.target;
  const bool bare_v6 = !authority.starts_with('[') && std::count(authority.begin(), authority.end(), ':') > 1;
  if (bare_v6) authority = "[" + authority + "]";
  if (!has_port(authority)) {
    for (const UsualPort& usual : kUsualPorts) {
      if (usual.prelude == words.starttls) authority += ":" + std::to_string(usual.port);
    }
  }
  return "tls://" + authority;
}

Result<CheckPlan> plan_of(const TlsWords& words) {
  nlohmann::json options = nlohmann::json::object();
  if (!words.starttls.empty()) options["starttls"] = words.starttls;
  if (!words.server_name.empty()) options["server_name"] = words.server_name;
  if (!words.heartbleed) options["heartbleed"] = "off";
  const nlohmann::json body{{"target", target_of(words)}, {"options", options}};
  const auto draft = db::parse_draft(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  FieldErrors errors = draft.errors;
  if (errors.empty()) errors = validate(draft.value, nullptr);
  if (!errors.empty()) return Error{ErrorCode::kInvalid, errors[0].pointer.substr(2) + ": " + errors[0].detail};
  if (draft.value.target.kind != Kind::kTls) return Error{ErrorCode::kInvalid, "only tls:// targets are asked here"};
  CheckPlan plan;
  plan.kind = Kind::kTls;
  plan.url = draft.value.target.url();
  plan.timeout_ms = static_cast<std::int32_t>(std::lround(words.timeout_s * 1000));
  plan.settings = std::make_shared<const KindSettings>(draft.value.settings);
  return plan;
}

std::string day(WallTime time) { return rfc3339(time).substr(0, 10); }

void put(std::string& out, std::string_view name, const std::string& text) {
  if (!text.empty()) out += fmt::format("  {:<13} {}\n", name, text);
}

std::string opinion_text(const std::optional<TlsOpinion>& opinion, const char* good) {
  if (!opinion) return {};
  return opinion->cause == Cause::kOk ? good : opinion->detail;
}

void put_protocols(std::string& out, const TlsReport& report) {
  for (std::size_t i = kTlsVersions; i-- > 0;) {
    const auto version = static_cast<TlsVersion>(i);
    const TlsProtocol& protocol = report.protocol(version);
    put(out, english(version),
        std::string(slug(protocol.offer)) + (protocol.cipher.empty() ? "" : ", " + protocol.cipher));
  }
}

void put_chain(std::string& out, const TlsReport& report) {
  for (std::size_t i = 0; i < report.chain.size(); ++i) {
    const TlsCertificate& one = report.chain[i];
    put(out, i == 0 ? "certificate" : "issued by",
        fmt::format("{} · {} to {} · {} {} bits · {}", one.subject, day(one.not_before), day(one.not_after),
                    one.key_type, one.key_bits, one.signature));
    if (i > 0) continue;
    std::string names;
    for (std::size_t n = 0; n < one.names.size() && n < 5; ++n) names += (n == 0 ? "" : ", ") + one.names[n];
    if (one.names.size() > 5) names += fmt::format(" and {} more", one.names.size() - 5);
    put(out, "names", names);
    put(out, "sha256", one.sha256);
  }
}

void put_rest(std::string& out, const TlsReport& report) {
  put(out, "trust", opinion_text(report.trust, "trusted"));
  put(out, "host name", opinion_text(report.hostname, "matches"));
  if (report.resumed) put(out, "resumption", *report.resumed ? "yes" : "no");
  if (report.stapled) put(out, "OCSP staple", *report.stapled ? "yes" : "no");
  if (report.https)
    put(out, "HSTS", report.hsts ? fmt::format("{} days", report.hsts->max_age_s / 86'400) : std::string("no"));
  if (report.weak_asked)
    put(out, "broken suites", report.weak_cipher.empty() ? "refused" : report.weak_cipher + " accepted");
  const HeartbleedReport& said = report.heartbleed;
  put(out, "Heartbleed", std::string(slug(said.verdict)) + (said.detail.empty() ? "" : ": " + said.detail));
  const auto profile = [&](const char* name, const TlsProfile& one) {
    if (one.asked)
      put(out, name, one.deviations.empty() ? "yes" : "no: " + fmt::format("{}", fmt::join(one.deviations, "; ")));
  };
  profile("intermediate", report.intermediate);
  profile("modern", report.modern);
  if (!report.grade.empty()) put(out, "grade", report.grade);
  for (const TlsFinding& finding : report.findings) {
    put(out, slug(finding.severity), finding.text + (finding.fix.empty() ? "" : " — " + finding.fix));
  }
}

}  // namespace

std::string tls_text(const Outcome& outcome) {
  const TlsReport* report = outcome.evidence ? outcome.evidence->tls.get() : nullptr;
  CheckOptions form;
  form.timeout_s = 0;
  std::string out = plugin_line("TLS", outcome, form) + "\n";
  if (report == nullptr) return out;
  put(out, "address", report->address);
  put(out, "negotiated",
      report->version + (report->cipher.empty() ? "" : " " + report->cipher) +
          (report->alpn.empty() ? "" : ", " + report->alpn));
  put_protocols(out, *report);
  put_chain(out, *report);
  put_rest(out, *report);
  return out;
}

int run_tls(const TlsWords& words, const Settings& settings) {
  const auto plan = plan_of(words);
  if (!plan) {
    fmt::print(stderr, "everup tls: {}\n", plan.error().what);
    return kInconclusiveExit;
  }
  const auto outcome = probe_once(*plan, settings, words.policy, true);
  if (!outcome) {
    fmt::print(stderr, "everup tls: {}\n", outcome.error().what);
    return kInconclusiveExit;
  }
  fmt::print("{}", words.json ? db::tls_test_json(*outcome) + "\n" : tls_text(*outcome));
  return std::fflush(stdout) == 0 ? exit_code_of(outcome->verdict) : kInconclusiveExit;
}

}  // namespace everup::app
