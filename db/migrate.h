// Brings a database to this binary's schema: db/migrations/*.sql, embedded at build time, each applied once, in order,
// in one transaction under an advisory lock, remembered with its checksum in schema_migrations. The roles of RULES C 2
// are made here.
#pragma once

#include <string>
#include <vector>

#include "db/session.h"

namespace everup::db {

struct Migration {
  int version = 0;
  std::string name;  // "0001_spine"
  std::string sql;  // with {{owner}} {{worker}} {{api}} {{public}} {{backup}} and {{is_…}} for the policies' conditions
};
const std::vector<Migration>& migrations();

struct MigrationReport {
  int before = 0, after = 0;  // schema versions
  bool single_role = false;   // the login could not create the roles: `doctor` says so
  DatabaseAccess access;      // the one to use from now on
};
// kConflict: a newer schema, or a checksum that changed (one clear line; the app exits 78). Concurrent callers wait for
// each other.
Result<MigrationReport> migrate(const DatabaseAccess& access, WallTime now,
                                const std::vector<Migration>& list = migrations());
// Without changing anything: kNotFound when the schema is absent, kConflict as above or when migrations are missing.
Result<MigrationReport> check_schema(const DatabaseAccess& access, const std::vector<Migration>& list = migrations());
// SHA-256 of a migration's text is computed by PostgreSQL; lower-case hex.

}  // namespace everup::db
