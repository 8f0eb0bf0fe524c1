// The private PostgreSQL: a cluster under DATA_DIR/pg on a unix socket only, its postmaster a child of this process
// (RULES A 9).
//
// Start from the main thread (PDEATHSIG follows the forking thread): when this process dies by kill -9, the postmaster
// gets SIGINT and shuts down cleanly. Databases are found by URL like any other; nothing else in the house knows that
// this one is private. Limits: start 60 s in all, of which up to 30 s waiting for a postmaster that is still going
// down; stop 30 s, then SIGQUIT. Weakness: a new major version of PostgreSQL needs dump and restore; it is refused by
// name, never started blindly.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "core/result.h"
#include "core/time.h"

namespace everup::db {

struct ClusterOptions {
  std::string data_dir;  // held by the caller (DataDir)
  std::string user;      // as root: initdb and postgres run as this user; empty: "everup"
  std::string bin_dir;   // empty: EVERUP_PG_BINDIR, then pg_config, /usr/lib/postgresql/*/bin, PATH
  std::string database = "everup";
  bool durable = true;  // false: fsync off, for tests only
  milliseconds ready_deadline{30000};
};

class PrivateCluster {
 public:
  static Result<PrivateCluster> start(const ClusterOptions& options);
  // The URL of a cluster that another process runs in this data directory; kNotFound when none answers. Starts nothing.
  static Result<std::string> attach(const std::string& data_dir, const std::string& database = "everup");

  PrivateCluster(PrivateCluster&&) noexcept;
  PrivateCluster& operator=(PrivateCluster&&) noexcept;
  ~PrivateCluster();  // stop(), errors ignored

  std::string url() const;  // postgresql://everup@/everup?host=…
  std::string url_of(const std::string& database) const;
  pid_t pid() const;  // of the postmaster
  bool alive();       // false: it ended by itself (then reaped)
  Status stop();      // SIGINT (fast), after 30 s SIGQUIT; idempotent

 private:
  struct Impl;
  explicit PrivateCluster(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The directory with initdb and postgres, or kNotFound with the apt line.
Result<std::string> find_postgres_binaries(const std::string& preferred);
// Where the socket goes: DATA_DIR/run when the path fits into 107 bytes, else /tmp/everup-<uid>-<hash of the data
// directory>.
std::string socket_directory(const std::string& data_dir, unsigned uid);

}  // namespace everup::db
