// See api/api.h. Order of ending: no new connections, answers under way, handler threads, loop, prober, front.
#include "api/api.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "api/cors.h"
#include "api/dispatcher.h"
#include "api/event_hub.h"
#include "api/handler_pool.h"
#include "api/house.h"
#include "api/tool_desk.h"
#include "net/loop.h"

namespace everup::api {

struct Api::Parts {
  explicit Parts(ApiOptions&& o) : options(std::move(o)), house(options), loop(*options.clock) {}
  ApiOptions options;
  House house;
  net::Loop loop;
  std::unique_ptr<HandlerPool> pool;
  std::unique_ptr<Dispatcher> dispatcher;
  std::unique_ptr<HttpFront> front;
  std::thread thread;
  std::vector<std::string> urls;
  bool drained = false;  // guarded by mutex
  std::mutex mutex;
  std::condition_variable changed;
};

namespace {

std::string_view missing_part(const ApiOptions& o) {
  if (o.clock == nullptr) return "clock";
  if (o.zones == nullptr) return "zones";
  if (o.monitors == nullptr || o.ledger == nullptr || o.accounts == nullptr || o.commands == nullptr ||
      o.idempotency == nullptr || o.alerts == nullptr || o.incidents == nullptr || o.maintenance == nullptr ||
      o.status_pages == nullptr)
    return "stores";
  if (o.vault == nullptr || !o.vault->digest) return "vault";
  if (o.regex_ok == nullptr) return "regex_ok";
  return {};
}

}  // namespace

Api::Api(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Api>> Api::make(ApiOptions options) {
  if (const auto part = missing_part(options); !part.empty())
    return Error{ErrorCode::kInternal, "api: without " + std::string(part)};
  DispatcherSettings settings;
  auto trusted = TrustedProxies::parse(options.trusted_proxies);
  if (!trusted.ok()) return Error{ErrorCode::kInvalid, "EVERUP_TRUSTED_PROXIES: " + trusted.error().what};
  auto origins = parse_origins(options.cors_origins);
  if (!origins.ok()) return Error{ErrorCode::kInvalid, "EVERUP_CORS_ORIGINS: " + origins.error().what};
  auto limit = parse_rate_limit(options.rate_limit);
  if (!limit.ok()) return limit.error();
  settings.trusted = *trusted;
  settings.cors_origins = *std::move(origins);
  settings.rate_limit = *limit;
  while (options.base_url.ends_with('/')) options.base_url.pop_back();

  auto parts = std::make_unique<Parts>(std::move(options));
  const ApiOptions& o = parts->options;
  if (o.make_prober) {
    auto prober = o.make_prober(parts->loop);
    if (!prober.ok()) return prober.error();
    parts->house.prober = *std::move(prober);
  }
  if (o.tools.make_prober) {
    auto prober = o.tools.make_prober(parts->loop);
    if (!prober.ok()) return prober.error();
    parts->house.public_prober = *std::move(prober);
  }
  parts->house.tools = std::make_shared<ToolDesk>(parts->house, parts->loop);
  if (o.flips != nullptr) parts->house.events = std::make_shared<EventHub>(parts->loop);
  if (o.policy != nullptr) parts->house.names = std::make_unique<NameGate>(parts->loop, *o.policy, o.resolver);
  parts->pool = std::make_unique<HandlerPool>(*o.clock, o.handler_threads, o.handler_queue);
  parts->dispatcher = std::make_unique<Dispatcher>(parts->house, parts->loop, *parts->pool, std::move(settings));
  parts->front = std::make_unique<HttpFront>(parts->loop, *parts->dispatcher, *std::move(trusted), o.limits);
  parts->house.counters = &parts->front->counters();
  parts->house.on_pool = [p = parts.get()](std::function<void()> run, std::function<void()> expired) {
    const Instant before = p->options.clock->now().mono + p->options.handler_deadline;
    return p->pool->submit({std::move(run), std::move(expired), before});
  };
  return std::unique_ptr<Api>(new Api(std::move(parts)));
}

Status Api::start() {
  Parts& p = *parts_;
  for (Listener& listener : p.options.listeners) {
    p.urls.push_back(listener.url);
    if (auto listening = p.front->listen(std::move(listener)); !listening.ok()) return listening.error();
  }
  p.options.listeners.clear();
  if (p.options.flips != nullptr) {
    p.options.flips->start([hub = p.house.events.get()](std::vector<db::FlipEvent>&& flips, const db::FlipCursor& at) {
      hub->on_flips(std::move(flips), at);
    });
  }
  p.thread = std::thread([&p] { p.loop.run(); });
  return ok();
}

void Api::drain(Instant deadline) {
  Parts& p = *parts_;
  if (!p.thread.joinable()) return;
  const bool posted = p.loop.post([&p, deadline] {
    p.front->drain(deadline, [&p] {
      const std::lock_guard lock(p.mutex);
      p.drained = true;
      p.changed.notify_all();
    });
  });
  if (posted) {
    const auto patience = std::max<std::chrono::nanoseconds>(deadline - p.options.clock->now().mono, milliseconds(0)) +
                          std::chrono::seconds(2);
    std::unique_lock lock(p.mutex);
    p.changed.wait_for(lock, patience, [&p] { return p.drained; });
  }
  if (p.options.flips != nullptr) p.options.flips->stop();
  p.pool->stop();
  p.loop.stop();
  p.thread.join();
}

Api::~Api() {
  if (parts_ == nullptr) return;
  drain(parts_->options.clock->now().mono);
  parts_->pool->stop();
  // Probes hold answers, answers hold the dispatcher, connections are the front's.
  parts_->house.test_probes.clear();
  parts_->house.tools.reset();
  parts_->house.events.reset();
  parts_->house.names.reset();
  parts_->front.reset();
  parts_->house.prober.reset();
  parts_->house.public_prober.reset();
}

std::vector<std::string> Api::urls() const { return parts_->urls; }
const FrontCounters& Api::counters() const { return parts_->front->counters(); }

}  // namespace everup::api
