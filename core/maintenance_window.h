// A maintenance window as its owner defined it. Pure data; JSON is db/maintenance_json, storage db/maintenance_store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/ids.h"
#include "core/maintenance.h"
#include "core/result.h"
#include "core/time.h"
#include "core/zone.h"

namespace everup {

struct MaintenanceTag {
  static constexpr std::string_view kPrefix = "mnt_";
};
using MaintenanceId = Id<MaintenanceTag>;

struct MaintenanceDraft {
  static constexpr std::size_t kMonitorsMax = 1000, kTagsMax = 20;
  std::string name = "Maintenance";   // 1 … 100 characters
  std::vector<std::string> monitors;  // "mon_…" or "slug:…"; at most one of the two lists, neither: every monitor
  std::vector<std::string> tags;      // any of them
  WallTime starts_at;
  milliseconds length{0};  // whole seconds
  std::string rrule;       // empty: once
  std::string timezone = "UTC";
  bool operator==(const MaintenanceDraft&) const = default;
};
// Everything but JSON's shape and whether the monitors exist. `now`: a window that is over already is refused.
FieldErrors validate(const MaintenanceDraft& draft, const Zones& zones, WallTime now);
// When it is. kInvalid: the zone or the rule is none (never of a draft that was validated).
Result<MaintenanceRule> rule_of(const MaintenanceDraft& draft, const Zones& zones);

struct MaintenanceWindow : MaintenanceDraft {  // monitors as ids
  MaintenanceId id;
  AccountId account;
  std::int32_t version = 1;
  WallTime created_at, saved_at;  // saved_at: of this version; nothing before it is maintenance by it
  bool operator==(const MaintenanceWindow&) const = default;
};

}  // namespace everup
