// A durable PostgreSQL of a case's own, which everup is given by URL: it can be stopped, frozen and broken as no
// private cluster of everup's could be without everup mending it.
//
// Runs as nobody on a unix socket only. Dies with the thread that made it. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "db/private_cluster.h"
#include "tests/support/tempdir.h"

namespace everup::bench {

class SharedPostgres {
 public:
  // Its files lie in a temporary directory, or in `directory` when that is given (a disk of the case's own).
  explicit SharedPostgres(std::string directory = {});
  ~SharedPostgres();
  SharedPostgres(const SharedPostgres&) = delete;
  SharedPostgres& operator=(const SharedPostgres&) = delete;

  // What everup needs to use it.
  std::map<std::string, std::string> environment() const;
  std::string url() const { return url_; }
  std::string log_path() const { return directory_ + "/pg.log"; }

  void start();                // throws when it does not come up
  void stop();                 // fast: connections are closed
  void restart_immediately();  // as a crash: SIGQUIT, then recovery
  bool alive() { return cluster_ && cluster_->alive(); }
  void freeze();  // SIGSTOP of the postmaster and all its backends
  void thaw();

 private:
  std::string directory_, url_;
  std::unique_ptr<test::TempDir> own_;
  std::unique_ptr<db::PrivateCluster> cluster_;
  std::vector<pid_t> frozen_;
};

}  // namespace everup::bench
