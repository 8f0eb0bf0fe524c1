// See ledger_store.h. One repeatable-read transaction per call: spans, marks and suspicions are of one instant, or a
// window could show a minute twice. Weakness: results and evidence are read of the local region only.
#include "db/ledger_store.h"

#include <algorithm>
#include <limits>
#include <map>
#include <pqxx/pqxx>

#include "db/rows.h"
#include "db/sql_values.h"

namespace everup::db {
namespace {
constexpr milliseconds kDeadline{2000};
constexpr WallTime kForever{std::numeric_limits<std::int64_t>::max()};
constexpr std::size_t kLedgersMax = 200;

struct MonitorFacts {
  std::int64_t id = 0, created_at = 0, interval_ms = 0, timeout_ms = 0;
};

Result<MonitorFacts> find_monitor(pqxx::transaction_base& tx, AccountId account, const MonitorName& name) {
  const auto rows = tx.exec_params(std::string("SELECT id, created_at, interval_s * 1000::bigint, timeout_ms FROM "
                                               "monitors WHERE account_id = $1 AND deleted_at IS NULL AND ") +
                                       (name.id != 0 ? "id = $2::bigint" : "slug = $2"),
                                   account.value, name.id != 0 ? std::to_string(name.id) : name.slug);
  if (rows.empty()) return no_such_monitor();
  const auto& row = rows[0];
  return MonitorFacts{row[0].as<std::int64_t>(), row[1].as<std::int64_t>(), row[2].as<std::int64_t>(),
                      row[3].as<std::int64_t>()};
}

LedgerInput::RegionSpans& region_of(LedgerInput& input, Region region) {
  for (auto& one : input.regions) {
    if (one.region == region) return one;
  }
  return input.regions.emplace_back(LedgerInput::RegionSpans{region, {}, {}, {}});
}

using Inputs = std::map<std::int64_t, LedgerInput>;

// (monitor_id, region, from_at, to_at, state, cause, gap), ordered.
Status take_spans(const pqxx::result& rows, Inputs& inputs) {
  for (const auto& row : rows) {
    const auto state = state_in(row[4].as<std::int64_t>());
    if (!state) return state.error();
    LedgerInput& input = inputs.at(row[0].as<std::int64_t>());
    region_of(input, static_cast<Region>(row[1].as<int>()))
        .spans.push_back({{WallTime{row[2].as<std::int64_t>()}, time_in(row[3]).value_or(kForever)},
                          *state,
                          {static_cast<std::int16_t>(row[5].as<int>()), static_cast<std::int16_t>(row[6].as<int>())}});
  }
  return ok();
}

// The first look is where the first span or the first suspicion begins: results may be gone already.
void take_first(LedgerInput& input, std::optional<WallTime> at) {
  if (at && (!input.first_look || *at < *input.first_look)) input.first_look = at;
}

// (monitor_id, from_at, paused), ordered by monitor and revision → the stretches of pause.
void take_versions(const pqxx::result& rows, Inputs& inputs) {
  for (const auto& row : rows) {
    std::vector<Span>& paused = inputs.at(row[0].as<std::int64_t>()).paused;
    const WallTime at{row[1].as<std::int64_t>()};
    const bool open = !paused.empty() && paused.back().to == kForever;
    if (row[2].as<bool>() && !open) paused.push_back({at, kForever});
    if (!row[2].as<bool>() && open) paused.back().to = at;
  }
}

void start_input(Inputs& inputs, const MonitorFacts& facts) {
  LedgerInput& input = inputs[facts.id];
  input.id = MonitorId{facts.id};
  input.created_at = WallTime{facts.created_at};
  input.interval_ms = facts.interval_ms;
  input.timeout_ms = facts.timeout_ms;
  region_of(input, kLocalRegion);
}

// Everything of the monitors in `inputs`, through the account's views.
Status fill(pqxx::transaction_base& tx, WallTime from, Inputs& inputs) {
  std::vector<std::int64_t> list;
  for (const auto& [id, input] : inputs) list.push_back(id);
  const std::string ids = array_of(list);
  if (Status status =
          take_spans(tx.exec_params("SELECT monitor_id, region, from_at, to_at, state, cause, gap FROM account_spans "
                                    "WHERE monitor_id = ANY ($1::bigint[]) AND (to_at IS NULL OR to_at > $2) "
                                    "ORDER BY monitor_id, region, from_at",
                                    ids, from.ms),
                     inputs);
      !status) {
    return status;
  }
  for (const auto& row : tx.exec_params("SELECT monitor_id, min(from_at) FROM account_spans WHERE monitor_id = ANY "
                                        "($1::bigint[]) GROUP BY monitor_id",
                                        ids)) {
    take_first(inputs.at(row[0].as<std::int64_t>()), time_in(row[1]));
  }
  for (const auto& row : tx.exec_params(
           "SELECT monitor_id, region, pending_since FROM account_standings WHERE monitor_id = ANY ($1::bigint[])",
           ids)) {
    LedgerInput& input = inputs.at(row[0].as<std::int64_t>());
    auto& region = region_of(input, static_cast<Region>(row[1].as<int>()));
    region.pending_since = time_in(row[2]);
    take_first(input, region.pending_since);
  }
  for (const auto& row : tx.exec_params(
           "SELECT m.id, k.region, k.observed_through FROM monitors m JOIN shard_marks k ON k.shard = m.shard "
           "WHERE m.id = ANY ($1::bigint[])",
           ids)) {
    auto& regions = inputs.at(row[0].as<std::int64_t>()).regions;
    const auto region = static_cast<Region>(row[1].as<int>());
    for (auto& one : regions) {
      if (one.region == region) one.observed_through = WallTime{row[2].as<std::int64_t>()};
    }
  }
  take_versions(
      tx.exec_params("SELECT monitor_id, from_at, paused FROM account_versions WHERE monitor_id = ANY ($1::bigint[]) "
                     "ORDER BY monitor_id, revision",
                     ids),
      inputs);
  for (const auto& row :
       tx.exec_params("SELECT g.monitor_id, g.from_at, g.to_at FROM account_gaps g "
                      "WHERE g.monitor_id = ANY ($1::bigint[]) AND g.blind AND g.to_at > $2 UNION ALL "
                      "SELECT m.id, g.from_at, g.to_at FROM monitors m JOIN account_gaps g ON g.monitor_id = 0 AND "
                      "g.shard = m.shard "
                      "AND g.blind AND g.to_at > $2 WHERE m.id = ANY ($1::bigint[]) ORDER BY 1, 2",
                      ids, from.ms)) {
    inputs.at(row[0].as<std::int64_t>())
        .blind.push_back({WallTime{row[1].as<std::int64_t>()}, WallTime{row[2].as<std::int64_t>()}});
  }
  return ok();
}

Result<std::vector<ResultRow>> rows_in(const pqxx::result& rows, bool evidence) {
  std::vector<ResultRow> list;
  list.reserve(rows.size());
  for (const auto& row : rows) {
    auto one = result_in(row);
    if (!one) return one.error();
    if (evidence && !row[kResultColumnCount].is_null()) one->evidence = row[kResultColumnCount].as<std::string>();
    list.push_back(*std::move(one));
  }
  return list;
}

constexpr const char* kEvidenceJoin =
    " LEFT JOIN LATERAL (SELECT e.body FROM account_evidence e WHERE e.monitor_id = r.monitor_id AND e.region = "
    "r.region "
    "AND e.slot_at = r.slot_at AND e.look = r.look LIMIT 1) e ON true ";

Result<std::vector<LatencyPoint>> points_in(const pqxx::result& rows, int most) {
  if (static_cast<int>(rows.size()) > most) {
    return Error{ErrorCode::kExhausted,
                 "series: the window holds more than " + std::to_string(most) + " looks; ask for a shorter one"};
  }
  std::vector<LatencyPoint> points;
  points.reserve(rows.size());
  for (const auto& row : rows) {
    const int verdict = row[2].as<int>();
    if (verdict < 1 || verdict > 4)
      return Error{ErrorCode::kCorrupt, "results: unknown verdict " + std::to_string(verdict)};
    points.push_back({WallTime{row[0].as<std::int64_t>()}, row[1].as<std::int32_t>(), static_cast<Verdict>(verdict)});
  }
  return points;
}

const char* link_name(TokenKind kind) {
  switch (kind) {
    case TokenKind::kBadge:
      return "badge";
    case TokenKind::kReport:
      return "report";
  }
  return "badge";
}

// Tokens are ours: base32, 26 digits. Anything else is not worth a query.
bool plausible_token(std::string_view token) {
  return token.size() >= 16 && token.size() <= 64 && std::all_of(token.begin(), token.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
         });
}
Error no_such_token() { return {ErrorCode::kNotFound, "link: there is no such link, or it is switched off"}; }

// Columns of public_monitor() in their order.
Result<PublicMonitor> public_monitor_in(const pqxx::row& row) {
  PublicMonitor out;
  out.id = MonitorId{row["id"].as<std::int64_t>()};
  out.account = AccountId{row["account_id"].as<std::int64_t>()};
  out.name = row["name"].as<std::string>();
  auto target = parse_target(row["target"].as<std::string>());
  if (!target) return Error{ErrorCode::kCorrupt, "stored target: " + target.error().what};
  out.target = *std::move(target);
  out.interval_ms = row["interval_s"].as<std::int64_t>() * 1000;
  out.timezone = row["timezone"].as<std::string>();
  out.links = {row["public_badge"].as<bool>(), row["public_report"].as<bool>(), row["show_target"].as<bool>()};
  out.badge_token = row["badge_token"].as<std::string>();
  if (!row["report_token"].is_null()) out.report_token = row["report_token"].as<std::string>();
  out.created_at = WallTime{row["created_at"].as<std::int64_t>()};
  return out;
}

// A public ledger's standing, marks and state; regions beside the local one count for the timeline only.
Status fill_public_live(pqxx::transaction_base& tx, const std::string& link, const std::string& token,
                        const pqxx::row& row, WallTime now, LedgerInput& input, PublicLedger& out) {
  LiveFacts facts;
  facts.paused = row["paused"].as<bool>();
  facts.interval_ms = input.interval_ms, facts.timeout_ms = input.timeout_ms;
  for (const auto& standing : tx.exec_params(
           "SELECT region, booked, booked_since, pending_since FROM public_standings($1, $2)", link, token)) {
    auto& region = region_of(input, static_cast<Region>(standing[0].as<int>()));
    region.pending_since = time_in(standing[3]);
    take_first(input, region.pending_since);
    if (region.region != kLocalRegion) continue;
    facts.booked = standing[1].as<std::int64_t>();
    facts.booked_since = time_in(standing[2]), facts.pending_since = time_in(standing[3]);
  }
  for (const auto& mark :
       tx.exec_params("SELECT region, observed_through FROM shard_marks WHERE shard = $1", row["shard"].as<int>())) {
    const auto region = static_cast<Region>(mark[0].as<int>());
    for (auto& one : input.regions) {
      if (one.region == region) one.observed_through = WallTime{mark[1].as<std::int64_t>()};
    }
    if (region == kLocalRegion) facts.observed_through = time_in(mark[1]);
  }
  if (!input.paused.empty() && input.paused.back().to == kForever) facts.paused_since = input.paused.back().from;
  auto live = live_state(facts, now);
  if (!live) return live.error();
  out.state = live->state, out.since = live->since, out.suspect_since = live->suspect_since;
  return ok();
}

Result<PublicLedger> read_public(pqxx::transaction_base& tx, const std::string& link, const std::string& token,
                                 WallTime from, WallTime now) {
  const auto rows = tx.exec_params("SELECT * FROM public_monitor($1, $2)", link, token);
  if (rows.empty()) return no_such_token();
  auto monitor = public_monitor_in(rows[0]);
  if (!monitor) return monitor.error();
  PublicLedger out;
  out.monitor = *std::move(monitor);
  Inputs inputs;
  start_input(inputs, {out.monitor.id.value, out.monitor.created_at.ms, out.monitor.interval_ms,
                       rows[0]["timeout_ms"].as<std::int64_t>()});
  LedgerInput& input = inputs.begin()->second;
  Status status = take_spans(
      tx.exec_params("SELECT monitor_id, region, from_at, to_at, state, cause, gap FROM public_spans($1, $2, $3)", link,
                     token, from.ms),
      inputs);
  if (!status) return status.error();
  take_first(input, time_in(tx.exec_params1("SELECT public_first_span($1, $2)", link, token)[0]));
  take_versions(tx.exec_params("SELECT $3::bigint, from_at, paused FROM public_versions($1, $2) ORDER BY revision",
                               link, token, out.monitor.id.value),
                inputs);
  for (const auto& row : tx.exec_params("SELECT from_at, to_at FROM public_blind($1, $2, $3)", link, token, from.ms)) {
    input.blind.push_back({WallTime{row[0].as<std::int64_t>()}, WallTime{row[1].as<std::int64_t>()}});
  }
  if (status = fill_public_live(tx, link, token, rows[0], now, input, out); !status) return status.error();
  out.last_checked_at = time_in(tx.exec_params1("SELECT public_last_checked($1, $2)", link, token)[0]);
  out.input = std::move(input);
  return out;
}

}  // namespace

