// See tool_test_store.h. Strangers' tests begin one after the other (an advisory lock held for three short statements),
// so that two at once cannot both be the last one allowed.
#include "db/tool_test_store.h"

#include <pqxx/pqxx>

namespace everup::db {
namespace {

ToolAdmission judge(pqxx::transaction_base& tx, const ToolTest& test, const ToolLimits& limits) {
  tx.exec("SELECT pg_advisory_xact_lock(hashtextextended('everup.tools', 0))");
  const auto count = [&](const char* sql, const std::string& whose, milliseconds window) {
    return tx.exec_params1(sql, whose, test.created_at.ms - window.count())[0].as<int>();
  };
  if (count("SELECT count(*) FROM tool_tests WHERE client = $1 AND client <> '' AND created_at > $2", test.client,
            limits.client_window) >= limits.per_client)
    return ToolAdmission::kClientLimit;
  if (count("SELECT count(*) FROM tool_tests WHERE host = $1 AND client <> '' AND created_at > $2", test.host,
            limits.host_window) >= limits.per_host)
    return ToolAdmission::kHostLimit;
  return ToolAdmission::kTaken;
}

}  // namespace

Result<ToolAdmission> ToolTestStore::begin(const ToolTest& test, const ToolLimits& limits) {
  ToolAdmission admission = ToolAdmission::kTaken;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    if (!test.client.empty()) admission = judge(tx, test, limits);
    if (admission != ToolAdmission::kTaken) return ok();
    tx.exec_params(
        "INSERT INTO tool_tests (id, kind, target, host, client, created_at) VALUES ($1, $2, $3, $4, $5, $6)", test.id,
        static_cast<int>(test.kind), test.target, test.host, test.client, test.created_at.ms);
    return ok();
  });
  if (!status) return status.error();
  return admission;
}

Status ToolTestStore::end(const std::string& id, const ToolRecord& record) {
  for (const std::string* text : {&record.report, &record.events, &record.page}) {
    if (text->size() > kTextBytesMax) return Error{ErrorCode::kExhausted, "tool test: its record is too long to keep"};
  }
  return pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec_params("UPDATE tool_tests SET ended_at = $2, report = $3, events = $4, page = $5 WHERE id = $1", id,
                   clock_.now().wall.ms, record.report, record.events, record.page);
    return ok();
  });
}

Result<std::optional<StoredTest>> ToolTestStore::find(Kind kind, const std::string& id) {
  std::optional<StoredTest> out;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    out.reset();
    const auto rows = tx.exec_params(
        "SELECT target, host, client, created_at, report, events, page FROM tool_tests "
        "WHERE id = $1 AND kind = $2 AND created_at > $3",
        id, static_cast<int>(kind), clock_.now().wall.ms - kKeptFor.count());
    if (rows.empty()) return ok();
    const auto& row = rows[0];
    out.emplace();
    out->test = {id, kind, row[0].c_str(), row[1].c_str(), row[2].c_str(), WallTime{row[3].as<std::int64_t>()}};
    if (!row[4].is_null()) out->record = {row[4].c_str(), row[5].c_str(), row[6].c_str()};
    return ok();
  });
  if (!status) return status.error();
  return out;
}

}  // namespace everup::db
