// See maintenance_store.h. Which monitors a version means is kept by triggers (0006_maintenance.sql).
#include "db/maintenance_store.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "db/monitor_columns.h"
#include "db/sql_values.h"

namespace everup::db {
namespace {

constexpr std::size_t kOccurrencesMax = 1000;
constexpr int kExtendedMax = 1000;

constexpr const char* kWindowColumns =
    "SELECT id, account_id, version, name, array_to_string(monitors, ' ') AS monitors, "
    "array_to_string(tags, ' ') AS tags, starts_at, length_ms, rrule, timezone, created_at, saved_at "
    "FROM maintenance_windows ";

MaintenanceWindow window_in(const pqxx::row& row) {
  MaintenanceWindow out;
  out.id = MaintenanceId{row["id"].as<std::int64_t>()};
  out.account = AccountId{row["account_id"].as<std::int64_t>()};
  out.version = row["version"].as<std::int32_t>();
  out.name = row["name"].as<std::string>();
  if (!row["monitors"].is_null()) {
    for (const std::string& word : words_in(row["monitors"].c_str()))
      out.monitors.push_back(to_string(MonitorId{std::stoll(word)}));
  }
  if (!row["tags"].is_null()) out.tags = words_in(row["tags"].c_str());
  out.starts_at.ms = row["starts_at"].as<std::int64_t>();
  out.length = milliseconds(row["length_ms"].as<std::int64_t>());
  if (!row["rrule"].is_null()) out.rrule = row["rrule"].as<std::string>();
  out.timezone = row["timezone"].as<std::string>();
  out.created_at.ms = row["created_at"].as<std::int64_t>();
  out.saved_at.ms = row["saved_at"].as<std::int64_t>();
  return out;
}

Error no_such_window() { return {ErrorCode::kNotFound, "maintenance window: there is no such window"}; }

Result<MaintenanceWindow> held(pqxx::transaction_base& tx, AccountId account, std::string_view id, const char* lock) {
  const auto number = parse_id<MaintenanceTag>(id);
  if (!number) return no_such_window();
  const auto rows =
      tx.exec_params(std::string(kWindowColumns) + "WHERE account_id = $1 AND id = $2 AND ended_at IS NULL" + lock,
                     account.value, number->value);
  if (rows.empty()) return no_such_window();
  return window_in(rows[0]);
}

Status check_version(const MaintenanceWindow& window, std::optional<std::int32_t> expected) {
  if (!expected || *expected == window.version) return ok();
  return Error{ErrorCode::kConflict, "maintenance window: it is at version " + std::to_string(window.version) +
                                         " now, not " + std::to_string(*expected) + "; read it again"};
}

// Names and slugs become ids, in the order given.
Status resolve(pqxx::transaction_base& tx, AccountId account, std::vector<std::string>& monitors) {
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < monitors.size(); ++i) {
    const auto name = monitor_name(monitors[i]);
    pqxx::result found;
    if (name) {
      found = tx.exec_params(std::string("SELECT id FROM monitors WHERE account_id = $1 AND deleted_at IS NULL AND ") +
                                 (name->id != 0 ? "id = $2::bigint" : "slug = $2"),
                             account.value, name->id != 0 ? std::to_string(name->id) : name->slug);
    }
    if (found.empty())
      return Error{ErrorCode::kInvalid, "#/match/monitors/" + std::to_string(i) + ": there is no such monitor"};
    monitors[i] = to_string(MonitorId{found[0][0].as<std::int64_t>()});
  }
  return ok();
}

std::string ids_of(const std::vector<std::string>& monitors) {
  std::vector<std::int64_t> ids;
  for (const std::string& monitor : monitors) ids.push_back(parse_id<MonitorTag>(monitor).value_or(MonitorId{}).value);
  return array_of(ids);
}

// `list` cut to what begins at `since` at the earliest.
void add_occurrences(pqxx::transaction_base& tx, const MaintenanceWindow& window, bool everything,
                     const std::vector<Span>& list, WallTime since) {
  std::vector<std::int64_t> from, to;
  for (const Span& span : list) {
    if (span.to <= since) continue;
    from.push_back(std::max(span.from, since).ms), to.push_back(span.to.ms);
  }
  if (from.empty()) return;
  tx.exec_params(
      "INSERT INTO maintenance_occurrences (account_id, window_id, version, everything, from_at, to_at) "
      "SELECT $1, $2, $3, $4, o.from_at, o.to_at FROM unnest($5::bigint[], $6::bigint[]) AS o(from_at, to_at) "
      "ON CONFLICT DO NOTHING",
      window.account.value, window.id.value, window.version, everything, array_of(from), array_of(to));
}

// The version holds no longer: what of it is to come is no more.
void end_version(pqxx::transaction_base& tx, const MaintenanceWindow& window, WallTime now) {
  tx.exec_params("UPDATE maintenance_windows SET ended_at = $3 WHERE id = $1 AND version = $2", window.id.value,
                 window.version, now.ms);
  tx.exec_params("DELETE FROM maintenance_occurrences WHERE window_id = $1 AND version = $2 AND from_at >= $3",
                 window.id.value, window.version, now.ms);
  tx.exec_params("UPDATE maintenance_occurrences SET to_at = $3 WHERE window_id = $1 AND version = $2 AND to_at > $3",
                 window.id.value, window.version, now.ms);
}

}  // namespace

