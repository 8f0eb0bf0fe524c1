// The API's objects as JSON text (INTERFACE 5, SHAPES 17 and 20), from what the stores give. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/ledger.h"
#include "core/time.h"
#include "db/account_store.h"
#include "db/ledger_store.h"
#include "db/monitor_store.h"

namespace everup::api {

std::string time_json(WallTime t);
std::string time_json(const std::optional<WallTime>& t);  // null
// `uptime_30d` and `alert_policies`: JSON to add under these names; empty: not asked.
std::string monitor_json(const db::MonitorView& view, WallTime now, std::string_view uptime_30d = {},
                         std::string_view alert_policies = {});
std::string monitor_etag(const Monitor& monitor, std::string_view body);  // "r3.<hash>"
// The revision that If-Match wants, when it is one of our tags; nullopt: another's. "*": any.
bool if_match_fits(std::string_view list, std::int32_t revision);

std::string result_json(const db::ResultRow& row, bool with_id = true);
std::string outcome_json(const Outcome& outcome, WallTime at,
                         std::string_view evidence);  // of a look that is not stored
std::string uptime_json(std::string_view window, Span span, WallTime as_of, const Tally& tally);
std::string percent_json(const std::optional<std::int64_t>& thousandths);
// `incident`: its id; empty: none.
std::string span_json(const LedgerSpan& span, bool open, std::string_view incident = {});
std::string key_json(const db::KeyInfo& key, std::string_view secret = {});

}  // namespace everup::api