std::string result_id(const ResultRow& row) {
  return "res_" + to_cursor('i', std::to_string(row.region) + ":" + std::to_string(row.slot_at.ms) + ":" +
                                     std::to_string(row.look));
}

std::optional<ResultKey> result_key(std::string_view id) {
  if (!id.starts_with("res_")) return std::nullopt;
  const auto body = from_cursor('i', id.substr(4));
  const auto numbers = body ? numbers_in(*body, 3) : std::nullopt;
  if (!numbers || (*numbers)[0] < 1 || (*numbers)[0] > 32767 || (*numbers)[2] < 0 || (*numbers)[2] > 2'000'000'000)
    return std::nullopt;
  return ResultKey{static_cast<Region>((*numbers)[0]), WallTime{(*numbers)[1]},
                   static_cast<std::int32_t>((*numbers)[2])};
}

LedgerStore::LedgerStore(Pool& api_pool, Pool& public_pool) : api_(api_pool), public_(public_pool) {}

Result<LedgerInput> LedgerStore::ledger(AccountId account, std::string_view id, WallTime from, WallTime) {
  const auto name = monitor_name(id);
  if (!name) return name.error();
  Inputs inputs;
  const Status status = api_.as_account(
      account, kDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        inputs.clear();
        const auto facts = find_monitor(tx, account, *name);
        if (!facts) return facts.error();
        start_input(inputs, *facts);
        return fill(tx, from, inputs);
      },
      Isolation::kRepeatableRead);
  if (!status) return status.error();
  return std::move(inputs.begin()->second);
}

