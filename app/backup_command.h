// `everup backup DIR`, `everup backup verify DIR`, `everup restore DIR`. Exit codes: 0 done (verify: genuine), 1 failed
// (verify: not genuine), 2 usage, 78 configuration.
#pragma once

#include <string>

#include "app/settings.h"

namespace everup::app {

struct BackupWords {
  std::string directory;
  bool dated = false;    // DIR/20261122T030000Z
  int keep = 0;          // with dated: so many are left; 0: all
  std::string key_file;  // 32 bytes in base64; empty: not sealed
  bool json = false;     // the manifest
};
int run_backup(const Settings& settings, const BackupWords& words);

struct BackupVerifyWords {
  std::string directory, key_file, scratch;  // scratch: where the throw-away cluster goes; empty: TMPDIR
};
int run_backup_verify(const Settings& settings, const BackupVerifyWords& words);

struct RestoreWords {
  std::string directory, key_file;
  bool replace = false;
};
int run_restore(const Settings& settings, const RestoreWords& words);

}  // namespace everup::app
