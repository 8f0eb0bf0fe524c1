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
#include "checker/probe.h"
#include "core/result.h"
#include "db/account_store.h"
#include "db/command_store.h"
#include "db/idempotency_store.h"
#include "db/ledger_store.h"
#include "db/monitor_store.h"

namespace everup::api {

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

  HttpMetrics metrics;
  KeyCache keys;
  const FrontCounters* counters = nullptr;
  // Runs on a handler thread; false: too busy.
  std::function<bool(std::function<void()> run, std::function<void()> expired)> on_pool;

  std::unique_ptr<NameGate> names;                                  // loop; null: names are not judged at save
  std::unique_ptr<checker::ProbeMaker> prober;                      // loop
  std::map<std::uint64_t, std::unique_ptr<TestProbe>> test_probes;  // loop; at most kTestProbesMax
  std::uint64_t next_test_probe = 1;                                // loop
  static constexpr std::size_t kTestProbesMax = 64;

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
Answer get_version(Call& call);
Answer get_openapi(Call& call);
Answer healthz(Call& call);
Answer readyz(Call& call);
Answer get_metrics(Call& call);
Answer problem_page(Call& call);
Answer robots(Call& call);
Answer about(Call& call);
Answer welcome(Call& call);
Answer uptime_badge_svg(Call& call);
Answer uptime_badge_json(Call& call);
Answer status_badge_svg(Call& call);
Answer status_badge_json(Call& call);
Answer badge_link(Call& call);
Answer report_page(Call& call);
Answer list_windows(Call& call);
Answer create_window(Call& call);
Answer get_window(Call& call);
Answer patch_window(Call& call);
Answer delete_window(Call& call);
Answer list_occurrences(Call& call);
// heartbeats.cpp
Answer tell_heartbeat(Call& call);
Answer get_heartbeat(Call& call);
std::string heartbeat_url(const Call& call, std::string_view token);
// Fills heartbeat_url of those that are heartbeats of the caller's account.
Status add_heartbeat_urls(const Call& call, std::vector<db::MonitorView>& views);

}  // namespace everup::api
