#include "alerts/payload_json.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "alerts/safe_text.h"
#include "alerts/words.h"

namespace everup::alerts {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kIdBytes = 150;  // opaque, longer than any of ours

// Every text has been cleaned before; should one not be UTF-8 all the same, it is replaced and nothing throws.
std::string printed(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json text_or_null(const std::string& text, std::size_t most) {
  return text.empty() ? Json(nullptr) : Json(one_line(text, most));
}
Json link_or_null(const std::string& url) { return is_link(url) ? Json(url) : Json(nullptr); }
Json time_or_null(const std::optional<WallTime>& t) { return t ? Json(rfc3339(*t)) : Json(nullptr); }

Json alert_json(const Alert& alert, WallTime said_at) {
  Json json;
  json["kind"] = slug(alert.kind);
  json["summary"] = headline_of(alert, said_at);
  json["monitor"] = alert.monitor_id.empty() ? Json(nullptr)
                                             : Json{{"id", one_line(alert.monitor_id, kIdBytes)},
                                                    {"name", one_line(alert.monitor_name, 80)},
                                                    {"target", one_line(alert.target, 300)}};
  json["incident"] = text_or_null(alert.incident_id, kIdBytes);
  json["cause"] = text_or_null(alert.cause, 80);
  json["cause_english"] = text_or_null(alert.cause_english, 80);
  json["detail"] = text_or_null(alert.detail, 200);
  json["started_at"] = rfc3339(alert.started_at);
  json["confirmed_at"] = time_or_null(alert.confirmed_at);
  json["ended_at"] = time_or_null(alert.ended_at);
  json["links"] = {{"incident", link_or_null(alert.incident_url)},
                   {"report", link_or_null(alert.report_url)},
                   {"acknowledge", link_or_null(alert.acknowledge_url)}};
  json["evidence"] = Json::array();
  for (std::size_t i = 0; i < alert.evidence.size() && i < 40; ++i)
    json["evidence"].push_back(one_line(alert.evidence[i], 200));
  json["also_held"] = Json::array();
  for (std::size_t i = 0; i < alert.also_held.size() && i < 20; ++i)
    json["also_held"].push_back(one_line(alert.also_held[i], 80));
  return json;
}

// ---- Slack -------------------------------------------------------------------------------------------------
std::string slack_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

const char* colour_of(AlertKind kind) {
  switch (kind) {
    case AlertKind::kDown:
    case AlertKind::kReminder:
    case AlertKind::kSecurity:
    case AlertKind::kOurselves:
      return "danger";
    case AlertKind::kUp:
    case AlertKind::kTest:
      return "good";
    case AlertKind::kDegraded:
    case AlertKind::kUnknown:
    case AlertKind::kCertificate:
    case AlertKind::kFlapping:
      return "warning";
  }
  return "warning";
}

Json slack_story(const Story& story, const char* colour) {
  Json attachment{{"color", colour}, {"fallback", slack_escaped(story.headline)}, {"mrkdwn_in", Json::array()}};
  std::string text = slack_escaped(story.headline);
  for (const Fact& fact : story.facts) {
    const std::string value = slack_escaped(fact.value);
    text += "\n" + fact.label + ": " + (fact.link ? "<" + value + ">" : value);
  }
  if (!story.evidence.empty()) text += "\n";
  for (std::size_t i = 0; i < story.evidence.size() && i < 10; ++i) text += "\n" + slack_escaped(story.evidence[i]);
  attachment["text"] = text;
  return attachment;
}

// ---- PagerDuty ---------------------------------------------------------------------------------------------
const char* severity_of(AlertKind kind) {
  switch (kind) {
    case AlertKind::kDown:
    case AlertKind::kReminder:
      return "critical";
    case AlertKind::kSecurity:
    case AlertKind::kOurselves:
      return "error";
    case AlertKind::kDegraded:
    case AlertKind::kUnknown:
    case AlertKind::kCertificate:
    case AlertKind::kFlapping:
      return "warning";
    case AlertKind::kUp:
    case AlertKind::kTest:
      return "info";
  }
  return "info";
}

std::string dedup_key(const Alert& alert, const Message& message) {
  if (!alert.incident_id.empty()) return one_line(alert.incident_id, 200);
  if (alert.monitor_id.empty()) return one_line(message.id, 200);
  return std::string(slug(alert.kind)) + ":" + one_line(alert.monitor_id, kIdBytes);
}

std::string pagerduty_event(const Message& message, const Alert& alert, bool trigger, const char* severity) {
  Json event{{"routing_key", message.channel.secret},
             {"event_action", trigger ? "trigger" : "resolve"},
             {"dedup_key", dedup_key(alert, message)}};
  if (!trigger) return printed(event);
  const std::string source = one_line(alert.target.empty() ? alert.monitor_name : alert.target, 300);
  event["payload"] = {
      {"summary", one_line(headline_of(alert, message.created_at), 1000)},
      {"source", source.empty() ? "everup" : source},
      {"severity", severity},
      {"timestamp", rfc3339(alert.kind == AlertKind::kCertificate ? message.created_at : alert.started_at)},
      {"component", one_line(alert.monitor_name, 80)},
      {"class", one_line(alert.cause, 80)},
      {"custom_details", alert_json(alert, message.created_at)}};
  event["client"] = "Everup";
  event["links"] = Json::array();
  for (const auto& [url, words] : {std::pair{alert.incident_url, "Incident"}, std::pair{alert.report_url, "Report"}})
    if (is_link(url)) event["links"].push_back({{"href", url}, {"text", words}});
  return printed(event);
}

// ---- templates ---------------------------------------------------------------------------------------------
std::map<std::string, std::string, std::less<>> fields_of(const Message& message, const Zone* zone) {
  const Alert alert = told_alert(message);
  const Words words = words_of(message, zone);
  return {{"subject", words.subject},
          {"text", text_of(words)},
          {"kind", is_digest(message) ? "digest" : std::string(slug(alert.kind))},
          {"tag", tag_of(alert.kind)},
          {"monitor", one_line(alert.monitor_name, 80)},
          {"monitor_id", one_line(alert.monitor_id, kIdBytes)},
          {"target", one_line(alert.target, 300)},
          {"cause", one_line(alert.cause_english, 80)},
          {"detail", one_line(alert.detail, 200)},
          {"started_at", rfc3339(alert.started_at)},
          {"ended_at", alert.ended_at ? rfc3339(*alert.ended_at) : ""},
          {"duration", duration_words(alert.ended_at.value_or(message.created_at) - alert.started_at)},
          {"incident_id", one_line(alert.incident_id, kIdBytes)},
          {"incident_url", is_link(alert.incident_url) ? alert.incident_url : ""},
          {"report_url", is_link(alert.report_url) ? alert.report_url : ""},
          {"acknowledge_url", is_link(alert.acknowledge_url) ? alert.acknowledge_url : ""},
          {"message_id", one_line(message.id, kIdBytes)},
          {"count", std::to_string(message.alerts.size())}};
}

std::string escaped(const std::string& text, Escape escape) {
  if (escape == Escape::kNone) return text;
  if (escape == Escape::kJson) {
    const std::string quoted = printed(Json(text));
    return quoted.substr(1, quoted.size() - 2);
  }
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    if (plain) {
      out.push_back(c);
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

}  // namespace

std::string_view event_type(const Message& message) {
  if (message.alerts.empty() || is_digest(message)) return "alerts.digest";
  if (tells_both(message)) return "incident.resolved";
  switch (told_alert(message).kind) {
    case AlertKind::kDown:
      return "incident.opened";
    case AlertKind::kUp:
      return "incident.resolved";
    case AlertKind::kReminder:
      return "incident.reminder";
    case AlertKind::kDegraded:
      return "monitor.degraded";
    case AlertKind::kUnknown:
      return "monitor.unknown";
    case AlertKind::kFlapping:
      return "monitor.flapping";
    case AlertKind::kCertificate:
      return "certificate.expiring";
    case AlertKind::kSecurity:
      return "security.found";
    case AlertKind::kTest:
      return "ping.test";
    case AlertKind::kOurselves:
      return "everup.blind";
  }
  return "alerts.digest";
}

std::string webhook_payload(const Message& message) {
  Json root{{"type", event_type(message)}, {"timestamp", rfc3339(message.created_at)}};
  Json alerts = Json::array();
  std::size_t bytes = 300;
  bool truncated = false;
  for (const Alert& alert : message.alerts) {
    Json one = alert_json(alert, message.created_at);
    if (bytes + printed(one).size() > kPayloadBytesMax) {
      one["evidence"] = Json::array();
      truncated = true;
    }
    bytes += printed(one).size() + 1;
    if (bytes > kPayloadBytesMax) break;
    alerts.push_back(std::move(one));
  }
  if (message.alerts.size() == 1 && alerts.size() == 1) {
    root["data"] = std::move(alerts[0]);
  } else {
    root["data"] = {{"count", message.alerts.size()}, {"alerts", std::move(alerts)}};
  }
  root["data"]["truncated"] = truncated;
  return printed(root);
}

std::string slack_payload(const Message& message, const Zone* zone) {
  const Words words = words_of(message, zone);
  Json root{{"text", slack_escaped(words.subject)}, {"attachments", Json::array()}};
  const bool digest = is_digest(message), over = tells_both(message);
  for (std::size_t i = 0; i < words.stories.size() && i < 20; ++i) {
    const AlertKind kind = digest ? message.alerts[i].kind : told_alert(message).kind;
    root["attachments"].push_back(slack_story(words.stories[i], over ? "good" : colour_of(kind)));
  }
  const std::size_t rest = words.left_out + words.stories.size() - root["attachments"].size();
  if (rest > 0) root["attachments"].push_back({{"text", "and " + std::to_string(rest) + " more"}});
  return printed(root);
}

std::vector<std::string> pagerduty_events(const Message& message) {
  std::vector<std::string> events;
  const auto resolved = [&message](const Alert& alert) {
    return std::any_of(message.alerts.begin(), message.alerts.end(), [&alert](const Alert& other) {
      return other.kind == AlertKind::kUp && other.incident_id == alert.incident_id;
    });
  };
  for (const Alert& alert : message.alerts) {
    if (events.size() >= kEventsMax) break;
    const bool up = alert.kind == AlertKind::kUp, over = !up && (alert.ended_at.has_value() || resolved(alert));
    if (over && alert.kind == AlertKind::kReminder) continue;  // nobody is called for what has passed
    if (!up) events.push_back(pagerduty_event(message, alert, true, over ? "info" : severity_of(alert.kind)));
    const bool alone = alert.kind == AlertKind::kTest || (over && !resolved(alert));
    if (up || alone) events.push_back(pagerduty_event(message, alert, false, "info"));
  }
  return events;
}

const std::vector<std::string_view>& template_fields() {
  static const std::vector<std::string_view> kFields{"subject",     "text",         "kind",       "tag",
                                                     "monitor",     "monitor_id",   "target",     "cause",
                                                     "detail",      "started_at",   "ended_at",   "duration",
                                                     "incident_id", "incident_url", "report_url", "acknowledge_url",
                                                     "message_id",  "count"};
  return kFields;
}

std::string fill_template(std::string_view text, const Message& message, const Zone* zone, Escape escape) {
  if (message.alerts.empty()) return std::string(text);
  const auto fields = fields_of(message, zone);
  std::string out;
  while (!text.empty()) {
    const auto open = text.find("{{");
    const auto close = open == std::string_view::npos ? open : text.find("}}", open);
    if (close == std::string_view::npos) break;
    out += text.substr(0, open);
    std::string_view name = text.substr(open + 2, close - open - 2);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (const auto found = fields.find(name); found != fields.end()) out += escaped(found->second, escape);
    text.remove_prefix(close + 2);
  }
  return out.append(text);
}

Escape escape_of(const Channel& channel) {
  for (const auto& [name, value] : channel.headers) {
    if (lower_ascii(name) != "content-type") continue;
    const std::string type = lower_ascii(value);
    if (type.find("json") != std::string::npos) return Escape::kJson;
    return type.find("urlencoded") != std::string::npos ? Escape::kUrl : Escape::kNone;
  }
  const auto first = channel.body.find_first_not_of(" \t\r\n");
  const bool json = first != std::string::npos && (channel.body[first] == '{' || channel.body[first] == '[');
  return json ? Escape::kJson : Escape::kNone;
}

}  // namespace everup::alerts
