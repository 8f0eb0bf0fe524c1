// From a backup to a data directory, and the proof that a backup can be restored.
//
// A restore fills a cluster beside the old one and exchanges the two at the end: killed at any point, the old data are
// untouched or the new ones are in place. What is replaced is put aside, never removed. Main thread (PostgreSQL is its
// child), blocking.
#pragma once

#include <string>
#include <vector>

#include "app/backup_files.h"
#include "app/settings.h"
#include "core/result.h"

namespace everup::app {

// Restores into a throw-away cluster in `scratch` (empty: TMPDIR, else /tmp) and compares every table and figure.
// kCorrupt: a difference, named.
Status verify_backup(const OpenBackup& backup, const std::string& scratch);

struct Restored {
  std::string data_dir;
  std::vector<std::string> put_aside;
};
// kConflict: the data directory holds a database and `replace` was not asked for, or a service runs in it. kInvalid:
// EVERUP_SECRET_KEY is another key than the backup's.
Result<Restored> restore_backup(const Settings& settings, const OpenBackup& backup, bool replace);

}  // namespace everup::app
