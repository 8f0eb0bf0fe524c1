#include "app/smtp_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/check_command.h"
#include "app/database.h"
#include "app/probe_once.h"
#include "checker/live.h"
#include "checker/smtp_note.h"
#include "checker/smtp_report_json.h"
#include "core/kind_settings.h"
#include "core/target.h"

namespace everup::app {
namespace {

constexpr std::size_t kPasswordBytesMax = 4096;

// Prints every line as it comes, or keeps the report for --json.
class Shown final : public checker::Live {
 public:
  explicit Shown(const SmtpCommand& command)
      : json_(command.json),
        brief_(command.brief),
        colour_(::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr) {}

  void on_line(const TranscriptLine& line) override {
    if (json_) return;
    fmt::print("{:>7} ms {} {}\n", line.at_ms, mark_of(line), line.text);
    const std::string_view note = checker::smtp_note(line);
    if (!brief_ && !note.empty())
      fmt::print("{:>15}{}{}{}\n", "", colour_ ? "\x1b[2m" : "", note, colour_ ? "\x1b[0m" : "");
    std::fflush(stdout);
  }
  void on_step(std::string_view, std::int32_t, std::int32_t, int) override {}
  void on_smtp(const checker::SmtpReport& report) override {
    if (json_) {
      fmt::print("{}\n", checker::smtp_report_json(report));
      return;
    }
    if (brief_) return;
    for (const auto& step : report.steps) {
      fmt::print("{:>7} ms took {}{}\n", step.took_ms, step.step,
                 step.code != 0 ? fmt::format(" ({})", step.code) : "");
    }
    stopped_at = report.stopped_at;
  }
  std::string stopped_at;

