// `everup serve`: lays the foundation, starts the roles, waits for a signal, stops them in the reverse order.
//
//   listeners ─▶ user ─▶ data directory ─▶ PostgreSQL ─▶ schema ─▶ keeper ─▶ recorder ─▶ scheduler ─▶ alerter ─▶ api
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
#include "app/alerter.h"
#include "app/commands.h"
#include "app/config.h"
#include "app/database.h"
#include "app/deadman.h"
#include "app/first_start.h"
#include "app/foundation.h"
#include "app/month_closer.h"
#include "app/probing.h"
#include "app/report_signer.h"
#include "app/sentinels.h"
#include "checker/pattern.h"
#include "db/account_store.h"
#include "db/alert_store.h"
#include "db/amender.h"
#include "db/backup_sql.h"
#include "db/blindness.h"
#include "db/command_store.h"
#include "db/flip_feed.h"
#include "db/heartbeat_reader.h"
#include "db/heartbeat_store.h"
#include "db/idempotency_store.h"
#include "db/incident_store.h"
#include "db/keeper.h"
#include "db/ledger_store.h"
#include "db/maintenance_store.h"
#include "db/member_store.h"
#include "db/monitor_json.h"
#include "db/monitor_source.h"
#include "db/monitor_store.h"
#include "db/person_store.h"
#include "db/recorder.h"
#include "db/report_store.h"
#include "db/status_page_store.h"
#include "db/tool_test_store.h"
#include "net/limits.h"
#include "scheduler/scheduler.h"
#include "seal/password.h"
#include "zone/zones.h"

namespace everup::app {
namespace {

constexpr milliseconds kDrain{10'000}, kAlertsDrain{4'000};
constexpr milliseconds kClosingPeriod{600'000};

struct Roles {
  bool api = false, checker = false, alerter = false, keeper = false;
};

Result<Roles> parse_roles(const std::string& text) {
  Roles roles;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    if (word == "api")
      roles.api = true;
    else if (word == "checker")
      roles.checker = true;
    else if (word == "alerter")
      roles.alerter = true;
    else if (word == "keeper")
      roles.keeper = true;
    else
      return Error{ErrorCode::kInvalid, fmt::format("--roles: \"{}\" is none of api, checker, alerter, keeper", word)};
  }
  if (!roles.api && !roles.checker && !roles.alerter && !roles.keeper)
    return Error{ErrorCode::kInvalid, "--roles names no role: api, checker, alerter, keeper"};
  return roles;
}

constexpr double kOutboxLateS = 120;  // older alerts are told at /readyz

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
  void look_for_backup();

