// See monitor_store.h. Version history, change feed and NOTIFY are written by triggers (0002_access.sql), so no path
// can forget them. Inserts are one statement over arrays: COPY is refused under row-level security. Lists are two
// queries: the page of monitors, then what is live of it. Lists by state, by since, of unknown ones and by a part of a
// name come from functions that walk an index (0003_lists.sql); combined with other filters they join all standings.
#include "db/monitor_store.h"

#include <algorithm>
#include <map>
#include <pqxx/pqxx>

#include "db/cold_rows.h"
#include "db/monitor_columns.h"
#include "db/monitor_json.h"
#include "db/random_text.h"
#include "db/rows.h"
#include "db/sql_values.h"

namespace everup::db {
namespace {
constexpr milliseconds kBulkDeadline{60'000};
constexpr milliseconds kLastResultAge{3 * kDayMs};
constexpr std::size_t kTokenDigits = 26;  // 130 random bits
constexpr std::size_t kQueryTextMax = 200, kQueryTagsMax = 20;
constexpr int kSlugAttempts = 3;
constexpr std::int64_t kBeforeAll = -1;  // no key of a list is smaller

Error invalid(std::string what) { return {ErrorCode::kInvalid, std::move(what)}; }

// ---- insert
// -----------------------------------------------------------------------------------------------------------------------------

constexpr const char* kInsert =
    "INSERT INTO monitors (id, account_id, slug, name, target, kind, interval_s, timeout_ms, confirm, options, expect, "
    "warn, secrets, tags, "
    "paused, timezone, public_badge, public_report, show_target, badge_token, report_token, shard, suspicion_ms, "
    "created_at, updated_at, revised_at) "
    "SELECT n.id, $1, n.slug, n.name, n.target, n.kind, n.interval_s, n.timeout_ms, n.confirm, n.options, n.expect, "
    "n.warn, n.secrets, "
    "n.tags::text[], n.paused, n.timezone, n.public_badge, n.public_report, n.show_target, n.badge_token, "
    "n.report_token, n.shard, n.suspicion_ms, $2, $2, $2 "
    "FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::integer[], $9::integer[], "
    "$10::jsonb[], $11::jsonb[], "
    "$12::jsonb[], $13::jsonb[], $14::bytea[], $15::text[], $16::boolean[], $17::text[], $18::boolean[], "
    "$19::boolean[], $20::boolean[], "
    "$21::text[], $22::text[], $23::smallint[], $24::integer[]) AS n(id, slug, name, target, kind, interval_s, "
    "timeout_ms, confirm, "
    "options, expect, warn, "
    "secrets, tags, paused, timezone, public_badge, public_report, show_target, badge_token, report_token, shard, "
    "suspicion_ms)";

std::int64_t suspicion_ms(const MonitorDraft& m) {
  return horizon_of(m.interval_s * 1000LL, m.timeout_ms, m.confirm).count();
}

// The arrays of one INSERT.
struct Arrays {
  std::vector<std::string> slug, name, target, confirm, options, expect, warn, tags, timezone, badge, report;
  std::vector<std::optional<std::string>> secrets;
  std::vector<std::int64_t> id, kind, interval_s, timeout_ms, paused, public_badge, public_report, show_target, shard,
      suspicion;

  void add(const Monitor& m, MonitorColumns&& columns) {
    id.push_back(m.id.value), slug.push_back(m.slug), name.push_back(m.name), target.push_back(m.target.url());
    kind.push_back(static_cast<std::int64_t>(m.target.kind)), interval_s.push_back(m.interval_s),
        timeout_ms.push_back(m.timeout_ms);
    confirm.push_back(std::move(columns.confirm)), options.push_back(std::move(columns.options));
    expect.push_back(std::move(columns.expect)), warn.push_back(std::move(columns.warn)),
        tags.push_back(std::move(columns.tags));
    secrets.push_back(std::move(columns.secrets));
    paused.push_back(m.paused), timezone.push_back(m.timezone), public_badge.push_back(m.links.badge);
    public_report.push_back(m.links.report), show_target.push_back(m.links.show_target);
    badge.push_back(m.badge_token), report.push_back(m.report_token), shard.push_back(shard_of(m.id));
    suspicion.push_back(suspicion_ms(m));
  }
  void insert(pqxx::transaction_base& tx, AccountId account, WallTime now) const {
    tx.exec_params(kInsert, account.value, now.ms, array_of(id), array_of(slug), array_of(name), array_of(target),
                   array_of(kind), array_of(interval_s), array_of(timeout_ms), array_of(confirm), array_of(options),
                   array_of(expect), array_of(warn), array_of(secrets), array_of(tags), array_of(paused),
                   array_of(timezone), array_of(public_badge), array_of(public_report), array_of(show_target),
                   array_of(badge), array_of(report), array_of(shard), array_of(suspicion));
  }
};

Monitor new_monitor(const MonitorDraft& draft, std::int64_t id, AccountId account, WallTime now) {
  Monitor m;
  static_cast<MonitorDraft&>(m) = draft;
  m.id = MonitorId{id};
  m.account = account;
  m.badge_token = random_base32(kTokenDigits);
  m.report_token = random_base32(kTokenDigits);
  m.created_at = m.updated_at = now;
  return m;
}

// All of them or none. A slug that somebody else took between choice and INSERT is chosen again.
Result<std::vector<Monitor>> insert_all(Pool& pool, IdSource& ids, const Vault& vault, AccountId account,
                                        const std::vector<MonitorDraft>& drafts, WallTime now, bool bulk) {
  const auto numbers = ids.next(static_cast<int>(drafts.size()));
  if (!numbers) return numbers.error();
  std::vector<Monitor> monitors;
  for (std::size_t i = 0; i < drafts.size(); ++i)
    monitors.push_back(new_monitor(drafts[i], (*numbers)[i], account, now));
  for (int attempt = 1;; ++attempt) {
    const Status status =
        pool.as_account(account, bulk ? kBulkDeadline : kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
          auto slugs = choose_slugs(tx, account, drafts, *numbers, bulk);
          if (!slugs) return slugs.error();
          Arrays arrays;
          for (std::size_t i = 0; i < monitors.size(); ++i) {
            monitors[i].slug = std::move((*slugs)[i]);
            arrays.add(monitors[i], columns_of(monitors[i], account, monitors[i].id, vault));
          }
          arrays.insert(tx, account, now);
          return ok();
        });
    if (status) return monitors;
    if (!Pool::last_failure().concerns("monitors_slug") || attempt == kSlugAttempts) return status.error();
  }
}

// ---- find and change
// ----------------------------------------------------------------------------------------------------------------------

Result<ReadMonitor> read_one(pqxx::transaction_base& tx, AccountId account, const MonitorName& name, const Vault& vault,
                             const char* lock) {
  const auto rows = tx.exec_params(std::string("SELECT ") + kMonitorColumns +
                                       " FROM monitors m WHERE m.account_id = $1 AND m.deleted_at IS NULL AND " +
                                       (name.id != 0 ? "m.id = $2::bigint" : "m.slug = $2") + lock,
                                   account.value, name.id != 0 ? std::to_string(name.id) : name.slug);
  if (rows.empty()) return no_such_monitor();
  return monitor_in(rows[0], vault);
}

Status check_revision(const Monitor& monitor, std::optional<std::int32_t> expected) {
  if (!expected || *expected == monitor.revision) return ok();
  return Error{ErrorCode::kConflict, "monitor: it is at revision " + std::to_string(monitor.revision) + " now, not " +
                                         std::to_string(*expected) + "; read it again"};
}

// The row as it stands in `m`, one revision further. `keep_sealed`: secrets that could not be opened and were not given
// anew stay as they are, for the day the key is found.
void write_back(pqxx::transaction_base& tx, Monitor& m, WallTime now, const Vault& vault, bool keep_sealed) {
  ++m.revision;
  m.updated_at = now;
  const MonitorColumns columns = columns_of(m, m.account, m.id, vault);
  tx.exec_params(
      "UPDATE monitors SET slug = $3, name = $4, target = $5, kind = $6, interval_s = $7, timeout_ms = $8, confirm = "
      "$9, options = $10, "
      "expect = $11, warn = $12, secrets = CASE WHEN $24::boolean THEN secrets ELSE $13::bytea END, tags = $14, paused "
      "= $15, timezone = $16, public_badge = $17, "
      "public_report = $18, "
      "show_target = $19, badge_token = $20, report_token = $21, revision = $22, updated_at = $23, revised_at = $23, "
      "suspicion_ms = $25 "
      "WHERE account_id = $1 AND id = $2",
      m.account.value, m.id.value, m.slug, m.name, m.target.url(), static_cast<int>(m.target.kind), m.interval_s,
      m.timeout_ms, columns.confirm, columns.options, columns.expect, columns.warn,
      columns.secrets ? columns.secrets->c_str() : nullptr, columns.tags, m.paused, m.timezone, m.links.badge,
      m.links.report, m.links.show_target, m.badge_token, m.report_token, m.revision, now.ms, keep_sealed,
      suspicion_ms(m));
}

using Change = std::function<Result<bool>(Monitor&)>;  // false: nothing to write

// Reads the row locked, changes it, writes it back.
Result<Monitor> change(Pool& pool, const Vault& vault, WallTime now, AccountId account, std::string_view id,
                       const Change& how) {
  const auto name = monitor_name(id);
  if (!name) return name.error();
  std::optional<Monitor> out;
  const Status status = pool.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    auto read = read_one(tx, account, *name, vault, " FOR UPDATE");
    if (!read) return read.error();
    const bool lost = read->secrets_lost;
    out = std::move(read->monitor);
    const auto changed = how(*out);
    if (!changed) return changed.error();
    if (!*changed) return ok();
    write_back(tx, *out, now, vault, lost && !any_secret(out->settings));
    return ok();
  });
  if (!status && Pool::last_failure().concerns("monitors_slug")) {
    return Error{ErrorCode::kConflict, "#/slug: another monitor has the slug " + out->slug};
  }
  if (!status) return status.error();
  return *std::move(out);
}

