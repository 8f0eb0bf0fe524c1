// Taking a backup, filling a cluster from one (docs/BACKUP.md).
//
// A backup is a directory that appears whole, by rename, or not at all. The facts in its manifest and the dump are of
// one snapshot, so a busy service goes on meanwhile; the rows of the dump are counted before it counts as taken.
#pragma once

#include <optional>
#include <string>

#include "app/backup_files.h"
#include "app/settings.h"
#include "core/result.h"
#include "db/private_cluster.h"
#include "db/session.h"
#include "seal/box.h"

namespace everup::app {

struct BackupPlan {
  std::string directory;  // absent or empty
  std::string data_dir;   // for secret.key; may not exist where EVERUP_SECRET_KEY is given
  db::DatabaseAccess access;
  std::optional<seal::KeyBytes> key;  // seals the files
};
// kConflict: the directory holds something. kNotFound: no schema. kCorrupt: the dump is not what the database holds.
Result<Manifest> take_backup(const Settings& settings, const BackupPlan& plan);

// Before a private cluster is migrated: DATA_DIR/backups/…-before-schema-N, the last three are kept. Nothing to do for
// a database without schema or with the newest. False: nothing was to be done.
Result<bool> back_up_before_migration(const Settings& settings, const std::string& data_dir,
                                      const db::DatabaseAccess& access);

// Loads the dump into the cluster's empty database, whose name is the one that was saved, and compares every table.
// kCorrupt: a difference, named.
Status fill_cluster(const db::PrivateCluster& cluster, const OpenBackup& backup);
// kConflict: it is of a newer schema than this everup knows.
Status check_known(const Manifest& manifest);

// "20261122T030000Z"
std::string stamp_of(WallTime t);
// Removes the oldest backups in `parent` whose names are a stamp and `suffix`… until `keep` are left.
void prune_backups(const std::string& parent, std::string_view suffix, std::size_t keep);

}  // namespace everup::app
