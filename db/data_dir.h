// EVERUP_DATA_DIR: the directory of one node, held by one process at a time (SHAPES 11).
//   lock        flock'ed while held (O_CLOEXEC: children do not keep it); its text is the holder's pid
//   node        this node's id, made once
//   secret.key  seal/key_file
//   pg/         the private cluster
#pragma once

#include <memory>
#include <string>

#include "core/result.h"

namespace everup::db {

class DataDir {
 public:
  // Creates it (0700) when absent and takes the lock. kConflict: another process (named by pid) holds it. kInvalid: not
  // ours, not writable. As root with `user` other than root, a new directory and its files belong to that user.
  static Result<DataDir> hold(const std::string& path, const std::string& user = {});
  // Whether there is one at `path`; creates nothing.
  static bool exists(const std::string& path);

  DataDir(DataDir&&) noexcept;
  DataDir& operator=(DataDir&&) noexcept;
  ~DataDir();

  const std::string& path() const { return path_; }
  const std::string& node() const { return node_; }  // stable: 26 characters
  const std::string& boot() const { return boot_; }  // new with every hold()
  std::string secret_key_path() const { return path_ + "/secret.key"; }
  std::string setup_link_path() const { return path_ + "/setup-link"; }

 private:
  DataDir() = default;
  std::string path_, node_, boot_;
  int lock_ = -1;
};

// The user id to run as; kNotFound names the user.
struct RunAs {
  unsigned uid = 0, gid = 0;
  std::string name;
};
Result<RunAs> find_user(const std::string& name);

}  // namespace everup::db
