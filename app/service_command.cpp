// `migrate`, `doctor`, `config check`, `version`: the commands about the installation itself.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "app/api_client.h"
#include "app/commands.h"
#include "app/database.h"
#include "app/foundation.h"
#include "app/privileges.h"
#include "db/backup_sql.h"
#include "db/migrate.h"
#include "net/curl_client.h"
#include "net/limits.h"

#ifndef EVERUP_VERSION
#error "EVERUP_VERSION comes from CMake"
#endif

namespace everup::app {
namespace {

struct Finding {
  std::string name;
  enum class Level { kGood, kWarning, kBad } level = Level::kGood;
  std::string text;
};

std::string_view word_of(Finding::Level level) {
  switch (level) {
    case Finding::Level::kGood:
      return "ok";
    case Finding::Level::kWarning:
      return "warning";
    case Finding::Level::kBad:
      return "bad";
  }
  return "bad";
}

// For the health check of a container: the process answers, whatever its database does (RULES D 8).
Finding alive_finding(const Settings& settings) {
  const auto answer = net::http_request({.method = "GET",
                                         .url = ApiClient::base_url(settings) + "/healthz",
                                         .unix_socket = ApiClient::unix_socket(settings),
                                         .headers = {},
                                         .body = {},
                                         .timeout_ms = 5000});
  if (!answer) return {"service", Finding::Level::kBad, "does not answer: " + answer.error().what};
  return {"service", answer->status == 200 ? Finding::Level::kGood : Finding::Level::kBad,
          fmt::format("/healthz says {}", answer->status)};
}

Finding service_finding(const Settings& settings) {
  const auto answer = net::http_request({.method = "GET",
                                         .url = ApiClient::base_url(settings) + "/readyz",
                                         .unix_socket = ApiClient::unix_socket(settings),
                                         .headers = {},
                                         .body = {},
                                         .timeout_ms = 5000});
  if (!answer) return {"service", Finding::Level::kBad, "does not answer: " + answer.error().what};
  if (answer->status != 200)
    return {"service", Finding::Level::kBad, fmt::format("/readyz says {}: {}", answer->status, answer->body)};
  const auto ready = nlohmann::json::parse(answer->body, nullptr, false);
  const bool degraded = ready.is_object() && ready.value("status", "") != "ready";
  return {"service", degraded ? Finding::Level::kWarning : Finding::Level::kGood, answer->body};
}

Finding backup_finding(const db::DatabaseAccess& access) {
  constexpr std::int64_t kOldHours = 26;  // of a nightly one
  const auto saved = db::last_backup(access);
  if (!saved) return {"backup", Finding::Level::kBad, saved.error().what};
  if (!*saved) return {"backup", Finding::Level::kWarning, "none was ever taken; everup backup DIR"};
  const std::int64_t hours = (system_clock().now().wall - **saved).count() / 3'600'000;
  return {"backup", hours > kOldHours ? Finding::Level::kWarning : Finding::Level::kGood,
          fmt::format("the last one is of {}", rfc3339(**saved))};
}

std::vector<Finding> database_findings(const Settings& settings) {
  const auto access = find_database(settings);
  if (!access) return {{"database", Finding::Level::kBad, access.error().what}};
  const auto schema = db::check_schema(*access);
  if (!schema) return {{"schema", Finding::Level::kBad, schema.error().what}};
  std::vector<Finding> out{{"schema", Finding::Level::kGood, fmt::format("version {}", schema->after)}};
  if (schema->single_role) {
    out.push_back({"roles", Finding::Level::kWarning,
                   "the database login may not create roles, so one role does everything; give it CREATEROLE to wall "
                   "accounts off twice"});
  }
  out.push_back(backup_finding(schema->access));
  return out;
}

std::vector<Finding> host_findings(const Settings& settings) {
  std::vector<Finding> out;
  const auto limit = net::raise_descriptor_limit();
  if (!limit) {
    out.push_back({"descriptors", Finding::Level::kBad, limit.error().what});
  } else if (const auto enough = net::enough_descriptors(*limit); !enough) {
    out.push_back({"descriptors", Finding::Level::kBad, enough.error().what});
  } else {
    out.push_back({"descriptors", *limit < 4096 ? Finding::Level::kWarning : Finding::Level::kGood,
                   fmt::format("limit {}", *limit)});
  }
  if (settings.text("BASE_URL").empty()) {
    out.push_back(
        {"base url", Finding::Level::kWarning, "EVERUP_BASE_URL is empty: links in pages name the listener's address"});
  }
  return out;
}

}  // namespace

const char* version() { return EVERUP_VERSION; }

int run_migrate(const Settings& settings) {
  const auto foundation = lay_foundation(settings);
  if (!foundation) {
    fmt::print(stderr, "everup migrate: {}\n", foundation.error().what);
    return foundation.error().code == ErrorCode::kUnavailable ? kFailed : kConfiguration;
  }
  fmt::print("schema version {}\n", foundation->migration.after);
  return std::fflush(stdout) == 0 ? kDone : kFailed;
}

int run_doctor(const Settings& settings, bool quick, bool json) {
  std::vector<Finding> findings{quick ? alive_finding(settings) : service_finding(settings)};
  if (!quick) {
    for (auto& finding : host_findings(settings)) findings.push_back(std::move(finding));
    for (auto& finding : database_findings(settings)) findings.push_back(std::move(finding));
  }
  bool bad = false;
  auto rows = nlohmann::ordered_json::array();
  for (const auto& finding : findings) {
    bad = bad || finding.level == Finding::Level::kBad;
    if (json)
      rows.push_back({{"name", finding.name}, {"level", word_of(finding.level)}, {"text", finding.text}});
    else
      fmt::print("{:<8} {:<12} {}\n", word_of(finding.level), finding.name, finding.text);
  }
  if (json) fmt::print("{}\n", nlohmann::ordered_json{{"findings", rows}}.dump(2));
  return std::fflush(stdout) == 0 && !bad ? kDone : kFailed;
}

int config_check(const Settings& settings, bool json) {
  fmt::print("{}", json ? settings.json() : settings.table());
  return std::fflush(stdout) == 0 ? kDone : kFailed;
}

}  // namespace everup::app
