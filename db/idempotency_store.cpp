// See idempotency_store.h. begin() decides in one statement per case under the row's lock, so of two simultaneous
// requests with one key exactly one is the first.
#include "db/idempotency_store.h"

#include <pqxx/pqxx>

namespace everup::db {
IdempotencyStore::IdempotencyStore(Pool& api_pool, const Clock& clock) : pool_(api_pool), clock_(clock) {}

Result<IdempotencyAnswer> IdempotencyStore::begin(AccountId account, const std::string& key, const std::string& route,
                                                  const std::string& request_hash) {
  if (key.empty() || key.size() > kKeyBytesMax)
    return Error{ErrorCode::kInvalid, "Idempotency-Key: 1 to 255 bytes are allowed"};
  const std::int64_t now = clock_.now().wall.ms;
  const pqxx::binarystring hash(request_hash);
  using Kind = IdempotencyAnswer::Kind;
  IdempotencyAnswer answer;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto made = tx.exec_params(
        "INSERT INTO idempotency_keys (account_id, key, route, request_hash, created_at) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (account_id, key) DO NOTHING RETURNING 1",
        account.value, key, route, hash, now);
    if (!made.empty()) return answer = {Kind::kFirst, 0, {}}, ok();
    const auto rows = tx.exec_params(
        "SELECT status, response, created_at, route = $3 AND request_hash = $4 FROM idempotency_keys "
        "WHERE account_id = $1 AND key = $2 FOR UPDATE",
        account.value, key, route, hash);
    if (rows.empty()) return Error{ErrorCode::kUnavailable, "idempotency key: it went away meanwhile; try again"};
    const std::int64_t age = now - rows[0][2].as<std::int64_t>();
    const bool finished = !rows[0][0].is_null();
    const bool free = age > (finished ? kKeptFor : kAbandonedAfter).count();
    if (free) {
      tx.exec_params(
          "UPDATE idempotency_keys SET route = $3, request_hash = $4, created_at = $5, status = NULL, response = NULL "
          "WHERE account_id = $1 AND key = $2",
          account.value, key, route, hash, now);
      answer = {Kind::kFirst, 0, {}};
    } else if (!rows[0][3].as<bool>()) {
      answer = {Kind::kMismatch, 0, {}};
    } else if (!finished) {
      answer = {Kind::kInProgress, 0, {}};
    } else {
      answer = {Kind::kReplay, rows[0][0].as<int>(),
                rows[0][1].is_null() ? std::string{} : rows[0][1].as<std::string>()};
    }
    return ok();
  });
  if (!status) return status.error();
  return answer;
}

Status IdempotencyStore::finish(AccountId account, const std::string& key, int status, const std::string& response) {
  if (response.size() > kResponseBytesMax)
    return Error{ErrorCode::kExhausted, "idempotency key: the answer is too long to be kept"};
  return pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec_params("UPDATE idempotency_keys SET status = $3, response = $4 WHERE account_id = $1 AND key = $2",
                   account.value, key, status, response);
    return ok();
  });
}

Status IdempotencyStore::abandon(AccountId account, const std::string& key) {
  return pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec_params("DELETE FROM idempotency_keys WHERE account_id = $1 AND key = $2 AND status IS NULL", account.value,
                   key);
    return ok();
  });
}

Result<int> IdempotencyStore::sweep(AccountId account, int limit) {
  int removed = 0;
  const std::int64_t before = clock_.now().wall.ms - kKeptFor.count();
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    removed =
        static_cast<int>(tx.exec_params("DELETE FROM idempotency_keys WHERE ctid IN (SELECT ctid FROM idempotency_keys "
                                        "WHERE account_id = $1 AND created_at < $2 LIMIT $3)",
                                        account.value, before, limit)
                             .affected_rows());
    return ok();
  });
  if (!status) return status.error();
  return removed;
}

}  // namespace everup::db
