// `everup serve`: lays the foundation, starts the roles, waits for a signal, stops them in the reverse order.
//
//   listeners ─▶ user ─▶ data directory ─▶ PostgreSQL ─▶ schema ─▶ recorder ─▶ scheduler ─▶ keeper ─▶ api
//
// Thread: main owns everything and only waits (once a second it looks after the private cluster). SIGTERM and SIGINT
// drain: the api answers what it has, looks in flight get their time, the recorder hands over to the database or the
// spool, PostgreSQL goes last.
#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <sstream>
#include <thread>

#include "api/api.h"
#include "api/listener.h"
#include "app/commands.h"
#include "app/config.h"
#include "app/database.h"
#include "app/first_start.h"
#include "app/foundation.h"
#include "app/probing.h"
#include "checker/pattern.h"
#include "db/account_store.h"
#include "db/amender.h"
#include "db/command_store.h"
#include "db/heartbeat_reader.h"
#include "db/heartbeat_store.h"
#include "db/idempotency_store.h"
#include "db/keeper.h"
#include "db/ledger_store.h"
#include "db/maintenance_store.h"
#include "db/monitor_json.h"
#include "db/monitor_source.h"
#include "db/monitor_store.h"
#include "db/recorder.h"
#include "net/limits.h"
#include "scheduler/scheduler.h"
#include "zone/zones.h"

namespace everup::app {
namespace {

constexpr milliseconds kDrain{10'000};

struct Roles {
  bool api = false, checker = false, keeper = false;
};

Result<Roles> parse_roles(const std::string& text) {
  Roles roles;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    if (word == "api")
      roles.api = true;
    else if (word == "checker")
      roles.checker = true;
    else if (word == "keeper")
      roles.keeper = true;
    else
      return Error{ErrorCode::kInvalid, fmt::format("--roles: \"{}\" is none of api, checker, keeper", word)};
  }
  if (!roles.api && !roles.checker && !roles.keeper)
    return Error{ErrorCode::kInvalid, "--roles names no role: api, checker, keeper"};
  return roles;
}

std::unique_ptr<db::Pool> pool_of(const db::DatabaseAccess& access, db::Role role, int sessions_max) {
  db::PoolOptions options;
  options.access = access;
  options.role = role;
  options.application_name = fmt::format("everup {}", db::name(role));
  options.sessions_max = sessions_max;
  options.clock = &system_clock();
  return std::make_unique<db::Pool>(std::move(options));
}

db::Connect connect_as(const db::DatabaseAccess& access, db::Role role, std::string name) {
  return [access, role, name = std::move(name)] { return db::Session::open(access, role, name); };
}

// The running parts. Members die in reverse order; stop() has stopped them before.
class Server {
 public:
  Server(const Settings& settings, Roles roles) : settings_(settings), roles_(roles) {}
  Status start();
  void stop();
  void look_after();  // once a second
  void look_for_first_account();

 private:
  Status open_sockets();
  Status open_stores();
  Status start_checker();
  Status start_keeper();
  Status start_api();
  api::Readiness readiness() const;