MaintenanceStore::MaintenanceStore(Pool& api_pool, IdSource& ids, const Zones& zones, const Clock& clock)
    : pool_(api_pool), ids_(ids), zones_(zones), clock_(clock) {}

Status MaintenanceStore::save(pqxx::transaction_base& tx, MaintenanceWindow& window) const {
  if (Status status = resolve(tx, window.account, window.monitors); !status) return status;
  const auto rule = rule_of(window, zones_);
  if (!rule) return rule.error();
  const WallTime until = window.saved_at + kAhead;
  const std::string ids = ids_of(window.monitors), tags = array_of(window.tags);
  tx.exec_params(
      "INSERT INTO maintenance_windows (account_id, id, version, name, monitors, tags, starts_at, length_ms, rrule, "
      "timezone, created_at, saved_at, expanded_until) VALUES ($1, $2, $3, $4, $5::bigint[], $6::text[], $7, $8, $9, "
      "$10, $11, $12, $13)",
      window.account.value, window.id.value, window.version, window.name,
      window.monitors.empty() ? nullptr : ids.c_str(), window.tags.empty() ? nullptr : tags.c_str(),
      window.starts_at.ms, window.length.count(), window.rrule.empty() ? nullptr : window.rrule.c_str(),
      window.timezone, window.created_at.ms, window.saved_at.ms, until.ms);
  // One that happens once may lie further ahead than repeated ones are worked out.
  const WallTime end = window.rrule.empty() ? window.starts_at + window.length : until;
  add_occurrences(tx, window, window.monitors.empty() && window.tags.empty(),
                  occurrences(*rule, {window.saved_at, end}, kOccurrencesMax), window.saved_at);
  return ok();
}

Result<MaintenanceWindow> MaintenanceStore::create(AccountId account, const MaintenanceDraft& draft) {
  const auto id = ids_.next();
  if (!id) return id.error();
  MaintenanceWindow window;
  const WallTime now = clock_.now().wall;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    static_cast<MaintenanceDraft&>(window) = draft;
    window.id = MaintenanceId{*id}, window.account = account, window.version = 1;
    window.created_at = window.saved_at = now;
    const auto count =
        tx.exec_params1("SELECT count(*) FROM maintenance_windows WHERE account_id = $1 AND ended_at IS NULL",
                        account.value)[0]
            .as<int>();
    if (count >= kWindowsMax)
      return Error{ErrorCode::kConflict, "maintenance windows: at most 200 of an account; remove those that are over"};
    return save(tx, window);
  });
  if (!status) return status.error();
  return window;
}

