// See session.h. The only place that catches what pqxx throws.
//
// A connection counts as lost if and only if it is not open after the throw, whatever was thrown (RULES A 8):
// libpqxx 6.4.5 throws broken_connection for a wrong parameter count too. Known weakness: a host NAME in the URL is
// resolved by libpq, blocking, before any deadline of ours begins; libpq's connect_timeout has whole seconds, two at
// least.
#include "db/session.h"

#include <libpq-fe.h>

#include <algorithm>
#include <exception>
#include <pqxx/pqxx>
#include <set>

#include "db/watchdog.h"

namespace everup::db {
namespace {

struct ConnInfo {
  std::vector<std::pair<std::string, std::string>> pairs;
  const std::string* find(std::string_view key) const {
    for (const auto& [name, value] : pairs) {
      if (name == key) return &value;
    }
    return nullptr;
  }
  void put(std::string_view key, const std::string& value) {
    for (auto& [name, old] : pairs) {
      if (name == key) return static_cast<void>(old = value);
    }
    pairs.emplace_back(key, value);
  }
  void put_default(std::string_view key, const std::string& value) {
    if (find(key) == nullptr) put(key, value);
  }
  // "key='value' …", quotes and backslashes escaped.
  std::string text() const {
    std::string out;
    for (const auto& [name, value] : pairs) {
      out += name + "='";
      for (const char c : value) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
      }
      out += "' ";
    }
    return out;
  }
};

Result<ConnInfo> parse_url(const std::string& url) {
  char* why = nullptr;
  PQconninfoOption* options = PQconninfoParse(url.c_str(), &why);
  if (options == nullptr) {
    std::string text = why != nullptr ? why : "out of memory";
    PQfreemem(why);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return Error{ErrorCode::kInvalid, "database URL: " + text};
  }
  ConnInfo info;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->val != nullptr && *option->val != '\0') info.pairs.emplace_back(option->keyword, option->val);
  }
  PQconninfoFree(options);
  return info;
}

// One value of "options=-c name=value": blanks and backslashes are escaped by a backslash.
std::string option_value(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == ' ' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string limits_of(Role role) {
  switch (role) {
    case Role::kWorker:  // RULES A 1
      return " -c idle_in_transaction_session_timeout=5000 -c lock_timeout=3000";
    case Role::kApi:
    case Role::kPublic:
      return " -c idle_in_transaction_session_timeout=10000 -c lock_timeout=2000";
    case Role::kLogin:
    case Role::kOwner:
    case Role::kBackup:
      return "";
  }
  return "";
}

std::string first_line(const char* text) {
  std::string line(text);
  if (const auto end = line.find('\n'); end != std::string::npos) line.resize(end);
  for (const std::string_view head : {"ERROR:  ", "FATAL:  ", "PANIC:  "}) {
    if (const auto at = line.find(head); at != std::string::npos) line.erase(0, at + head.size());
  }
  if (line.size() > 500) line.resize(500);
  return line;
}

// `… violates unique constraint "monitors_slug"` → monitors_slug, where the server speaks English.
std::string constraint_in(const std::string& message) {
  const auto word = message.find("constraint \"");
  if (word == std::string::npos) return {};
  const auto begin = word + 12;
  const auto end = message.find('"', begin);
  return end == std::string::npos ? std::string{} : message.substr(begin, end - begin);
}

// libpqxx 6.4.5 forgets the SQLSTATE of some of its classes; the class tells it.
const char* implied_state(const pqxx::sql_error& e) {
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&e) != nullptr) return "42501";
  if (dynamic_cast<const pqxx::disk_full*>(&e) != nullptr) return "53100";
  if (dynamic_cast<const pqxx::out_of_memory*>(&e) != nullptr) return "53200";
  if (dynamic_cast<const pqxx::insufficient_resources*>(&e) != nullptr) return "53000";
  return "";
}

SqlFailure failure_of(std::exception_ptr thrown, bool open) {
  SqlFailure failure{Fault::kBug, {}, {}, {}};
  try {
    std::rethrow_exception(thrown);
  } catch (const pqxx::in_doubt_error& e) {
    return {Fault::kInDoubt, {}, first_line(e.what()), {}};
  } catch (const pqxx::sql_error& e) {
    failure.sqlstate = e.sqlstate().empty() ? implied_state(e) : e.sqlstate();
    failure.message = first_line(e.what());
    failure.fault = fault_of(failure.sqlstate);
    failure.constraint = constraint_in(failure.message);
  } catch (const pqxx::transaction_rollback& e) {
    failure = {Fault::kRetry, "40001", first_line(e.what()), {}};
  } catch (const std::exception& e) {
    failure.message = first_line(e.what());
  }
  if (!open) failure.fault = Fault::kLost;
  return failure;
}

// What PQconnectdb said; libpqxx keeps only the text.
Error connect_error(const std::string& text) {
  const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  ErrorCode code = ErrorCode::kUnavailable;
  if (has("timeout expired")) code = ErrorCode::kTimeout;
  if (has("authentication failed") || has("does not exist") || has("no pg_hba.conf entry") ||
      has("permission denied to set role")) {
    code = has("No such file") ? ErrorCode::kUnavailable : ErrorCode::kRefused;
  }
  return Error{code, "database: " + first_line(text.c_str())};
}

}  // namespace

