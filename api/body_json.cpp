// See api/body_json.h.
#include "api/body_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace everup::api {
namespace {

using nlohmann::json;
constexpr int kDepthMax = 32;

// Parses one object; duplicate keys and nesting beyond kDepthMax are refused.
std::optional<json> parse_object(std::string_view text, FieldErrors* errors) {
  bool deep = false;
  std::string twice;
  std::vector<std::set<std::string>> seen;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    deep = deep || depth > kDepthMax;
    if (event == json::parse_event_t::object_start) seen.emplace_back();
    if (event == json::parse_event_t::object_end && !seen.empty()) seen.pop_back();
    if (event == json::parse_event_t::key && !seen.empty() && !seen.back().insert(parsed.get<std::string>()).second) {
      twice = parsed.get<std::string>();
    }
    return !deep;
  };
  json value = json::parse(text.begin(), text.end(), watch, false);
  if (value.is_discarded() || deep) {
    errors->push_back({"#", "bad_json", "is one JSON object in UTF-8, at most 32 levels deep"});
    return std::nullopt;
  }
  if (!twice.empty()) {
    errors->push_back({"#/" + twice, "duplicate", "comes once"});
    return std::nullopt;
  }
  if (!value.is_object()) {
    errors->push_back({"#", "wrong_type", "is a JSON object"});
    return std::nullopt;
  }
  return value;
}

void refuse_unknown(const json& value, const std::set<std::string>& known, FieldErrors* errors) {
  std::string list;
  for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
  for (const auto& [name, unused] : value.items()) {
    if (!known.contains(name) && errors->size() < 20)
      errors->push_back({"#/" + name, "unknown_field", "known are " + list});
  }
}

void read_bool(const json& value, const char* name, bool* out, FieldErrors* errors) {
  const auto found = value.find(name);
  if (found == value.end()) return;
  if (found->is_boolean())
    *out = found->get<bool>();
  else
    errors->push_back({"#/" + std::string(name), "wrong_type", "is true or false"});
}

void read_text(const json& value, const char* name, std::string* out, FieldErrors* errors) {
  const auto found = value.find(name);
  if (found == value.end() || found->is_null()) return;
  if (found->is_string() && found->get_ref<const std::string&>().size() <= 1024)
    *out = found->get<std::string>();
  else
    errors->push_back({"#/" + std::string(name), "wrong_type", "is a text of at most 1024 bytes"});
}

void read_expiry(const json& value, WallTime now, KeyBody* out, FieldErrors* errors) {
  const auto found = value.find("expires_at");
  if (found == value.end() || found->is_null()) return;
  const auto time = found->is_string() ? parse_time(found->get<std::string>()) : std::nullopt;
  if (time && *time > now)
    out->expires_at = time;
  else
    errors->push_back({"#/expires_at", "bad_time", "is an RFC 3339 time to come, or null"});
}

// The object, its unknown members complained of; nullopt when there is none.
template <class Value>
std::optional<json> object_of(std::string_view text, const std::set<std::string>& known, BodyOf<Value>* out) {
  auto value = parse_object(text, &out->errors);
  out->syntax = !value && out->errors.front().code == "bad_json";
  if (value) refuse_unknown(*value, known, &out->errors);
  return value;
}

}  // namespace

BodyOf<KeyBody> parse_key_body(std::string_view text, WallTime now) {
  BodyOf<KeyBody> out;
  const auto value = object_of(text, {"name", "scope", "expires_at"}, &out);
  if (!value) return out;
  if (const auto name = value->find("name"); name != value->end() && name->is_string())
    out.value.name = name->get<std::string>();
  if (out.value.name.empty() || out.value.name.size() > 100)
    out.errors.push_back({"#/name", "out_of_range", "is a text of 1 to 100 bytes"});
  if (const auto scope = value->find("scope"); scope != value->end()) {
    const auto parsed = scope->is_string() ? db::parse_scope(scope->get<std::string>()) : std::nullopt;
    if (parsed)
      out.value.scope = *parsed;
    else
      out.errors.push_back({"#/scope", "not_allowed", "is read, write or admin"});
  }
  read_expiry(*value, now, &out.value, &out.errors);
  return out;
}

BodyOf<RotateBody> parse_rotate_body(std::string_view text) {
  BodyOf<RotateBody> out;
  const auto value = object_of(text, {"badge", "heartbeat", "report"}, &out);
  if (!value) return out;
  read_bool(*value, "badge", &out.value.badge, &out.errors);
  read_bool(*value, "report", &out.value.report, &out.errors);
  read_bool(*value, "heartbeat", &out.value.heartbeat, &out.errors);
  if (out.errors.empty() && !out.value.badge && !out.value.report && !out.value.heartbeat) {
    out.errors.push_back({"#", "nothing_to_do", "names badge, report, heartbeat or several with true"});
  }
  return out;
}

BodyOf<MailBody> parse_mail_body(std::string_view text) {
  BodyOf<MailBody> out;
  const auto value = object_of(text, {"address", "domain", "helo", "mail_from", "selectors"}, &out);
  if (!value) return out;
  read_text(*value, "domain", &out.value.domain, &out.errors);
  read_text(*value, "address", &out.value.address, &out.errors);
  read_text(*value, "mail_from", &out.value.mail_from, &out.errors);
  read_text(*value, "helo", &out.value.helo, &out.errors);
  const auto selectors = value->find("selectors");
  if (selectors == value->end() || selectors->is_null()) return out;
  const bool texts = selectors->is_array() && selectors->size() <= 100 &&
                     std::all_of(selectors->begin(), selectors->end(), [](const json& one) { return one.is_string(); });
  if (texts)
    out.value.selectors = selectors->get<std::vector<std::string>>();
  else
    out.errors.push_back({"#/selectors", "wrong_type", "is a list of selectors"});
  return out;
}

BodyOf<RelayBody> parse_relay_body(std::string_view text) {
  BodyOf<RelayBody> out;
  const auto value = object_of(text, {"domain", "target"}, &out);
  if (!value) return out;
  read_text(*value, "target", &out.value.target, &out.errors);
  read_text(*value, "domain", &out.value.domain, &out.errors);
  return out;
}

}  // namespace everup::api
