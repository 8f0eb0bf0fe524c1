// What `serve` and `migrate` stand on: the data directory held, a database running and migrated, the vault open.
#pragma once

#include <optional>
#include <string>

#include "app/settings.h"
#include "core/result.h"
#include "db/data_dir.h"
#include "db/migrate.h"
#include "db/private_cluster.h"
#include "db/session.h"
#include "db/vault.h"

namespace everup::app {

// Members die in reverse order: the cluster stops before the data directory is given up.
struct Foundation {
  db::DataDir data_dir;
  std::optional<db::PrivateCluster> cluster;
  db::DatabaseAccess access;
  db::MigrationReport migration;
  db::Vault vault;
};

// Main thread only (the cluster is its child). As root the process has become EVERUP_USER before anything is made.
// kInvalid, kConflict, kRefused, kNotFound: configuration, exit 78; kUnavailable, kTimeout: the database is away.
Result<Foundation> lay_foundation(const Settings& settings);

}  // namespace everup::app