// ---- list
// ---------------------------------------------------------------------------------------------------------------------------------

struct Order {
  const char* key;   // SQL; empty: by id alone
  const char* type;  // of the cursor's parameter
  bool live;         // needs standings
};
Order order_of(MonitorSort sort) {
  switch (sort) {
    case MonitorSort::kId:
      return {"m.id", "bigint", false};
    case MonitorSort::kName:
      return {"m.name", "text", false};
    case MonitorSort::kState:
      return {"x.rank", "bigint", true};
    case MonitorSort::kSince:
      return {"x.since", "bigint", true};
    case MonitorSort::kCreatedAt:
      return {"m.created_at", "bigint", false};
  }
  return {"m.id", "bigint", false};
}

// State and since in SQL, the same rule as live_state() (a test compares them). $2 is now. Down first.
constexpr const char* kLiveJoin =
    " CROSS JOIN LATERAL (SELECT $2::bigint - m.interval_s * 1000::bigint - m.timeout_ms - 30000 AS oldest, $2::bigint "
    "- "
    "greatest(m.suspicion_ms, m.interval_s * 1000::bigint + m.timeout_ms + 30000) AS suspected) h"
    " CROSS JOIN LATERAL (SELECT CASE WHEN m.paused THEN 6 WHEN m.booked IS NULL OR coalesce(m.observed_through, 0) < "
    "h.oldest OR m.pending_since < h.suspected OR m.booked_since = 0 THEN 4 ELSE m.booked END AS state) t"
    " CROSS JOIN LATERAL (SELECT t.state, (CASE t.state WHEN 3 THEN 0 WHEN 4 THEN 1 WHEN 2 THEN 2 WHEN 1 THEN 3 ELSE "
    "t.state END)::bigint AS rank, coalesce(CASE WHEN m.paused THEN m.revised_at WHEN t.state <> 4 THEN m.booked_since"
    " WHEN coalesce(m.observed_through, 0) < h.oldest THEN m.observed_through ELSE m.pending_since END, 0) AS since) x";

