#include "app/monitor_command.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/answer.h"

namespace everup::app {
namespace {

using Json = nlohmann::ordered_json;

std::string monitor_row(const Json& monitor) {
  return fmt::format("{:<18} {:<9} {:<24} {:<28} {}", text_of(monitor, "id"), text_of(monitor, "state"),
                     text_of(monitor, "since"), text_of(monitor, "name"), text_of(monitor, "target"));
}

std::string card(const Json& monitor) {
  std::string out;
  for (const auto& [key, value] : monitor.items()) {
    if (value.is_object() && value.empty()) continue;
    out += fmt::format("{:<16} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  if (!out.empty()) out.pop_back();
  return out;
}

Result<std::string> definition_text(const std::string& path) {
  std::string text;
  if (path == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{ErrorCode::kInvalid, "cannot read " + path};
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  return text;
}

}  // namespace

std::optional<std::int64_t> parse_duration_ms(const std::string& text, std::int64_t bare_unit_ms) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0 || value > 1'000'000'000) return std::nullopt;
  const std::string unit(end, text.data() + text.size());
  if (unit.empty()) return value * bare_unit_ms;
  if (unit == "ms") return value;
  if (unit == "s") return value * 1000;
  if (unit == "m") return value * 60'000;
  if (unit == "h") return value * 3'600'000;
  return std::nullopt;
}

int monitor_add(const ApiClient& api, const MonitorAdd& add, bool json) {
  Json body = Json::object();
  if (!add.definition_file.empty()) {
    const auto text = definition_text(add.definition_file);
    if (!text) return wrong_usage("monitor", text.error().what);
    body = Json::parse(*text, nullptr, false);
    if (!body.is_object()) return wrong_usage("monitor", add.definition_file + " must hold one JSON object");
  }
  if (!add.target.empty()) body["target"] = add.target;
  if (!add.name.empty()) body["name"] = add.name;
  if (!add.tags.empty()) body["tags"] = add.tags;
  if (!add.interval.empty()) {
    const auto ms = parse_duration_ms(add.interval, 1000);
    if (!ms || *ms % 1000 != 0) return wrong_usage("monitor", "--interval must be whole seconds, like 60s or 5m");
    body["interval_s"] = *ms / 1000;
  }
  if (!add.timeout.empty()) {
    const auto ms = parse_duration_ms(add.timeout, 1000);
    if (!ms) return wrong_usage("monitor", "--timeout must be a duration, like 10s or 500ms");
    body["timeout_ms"] = *ms;
  }
  const auto answer = api.call("POST", "/monitors", body.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!answer) return failed("monitor", answer.error());
  if (json) return printed(*answer);
  const auto monitor = Json::parse(*answer, nullptr, false);
  return printed(monitor.is_object() ? text_of(monitor, "id") : *answer);
}

int monitor_list(const ApiClient& api, const std::string& query, bool json) {
  std::string cursor;
  Json all = Json::array();
  constexpr int kPagesMax = 10'000;
  for (int page = 0; page < kPagesMax; ++page) {
    auto path = std::string("/monitors?limit=200");
    if (!query.empty()) path += "&q=" + percent_encode(query);
    if (!cursor.empty()) path += "&cursor=" + percent_encode(cursor);
    const auto answer = api.call("GET", path);
    if (!answer) return failed("monitor", answer.error());
    const auto body = Json::parse(*answer, nullptr, false);
    if (!body.is_object() || !body.contains("data"))
      return failed("monitor", {ErrorCode::kInternal, "the API's answer is not a list"});
    for (const auto& monitor : body["data"]) {
      if (json)
        all.push_back(monitor);
      else if (printed(monitor_row(monitor)) != 0)
        return 1;
    }
    if (!body.contains("next_cursor") || body["next_cursor"].is_null()) break;
    cursor = body["next_cursor"].get<std::string>();
  }
  return json ? printed(all.dump(2)) : 0;
}

int monitor_show(const ApiClient& api, const std::string& id, bool json) {
  const auto answer = api.call("GET", "/monitors/" + percent_encode(id));
  if (!answer) return failed("monitor", answer.error());
  const auto monitor = Json::parse(*answer, nullptr, false);
  return printed(json || !monitor.is_object() ? *answer : card(monitor));
}

int monitor_verb(const ApiClient& api, const std::string& id, const std::string& verb, bool json) {
  const auto answer = api.call("POST", "/monitors/" + percent_encode(id) + "/" + verb, "{}");
  if (!answer) return failed("monitor", answer.error());
  const auto body = Json::parse(*answer, nullptr, false);
  return printed(json || !body.is_object() ? *answer : card(body));
}

int monitor_delete(const ApiClient& api, const std::string& id) {
  const auto answer = api.call("DELETE", "/monitors/" + percent_encode(id));
  return answer ? 0 : failed("monitor", answer.error());
}

}  // namespace everup::app
