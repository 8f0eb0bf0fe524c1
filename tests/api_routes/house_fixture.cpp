#include "tests/api_routes/house_fixture.h"

#include "checker/pattern.h"
#include "db/account_store.h"
#include "db/alert_store.h"
#include "db/command_store.h"
#include "db/flip_feed.h"
#include "db/heartbeat_store.h"
#include "db/idempotency_store.h"
#include "db/incident_store.h"
#include "db/ledger_store.h"
#include "db/maintenance_store.h"
#include "db/member_store.h"
#include "db/monitor_store.h"
#include "db/person_store.h"
#include "db/report_store.h"
#include "db/status_page_store.h"
#include "net/clock.h"
#include "seal/box.h"
#include "seal/password.h"
#include "tests/support/postgres.h"
#include "zone/zones.h"

namespace everup::api {

using test::must;

namespace {
db::Vault make_vault() {
  auto box = std::make_shared<seal::Box>(std::vector<seal::KeyBytes>{seal::KeyBytes{1, 2, 3}});
  return {[box](std::string_view plain, std::string_view context) { return box->seal(plain, context); },
          [box](std::string_view sealed, std::string_view context) { return box->open(sealed, context); },
          [](std::string_view bytes) { return seal::sha256(bytes); }};
}
}  // namespace

struct Household {
  test::TestDatabase database;
  net::SystemClock clock;
  TzdbZones zones;
  db::Vault vault = make_vault();
  std::unique_ptr<db::Pool> owner = database.pool(db::Role::kOwner), api = database.pool(db::Role::kApi, 5),
                            open = database.pool(db::Role::kPublic, 5);
  std::unique_ptr<db::IdSource> ids = must(db::IdSource::open(*owner, "node", clock));
  db::MonitorStore monitors{*api, *ids, vault, clock};
  db::LedgerStore ledger{*api, *open};
  std::unique_ptr<db::Pool> worker = database.pool(db::Role::kWorker);
  db::ReportStore reports{*worker, *open};
  db::AccountStore accounts{*api, *ids, vault, clock};
  db::CommandStore commands{*api, *ids, clock};
  db::IdempotencyStore idempotency{*api, clock};
  db::AlertStore alerts{*api, *ids, vault, clock};
  db::IncidentStore incidents{*api, *open, *ids, clock};
  db::PersonStore persons{*api, *ids, vault, clock};
  db::MemberStore members{*api, *ids, vault, clock};
  db::ToolTestStore tools{*api, clock};
  db::FlipFeed flips{flip_options()};

