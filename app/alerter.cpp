#include "app/alerter.h"

#include <fmt/format.h>

#include <array>
#include "app/alerting.h"
#include "app/commands.h"
#include "app/database.h"

namespace everup::app {
namespace {

constexpr int kSessions = 6;  // the courier's workers, its own thread, and one more
constexpr std::array<const char*, 6> kKinds{nullptr, "email", "webhook", "slack", "pagerduty", "template"};

}  // namespace

Result<std::unique_ptr<Alerter>> Alerter::make(const Settings& settings, const Foundation& foundation,
                                               const Probing& probing, const Zones& zones,
                                               const std::string& base_url) {
  auto courier = courier_settings(settings, probing.policy(), probing.resolver(),
                                  fmt::format("Everup/{} (+{}/about)", version(), base_url));
  if (!courier) return courier.error();
  std::unique_ptr<Alerter> out(new Alerter);
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
  out->courier_ = std::make_unique<alerts::Courier>(*out->outbox_, system_clock(), zones, *std::move(courier));
  return out;
}

DeliveryStats Alerter::stats() const {
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

}  // namespace everup::app