Result<MaintenanceWindow> MaintenanceStore::find(AccountId account, std::string_view id) {
  std::optional<MaintenanceWindow> out;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    auto read = held(tx, account, id, "");
    if (!read) return read.error();
    out = *std::move(read);
    return ok();
  });
  if (!status) return status.error();
  return *std::move(out);
}

Result<std::vector<MaintenanceWindow>> MaintenanceStore::list(AccountId account) {
  std::vector<MaintenanceWindow> out;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    out.clear();
    for (const auto& row :
         tx.exec_params(std::string(kWindowColumns) +
                            "WHERE account_id = $1 AND ended_at IS NULL ORDER BY created_at, id LIMIT $2",
                        account.value, kWindowsMax)) {
      out.push_back(window_in(row));
    }
    return ok();
  });
  if (!status) return status.error();
  return out;
}

Result<MaintenanceWindow> MaintenanceStore::update(AccountId account, std::string_view id,
                                                   const MaintenanceDraft& draft,
                                                   std::optional<std::int32_t> expected) {
  std::optional<MaintenanceWindow> out;
  const WallTime now = clock_.now().wall;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    auto read = held(tx, account, id, " FOR UPDATE");
    if (!read) return read.error();
    if (Status fits = check_version(*read, expected); !fits) return fits;
    out = *read;
    if (static_cast<const MaintenanceDraft&>(*read) == draft) return ok();
    end_version(tx, *read, now);
    static_cast<MaintenanceDraft&>(*out) = draft;
    ++out->version;
    out->saved_at = now;
    return save(tx, *out);
  });
  if (!status) return status.error();
  return *std::move(out);
}

Status MaintenanceStore::remove(AccountId account, std::string_view id, std::optional<std::int32_t> expected) {
  const WallTime now = clock_.now().wall;
  return pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto read = held(tx, account, id, " FOR UPDATE");
    if (!read) return read.error();
    if (Status fits = check_version(*read, expected); !fits) return fits;
    end_version(tx, *read, now);
    return ok();
  });
}

Result<int> extend_maintenance(Session& session, const Zones& zones, WallTime now, milliseconds deadline) {
  const WallTime until = now + MaintenanceStore::kAhead;
  return in_transaction(session, deadline, [&](pqxx::transaction_base& tx) -> Result<int> {
    set_operator(tx);
    int extended = 0;
    for (const auto& row : tx.exec_params(
             "SELECT id, account_id, version, starts_at, length_ms, rrule, timezone, expanded_until, "
             "monitors IS NULL AND tags IS NULL AS everything FROM maintenance_windows WHERE ended_at IS NULL AND "
             "rrule IS NOT NULL AND expanded_until < $1 ORDER BY expanded_until LIMIT $2 FOR UPDATE",
             now.ms + MaintenanceStore::kAhead.count() / 2, kExtendedMax)) {
      MaintenanceWindow window;
      window.id = MaintenanceId{row["id"].as<std::int64_t>()};
      window.account = AccountId{row["account_id"].as<std::int64_t>()};
      window.version = row["version"].as<std::int32_t>();
      window.starts_at.ms = row["starts_at"].as<std::int64_t>();
      window.length = milliseconds(row["length_ms"].as<std::int64_t>());
      window.rrule = row["rrule"].as<std::string>();
      window.timezone = row["timezone"].as<std::string>();
      const auto rule = rule_of(window, zones);
      if (!rule) continue;  // a zone that this tzdata does not know: it stays as far as it was worked out
      const WallTime from{row["expanded_until"].as<std::int64_t>()};
      auto list = occurrences(*rule, {from, until}, kOccurrencesMax);
      std::erase_if(list, [&](const Span& span) { return span.from < from; });  // those are there
      add_occurrences(tx, window, row["everything"].as<bool>(), list, from);
      tx.exec_params("UPDATE maintenance_windows SET expanded_until = $3 WHERE id = $1 AND version = $2",
                     window.id.value, window.version, until.ms);
      ++extended;
    }
    return extended;
  });
}

}  // namespace everup::db
