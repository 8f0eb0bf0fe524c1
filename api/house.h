// What handlers work with: the stores, the clock, settings, and the few things of the api that live longer than a
// request. Made by Api, handed to every Call. Stores are safe on any thread; what is marked "loop" is touched on the
// front's loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "api/auth.h"
#include "api/http_response.h"
#include "api/metrics.h"
#include "api/name_gate.h"
#include "api/rate_limit.h"
#include "api/routes.h"
#include "api/sign_in.h"
#include "checker/probe.h"
#include "core/result.h"
#include "db/account_store.h"
#include "db/alert_store.h"
#include "db/command_store.h"
#include "db/idempotency_store.h"
#include "db/incident_store.h"
#include "db/ledger_store.h"
#include "db/monitor_store.h"

namespace everup::api {

class EventHub;
class ToolDesk;

// A probe asked for by POST /monitors/test, with the plan it needs to stay alive.
struct TestProbe {
  CheckPlan plan;
  std::unique_ptr<checker::Probe> probe;
};

struct House {
  explicit House(const ApiOptions& o) : options(o) {}
  const ApiOptions& options;
  db::MonitorStore& monitors() const { return *options.monitors; }
  db::LedgerStore& ledger() const { return *options.ledger; }
  db::AccountStore& accounts() const { return *options.accounts; }
  db::CommandStore& commands() const { return *options.commands; }
  db::IdempotencyStore& idempotency() const { return *options.idempotency; }
  db::AlertStore& alerts() const { return *options.alerts; }
  db::IncidentStore& incidents() const { return *options.incidents; }
  db::StatusPageStore& status_pages() const { return *options.status_pages; }
  db::PersonStore& persons() const { return *options.people.persons; }

  HttpMetrics metrics;
  KeyCache keys;
  Door door;
  const FrontCounters* counters = nullptr;
  // Runs on a handler thread; false: too busy.
  std::function<bool(std::function<void()> run, std::function<void()> expired)> on_pool;

  std::unique_ptr<NameGate> names;                                  // loop; null: names are not judged at save
  std::unique_ptr<checker::ProbeMaker> prober;                      // loop
  std::map<std::uint64_t, std::unique_ptr<TestProbe>> test_probes;  // loop; at most kTestProbesMax
  std::uint64_t next_test_probe = 1;                                // loop
  static constexpr std::size_t kTestProbesMax = 64;
  std::unique_ptr<checker::ProbeMaker> public_prober;  // loop: for strangers at the tools
  std::shared_ptr<ToolDesk> tools;                     // loop
  std::shared_ptr<EventHub> events;                    // null: there is no feed

  std::mutex signals_mutex;
  RateLimiter signals{RateLimit{60, 60}};  // calls of one heartbeat's URL; guarded by signals_mutex

