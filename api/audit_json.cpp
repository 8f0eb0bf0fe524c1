// See api/audit.h.
#include <array>
#include <nlohmann/json.hpp>

#include "api/audit.h"

namespace everup::api {
namespace {

using nlohmann::json;

// Told once, or worth as much as a password.
constexpr std::array<const char*, 9> kSecrets{"key",         "link",         "csrf_token",    "secret",        "uri",
                                              "badge_token", "report_token", "heartbeat_url", "recovery_codes"};
// What changes without anybody's doing.
constexpr std::array<const char*, 11> kVolatile{"down_s",        "deliveries",  "state",     "since",
                                                "suspect_since", "last_result", "qr_svg",    "last_checked_at",
                                                "next_check_at", "updated_at",  "last_error"};

json object_of(const std::string& text) {
  // jsonb knows no NUL.
  if (text.find("\\u0000") != std::string::npos) return nullptr;
  json value = json::parse(text, nullptr, false);
  if (!value.is_object()) return nullptr;
  for (const char* name : kSecrets) value.erase(name);
  for (const char* name : kVolatile) value.erase(name);
  return value;
}

std::string text_of(const json& value) {
  return value.is_object() && !value.empty() ? value.dump(-1, ' ', false, json::error_handler_t::replace)
                                             : std::string();
}

}  // namespace

void keep_difference(std::string* before, std::string* after) {
  json former = object_of(*before), present = object_of(*after);
  if (former.is_object() && present.is_object()) {
    json only_former = json::object(), only_present = json::object();
    for (const auto& [name, value] : former.items()) {
      if (!present.contains(name) || present[name] != value) only_former[name] = value;
    }
    for (const auto& [name, value] : present.items()) {
      if (!former.contains(name) || former[name] != value) only_present[name] = value;
    }
    former = std::move(only_former);
    present = std::move(only_present);
  }
  *before = text_of(former);
  *after = text_of(present);
}

std::string id_in(std::string_view text) {
  const json value = json::parse(text.begin(), text.end(), nullptr, false);
  if (!value.is_object()) return {};
  const auto found = value.find("id");
  return found != value.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace everup::api
