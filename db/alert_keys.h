// Natural keys of incidents and deliveries, shown as opaque ids: "inc_…", "dlv_…" (RULES C 5). Pure; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/alert.h"
#include "core/ids.h"

namespace everup::db {

struct IncidentKey {
  MonitorId monitor;
  std::int32_t version = 0;  // of the flip that opened it
  auto operator<=>(const IncidentKey&) const = default;
};
std::string incident_id(const IncidentKey& key);
std::optional<IncidentKey> incident_key(std::string_view id);

struct DeliveryKey {
  MonitorId monitor;         // 0: about no monitor
  std::int32_t version = 0;  // of the flip that is told; 0: none
  AlertKind kind = AlertKind::kDown;
  std::int64_t number = 0;
  ChannelId channel;
  std::int16_t step = 0;
  auto operator<=>(const DeliveryKey&) const = default;
};
std::string delivery_id(const DeliveryKey& key);
std::optional<DeliveryKey> delivery_key(std::string_view id);

std::optional<AlertKind> alert_kind(std::int64_t number);
// What a policy may name in `on`: down, degraded, unknown, certificate, security.
const std::vector<AlertKind>& policy_kinds();
// SHAPES 18: down, unknown, certificate, security.
const std::vector<AlertKind>& default_kinds();

// States of a delivery; numbers are stored.
enum class DeliveryState : std::int16_t { kPending = 1, kSent = 2, kFailed = 3, kDropped = 4 };
std::string_view slug(DeliveryState state);
std::optional<DeliveryState> delivery_state(std::int64_t number);

}  // namespace everup::db
