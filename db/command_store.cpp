// See command_store.h.
#include "db/command_store.h"

#include <pqxx/pqxx>

#include "db/sql_values.h"

namespace everup::db {
namespace {

// (id, paused)
Result<pqxx::result> find(pqxx::transaction_base& tx, AccountId account, const MonitorName& name, const char* lock) {
  auto rows =
      tx.exec_params(std::string("SELECT id, paused FROM monitors WHERE account_id = $1 AND deleted_at IS NULL AND ") +
                         (name.id != 0 ? "id = $2::bigint" : "slug = $2") + lock,
                     account.value, name.id != 0 ? std::to_string(name.id) : name.slug);
  if (rows.empty()) return no_such_monitor();
  return rows;
}
}  // namespace

CommandStore::CommandStore(Pool& api_pool, IdSource& ids, const Clock& clock)
    : pool_(api_pool), ids_(ids), clock_(clock) {}

Result<CommandId> CommandStore::check_now(AccountId account, std::string_view monitor) {
  const auto name = monitor_name(monitor);
  if (!name) return name.error();
  const auto id = ids_.next();
  if (!id) return id.error();
  const std::int64_t now = clock_.now().wall.ms;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto rows = find(tx, account, *name, " FOR NO KEY UPDATE");  // two askers at once: one after the other
    if (!rows) return rows.error();
    const auto monitor_id = (*rows)[0][0].as<std::int64_t>();
    if ((*rows)[0][1].as<bool>()) return Error{ErrorCode::kConflict, "monitor: it is paused; resume it first"};
    const auto last =
        tx.exec_params1("SELECT max(created_at) FROM account_commands WHERE monitor_id = $1 AND created_at > $2",
                        monitor_id, now - kEvery.count());
    if (!last[0].is_null()) {
      const std::int64_t left = last[0].as<std::int64_t>() + kEvery.count() - now;
      return Error{ErrorCode::kExhausted, "check: one in 10 s per monitor is allowed; try again in " +
                                              std::to_string((left + 999) / 1000) + " s"};
    }
    tx.exec_params("INSERT INTO account_commands (monitor_id, id, kind, created_at) VALUES ($1, $2, 'check', $3)",
                   monitor_id, *id, now);
    tx.exec("SELECT pg_notify('everup_commands', '')");
    return ok();
  });
  if (!status) return status.error();
  return CommandId{*id};
}

Result<CommandState> CommandStore::state(AccountId account, std::string_view monitor, CommandId command) {
  const auto name = monitor_name(monitor);
  if (!name) return name.error();
  CommandState state;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto rows = find(tx, account, *name, "");
    if (!rows) return rows.error();
    const auto found = tx.exec_params(
        "SELECT taken_at, done_at, slot_at, look FROM account_commands WHERE monitor_id = $1 AND id = $2",
        (*rows)[0][0].as<std::int64_t>(), command.value);
    if (found.empty()) return Error{ErrorCode::kNotFound, "check: there is no such command"};
    const auto& row = found[0];
    state = {!row[0].is_null(), !row[1].is_null(), std::nullopt};
    if (state.done && !row[2].is_null() && !row[3].is_null()) {
      state.result = ResultKey{kLocalRegion, WallTime{row[2].as<std::int64_t>()}, row[3].as<std::int32_t>()};
    }
    return ok();
  });
  if (!status) return status.error();
  return state;
}

}  // namespace everup::db
