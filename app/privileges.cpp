#include "app/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace everup::app {
namespace {

Error errno_error(const std::string& context) {
  return {ErrorCode::kRefused, fmt::format("{}: {}", context, std::strerror(errno))};
}

Status become_ids(const std::string& name, uid_t uid, gid_t gid) {
  if (uid == geteuid()) return ok();
  if (initgroups(name.c_str(), gid) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
    return errno_error("cannot become user " + name);
  if (prctl(PR_SET_DUMPABLE, 1) != 0) return errno_error("prctl(PR_SET_DUMPABLE)");  // else /proc/self/fd stays root's
  return ok();
}

Result<passwd*> user_named(const std::string& user) {
  errno = 0;
  auto* entry = getpwnam(user.c_str());
  if (entry == nullptr) {
    return Error{
        ErrorCode::kInvalid,
        fmt::format("EVERUP_USER: there is no user \"{0}\"; make it with: useradd --system --home-dir /var/lib/everup "
                    "--shell /usr/sbin/nologin {0}",
                    user)};
  }
  return entry;
}

}  // namespace

bool is_root() { return geteuid() == 0; }

Status become(const std::string& user) {
  if (!is_root() || user == "root") return ok();
  const auto entry = user_named(user);
  if (!entry) return entry.error();
  return become_ids(user, (*entry)->pw_uid, (*entry)->pw_gid);
}

Status become_owner_of(const std::string& data_dir) {
  struct stat facts {};
  if (stat(data_dir.c_str(), &facts) != 0) return errno_error(data_dir);
  if (!is_root() || facts.st_uid == 0) return ok();
  const auto* entry = getpwuid(facts.st_uid);
  return become_ids(entry != nullptr ? entry->pw_name : std::to_string(facts.st_uid), facts.st_uid, facts.st_gid);
}

Status prepare_data_dir(const std::string& data_dir, const std::string& user) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(data_dir, error);
  if (error)
    return Error{ErrorCode::kRefused, fmt::format("EVERUP_DATA_DIR: cannot make {}: {}", data_dir, error.message())};
  if (made && chmod(data_dir.c_str(), 0700) != 0) return errno_error(data_dir);
  if (!is_root() || user == "root") return ok();
  const auto entry = user_named(user);
  if (!entry) return entry.error();
  struct stat facts {};
  if (stat(data_dir.c_str(), &facts) != 0) return errno_error(data_dir);
  if (facts.st_uid == (*entry)->pw_uid) return ok();
  if (!made && !std::filesystem::is_empty(data_dir, error)) {
    return Error{ErrorCode::kRefused,
                 fmt::format("EVERUP_DATA_DIR: {} is not empty and does not belong to user {}", data_dir, user)};
  }
  if (chown(data_dir.c_str(), (*entry)->pw_uid, (*entry)->pw_gid) != 0) return errno_error(data_dir);
  return ok();
}

Result<std::string> default_data_dir() {
  if (is_root()) return std::string("/var/lib/everup");
  if (const char* xdg = std::getenv("XDG_DATA_HOME"); xdg != nullptr && *xdg == '/')
    return std::string(xdg) + "/everup";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return std::string(home) + "/.local/share/everup";
  return Error{ErrorCode::kInvalid, "EVERUP_DATA_DIR is not set, and neither XDG_DATA_HOME nor HOME names a directory"};
}

}  // namespace everup::app
