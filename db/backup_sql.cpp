#include "db/backup_sql.h"

#include <algorithm>
#include <array>
#include <pqxx/pqxx>

#include "core/standing.h"

namespace everup::db {
namespace {

constexpr milliseconds kDeadline{60'000};
constexpr milliseconds kNoteDeadline{2'000};  // a service asks it beside its other duties
constexpr const char* kName = "everup backup";
constexpr std::array kRoles{Role::kOwner, Role::kWorker, Role::kApi, Role::kPublic, Role::kBackup};

// A session that no policy binds, and what it found out about the server.
struct DumpReader {
  std::unique_ptr<Session> session;
  DatabaseAccess access;
  bool superuser = false;
};

Result<DumpReader> open_reader(DatabaseAccess access) {
  auto login = Session::open(access, Role::kLogin, kName);
  if (!login) return login.error();
  DumpReader reader;
  bool schema = false;
  const Status known = (*login)->run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    schema = tx.exec1("SELECT to_regclass('public.schema_migrations') IS NOT NULL")[0].as<bool>();
    reader.superuser =
        tx.exec1("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user")[0].as<bool>();
    for (const Role role : kRoles) {
      const auto row = tx.exec_params1(
          "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1 AND pg_has_role(session_user, oid, 'MEMBER'))",
          role_name(access, role));
      access.single_role = access.single_role || !row[0].as<bool>();
    }
    return ok();
  });
  if (!known) return known.error();
  if (!schema) return Error{ErrorCode::kNotFound, "the database holds no schema of everup"};
  reader.access = std::move(access);
  if (reader.superuser) {
    reader.session = *std::move(login);
  } else {
    auto owner = Session::open(reader.access, Role::kOwner, kName);
    if (!owner) return owner.error();
    reader.session = *std::move(owner);
  }
  return reader;
}

// The text of a row must not depend on anybody's settings.
void fix_spelling(pqxx::transaction_base& tx) {
  set_operator(tx);
  tx.exec("SET LOCAL timezone = 'UTC'");
  tx.exec("SET LOCAL datestyle = 'ISO'");
  tx.exec("SET LOCAL intervalstyle = 'postgres'");
  tx.exec("SET LOCAL bytea_output = 'hex'");
  tx.exec("SET LOCAL extra_float_digits = 1");
}

std::map<std::string, std::int64_t> figures_in(pqxx::transaction_base& tx, WallTime as_of) {
  std::map<std::string, std::int64_t> out;
  out["monitors"] = tx.exec1("SELECT count(*) FROM public.monitors WHERE deleted_at IS NULL")[0].as<std::int64_t>();
  for (const pqxx::row& row : tx.exec_params(
           "SELECT state, sum(greatest(least(coalesce(to_at, $1), $1) - from_at, 0))::bigint FROM public.spans "
           "GROUP BY state ORDER BY state",
           as_of.ms)) {
    out[std::string(slug(static_cast<State>(row[0].as<std::int16_t>()))) + "_ms"] = row[1].as<std::int64_t>();
  }
  return out;
}

std::vector<TableFacts> tables_in(pqxx::transaction_base& tx) {
  std::vector<TableFacts> out;
  for (const pqxx::row& row : tx.exec("SELECT relname FROM pg_class WHERE relkind = 'r' AND relpersistence <> 't' AND "
                                      "relnamespace = 'public'::regnamespace ORDER BY relname COLLATE \"C\"")) {
    const std::string name = row[0].as<std::string>();
    const pqxx::row facts =
        tx.exec1("SELECT count(*), coalesce(sum(hashtextextended(whole_row::text, 0)), 0)::text FROM ONLY public." +
                 tx.quote_name(name) + " AS whole_row");
    out.push_back({name, facts[0].as<std::int64_t>(), facts[1].as<std::string>()});
  }
  return out;
}

// Rows that count, and those in chunks. A backup of before cold storage has rows alone.
std::int64_t results_in(pqxx::transaction_base& tx, const DatabaseFacts& facts) {
  std::int64_t rows = 0;
  for (const TableFacts& table : facts.tables) {
    if (table.name.starts_with("results")) rows += table.rows;
  }
  if (facts.schema_version < 12) return rows;
  return rows + tx.exec1(
                      "SELECT coalesce((SELECT sum(row_count) FROM public.result_chunks WHERE hour_at < "
                      "s.packed_through), 0) - (SELECT count(*) FROM public.results WHERE slot_at < s.packed_through) "
                      "FROM public.storage_mark s")[0]
                    .as<std::int64_t>();
}

DatabaseFacts facts_in(pqxx::transaction_base& tx, const DatabaseAccess& access, std::optional<WallTime> as_of) {
  fix_spelling(tx);
  DatabaseFacts facts;
  const pqxx::row row = tx.exec1(
      "SELECT current_database(), current_setting('server_version_num')::int / 10000, "
      "(SELECT max(version) FROM public.schema_migrations), (extract(epoch FROM now()) * 1000)::bigint, session_user");
  facts.database = row[0].as<std::string>();
  facts.server_major = row[1].as<int>();
  facts.schema_version = row[2].as<int>();
  facts.as_of = as_of.value_or(WallTime{row[3].as<std::int64_t>()});
  facts.single_role = access.single_role;
  facts.roles.push_back(row[4].as<std::string>());
  for (const Role role : kRoles) {
    if (!access.single_role) facts.roles.push_back(role_name(access, role));
  }
  facts.figures = figures_in(tx, facts.as_of);
  facts.tables = tables_in(tx);
  facts.figures["results"] = results_in(tx, facts);
  return facts;
}

// As whom pg_dump may read everything: backup; in a schema from before its rights were complete, a superuser.
Result<DumpSight> sight_in(pqxx::transaction_base& tx, const DumpReader& reader) {
  DumpSight sight;
  tx.exec("SET LOCAL idle_in_transaction_session_timeout = 0");  // the snapshot is held while pg_dump works
  sight.snapshot = tx.exec1("SELECT pg_export_snapshot()")[0].as<std::string>();
  if (reader.access.single_role) {
    sight.options = "-c app.role=backup";
    return sight;
  }
  const std::string backup = role_name(reader.access, Role::kBackup);
  const pqxx::row closed = tx.exec_params1(
      "SELECT count(*), string_agg(relname, ', ') FROM (SELECT relname FROM pg_class WHERE relkind IN ('r', 'S', 'p') "
      "AND relpersistence <> 't' AND relnamespace = 'public'::regnamespace AND NOT CASE relkind WHEN 'S' THEN "
      "has_sequence_privilege($1, oid, 'SELECT') ELSE has_table_privilege($1, oid, 'SELECT') END LIMIT 5) AS t",
      backup);
  if (closed[0].as<std::int64_t>() == 0) {
    sight.role = backup;
  } else if (!reader.superuser) {
    return Error{ErrorCode::kRefused,
                 "role " + backup + " may not read " + closed[1].as<std::string>() + "; run: everup migrate"};
  }
  return sight;
}

}  // namespace

Status with_snapshot(const DatabaseAccess& access,
                     const std::function<Status(const DatabaseFacts&, const DumpSight&)>& dump) {
  auto reader = open_reader(access);
  if (!reader) return reader.error();
  return reader->session->run(
      kFactsDeadline,
      [&](pqxx::transaction_base& tx) -> Status {
        const auto sight = sight_in(tx, *reader);
        if (!sight) return sight.error();
        return dump(facts_in(tx, reader->access, std::nullopt), *sight);
      },
      Isolation::kRepeatableRead);
}

Result<DatabaseFacts> read_facts(const DatabaseAccess& access, WallTime as_of) {
  auto reader = open_reader(access);
  if (!reader) return reader.error();
  return in_transaction(
      *reader->session, kFactsDeadline,
      [&](pqxx::transaction_base& tx) -> Result<DatabaseFacts> { return facts_in(tx, reader->access, as_of); },
      Isolation::kRepeatableRead);
}

std::optional<std::string> difference(const std::vector<TableFacts>& saved, const std::vector<TableFacts>& found) {
  std::map<std::string, const TableFacts*> there;
  for (const TableFacts& table : found) there[table.name] = &table;
  for (const TableFacts& table : saved) {
    const auto at = there.find(table.name);
    if (at == there.end()) return "table " + table.name + " is missing";
    if (at->second->rows != table.rows) {
      return "table " + table.name + " has " + std::to_string(at->second->rows) + " rows, saved were " +
             std::to_string(table.rows);
    }
    if (at->second->digest != table.digest) return "table " + table.name + " has other contents than were saved";
    there.erase(at);
  }
  if (!there.empty()) return "table " + there.begin()->first + " was not saved";
  return std::nullopt;
}

Result<int> schema_version(const DatabaseAccess& access) {
  auto session = Session::open(access, Role::kLogin, kName);
  if (!session) return session.error();
  return in_transaction(**session, kDeadline, [](pqxx::transaction_base& tx) -> Result<int> {
    if (!tx.exec1("SELECT to_regclass('public.schema_migrations') IS NOT NULL")[0].as<bool>()) return 0;
    return tx.exec1("SELECT coalesce(max(version), 0) FROM public.schema_migrations")[0].as<int>();
  });
}

Status make_roles(const DatabaseAccess& access, const std::vector<std::string>& roles) {
  auto session = Session::open(access, Role::kLogin, kName);
  if (!session) return session.error();
  return (*session)->run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    for (const std::string& role : roles) {
      if (!tx.exec_params("SELECT 1 FROM pg_roles WHERE rolname = $1", role).empty()) continue;
      tx.exec("CREATE ROLE " + tx.quote_name(role) + " NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE");
    }
    return ok();
  });
}