  db::FlipFeedOptions flip_options() {
    db::FlipFeedOptions options;
    options.connect = [this]() -> Result<std::unique_ptr<db::Session>> {
      return db::Session::open(database.access(), db::Role::kWorker, "events");
    };
    options.api_pool = api.get();
    options.period = milliseconds(50);
    return options;
  }
  db::HeartbeatStore heartbeats{*api, *open, clock};
  db::MaintenanceStore maintenance{*api, *ids, zones, clock};
  db::StatusPageStore status_pages{*api, *open, *ids, clock};
  db::OperatorStore people{*owner, *ids, vault, clock};
};

ApiTest::ApiTest() : house_(std::make_unique<Household>()) {
  const auto owner = must(house_->people.create_account("owner@example.com", "Owner", ""));
  const auto other = must(house_->people.create_account("other@example.com", "Other", ""));
  owner_account = to_string(owner.id);
  owner_read = must(house_->people.create_key(owner.id, "r", db::Scope::kRead, std::nullopt)).text;
  owner_write = must(house_->people.create_key(owner.id, "w", db::Scope::kWrite, std::nullopt)).text;
  owner_admin = must(house_->people.create_key(owner.id, "a", db::Scope::kAdmin, std::nullopt)).text;
  other_admin = must(house_->people.create_key(other.id, "a", db::Scope::kAdmin, std::nullopt)).text;
}

ApiTest::~ApiTest() { stop(); }

void ApiTest::start(ApiOptions options) {
  Household& h = *house_;
  if (options.listeners.empty()) options.listeners = must(open_listeners("127.0.0.1:0"));
  options.clock = &h.clock;
  options.zones = &h.zones;
  options.monitors = &h.monitors;
  options.ledger = &h.ledger;
  options.reports = &h.reports;
  options.accounts = &h.accounts;
  options.commands = &h.commands;
  options.idempotency = &h.idempotency;
  options.alerts = &h.alerts;
  options.incidents = &h.incidents;
  options.heartbeats = &h.heartbeats;
  options.maintenance = &h.maintenance;
  options.status_pages = &h.status_pages;
  options.vault = &h.vault;
  options.people = {&h.persons, &h.members, seal::hash_password, seal::password_matches, seal::needs_rehash};
  options.tools.store = &h.tools;
  options.flips = &h.flips;
  options.regex_ok = checker::regex_ok;
  options.openapi_json = "{}";
  options.version = "0.1.0";
  if (!options.log)
    options.log = [](std::string_view line) {
      std::fprintf(stderr, "api: %.*s\n", static_cast<int>(line.size()), line.data());
    };
  api_ = must(Api::make(std::move(options)));
  ASSERT_TRUE(api_->start().ok());
  const std::string url = api_->urls().at(0);
  port_ = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

db::ToolTestStore& ApiTest::tool_tests() const { return house_->tools; }
std::unique_ptr<db::Session> ApiTest::owner_session() const { return house_->database.session(db::Role::kOwner); }
void ApiTest::stop() { api_.reset(); }

void ApiTest::sql(const std::string& text) const { house_->database.sql(text); }
std::string ApiTest::sql_value(const std::string& text) const { return house_->database.sql(text)[0][0].c_str(); }

bool ApiTest::break_database() {
  const std::string name = sql_value("SELECT current_database()");
  test::TestCluster::shared().admin("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false");
  test::TestCluster::shared().admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name +
                                    "'");
  return true;
}

test::Reply ApiTest::call(const std::string& method, const std::string& target, const std::string& key,
                          const std::string& body, const std::string& fields) const {
  std::string all = fields + "Connection: close\r\n";
  if (!key.empty()) all += "Authorization: Bearer " + key + "\r\n";
  if (!body.empty() && fields.find("Content-Type") == std::string::npos) all += "Content-Type: application/json\r\n";
  return test::Client(port_).ask(test::request(method, target, all, body), method == "HEAD");
}

std::string ApiTest::make(const std::string& key, const std::string& target) {
  const auto reply = call("POST", "/api/v1/monitors", key, R"({"target":")" + target + R"("})");
  EXPECT_EQ(reply.status, 201) << reply.body;
  return pick(reply.body, "id");
}

std::string ApiTest::make_incident(const std::string& monitor, int version) {
  const MonitorId id = *parse_id<MonitorTag>(monitor);
  const std::string now = std::to_string(house_->clock.now().wall.ms), number = std::to_string(id.value);
  sql("INSERT INTO incidents (monitor_id, version, account_id, started_at, confirmed_at, cause, link_token) SELECT "
      "id, " +
      std::to_string(version) + ", account_id, " + now + " - 60000, " + now + " - 40000, 20, substr(md5(" + number +
      " || 'x'), 1, 26) FROM monitors WHERE id = " + number);
  return db::incident_id({id, version});
}

std::string pick(const std::string& json, const std::string& name) {
  const std::string mark = "\"" + name + "\":";
  std::size_t at = json.find(mark);
  if (at == std::string::npos) return "";
  at += mark.size();
  if (json[at] == '"') return json.substr(at + 1, json.find('"', at + 1) - at - 1);
  return json.substr(at, json.find_first_of(",}]", at) - at);
}

}  // namespace everup::api