struct ListCursor {
  std::string key;
  std::int64_t id = 0;
};
char cursor_kind(MonitorSort sort) { return static_cast<char>('A' + static_cast<int>(sort)); }

Result<std::optional<ListCursor>> cursor_in(const MonitorQuery& query) {
  if (query.cursor.empty()) return std::optional<ListCursor>{};
  const Error wrong = invalid("cursor: it is not one that this list gave, or the sort has changed");
  const auto body = from_cursor(cursor_kind(query.sort), query.cursor);
  const auto colon = body ? body->find(':') : std::string::npos;
  if (colon == std::string::npos) return wrong;
  const auto id = numbers_in(body->substr(0, colon), 1);
  ListCursor out{body->substr(colon + 1), id ? (*id)[0] : 0};
  const bool text = query.sort == MonitorSort::kName;
  if (!id || out.key.find('\0') != std::string::npos || (!text && !numbers_in(out.key, 1))) return wrong;
  return std::optional(std::move(out));
}

Status check_query(const MonitorQuery& query) {
  if (query.limit < 1 || query.limit > MonitorStore::kListMax) return invalid("limit: 1 to 200 are allowed");
  if (query.q.size() > kQueryTextMax || query.q.find('\0') != std::string::npos)
    return invalid("q: at most 200 bytes of text are allowed");
  if (query.tags.size() > kQueryTagsMax) return invalid("tag: at most 20 are allowed");
  for (const std::string& tag : query.tags) {
    if (tag.size() > 50 || tag.find('\0') != std::string::npos)
      return invalid("tag: at most 50 characters are allowed");
  }
  return ok();
}

