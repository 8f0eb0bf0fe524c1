// See alert_plan.h.
#include "db/alert_plan.h"

#include <algorithm>
#include <map>

namespace everup::db {
namespace {
constexpr std::int64_t kMinutesOfDay = 1440;

bool names(const std::vector<AlertKind>& on, AlertKind kind) {
  switch (kind) {
    case AlertKind::kDown:
    case AlertKind::kUp:
    case AlertKind::kFlapping:
    case AlertKind::kReminder:
      return std::find(on.begin(), on.end(), AlertKind::kDown) != on.end();
    case AlertKind::kDegraded:
    case AlertKind::kUnknown:
    case AlertKind::kCertificate:
    case AlertKind::kSecurity:
      return std::find(on.begin(), on.end(), kind) != on.end();
    case AlertKind::kTest:
    case AlertKind::kOurselves:
      return true;
  }
  return true;
}

bool held(AlertKind kind, bool hold_down) {
  switch (kind) {
    case AlertKind::kDown:
    case AlertKind::kUp:
    case AlertKind::kReminder:
      return hold_down;
    case AlertKind::kTest:
      return false;
    case AlertKind::kDegraded:
    case AlertKind::kUnknown:
    case AlertKind::kCertificate:
    case AlertKind::kSecurity:
    case AlertKind::kFlapping:
    case AlertKind::kOurselves:
      return true;
  }
  return false;
}

std::int64_t offset_ms(const Zone* zone, WallTime at) {
  return zone == nullptr ? 0 : std::int64_t{zone->offset_s(at)} * 1000;
}
}  // namespace

bool matches(const PolicyDraft& policy, MonitorId monitor, const std::vector<std::string>& tags) {
  if (policy.tags.empty() && policy.monitors.empty()) return true;
  if (std::find(policy.monitors.begin(), policy.monitors.end(), monitor) != policy.monitors.end()) return true;
  return std::any_of(tags.begin(), tags.end(), [&](const std::string& tag) {
    return std::find(policy.tags.begin(), policy.tags.end(), tag) != policy.tags.end();
  });
}

std::vector<PlannedStep> plan_of(const std::vector<PolicyDraft>& policies, MonitorId monitor,
                                 const std::vector<std::string>& tags, AlertKind kind) {
  const bool escalates = kind == AlertKind::kDown;
  std::map<std::pair<ChannelId, std::int32_t>, std::int32_t> told;  // → remind_s, the shortest
  for (const PolicyDraft& policy : policies) {
    const bool about_us = kind == AlertKind::kOurselves;  // of no monitor: every policy's people
    if (!names(policy.on, kind) || (!about_us && !matches(policy, monitor, tags))) continue;
    for (const PolicyStep& step : policy.steps) {
      for (const ChannelId channel : step.channels) {
        const auto [entry, fresh] = told.try_emplace({channel, escalates ? step.delay_s : 0}, policy.remind_s);
        const bool sooner = policy.remind_s > 0 && (entry->second == 0 || policy.remind_s < entry->second);
        if (!fresh && sooner) entry->second = policy.remind_s;
      }
      if (!escalates) break;
    }
  }
  std::vector<PlannedStep> plan;
  for (const auto& [key, remind_s] : told) {  // by channel, then by delay
    if (plan.size() == kPlannedMax) break;
    const bool same = !plan.empty() && plan.back().channel == key.first;
    const auto step = static_cast<std::int16_t>(same ? plan.back().step + 1 : 0);
    // One chain of reminders a channel, from its first step on.
    plan.push_back({key.first, step, key.second, escalates && !same ? remind_s : 0});
  }
  return plan;
}

WallTime after_quiet_hours(WallTime at, AlertKind kind, const std::optional<QuietHours>& quiet, bool hold_down,
                           const Zone* zone) {
  if (!quiet || quiet->from == quiet->to || !held(kind, hold_down)) return at;
  const std::int64_t local = at.ms + offset_ms(zone, at);
  const std::int64_t minute = local / kMinuteMs % kMinutesOfDay;
  const bool inside = quiet->from < quiet->to ? minute >= quiet->from && minute < quiet->to
                                              : minute >= quiet->from || minute < quiet->to;
  if (!inside) return at;
  const std::int64_t wait = ((quiet->to - minute) % kMinutesOfDay + kMinutesOfDay) % kMinutesOfDay;
  const WallTime end{at.ms - local % kMinuteMs + wait * kMinuteMs};
  // A change of the clocks in between: the end is where the local clock says so.
  const WallTime shifted{end.ms + offset_ms(zone, at) - offset_ms(zone, end)};
  return std::max(shifted, at);
}

}  // namespace everup::db
