// See incident_store.h. Lists walk an index from the cursor's row on; attempts are read for the page in one query.
#include "db/incident_store.h"

#include <algorithm>
#include <map>
#include <pqxx/pqxx>

#include "db/channel_json.h"
#include "db/rows.h"
#include "db/sql_values.h"

namespace everup::db {
namespace {
constexpr int kAttemptsMax = 100;        // of a delivery
constexpr int kAttemptRowsMax = 20'000;  // of a page

Error no_such_incident() { return {ErrorCode::kNotFound, "incident: there is no such incident"}; }
Error no_such_link() { return {ErrorCode::kNotFound, "link: there is no such link"}; }
Error bad_cursor() { return {ErrorCode::kInvalid, "cursor: it is not one that this list gave"}; }

// Conditions with numbered parameters, in the order of adding.
class Conditions {
 public:
  template <class T>
  void add(const std::string& before, const T& value, const std::string& after = "") {
    values_.push_back(pqxx::to_string(value));
    sql_ += before + "$" + std::to_string(values_.size()) + after;
  }
  const std::string& sql() const { return sql_; }
  pqxx::result run(pqxx::transaction_base& tx, const std::string& head, const std::string& tail) const {
    return tx.exec_params(head + sql_ + tail, pqxx::prepare::make_dynamic_params(values_.begin(), values_.end()));
  }

