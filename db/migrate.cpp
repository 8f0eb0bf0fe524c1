// See migrate.h. One advisory lock per database serialises all migrators; each migration is one transaction in which
// the session is the owner role. Weakness: roles belong to the whole server, so two databases with one role prefix
// share them.
#include "db/migrate.h"

#include <algorithm>
#include <map>
#include <pqxx/pqxx>

namespace everup::db {
namespace {
constexpr milliseconds kDeadline{120'000};  // one migration
constexpr milliseconds kLockDeadline{120'000};
constexpr const char* kLock = "SELECT pg_advisory_lock(hashtextextended('everup.migrate', 0))";
constexpr std::array kRoles{Role::kOwner, Role::kWorker, Role::kApi, Role::kPublic, Role::kBackup};

struct Applied {
  std::string name, checksum;
};
using AppliedList = std::map<int, Applied>;

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Placeholders → quoted role names and their conditions (dollar-quoted: they also stand inside literals).
std::string resolved(const DatabaseAccess& access, const std::string& login, const std::string& sql,
                     pqxx::transaction_base& tx) {
  std::string text = sql;
  for (const Role role : kRoles) {
    const std::string word(name(role));
    const std::string role_id = tx.quote_name(access.single_role ? login : role_name(access, role));
    const std::string condition =
        access.single_role ? "current_setting($q$app.role$q$, true) = $q$" + word + "$q$" : "true";
    text = replace_all(std::move(text), "{{" + word + "}}", role_id);
    text = replace_all(std::move(text), "{{is_" + word + "}}", condition);
  }
  return text;
}

std::string checksum_of(pqxx::transaction_base& tx, const std::string& sql) {
  return tx.exec_params1("SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')", sql)[0].as<std::string>();
}

bool table_exists(pqxx::transaction_base& tx) {
  return tx.exec1("SELECT to_regclass('public.schema_migrations') IS NOT NULL")[0].as<bool>();
}

AppliedList applied_in(pqxx::transaction_base& tx) {
  AppliedList list;
  if (!table_exists(tx)) return list;
  for (const auto& row : tx.exec("SELECT version, name, checksum FROM public.schema_migrations ORDER BY version")) {
    list[row[0].as<int>()] = {row[1].as<std::string>(), row[2].as<std::string>()};
  }
  return list;
}

// What is applied must be what we have, unchanged, and nothing newer.
Status compare(pqxx::transaction_base& tx, const AppliedList& applied, const std::vector<Migration>& list) {
  for (const auto& [version, row] : applied) {
    const auto ours =
        std::find_if(list.begin(), list.end(), [v = version](const Migration& m) { return m.version == v; });
    if (ours == list.end()) {
      return Error{ErrorCode::kConflict, "database schema: it is at version " +
                                             std::to_string(applied.rbegin()->first) + " (" +
                                             applied.rbegin()->second.name + "), this everup knows up to " +
                                             std::to_string(list.empty() ? 0 : list.back().version) +
                                             "; start the newer everup, or restore a backup made before the upgrade"};
    }
    if (checksum_of(tx, ours->sql) != row.checksum) {
      return Error{ErrorCode::kConflict, "database schema: migration " + row.name +
                                             " was applied with another text than this everup's; refusing to guess"};
    }
  }
  return ok();
}

struct Rights {
  std::string login, database;
  bool may_create_roles = false;
};

Rights rights_of(pqxx::transaction_base& tx) {
  const auto row = tx.exec1(
      "SELECT session_user, current_database(), (SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = "
      "session_user)");
  return {row[0].as<std::string>(), row[1].as<std::string>(), row[2].as<bool>()};
}

// All five exist and the login may become each: then whether it could create them does not matter.
bool roles_usable(pqxx::transaction_base& tx, const DatabaseAccess& access) {
  for (const Role role : kRoles) {
    const auto row = tx.exec_params1(
        "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1 AND pg_has_role(session_user, oid, 'MEMBER'))",
        role_name(access, role));
    if (!row[0].as<bool>()) return false;
  }
  return true;
}

void make_roles(pqxx::transaction_base& tx, const DatabaseAccess& access, const Rights& rights) {
  // Roles are the server's: migrators of other databases must not make them at the same instant.
  tx.exec("SELECT pg_advisory_xact_lock(hashtextextended('everup.roles', 0))");
  for (const Role role : kRoles) {
    const std::string title = role_name(access, role);
    const std::string quoted = tx.quote_name(title);
    if (tx.exec_params("SELECT 1 FROM pg_roles WHERE rolname = $1", title).empty()) {
      tx.exec("CREATE ROLE " + quoted + " NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE");
    }
    tx.exec("GRANT " + quoted + " TO " + tx.quote_name(rights.login));
  }
}

// Decides between five roles and one, and gives the owner what it needs in this database.
Status prepare_roles(pqxx::transaction_base& tx, DatabaseAccess& access) {
  const Rights rights = rights_of(tx);
  if (!access.single_role && !roles_usable(tx, access)) {
    if (rights.may_create_roles) {
      make_roles(tx, access, rights);
    } else {
      access.single_role = true;
    }
  }
  if (access.single_role) return ok();
  const std::string owner = tx.quote_name(role_name(access, Role::kOwner));
  tx.exec("GRANT USAGE, CREATE ON SCHEMA public TO " + owner);
  tx.exec("GRANT CREATE, TEMPORARY ON DATABASE " + tx.quote_name(rights.database) + " TO " + owner);
  return ok();
}

void become_owner(pqxx::transaction_base& tx, const DatabaseAccess& access) {
  if (!access.single_role) tx.exec("SET LOCAL ROLE " + tx.quote_name(role_name(access, Role::kOwner)));
  tx.exec("SET LOCAL search_path = public");
  set_operator(tx);
}

Status apply(Session& session, const DatabaseAccess& access, const Migration& migration, WallTime now) {
  Status status = session.run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const std::string login = rights_of(tx).login;
    become_owner(tx, access);
    tx.exec(
        "CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text "
        "NOT NULL, "
        "applied_at bigint NOT NULL)");
    tx.exec(resolved(access, login, migration.sql, tx));
    tx.exec_params("INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
                   migration.version, migration.name, checksum_of(tx, migration.sql), now.ms);
    return ok();
  });
  if (status) return status;
  return Error{status.error().code, "migration " + migration.name + ": " + status.error().what};
}

Status in_order(const std::vector<Migration>& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].version != static_cast<int>(i) + 1) {
      return Error{ErrorCode::kInternal, "migrations are not numbered 1, 2, …: " + list[i].name};
    }
  }
  return ok();
}

}  // namespace