Status rename_roles(const DatabaseAccess& access, const std::string& from_prefix, const std::string& to_prefix) {
  if (from_prefix == to_prefix) return ok();
  DatabaseAccess from = access, to = access;
  from.role_prefix = from_prefix, to.role_prefix = to_prefix;
  auto session = Session::open(access, Role::kLogin, kName);
  if (!session) return session.error();
  return (*session)->run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    for (const Role role : kRoles) {
      tx.exec("ALTER ROLE " + tx.quote_name(role_name(from, role)) + " RENAME TO " +
              tx.quote_name(role_name(to, role)));
    }
    return ok();
  });
}

Status settle_transaction_numbers(const DatabaseAccess& access) {
  auto session = Session::open(access, Role::kLogin, kName);
  if (!session) return session.error();
  return (*session)->run(kFactsDeadline, [](pqxx::transaction_base& tx) -> Status {
    tx.exec("SET LOCAL session_replication_role = replica");  // nothing changes that a trigger should tell
    for (const pqxx::row& row :
         tx.exec("SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE "
                 "c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.atttypid = 'xid8'::regtype AND "
                 "a.attnum > 0 AND NOT a.attisdropped")) {
      const std::string column = tx.quote_name(row[1].as<std::string>());
      tx.exec("UPDATE public." + tx.quote_name(row[0].as<std::string>()) + " SET " + column + " = '3' WHERE " + column +
              " >= pg_current_xact_id()");
    }
    return ok();
  });
}

