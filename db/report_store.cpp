// See report_store.h.
#include "db/report_store.h"

#include <pqxx/pqxx>

#include "db/cold_rows.h"
#include "db/rows.h"
#include "db/sql_values.h"

namespace everup::db {
namespace {

constexpr milliseconds kClosingDeadline{10'000};
constexpr std::int64_t kForgottenMax = 10'000;

std::optional<std::string> hex_or_null(const std::string& bytes) {
  if (bytes.empty()) return std::nullopt;
  return hex_bytes(bytes);
}

std::optional<std::int64_t> ms_or_null(const std::optional<WallTime>& t) {
  if (!t) return std::nullopt;
  return t->ms;
}

const char* link_name(TokenKind kind) { return kind == TokenKind::kBadge ? "badge" : "report"; }

Error no_such_token() { return {ErrorCode::kNotFound, "link: there is no such link, or it is switched off"}; }

ReportKey key_in(const pqxx::row& row) {
  ReportKey key;
  key.key_id = row["key_id"].c_str();
  key.year = row["year"].as<int>();
  key.public_key = bytes_in(row["public_key"]);
  key.sealed_secret = bytes_in(row["secret"]);
  key.not_before = WallTime{row["not_before"].as<std::int64_t>()};
  key.not_after = time_in(row["not_after"]);
  key.revoked_at = time_in(row["revoked_at"]);
  if (!row["signed_by"].is_null()) key.signed_by = row["signed_by"].c_str();
  key.signature = bytes_in(row["signature"]);
  return key;
}

DueReport due_in(const pqxx::row& row) {
  DueReport due;
  due.monitor = MonitorId{row["id"].as<std::int64_t>()};
  due.report_token = row["report_token"].c_str();
  due.timezone = row["zone_now"].c_str();
  due.created_at = WallTime{row["created_at"].as<std::int64_t>()};
  if (row["chain"].is_null()) return due;
  ReportHead head;
  head.timezone = row["timezone"].c_str();
  head.chain = row["chain"].as<std::int64_t>();
  head.number = row["number"].as<std::int64_t>();
  head.next_month = row["next_month"].c_str();
  head.due_at = WallTime{row["due_at"].as<std::int64_t>()};
  head.hash = bytes_in(row["hash"]);
  due.head = std::move(head);
  return due;
}

// Rows that were written: 0 when another moved the head meanwhile.
std::size_t write_head(pqxx::transaction_base& tx, MonitorId monitor, const std::optional<ReportHead>& before,
                       const ReportHead& after) {
  const auto hash = hex_or_null(after.hash);
  if (!before) {
    return tx
        .exec_params(
            "INSERT INTO report_heads (monitor_id, timezone, chain, number, next_month, due_at, hash) VALUES ($1, $2, "
            "$3, $4, $5, $6, $7::bytea) ON CONFLICT (monitor_id) DO NOTHING",
            monitor.value, after.timezone, after.chain, after.number, after.next_month, after.due_at.ms, hash)
        .affected_rows();
  }
  return tx
      .exec_params(
          "UPDATE report_heads SET timezone = $2, chain = $3, number = $4, next_month = $5, due_at = $6, hash = "
          "$7::bytea WHERE monitor_id = $1 AND chain = $8 AND number = $9",
          monitor.value, after.timezone, after.chain, after.number, after.next_month, after.due_at.ms, hash,
          before->chain, before->number)
      .affected_rows();
}

}  // namespace

Result<std::vector<ReportKey>> ReportStore::keys() {
  std::vector<ReportKey> keys;
  const Status status = worker_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    keys.clear();
    for (const auto& row :
         tx.exec_params("SELECT * FROM report_keys ORDER BY year, not_before, key_id LIMIT $1", kKeysMax))
      keys.push_back(key_in(row));
    return ok();
  });
  if (!status) return status.error();
  return keys;
}

Result<bool> ReportStore::add_key(const ReportKey& key) {
  bool added = false;
  const Status status = worker_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    added = tx.exec_params(
                  "INSERT INTO report_keys (key_id, kind, year, public_key, secret, not_before, not_after, signed_by, "
                  "signature) VALUES ($1, $2, $3, $4::bytea, $5::bytea, $6, $7, $8, $9::bytea) ON CONFLICT DO NOTHING",
                  key.key_id, key.year == 0 ? "root" : "year", key.year, hex_bytes(key.public_key),
                  hex_bytes(key.sealed_secret), key.not_before.ms, ms_or_null(key.not_after),
                  key.signed_by.empty() ? std::optional<std::string>() : key.signed_by, hex_or_null(key.signature))
                .affected_rows() == 1;
    return ok();
  });
  if (!status) return status.error();
  return added;
}

Result<bool> ReportStore::revoke_key(std::string_view key_id, WallTime at) {
  bool revoked = false;
  const Status status = worker_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    revoked = tx.exec_params(
                    "UPDATE report_keys SET revoked_at = $2 WHERE (key_id = $1 OR signed_by = $1) AND "
                    "revoked_at IS NULL",
                    std::string(key_id), at.ms)
                  .affected_rows() > 0;
    return ok();
  });
  if (!status) return status.error();
  return revoked;
}

