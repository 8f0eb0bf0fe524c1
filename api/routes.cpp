// The whole URL map. Order counts only where two patterns fit one path: the longer suffix stands first.
#include "api/routes.h"

#include <algorithm>

#include "api/app_pages.h"
#include "api/house.h"
#include "api/mail_tests.h"

namespace everup::api {
namespace {

constexpr std::uint64_t kBody = 64 * 1024;
constexpr std::uint64_t kLinkBody = 1024;  // of a form: nothing in it is read
constexpr std::uint64_t kForm = 4 * 1024;
constexpr std::string_view kFormMedia = "application/x-www-form-urlencoded";
constexpr std::uint64_t kBulkBody = std::uint64_t{16} * 1024 * 1024;
constexpr Scope kPublic = Scope::kPublic;
constexpr Scope kDoor = Scope::kDoor;
constexpr Scope kPerson = Scope::kPerson;
constexpr Scope kRead = Scope::kRead;
constexpr Scope kWrite = Scope::kWrite;
constexpr Scope kAdmin = Scope::kAdmin;
constexpr CacheClass kPrivate = CacheClass::kPrivate;
constexpr CacheClass kNever = CacheClass::kNever;
constexpr CacheClass kDocument = CacheClass::kDocument;
constexpr CacheClass kStatusPage = CacheClass::kStatusPage;
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
    {"GET", "/api/v1/monitors/{id}/incidents", kRead, kPrivate, kPool, 0, "state from to limit cursor",
     list_monitor_incidents},
    {"GET", "/api/v1/incidents", kRead, kPrivate, kPool, 0, "state monitor from to limit cursor", list_incidents},
    {"GET", "/api/v1/incidents/{id}", kRead, kPrivate, kPool, 0, "", get_incident},
    {"PATCH", "/api/v1/incidents/{id}", kWrite, kNever, kPool, kBody, "", patch_incident},
    {"POST", "/api/v1/incidents/{id}/acknowledge", kWrite, kNever, kPool, 0, "", acknowledge_incident},
    {"POST", "/api/v1/incidents/{id}/updates", kWrite, kNever, kPool, kBody, "", add_incident_update},
    {"GET", "/api/v1/channels", kRead, kPrivate, kPool, 0, "", list_channels},
    {"POST", "/api/v1/channels", kWrite, kNever, kPool, kBody, "", create_channel},
    {"GET", "/api/v1/channels/{id}", kRead, kPrivate, kPool, 0, "", get_channel},
    {"PATCH", "/api/v1/channels/{id}", kWrite, kNever, kPool, kBody, "", patch_channel},
    {"DELETE", "/api/v1/channels/{id}", kWrite, kNever, kPool, 0, "", delete_channel},
    {"POST", "/api/v1/channels/{id}/test", kWrite, kNever, kPool, 0, "", test_channel},
    {"GET", "/api/v1/alert_policies", kRead, kPrivate, kPool, 0, "", list_policies},
    {"POST", "/api/v1/alert_policies", kWrite, kNever, kPool, kBody, "", create_policy},
    {"GET", "/api/v1/alert_policies/{id}", kRead, kPrivate, kPool, 0, "", get_policy},
    {"PATCH", "/api/v1/alert_policies/{id}", kWrite, kNever, kPool, kBody, "", patch_policy},
    {"DELETE", "/api/v1/alert_policies/{id}", kWrite, kNever, kPool, 0, "", delete_policy},
    {"GET", "/api/v1/deliveries", kRead, kPrivate, kPool, 0, "id incident channel state limit cursor", list_deliveries},
    {"GET", "/api/v1/events", kRead, kNever, kPool, 0, "after wait", list_events},
    {"GET", "/api/v1/monitors/{id}/heartbeat", kRead, kPrivate, kPool, 0, "", get_heartbeat},
    {"GET", "/api/v1/maintenance_windows", kRead, kPrivate, kPool, 0, "", list_windows},
    {"POST", "/api/v1/maintenance_windows", kWrite, kNever, kPool, kBody, "", create_window},
    {"GET", "/api/v1/maintenance_windows/{id}", kRead, kPrivate, kPool, 0, "", get_window},
    {"PATCH", "/api/v1/maintenance_windows/{id}", kWrite, kNever, kPool, kBody, "", patch_window},
    {"DELETE", "/api/v1/maintenance_windows/{id}", kWrite, kNever, kPool, 0, "", delete_window},
    {"GET", "/api/v1/status_pages", kRead, kPrivate, kPool, 0, "", list_status_pages},
    {"POST", "/api/v1/status_pages", kWrite, kNever, kPool, kBody, "", create_status_page},
    {"GET", "/api/v1/status_pages/{id}", kRead, kPrivate, kPool, 0, "", get_status_page},
    {"PATCH", "/api/v1/status_pages/{id}", kWrite, kNever, kPool, kBody, "", patch_status_page},
    {"DELETE", "/api/v1/status_pages/{id}", kWrite, kNever, kPool, 0, "", delete_status_page},
    {"GET", "/api/v1/maintenance_windows/{id}/occurrences", kRead, kPrivate, kPool, 0, "limit", list_occurrences},
    {"GET", "/api/v1/me", kRead, kPrivate, kPool, 0, "", get_me},
    {"GET", "/api/v1/api_keys", kAdmin, kPrivate, kPool, 0, "", list_keys},
    {"POST", "/api/v1/api_keys", kAdmin, kNever, kPool, kBody, "", create_key},
    {"DELETE", "/api/v1/api_keys/{id}", kAdmin, kNever, kPool, 0, "", revoke_key},
    // people: who is signed in, and with what
    {"POST", "/api/v1/session", kDoor, kNever, kPool, kBody, "", open_session},
    {"GET", "/api/v1/session", kPerson, kPrivate, kPool, 0, "", get_session},
    {"DELETE", "/api/v1/session", kPerson, kNever, kPool, 0, "", close_session},
    {"GET", "/api/v1/sessions", kPerson, kPrivate, kPool, 0, "", list_sessions},
    {"DELETE", "/api/v1/sessions/{id}", kPerson, kNever, kPool, 0, "", end_session},
    {"POST", "/api/v1/me/password", kPerson, kNever, kPool, kBody, "", change_password},
    {"POST", "/api/v1/me/totp", kPerson, kNever, kPool, kBody, "", offer_totp},
    {"POST", "/api/v1/me/totp/confirm", kPerson, kNever, kPool, kBody, "", confirm_totp},
    {"POST", "/api/v1/me/totp/remove", kPerson, kNever, kPool, kBody, "", remove_totp},
    {"PATCH", "/api/v1/me", kAdmin, kNever, kPool, kBody, "", patch_me},
    {"GET", "/api/v1/members", kAdmin, kPrivate, kPool, 0, "", list_members},
    {"POST", "/api/v1/members", kAdmin, kNever, kPool, kBody, "", invite_member},
    {"PATCH", "/api/v1/members/{id}", kAdmin, kNever, kPool, kBody, "", patch_member},
    {"DELETE", "/api/v1/members/{id}", kAdmin, kNever, kPool, 0, "", delete_member},
    {"GET", "/api/v1/audit_log", kAdmin, kPrivate, kPool, 0, "limit cursor", list_audit},
    {"GET", "/api/v1/version", kPublic, kDocument, kLoop, 0, "", get_version},
    {"GET", "/api/v1/openapi.json", kPublic, kDocument, kLoop, 0, "", get_openapi},
    // what people and machines see without a key
    {"GET", "/badge/{token}/uptime/{window}.svg", kPublic, CacheClass::kBadge, kPool, 0, "*", uptime_badge_svg},
    {"GET", "/badge/{token}/uptime/{window}.json", kPublic, CacheClass::kBadge, kPool, 0, "*", uptime_badge_json},
    {"GET", "/badge/{token}/status.svg", kPublic, CacheClass::kStatusBadge, kPool, 0, "*", status_badge_svg},
    {"GET", "/badge/{token}/status.json", kPublic, CacheClass::kStatusBadge, kPool, 0, "*", status_badge_json},
    {"GET", "/badge/{token}/response/{window}.svg", kPublic, CacheClass::kBadge, kPool, 0, "*", response_badge_svg},
    {"GET", "/badge/{token}/response/{window}.json", kPublic, CacheClass::kBadge, kPool, 0, "*", response_badge_json},
    {"GET", "/badge/{token}/cert.svg", kPublic, CacheClass::kBadge, kPool, 0, "*", cert_badge_svg},
    {"GET", "/badge/{token}/cert.json", kPublic, CacheClass::kBadge, kPool, 0, "*", cert_badge_json},
    {"GET", "/badge/{token}", kPublic, CacheClass::kStatusBadge, kPool, 0, "*", badge_link},
    // the badge addresses of Uptime Kuma and Gatus, with our token
    {"GET", "/api/badge/{token}/status", kPublic, CacheClass::kStatusBadge, kPool, 0, "*", kuma_status},
    {"GET", "/api/badge/{token}/uptime", kPublic, CacheClass::kBadge, kPool, 0, "*", kuma_uptime},
    {"GET", "/api/badge/{token}/uptime/{duration}", kPublic, CacheClass::kBadge, kPool, 0, "*", kuma_uptime},
    {"GET", "/api/badge/{token}/ping", kPublic, CacheClass::kBadge, kPool, 0, "*", kuma_response},
    {"GET", "/api/badge/{token}/ping/{duration}", kPublic, CacheClass::kBadge, kPool, 0, "*", kuma_response},
    {"GET", "/api/badge/{token}/avg-response", kPublic, CacheClass::kBadge, kPool, 0, "*", kuma_response},
    {"GET", "/api/badge/{token}/avg-response/{duration}", kPublic, CacheClass::kBadge, kPool, 0, "*", kuma_response},
    {"GET", "/api/badge/{token}/response", kPublic, CacheClass::kBadge, kPool, 0, "*", kuma_response},
    {"GET", "/api/badge/{token}/cert-exp", kPublic, CacheClass::kBadge, kPool, 0, "*", kuma_certificate},
    {"GET", "/api/v1/endpoints/{token}/uptimes/{duration}/badge.svg", kPublic, CacheClass::kBadge, kPool, 0, "*",
     gatus_uptime},
    {"GET", "/api/v1/endpoints/{token}/response-times/{duration}/badge.svg", kPublic, CacheClass::kBadge, kPool, 0, "*",
     gatus_response},
    {"GET", "/api/v1/endpoints/{token}/health/badge.svg", kPublic, CacheClass::kStatusBadge, kPool, 0, "*",
     gatus_health},
    {"GET", "/api/v1/endpoints/{token}/health/badge.shields", kPublic, CacheClass::kStatusBadge, kPool, 0, "*",
     gatus_shields},
    {"GET", "/.well-known/everup-keys.json", kPublic, kDocument, kPool, 0, "*", report_keys},
    {"GET", "/report/{token}.json", kPublic, CacheClass::kReport, kPool, 0, "*", report_json},
    {"GET", "/report/{token}.csv", kPublic, CacheClass::kReport, kPool, 0, "*", report_csv},
    {"GET", "/report/{token}/{period}.json", kPublic, CacheClass::kReport, kPool, 0, "*", period_json},
    {"GET", "/report/{token}/{period}.csv", kPublic, CacheClass::kReport, kPool, 0, "*", period_csv},
    {"GET", "/report/{token}/{period}", kPublic, CacheClass::kReport, kPool, 0, "*", period_page},
    {"GET", "/report/{token}", kPublic, CacheClass::kReport, kPool, 0, "*", report_page},
    // status pages; on a domain of its own a page is at "/" (status_address.h)
    {"GET", "/status/{slug}", kPublic, kStatusPage, kPool, 0, "*", status_page},
    {"POST", "/status/{slug}", kDoor, kNever, kPool, kForm, "*", unlock_status_page},
    {"GET", "/status/{slug}/history", kPublic, kStatusPage, kPool, 0, "*", status_month},
    {"GET", "/status/{slug}/history/{month}", kPublic, kStatusPage, kPool, 0, "*", status_month},
    {"GET", "/status/{slug}/incidents/{id}", kPublic, kStatusPage, kPool, 0, "*", status_incident},
    {"GET", "/status/{slug}/history.atom", kPublic, kStatusPage, kPool, 0, "*", status_atom},
    {"GET", "/status/{slug}/history.rss", kPublic, kStatusPage, kPool, 0, "*", status_rss},
    {"GET", "/status/{slug}/maintenance.ics", kPublic, kStatusPage, kPool, 0, "*", status_calendar},
    {"GET", "/status/{slug}/api/v2/{file}.json", kPublic, kStatusPage, kPool, 0, "*", status_v2},
    {"GET", "/status/{slug}/api/v2/incidents/{file}.json", kPublic, kStatusPage, kPool, 0, "*", status_v2},
    {"GET", "/status/{slug}/api/v2/scheduled-maintenances/{file}.json", kPublic, kStatusPage, kPool, 0, "*", status_v2},
    {"GET", "/ack/{token}", kPublic, kNever, kPool, 0, "*", ack_page},
    {"POST", "/ack/{token}", kPublic, kNever, kPool, kLinkBody, "*", ack_by_link},
    {"GET", "/unsubscribe/{token}", kPublic, kNever, kPool, 0, "*", unsubscribe_page},
    {"POST", "/unsubscribe/{token}", kPublic, kNever, kPool, kLinkBody, "*", unsubscribe_by_link},
    // the browser tools: whoever has a test's id may read it
    {"POST", "/api/v1/smtp_tests", Scope::kOpen, kNever, kPool, kBody, "", create_smtp_test},
    {"GET", "/api/v1/smtp_tests/{token}", kPublic, kNever, kLoop, 0, "", get_smtp_test},
    {"GET", "/api/v1/smtp_tests/{token}/events", kPublic, kNever, kLoop, 0, "", smtp_test_events},
    {"POST", "/api/v1/tls_tests", Scope::kOpen, kNever, kPool, kBody, "", create_tls_test},
    {"GET", "/api/v1/tls_tests/{token}", kPublic, kNever, kLoop, 0, "", get_tls_test},
    {"GET", "/api/v1/tls_tests/{token}/events", kPublic, kNever, kLoop, 0, "", tls_test_events},
    {"POST", "/api/v1/mail_tests", kWrite, kNever, kPool, kBody, "", create_mail_test},
    {"POST", "/api/v1/relay_tests", kWrite, kNever, kPool, kBody, "", create_relay_test},
    {"GET", "/tools/mail", kPublic, kNever, kLoop, 0, "*", mail_form},
    {"POST", "/tools/mail", Scope::kOpen, kNever, kPool, kForm, "*", post_mail_form, kFormMedia},
    {"GET", "/tools/live.js", kPublic, kDocument, kLoop, 0, "*", tool_script},
    {"GET", "/tools/smtp", kPublic, kNever, kLoop, 0, "*", smtp_form},
    {"POST", "/tools/smtp", Scope::kOpen, kNever, kPool, kForm, "*", post_smtp_form, kFormMedia},
    {"GET", "/tools/smtp/{token}", kPublic, kNever, kLoop, 0, "*", smtp_test_page},
    {"GET", "/tools/smtp/{token}/stream", kPublic, kNever, kLoop, 0, "*", smtp_test_stream},
    {"GET", "/tools/tls", kPublic, kNever, kLoop, 0, "*", tls_form},
    {"POST", "/tools/tls", Scope::kOpen, kNever, kPool, kForm, "*", post_tls_form, kFormMedia},
    {"GET", "/tools/tls/{token}", kPublic, kNever, kLoop, 0, "*", tls_test_page},
    {"GET", "/tools/tls/{token}/stream", kPublic, kNever, kLoop, 0, "*", tls_test_stream},
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
    {"GET", "/", kPublic, kDocument, kLoop, 0, "*", front_door},
    // before the dashboard: forms
    {"GET", "/sign-in", kDoor, kNever, kPool, 0, "*", sign_in_page},
    {"POST", "/sign-in", kDoor, kNever, kPool, kBody, "*", post_sign_in},
    {"GET", "/setup/{token}", kDoor, kNever, kPool, 0, "*", setup_page},
    {"POST", "/setup/{token}", kDoor, kNever, kPool, kBody, "*", post_setup},
    {"GET", "/invite/{token}", kDoor, kNever, kPool, 0, "*", invitation_page},
    {"POST", "/invite/{token}", kDoor, kNever, kPool, kBody, "*", post_invitation},
    // the dashboard: files of this binary (app_pages.h)
    {"GET", "/app", kPublic, kNever, kLoop, 0, "*", app_entry},
    {"GET", "/app/", kPublic, kNever, kLoop, 0, "*", app_page},
    {"GET", "/app/assets/{file}", kPublic, kNever, kLoop, 0, "*", app_asset},
    {"GET", "/app/{page}", kPublic, kNever, kLoop, 0, "*", app_page},
    {"GET", "/app/{page}/{id}", kPublic, kNever, kLoop, 0, "*", app_page},
    {"GET", "/app/{page}/{id}/{part}", kPublic, kNever, kLoop, 0, "*", app_page},
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
