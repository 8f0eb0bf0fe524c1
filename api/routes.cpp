// The whole URL map. Order counts only where two patterns fit one path: the longer suffix stands first.
#include "api/routes.h"

#include <algorithm>

#include "api/house.h"

namespace everup::api {
namespace {

constexpr std::uint64_t kBody = 64 * 1024;
constexpr std::uint64_t kBulkBody = std::uint64_t{16} * 1024 * 1024;
constexpr Scope kPublic = Scope::kPublic;
constexpr Scope kRead = Scope::kRead;
constexpr Scope kWrite = Scope::kWrite;
constexpr Scope kAdmin = Scope::kAdmin;
constexpr CacheClass kPrivate = CacheClass::kPrivate;
constexpr CacheClass kNever = CacheClass::kNever;
constexpr CacheClass kDocument = CacheClass::kDocument;
constexpr Where kLoop = Where::kLoop;
constexpr Where kPool = Where::kPool;

const std::vector<Route> kRoutes{
    // method, pattern, scope, cache, where, body cap, query parameters (+: may be repeated; *: ignores what it does not
    // know), handler
    {"GET", "/api/v1/monitors", kRead, kPrivate, kPool, 0, "q tag+ state kind sort include limit cursor",
     list_monitors},
    {"POST", "/api/v1/monitors", kWrite, kNever, kPool, kBody, "", create_monitor},
    {"POST", "/api/v1/monitors/bulk", kWrite, kNever, kPool, kBulkBody, "", create_bulk},
    {"POST", "/api/v1/monitors/test", kWrite, kNever, kPool, kBody, "", test_monitor},
    {"GET", "/api/v1/monitors/{id}", kRead, kPrivate, kPool, 0, "", get_monitor},
    {"PATCH", "/api/v1/monitors/{id}", kWrite, kNever, kPool, kBody, "", patch_monitor},
    {"DELETE", "/api/v1/monitors/{id}", kWrite, kNever, kPool, 0, "", delete_monitor},
    {"POST", "/api/v1/monitors/{id}/pause", kWrite, kNever, kPool, 0, "", pause_monitor},
    {"POST", "/api/v1/monitors/{id}/resume", kWrite, kNever, kPool, 0, "", resume_monitor},
    {"POST", "/api/v1/monitors/{id}/check", kWrite, kNever, kPool, 0, "", check_monitor},
    {"POST", "/api/v1/monitors/{id}/rotate_tokens", kWrite, kNever, kPool, kBody, "", rotate_tokens},
    {"GET", "/api/v1/monitors/{id}/results", kRead, kPrivate, kPool, 0, "from to limit cursor include", list_results},
    {"GET", "/api/v1/monitors/{id}/uptime", kRead, kPrivate, kPool, 0, "window from to", get_uptime},
    {"GET", "/api/v1/monitors/{id}/spans", kRead, kPrivate, kPool, 0, "from to limit cursor", list_spans},
    {"GET", "/api/v1/monitors/{id}/series", kRead, kPrivate, kPool, 0, "from to step", get_series},
    {"GET", "/api/v1/monitors/{id}/heartbeat", kRead, kPrivate, kPool, 0, "", get_heartbeat},
    {"GET", "/api/v1/maintenance_windows", kRead, kPrivate, kPool, 0, "", list_windows},
    {"POST", "/api/v1/maintenance_windows", kWrite, kNever, kPool, kBody, "", create_window},
    {"GET", "/api/v1/maintenance_windows/{id}", kRead, kPrivate, kPool, 0, "", get_window},
    {"PATCH", "/api/v1/maintenance_windows/{id}", kWrite, kNever, kPool, kBody, "", patch_window},
    {"DELETE", "/api/v1/maintenance_windows/{id}", kWrite, kNever, kPool, 0, "", delete_window},
    {"GET", "/api/v1/maintenance_windows/{id}/occurrences", kRead, kPrivate, kPool, 0, "limit", list_occurrences},
    {"GET", "/api/v1/me", kRead, kPrivate, kPool, 0, "", get_me},
    {"GET", "/api/v1/api_keys", kAdmin, kPrivate, kPool, 0, "", list_keys},
    {"POST", "/api/v1/api_keys", kAdmin, kNever, kPool, kBody, "", create_key},
    {"DELETE", "/api/v1/api_keys/{id}", kAdmin, kNever, kPool, 0, "", revoke_key},
    {"GET", "/api/v1/version", kPublic, kDocument, kLoop, 0, "", get_version},
    {"GET", "/api/v1/openapi.json", kPublic, kDocument, kLoop, 0, "", get_openapi},
    // what people and machines see without a key
    {"GET", "/badge/{token}/uptime/{window}.svg", kPublic, CacheClass::kBadge, kPool, 0, "*", uptime_badge_svg},
    {"GET", "/badge/{token}/uptime/{window}.json", kPublic, CacheClass::kBadge, kPool, 0, "*", uptime_badge_json},
    {"GET", "/badge/{token}/status.svg", kPublic, CacheClass::kStatusBadge, kPool, 0, "*", status_badge_svg},
    {"GET", "/badge/{token}/status.json", kPublic, CacheClass::kStatusBadge, kPool, 0, "*", status_badge_json},
    {"GET", "/badge/{token}", kPublic, CacheClass::kStatusBadge, kPool, 0, "*", badge_link},
    {"GET", "/report/{token}", kPublic, CacheClass::kReport, kPool, 0, "*", report_page},
    // what jobs call; any body, kept in part
    {"GET", "/heartbeat/{token}", kPublic, kNever, kPool, 0, "*", tell_heartbeat},
    {"POST", "/heartbeat/{token}", kPublic, kNever, kPool, kBody, "*", tell_heartbeat},
    {"GET", "/heartbeat/{token}/{signal}", kPublic, kNever, kPool, 0, "*", tell_heartbeat},
    {"POST", "/heartbeat/{token}/{signal}", kPublic, kNever, kPool, kBody, "*", tell_heartbeat},
    {"GET", "/ping/{token}", kPublic, kNever, kPool, 0, "*", tell_heartbeat},
    {"POST", "/ping/{token}", kPublic, kNever, kPool, kBody, "*", tell_heartbeat},
    {"GET", "/ping/{token}/{signal}", kPublic, kNever, kPool, 0, "*", tell_heartbeat},
    {"POST", "/ping/{token}/{signal}", kPublic, kNever, kPool, kBody, "*", tell_heartbeat},
    {"GET", "/problems/{code}", kPublic, kDocument, kLoop, 0, "*", problem_page},
    {"GET", "/robots.txt", kPublic, kDocument, kLoop, 0, "*", robots},
    {"GET", "/about", kPublic, kDocument, kLoop, 0, "*", about},
    {"GET", "/", kPublic, kDocument, kLoop, 0, "*", welcome},
    // health
    {"GET", "/healthz", kPublic, kNever, kLoop, 0, "*", healthz},
    {"GET", "/readyz", kPublic, kNever, kLoop, 0, "require", readyz},
    {"GET", "/metrics", Scope::kMetrics, kNever, kPool, 0, "*", get_metrics},
};

bool segment_fits(std::string_view pattern, std::string_view segment) {
  const auto open = pattern.find('{');
  if (open == std::string_view::npos) return pattern == segment;
  const auto close = pattern.find('}');
  const auto before = pattern.substr(0, open);
  const auto after = pattern.substr(close + 1);
  return segment.size() > before.size() + after.size() && segment.starts_with(before) && segment.ends_with(after);
}

void add_method(std::string* allow, std::string_view method) {
  if (!allow->empty()) allow->append(", ");
  allow->append(method);
  if (method == "GET") allow->append(", HEAD");
}

}  // namespace

const std::vector<Route>& routes() { return kRoutes; }

bool fits(std::string_view pattern, std::string_view path) {
  while (!pattern.empty() && !path.empty()) {
    if (pattern.front() != '/' || path.front() != '/') return false;
    pattern.remove_prefix(1);
    path.remove_prefix(1);
    const auto pattern_end = std::min(pattern.find('/'), pattern.size());
    const auto path_end = std::min(path.find('/'), path.size());
    if (!segment_fits(pattern.substr(0, pattern_end), path.substr(0, path_end))) return false;
    pattern.remove_prefix(pattern_end);
    path.remove_prefix(path_end);
  }
  return pattern.empty() && path.empty();
}

PathMatch match_path(std::string_view method, std::string_view path) {
  PathMatch match;
  const std::string_view wanted = method == "HEAD" ? std::string_view("GET") : method;
  for (const Route& route : kRoutes) {
    if (!fits(route.pattern, path)) continue;
    if (match.allow.find(route.method) == std::string::npos) add_method(&match.allow, route.method);
    match.is_public = match.is_public && route.scope == Scope::kPublic;
    if (match.route == nullptr && route.method == wanted) match.route = &route;
  }
  if (!match.allow.empty()) match.allow += ", OPTIONS";
  match.is_public = match.is_public && !match.allow.empty();
  return match;
}

}  // namespace everup::api