// A condition of its own where an index finds the few.
std::string what_it_implies(State state) {
  switch (state) {
    case State::kDown:
      return " AND m.booked = 3";
    case State::kDegraded:
      return " AND m.booked = 2";
    case State::kUp:
      return " AND m.booked = 1";
    case State::kPaused:
      return " AND m.paused";
    case State::kUnknown:
      return " AND m.id IN (SELECT account_unknown($2, 0, 2147483647))";
    case State::kMaintenance:
    case State::kBeforeCreation:
      return "";
  }
  return "";
}

// Maintenance is laid over what is booked, paused over both.
std::string state_filter(State state) {
  const char* const kIn = "m.id IN (SELECT account_in_maintenance($2))";
  if (state == State::kMaintenance) return std::string(" AND $5::bigint IS NOT NULL AND NOT m.paused AND ") + kIn;
  const std::string sql = " AND x.state = $5::bigint" + what_it_implies(state);
  return state == State::kPaused ? sql : sql + " AND NOT " + kIn;
}

// Every parameter is always there, so that their numbers are fixed: $1 account, $2 now, $3 q, $4 tags, $5 state, $6
// kind, $7 paused, $8 cursor key, $9 cursor id, $10 limit. Null: not asked.
std::string list_filters(const MonitorQuery& query, const Order& order, bool more) {
  std::string sql = " WHERE m.account_id = $1 AND $2::bigint IS NOT NULL";
  sql += query.q.empty() ? " AND $3::text IS NULL" : " AND m.id IN (SELECT account_search($3, 0, 2147483647))";
  sql += query.tags.empty() ? " AND $4::text IS NULL" : " AND m.tags @> $4::text[]";
  sql += query.state ? state_filter(*query.state) : " AND $5::bigint IS NULL";
  sql += query.kind ? " AND m.kind = $6::smallint" : " AND $6::smallint IS NULL";
  sql += query.paused ? " AND m.paused = $7::boolean" : " AND $7::boolean IS NULL";
  const std::string at_least = std::string("(") + order.key + ", m.id) > ($8::" + order.type + ", $9::bigint)";
  sql += more ? " AND " + at_least : std::string(" AND $8::text IS NULL AND $9::bigint IS NULL");
  return sql;
}

// Lists whose page an index finds. Parameters: $1 now, $2 pattern, $3 cursor key, $4 cursor id, $5 limit; each form
// names all of them, so that their types are known. Null: not one of these.
const char* page_sql(const MonitorQuery& query) {
  if (!query.tags.empty() || query.kind || query.paused) return nullptr;
  const bool by_live = query.sort == MonitorSort::kState || query.sort == MonitorSort::kSince;
  if (query.q.empty() && !query.state && by_live) {
    return query.sort == MonitorSort::kSince
               ? "SELECT id, key FROM account_list(true, $1, $3, $4, $5) WHERE $2::text IS NULL"
               : "SELECT id, key FROM account_list(false, $1, $3, $4, $5) WHERE $2::text IS NULL";
  }
  if (query.sort != MonitorSort::kId) return nullptr;
  if (query.q.empty() && query.state == State::kUnknown)
    return "SELECT id, id AS key FROM account_unknown($1, $4, $5) id WHERE $2::text IS NULL AND $3::bigint IS NOT NULL";
  if (!query.q.empty() && !query.state)
    return "SELECT id, id AS key FROM account_search($2, $4, $5) id WHERE $1::bigint IS NOT NULL AND $3::bigint IS NOT "
           "NULL";
  return nullptr;
}

