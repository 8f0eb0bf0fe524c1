// `everup maintenance-window add|list|next|remove`: the API's maintenance windows from a shell.
#pragma once

#include <string>
#include <vector>

#include "app/api_client.h"

namespace everup::app {

struct MaintenanceAdd {
  std::string name, from, to, length, rrule, timezone;  // from, to: RFC 3339; from empty: now; length: "2h", "90m"
  std::vector<std::string> monitors, tags;              // neither: every monitor
};

// Each prints on stdout (`json`: the API's own answer) and returns the exit code: 0 done, 1 failed, 2 usage.
int maintenance_add(const ApiClient& api, const MaintenanceAdd& add, bool json);
int maintenance_list(const ApiClient& api, bool json);
int maintenance_next(const ApiClient& api, const std::string& id, bool json);
int maintenance_remove(const ApiClient& api, const std::string& id);

}  // namespace everup::app