Result<std::vector<LedgerInput>> LedgerStore::ledgers(AccountId account, const std::vector<MonitorId>& ids,
                                                      WallTime from, WallTime) {
  if (ids.size() > kLedgersMax) return Error{ErrorCode::kExhausted, "ledgers: at most 200 monitors at once"};
  std::vector<std::int64_t> list;
  for (const MonitorId id : ids) list.push_back(id.value);
  Inputs inputs;
  const Status status = api_.as_account(
      account, kDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        inputs.clear();
        for (const auto& row :
             tx.exec_params("SELECT id, created_at, interval_s * 1000::bigint, timeout_ms FROM monitors "
                            "WHERE account_id = $1 AND deleted_at IS NULL AND id = ANY ($2::bigint[])",
                            account.value, array_of(list))) {
          start_input(inputs, {row[0].as<std::int64_t>(), row[1].as<std::int64_t>(), row[2].as<std::int64_t>(),
                               row[3].as<std::int64_t>()});
        }
        return fill(tx, from, inputs);
      },
      Isolation::kRepeatableRead);
  if (!status) return status.error();
  std::vector<LedgerInput> out;
  for (const std::int64_t id : list) {
    const auto found = inputs.find(id);
    if (found != inputs.end()) out.push_back(found->second);
  }
  return out;
}