// Else by state or since the whole account is looked at: narrowly first, the page's rows then.
std::string list_sql(const MonitorQuery& query, const Order& order, bool more) {
  const std::string rest = list_filters(query, order, more), by = std::string(" ORDER BY ") + order.key + ", m.id";
  const std::string key = order.key;
  if (!order.live && !query.state) {
    return std::string("SELECT ") + kMonitorColumns + ", (" + key + ")::text AS sort_key FROM monitors m" + rest +
           " AND m.deleted_at IS NULL" + by + " LIMIT $10";
  }
  return std::string("SELECT ") + kMonitorColumns + ", p.key::text AS sort_key FROM (SELECT m.id, " + key +
         " AS key FROM account_monitors m" + kLiveJoin + rest + by +
         " LIMIT $10) p JOIN monitors m ON m.id = p.id ORDER BY p.key, p.id";
}

template <class T>
std::optional<std::string> text_of(const std::optional<T>& value) {
  if (!value) return std::nullopt;
  return std::to_string(static_cast<std::int64_t>(*value));
}
const char* or_null(const std::optional<std::string>& text) { return text ? text->c_str() : nullptr; }

pqxx::result list_rows(pqxx::transaction_base& tx, AccountId account, const MonitorQuery& query,
                       const std::optional<ListCursor>& cursor, WallTime now) {
  const std::optional<std::string> q = query.q.empty() ? std::nullopt : std::optional(like_anywhere(query.q));
  const std::optional<std::string> tags = query.tags.empty() ? std::nullopt : std::optional(array_of(query.tags));
  if (const char* page = page_sql(query)) {
    return tx.exec_params(std::string("SELECT ") + kMonitorColumns + ", p.key::text AS sort_key FROM (" + page +
                              ") p JOIN monitors m ON m.id = p.id ORDER BY p.key, p.id",
                          now.ms, or_null(q), cursor ? cursor->key : std::to_string(kBeforeAll),
                          cursor ? cursor->id : kBeforeAll, query.limit + 1);
  }
  const auto state = text_of(query.state), kind = text_of(query.kind);
  const std::optional<std::string> paused =
      query.paused ? std::optional<std::string>(*query.paused ? "true" : "false") : std::nullopt;
  const auto id = cursor ? std::optional(std::to_string(cursor->id)) : std::nullopt;
  return tx.exec_params(list_sql(query, order_of(query.sort), cursor.has_value()), account.value, now.ms, or_null(q),
                        or_null(tags), or_null(state), or_null(kind), or_null(paused),
                        cursor ? cursor->key.c_str() : nullptr, or_null(id), query.limit + 1);
}

using ById = std::map<std::int64_t, MonitorView*>;
ById by_id_of(std::vector<MonitorView>& views) {
  ById out;
  for (MonitorView& view : views) out[view.monitor.id.value] = &view;
  return out;
}
std::string ids_of(const ById& by_id) {
  std::vector<std::int64_t> ids;
  for (const auto& [id, view] : by_id) ids.push_back(id);
  return array_of(ids);
}

// Those that are in maintenance now, and since when.
std::map<std::int64_t, WallTime> maintenance_of(pqxx::transaction_base& tx, const ById& by_id, WallTime now) {
  std::map<std::int64_t, WallTime> since;
  for (const auto& row : tx.exec_params(
           "SELECT monitor, min(from_at) FROM account_maintenance($1, $2::bigint, $2::bigint + 1) GROUP BY 1",
           ids_of(by_id), now.ms)) {
    since[row[0].as<std::int64_t>()] = WallTime{row[1].as<std::int64_t>()};
  }
  return since;
}

Status add_states(pqxx::transaction_base& tx, const ById& by_id, WallTime now) {
  const auto maintenance = maintenance_of(tx, by_id, now);
  for (const auto& row :
       tx.exec_params("SELECT monitor_id, booked, booked_since, pending_since, observed_through, paused_since "
                      "FROM account_live($1)",
                      ids_of(by_id))) {
    MonitorView& view = *by_id.at(row[0].as<std::int64_t>());
    LiveFacts facts{view.monitor.paused,
                    std::nullopt,
                    time_in(row[2]),
                    time_in(row[3]),
                    time_in(row[4]),
                    time_in(row[5]),
                    view.monitor.interval_s * 1000LL,
                    view.monitor.timeout_ms,
                    view.monitor.confirm,
                    std::nullopt};
    if (!row[1].is_null()) facts.booked = row[1].as<std::int64_t>();
    if (const auto found = maintenance.find(row[0].as<std::int64_t>()); found != maintenance.end())
      facts.maintenance_since = found->second;
    const auto live = live_state(facts, now);
    if (!live) return live.error();
    view.state = live->state, view.since = live->since, view.suspect_since = live->suspect_since;
  }
  return ok();
}