 private:
  std::string sql_;
  std::vector<std::string> values_;
};

const std::string kIncidents =
    "SELECT i.monitor_id, i.version, m.name, i.cause, i.detail, i.started_at, i.confirmed_at, i.ended_at, "
    "i.acknowledged_at, coalesce(i.acknowledged_by, ''), i.root_cause FROM incidents i JOIN monitors m ON m.id = "
    "i.monitor_id AND m.deleted_at IS NULL WHERE ";

IncidentRow incident_in(const pqxx::row& row) {
  IncidentRow out;
  out.key = {MonitorId{row[0].as<std::int64_t>()}, row[1].as<std::int32_t>()};
  out.monitor_name = row[2].c_str();
  out.cause = row[3].as<std::int16_t>(), out.detail = row[4].c_str();
  out.started_at.ms = row[5].as<std::int64_t>(), out.confirmed_at.ms = row[6].as<std::int64_t>();
  out.ended_at = time_in(row[7]), out.acknowledged_at = time_in(row[8]);
  out.acknowledged_by = row[9].c_str(), out.root_cause = row[10].c_str();
  return out;
}

Result<IncidentRow> read_incident(pqxx::transaction_base& tx, AccountId account, const IncidentKey& key,
                                  const char* lock = "") {
  const auto rows = tx.exec_params(kIncidents + "i.account_id = $1 AND i.monitor_id = $2 AND i.version = $3" + lock,
                                   account.value, key.monitor.value, key.version);
  if (rows.empty()) return no_such_incident();
  return incident_in(rows[0]);
}

Result<std::int64_t> monitor_of(pqxx::transaction_base& tx, AccountId account, const std::string& text) {
  const auto name = monitor_name(text);
  if (!name) return name.error();
  const auto rows = tx.exec_params(std::string("SELECT id FROM monitors WHERE account_id = $1 AND deleted_at IS NULL "
                                               "AND ") +
                                       (name->id != 0 ? "id = $2::bigint" : "slug = $2"),
                                   account.value, name->id != 0 ? std::to_string(name->id) : name->slug);
  if (rows.empty()) return no_such_monitor();
  return rows[0][0].as<std::int64_t>();
}

const char* condition_of(IncidentState state) {
  switch (state) {
    case IncidentState::kOpen:
      return " AND i.ended_at IS NULL AND i.acknowledged_at IS NULL";
    case IncidentState::kAcknowledged:
      return " AND i.ended_at IS NULL AND i.acknowledged_at IS NOT NULL";
    case IncidentState::kResolved:
      return " AND i.ended_at IS NOT NULL";
  }
  return "";
}

// ---- deliveries
// ----------------------------------------------------------------------------------------------------------------------

const std::string kDeliveries =
    "SELECT d.monitor_id, d.version, d.kind, d.number, d.channel_id, d.step, d.incident, d.state, coalesce(d.reason, "
    "''), coalesce(d.message_id, ''), d.created_at, d.due_at, d.done_at, coalesce(c.name, '') FROM deliveries d LEFT "
    "JOIN channels c ON c.id = d.channel_id WHERE ";
const std::string kDeliveryOrder = "(d.created_at, d.monitor_id, d.version, d.kind, d.number, d.channel_id, d.step)";

Result<DeliveryRow> delivery_in(const pqxx::row& row) {
  const auto kind = alert_kind(row[2].as<std::int64_t>());
  const auto state = delivery_state(row[7].as<std::int64_t>());
  if (!kind || !state) return Error{ErrorCode::kCorrupt, "deliveries: unknown kind or state"};
  DeliveryRow out;
  out.key = {MonitorId{row[0].as<std::int64_t>()}, row[1].as<std::int32_t>(), *kind, row[3].as<std::int64_t>(),
             ChannelId{row[4].as<std::int64_t>()}, row[5].as<std::int16_t>()};
  if (!row[6].is_null()) out.incident = row[6].as<std::int32_t>();
  out.state = *state, out.reason = row[8].c_str(), out.message_id = row[9].c_str();
  out.created_at.ms = row[10].as<std::int64_t>(), out.due_at.ms = row[11].as<std::int64_t>();
  out.done_at = time_in(row[12]), out.channel_name = row[13].c_str();
  return out;
}

std::string delivery_cursor(const DeliveryRow& row) {
  const auto& k = row.key;
  std::string body;
  for (const std::int64_t number : {row.created_at.ms, k.monitor.value, std::int64_t{k.version},
                                    static_cast<std::int64_t>(k.kind), k.number, k.channel.value, std::int64_t{k.step}})
    body += (body.empty() ? "" : ":") + std::to_string(number);
  return to_cursor('d', body);
}

void read_attempts(pqxx::transaction_base& tx, AccountId account, std::vector<DeliveryRow>& rows) {
  std::vector<std::string> ids;
  std::multimap<std::string, DeliveryRow*> place;
  for (DeliveryRow& row : rows) {
    if (row.message_id.empty()) continue;
    ids.push_back(row.message_id), place.emplace(row.message_id, &row);
  }
  if (ids.empty()) return;
  for (const pqxx::row& row : tx.exec_params(
           "SELECT a.message_id, a.attempt, a.at, a.relay, a.reply, a.tls, a.queue_id, a.result FROM delivery_attempts "
           "a WHERE a.account_id = $1 AND (a.channel_id, a.message_id) IN (SELECT d.channel_id, d.message_id FROM "
           "deliveries d WHERE d.message_id = ANY ($2::text[])) ORDER BY a.message_id, a.attempt, a.turn LIMIT $3",
           account.value, array_of(ids), kAttemptRowsMax)) {
    const AttemptRow attempt{row[1].as<int>(),
                             {WallTime{row[2].as<std::int64_t>()}, row[3].c_str(), row[4].c_str(), row[5].c_str(),
                              row[6].c_str(), static_cast<AttemptResult>(row[7].as<std::int16_t>())}};
    const auto [first, last] = place.equal_range(row[0].c_str());
    for (auto it = first; it != last; ++it) {
      if (it->second->attempts.size() < kAttemptsMax) it->second->attempts.push_back(attempt);
    }
  }
}

Result<LinkedIncident> read_link(pqxx::transaction_base& tx, const std::string& token) {
  const auto rows = tx.exec_params(
      "SELECT name, started_at, ended_at, cause, acknowledged_at, coalesce(acknowledged_by, '') FROM "
      "public_incident($1)",
      token);
  if (rows.empty()) return no_such_link();
  const auto& row = rows[0];
  return LinkedIncident{row[0].c_str(),  WallTime{row[1].as<std::int64_t>()},
                        time_in(row[2]), time_in(row[4]),
                        row[5].c_str(),  row[3].as<std::int16_t>()};
}

}  // namespace

std::string_view slug(IncidentState state) {
  switch (state) {
    case IncidentState::kOpen:
      return "open";
    case IncidentState::kAcknowledged:
      return "acknowledged";
    case IncidentState::kResolved:
      return "resolved";
  }
  return "open";
}

IncidentStore::IncidentStore(Pool& api_pool, Pool& public_pool, IdSource& ids, const Clock& clock)
    : api_(api_pool), public_(public_pool), ids_(ids), clock_(clock) {}

Result<IncidentPage> IncidentStore::incidents(AccountId account, const IncidentQuery& query) {
  std::optional<std::vector<std::int64_t>> after;
  if (!query.cursor.empty()) {
    const auto body = from_cursor('n', query.cursor);
    after = body ? numbers_in(*body, 3) : std::nullopt;
    if (!after) return bad_cursor();
  }
  IncidentPage page;
  const Status status = api_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    page = {};
    Conditions where;
    where.add("i.account_id = ", account.value, "::bigint");
    if (!query.monitor.empty()) {
      const auto monitor = monitor_of(tx, account, query.monitor);
      if (!monitor) return monitor.error();
      where.add(" AND i.monitor_id = ", *monitor, "::bigint");
    }
    if (query.from) where.add(" AND (i.ended_at IS NULL OR i.ended_at > ", query.from->ms, "::bigint)");
    if (query.to) where.add(" AND i.started_at < ", query.to->ms, "::bigint");
    if (after) {  // newest first, then by monitor and version upwards
      where.add(" AND (i.started_at < ", (*after)[0], "::bigint");
      where.add(" OR (i.started_at = ", (*after)[0], "::bigint");
      where.add(" AND (i.monitor_id, i.version) > (", (*after)[1], "::bigint");
      where.add(", ", (*after)[2], "::bigint)))");
    }
    const std::string tail = (query.state ? std::string(condition_of(*query.state)) : std::string()) +
                             " ORDER BY i.started_at DESC, i.monitor_id, i.version LIMIT " +
                             std::to_string(std::clamp(query.limit, 1, kListMax) + 1);
    for (const pqxx::row& row : where.run(tx, kIncidents, tail)) page.incidents.push_back(incident_in(row));
    return ok();
  });
  if (!status) return status.error();
  if (static_cast<int>(page.incidents.size()) > std::clamp(query.limit, 1, kListMax)) {
    page.incidents.pop_back();
    const IncidentRow& last = page.incidents.back();
    page.next_cursor =
        to_cursor('n', std::to_string(last.started_at.ms) + ":" + std::to_string(last.key.monitor.value) + ":" +
                           std::to_string(last.key.version));
  }
  return page;
}

