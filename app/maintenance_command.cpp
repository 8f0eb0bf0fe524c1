#include "app/maintenance_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/answer.h"
#include "app/database.h"
#include "app/monitor_command.h"
#include "core/time.h"

namespace everup::app {
namespace {

using Json = nlohmann::ordered_json;

std::string window_row(const Json& window) {
  const Json next = window.value("next", Json());
  return fmt::format("{:<18} {:<9} {:<21} {:<21} {:<24} {}", text_of(window, "id"), text_of(window, "state"),
                     next.is_object() ? text_of(next, "from") : "-", next.is_object() ? text_of(next, "to") : "-",
                     text_of(window, "name"), text_of(window, "rrule"));
}

}  // namespace

int maintenance_add(const ApiClient& api, const MaintenanceAdd& add, bool json) {
  Json body = Json::object();
  const std::int64_t now = system_clock().now().wall.ms / 1000 * 1000;
  body["starts_at"] = add.from.empty() ? rfc3339(WallTime{now}) : add.from;
  if (add.to.empty() == add.length.empty()) return wrong_usage("maintenance-window", "give one of --to and --for");
  if (!add.to.empty()) body["ends_at"] = add.to;
  if (!add.length.empty()) {
    const auto ms = parse_duration_ms(add.length, 1000);
    if (!ms || *ms % 1000 != 0) return wrong_usage("maintenance-window", "--for must be whole seconds, like 90m or 2h");
    body["duration_s"] = *ms / 1000;
  }
  if (!add.monitors.empty()) body["match"]["monitors"] = add.monitors;
  if (!add.tags.empty()) body["match"]["tags"] = add.tags;
  for (const auto& [key, value] : {std::pair{"name", &add.name}, {"rrule", &add.rrule}, {"timezone", &add.timezone}}) {
    if (!value->empty()) body[key] = *value;
  }
  const auto answer =
      api.call("POST", "/maintenance_windows", body.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!answer) return failed("maintenance-window", answer.error());
  const auto window = Json::parse(*answer, nullptr, false);
  return printed(json || !window.is_object() ? *answer : text_of(window, "id"));
}

int maintenance_list(const ApiClient& api, bool json) {
  const auto answer = api.call("GET", "/maintenance_windows");
  if (!answer) return failed("maintenance-window", answer.error());
  const auto body = Json::parse(*answer, nullptr, false);
  if (!body.is_object() || !body.contains("data"))
    return failed("maintenance-window", {ErrorCode::kInternal, "the API's answer is not a list"});
  if (json) return printed(body["data"].dump(2));
  for (const auto& window : body["data"]) {
    if (printed(window_row(window)) != 0) return 1;
  }
  return 0;
}

int maintenance_next(const ApiClient& api, const std::string& id, bool json) {
  const auto answer = api.call("GET", "/maintenance_windows/" + percent_encode(id) + "/occurrences?limit=5");
  if (!answer) return failed("maintenance-window", answer.error());
  const auto body = Json::parse(*answer, nullptr, false);
  if (json || !body.is_object() || !body.contains("data")) return printed(*answer);
  for (const auto& one : body["data"]) {
    if (printed(text_of(one, "from") + "  " + text_of(one, "to")) != 0) return 1;
  }
  return 0;
}

int maintenance_remove(const ApiClient& api, const std::string& id) {
  const auto answer = api.call("DELETE", "/maintenance_windows/" + percent_encode(id));
  return answer ? 0 : failed("maintenance-window", answer.error());
}

}  // namespace everup::app
