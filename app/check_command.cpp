#include "app/check_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/probe_once.h"
#include "core/monitor.h"
#include "db/monitor_json.h"

namespace everup::app {
namespace {

constexpr auto kReplace = nlohmann::json::error_handler_t::replace;

std::string number(double seconds) { return fmt::format("{:g}", seconds); }
std::string bound(const std::optional<double>& seconds) { return seconds ? number(*seconds) : std::string(); }

std::string_view word_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUp:
      return "OK";
    case Verdict::kDegraded:
      return "WARNING";
    case Verdict::kDown:
      return "CRITICAL";
    case Verdict::kInconclusive:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

std::string json_line(const std::string& target, const Outcome& outcome) {
  nlohmann::ordered_json phases;
  const auto add = [&](const char* name, std::int32_t us) {
    phases[name] = us < 0 ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(us / 1000.0);
  };
  add("dns", outcome.timings.dns_us);
  add("connect", outcome.timings.connect_us);
  add("tls", outcome.timings.tls_us);
  add("wait", outcome.timings.wait_us);
  add("transfer", outcome.timings.transfer_us);
  nlohmann::ordered_json line{{"target", target},
                              {"verdict", slug(outcome.verdict)},
                              {"cause", facts(outcome.cause).slug},
                              {"detail", outcome.detail},
                              {"latency_ms", outcome.timings.total_us / 1000.0},
                              {"phases_ms", phases},
                              {"code", outcome.code}};
  if (outcome.evidence != nullptr) {
    line["address"] = outcome.evidence->address;
    line["head"] = outcome.evidence->head;
    if (outcome.evidence->certificate) {
      const auto& certificate = *outcome.evidence->certificate;
      line["certificate"] = {{"subject", certificate.subject},
                             {"issuer", certificate.issuer},
                             {"names", certificate.names},
                             {"not_before", rfc3339(certificate.not_before)},
                             {"not_after", rfc3339(certificate.not_after)},
                             {"sha256", certificate.sha256},
                             {"verify_error", certificate.verify_error}};
    }
  }
  return line.dump(-1, ' ', false, kReplace);
}

// What is typed is read as a monitor's target, shorthand options included; -t 0 means the kind's default.
Result<CheckPlan> plan_of(const std::string& text, const CheckOptions& options) {
  const auto draft = db::parse_draft(nlohmann::json{{"target", text}}.dump(-1, ' ', false, kReplace));
  FieldErrors errors = draft.errors;
  if (errors.empty()) errors = validate(draft.value, nullptr);
  if (!errors.empty()) {
    const bool target = errors[0].pointer == "#/target";
    return Error{ErrorCode::kInvalid, (target ? "" : errors[0].pointer.substr(2) + ": ") + errors[0].detail};
  }
  CheckPlan plan;
  plan.id = MonitorId{1};
  plan.kind = draft.value.target.kind;
  plan.url = draft.value.target.url();
  plan.timeout_ms =
      options.timeout_s > 0 ? static_cast<std::int32_t>(std::lround(options.timeout_s * 1000)) : draft.value.timeout_ms;
  plan.settings = std::make_shared<const KindSettings>(draft.value.settings);
  return plan;
}

// -w and -c of a look that is good otherwise: exact, where a monitor's latency_ms_max is whole milliseconds.
void judge_time(Outcome& outcome, const CheckOptions& options) {
  const double seconds = outcome.timings.total_us / 1e6;
  const auto slower = [&](const std::optional<double>& bound) { return bound && seconds > *bound; };
  if (outcome.verdict == Verdict::kUp && (slower(options.crit_s) || slower(options.warn_s))) {
    outcome.cause = Cause::kTooSlow;
    outcome.verdict = slower(options.crit_s) ? Verdict::kDown : Verdict::kDegraded;
    outcome.detail = fmt::format("{:.3f} s, wanted at most {} s", seconds,
                                 number(slower(options.crit_s) ? *options.crit_s : *options.warn_s));
  }
}

}  // namespace

int exit_code_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUp:
      return 0;
    case Verdict::kDegraded:
      return 1;
    case Verdict::kDown:
      return 2;
    case Verdict::kInconclusive:
      return 3;
  }
  return 3;
}

int worse_exit(int a, int b) {
  constexpr std::array<int, 4> kRank{0, 2, 3, 1};  // of the exit codes 0, 1, 2, 3
  return kRank[static_cast<std::size_t>(a)] >= kRank[static_cast<std::size_t>(b)] ? a : b;
}

std::string plugin_line(const std::string& service, const Outcome& outcome, const CheckOptions& options) {
  const double seconds = outcome.timings.total_us / 1e6;
  std::string said = outcome.cause == Cause::kOk && outcome.code != 0 ? fmt::format("{}", outcome.code)
                                                                      : std::string(facts(outcome.cause).english);
  if (!outcome.detail.empty()) said += ": " + outcome.detail;
  std::replace(said.begin(), said.end(), '|', '/');  // ends the text in plugin output
  std::string line =
      fmt::format("{} {} - {} in {:.3f} s | time={:.3f}s;{};{};0;{}", service, word_of(outcome.verdict), said, seconds,
                  seconds, bound(options.warn_s), bound(options.crit_s), number(options.timeout_s));
  const auto add = [&](const char* label, std::int32_t us) {
    if (us >= 0) line += fmt::format(" {}={:.6f}s;;;0", label, us / 1e6);
  };
  add("time_dns", outcome.timings.dns_us);
  add("time_connect", outcome.timings.connect_us);
  add("time_tls", outcome.timings.tls_us);
  add("time_firstbyte", outcome.timings.wait_us);
  add("time_transfer", outcome.timings.transfer_us);
  return line;
}

int run_check(const CheckOptions& options, const Settings& settings) {
  int worst = 0;
  for (const auto& text : options.targets) {
    const auto plan = plan_of(text, options);
    if (!plan) {
      fmt::print(stderr, "everup check: {}: {}\n", text, plan.error().what);
      worst = worse_exit(worst, 3);
      continue;
    }
    auto outcome = probe_once(*plan, settings, options.policy, options.json);
    if (!outcome) {
      fmt::print(stderr, "everup check: {}: {}\n", text, outcome.error().what);
      worst = worse_exit(worst, 3);
      continue;
    }
    judge_time(*outcome, options);
    CheckOptions shown = options;
    shown.timeout_s = plan->timeout_ms / 1000.0;
    std::string service(slug(plan->kind));
    for (char& c : service) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    fmt::print("{}\n", options.json ? json_line(plan->url, *outcome) : plugin_line(service, *outcome, shown));
    worst = worse_exit(worst, exit_code_of(outcome->verdict));
  }
  return std::fflush(stdout) == 0 ? worst : 3;
}

}  // namespace everup::app