  const Settings& settings_;
  const Roles roles_;
  std::string base_url_;
  std::vector<api::Listener> listeners_;
  std::unique_ptr<Foundation> foundation_;
  std::unique_ptr<Probing> probing_;
  std::unique_ptr<Zones> zones_;
  std::unique_ptr<db::Pool> api_pool_, public_pool_, worker_pool_;
  std::unique_ptr<db::IdSource> ids_;
  std::unique_ptr<db::AccountStore> accounts_;
  std::unique_ptr<db::MonitorStore> monitors_;
  std::unique_ptr<db::LedgerStore> ledger_;
  std::unique_ptr<db::CommandStore> commands_;
  std::unique_ptr<db::IdempotencyStore> idempotency_;
  std::unique_ptr<db::HeartbeatStore> heartbeats_;
  std::unique_ptr<db::HeartbeatReader> heartbeat_reader_;
  std::unique_ptr<db::MaintenanceStore> maintenance_;
  std::unique_ptr<db::Recorder> recorder_;
  std::unique_ptr<MonitorSource> source_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::unique_ptr<db::Keeper> keeper_;
  std::unique_ptr<api::Api> api_;
  std::atomic<std::int64_t> first_account_{0};  // 0: there is none yet
  std::atomic<bool> draining_{false};
  int seconds_ = 0;
};

Status Server::open_sockets() {
  if (roles_.api) {
    auto listeners = api::open_listeners(settings_.text("LISTEN"));
    if (!listeners) return Error{ErrorCode::kInvalid, "EVERUP_LISTEN: " + listeners.error().what};
    listeners_ = *std::move(listeners);
  }
  if (roles_.api && !settings_.text("METRICS_LISTEN").empty()) {
    auto listeners = api::open_listeners(settings_.text("METRICS_LISTEN"));
    if (!listeners) return Error{ErrorCode::kInvalid, "EVERUP_METRICS_LISTEN: " + listeners.error().what};
    for (auto& listener : *listeners) {
      listener.metrics_only = true;
      listeners_.push_back(std::move(listener));
    }
  }
  base_url_ = settings_.text("BASE_URL");
  if (base_url_.empty() && !listeners_.empty()) base_url_ = listeners_.front().url;
  while (base_url_.ends_with('/')) base_url_.pop_back();
  return ok();
}

Status Server::open_stores() {
  const auto& access = foundation_->access;
  api_pool_ = pool_of(access, db::Role::kApi, 4);
  public_pool_ = pool_of(access, db::Role::kPublic, 4);
  worker_pool_ = pool_of(access, db::Role::kWorker, 2);
  const auto& clock = system_clock();
  auto ids = db::IdSource::open(*worker_pool_, foundation_->data_dir.node(), clock);
  if (!ids) return ids.error();
  ids_ = *std::move(ids);
  accounts_ = std::make_unique<db::AccountStore>(*api_pool_, *ids_, foundation_->vault, clock);
  monitors_ = std::make_unique<db::MonitorStore>(*api_pool_, *ids_, foundation_->vault, clock);
  ledger_ = std::make_unique<db::LedgerStore>(*api_pool_, *public_pool_);
  commands_ = std::make_unique<db::CommandStore>(*api_pool_, *ids_, clock);
  idempotency_ = std::make_unique<db::IdempotencyStore>(*api_pool_, clock);
  maintenance_ = std::make_unique<db::MaintenanceStore>(*api_pool_, *ids_, *zones_, clock);
  heartbeats_ = std::make_unique<db::HeartbeatStore>(*api_pool_, *public_pool_, clock);
  heartbeat_reader_ = std::make_unique<db::HeartbeatReader>(connect_as(access, db::Role::kWorker, "everup heartbeats"));
  probing_->ask_heartbeats_of(heartbeat_reader_.get(), zones_.get());
  return ok();
}

Status Server::start_checker() {
  const auto& data_dir = foundation_->data_dir;
  db::RecorderOptions recorder;
  recorder.connect = connect_as(foundation_->access, db::Role::kWorker, "everup recorder");
  recorder.clock = &system_clock();
  recorder.node = data_dir.node();
  recorder.boot = data_dir.boot();
  recorder.spool_directory = data_dir.path() + "/spool";
  recorder.spool_bytes_max = static_cast<std::uint64_t>(settings_.number("SPOOL_BYTES_MAX"));
  auto started = db::Recorder::start(std::move(recorder));
  if (!started) return started.error();
  recorder_ = *std::move(started);

  db::MonitorSourceOptions source;
  source.connect = connect_as(foundation_->access, db::Role::kWorker, "everup scheduler");
  source.clock = &system_clock();
  source.node = data_dir.node();
  source.boot = data_dir.boot();
  source.unseal = [vault = foundation_->vault](AccountId account, MonitorId monitor, const std::string& sealed) {
    return vault.open(sealed, db::secrets_context(account, monitor));
  };
  source.on_unreadable = [](MonitorId monitor, const Error& error) {
    spdlog::error("{} is not watched: {}", to_string(monitor), error.what);
  };
  source.outstanding = [recorder_ptr = recorder_.get()](Shard shard) { return recorder_ptr->outstanding(shard); };
  source_ = db::make_monitor_source(std::move(source));

  scheduler::SchedulerOptions options;
  const auto workers = settings_.number("WORKERS");
  options.workers = static_cast<int>(workers > 0 ? workers : std::max(1U, std::thread::hardware_concurrency()));
  options.make_probes = [probing = probing_.get()](net::Loop& loop) -> std::unique_ptr<checker::ProbeMaker> {
    auto made = probing->maker(loop);
    if (made) return *std::move(made);
    spdlog::error("no prober: {}", made.error().what);
    return nullptr;
  };
  options.clock = &system_clock();
  options.target_limit = static_cast<int>(settings_.number("TARGET_LIMIT"));
  options.say = [](const std::string& line) { spdlog::info("scheduler: {}", line); };
  scheduler_ = std::make_unique<scheduler::Scheduler>(std::move(options), *source_, *recorder_);
  return scheduler_->start();
}

Status Server::start_keeper() {
  db::KeeperOptions keeper;
  keeper.connect = connect_as(foundation_->access, db::Role::kOwner, "everup keeper");
  keeper.clock = &system_clock();
  keeper.zones = zones_.get();
  keeper.results_days = static_cast<int>(settings_.number("RETAIN_RESULTS_DAYS"));
  keeper.evidence_days = static_cast<int>(settings_.number("RETAIN_EVIDENCE_DAYS"));
  if (const auto kept = db::keep(keeper); !kept) return kept.error();  // partitions are there before the first result
  db::AmenderOptions amender;
  amender.connect = connect_as(foundation_->access, db::Role::kWorker, "everup amender");
  amender.clock = &system_clock();
  amender.node = foundation_->data_dir.node();
  amender.boot = foundation_->data_dir.boot();
  keeper_ = std::make_unique<db::Keeper>(std::move(keeper), std::make_unique<db::Amender>(std::move(amender)),
                                         db::Keeper::Schedule{},
                                         [](const Error& error) { spdlog::warn("keeper: {}", error.what); });
  return ok();
}

Status Server::start_api() {
  auto openapi = yaml_to_json(std::string(api::openapi_yaml()));
  if (!openapi) return openapi.error();
  api::ApiOptions options;
  options.listeners = std::move(listeners_);
  options.base_url = base_url_;
  options.trusted_proxies = settings_.text("TRUSTED_PROXIES");
  options.cors_origins = settings_.text("CORS_ORIGINS");
  options.rate_limit = settings_.text("RATE_LIMIT");
  options.metrics_token = settings_.text("METRICS_TOKEN");
  options.metrics_account = [this] { return AccountId{first_account_.load()}; };
  options.version = version();
  options.openapi_json = *std::move(openapi);
  options.clock = &system_clock();
  options.zones = zones_.get();
  options.monitors = monitors_.get();
  options.ledger = ledger_.get();
  options.accounts = accounts_.get();
  options.commands = commands_.get();
  options.idempotency = idempotency_.get();
  options.heartbeats = heartbeats_.get();
  options.maintenance = maintenance_.get();
  options.vault = &foundation_->vault;
  options.regex_ok = checker::regex_ok;
  options.refuse_target = [probing = probing_.get()](const Target& target) { return probing->refusal(target); };
  options.policy = &probing_->policy();
  options.resolver = probing_->resolver();
  options.make_prober = [probing = probing_.get()](net::Loop& loop) { return probing->maker(loop); };
  if (scheduler_) options.scheduler_stats = [this] { return scheduler_->stats(); };
  if (recorder_) options.recorder_stats = [this] { return recorder_->stats(); };
  options.readiness = [this] { return readiness(); };
  options.log = [](std::string_view line) { spdlog::warn("{}", line); };
  auto api = api::Api::make(std::move(options));
  if (!api) return api.error();
  api_ = *std::move(api);
  return api_->start();
}

api::Readiness Server::readiness() const {
  api::Readiness ready;
  ready.draining = draining_.load();
  ready.checks = {{"migrations", "ok"}, {"database", "ok"}, {"lag", "ok"}, {"spool", "ok"}};
  if (recorder_) {
    const auto stats = recorder_->stats();
    if (!stats.database_ok) ready.checks["database"] = "away: results wait on disk";
    if (stats.spool_bytes > 0)
      ready.checks["spool"] =
          fmt::format("{} bytes wait, the oldest for {:.0f} s", stats.spool_bytes, stats.spool_oldest_s);
  }
  if (scheduler_) {
    const auto age = scheduler_->stats().oldest_heartbeat_ms;
    if (age > 5000) ready.checks["lag"] = fmt::format("a worker has not turned for {} ms", age);
  }
  return ready;
}

Status Server::start() {
  const auto limit = net::raise_descriptor_limit();
  if (!limit) return limit.error();
  if (const auto enough = net::enough_descriptors(*limit); !enough)
    return Error{ErrorCode::kInvalid, enough.error().what};
  if (const auto opened = open_sockets(); !opened) return opened;
  auto foundation = lay_foundation(settings_);
  if (!foundation) return foundation.error();
  foundation_ = std::make_unique<Foundation>(*std::move(foundation));
  auto probing = Probing::make(settings_, base_url_);
  if (!probing) return probing.error();
  probing_ = *std::move(probing);
  zones_ = std::make_unique<TzdbZones>();
  if (const auto opened = open_stores(); !opened) return opened;
  const auto account = first_start(settings_, *foundation_, base_url_);
  if (!account) return account.error();
  first_account_ = account->value;
  if (roles_.keeper) {
    if (const auto started = start_keeper(); !started) return started;
  }
  if (roles_.checker) {
    if (const auto started = start_checker(); !started) return started;
  }
  if (roles_.api) {
    if (const auto started = start_api(); !started) return started;
    for (const auto& url : api_->urls()) fmt::print(stderr, "Everup {} listens on {}\n", version(), url);
  }
  return ok();
}

void Server::stop() {
  draining_ = true;
  const auto deadline = system_clock().now().mono + kDrain;
  if (api_) api_->drain(deadline);
  if (scheduler_) scheduler_->stop(kDrain);
  if (recorder_) recorder_->stop();
  if (scheduler_) {  // only now: the leases fence what the recorder just stored
    if (const auto released = scheduler_->release_shards(); !released)
      spdlog::warn("leases: {}", released.error().what);
  }
  if (heartbeat_reader_) heartbeat_reader_->stop();  // before the loops go that it answers to
  if (keeper_) keeper_->stop();
  api_.reset();
  if (foundation_ && foundation_->cluster) {
    if (const auto stopped = foundation_->cluster->stop(); !stopped)
      spdlog::error("PostgreSQL: {}", stopped.error().what);
  }
}

// Made by a command beside us, after we started: its admin keys open /metrics.
void Server::look_for_first_account() {
  const auto op = open_operator(foundation_->access, foundation_->vault, foundation_->data_dir.path(), "serve");
  if (!op) return;
  const auto accounts = op->store->accounts(1);
  if (accounts && !accounts->empty()) first_account_ = accounts->front().id.value;
}

void Server::look_after() {
  ++seconds_;
  if (seconds_ % 30 == 0) {
    if (const auto read = probing_->reread_own_addresses(); !read) spdlog::warn("{}", read.error().what);
  }
  if (first_account_ == 0 && seconds_ % 5 == 0) look_for_first_account();
  auto& cluster = foundation_->cluster;
  if (!cluster || cluster->alive() || seconds_ % 2 != 0) return;
  spdlog::error("the private PostgreSQL has ended; starting it again");
  db::ClusterOptions options;
  options.data_dir = foundation_->data_dir.path();
  auto started = db::PrivateCluster::start(options);
  if (started)
    *cluster = *std::move(started);
  else
    spdlog::error("PostgreSQL does not start: {}", started.error().what);
}

bool is_configuration(ErrorCode code) {
  return code == ErrorCode::kInvalid || code == ErrorCode::kConflict || code == ErrorCode::kRefused ||
         code == ErrorCode::kNotFound;
}

}  // namespace

int run_serve(const Settings& settings, const ServeOptions& options) {
  const auto roles = parse_roles(options.roles);
  if (!roles) {
    fmt::print(stderr, "everup serve: {}\n", roles.error().what);
    return kUsage;
  }
  // Before any thread: all of them inherit it, main alone takes the signals.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  Server server(settings, *roles);
  if (const auto started = server.start(); !started) {
    fmt::print(stderr, "everup serve: {}\n", started.error().what);
    server.stop();
    return is_configuration(started.error().code) ? kConfiguration : kFailed;
  }
  for (;;) {
    const timespec second{1, 0};
    const int taken = sigtimedwait(&signals, nullptr, &second);
    if (taken == SIGTERM || taken == SIGINT) break;
    if (taken == SIGHUP) spdlog::info("SIGHUP: settings are read at start only; restart to change them");
    server.look_after();
  }
  spdlog::info("stopping");
  server.stop();
  return kDone;
}

}  // namespace everup::app
