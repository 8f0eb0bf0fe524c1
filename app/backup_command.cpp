// See backup_command.h. A backup taken by root stays root's: it is written where only root may write. Restore and
// verify open the files first and become EVERUP_USER then, because PostgreSQL refuses to be root.
#include "app/backup_command.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "app/answer.h"
#include "app/backup.h"
#include "app/commands.h"
#include "app/database.h"
#include "app/privileges.h"
#include "app/restore.h"
#include "db/data_dir.h"
#include "seal/key_file.h"

namespace everup::app {
namespace {

int flushed(int code) { return std::fflush(stdout) == 0 ? code : kFailed; }

Result<std::optional<seal::KeyBytes>> key_in(const std::string& file) {
  if (file.empty()) return std::optional<seal::KeyBytes>{};
  auto key = seal::key_from_file(file, false);
  if (!key) return Error{key.error().code, "--key-file: " + key.error().what};
  return std::optional<seal::KeyBytes>{*key};
}

std::string absolute(const std::string& path) {
  std::error_code ignored;
  const auto whole = std::filesystem::absolute(path, ignored).lexically_normal().string();
  return whole.size() > 1 && whole.ends_with('/') ? whole.substr(0, whole.size() - 1) : whole;
}

// The database of a running service or of a server of one's own; else the private cluster, started for this time.
struct Reached {
  std::optional<db::DataDir> held;
  std::optional<db::PrivateCluster> cluster;
  db::DatabaseAccess access;
};

Result<Reached> reach(const Settings& settings, const std::string& data_dir) {
  Reached out;
  out.access.url = settings.text("DATABASE_URL");
  if (!out.access.url.empty()) return out;
  if (!db::DataDir::exists(data_dir)) {
    return Error{
        ErrorCode::kNotFound,
        fmt::format("nothing to save: EVERUP_DATABASE_URL is empty and there is no data directory at {}", data_dir)};
  }
  if (auto url = db::PrivateCluster::attach(data_dir)) {
    out.access.url = *std::move(url);
    return out;
  } else if (url.error().code != ErrorCode::kNotFound) {
    return url.error();
  }
  if (is_root()) {
    struct stat facts {};
    const passwd* owner = stat(data_dir.c_str(), &facts) == 0 ? getpwuid(facts.st_uid) : nullptr;
    return Error{ErrorCode::kNotFound,
                 fmt::format("no database answers in {}; start `everup serve`, or run this as the user {}", data_dir,
                             owner != nullptr ? owner->pw_name : settings.text("USER").c_str())};
  }
  auto held = db::DataDir::hold(data_dir);
  if (!held) return held.error();
  db::ClusterOptions options;
  options.data_dir = data_dir;
  auto started = db::PrivateCluster::start(options);
  if (!started) return started.error();
  out.access.url = started->url();
  out.held.emplace(*std::move(held));
  out.cluster.emplace(*std::move(started));
  return out;
}

void warn_of_the_key(const std::string& directory, bool sealed) {
  if (sealed) {
    fmt::print(
        stderr,
        "The backup is sealed with your key file, without which nobody can open it: keep that file elsewhere.\n");
  } else {
    fmt::print(
        stderr,
        "THE BACKUP CONTAINS THE SECRET KEY ({}/secret.key), which opens every password stored in it. Keep it as "
        "you keep passwords, or seal it: --encrypt-to-key-file FILE.\n",
        directory);
  }
}

}  // namespace

int run_backup(const Settings& settings, const BackupWords& words) {
  const char* command = "backup";
  const auto key = key_in(words.key_file);
  if (!key) return failed(command, key.error(), kUsage);
  const auto data_dir = data_dir_of(settings);
  if (!data_dir) return failed(command, data_dir.error(), kConfiguration);
  auto reached = reach(settings, *data_dir);
  if (!reached) return failed(command, reached.error(), kConfiguration);
  BackupPlan plan;
  plan.directory = absolute(words.directory);
  const std::string parent = plan.directory;
  if (words.dated) plan.directory += "/" + stamp_of(system_clock().now().wall);
  plan.data_dir = *data_dir;
  plan.access = reached->access;
  plan.key = *key;
  const auto manifest = take_backup(settings, plan);
  if (!manifest) return failed(command, manifest.error(), kFailed);
  if (words.dated && words.keep > 0) prune_backups(parent, "", static_cast<std::size_t>(words.keep));
  warn_of_the_key(plan.directory, manifest->sealed);
  if (words.json) {
    fmt::print("{}", manifest_text(*manifest));
  } else {
    fmt::print("{}\n", plan.directory);
    fmt::print(stderr, "{} rows of {} tables, schema {}, {} bytes, as of {}\n", manifest->rows(),
               manifest->facts.tables.size(), manifest->facts.schema_version, manifest->bytes(),
               rfc3339(manifest->facts.as_of));
  }
  return flushed(kDone);
}

int run_backup_verify(const Settings& settings, const BackupVerifyWords& words) {
  const char* command = "backup verify";
  const auto key = key_in(words.key_file);
  if (!key) return failed(command, key.error(), kUsage);
  const auto backup = OpenBackup::open(absolute(words.directory), *key);
  if (!backup) return failed(command, backup.error(), kFailed);
  if (const auto whole = backup->check_hashes(); !whole) return failed(command, whole.error(), kFailed);
  if (const auto became = become(settings.text("USER")); !became)
    return failed(command, became.error(), kConfiguration);
  if (const auto same = verify_backup(*backup, words.scratch); !same) return failed(command, same.error(), kFailed);
  const Manifest& manifest = backup->manifest();
  fmt::print("genuine: restored into a throw-away cluster, {} rows of {} tables equal, as of {}, schema {}\n",
             manifest.rows(), manifest.facts.tables.size(), rfc3339(manifest.facts.as_of),
             manifest.facts.schema_version);
  for (const auto& [name, value] : manifest.facts.figures) fmt::print("  {:<12} {}\n", name, value);
  return flushed(kDone);
}

int run_restore(const Settings& settings, const RestoreWords& words) {
  const char* command = "restore";
  if (!settings.text("DATABASE_URL").empty()) {
    return failed(command,
                  {ErrorCode::kInvalid,
                   "EVERUP_DATABASE_URL is set: everup restores into its private cluster only. Into a server of your "
                   "own: make the roles that manifest.json names, then pg_restore --dbname=… database.dump"},
                  kConfiguration);
  }
  const auto key = key_in(words.key_file);
  if (!key) return failed(command, key.error(), kUsage);
  const auto backup = OpenBackup::open(absolute(words.directory), *key);
  if (!backup) return failed(command, backup.error(), kFailed);
  if (const auto whole = backup->check_hashes(); !whole) return failed(command, whole.error(), kFailed);
  if (const auto known = check_known(backup->manifest()); !known) return failed(command, known.error(), kFailed);
  const auto restored = restore_backup(settings, *backup, words.replace);
  if (!restored) {
    const bool configuration = restored.error().code == ErrorCode::kInvalid;
    return failed(command, restored.error(), configuration ? kConfiguration : kFailed);
  }
  for (const std::string& path : restored->put_aside) fmt::print(stderr, "put aside: {}\n", path);
  if (backup->has("everup.yaml"))
    fmt::print(stderr,
               "the configuration as it was is in the backup (everup.yaml, settings.json); it was not installed\n");
  fmt::print("restored {} rows of {} tables, as of {}, into {}; start it with: everup serve\n",
             backup->manifest().rows(), backup->manifest().facts.tables.size(), rfc3339(backup->manifest().facts.as_of),
             restored->data_dir);
  return flushed(kDone);
}

}  // namespace everup::app
