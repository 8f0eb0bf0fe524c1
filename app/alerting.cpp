#include "app/alerting.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/database.h"

namespace everup::app {
namespace {

constexpr int kSessions = 6;  // the courier's workers, its own thread, and one more
constexpr std::array<const char*, 6> kKinds{nullptr, "email", "webhook", "slack", "pagerduty", "template"};

}  // namespace

Result<alerts::MailSettings> mail_settings(const Settings& settings) {
  alerts::MailSettings mail;
  auto relays = alerts::parse_relays(settings.text("SMTP_RELAYS"));
  if (!relays) return relays.error();
  mail.relays = *std::move(relays);
  mail.from = settings.text("MAIL_FROM");
  if (!mail.relays.empty() || !mail.from.empty()) {
    if (const auto fault = alerts::mail_from_fault(mail.from); !fault.empty()) return Error{ErrorCode::kInvalid, fault};
  }
  mail.ca_file = settings.text("CA_FILE");
  return mail;
}

Result<std::unique_ptr<Alerting>> Alerting::make(const Settings& settings, const Foundation& foundation,
                                                 const Probing& probing, const Zones& zones,
                                                 const std::string& base_url) {
  auto mail = mail_settings(settings);
  if (!mail) return mail.error();
  std::unique_ptr<Alerting> out(new Alerting);
  db::PoolOptions pool;
  pool.access = foundation.access;
  pool.role = db::Role::kWorker;
  pool.application_name = "everup alerter";
  pool.sessions_max = kSessions;
  pool.clock = &system_clock();
  out->pool_ = std::make_unique<db::Pool>(std::move(pool));
  db::OutboxOptions outbox;
  outbox.pool = out->pool_.get();
  outbox.vault = foundation.vault;
  outbox.clock = &system_clock();
  outbox.zones = &zones;
  outbox.base_url = base_url;
  out->outbox_ = std::make_unique<db::AlertOutbox>(std::move(outbox));
  alerts::CourierSettings courier;
  courier.mail = *std::move(mail);
  courier.http.policy = &probing.policy();
  courier.http.ca_file = settings.text("CA_FILE");
  courier.http.user_agent = fmt::format("Everup/{} (+{}/about)", version(), base_url);
  courier.http.resolver = probing.resolver();
  out->courier_ = std::make_unique<alerts::Courier>(*out->outbox_, system_clock(), zones, std::move(courier));
  return out;
}

DeliveryStats Alerting::stats() const {
  DeliveryStats out;
  const auto counts = courier_->counts();
  for (std::size_t kind = 1; kind < kKinds.size(); ++kind) {
    const auto& one = counts.by_kind[kind];
    out.deliveries[{kKinds[kind], "sent"}] = one.sent;
    out.deliveries[{kKinds[kind], "failed"}] = one.failed;
    out.deliveries[{kKinds[kind], "retried"}] = one.retried;
    out.deliveries[{kKinds[kind], "gone"}] = one.gone;
  }
  out.outbox_errors = counts.outbox_errors;
  out.held = counts.held;
  out.relays = "ok";
  const auto relays = courier_->relays();
  std::size_t resting = 0;
  for (const auto& relay : relays) {
    if (!relay.resting) continue;
    ++resting;
    out.relays = fmt::format("{} rests: {}", relay.relay, relay.last_fault);
  }
  if (resting < relays.size()) out.relays = "ok";  // another one delivers
  return out;
}

int run_doctor_mail(const Settings& settings, const std::string& to, bool json) {
  const auto mail = mail_settings(settings);
  if (!mail) {
    fmt::print(stderr, "everup doctor mail: {}\n", mail.error().what);
    return kConfiguration;
  }
  const auto tries = alerts::send_test(*mail, to, system_clock());
  if (!tries) {
    fmt::print(stderr, "everup doctor mail: {}\n", tries.error().what);
    return kConfiguration;
  }
  bool all = true;
  auto rows = nlohmann::ordered_json::array();
  for (const auto& one : *tries) {
    const bool taken = one.verdict.result == AttemptResult::kSent;
    all = all && taken;
    if (json) {
      rows.push_back({{"relay", one.relay},
                      {"taken", taken},
                      {"reply", one.words()},
                      {"tls", one.tls},
                      {"queue_id", one.queue_id},
                      {"lines", one.lines}});
      continue;
    }
    fmt::print("{} {}\n", taken ? "ok  " : "bad ", one.relay);
    for (const auto& line : one.lines) fmt::print("     {}\n", line);
    fmt::print("     => {}{}\n", one.words(), one.tls.empty() ? "" : " (" + one.tls + ")");
  }
  if (json) fmt::print("{}\n", nlohmann::ordered_json{{"relays", rows}}.dump(2));
  return std::fflush(stdout) == 0 && all ? kDone : kFailed;
}

}  // namespace everup::app
