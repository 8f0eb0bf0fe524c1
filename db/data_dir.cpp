// See data_dir.h. Weakness: flock does not reach other machines; a data directory on a network disk must not be shared.
#include "db/data_dir.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "db/random_text.h"

namespace everup::db {
namespace {

Error io_error(const std::string& path, const char* what) {
  return {ErrorCode::kInvalid, path + ": " + what + ": " + std::strerror(errno)};
}

std::string read_small(int fd) {
  std::array<char, 128> buffer{};
  const ssize_t got = pread(fd, buffer.data(), buffer.size(), 0);
  std::string text(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

Status make_directory(const std::string& path, const std::optional<RunAs>& owner) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (error) return Error{ErrorCode::kInvalid, path + ": cannot be made: " + error.message()};
  if (mkdir(path.c_str(), 0700) == 0) {
    if (owner && chown(path.c_str(), owner->uid, owner->gid) != 0) return io_error(path, "chown");
    return ok();
  }
  if (errno != EEXIST) return io_error(path, "cannot be made");
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return io_error(path, "stat");
  if (!S_ISDIR(facts.st_mode)) return Error{ErrorCode::kInvalid, path + ": is not a directory"};
  if ((facts.st_mode & 0022) != 0)
    return Error{ErrorCode::kInvalid, path + ": others may write into it; chmod 0700 it"};
  return ok();
}

// Takes the lock and writes our pid into it.
Result<int> take_lock(const std::string& path) {
  const std::string file = path + "/lock";
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return io_error(file, "open");
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const std::string holder = read_small(fd);
    close(fd);
    return Error{ErrorCode::kConflict, path + ": another everup (process " + (holder.empty() ? "unknown" : holder) +
                                           ") uses this data directory"};
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    const Error error = io_error(file, "write");
    close(fd);
    return error;
  }
  return fd;
}

// Written beside and renamed: a crash leaves either no file or a whole one.
Result<std::string> node_id(const std::string& path) {
  const std::string file = path + "/node", fresh = file + ".tmp";
  if (const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC); fd >= 0) {
    const std::string text = read_small(fd);
    close(fd);
    if (text.size() != 26) return Error{ErrorCode::kCorrupt, file + ": is not a node id"};
    return text;
  }
  if (errno != ENOENT) return io_error(file, "open");
  const std::string text = random_base32(26), line = text + "\n";
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return io_error(fresh, "open");
  const bool written = write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && fsync(fd) == 0;
  close(fd);
  if (!written || rename(fresh.c_str(), file.c_str()) != 0) return io_error(file, "write");
  return text;
}

}  // namespace

Result<RunAs> find_user(const std::string& name) {
  std::vector<char> buffer(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) {
    return Error{ErrorCode::kNotFound,
                 "user " + name + " does not exist; make it with: useradd --system --home-dir /var/lib/everup " + name};
  }
  return RunAs{entry.pw_uid, entry.pw_gid, name};
}

bool DataDir::exists(const std::string& path) {
  struct stat facts {};
  return stat((path + "/node").c_str(), &facts) == 0;
}

Result<DataDir> DataDir::hold(const std::string& path, const std::string& user) {
  if (path.empty() || path.front() != '/')
    return Error{ErrorCode::kInvalid, "data directory: \"" + path + "\" is not an absolute path"};
  std::optional<RunAs> owner;
  if (geteuid() == 0 && !user.empty() && user != "root") {
    auto found = find_user(user);
    if (!found) return found.error();
    owner = *found;
  }
  if (Status status = make_directory(path, owner); !status) return status.error();
  DataDir dir;
  dir.path_ = path;
  auto lock = take_lock(path);
  if (!lock) return lock.error();
  dir.lock_ = *lock;
  auto node = node_id(path);
  if (!node) return node.error();
  dir.node_ = *std::move(node);
  dir.boot_ = random_base32(26);
  if (owner) {
    for (const char* file : {"/lock", "/node"}) {
      if (lchown((path + file).c_str(), owner->uid, owner->gid) != 0) return io_error(path + file, "chown");
    }
  }
  return dir;
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)),
      node_(std::move(other.node_)),
      boot_(std::move(other.boot_)),
      lock_(std::exchange(other.lock_, -1)) {}
DataDir& DataDir::operator=(DataDir&& other) noexcept {
  std::swap(path_, other.path_), std::swap(node_, other.node_), std::swap(boot_, other.boot_),
      std::swap(lock_, other.lock_);
  return *this;
}
DataDir::~DataDir() {
  if (lock_ >= 0) close(lock_);  // the flock goes with it
}

}  // namespace everup::db
