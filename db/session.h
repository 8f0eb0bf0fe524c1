// One connection to PostgreSQL: opened in a role, used by one thread at a time, every use with a client-side deadline,
// dropped when lost.
//
// No exception leaves db/: run() and guarded() catch whatever pqxx throws, classify it (sql_error.h) and answer a
// Result. SQL is exec_params or prepared statements with parameters; text is never concatenated. A session never
// reconnects by itself: when lost() it answers kUnavailable to everything and the owner drops it (Pool does). Only
// db/*.cpp include pqxx and use connection() or the transaction given to a body.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/ids.h"
#include "core/result.h"
#include "core/time.h"
#include "db/sql_error.h"

namespace pqxx {
class connection_base;
class transaction_base;
}  // namespace pqxx

namespace everup::db {

// RULES C 2. kLogin: the URL's own user, no SET ROLE (migrate and doctor only).
enum class Role { kLogin, kOwner, kWorker, kApi, kPublic, kBackup };
std::string_view name(Role role);  // "login", "owner", "worker" …

// Where the database is and how its roles are called.
struct DatabaseAccess {
  std::string url;           // postgresql://… or "host=… dbname=…"
  std::string role_prefix;   // empty: the database's name; roles are <prefix>_owner …
  bool single_role = false;  // the login may not create roles: one role, told apart by app.role (migrate() says which)
};
// "<prefix>_<role>" ; the login's own for kLogin.
std::string role_name(const DatabaseAccess& access, Role role);

enum class Isolation { kReadCommitted, kRepeatableRead };

class Session {
 public:
  static constexpr milliseconds kOpenDeadline{5000};
  // Errors: kUnavailable (not reachable, starting up, too many connections), kTimeout, kRefused (login or role),
  // kInvalid (the URL).
  static Result<std::unique_ptr<Session>> open(const DatabaseAccess& access, Role role,
                                               const std::string& application_name,
                                               milliseconds deadline = kOpenDeadline);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  bool lost() const;
  // Of the last run() or guarded() that failed in PostgreSQL; kNone after one that did not.
  const SqlFailure& last_failure() const;
  int backend_pid() const;

  // BEGIN, body, COMMIT, all of it before the deadline. A body that answers an error is rolled back and its error
  // returned.
  Status run(milliseconds deadline, const std::function<Status(pqxx::transaction_base&)>& body,
             Isolation isolation = Isolation::kReadCommitted);
  // For what is no transaction (LISTEN, waiting for notifications, statements that refuse one). Same deadline, same
  // translation.
  Status guarded(milliseconds deadline, const std::function<Status(pqxx::connection_base&)>& body);
  // Prepares `sql` once per session under `name`; use exec_prepared(name, …) in a body. May be called again and again.
  void prepare(const char* name, const char* sql);
  pqxx::connection_base& connection();

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

namespace detail {
template <class R>
struct ValueOf;
template <class T>
struct ValueOf<Result<T>> {
  using type = T;
};
}  // namespace detail

// `body(pqxx::transaction_base&)` answers Result<T>; so does this. The value counts only after COMMIT.
template <class Fn>
auto in_transaction(Session& session, milliseconds deadline, Fn&& body, Isolation isolation = Isolation::kReadCommitted)
    -> decltype(body(std::declval<pqxx::transaction_base&>())) {
  using T = typename detail::ValueOf<decltype(body(std::declval<pqxx::transaction_base&>()))>::type;
  std::optional<T> value;
  Status status = session.run(
      deadline,
      [&](pqxx::transaction_base& tx) -> Status {
        auto result = body(tx);
        if (!result) return result.error();
        value.emplace(*std::move(result));
        return ok();
      },
      isolation);
  if (!status) return status.error();
  return std::move(*value);
}

// For the policies of RULES C 3: the account of this transaction. Call it first in a body (Pool::as_account does).
void set_account(pqxx::transaction_base& tx, AccountId account);
// Opens every account to the owner role for this transaction: migrations and the operator's own commands, nothing else.
void set_operator(pqxx::transaction_base& tx);

}  // namespace everup::db