Result<ResultsPage> LedgerStore::results(AccountId account, std::string_view id, const ResultsQuery& query) {
  const auto name = monitor_name(id);
  if (!name) return name.error();
  if (query.limit < 1 || query.limit > kResultsMax) return Error{ErrorCode::kInvalid, "limit: 1 to 10000 are allowed"};
  std::int64_t before_slot = std::numeric_limits<std::int64_t>::max(), before_look = 0;
  if (!query.cursor.empty()) {
    const auto body = from_cursor('r', query.cursor);
    const auto numbers = body ? numbers_in(*body, 2) : std::nullopt;
    if (!numbers || (*numbers)[1] < 0 || (*numbers)[1] > 2'000'000'000) {
      return Error{ErrorCode::kInvalid, "cursor: it is not one that this list gave"};
    }
    before_slot = (*numbers)[0], before_look = (*numbers)[1];
  }
  ResultsPage page;
  const Status status = api_.as_account(account, kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto facts = find_monitor(tx, account, *name);
    if (!facts) return facts.error();
    const std::string sql = std::string("SELECT ") + kResultColumns + (query.evidence ? ", e.body" : "") +
                            " FROM account_results_page($1, $2, $3, $4, $5, $6) r " +
                            (query.evidence ? kEvidenceJoin : "") + "ORDER BY r.slot_at DESC, r.look DESC";
    auto rows = rows_in(tx.exec_params(sql, facts->id, query.from.value_or(WallTime{0}).ms,
                                       query.to.value_or(kForever).ms, before_slot, before_look, query.limit + 1),
                        query.evidence);
    if (!rows) return rows.error();
    page.rows = *std::move(rows);
    return ok();
  });
  if (!status) return status.error();
  if (static_cast<int>(page.rows.size()) > query.limit) {
    page.rows.pop_back();
    page.next_cursor =
        to_cursor('r', std::to_string(page.rows.back().slot_at.ms) + ":" + std::to_string(page.rows.back().look));
  }
  return page;
}