std::string_view name(Role role) {
  switch (role) {
    case Role::kLogin:
      return "login";
    case Role::kOwner:
      return "owner";
    case Role::kWorker:
      return "worker";
    case Role::kApi:
      return "api";
    case Role::kPublic:
      return "public";
    case Role::kBackup:
      return "backup";
  }
  return "login";
}

std::string role_name(const DatabaseAccess& access, Role role) {
  const auto info = parse_url(access.url);
  if (!info) return {};
  if (role == Role::kLogin || access.single_role) {
    const std::string* user = info->find("user");
    return user != nullptr ? *user : std::string{};
  }
  std::string prefix = access.role_prefix;
  if (prefix.empty()) {
    const std::string* database = info->find("dbname");
    const std::string* user = info->find("user");
    prefix = database != nullptr ? *database : user != nullptr ? *user : std::string("postgres");
  }
  return prefix + "_" + std::string(name(role));
}

struct Session::Impl {
  std::unique_ptr<pqxx::connection> connection;
  std::unique_ptr<pqxx::quiet_errorhandler>
      quiet;  // notices do not belong on our stderr; must go before the connection
  std::unique_ptr<Watchdog::Leash> leash;
  std::set<std::string> prepared;
  std::string context;
  SqlFailure failure;
  bool gone = false;

  Status use(milliseconds deadline, const std::function<Status()>& work);
};

Result<std::unique_ptr<Session>> Session::open(const DatabaseAccess& access, Role role,
                                               const std::string& application_name, milliseconds deadline) {
  auto info = parse_url(access.url);
  if (!info) return info.error();
  const std::string* given = info->find("options");
  std::string options = given != nullptr ? *given + " " : std::string{};
  options += "-c client_connection_check_interval=2000" + limits_of(role);
  if (role != Role::kLogin) {
    options += access.single_role ? " -c app.role=" + std::string(name(role))
                                  : " -c role=" + option_value(role_name(access, role));
  }
  info->put("options", options);
  info->put("application_name", application_name);
  info->put("client_encoding", "UTF8");
  info->put("connect_timeout", std::to_string(std::max<std::int64_t>(2, (deadline.count() + 999) / 1000)));
  info->put_default("target_session_attrs", "read-write");
  auto impl = std::make_unique<Impl>();
  impl->context = "database (" + std::string(name(role)) + ")";
  try {
    impl->connection = std::make_unique<pqxx::connection>(info->text());
    impl->quiet = std::make_unique<pqxx::quiet_errorhandler>(*impl->connection);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    impl->connection->inhibit_reactivation(true);
#pragma GCC diagnostic pop
  } catch (const std::exception& e) {
    return connect_error(e.what());
  }
  auto leash = Watchdog::shared()->leash(impl->connection->sock());
  if (!leash) return leash.error();
  impl->leash = *std::move(leash);
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() {
  // Closing politely sends one message; a frozen peer must not hold us, so the leash stays armed while it is sent.
  impl_->leash->arm(milliseconds(1000));
  impl_->quiet.reset();
  impl_->connection.reset();
  impl_->leash.reset();
}

bool Session::lost() const { return impl_->gone || !impl_->connection->is_open(); }
const SqlFailure& Session::last_failure() const { return impl_->failure; }
int Session::backend_pid() const { return impl_->connection->backendpid(); }
pqxx::connection_base& Session::connection() { return *impl_->connection; }

Status Session::Impl::use(milliseconds deadline, const std::function<Status()>& work) {
  failure = {};
  if (gone || !connection->is_open()) {
    gone = true;
    failure = {Fault::kLost, {}, "the connection is lost", {}};
    return error_of(failure, context);
  }
  leash->arm(deadline);
  std::exception_ptr thrown;
  Status status = ok();
  try {
    status = work();
  } catch (...) {
    thrown = std::current_exception();
  }
  const bool timed_out = leash->disarm();
  gone =
      timed_out || !connection->is_open();  // a socket that was shut is of no use even if the last answer came through
  if (!thrown) return status;
  failure = failure_of(thrown, !gone);
  return error_of(failure, context, timed_out || failure.sqlstate == "57014");
}

Status Session::run(milliseconds deadline, const std::function<Status(pqxx::transaction_base&)>& body,
                    Isolation isolation) {
  const auto within = [&](pqxx::transaction_base& tx) -> Status {
    Status status = body(tx);
    if (!status) {
      tx.abort();
      return status;
    }
    tx.commit();
    return ok();
  };
  return impl_->use(deadline, [&]() -> Status {
    switch (isolation) {
      case Isolation::kReadCommitted: {
        pqxx::work tx(*impl_->connection);
        return within(tx);
      }
      case Isolation::kRepeatableRead: {
        pqxx::transaction<pqxx::repeatable_read> tx(*impl_->connection);
        return within(tx);
      }
    }
    return Error{ErrorCode::kInternal, "unknown isolation"};
  });
}

Status Session::guarded(milliseconds deadline, const std::function<Status(pqxx::connection_base&)>& body) {
  return impl_->use(deadline, [&] { return body(*impl_->connection); });
}

void Session::prepare(const char* name, const char* sql) {
  if (impl_->prepared.insert(name).second) impl_->connection->prepare(name, sql);
}

void set_account(pqxx::transaction_base& tx, AccountId account) {
  tx.exec_params("SELECT set_config('app.account', $1, true)", std::to_string(account.value));
}
void set_operator(pqxx::transaction_base& tx) { tx.exec("SELECT set_config('app.operator', 'on', true)"); }

}  // namespace everup::db
