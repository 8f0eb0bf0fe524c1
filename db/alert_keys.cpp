// See alert_keys.h.
#include "db/alert_keys.h"

#include <limits>

#include "db/sql_values.h"

namespace everup::db {
namespace {
constexpr std::int64_t kVersionMax = std::numeric_limits<std::int32_t>::max();

bool between(std::int64_t value, std::int64_t low, std::int64_t high) { return value >= low && value <= high; }
}  // namespace

std::string incident_id(const IncidentKey& key) {
  return "inc_" + to_cursor('I', std::to_string(key.monitor.value) + ":" + std::to_string(key.version));
}

std::optional<IncidentKey> incident_key(std::string_view id) {
  if (!id.starts_with("inc_")) return std::nullopt;
  const auto body = from_cursor('I', id.substr(4));
  const auto numbers = body ? numbers_in(*body, 2) : std::nullopt;
  if (!numbers || (*numbers)[0] <= 0 || !between((*numbers)[1], 1, kVersionMax)) return std::nullopt;
  return IncidentKey{MonitorId{(*numbers)[0]}, static_cast<std::int32_t>((*numbers)[1])};
}

std::string delivery_id(const DeliveryKey& key) {
  const auto part = [](std::int64_t number) { return ":" + std::to_string(number); };
  return "dlv_" + to_cursor('D', std::to_string(key.monitor.value) + part(key.version) +
                                     part(static_cast<std::int64_t>(key.kind)) + part(key.number) +
                                     part(key.channel.value) + part(key.step));
}

std::optional<DeliveryKey> delivery_key(std::string_view id) {
  if (!id.starts_with("dlv_")) return std::nullopt;
  const auto body = from_cursor('D', id.substr(4));
  const auto n = body ? numbers_in(*body, 6) : std::nullopt;
  if (!n || (*n)[0] < 0 || !between((*n)[1], 0, kVersionMax) || (*n)[4] <= 0 || !between((*n)[5], 0, 32767))
    return std::nullopt;
  const auto kind = alert_kind((*n)[2]);
  if (!kind) return std::nullopt;
  return DeliveryKey{MonitorId{(*n)[0]}, static_cast<std::int32_t>((*n)[1]), *kind, (*n)[3],
                     ChannelId{(*n)[4]}, static_cast<std::int16_t>((*n)[5])};
}

std::optional<AlertKind> alert_kind(std::int64_t number) {
  if (!between(number, 1, static_cast<std::int64_t>(AlertKind::kOurselves))) return std::nullopt;
  return static_cast<AlertKind>(number);
}

const std::vector<AlertKind>& policy_kinds() {
  static const std::vector<AlertKind> kinds{AlertKind::kDown, AlertKind::kDegraded, AlertKind::kUnknown,
                                            AlertKind::kCertificate, AlertKind::kSecurity};
  return kinds;
}

const std::vector<AlertKind>& default_kinds() {
  static const std::vector<AlertKind> kinds{AlertKind::kDown, AlertKind::kUnknown, AlertKind::kCertificate,
                                            AlertKind::kSecurity};
  return kinds;
}

std::string_view slug(DeliveryState state) {
  switch (state) {
    case DeliveryState::kPending:
      return "pending";
    case DeliveryState::kSent:
      return "sent";
    case DeliveryState::kFailed:
      return "failed";
    case DeliveryState::kDropped:
      return "dropped";
  }
  return "pending";
}

std::optional<DeliveryState> delivery_state(std::int64_t number) {
  if (!between(number, 1, 4)) return std::nullopt;
  return static_cast<DeliveryState>(number);
}

}  // namespace everup::db
