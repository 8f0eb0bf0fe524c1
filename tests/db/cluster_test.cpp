// The private cluster and the data directory: real postmasters, killed and restarted.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "db/data_dir.h"
#include "tests/paths.h"
#include "tests/support/postgres.h"
#include "tests/support/process.h"

namespace everup::db {
namespace {
namespace fs = std::filesystem;
using test::must;

ClusterOptions options_in(const std::string& data_dir) {
  ClusterOptions options;
  options.data_dir = data_dir, options.user = test::postgres_user(), options.durable = false;
  return options;
}

bool answers(const std::string& url) { return Session::open({url, {}, false}, Role::kLogin, "test").ok(); }

TEST(DataDir, IsHeldByOneAndNamesTheHolder) {
  const test::TempDir dir;
  const std::string path = dir.file("data");
  EXPECT_FALSE(DataDir::exists(path));
  std::string node;
  {
    const DataDir first = must(DataDir::hold(path));
    node = first.node();
    EXPECT_EQ(node.size(), 26u);
    const auto second = DataDir::hold(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kConflict);
    EXPECT_NE(second.error().what.find(std::to_string(getpid())), std::string::npos) << second.error().what;
    EXPECT_NE(second.error().what.find(path), std::string::npos);
  }
  const DataDir again = must(DataDir::hold(path));
  EXPECT_EQ(again.node(), node);
  EXPECT_TRUE(DataDir::exists(path));
  struct stat facts {};
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700u);
}

TEST(DataDir, RefusesWhatIsNotItsOwn) {
  const test::TempDir dir;
  EXPECT_EQ(DataDir::hold("relative").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(DataDir::hold(dir.write("file", "x")).error().code, ErrorCode::kInvalid);
  ASSERT_EQ(mkdir(dir.file("open").c_str(), 0700), 0);
  chmod(dir.file("open").c_str(), 0777);
  EXPECT_EQ(DataDir::hold(dir.file("open")).error().code, ErrorCode::kInvalid);
  must(DataDir::hold(dir.file("data")));
  dir.write("data/node", "rubbish\n");
  EXPECT_EQ(DataDir::hold(dir.file("data")).error().code, ErrorCode::kCorrupt);
}

TEST(PrivateCluster, KeepsItsDataThroughStopAndAStalePidFile) {
  const test::TempDir dir;
  {
    PrivateCluster cluster = must(PrivateCluster::start(options_in(dir.path())));
    pqxx::connection connection(cluster.url());
    pqxx::nontransaction(connection).exec("CREATE TABLE kept AS SELECT 1 AS one");
    EXPECT_TRUE(cluster.alive());
    EXPECT_EQ(must(PrivateCluster::attach(dir.path())), cluster.url());
    EXPECT_EQ(pqxx::nontransaction(connection).exec("SHOW data_checksums")[0][0].as<std::string>(), "on");
    EXPECT_EQ(pqxx::nontransaction(connection).exec("SHOW listen_addresses")[0][0].as<std::string>(), "");
    EXPECT_TRUE(cluster.stop());
    EXPECT_TRUE(cluster.stop());
    EXPECT_FALSE(cluster.alive());
  }
  EXPECT_EQ(PrivateCluster::attach(dir.path()).error().code, ErrorCode::kNotFound);
  dir.write("pg/postmaster.pid", "999999999\n" + dir.path() + "/pg\n1\n5432\n" + dir.path() + "/run\n\n");
  dir.write("pg.tmp", "what a crash left");
  PrivateCluster cluster = must(PrivateCluster::start(options_in(dir.path())));
  pqxx::connection connection(cluster.url());
  EXPECT_EQ(pqxx::nontransaction(connection).exec("SELECT one FROM kept")[0][0].as<int>(), 1);
}

TEST(PrivateCluster, AKilledOwnerLeavesACleanShutdownAndTheNextWaitsForIt) {
  const test::TempDir dir;
  const std::string data = dir.file("data");
  const std::string user = geteuid() == 0 ? test::postgres_user() : "-";
  test::Child holder({EVERUP_CLUSTER_HOLDER, data, user});
  ASSERT_TRUE(holder.wait_for_output(".\n")) << holder.output();
  test::Child second({EVERUP_CLUSTER_HOLDER, data, user});
  EXPECT_EQ(second.wait(), 1);
  EXPECT_NE(second.all_output().find("another everup (process " + std::to_string(holder.pid()) + ")"),
            std::string::npos)
      << second.output();
  holder.signal(SIGKILL);
  EXPECT_EQ(holder.wait(), 128 + SIGKILL);
  test::Child next({EVERUP_CLUSTER_HOLDER, data, user});
  ASSERT_TRUE(next.wait_for_output(".\n")) << next.output();
  next.close_input();
  EXPECT_EQ(next.wait(), 0);
  const std::string log = test::read_file(data + "/pg.log");
  EXPECT_NE(log.find("received fast shutdown request"), std::string::npos);
  EXPECT_EQ(log.find("not properly shut down"), std::string::npos) << log;
}

TEST(PrivateCluster, ADeepDirectoryGetsAShortSocket) {
  const test::TempDir dir;
  const std::string deep = dir.file(std::string(60, 'd') + "/" + std::string(60, 'e'));
  fs::create_directories(deep);
  const std::string expected = socket_directory(deep, 1234);
  EXPECT_TRUE(expected.starts_with("/tmp/everup-1234-"));
  EXPECT_LE(expected.size(), 90u);
  EXPECT_EQ(socket_directory("/var/lib/everup", 1), "/var/lib/everup/run");
  PrivateCluster cluster = must(PrivateCluster::start(options_in(deep)));
  EXPECT_TRUE(answers(cluster.url()));
  const std::string url = must(PrivateCluster::attach(deep));
  EXPECT_EQ(url, cluster.url());
  ASSERT_TRUE(cluster.stop());
  fs::remove_all(url.substr(url.find("host=") + 5));
}

TEST(PrivateCluster, WhatDoesNotFitIsRefusedByName) {
  const test::TempDir dir;
  ClusterOptions options = options_in(dir.path());
  options.bin_dir = "/nowhere";
  const auto missing = PrivateCluster::start(options);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().what.find("apt-get install"), std::string::npos);
  fs::create_directory(dir.file("pg"));
  EXPECT_EQ(PrivateCluster::start(options_in(dir.path())).error().code, ErrorCode::kCorrupt);
  dir.write("pg/PG_VERSION", "9\n");
  const auto older = PrivateCluster::start(options_in(dir.path()));
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, ErrorCode::kConflict);
  EXPECT_NE(older.error().what.find("version 9"), std::string::npos) << older.error().what;
  if (geteuid() == 0) {
    options = options_in(dir.path());
    options.user = "no-such-user";
    EXPECT_EQ(PrivateCluster::start(options).error().code, ErrorCode::kNotFound);
    options.user = "root";
    EXPECT_EQ(PrivateCluster::start(options).error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace everup::db