  void log(std::string_view request_id, std::string_view what) const {
    if (options.log) options.log("request " + std::string(request_id) + ": " + std::string(what));
  }
};

// A store's error as an answer; what is our fault is logged with the request id.
HttpResponse failed(const Call& call, const Error& error);

// ---- answers
// --------------------------------------------------------------------------------------------------------------------
HttpResponse json_answer(std::string body, int status = 200);

// ---- handlers, one file per noun
// -----------------------------------------------------------------------------------------------
Answer list_monitors(Call& call);
Answer create_monitor(Call& call);
Answer get_monitor(Call& call);
Answer patch_monitor(Call& call);
Answer delete_monitor(Call& call);
Answer pause_monitor(Call& call);
Answer resume_monitor(Call& call);
Answer rotate_tokens(Call& call);
Answer create_bulk(Call& call);
Answer test_monitor(Call& call);
Answer check_monitor(Call& call);
Answer list_results(Call& call);
Answer get_uptime(Call& call);
Answer list_spans(Call& call);
Answer get_series(Call& call);
Answer get_me(Call& call);
Answer list_keys(Call& call);
Answer create_key(Call& call);
Answer revoke_key(Call& call);
Answer open_session(Call& call);
Answer get_session(Call& call);
Answer close_session(Call& call);
Answer list_sessions(Call& call);
Answer end_session(Call& call);
Answer change_password(Call& call);
Answer get_version(Call& call);
Answer get_openapi(Call& call);
Answer healthz(Call& call);
Answer readyz(Call& call);
Answer get_metrics(Call& call);
Answer problem_page(Call& call);
Answer robots(Call& call);
Answer about(Call& call);
Answer offer_totp(Call& call);
Answer confirm_totp(Call& call);
Answer remove_totp(Call& call);
Answer list_members(Call& call);
Answer invite_member(Call& call);
Answer patch_member(Call& call);
Answer delete_member(Call& call);
Answer patch_me(Call& call);
Answer list_audit(Call& call);
Answer front_door(Call& call);
Answer invitation_page(Call& call);
Answer post_invitation(Call& call);
Answer sign_in_page(Call& call);
Answer post_sign_in(Call& call);
Answer setup_page(Call& call);
Answer post_setup(Call& call);
Answer uptime_badge_svg(Call& call);
Answer uptime_badge_json(Call& call);
Answer status_badge_svg(Call& call);
Answer status_badge_json(Call& call);
Answer response_badge_svg(Call& call);
Answer response_badge_json(Call& call);
Answer cert_badge_svg(Call& call);
Answer cert_badge_json(Call& call);
Answer badge_link(Call& call);
Answer kuma_status(Call& call);
Answer kuma_uptime(Call& call);
Answer kuma_response(Call& call);
Answer kuma_certificate(Call& call);
Answer gatus_uptime(Call& call);
Answer gatus_response(Call& call);
Answer gatus_health(Call& call);
Answer gatus_shields(Call& call);
Answer report_page(Call& call);
// channels.cpp
Answer list_channels(Call& call);
Answer create_channel(Call& call);
Answer get_channel(Call& call);
Answer patch_channel(Call& call);
Answer delete_channel(Call& call);
Answer test_channel(Call& call);
Answer list_policies(Call& call);
Answer create_policy(Call& call);
Answer get_policy(Call& call);
Answer patch_policy(Call& call);
Answer delete_policy(Call& call);
// incidents.cpp
Answer list_incidents(Call& call);
Answer list_monitor_incidents(Call& call);
Answer get_incident(Call& call);
Answer patch_incident(Call& call);
Answer acknowledge_incident(Call& call);
Answer add_incident_update(Call& call);
Answer list_deliveries(Call& call);
// links.cpp
Answer ack_page(Call& call);
Answer ack_by_link(Call& call);
Answer unsubscribe_page(Call& call);
Answer unsubscribe_by_link(Call& call);
Answer report_json(Call& call);
Answer report_csv(Call& call);
Answer period_page(Call& call);
Answer period_json(Call& call);
Answer period_csv(Call& call);
Answer report_keys(Call& call);
// the browser tools and their API: tools.cpp
Answer create_smtp_test(Call& call);
Answer create_tls_test(Call& call);
Answer get_smtp_test(Call& call);
Answer get_tls_test(Call& call);
Answer smtp_test_events(Call& call);
Answer tls_test_events(Call& call);
Answer smtp_form(Call& call);
Answer tls_form(Call& call);
Answer post_smtp_form(Call& call);
Answer post_tls_form(Call& call);
Answer smtp_test_page(Call& call);
Answer tls_test_page(Call& call);
Answer smtp_test_stream(Call& call);
Answer tls_test_stream(Call& call);
Answer tool_script(Call& call);
Answer list_events(Call& call);
Answer list_windows(Call& call);
Answer create_window(Call& call);
Answer get_window(Call& call);
Answer patch_window(Call& call);
Answer delete_window(Call& call);
Answer list_occurrences(Call& call);
// status_pages.cpp
Answer list_status_pages(Call& call);
Answer create_status_page(Call& call);
Answer get_status_page(Call& call);
Answer patch_status_page(Call& call);
Answer delete_status_page(Call& call);
// status_public.cpp
Answer status_page(Call& call);
Answer unlock_status_page(Call& call);
Answer status_month(Call& call);
Answer status_incident(Call& call);
Answer status_atom(Call& call);
Answer status_rss(Call& call);
Answer status_calendar(Call& call);
Answer status_v2(Call& call);
// heartbeats.cpp
Answer tell_heartbeat(Call& call);
Answer get_heartbeat(Call& call);
std::string heartbeat_url(const Call& call, std::string_view token);
// Fills heartbeat_url of those that are heartbeats of the caller's account.
Status add_heartbeat_urls(const Call& call, std::vector<db::MonitorView>& views);

}  // namespace everup::api