Result<std::vector<SealedSecrets>> sealed_secrets(const DatabaseAccess& access, int most) {
  auto reader = open_reader(access);
  if (!reader) return reader.error();
  return in_transaction(
      *reader->session, kDeadline, [&](pqxx::transaction_base& tx) -> Result<std::vector<SealedSecrets>> {
        set_operator(tx);
        std::vector<SealedSecrets> out;
        for (const pqxx::row& row : tx.exec_params(
                 "SELECT account_id, id, secrets FROM public.monitors WHERE secrets IS NOT NULL ORDER BY id LIMIT $1",
                 most)) {
          out.push_back({AccountId{row[0].as<std::int64_t>()}, MonitorId{row[1].as<std::int64_t>()},
                         pqxx::binarystring(row[2]).str()});
        }
        return out;
      });
}

Status note_backup(const DatabaseAccess& access, const BackupNote& note) {
  auto reader = open_reader(access);
  if (!reader) return reader.error();
  return reader->session->run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    if (!tx.exec1("SELECT to_regclass('public.backups') IS NOT NULL")[0].as<bool>()) return ok();
    tx.exec_params(
        "INSERT INTO public.backups (taken_at, schema_version, row_count, byte_count) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT DO NOTHING",
        note.taken_at.ms, note.schema_version, note.rows, note.bytes);
    tx.exec(
        "DELETE FROM public.backups WHERE taken_at < (SELECT min(taken_at) FROM (SELECT taken_at FROM "
        "public.backups ORDER BY taken_at DESC LIMIT 1000) AS kept)");
    return ok();
  });
}

Result<std::optional<WallTime>> last_backup(const DatabaseAccess& access) {
  auto session = Session::open(access, Role::kWorker, kName);
  if (!session) return session.error();
  return in_transaction(**session, kNoteDeadline, [](pqxx::transaction_base& tx) -> Result<std::optional<WallTime>> {
    const pqxx::row row = tx.exec1("SELECT max(taken_at) FROM backups");
    if (row[0].is_null()) return std::optional<WallTime>{};
    return std::optional<WallTime>{WallTime{row[0].as<std::int64_t>()}};
  });
}

void DumpedRows::add(std::string_view piece) {
  while (!piece.empty()) {
    const auto end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    if (head_.size() < kHeadMax) head_.append(part.substr(0, kHeadMax - head_.size()));
    if (end == std::string_view::npos) return;
    end_line();
    head_.clear();
    piece.remove_prefix(end + 1);
  }
}

void DumpedRows::end_line() {
  constexpr std::string_view kCopy = "COPY public.";
  if (!table_.empty()) {
    if (head_ == "\\.") {
      table_.clear();
    } else {
      ++rows_[table_];
    }
  } else if (head_.starts_with(kCopy)) {
    table_ = head_.substr(kCopy.size(), head_.find(' ', kCopy.size()) - kCopy.size());
  }
}

}  // namespace everup::db