const std::vector<Migration>& migrations() {
  static const std::vector<Migration> list{
#include "db/migrations_embedded.inc"
  };
  return list;
}

Result<MigrationReport> migrate(const DatabaseAccess& access, WallTime now, const std::vector<Migration>& list) {
  if (Status status = in_order(list); !status) return status.error();
  MigrationReport report;
  report.access = access;
  auto session = Session::open(access, Role::kLogin, "everup migrate");
  if (!session) return session.error();
  // The lock belongs to the session: it ends with it, whatever happens.
  Status status = (*session)->guarded(kLockDeadline, [](pqxx::connection_base& connection) -> Status {
    pqxx::nontransaction tx(connection);
    tx.exec(kLock);
    return ok();
  });
  if (!status) return status.error();
  AppliedList applied;
  status = (*session)->run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    applied = applied_in(tx);
    if (Status same = compare(tx, applied, list); !same) return same;
    return prepare_roles(tx, report.access);
  });
  if (!status) return status.error();
  report.before = report.after = applied.empty() ? 0 : applied.rbegin()->first;
  for (const Migration& migration : list) {
    if (migration.version <= report.before) continue;
    if (status = apply(**session, report.access, migration, now); !status) return status.error();
    report.after = migration.version;
  }
  report.single_role = report.access.single_role;
  return report;
}

Result<MigrationReport> check_schema(const DatabaseAccess& access, const std::vector<Migration>& list) {
  auto session = Session::open(access, Role::kLogin, "everup");
  if (!session) return session.error();
  MigrationReport report;
  report.access = access;
  Status status = (*session)->run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const AppliedList applied = applied_in(tx);
    if (applied.empty()) return Error{ErrorCode::kNotFound, "database schema: there is none yet; run: everup migrate"};
    report.before = report.after = applied.rbegin()->first;
    report.access.single_role = access.single_role || !roles_usable(tx, access);
    if (Status same = compare(tx, applied, list); !same) return same;
    if (report.after == (list.empty() ? 0 : list.back().version)) return ok();
    return Error{ErrorCode::kConflict, "database schema: it is at version " + std::to_string(report.after) +
                                           ", this everup needs " + std::to_string(list.back().version) +
                                           "; run: everup migrate"};
  });
  if (!status) return status.error();
  report.single_role = report.access.single_role;
  return report;
}

}  // namespace everup::db
