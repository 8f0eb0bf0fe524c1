// A real PostgreSQL for tests: one private cluster per test binary (fsync off, in a temporary directory, gone at exit),
// a fresh migrated database per TestDatabase, copied from a template. As root it runs as the unprivileged user
// `nobody`. Use it from the test's main thread: the postmaster dies with the thread that started it.
#pragma once

#include <memory>
#include <pqxx/pqxx>
#include <stdexcept>
#include <string>
#include <utility>

#include "db/migrate.h"
#include "db/pool.h"
#include "db/private_cluster.h"
#include "db/session.h"
#include "tests/support/tempdir.h"

namespace everup::test {

inline std::string postgres_user() { return geteuid() == 0 ? "nobody" : ""; }

template <class R>
auto must(R result) {
  if (!result) throw std::runtime_error(result.error().what);
  return *std::move(result);
}

class TestCluster {
 public:
  static TestCluster& shared() {
    static TestCluster one;
    return one;
  }
  db::PrivateCluster& cluster() { return *cluster_; }
  const std::string& data_dir() const { return dir_.path(); }
  const db::DatabaseAccess& template_access() const { return template_; }
  // SQL in the maintenance database as the superuser.
  void admin(const std::string& sql) {
    pqxx::connection connection(cluster_->url_of("postgres"));
    pqxx::nontransaction(connection).exec(sql);
  }

 private:
  TestCluster() {
    db::ClusterOptions options;
    options.data_dir = dir_.path();
    options.user = postgres_user();
    options.durable = false;
    options.database = "everup_template";
    cluster_ = std::make_unique<db::PrivateCluster>(must(db::PrivateCluster::start(options)));
    template_ = must(db::migrate({cluster_->url(), "everup", false}, WallTime{1'000})).access;
  }

  TempDir dir_;
  std::unique_ptr<db::PrivateCluster> cluster_;
  db::DatabaseAccess template_;
};

class TestDatabase {
 public:
  TestDatabase() {
    static int number = 0;
    name_ = "t" + std::to_string(++number);
    TestCluster::shared().admin("CREATE DATABASE " + name_ + " TEMPLATE everup_template");
    access_ = TestCluster::shared().template_access();
    access_.url = TestCluster::shared().cluster().url_of(name_);
  }
  ~TestDatabase() { TestCluster::shared().admin("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)"); }
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  const db::DatabaseAccess& access() const { return access_; }
  const std::string& url() const { return access_.url; }
  std::unique_ptr<db::Session> session(db::Role role) const { return must(db::Session::open(access_, role, "test")); }
  // For a Recorder's or MonitorSource's `connect`.
  auto connector(db::Role role) const {
    return [access = access_, role] { return db::Session::open(access, role, "test"); };
  }
  std::unique_ptr<db::Pool> pool(db::Role role, int sessions_max = 2) const {
    return std::make_unique<db::Pool>(db::PoolOptions{access_, role, "test", sessions_max, nullptr});
  }
  // SQL as the superuser, past all policies; throws pqxx's exceptions.
  pqxx::result sql(const std::string& text) const {
    pqxx::connection connection(access_.url);
    return pqxx::nontransaction(connection).exec(text);
  }

 private:
  std::string name_;
  db::DatabaseAccess access_;
};

}  // namespace everup::test
