// The HTTP API and the public pages as one object: sockets, routes, caches, handler threads. app/ builds it with what
// it works on, starts it and drains it.
//
//   ApiOptions o; o.listeners = *open_listeners("127.0.0.1:8080"); o.monitors = &monitor_store; …
//   auto api = Api::make(std::move(o));   // Result: a wrong setting is named
//   (*api)->start();                      // threads: one loop, `handler_threads` handlers; never more
//   …
//   (*api)->drain(deadline);              // blocks until the last answer is written, or the deadline
//
// Everything that the options point to outlives the Api. Callbacks are called on any of its threads and must not block.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/http_front.h"
#include "api/listener.h"
#include "api/people.h"
#include "checker/probe.h"
#include "core/clock.h"
#include "core/delivery_stats.h"
#include "core/ids.h"
#include "core/result.h"
#include "core/stats.h"
#include "core/target.h"
#include "core/time.h"
#include "core/zone.h"
#include "net/resolver.h"

namespace everup::net {
class AddressPolicy;
class Loop;
}  // namespace everup::net
namespace everup::db {
class AccountStore;
class AlertStore;
class CommandStore;
class FlipFeed;
class HeartbeatStore;
class IdempotencyStore;
class IncidentStore;
class LedgerStore;
class MaintenanceStore;
class StatusPageStore;
class MonitorStore;
class ReportStore;
class ToolTestStore;
struct Vault;
}  // namespace everup::db

namespace everup::api {

// /readyz (SHAPES 25). Words of the checks are "ok" or what is wrong, in English.
struct Readiness {
  bool starting = false, migrating = false, draining = false;
  std::map<std::string, std::string> checks;  // "database", "migrations", "lag", "spool", "outbox", "relays"
};

// The browser tools (SHAPES 21). Without a store there are none.
struct ToolOptions {
  bool smtp = true, tls = true;                          // also for strangers (EVERUP_PUBLIC_TOOLS)
  std::vector<std::uint16_t> ports{25, 465, 587, 2525};  // theirs (EVERUP_TOOL_PORTS)
  const net::AddressPolicy* policy = nullptr;            // theirs
  // The prober of strangers' tests, by that policy; as ApiOptions::make_prober.
  std::function<Result<std::unique_ptr<checker::ProbeMaker>>(net::Loop&)> make_prober;
  db::ToolTestStore* store = nullptr;
};

struct ApiOptions {
  std::vector<Listener> listeners;
  std::string base_url;  // "" : relative links
  std::string trusted_proxies = "127.0.0.0/8 ::1/128 unix";
  std::string cors_origins;
  std::string rate_limit = "600/60";
  std::string metrics_token;                   // EVERUP_METRICS_TOKEN
  std::function<AccountId()> metrics_account;  // whose admin keys may read /metrics; null or 0: none
  std::string version = "0", revision;
  std::string openapi_json;  // openapi_yaml() as JSON, converted by app/ at start-up
  int handler_threads = 4;
  std::size_t handler_queue = 256;
  milliseconds handler_deadline{2'000};  // in the queue; the stores have their own
  FrontLimits limits;

  const Clock* clock = nullptr;
  const Zones* zones = nullptr;
  db::MonitorStore* monitors = nullptr;
  db::LedgerStore* ledger = nullptr;
  db::AccountStore* accounts = nullptr;
  db::CommandStore* commands = nullptr;
  db::IdempotencyStore* idempotency = nullptr;
  db::AlertStore* alerts = nullptr;
  db::IncidentStore* incidents = nullptr;
  PeopleOptions people;              // signing in; without a store: keys alone
  db::ReportStore* reports = nullptr;  // closed months, medians, certificates; null: badges of those are not found
  // Adds a signature to a report's canonical JSON, by the key of as_of's year; any thread. Null: reports are not
  // signed.
  std::function<Result<std::string>(const std::string& canonical, WallTime as_of)> sign_report;
  std::function<Result<std::string>()> report_keys;  // /.well-known/everup-keys.json; null: there are none
  db::HeartbeatStore* heartbeats = nullptr;  // null: heartbeats are not taken (503)
  db::MaintenanceStore* maintenance = nullptr;
  db::StatusPageStore* status_pages = nullptr;
  const db::Vault* vault = nullptr;  // plausible_key() and digests

  bool (*regex_ok)(const std::string&, std::string* why) = nullptr;  // checker::regex_ok
  // Judges a target at save by its address literal: a sentence when it is refused (address policy, SHAPES 6). Null: not
  // judged here.
  std::function<std::optional<std::string>(const Target&)> refuse_target;
  // What names are resolved with and judged by at save (name_gate.h), on the api's own loop. Null: names are not
  // judged.
  const net::AddressPolicy* policy = nullptr;
  net::ResolverOptions resolver;
  // The prober of POST /monitors/test, made on the api's own loop before it runs. Null: the route answers 503. What the
  // prober needs (resolver, policy) is kept alive by the maker it returns.
  std::function<Result<std::unique_ptr<checker::ProbeMaker>>(net::Loop&)> make_prober;
  ToolOptions tools;
  db::FlipFeed* flips = nullptr;                    // GET /events; null: it answers 503
  std::function<SchedulerStats()> scheduler_stats;  // may be null
  std::function<RecorderStats()> recorder_stats;    // may be null
  std::function<DeliveryStats()> delivery_stats;    // may be null
  std::function<Readiness()> readiness;             // null: always ready
  // The snapshot of the last backup; nothing: none is known. May be null.
  std::function<std::optional<WallTime>()> last_backup;
  std::function<void(std::string_view line)> log;  // errors of ours, one line each, with the request id; null: nowhere
};

// api/openapi.yaml as embedded by the build.
std::string_view openapi_yaml();

class Api {
 public:
  static Result<std::unique_ptr<Api>> make(ApiOptions options);
  ~Api();  // drains with no patience
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  Status start();
  void drain(Instant deadline);
  std::vector<std::string> urls() const;  // of the listeners, for people
  const FrontCounters& counters() const;

 private:
  struct Parts;
  explicit Api(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace everup::api
