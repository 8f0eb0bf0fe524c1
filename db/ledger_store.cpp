// See ledger_store.h. One repeatable-read transaction per call: spans, marks and suspicions are of one instant, or a
// window could show a minute twice. A ledger is two queries, the monitor and account_ledger() or public_ledger()
// (0002_access.sql), whose rows are told apart by their part. Weakness: results and evidence are read of the local
// region only.
#include "db/ledger_store.h"

#include <algorithm>
#include <limits>
#include <map>
#include <pqxx/pqxx>
#include <tuple>

#include "db/cold_rows.h"
#include "db/maintenance_store.h"
#include "db/monitor_json.h"
#include "db/rows.h"
#include "db/sql_values.h"

namespace everup::db {
namespace {
constexpr std::size_t kLedgersMax = 200;
constexpr std::size_t kLooksOfSlotMax = 1000;

struct MonitorFacts {
  std::int64_t id = 0, created_at = 0, interval_ms = 0, timeout_ms = 0;
  Patience confirm;
};
constexpr const char* kFacts =
    "SELECT id, created_at, interval_s * 1000::bigint AS interval_ms, timeout_ms, confirm FROM monitors "
    "WHERE account_id = $1 AND deleted_at IS NULL AND ";

Result<MonitorFacts> facts_in(const pqxx::row& row) {
  const auto confirm = confirm_from_storage(row["confirm"].c_str());
  if (!confirm) return Error{confirm.error().code, "stored monitor: " + confirm.error().what};
  return MonitorFacts{row["id"].as<std::int64_t>(), row["created_at"].as<std::int64_t>(),
                      row["interval_ms"].as<std::int64_t>(), row["timeout_ms"].as<std::int64_t>(), *confirm};
}

Result<MonitorFacts> find_monitor(pqxx::transaction_base& tx, AccountId account, const MonitorName& name) {
  const auto rows = tx.exec_params(std::string(kFacts) + (name.id != 0 ? "id = $2::bigint" : "slug = $2"),
                                   account.value, name.id != 0 ? std::to_string(name.id) : name.slug);
  if (rows.empty()) return no_such_monitor();
  return facts_in(rows[0]);
}

LedgerInput::RegionSpans& region_of(LedgerInput& input, Region region) {
  for (auto& one : input.regions) {
    if (one.region == region) return one;
  }
  return input.regions.emplace_back(LedgerInput::RegionSpans{region, {}, {}, {}});
}

using Inputs = std::map<std::int64_t, LedgerInput>;

// Columns and parts of ledger_rows() and public_ledger().
enum Column { kMonitor, kPart, kRegion, kFrom, kTo, kState, kCause, kGap };
enum Part { kSpan = 1, kFirst, kStanding, kMark, kVersion, kBlind, kLastLook };
constexpr const char* kLedgerColumns = "SELECT monitor, part, region, from_at, to_at, state, cause, gap FROM ";

Region region_in(const pqxx::row& row) { return static_cast<Region>(row[kRegion].as<int>()); }
WallTime from_in(const pqxx::row& row) { return WallTime{row[kFrom].as<std::int64_t>()}; }

Status take_span(const pqxx::row& row, LedgerInput& input) {
  const auto state = state_in(row[kState].as<std::int64_t>());
  if (!state) return state.error();
  region_of(input, region_in(row))
      .spans.push_back(
          {{from_in(row), time_in(row[kTo]).value_or(kForever)},
           *state,
           {static_cast<std::int16_t>(row[kCause].as<int>()), static_cast<std::int16_t>(row[kGap].as<int>())}});
  return ok();
}

// The first look is where the first span or the first suspicion begins: results may be gone already.
void take_first(LedgerInput& input, std::optional<WallTime> at) {
  if (at && (!input.first_look || *at < *input.first_look)) input.first_look = at;
}

void take_standing(const pqxx::row& row, LedgerInput& input) {
  auto& region = region_of(input, region_in(row));
  region.pending_since = time_in(row[kFrom]);
  take_first(input, region.pending_since);
}

// A mark counts where the monitor has spans or a standing.
void take_mark(const pqxx::row& row, LedgerInput& input) {
  for (auto& one : input.regions) {
    if (one.region == region_in(row)) one.observed_through = from_in(row);
  }
}

// In the order of revisions: the stretches of pause.
void take_version(const pqxx::row& row, LedgerInput& input) {
  const bool paused = row[kState].as<int>() != 0;
  const bool open = !input.paused.empty() && input.paused.back().to == kForever;
  if (paused && !open) input.paused.push_back({from_in(row), kForever});
  if (!paused && open) input.paused.back().to = from_in(row);
}

Status take(const pqxx::row& row, LedgerInput& input) {
  switch (row[kPart].as<int>()) {
    case kSpan:
      return take_span(row, input);
    case kFirst:
      take_first(input, time_in(row[kFrom]));
      return ok();
    case kStanding:
      take_standing(row, input);
      return ok();
    case kMark:
      take_mark(row, input);
      return ok();
    case kVersion:
      take_version(row, input);
      return ok();
    case kBlind:
      input.blind.push_back({from_in(row), WallTime{row[kTo].as<std::int64_t>()}});
      return ok();
    case kLastLook:
      return ok();
    default:
      return Error{ErrorCode::kCorrupt, "ledger: unknown part " + std::to_string(row[kPart].as<int>())};
  }
}

void start_input(Inputs& inputs, const MonitorFacts& facts) {
  LedgerInput& input = inputs[facts.id];
  input.id = MonitorId{facts.id};
  input.created_at = WallTime{facts.created_at};
  input.interval_ms = facts.interval_ms;
  input.timeout_ms = facts.timeout_ms;
  input.confirm = facts.confirm;
  region_of(input, kLocalRegion);
}

// Everything of the monitors in `inputs`, for their account.
Status fill(pqxx::transaction_base& tx, WallTime from, WallTime now, Inputs& inputs) {
  std::vector<std::int64_t> list;
  for (const auto& [id, input] : inputs) list.push_back(id);
  for (const auto& row :
       tx.exec_params(std::string(kLedgerColumns) + "account_ledger($1, $2)", array_of(list), from.ms)) {
    if (Status status = take(row, inputs.at(row[kMonitor].as<std::int64_t>())); !status) return status;
  }
  lay_maintenance(tx.exec_params("SELECT monitor, from_at, to_at FROM account_maintenance($1, $2, $3) ORDER BY 1, 2",
                                 array_of(list), from.ms, now.ms + 1),
                  inputs);
  return ok();
}

Result<std::vector<ResultRow>> rows_in(const pqxx::result& rows) {
  std::vector<ResultRow> list;
  list.reserve(rows.size());
  for (const auto& row : rows) {
    auto one = result_in(row);
    if (!one) return one.error();
    list.push_back(*std::move(one));
  }
  return list;
}

// Adds what is kept of `rows`, looks of one monitor, newest first. By its slots: a join would look at every monitor.
void add_evidence(pqxx::transaction_base& tx, std::int64_t monitor, std::vector<ResultRow>& rows) {
  if (rows.empty()) return;
  std::map<std::tuple<Region, std::int64_t, std::int32_t>, std::string> kept;
  for (const auto& row :
       tx.exec_params("SELECT region, slot_at, look, body FROM account_evidence WHERE monitor_id = $1 "
                      "AND slot_at >= $2 AND slot_at <= $3",
                      monitor, rows.back().slot_at.ms, rows.front().slot_at.ms)) {
    kept[{static_cast<Region>(row[0].as<int>()), row[1].as<std::int64_t>(), row[2].as<std::int32_t>()}] =
        row[3].c_str();
  }
  for (ResultRow& row : rows) {
    const auto found = kept.find({row.region, row.slot_at.ms, row.look});
    if (found != kept.end()) row.evidence = found->second;
  }
}

Result<std::vector<LatencyPoint>> points_in(const LookSource& source, Span window) {
  const auto looks = looks_in(source, window, LedgerStore::kLatencyMax);
  if (!looks) return looks.error();
  std::vector<LatencyPoint> points;
  points.reserve(looks->size());
  for (const ResultRow& row : *looks) {
    if (!row.missed) points.push_back({row.started_at, row.timings.total_us, row.verdict});
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

// What public_ledger() tells of the local region, now.
void take_live(const pqxx::row& row, LiveFacts& facts, PublicLedger& out) {
  const int part = row[kPart].as<int>();
  if (part == kLastLook) out.last_checked_at = time_in(row[kFrom]);
  if (part == kMark && region_in(row) == kLocalRegion) facts.observed_through = time_in(row[kFrom]);
  if (part != kStanding || region_in(row) != kLocalRegion) return;
  facts.booked = row[kState].as<std::int64_t>();
  facts.booked_since = time_in(row[kTo]), facts.pending_since = time_in(row[kFrom]);
}

Status finish_live(LiveFacts& facts, bool paused, WallTime now, PublicLedger& out) {
  facts.paused = paused;
  facts.interval_ms = out.input.interval_ms, facts.timeout_ms = out.input.timeout_ms, facts.confirm = out.input.confirm;
  const std::vector<Span>& pauses = out.input.paused;
  if (!pauses.empty() && pauses.back().to == kForever) facts.paused_since = pauses.back().from;
  for (const Span& window : out.input.maintenance) {
    if (window.contains(now) && !facts.maintenance_since) facts.maintenance_since = window.from;
  }
  const auto live = live_state(facts, now);
  if (!live) return live.error();
  out.state = live->state, out.since = live->since, out.suspect_since = live->suspect_since;
  return ok();
}

struct PageRow {
  PublicLedger ledger;
  LiveFacts live;
  bool paused = false;
};
// public_status_monitors(), and what lies over them.
Result<std::map<std::int64_t, PageRow>> read_page(pqxx::transaction_base& tx, std::int64_t page, WallTime from,
                                                  WallTime now) {
  std::map<std::int64_t, PageRow> rows;
  Inputs inputs;
  for (const auto& row : tx.exec_params("SELECT * FROM public_status_monitors($1)", page)) {
    const auto facts = facts_in(row);
    if (!facts) return facts.error();
    start_input(inputs, *facts);
    PublicMonitor& monitor = rows[facts->id].ledger.monitor;
    monitor.id = MonitorId{facts->id}, monitor.name = row["name"].as<std::string>();
    monitor.created_at = WallTime{facts->created_at};
    if (!row["report_token"].is_null()) monitor.report_token = row["report_token"].as<std::string>();
    rows[facts->id].paused = row["paused"].as<bool>();
  }
  lay_maintenance(tx.exec_params("SELECT monitor, from_at, to_at FROM public_status_maintenance($1, $2, $3) ORDER BY "
                                 "1, 2",
                                 page, from.ms, now.ms + 1),
                  inputs);
  for (auto& [id, input] : inputs) rows.at(id).ledger.input = std::move(input);
  return rows;
}

Result<PublicLedger> read_public(pqxx::transaction_base& tx, const std::string& link, const std::string& token,
                                 WallTime from, WallTime now) {
  const auto found =
      tx.exec_params("SELECT *, interval_s * 1000::bigint AS interval_ms FROM public_monitor($1, $2)", link, token);
  if (found.empty()) return no_such_token();
  auto monitor = public_monitor_in(found[0]);
  if (!monitor) return monitor.error();
  const auto facts = facts_in(found[0]);
  if (!facts) return facts.error();
  PublicLedger out;
  out.monitor = *std::move(monitor);
  Inputs inputs;
  start_input(inputs, *facts);
  lay_maintenance(tx.exec_params("SELECT monitor, from_at, to_at FROM public_maintenance($1, $2, $3, $4) ORDER BY 1, 2",
                                 link, token, from.ms, now.ms + 1),
                  inputs);
  out.input = std::move(inputs.begin()->second);
  LiveFacts live;
  const auto rows = tx.exec_params(std::string(kLedgerColumns) + "public_ledger($1, $2, $3)", link, token, from.ms);
  for (const auto& row : rows) {
    if (Status status = take(row, out.input); !status) return status.error();
    take_live(row, live, out);
  }
  if (Status status = finish_live(live, found[0]["paused"].as<bool>(), now, out); !status) return status.error();
  return out;
}

void add_counts(pqxx::transaction_base& tx, const std::string& token, WallTime now, PublicLedger& out) {
  const auto rows = tx.exec_params("SELECT glitches, corrections FROM public_report_counts($1, $2, $3)", token,
                                   now.ms - 90 * kDayMs, LedgerStore::kGlitchesMax);
  if (rows.empty()) return;
  out.glitches_90d = rows[0][0].as<std::int64_t>();
  out.corrections = rows[0][1].as<std::int64_t>();
}

// Runs `use(tx, id)` for the account's monitor of that name, in one transaction with one snapshot.
template <class Use>
Status of_monitor(Pool& pool, AccountId account, std::string_view id, Use use) {
  const auto name = monitor_name(id);
  if (!name) return name.error();
  return pool.as_account(
      account, kStoreDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        const auto facts = find_monitor(tx, account, *name);
        return facts ? use(tx, facts->id) : Status(facts.error());
      },
      Isolation::kRepeatableRead);
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

Result<LedgerInput> LedgerStore::ledger(AccountId account, std::string_view id, WallTime from, WallTime now) {
  const auto name = monitor_name(id);
  if (!name) return name.error();
  Inputs inputs;
  const Status status = api_.as_account(
      account, kStoreDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        inputs.clear();
        const auto facts = find_monitor(tx, account, *name);
        if (!facts) return facts.error();
        start_input(inputs, *facts);
        return fill(tx, from, now, inputs);
      },
      Isolation::kRepeatableRead);
  if (!status) return status.error();
  return std::move(inputs.begin()->second);
}

Result<std::vector<LedgerInput>> LedgerStore::ledgers(AccountId account, const std::vector<MonitorId>& ids,
                                                      WallTime from, WallTime now) {
  if (ids.size() > kLedgersMax) return Error{ErrorCode::kExhausted, "ledgers: at most 200 monitors at once"};
  std::vector<std::int64_t> list;
  for (const MonitorId id : ids) list.push_back(id.value);
  Inputs inputs;
  const Status status = api_.as_account(
      account, kStoreDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        inputs.clear();
        for (const auto& row :
             tx.exec_params(std::string(kFacts) + "id = ANY ($2::bigint[])", account.value, array_of(list))) {
          const auto facts = facts_in(row);
          if (!facts) return facts.error();
          start_input(inputs, *facts);
        }
        return fill(tx, from, now, inputs);
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
  const Status status = of_monitor(api_, account, id, [&](pqxx::transaction_base& tx, std::int64_t monitor) -> Status {
    const std::string sql = std::string("SELECT ") + kResultColumns +
                            " FROM account_results_page($1, $2, $3, $4, $5, $6) r "
                            "ORDER BY r.slot_at DESC, r.look DESC";
    auto rows = rows_in(tx.exec_params(sql, monitor, query.from.value_or(WallTime{0}).ms,
                                       query.to.value_or(kForever).ms, before_slot, before_look, query.limit + 1));
    if (!rows) return rows.error();
    page.rows = *std::move(rows);
    const Span window{query.from.value_or(WallTime{0}), query.to.value_or(kForever)};
    if (Status added = add_cold(account_looks(tx, MonitorId{monitor}), window, WallTime{before_slot},
                                static_cast<std::int32_t>(before_look), static_cast<std::size_t>(query.limit) + 1,
                                storage_marks(tx).packed_through, page.rows);
        !added)
      return added;
    if (query.evidence) add_evidence(tx, monitor, page.rows);
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
  std::vector<LatencyPoint> points;
  const Status status = of_monitor(api_, account, id, [&](pqxx::transaction_base& tx, std::int64_t monitor) -> Status {
    auto read = points_in(account_looks(tx, MonitorId{monitor}), window);
    if (!read) return read.error();
    points = *std::move(read);
    return ok();
  });
  if (!status) return status.error();
  return points;
}

Result<std::vector<LatencyHistogram>> LedgerStore::series(AccountId account, std::string_view id, Span window,
                                                          WallTime first, milliseconds step) {
  std::vector<LatencyHistogram> out;
  const Status status = of_monitor(api_, account, id, [&](pqxx::transaction_base& tx, std::int64_t monitor) -> Status {
    const auto count = (window.to.ms - first.ms + step.count() - 1) / step.count();
    LatencySteps steps{first, step,
                       std::vector<LatencyPart>(static_cast<std::size_t>(std::max<std::int64_t>(0, count)))};
    if (Status added = add_latencies(account_looks(tx, MonitorId{monitor}), storage_marks(tx).tallied_through, window,
                                     kLatencyMax, steps);
        !added)
      return added;
    out.clear();
    for (const LatencyPart& part : steps.parts) out.push_back(part.all());
    return ok();
  });
  if (!status) return status.error();
  return out;
}

Result<ResultRow> LedgerStore::result(AccountId account, std::string_view id, const ResultKey& key) {
  std::vector<ResultRow> found;
  const Status status = of_monitor(api_, account, id, [&](pqxx::transaction_base& tx, std::int64_t monitor) -> Status {
    found.clear();
    if (key.region != kLocalRegion) return ok();
    const auto looks =
        looks_in(account_looks(tx, MonitorId{monitor}), {key.slot_at, key.slot_at + milliseconds(1)}, kLooksOfSlotMax);
    if (!looks) return looks.error();
    for (const ResultRow& row : *looks) {
      if (row.look == key.look) found.push_back(row);
    }
    add_evidence(tx, monitor, found);
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
      kStoreDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        auto read = read_public(tx, link_name(kind), std::string(token), from, now);
        if (!read) return read.error();
        out = *std::move(read);
        if (kind == TokenKind::kReport) add_counts(tx, std::string(token), now, *out);
        return ok();
      },
      Isolation::kRepeatableRead);
  if (!status) return status.error();
  return *std::move(out);
}

Result<std::vector<PublicLedger>> LedgerStore::of_page(std::int64_t page, WallTime from, WallTime now) {
  std::vector<PublicLedger> out;
  const Status status = public_.run(
      kStoreDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        out.clear();
        auto rows = read_page(tx, page, from, now);
        if (!rows) return rows.error();
        for (const auto& row :
             tx.exec_params(std::string(kLedgerColumns) + "public_status_ledger($1, $2)", page, from.ms)) {
          PageRow& one = rows->at(row[kMonitor].as<std::int64_t>());
          if (Status taken = take(row, one.ledger.input); !taken) return taken;
          take_live(row, one.live, one.ledger);
        }
        for (auto& [id, one] : *rows) {
          if (Status known = finish_live(one.live, one.paused, now, one.ledger); !known) return known;
          out.push_back(std::move(one.ledger));
        }
        return ok();
      },
      Isolation::kRepeatableRead);
  if (!status) return status.error();
  return out;
}

Result<std::vector<LatencyPoint>> LedgerStore::latencies_by_token(TokenKind kind, std::string_view token, Span window) {
  if (!plausible_token(token)) return no_such_token();
  std::vector<LatencyPoint> points;
  const Status status = public_.run(
      kStoreDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        const std::string link = link_name(kind), text(token);
        const auto monitor = tx.exec_params("SELECT id FROM public_monitor($1, $2)", link, text);
        if (monitor.empty()) return no_such_token();
        auto read = points_in(public_looks(tx, MonitorId{monitor[0][0].as<std::int64_t>()}, link, text), window);
        if (!read) return read.error();
        points = *std::move(read);
        return ok();
      },
      Isolation::kRepeatableRead);
  if (!status) return status.error();
  return points;
}

}  // namespace everup::db
