#include "bench/faults/shared_postgres.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "bench/faults/house.h"
#include "bench/process.h"

namespace everup::bench {

SharedPostgres::SharedPostgres(std::string directory) : directory_(std::move(directory)) {
  if (directory_.empty()) {
    own_ = std::make_unique<test::TempDir>();
    directory_ = own_->file("db");
  }
  if (mkdir(directory_.c_str(), 0755) != 0 && errno != EEXIST) throw std::runtime_error("cannot make " + directory_);
  start();
  url_ = cluster_->url();
}

SharedPostgres::~SharedPostgres() { thaw(); }

std::map<std::string, std::string> SharedPostgres::environment() const {
  return {{"EVERUP_DATABASE_URL", url_}, {"EVERUP_SECRET_KEY", "a2V5IG9mIHRoZSBmYXVsdCBiZW5jaCwgMzIgYnl0ZXM="}};
}

void SharedPostgres::start() {
  db::ClusterOptions options;
  options.data_dir = directory_;
  if (geteuid() == 0) options.user = "nobody";
  auto started = db::PrivateCluster::start(options);
  if (!started) throw std::runtime_error(started.error().what);
  cluster_ = std::make_unique<db::PrivateCluster>(*std::move(started));
}

void SharedPostgres::stop() {
  if (const auto stopped = cluster_->stop(); !stopped) throw std::runtime_error(stopped.error().what);
}

void SharedPostgres::restart_immediately() {
  kill(cluster_->pid(), SIGQUIT);
  if (!test::until([this] { return !cluster_->alive(); })) throw std::runtime_error("PostgreSQL ignores SIGQUIT");
  start();
}

// The postmaster first: it must not make one more backend behind our back.
void SharedPostgres::freeze() {
  frozen_ = {cluster_->pid()};
  kill(cluster_->pid(), SIGSTOP);
  for (const pid_t backend : children_of(cluster_->pid())) {
    if (kill(backend, SIGSTOP) == 0) frozen_.push_back(backend);
  }
}

void SharedPostgres::thaw() {
  for (const pid_t pid : frozen_) kill(pid, SIGCONT);
  frozen_.clear();
}

}  // namespace everup::bench
