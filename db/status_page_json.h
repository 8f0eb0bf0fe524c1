// Status pages as JSON: the API's object, and the part of it that is stored as `settings`. Strict, shape only; core's
// validate() judges the rest. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/status_page.h"
#include "db/monitor_json.h"

namespace everup::db {

// `password`: nullopt when the body says nothing of it; empty: none any more. It is never shown again.
struct StatusPageBody {
  StatusPageDraft draft;
  std::optional<std::string> password;
};
// A POST body; slug and name are required. A monitor is "mon_…", "slug:…" or {"monitor":…,"name":…}.
Parsed<StatusPageBody> parse_status_page(std::string_view json);
// RFC 7396 on what status_page_json() shows of a draft.
Parsed<StatusPageBody> patch_status_page(const StatusPageDraft& draft, std::string_view json);

std::string status_page_settings(const StatusPageDraft& draft);
// kCorrupt: not what status_page_settings() writes.
Result<StatusPageDraft> status_page_of(const std::string& settings);
// The API's object. `page_url`: where people read it.
std::string status_page_json(const StatusPage& page, std::string_view page_url);

}  // namespace everup::db
