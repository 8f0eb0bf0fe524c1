#include "app/restore.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "app/backup.h"
#include "app/database.h"
#include "app/privileges.h"
#include "db/data_dir.h"
#include "db/private_cluster.h"
#include "seal/key_file.h"

namespace everup::app {
namespace {

namespace fs = std::filesystem;
constexpr const char* kDatabase = "everup";  // of the private cluster

// A directory that goes with its object.
class Scratch {
 public:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A running cluster that holds what the backup holds, in `data_dir`.
Result<db::PrivateCluster> filled_cluster(const OpenBackup& backup, const std::string& data_dir,
                                          const std::string& database, const std::string& user, bool durable) {
  db::ClusterOptions options;
  options.data_dir = data_dir;
  options.database = database;
  options.user = user;
  options.durable = durable;
  auto cluster = db::PrivateCluster::start(options);
  if (!cluster) return cluster.error();
  if (Status filled = fill_cluster(*cluster, backup); !filled) return filled.error();
  return cluster;
}

// pg of `fresh` becomes pg of `data_dir` in one step; an old one ends up in `fresh`.
Status exchange(const std::string& fresh, const std::string& data_dir) {
  const std::string from = fresh + "/pg", to = data_dir + "/pg";
  std::error_code ignored;
  if (!fs::exists(to, ignored)) return std::rename(from.c_str(), to.c_str()) == 0 ? ok() : Status(io_error(to));
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) return ok();
  if (errno != EINVAL && errno != ENOSYS) return io_error(to);
  // A file system without it: for a moment there is none.
  const std::string aside = fresh + "/pg.old";
  if (std::rename(to.c_str(), aside.c_str()) != 0 || std::rename(from.c_str(), to.c_str()) != 0 ||
      std::rename(aside.c_str(), from.c_str()) != 0) {
    return io_error(to);
  }
  return ok();
}

Result<std::string> key_text(const OpenBackup& backup) {
  if (!backup.has("secret.key")) return Error{ErrorCode::kCorrupt, backup.directory() + ": holds no secret.key"};
  auto text = backup.text("secret.key");
  if (!text) return text.error();
  const auto key = seal::parse_key(*text);
  if (!key) return Error{ErrorCode::kCorrupt, backup.directory() + "/secret.key: is not a key"};
  return seal::print_key(*key) + "\n";
}

// The key that will open what was restored.
Status install_key(const Settings& settings, const std::string& data_dir, const std::string& text,
                   const std::string& stamp, std::vector<std::string>& put_aside) {
  if (!settings.text("SECRET_KEY").empty()) return ok();  // it is the same: looked at before
  const std::string path = data_dir + "/secret.key";
  const auto present = first_line_of(path, 1024);
  if (present && *present + "\n" == text) return ok();
  if (present) {
    const std::string aside = path + ".before-" + stamp;
    if (std::rename(path.c_str(), aside.c_str()) != 0) return io_error(aside);
    put_aside.push_back(aside);
  }
  return write_private_file(path, text);
}

Status same_key(const Settings& settings, const std::string& text) {
  const auto& given = settings.text("SECRET_KEY");
  if (given.empty()) return ok();
  const auto key = seal::parse_key(given);
  if (!key) return key.error();
  if (seal::print_key(*key) + "\n" == text) return ok();
  return Error{ErrorCode::kInvalid,
               "EVERUP_SECRET_KEY is not the key of this backup: what is sealed in it could not be opened"};
}

}  // namespace

Status verify_backup(const OpenBackup& backup, const std::string& scratch) {
  const char* temporary = std::getenv("TMPDIR");
  const std::string parent = !scratch.empty()                            ? scratch
                             : temporary != nullptr && *temporary == '/' ? temporary
                                                                         : "/tmp";
  std::string pattern = parent + "/everup-verify-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) return io_error(pattern);
  const Scratch place(pattern);
  auto cluster =
      filled_cluster(backup, place.path(), backup.manifest().facts.database, is_root() ? "" : std::string(), false);
  if (!cluster) return cluster.error();
  return cluster->stop();
}

Result<Restored> restore_backup(const Settings& settings, const OpenBackup& backup, bool replace) {
  const auto key = key_text(backup);
  if (!key) return key.error();
  if (Status same = same_key(settings, *key); !same) return same.error();
  if (backup.manifest().facts.single_role) {
    return Error{ErrorCode::kRefused,
                 backup.directory() +
                     ": it was made where one role does everything; restore it with pg_restore into such a server"};
  }
  const auto data_dir = data_dir_of(settings);
  if (!data_dir) return data_dir.error();
  const auto& user = settings.text("USER");
  if (Status made = prepare_data_dir(*data_dir, user); !made) return made.error();
  if (Status became = become(user); !became) return became.error();
  const auto held = db::DataDir::hold(*data_dir);
  if (!held) return held.error();
  std::error_code ignored;
  if (fs::exists(*data_dir + "/pg", ignored) && !replace) {
    return Error{ErrorCode::kConflict,
                 fmt::format("{} holds a database already, with all that was seen since {}; --replace puts it aside",
                             *data_dir, rfc3339(backup.manifest().facts.as_of))};
  }
  Restored out;
  out.data_dir = *data_dir;
  const std::string stamp = stamp_of(system_clock().now().wall);
  const Scratch fresh(*data_dir + "/restore.tmp");
  fs::remove_all(fresh.path(), ignored);  // what a kill left
  if (mkdir(fresh.path().c_str(), 0700) != 0) return io_error(fresh.path());
  auto cluster = filled_cluster(backup, fresh.path(), kDatabase, "", true);
  if (!cluster) return cluster.error();
  const db::DatabaseAccess access{cluster->url(), backup.manifest().role_prefix, false};
  if (Status done = db::settle_transaction_numbers(access); !done) return done.error();
  if (Status done = db::rename_roles(access, backup.manifest().role_prefix, kDatabase); !done) return done.error();
  if (Status stopped = cluster->stop(); !stopped) return stopped.error();
  if (Status installed = install_key(settings, *data_dir, *key, stamp, out.put_aside); !installed)
    return installed.error();
  if (Status exchanged = exchange(fresh.path(), *data_dir); !exchanged) return exchanged.error();
  if (fs::exists(fresh.path() + "/pg", ignored)) {
    const std::string aside = *data_dir + "/pg.before-" + stamp;
    if (std::rename((fresh.path() + "/pg").c_str(), aside.c_str()) != 0) return io_error(aside);
    out.put_aside.push_back(aside);
  }
  return out;
}

}  // namespace everup::app
