#include "app/alerter.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/alerting.h"
#include "app/commands.h"
#include "app/database.h"

namespace everup::app {
namespace {

constexpr int kSessions = 6;  // the courier's workers, its own thread, and one more

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
  outbox.node = foundation.data_dir.node();
  out->outbox_ = std::make_unique<db::AlertOutbox>(std::move(outbox));
  out->courier_ = std::make_unique<alerts::Courier>(*out->outbox_, system_clock(), zones, *std::move(courier));
  return out;
}

DeliveryStats Alerter::stats() const {
  DeliveryStats out;
  const auto counts = courier_->counts();
  for (const ChannelKind kind : {ChannelKind::kEmail, ChannelKind::kWebhook, ChannelKind::kSlack,
                                 ChannelKind::kPagerduty, ChannelKind::kTemplate}) {
    const auto& one = counts.by_kind.at(static_cast<std::size_t>(kind));
    const std::string name(slug(kind));
    out.deliveries[{name, "sent"}] = one.sent;
    out.deliveries[{name, "failed"}] = one.failed;
    out.deliveries[{name, "retried"}] = one.retried;
    out.deliveries[{name, "gone"}] = one.gone;
  }
  out.outbox_errors = counts.outbox_errors;
  out.held = counts.held;
  out.relays = "ok";
  const auto relays = courier_->relays();
  const auto rests = [](const alerts::RelayState& relay) { return relay.resting; };
  if (!relays.empty() && std::all_of(relays.begin(), relays.end(), rests))
    out.relays = fmt::format("{} rests: {}", relays.back().relay, relays.back().last_fault);
  return out;
}

}  // namespace everup::app
