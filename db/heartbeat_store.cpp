// See heartbeat_store.h.
#include "db/heartbeat_store.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "db/rows.h"
#include "db/sql_values.h"

namespace everup::db {
namespace {

constexpr std::size_t kTokenDigits = 32, kIdsMax = 200;
constexpr int kRecentMax = 20;

std::optional<int> code_in(const pqxx::field& field) {
  return field.is_null() ? std::nullopt : std::optional(field.as<int>());
}

// "{1,2,NULL}" of small numbers.
std::vector<std::optional<std::int64_t>> numbers_of(const pqxx::field& field) {
  std::vector<std::optional<std::int64_t>> out;
  auto parser = field.as_array();
  for (int i = 0; i < 4 * kRecentMax; ++i) {
    const auto [what, text] = parser.get_next();
    if (what == pqxx::array_parser::juncture::done) break;
    if (what == pqxx::array_parser::juncture::null_value) out.emplace_back();
    if (what == pqxx::array_parser::juncture::string_value) out.emplace_back(std::stoll(text));
  }
  return out;
}

std::vector<RecentSignal> recent_in(const pqxx::row& row) {
  const auto at = numbers_of(row["recent_at"]), signal = numbers_of(row["recent_signal"]),
             code = numbers_of(row["recent_code"]);
  std::vector<RecentSignal> out;
  for (std::size_t i = 0; i < std::min({at.size(), signal.size(), code.size()}); ++i) {
    const std::int64_t number = signal[i].value_or(0);
    if (number < 1 || number > static_cast<std::int64_t>(Signal::kLog)) continue;
    const auto exit_code = code[i] ? std::optional(static_cast<int>(*code[i])) : std::nullopt;
    out.push_back({WallTime{at[i].value_or(0)}, static_cast<Signal>(number), exit_code});
  }
  return out;
}

}  // namespace

const char* const kHeartbeatColumns = "started_at, succeeded_at, failed_at, exit_code, took_ms, body";

HeartbeatSignals heartbeat_signals_in(const pqxx::row& row, int first) {
  HeartbeatSignals out;
  out.started = time_in(row[first]), out.succeeded = time_in(row[first + 1]), out.failed = time_in(row[first + 2]);
  out.exit_code = code_in(row[first + 3]);
  if (!row[first + 4].is_null()) out.took = milliseconds(row[first + 4].as<std::int64_t>());
  if (!row[first + 5].is_null()) out.body = row[first + 5].c_str();
  return out;
}

bool plausible_heartbeat_token(std::string_view token) {
  return token.size() == kTokenDigits && std::all_of(token.begin(), token.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

HeartbeatStore::HeartbeatStore(Pool& api_pool, Pool& public_pool, const Clock& clock)
    : api_(api_pool), public_(public_pool), clock_(clock) {}

Status HeartbeatStore::tell(std::string_view token, const SignalCall& call, const std::string& body) {
  const Error unknown{ErrorCode::kNotFound, "heartbeat: there is no such token"};
  if (!plausible_heartbeat_token(token)) return unknown;
  const std::int64_t now = clock_.now().wall.ms;
  const std::string wanted(token);
  const std::optional<std::string> code =
      call.exit_code ? std::optional(std::to_string(*call.exit_code)) : std::nullopt;
  return public_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const bool found = tx.exec_params1("SELECT heartbeat_signal($1, $2::smallint, $3::smallint, $4, $5)", wanted,
                                       static_cast<int>(call.signal), code ? code->c_str() : nullptr, body, now)[0]
                           .as<bool>();
    return found ? ok() : Status(unknown);
  });
}

Result<std::map<std::int64_t, HeartbeatRow>> HeartbeatStore::find(AccountId account,
                                                                  const std::vector<MonitorId>& monitors) {
  if (monitors.size() > kIdsMax) return Error{ErrorCode::kExhausted, "heartbeats: at most 200 monitors at once"};
  std::vector<std::int64_t> ids;
  for (const MonitorId id : monitors) ids.push_back(id.value);
  std::map<std::int64_t, HeartbeatRow> out;
  if (ids.empty()) return out;
  const Status status = api_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    out.clear();
    for (const auto& row : tx.exec_params(std::string("SELECT monitor_id, token, ") + kHeartbeatColumns +
                                              ", recent_at, recent_signal, recent_code FROM account_heartbeats($1)",
                                          array_of(ids))) {
      const MonitorId id{row[0].as<std::int64_t>()};
      out[id.value] = {id, row[1].as<std::string>(), heartbeat_signals_in(row, 2), recent_in(row)};
    }
    return ok();
  });
  if (!status) return status.error();
  return out;
}

Status HeartbeatStore::rotate(AccountId account, MonitorId monitor) {
  return api_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const bool found = tx.exec_params1("SELECT account_rotate_heartbeat($1)", monitor.value)[0].as<bool>();
    return found ? ok() : Status(Error{ErrorCode::kNotFound, "heartbeat: the monitor has none"});
  });
}

}  // namespace everup::db