Result<IncidentRow> IncidentStore::incident(AccountId account, const IncidentKey& key) {
  std::optional<IncidentRow> out;
  const Status status = api_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    auto read = read_incident(tx, account, key);
    if (!read) return read.error();
    out = *std::move(read);
    return ok();
  });
  if (!status) return status.error();
  return *std::move(out);
}

Result<std::vector<IncidentUpdate>> IncidentStore::updates(AccountId account, const IncidentKey& key) {
  std::vector<IncidentUpdate> list;
  const Status status = api_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    list.clear();
    for (const pqxx::row& row : tx.exec_params("SELECT at, author, words, shown, coalesce(stage, 0) FROM "
                                               "incident_updates WHERE account_id = $1 AND monitor_id = $2 AND "
                                               "version = $3 ORDER BY id LIMIT $4",
                                               account.value, key.monitor.value, key.version, kUpdatesMax)) {
      list.push_back({WallTime{row[0].as<std::int64_t>()}, row[1].c_str(), row[2].c_str(), row[3].as<bool>(),
                      static_cast<IncidentStage>(row[4].as<int>())});
    }
    return ok();
  });
  if (!status) return status.error();
  return list;
}

Result<IncidentRow> IncidentStore::acknowledge(AccountId account, const IncidentKey& key, const std::string& who) {
  std::optional<IncidentRow> out;
  const Status status = api_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    if (auto read = read_incident(tx, account, key); !read) return read.error();
    tx.exec_params("SELECT acknowledge_incident($1, $2, $3, $4)", key.monitor.value, key.version, who,
                   clock_.now().wall.ms);
    auto read = read_incident(tx, account, key);
    if (!read) return read.error();
    out = *std::move(read);
    return ok();
  });
  if (!status) return status.error();
  return *std::move(out);
}

Result<IncidentUpdate> IncidentStore::add_update(AccountId account, const IncidentKey& key, const std::string& who,
                                                 const UpdateDraft& draft) {
  const auto id = ids_.next();
  if (!id) return id.error();
  const IncidentUpdate update{clock_.now().wall, who, draft.text, draft.shown, draft.stage};
  const Status status = api_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    if (auto read = read_incident(tx, account, key, " FOR UPDATE OF i"); !read) return read.error();
    const auto count = tx.exec_params1(
        "SELECT count(*) FROM incident_updates WHERE account_id = $1 AND monitor_id = $2 AND version = $3",
        account.value, key.monitor.value, key.version);
    if (count[0].as<int>() >= kUpdatesMax)
      return Error{ErrorCode::kExhausted, "incident: at most 200 updates are allowed"};
    tx.exec_params(
        "INSERT INTO incident_updates (monitor_id, version, id, account_id, at, author, words, shown, stage) VALUES "
        "($1, "
        "$2, $3, $4, $5, $6, $7, $8, nullif($9::smallint, 0))",
        key.monitor.value, key.version, *id, account.value, update.at.ms, who, draft.text, draft.shown,
        static_cast<int>(draft.stage));
    return ok();
  });
  if (!status) return status.error();
  return update;
}

