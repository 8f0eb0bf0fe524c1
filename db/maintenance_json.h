// Maintenance windows as JSON (SHAPES 17): once with starts_at and ends_at, repeated with starts_at, duration_s and
// rrule; match {"monitors":[…]}, {"tags":[…]} or none. Strict, shape only; core's validate() judges the rest. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/maintenance_window.h"
#include "db/monitor_json.h"

namespace everup::db {

// A POST body. starts_at and one of ends_at and duration_s are required.
Parsed<MaintenanceDraft> parse_window(std::string_view json);
// RFC 7396 on what window_json() shows of a draft; ends_at and duration_s replace each other.
Parsed<MaintenanceDraft> patch_window(const MaintenanceDraft& draft, std::string_view json);
// The API's object. `next`: the occurrence that is now or comes next, if any.
std::string window_json(const MaintenanceWindow& window, const std::optional<Span>& next, WallTime now);

}  // namespace everup::db
