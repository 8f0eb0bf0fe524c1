// What a backup must prove about a database, and what a restored one needs before it may serve: facts of every table,
// one snapshot that the facts and pg_dump share, roles, numbers of transactions.
//
// Facts are read by somebody whom no policy binds: a superuser, else the owner with every account open; pg_dump runs as
// the role backup (RULES C 3), so what a policy hides from it shows as a difference. Thread: the caller's, blocking;
// each call opens its own session. Limit: kFactsDeadline for all tables of one database.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "core/time.h"
#include "db/session.h"

namespace everup::db {

inline constexpr milliseconds kFactsDeadline{12 * 3'600'000LL};

struct TableFacts {
  std::string name;
  std::int64_t rows = 0;
  std::string digest;  // the sum of a 64-bit hash of every row's text, decimal: equal contents in any order
  bool operator==(const TableFacts&) const = default;
};
struct DatabaseFacts {
  int schema_version = 0, server_major = 0;
  std::string database;
  bool single_role = false;
  std::vector<std::string> roles;  // all that the schema may name: the five and the login
  WallTime as_of;                  // open spans are counted up to here
  std::vector<TableFacts> tables;  // every table of the schema, by name
  // What the ledger adds up to: "monitors", "results", and of all spans "up_ms", "down_ms" …
  std::map<std::string, std::int64_t> figures;
};
// How pg_dump sees the same instant.
struct DumpSight {
  std::string snapshot;
  std::string role;     // empty: stay the login
  std::string options;  // PGOPTIONS
};

// Reads the facts and calls `dump` while their snapshot is held. kNotFound: there is no schema. kRefused: neither the
// role backup nor the login may read every table; the text names them.
Status with_snapshot(const DatabaseAccess& access,
                     const std::function<Status(const DatabaseFacts&, const DumpSight&)>& dump);
// The same facts of a restored database, its open spans counted up to `as_of`.
Result<DatabaseFacts> read_facts(const DatabaseAccess& access, WallTime as_of);
// In one sentence what differs between what was saved and what is there; nothing: they are equal.
std::optional<std::string> difference(const std::vector<TableFacts>& saved, const std::vector<TableFacts>& found);

// 0: there is no schema.
Result<int> schema_version(const DatabaseAccess& access);

// Makes roles that are missing, without login. `access` is a superuser's.
Status make_roles(const DatabaseAccess& access, const std::vector<std::string>& roles);
// "foo_owner" → "everup_owner" and so on, for a database that was called otherwise where the backup was taken.
Status rename_roles(const DatabaseAccess& access, const std::string& from_prefix, const std::string& to_prefix);
// A restored database counts transactions from the start, but its rows tell numbers of the old one: those that seem to
// be of the future are made numbers of the past, or change feeds would not see what is new (RULES C 4).
Status settle_transaction_numbers(const DatabaseAccess& access);

// What is sealed in monitors, the first `most`: proof that a key belongs to a database.
struct SealedSecrets {
  AccountId account;
  MonitorId monitor;
  std::string sealed;
};
Result<std::vector<SealedSecrets>> sealed_secrets(const DatabaseAccess& access, int most);

// Tells the database that it was saved; the newest 1 000 are remembered. Nothing, in a schema that has no place for it.
struct BackupNote {
  WallTime taken_at;
  int schema_version = 0;
  std::int64_t rows = 0, bytes = 0;
};
Status note_backup(const DatabaseAccess& access, const BackupNote& note);
Result<std::optional<WallTime>> last_backup(const DatabaseAccess& access);

// Counts the rows in the text that `pg_restore --data-only` writes, piece by piece.
class DumpedRows {
 public:
  void add(std::string_view piece);
  const std::map<std::string, std::int64_t>& rows() const { return rows_; }  // by table, those that have data

 private:
  void end_line();
  static constexpr std::size_t kHeadMax = 200;  // as much of a line as is looked at
  std::string head_;
  std::string table_;  // whose rows these are; empty: none
  std::map<std::string, std::int64_t> rows_;
};

}  // namespace everup::db
