#include "core/alert.h"

namespace everup {

std::string_view slug(AlertKind kind) {
  switch (kind) {
    case AlertKind::kDown:
      return "down";
    case AlertKind::kUp:
      return "up";
    case AlertKind::kDegraded:
      return "degraded";
    case AlertKind::kUnknown:
      return "unknown";
    case AlertKind::kCertificate:
      return "certificate";
    case AlertKind::kSecurity:
      return "security";
    case AlertKind::kFlapping:
      return "flapping";
    case AlertKind::kReminder:
      return "reminder";
    case AlertKind::kTest:
      return "test";
    case AlertKind::kOurselves:
      return "ourselves";
  }
  return "down";
}

std::string_view slug(ChannelKind kind) {
  switch (kind) {
    case ChannelKind::kEmail:
      return "email";
    case ChannelKind::kWebhook:
      return "webhook";
    case ChannelKind::kSlack:
      return "slack";
    case ChannelKind::kPagerduty:
      return "pagerduty";
    case ChannelKind::kTemplate:
      return "template";
  }
  return "email";
}

std::string_view slug(IncidentStage stage) {
  switch (stage) {
    case IncidentStage::kNone:
      return "";
    case IncidentStage::kInvestigating:
      return "investigating";
    case IncidentStage::kIdentified:
      return "identified";
    case IncidentStage::kMonitoring:
      return "monitoring";
  }
  return "";
}

std::optional<IncidentStage> incident_stage(std::string_view text) {
  for (const auto stage : {IncidentStage::kInvestigating, IncidentStage::kIdentified, IncidentStage::kMonitoring}) {
    if (text == slug(stage)) return stage;
  }
  return std::nullopt;
}

}  // namespace everup
