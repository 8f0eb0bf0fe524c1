// Who is told what and when, as a pure function of policies and an alert: the decisions of the fan-out, without a
// database. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/alert.h"
#include "core/ids.h"
#include "core/time.h"
#include "core/zone.h"

namespace everup::db {

// Minutes of the local day, half-open; from > to goes over midnight. Equal: never quiet.
struct QuietHours {
  int from = 0, to = 0;  // 0 … 1439
  bool operator==(const QuietHours&) const = default;
};

struct PolicyStep {
  std::int32_t delay_s = 0;
  std::vector<ChannelId> channels;
  bool operator==(const PolicyStep&) const = default;
};
struct PolicyDraft {
  std::string name;
  std::vector<std::string> tags;    // any of them
  std::vector<MonitorId> monitors;  // both empty: every monitor
  std::vector<AlertKind> on;        // of policy_kinds()
  std::vector<PolicyStep> steps;    // by delay, each delay once
  std::int32_t remind_s = 0;        // 0: none
  bool operator==(const PolicyDraft&) const = default;
};

bool matches(const PolicyDraft& policy, MonitorId monitor, const std::vector<std::string>& tags);

// One thing to be told by a channel, after a delay.
struct PlannedStep {
  ChannelId channel;
  std::int16_t step = 0;  // counts each channel's own delays
  std::int32_t delay_s = 0, remind_s = 0;
  bool operator==(const PlannedStep&) const = default;
};
// Every matching policy that tells `kind`; a channel that several name at the same delay is told once. What is no
// escalation (anything but down) is told by the first step alone, at once. At most kPlannedMax.
inline constexpr std::size_t kPlannedMax = 200;
std::vector<PlannedStep> plan_of(const std::vector<PolicyDraft>& policies, MonitorId monitor,
                                 const std::vector<std::string>& tags, AlertKind kind);

// When something of this kind that is due at `at` may leave: `at`, or the end of the quiet hours. Down, up and
// reminders are held only with `hold_down`; a test never.
WallTime after_quiet_hours(WallTime at, AlertKind kind, const std::optional<QuietHours>& quiet, bool hold_down,
                           const Zone* zone);

}  // namespace everup::db