void take_last(MonitorView& view, ResultRow&& result) {
  if (view.last_result && result.slot_at <= view.last_result->slot_at) return;
  view.last_checked_at = result.started_at;
  view.last_result = std::move(result);
}

// Of those whose last look is not among the rows: packed hours know it.
Status add_last_packed(pqxx::transaction_base& tx, const ById& by_id, Span slots) {
  const WallTime packed = storage_marks(tx).packed_through;
  std::vector<std::int64_t> wanted;
  for (const auto& [id, view] : by_id) {
    if (!view->last_result || view->last_result->slot_at < packed) wanted.push_back(id);
  }
  if (wanted.empty() || slots.from >= packed) return ok();
  for (const auto& row : tx.exec_params("SELECT monitor_id, hour_at, codec, body FROM account_last_chunks($1, $2, $3)",
                                        array_of(wanted), slots.from.ms, slots.to.ms)) {
    const MonitorId id{row[0].as<std::int64_t>()};
    const auto looks = chunk_in(id, WallTime{row[1].as<std::int64_t>()}, row[2].as<int>(), bytes_in(row[3]));
    if (!looks) return looks.error();
    const auto last =
        std::find_if(looks->rbegin(), looks->rend(), [](const ChunkRow& look) { return look.verdict != 0; });
    if (last == looks->rend() || !slots.contains(last->slot_at)) continue;
    auto result = result_of(id, kLocalRegion, *last);
    if (!result) return result.error();
    take_last(*by_id.at(id.value), *std::move(result));
  }
  return ok();
}

Status add_last_results(pqxx::transaction_base& tx, const ById& by_id, Span slots) {
  for (const auto& row :
       tx.exec_params(std::string("SELECT ") + kResultColumns + " FROM account_last_results($1, $2, $3) r",
                      ids_of(by_id), slots.from.ms, slots.to.ms)) {
    auto result = result_in(row);
    if (!result) return result.error();
    take_last(*by_id.at(result->monitor.value), *std::move(result));
  }
  return add_last_packed(tx, by_id, slots);
}

// Adds state and last result to monitors of one page. Slots lie at most minutes ahead of now: no day after tomorrow is
// looked at, and the days before `kLastResultAge` only for a single monitor that has nothing younger.
Status add_live(pqxx::transaction_base& tx, std::vector<MonitorView>& views, WallTime now, bool whole_past) {
  const ById by_id = by_id_of(views);
  const WallTime recent = now - kLastResultAge;
  if (Status status = add_states(tx, by_id, now); !status) return status;
  if (Status status = add_last_results(tx, by_id, {recent, now + milliseconds(kDayMs)}); !status) return status;
  if (!whole_past || views.front().last_result) return ok();
  return add_last_results(tx, by_id, {WallTime{0}, recent});
}

}  // namespace

std::optional<MonitorSort> parse_monitor_sort(std::string_view text) {
  for (const auto& [word, sort] : {std::pair<std::string_view, MonitorSort>{"id", MonitorSort::kId},
                                   {"name", MonitorSort::kName},
                                   {"state", MonitorSort::kState},
                                   {"since", MonitorSort::kSince},
                                   {"created_at", MonitorSort::kCreatedAt}}) {
    if (text == word) return sort;
  }
  return std::nullopt;
}

MonitorStore::MonitorStore(Pool& api_pool, IdSource& ids, const Vault& vault, const Clock& clock)
    : pool_(api_pool), ids_(ids), vault_(vault), clock_(clock) {}

Result<Monitor> MonitorStore::create(AccountId account, const MonitorDraft& draft) {
  auto made = insert_all(pool_, ids_, vault_, account, {draft}, clock_.now().wall, false);
  if (!made) return made.error();
  return std::move(made->front());
}

Result<std::vector<MonitorId>> MonitorStore::create_bulk(AccountId account, const std::vector<MonitorDraft>& drafts) {
  if (drafts.empty() || drafts.size() > kBulkMax) return invalid("#/monitors: 1 to 10000 are allowed");
  const auto made = insert_all(pool_, ids_, vault_, account, drafts, clock_.now().wall, true);
  if (!made) return made.error();
  std::vector<MonitorId> out;
  for (const Monitor& monitor : *made) out.push_back(monitor.id);
  return out;
}

