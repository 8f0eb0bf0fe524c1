// From a request body to a valid monitor draft, or the answer that names everything wrong with it. Any thread.
#pragma once

#include <string_view>
#include <variant>
#include <vector>

#include "api/house.h"
#include "core/monitor.h"

namespace everup::api {

// Ranges, grammar, patterns, time zone, address policy. `prefix` ("#/monitors/17") goes before each pointer.
FieldErrors judge_draft(const House& house, const MonitorDraft& draft, std::string_view prefix = "#");
std::variant<MonitorDraft, HttpResponse> read_draft(Call& call);
std::variant<std::vector<MonitorDraft>, HttpResponse> read_bulk(Call& call);
// 400 for text that is no JSON, else 422.
HttpResponse bad_body(const FieldErrors& errors, bool syntax);

}  // namespace everup::api