Result<std::vector<DueReport>> ReportStore::due(WallTime now) {
  std::vector<DueReport> list;
  const Status status = worker_.run(kClosingDeadline, [&](pqxx::transaction_base& tx) -> Status {
    list.clear();
    for (const auto& row : tx.exec_params(
             "SELECT m.id, m.report_token, m.timezone AS zone_now, m.created_at, h.timezone, h.chain, h.number, "
             "h.next_month, h.due_at, h.hash FROM monitors m LEFT JOIN report_heads h ON h.monitor_id = m.id "
             "WHERE m.public_report AND m.deleted_at IS NULL AND (h.due_at IS NULL OR h.due_at <= $1) "
             "ORDER BY h.due_at NULLS FIRST, m.id LIMIT $2",
             now.ms, kDueMax))
      list.push_back(due_in(row));
    return ok();
  });
  if (!status) return status.error();
  return list;
}

Status ReportStore::advance(MonitorId monitor, const std::optional<ReportHead>& before, const ReportHead& after,
                            const std::optional<ClosedMonth>& month) {
  return worker_.run(kClosingDeadline, [&](pqxx::transaction_base& tx) -> Status {
    if (write_head(tx, monitor, before, after) == 0)
      return Error{ErrorCode::kConflict, "reports: another node moved this chain"};
    if (!month) return ok();
    tx.exec_params(
        "INSERT INTO report_months (monitor_id, chain, number, month, timezone, from_at, to_at, closed_at, hash, "
        "document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::bytea, $10)",
        monitor.value, month->chain, month->number, month->month, month->timezone, month->span.from.ms,
        month->span.to.ms, month->closed_at.ms, hex_bytes(month->hash), month->document);
    return ok();
  });
}

Result<std::int64_t> ReportStore::forget_deleted() {
  std::int64_t forgotten = 0;
  const Status status = worker_.run(kClosingDeadline, [&](pqxx::transaction_base& tx) -> Status {
    forgotten = static_cast<std::int64_t>(
        tx.exec_params(
              "UPDATE report_months r SET document = NULL WHERE (r.monitor_id, r.chain, r.number) IN (SELECT "
              "x.monitor_id, x.chain, x.number FROM report_months x WHERE x.document IS NOT NULL AND NOT EXISTS "
              "(SELECT 1 FROM monitors m WHERE m.id = x.monitor_id AND m.deleted_at IS NULL) LIMIT $1)",
              kForgottenMax)
            .affected_rows());
    return ok();
  });
  if (!status) return status.error();
  return forgotten;
}

Result<std::optional<std::string>> ReportStore::month_document(std::string_view token, std::string_view month) {
  std::optional<std::string> document;
  const Status status = public_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto rows =
        tx.exec_params("SELECT document FROM public_report_month($1, $2)", std::string(token), std::string(month));
    if (!rows.empty() && !rows[0][0].is_null()) document = rows[0][0].c_str();
    return ok();
  });
  if (!status) return status.error();
  return document;
}

Result<std::optional<std::int64_t>> ReportStore::median_us(TokenKind kind, std::string_view token, Span window) {
  std::optional<std::int64_t> median;
  const Status status = public_.run(
      kStoreDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        const StorageMarks marks = storage_marks(tx);
        const std::string link = link_name(kind), text(token);
        if (window.from >= marks.packed_through) {
          const auto rows = tx.exec_params("SELECT median_us FROM public_response($1, $2, $3, $4)", link, text,
                                           window.from.ms, window.to.ms);
          if (rows.empty()) return no_such_token();
          if (!rows[0][0].is_null()) median = rows[0][0].as<std::int64_t>();
          return ok();
        }
        const auto monitor = tx.exec_params("SELECT id FROM public_monitor($1, $2)", link, text);
        if (monitor.empty()) return no_such_token();
        // One step for the whole window: the tallied days are read whole.
        const WallTime first{window.from.ms / kDayMs * kDayMs};
        LatencySteps steps{first, milliseconds((window.to.ms - first.ms) / kDayMs * kDayMs + kDayMs), {{}}};
        const Status added = add_latencies(public_looks(tx, MonitorId{monitor[0][0].as<std::int64_t>()}, link, text),
                                           marks.tallied_through, window, LedgerStore::kLatencyMax, steps);
        if (!added) return added;
        median = steps.parts[0].answered.quantile_us(0.5);
        return ok();
      },
      Isolation::kRepeatableRead);
  if (!status) return status.error();
  return median;
}

Result<std::optional<WallTime>> ReportStore::certificate_end(TokenKind kind, std::string_view token) {
  std::optional<WallTime> end;
  const Status status = public_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto rows =
        tx.exec_params("SELECT not_after FROM public_certificate($1, $2)", link_name(kind), std::string(token));
    if (rows.empty()) return no_such_token();
    if (!rows[0][0].is_null()) end = parse_time(rows[0][0].c_str());
    return ok();
  });
  if (!status) return status.error();
  return end;
}

}  // namespace everup::db