Result<IncidentRow> IncidentStore::set_root_cause(AccountId account, const IncidentKey& key, const std::string& text) {
  std::optional<IncidentRow> out;
  const Status status = api_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    auto read = read_incident(tx, account, key, " FOR UPDATE OF i");
    if (!read) return read.error();
    tx.exec_params("UPDATE incidents SET root_cause = $4 WHERE account_id = $1 AND monitor_id = $2 AND version = $3",
                   account.value, key.monitor.value, key.version, text);
    out = *std::move(read);
    out->root_cause = text;
    return ok();
  });
  if (!status) return status.error();
  return *std::move(out);
}

Result<DeliveryPage> IncidentStore::deliveries(AccountId account, const DeliveryQuery& query) {
  std::optional<std::vector<std::int64_t>> before;
  if (!query.cursor.empty()) {
    const auto body = from_cursor('d', query.cursor);
    before = body ? numbers_in(*body, 7) : std::nullopt;
    if (!before) return bad_cursor();
  }
  Conditions where;
  where.add("d.account_id = ", account.value, "::bigint");
  if (query.incident) {
    where.add(" AND d.monitor_id = ", query.incident->monitor.value, "::bigint");
    where.add(" AND d.incident = ", query.incident->version, "::integer");
  }
  if (query.channel) where.add(" AND d.channel_id = ", query.channel->value, "::bigint");
  if (query.state) where.add(" AND d.state = ", static_cast<int>(*query.state), "::smallint");
  if (query.only) {
    const DeliveryKey& k = *query.only;
    where.add(" AND d.monitor_id = ", k.monitor.value, "::bigint");
    where.add(" AND d.version = ", k.version, "::integer");
    where.add(" AND d.kind = ", static_cast<int>(k.kind), "::smallint");
    where.add(" AND d.number = ", k.number, "::bigint");
    where.add(" AND d.channel_id = ", k.channel.value, "::bigint");
    where.add(" AND d.step = ", k.step, "::smallint");
  }
  if (before) {
    for (std::size_t i = 0; i < before->size(); ++i)
      where.add(i == 0 ? " AND " + kDeliveryOrder + " < (" : ", ", (*before)[i], "::bigint");
  }
  const int limit = std::clamp(query.limit, 1, kListMax);
  const std::string order =
      "d.created_at DESC, d.monitor_id DESC, d.version DESC, d.kind DESC, d.number DESC, "
      "d.channel_id DESC, d.step DESC";
  const std::string tail =
      (before ? ")" : "") + std::string(" ORDER BY ") + order + " LIMIT " + std::to_string(limit + 1);
  DeliveryPage page;
  const Status status = api_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    page = {};
    for (const pqxx::row& row : where.run(tx, kDeliveries, tail)) {
      auto delivery = delivery_in(row);
      if (!delivery) return delivery.error();
      page.deliveries.push_back(*std::move(delivery));
    }
    if (static_cast<int>(page.deliveries.size()) > limit) {
      page.deliveries.pop_back();
      page.next_cursor = delivery_cursor(page.deliveries.back());
    }
    read_attempts(tx, account, page.deliveries);
    return ok();
  });
  if (!status) return status.error();
  return page;
}

Result<LinkedIncident> IncidentStore::by_link(std::string_view token) {
  std::optional<LinkedIncident> out;
  const Status status = public_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    auto read = read_link(tx, std::string(token));
    if (!read) return read.error();
    out = *std::move(read);
    return ok();
  });
  if (!status) return status.error();
  return *std::move(out);
}

Result<LinkedIncident> IncidentStore::acknowledge_by_link(std::string_view token) {
  std::optional<LinkedIncident> out;
  const std::string text(token);
  const Status status = public_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec_params("SELECT public_acknowledge($1, $2)", text, clock_.now().wall.ms);
    auto read = read_link(tx, text);
    if (!read) return read.error();
    out = *std::move(read);
    return ok();
  });
  if (!status) return status.error();
  return *std::move(out);
}

Result<bool> IncidentStore::subscribed(std::string_view token, bool off) {
  std::optional<bool> on;
  const Status status = public_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto row =
        tx.exec_params1("SELECT public_unsubscribe($1, $2, $3)", std::string(token), off, clock_.now().wall.ms);
    if (row[0].is_null()) return no_such_link();
    on = row[0].as<bool>();
    return ok();
  });
  if (!status) return status.error();
  return *on;
}

}  // namespace everup::db
