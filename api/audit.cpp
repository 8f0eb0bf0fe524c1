// See api/audit.h.
#include "api/audit.h"

#include "api/browser.h"

namespace everup::api {

bool is_audited(const Route& route) {
  if (route.method == "GET" || route.scope == Scope::kPublic || route.scope == Scope::kMetrics ||
      route.scope == Scope::kDoor)
    return false;
  // A look by hand and a trial change nothing; signing out is in the list of sessions.
  return !route.pattern.ends_with("/check") && !route.pattern.ends_with("/test") && route.pattern != "/api/v1/session";
}

const Route* reader_of(const Route& route) {
  const auto id = route.pattern.find("{id}");
  const auto object = id == std::string_view::npos ? route.pattern : route.pattern.substr(0, id + 4);
  if (id == std::string_view::npos && route.method == "POST") return nullptr;  // it makes something
  for (const Route& other : routes()) {
    if (other.method == "GET" && other.pattern == object && other.body_bytes_max == 0) return &other;
  }
  return nullptr;
}

db::AuditRow audit_row(const Call& call, const Route& route, std::string_view path) {
  db::AuditRow row;
  row.at = call.now;
  const bool person = call.caller->by_cookie();
  row.actor = person ? to_string(call.caller->person.user) : to_string(call.caller->key);
  row.actor_name = person ? call.caller->person.email : std::string();
  row.action = std::string(route.method) + " " + std::string(route.pattern);
  row.address = network_of(call.client);
  if (const auto id = route.pattern.find("{id}"); id != std::string_view::npos) {
    const auto rest = path.substr(std::min(id, path.size()));
    row.object = rest.substr(0, rest.find('/'));
  }
  return row;
}

}  // namespace everup::api