 private:
  // swaks' marks: direction, ~ inside TLS, ** for a refusal, === for what was not on the wire.
  static const char* mark_of(const TranscriptLine& line) {
    switch (line.direction) {
      case Direction::kNote:
        return "===";
      case Direction::kOut:
        return line.tls ? " ~>" : " ->";
      case Direction::kIn:
        break;
    }
    const bool refused = !line.text.empty() && (line.text[0] == '4' || line.text[0] == '5');
    if (refused) return line.tls ? "<~*" : "<**";
    return line.tls ? "<~ " : "<- ";
  }
  const bool json_, brief_, colour_;
};

Error wrong(std::string what) { return {ErrorCode::kInvalid, std::move(what)}; }

Status set_auth(const SmtpCommand& command, SmtpAuth& auth) {
  using Mechanism = SmtpAuth::Mechanism;
  if (command.auth_user.empty()) {
    if (!command.auth_password_file.empty()) return wrong("--auth-password-file needs --auth-user");
    return ok();
  }
  auth.user = command.auth_user;
  if (command.auth == "PLAIN") auth.mechanism = Mechanism::kPlain;
  if (command.auth == "LOGIN") auth.mechanism = Mechanism::kLogin;
  if (command.auth == "CRAM-MD5") auth.mechanism = Mechanism::kCramMd5;
  if (command.auth == "XOAUTH2") auth.mechanism = Mechanism::kXoauth2;
  if (command.auth_password_file.empty()) return wrong("--auth-user needs --auth-password-file (- for standard input)");
  auto secret = first_line_of(command.auth_password_file, kPasswordBytesMax);
  if (!secret) return secret.error();
  auth.secret = *std::move(secret);
  return ok();
}

Status set_stop(const SmtpCommand& command, SmtpOptions& options) {
  if (!command.stop_after.empty()) {
    options.stop_after = smtp_stop_from(command.stop_after);
    if (!options.stop_after)
      return wrong("--stop-after is one of CONNECT BANNER FIRST-EHLO TLS EHLO AUTH MAIL RCPT DATA");
  }
  if (command.send && options.stop_after && *options.stop_after != SmtpStop::kData)
    return wrong("--send goes to the end: it contradicts --stop-after");
  if (command.send && command.to.empty()) return wrong("--send needs --to");
  if (!command.send && options.stop_after == SmtpStop::kData) return wrong("DATA sends a message: add --send");
  if (command.send) options.stop_after = SmtpStop::kData;
  return ok();
}

Result<CheckPlan> plan_of(const SmtpCommand& command) {
  const bool url = command.host.find("://") != std::string::npos;
  const bool implicit = command.tls == "implicit";
  const auto target = parse_target(url ? command.host : (implicit ? "smtps://" : "smtp://") + command.host);
  if (!target) return target.error();
  if (target->kind != Kind::kSmtp && target->kind != Kind::kSmtps) return wrong("a mail server is HOST[:port]");
  if (implicit && target->kind != Kind::kSmtps) return wrong("--tls implicit is smtps://");
  SmtpSettings settings;
  SmtpOptions& options = settings.options;
  options.from = command.from;
  options.to = command.to;
  options.ehlo = command.ehlo;
  options.mx = command.mx;
  if (command.tls == "require") options.starttls = StartTls::kRequire;
  if (command.tls == "try") options.starttls = StartTls::kTry;
  if (command.tls == "never") options.starttls = StartTls::kNever;
  if (command.ip_version == "4") options.ip_version = IpVersion::k4;
  if (command.ip_version == "6") options.ip_version = IpVersion::k6;
  if (const auto status = set_auth(command, options.auth); !status) return status.error();
  if (const auto status = set_stop(command, options); !status) return status.error();
  for (const std::string* text : {&options.from, &options.ehlo}) {
    if (text->find_first_of("\r\n<> ") != std::string::npos) return wrong("no spaces, brackets or line ends: " + *text);
  }
  if (options.to.size() > 10) return wrong("at most 10 recipients");
  for (const std::string& one : options.to) {
    if (one.empty() || one.find_first_of("\r\n<> ") != std::string::npos) return wrong("not a mailbox: " + one);
  }
  CheckPlan plan;
  plan.id = MonitorId{1};
  plan.kind = target->kind;
  plan.url = target->url();
  plan.timeout_ms = static_cast<std::int32_t>(std::lround(command.timeout_s * 1000));
  plan.settings = std::make_shared<const KindSettings>(std::move(settings));
  return plan;
}

// MX mode: the hosts speak at the same time, so each is one line.
void show_hosts(const Outcome& outcome, bool json) {
  const std::vector<std::string> hosts = outcome.evidence ? outcome.evidence->hops : std::vector<std::string>{};
  if (json) {
    const nlohmann::ordered_json all{{"verdict", slug(outcome.verdict)},
                                     {"cause", facts(outcome.cause).slug},
                                     {"detail", outcome.detail},
                                     {"latency_ms", outcome.timings.total_us / 1000.0},
                                     {"hosts", hosts}};
    fmt::print("{}\n", all.dump());
    return;
  }
  for (const std::string& host : hosts) fmt::print("MX {}\n", host);
}

}  // namespace

int run_smtp(const SmtpCommand& command, const Settings& settings) {
  const auto plan = plan_of(command);
  if (!plan) {
    fmt::print(stderr, "everup smtp: {}\n", plan.error().what);
    return 3;
  }
  Shown shown(command);
  const auto outcome = probe_once(*plan, settings, command.policy, true, command.mx ? nullptr : &shown);
  if (!outcome) {
    fmt::print(stderr, "everup smtp: {}\n", outcome.error().what);
    return 3;
  }
  if (command.mx) show_hosts(*outcome, command.json);
  if (!command.json) {
    CheckOptions options;
    options.timeout_s = command.timeout_s;
    fmt::print("{}\n", plugin_line(plan->kind == Kind::kSmtps ? "SMTPS" : "SMTP", *outcome, options));
  }
  return std::fflush(stdout) == 0 ? exit_code_of(outcome->verdict) : 3;
}

}  // namespace everup::app