 private:
  Status open_sockets();
  Status open_stores();
  Status start_checker();
  Status start_sentinels();
  Status start_keeper();
  Status start_alerter();
  void start_closer();
  Status start_api();
  std::string trouble() const;
  api::ToolOptions tool_options() const;
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
  std::unique_ptr<db::PersonStore> persons_;
  std::unique_ptr<db::MemberStore> members_;
  std::unique_ptr<db::MonitorStore> monitors_;
  std::unique_ptr<db::LedgerStore> ledger_;
  std::unique_ptr<db::CommandStore> commands_;
  std::unique_ptr<db::IdempotencyStore> idempotency_;
  std::unique_ptr<db::AlertStore> alerts_;
  std::unique_ptr<db::IncidentStore> incidents_;
  std::unique_ptr<db::ReportStore> reports_;
  std::unique_ptr<ReportSigner> signer_;
  std::unique_ptr<MonthCloser> closer_;
  std::unique_ptr<db::ToolTestStore> tool_tests_;
  std::unique_ptr<db::FlipFeed> flips_;
  std::unique_ptr<db::HeartbeatStore> heartbeats_;
  std::unique_ptr<db::HeartbeatReader> heartbeat_reader_;
  std::unique_ptr<db::MaintenanceStore> maintenance_;
  std::unique_ptr<db::StatusPageStore> status_pages_;
  std::unique_ptr<db::Recorder> recorder_;
  std::unique_ptr<MonitorSource> source_;
  std::unique_ptr<scheduler::Sight> sight_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::unique_ptr<Sentinels> sentinels_;
  std::unique_ptr<db::Keeper> keeper_;
  std::unique_ptr<Alerter> alerter_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<Deadman> deadman_;
  std::atomic<std::int64_t> first_account_{0};   // 0: there is none yet
  std::atomic<std::int64_t> last_backup_ms_{0};  // 0: none is known
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
  persons_ = std::make_unique<db::PersonStore>(*api_pool_, *ids_, foundation_->vault, clock);
  members_ = std::make_unique<db::MemberStore>(*api_pool_, *ids_, foundation_->vault, clock);
  monitors_ = std::make_unique<db::MonitorStore>(*api_pool_, *ids_, foundation_->vault, clock);
  ledger_ = std::make_unique<db::LedgerStore>(*api_pool_, *public_pool_);
  reports_ = std::make_unique<db::ReportStore>(*worker_pool_, *public_pool_);
  signer_ = std::make_unique<ReportSigner>(*reports_, foundation_->vault, clock);
  commands_ = std::make_unique<db::CommandStore>(*api_pool_, *ids_, clock);
  idempotency_ = std::make_unique<db::IdempotencyStore>(*api_pool_, clock);
  alerts_ = std::make_unique<db::AlertStore>(*api_pool_, *ids_, foundation_->vault, clock);
  incidents_ = std::make_unique<db::IncidentStore>(*api_pool_, *public_pool_, *ids_, clock);
  tool_tests_ = std::make_unique<db::ToolTestStore>(*api_pool_, clock);
  db::FlipFeedOptions flips;
  flips.connect = connect_as(access, db::Role::kWorker, "everup events");
  flips.api_pool = api_pool_.get();
  flips.on_error = [](const Error& error) { spdlog::warn("events: {}", error.what); };
  flips_ = std::make_unique<db::FlipFeed>(std::move(flips));
  maintenance_ = std::make_unique<db::MaintenanceStore>(*api_pool_, *ids_, *zones_, clock);
  status_pages_ = std::make_unique<db::StatusPageStore>(*api_pool_, *public_pool_, *ids_, clock);
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
  if (const auto asking = start_sentinels(); !asking) return asking;
  options.sight = sight_.get();
  scheduler_ = std::make_unique<scheduler::Scheduler>(std::move(options), *source_, *recorder_);
  return scheduler_->start();
}

Status Server::start_sentinels() {
  auto addresses = parse_sentinels(settings_.text("SENTINELS"));
  if (!addresses) return Error{ErrorCode::kInvalid, "EVERUP_SENTINELS: " + addresses.error().what};
  sight_ = std::make_unique<scheduler::Sight>();
  SentinelOptions options;
  options.addresses = *std::move(addresses);
  options.sight = sight_.get();
  options.clock = &system_clock();
  options.store = [this](const BlindTime& time) {
    return db::store_blindness(*worker_pool_,
                               {foundation_->data_dir.node(), time.from, family_words(time.families), time.to});
  };
  options.say = [](const std::string& line) { spdlog::warn("{}", line); };
  sentinels_ = std::make_unique<Sentinels>(std::move(options));
  return ok();
}

Status Server::start_keeper() {
  db::KeeperOptions keeper;
  keeper.connect = connect_as(foundation_->access, db::Role::kOwner, "everup keeper");
  keeper.clock = &system_clock();
  keeper.zones = zones_.get();
  keeper.results_days = static_cast<int>(settings_.number("RETAIN_RESULTS_DAYS"));
  keeper.evidence_days = static_cast<int>(settings_.number("RETAIN_EVIDENCE_DAYS"));
  db::KeeperOptions first = keeper;
  first.packing.budget = milliseconds(0);
  if (const auto kept = db::keep(first); !kept) return kept.error();  // partitions are there before the first result
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

Status Server::start_alerter() {
  auto alerter = Alerter::make(settings_, *foundation_, *probing_, *zones_, base_url_);
  if (!alerter) return alerter.error();
  alerter_ = *std::move(alerter);
  return alerter_->start();
}

// The first of the checks of /readyz that is not ok; what the dead man's switch waits for.
std::string Server::trouble() const {
  for (const auto& [check, words] : readiness().checks) {
    if (words != "ok") return check + ": " + words;
  }
  return {};
}

void Server::start_closer() {
  ClosingOptions closing;
  closing.store = reports_.get();
  closing.ledger = ledger_.get();
  closing.zones = zones_.get();
  closing.clock = &system_clock();
  closing.sign = [this](const std::string& canonical, WallTime as_of) { return signer_->sign(canonical, as_of); };
  closing.sha256 = foundation_->vault.digest;
  closer_ = std::make_unique<MonthCloser>(std::move(closing), kClosingPeriod,
                                          [](const Error& error) { spdlog::warn("months: {}", error.what); });
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
  options.alerts = alerts_.get();
  options.incidents = incidents_.get();
  options.reports = reports_.get();
  options.sign_report = [this](const std::string& canonical, WallTime as_of) {
    return signer_->sign(canonical, as_of);
  };
  options.report_keys = [this] { return signer_->keys_json(); };
  options.heartbeats = heartbeats_.get();
  options.maintenance = maintenance_.get();
  options.status_pages = status_pages_.get();
  options.vault = &foundation_->vault;
  options.people = {persons_.get(), members_.get(), seal::hash_password, seal::password_matches, seal::needs_rehash};
  options.regex_ok = checker::regex_ok;
  options.refuse_target = [probing = probing_.get()](const Target& target) { return probing->refusal(target); };
  options.policy = &probing_->policy();
  options.resolver = probing_->resolver();
  options.make_prober = [probing = probing_.get()](net::Loop& loop) { return probing->maker(loop); };
  options.tools = tool_options();
  options.flips = flips_.get();
  if (scheduler_) options.scheduler_stats = [this] { return scheduler_->stats(); };
  if (recorder_) options.recorder_stats = [this] { return recorder_->stats(); };
  if (alerter_) options.delivery_stats = [this] { return alerter_->stats(); };
  options.last_backup = [this]() -> std::optional<WallTime> {
    const auto ms = last_backup_ms_.load();
    return ms == 0 ? std::nullopt : std::optional(WallTime{ms});
  };
  options.readiness = [this] { return readiness(); };
  options.log = [](std::string_view line) { spdlog::warn("{}", line); };
  auto api = api::Api::make(std::move(options));
  if (!api) return api.error();
  api_ = *std::move(api);
  return api_->start();
}

api::ToolOptions Server::tool_options() const {
  api::ToolOptions tools;
  const std::string& open = settings_.text("PUBLIC_TOOLS");
  tools.smtp = open.find("smtp") != std::string::npos;
  tools.tls = open.find("tls") != std::string::npos;
  tools.ports.clear();
  std::istringstream ports(settings_.text("TOOL_PORTS"));
  for (int port = 0; ports >> port;) tools.ports.push_back(static_cast<std::uint16_t>(port));
  tools.policy = &probing_->public_policy();
  tools.make_prober = [probing = probing_.get()](net::Loop& loop) { return probing->public_maker(loop); };
  tools.store = tool_tests_.get();
  return tools;
}

api::Readiness Server::readiness() const {
  api::Readiness ready;
  ready.draining = draining_.load();
  ready.checks = {{"migrations", "ok"}, {"database", "ok"}, {"lag", "ok"}, {"spool", "ok"}, {"outbox", "ok"}};
  if (recorder_) {
    const auto stats = recorder_->stats();
    if (stats.outbox_oldest_s > kOutboxLateS)
      ready.checks["outbox"] =
          fmt::format("{} alerts wait, the oldest for {:.0f} s", stats.outbox_pending, stats.outbox_oldest_s);
    if (!stats.database_ok) ready.checks["database"] = "away: results wait on disk";
    if (stats.spool_bytes > 0)
      ready.checks["spool"] =
          fmt::format("{} bytes wait, the oldest for {:.0f} s", stats.spool_bytes, stats.spool_oldest_s);
  }
  if (alerter_) ready.checks["relays"] = alerter_->stats().relays;
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
    start_closer();
  }
  if (roles_.checker) {
    if (const auto started = start_checker(); !started) return started;
  }
  if (roles_.alerter) {
    if (const auto started = start_alerter(); !started) return started;
  }
  if (roles_.api) {
    if (const auto started = start_api(); !started) return started;
    for (const auto& url : api_->urls()) fmt::print(stderr, "Everup {} listens on {}\n", version(), url);
  }
  if (const auto& url = settings_.text("DEADMAN_URL"); !url.empty()) {
    deadman_ = std::make_unique<Deadman>(
        url, [this] { return trouble(); }, [](const std::string& line) { spdlog::warn("{}", line); });
  }
  return ok();
}

void Server::stop() {
  draining_ = true;
  deadman_.reset();
  {  // side by side, so that the ten seconds are ten in all
    const auto deadline = system_clock().now().mono + kDrain;
    const std::jthread answers([this, deadline] { api_ ? api_->drain(deadline) : void(); });
    const std::jthread news([this] { alerter_ ? alerter_->stop(kAlertsDrain) : void(); });
    if (scheduler_) scheduler_->stop(kDrain);
  }
  sentinels_.reset();
  if (recorder_) recorder_->stop();
  if (scheduler_) {  // only now: the leases fence what the recorder just stored
    if (const auto released = scheduler_->release_shards(); !released)
      spdlog::warn("leases: {}", released.error().what);
  }
  if (closer_) closer_->stop();
  if (heartbeat_reader_) heartbeat_reader_->stop();  // before the loops go that it answers to
  if (keeper_) keeper_->stop();
  api_.reset();
  if (foundation_ && foundation_->cluster) {
    if (const auto stopped = foundation_->cluster->stop(); !stopped)
      spdlog::error("PostgreSQL: {}", stopped.error().what);
  }
}

// Made by the set-up link or by a command beside us, after we started: its admin keys open /metrics, and the command
// line here has its key.
void Server::look_for_first_account() {
  const auto op = open_operator(foundation_->access, foundation_->vault, foundation_->data_dir.path(), "serve");
  if (!op) return;
  const auto accounts = op->store->accounts(1);
  if (!accounts || accounts->empty()) return;
  first_account_ = accounts->front().id.value;
  forget_setup_link(foundation_->data_dir.path());
  if (const auto written = write_cli_key(*op, accounts->front()); !written) spdlog::warn("{}", written.error().what);
}

void Server::look_for_backup() {
  const auto saved = db::last_backup(foundation_->access);
  if (saved && *saved) last_backup_ms_ = (*saved)->ms;
}

void Server::look_after() {
  ++seconds_;
  if (seconds_ % 30 == 0) {
    if (const auto read = probing_->reread_own_addresses(); !read) spdlog::warn("{}", read.error().what);
  }
  if (first_account_ == 0 && seconds_ % 5 == 0) look_for_first_account();
  if (roles_.api && seconds_ % 15 == 1) look_for_backup();
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
