#include "app/alert_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/answer.h"

namespace everup::app {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kPagesMax = 10'000;

std::string monitor_name(const Json& incident) {
  const auto monitor = incident.find("monitor");
  return monitor != incident.end() && monitor->is_object() ? text_of(*monitor, "name") : "-";
}

std::string incident_row(const Json& incident) {
  return fmt::format("{:<34} {:<13} {:<24} {:<24} {:<20} {}", text_of(incident, "id"), text_of(incident, "state"),
                     text_of(incident, "started_at"), text_of(incident, "ended_at"), text_of(incident, "cause"),
                     monitor_name(incident));
}

std::string place_of(const Json& channel) {
  for (const char* key : {"to", "url"}) {
    if (channel.contains(key)) return text_of(channel, key);
  }
  return "-";
}

std::string health_of(const Json& channel) {
  if (channel.value("failing", false)) return "failing";
  return channel.value("enabled", true) ? "on" : "off";
}

std::string channel_row(const Json& channel) {
  return fmt::format("{:<18} {:<10} {:<8} {:<24} {}", text_of(channel, "id"), text_of(channel, "kind"),
                     health_of(channel), text_of(channel, "name"), place_of(channel));
}

// What a person wants to know of an incident: its facts, what was written, who was told and how that went.
std::string incident_card(const Json& incident) {
  std::string out;
  for (const auto& [key, value] : incident.items()) {
    if (value.is_object() || value.is_array()) continue;
    out += fmt::format("{:<16} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  out += fmt::format("{:<16} {}\n", "monitor", monitor_name(incident));
  for (const auto& update : incident.value("updates", Json::array()))
    out += fmt::format("{:<16} {} {}\n", "update", text_of(update, "at"), text_of(update, "text"));
  for (const auto& delivery : incident.value("proof", Json::array())) {
    out += fmt::format("{:<16} {} {} to {}", "delivery", text_of(delivery, "state"), text_of(delivery, "kind"),
                       text_of(delivery, "channel_name"));
    const auto attempts = delivery.value("attempts", Json::array());
    if (!attempts.empty())
      out += fmt::format(": {} {}", text_of(attempts.back(), "relay"), text_of(attempts.back(), "reply"));
    out += "\n";
  }
  out.pop_back();
  return out;
}

// Every element of a paged list: printed, or collected.
int list_all(const ApiClient& api, const char* command, const std::string& path, bool json,
             std::string (*row)(const Json&)) {
  std::string cursor;
  Json all = Json::array();
  for (int page = 0; page < kPagesMax; ++page) {
    const auto answer = api.call("GET", cursor.empty() ? path
                                                       : path + (path.find('?') == std::string::npos ? "?" : "&") +
                                                             "cursor=" + percent_encode(cursor));
    if (!answer) return failed(command, answer.error());
    const auto body = Json::parse(*answer, nullptr, false);
    if (!body.is_object() || !body.contains("data"))
      return failed(command, {ErrorCode::kInternal, "the API's answer is not a list"});
    for (const auto& one : body["data"]) {
      if (json) {
        all.push_back(one);
      } else if (printed(row(one)) != 0) {
        return 1;
      }
    }
    if (!body.contains("next_cursor") || body["next_cursor"].is_null()) break;
    cursor = body["next_cursor"].get<std::string>();
  }
  return json ? printed(all.dump(2)) : 0;
}

int incident_answer(const Result<std::string>& answer, bool json) {
  if (!answer) return failed("incident", answer.error());
  const auto incident = Json::parse(*answer, nullptr, false);
  return printed(json || !incident.is_object() ? *answer : incident_card(incident));
}

Result<Json> definition(const std::string& path) {
  std::string text;
  if (path == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{ErrorCode::kInvalid, "cannot read " + path};
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  auto body = Json::parse(text, nullptr, false);
  if (!body.is_object()) return Error{ErrorCode::kInvalid, path + " must hold one JSON object"};
  return body;
}

}  // namespace

int incident_list(const ApiClient& api, const std::string& state, const std::string& monitor, bool json) {
  std::string path = "/incidents?limit=200";
  if (!state.empty()) path += "&state=" + percent_encode(state);
  if (!monitor.empty()) path += "&monitor=" + percent_encode(monitor);
  return list_all(api, "incident", path, json, incident_row);
}

int incident_show(const ApiClient& api, const std::string& id, bool json) {
  return incident_answer(api.call("GET", "/incidents/" + percent_encode(id)), json);
}

int incident_ack(const ApiClient& api, const std::string& id, bool json) {
  return incident_answer(api.call("POST", "/incidents/" + percent_encode(id) + "/acknowledge", "{}"), json);
}

int channel_list(const ApiClient& api, bool json) { return list_all(api, "channel", "/channels", json, channel_row); }

int channel_add(const ApiClient& api, const ChannelAdd& add, bool json) {
  Json body = Json::object();
  if (!add.definition_file.empty()) {
    auto read = definition(add.definition_file);
    if (!read) {
      failed("channel", read.error());
      return 2;
    }
    body = *std::move(read);
  }
  if (!add.place.empty()) {
    const bool url = add.place.find("://") != std::string::npos;
    body[url ? "url" : "to"] = add.place;
    if (!body.contains("kind")) body["kind"] = url ? "webhook" : "email";
  }
  if (!add.kind.empty()) body["kind"] = add.kind;
  if (!add.name.empty()) body["name"] = add.name;
  const auto answer = api.call("POST", "/channels", body.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!answer) return failed("channel", answer.error());
  if (json) return printed(*answer);
  const auto channel = Json::parse(*answer, nullptr, false);
  if (!channel.is_object()) return printed(*answer);
  const bool secret = channel.contains("new_secret");  // shown now and never again
  return printed(text_of(channel, "id") + (secret ? " " + text_of(channel, "new_secret") : std::string()));
}

int channel_test(const ApiClient& api, const std::string& id, bool json) {
  const auto answer = api.call("POST", "/channels/" + percent_encode(id) + "/test", "{}");
  if (!answer) return failed("channel", answer.error());
  const auto delivery = Json::parse(*answer, nullptr, false);
  const bool sent = delivery.is_object() && delivery.value("state", "") == "sent";
  if (json || !delivery.is_object()) return printed(*answer) == 0 && sent ? 0 : 1;
  const auto attempts = delivery.value("attempts", Json::array());
  std::string words = text_of(delivery, "state");
  if (!attempts.empty())
    words += fmt::format(": {} {}", text_of(attempts.back(), "relay"), text_of(attempts.back(), "reply"));
  if (attempts.empty() && !sent) words += ": not handed over within 10 s";
  return printed(words) == 0 && sent ? 0 : 1;
}

}  // namespace everup::app