Result<std::vector<LatencyPoint>> LedgerStore::latencies(AccountId account, std::string_view id, Span window) {
  const auto name = monitor_name(id);
  if (!name) return name.error();
  std::vector<LatencyPoint> points;
  const Status status = api_.as_account(account, kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto facts = find_monitor(tx, account, *name);
    if (!facts) return facts.error();
    auto read = points_in(tx.exec_params("SELECT slot_at + start_ms, total_us, verdict FROM account_results "
                                         "WHERE monitor_id = $1 AND slot_at >= $2 AND slot_at < $3 AND verdict <> 0 "
                                         "ORDER BY slot_at, look LIMIT $4",
                                         facts->id, window.from.ms, window.to.ms, kLatencyMax + 1),
                          kLatencyMax);
    if (!read) return read.error();
    points = *std::move(read);
    return ok();
  });
  if (!status) return status.error();
  return points;
}

Result<ResultRow> LedgerStore::result(AccountId account, std::string_view id, const ResultKey& key) {
  const auto name = monitor_name(id);
  if (!name) return name.error();
  std::vector<ResultRow> found;
  const Status status = api_.as_account(account, kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto facts = find_monitor(tx, account, *name);
    if (!facts) return facts.error();
    auto rows = rows_in(
        tx.exec_params(std::string("SELECT ") + kResultColumns + ", e.body FROM account_results r" + kEvidenceJoin +
                           "WHERE r.monitor_id = $1 AND r.region = $2 AND r.slot_at = $3 AND r.look = $4",
                       facts->id, key.region, key.slot_at.ms, key.look),
        true);
    if (!rows) return rows.error();
    found = *std::move(rows);
    return ok();
  });
  if (!status) return status.error();
  if (found.empty()) return Error{ErrorCode::kNotFound, "result: there is no such result"};
  return std::move(found.front());
}

Result<PublicLedger> LedgerStore::by_token(TokenKind kind, std::string_view token, WallTime from, WallTime now) {
  if (!plausible_token(token)) return no_such_token();
  std::optional<PublicLedger> out;
  const Status status = public_.run(
      kDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        auto read = read_public(tx, link_name(kind), std::string(token), from, now);
        if (!read) return read.error();
        out = *std::move(read);
        return ok();
      },
      Isolation::kRepeatableRead);
  if (!status) return status.error();
  return *std::move(out);
}

Result<std::vector<LatencyPoint>> LedgerStore::latencies_by_token(TokenKind kind, std::string_view token, Span window) {
  if (!plausible_token(token)) return no_such_token();
  std::vector<LatencyPoint> points;
  const Status status = public_.run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const std::string link = link_name(kind), text(token);
    if (tx.exec_params("SELECT 1 FROM public_monitor($1, $2)", link, text).empty()) return no_such_token();
    auto read = points_in(tx.exec_params("SELECT at, total_us, verdict FROM public_latencies($1, $2, $3, $4, $5)", link,
                                         text, window.from.ms, window.to.ms, kLatencyMax + 1),
                          kLatencyMax);
    if (!read) return read.error();
    points = *std::move(read);
    return ok();
  });
  if (!status) return status.error();
  return points;
}

}  // namespace everup::db