Result<MonitorView> MonitorStore::find(AccountId account, std::string_view id) {
  const auto name = monitor_name(id);
  if (!name) return name.error();
  const WallTime now = clock_.now().wall;
  std::vector<MonitorView> views;
  const Status status = pool_.as_account(
      account, kStoreDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        auto read = read_one(tx, account, *name, vault_, "");
        if (!read) return read.error();
        views.assign(1, {});
        views[0].monitor = std::move(read->monitor);
        views[0].secrets_lost = read->secrets_lost;
        return add_live(tx, views, now, true);
      },
      Isolation::kRepeatableRead);
  if (!status) return status.error();
  return std::move(views.front());
}

Result<MonitorPage> MonitorStore::list(AccountId account, const MonitorQuery& query) {
  if (Status status = check_query(query); !status) return status.error();
  const auto cursor = cursor_in(query);
  if (!cursor) return cursor.error();
  const WallTime now = clock_.now().wall;
  MonitorPage page;
  const Status status = pool_.as_account(
      account, kStoreDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        page = {};
        const pqxx::result rows = list_rows(tx, account, query, *cursor, now);
        for (const auto& row : rows) {
          if (static_cast<int>(page.monitors.size()) == query.limit) {
            const MonitorId last = page.monitors.back().monitor.id;
            page.next_cursor =
                to_cursor(cursor_kind(query.sort), std::to_string(last.value) + ":" +
                                                       rows[page.monitors.size() - 1]["sort_key"].as<std::string>());
            break;
          }
          auto read = monitor_in(row, vault_);
          if (!read) return read.error();
          page.monitors.push_back({std::move(read->monitor), State::kUnknown, {}, {}, {}, {}, read->secrets_lost, {}});
        }
        return page.monitors.empty() ? ok() : add_live(tx, page.monitors, now, false);
      },
      Isolation::kRepeatableRead);
  if (!status) return status.error();
  return page;
}

Result<std::int64_t> MonitorStore::count(AccountId account) {
  std::int64_t count = 0;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    count =
        tx.exec_params1("SELECT count(*) FROM monitors WHERE account_id = $1 AND deleted_at IS NULL", account.value)[0]
            .as<std::int64_t>();
    return ok();
  });
  if (!status) return status.error();
  return count;
}

Result<Monitor> MonitorStore::update(AccountId account, std::string_view id, const MonitorDraft& draft,
                                     std::optional<std::int32_t> expected_revision) {
  return change(pool_, vault_, clock_.now().wall, account, id, [&](Monitor& monitor) -> Result<bool> {
    if (Status status = check_revision(monitor, expected_revision); !status) return status.error();
    MonitorDraft wanted = draft;
    if (wanted.slug.empty()) wanted.slug = monitor.slug;
    if (wanted == static_cast<const MonitorDraft&>(monitor)) return false;
    static_cast<MonitorDraft&>(monitor) = std::move(wanted);
    return true;
  });
}

Result<Monitor> MonitorStore::set_paused(AccountId account, std::string_view id, bool paused) {
  return change(pool_, vault_, clock_.now().wall, account, id,
                [&](Monitor& monitor) -> Result<bool> { return std::exchange(monitor.paused, paused) != paused; });
}

Status MonitorStore::remove(AccountId account, std::string_view id, std::optional<std::int32_t> expected_revision) {
  const auto name = monitor_name(id);
  if (!name) return name.error();
  const std::int64_t now = clock_.now().wall.ms;
  return pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto read = read_one(tx, account, *name, vault_, " FOR UPDATE");
    if (!read) return read.error();
    if (Status status = check_revision(read->monitor, expected_revision); !status) return status;
    tx.exec_params("UPDATE monitors SET deleted_at = $3, updated_at = $3 WHERE account_id = $1 AND id = $2",
                   account.value, read->monitor.id.value, now);
    return ok();
  });
}

Result<Monitor> MonitorStore::rotate_tokens(AccountId account, std::string_view id, bool badge, bool report) {
  return change(pool_, vault_, clock_.now().wall, account, id, [&](Monitor& monitor) -> Result<bool> {
    if (badge) monitor.badge_token = random_base32(kTokenDigits);
    if (report) monitor.report_token = random_base32(kTokenDigits);
    return badge || report;
  });
}

}  // namespace everup::db
