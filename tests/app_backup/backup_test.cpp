// Backup, verify and restore as a person runs them, against real services, with real damage.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "db/backup_sql.h"
#include "db/data_dir.h"
#include "db/migrate.h"
#include "db/private_cluster.h"
#include "tests/app/service.h"
#include "tests/paths.h"
#include "tests/support/postgres.h"

namespace everup::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kQuick =
    R"({"name":"Shop","interval_s":1,"timeout_ms":1000,"confirm":{"failures":2,"successes":2,"retry_s":1},)"
    R"("options":{"auth":{"type":"basic","user":"me","password":"open sesame"}}})";

// One service for all tests, running at the end of each: one monitor with a stored password, some results.
class BackupTest : public ::testing::Test {
 protected:
  struct House {
    WebServer web;
    Service service;
    std::string monitor;
  };
  static void SetUpTestSuite() {
    house_ = std::make_unique<House>();
    house_->web.start();
    house_->service.start();
    house_->service.open_account();
    const auto file = house_->service.dir().write("monitor.json", kQuick);
    house_->monitor = house_->service.run_ok({"monitor", "add", house_->web.url(), "--file", file});
    ASSERT_TRUE(until([] { return std::stoi(house_->service.sql("SELECT count(*) FROM results")) >= 3; }));
  }
  static void TearDownTestSuite() { house_.reset(); }

  BackupTest() : service_(house_->service), monitor_(house_->monitor) {}
  // In a directory of this test's own.
  std::string place(const std::string& name) const {
    return service_.dir().path() + "/" + ::testing::UnitTest::GetInstance()->current_test_info()->name() + "/" + name;
  }
  // A service of its own on what a backup was restored into.
  static std::unique_ptr<Service> restored(const std::string& directory) {
    auto other = std::make_unique<Service>();
    other->run_ok({"restore", directory});
    other->start();
    return other;
  }
  static Json figures(const Service& service, const std::string& monitor, const std::string& to) {
    auto json = service.json("/monitors/" + monitor + "/uptime?from=2026-01-01T00:00:00Z&to=" + to);
    json.erase("as_of");
    return json;
  }
  // Replaces the first `from` in a file of a backup.
  static void edit(const std::string& path, const std::string& from, const std::string& to) {
    auto text = read_file(path);
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << path << ": " << from;
    text.replace(at, from.size(), to);
    std::ofstream(path, std::ios::binary) << text;
  }

  static std::unique_ptr<House> house_;
  Service& service_;
  const std::string& monitor_;
};
std::unique_ptr<BackupTest::House> BackupTest::house_;

TEST_F(BackupTest, WhatIsSavedUnderLoadIsGenuineAndServesAgainWithTheSameFigures) {
  Json settled;  // what is shown now is never taken back
  ASSERT_TRUE(until([&] {
    settled = service_.json("/monitors/" + monitor_ + "/uptime?window=24h");
    return settled["up_ms"] > 2000;
  }));
  const std::string before = settled["as_of"];
  const auto [status, text] = service_.run({"backup", place("one")});
  ASSERT_EQ(status, 0) << text;
  EXPECT_NE(text.find("THE BACKUP CONTAINS THE SECRET KEY"), std::string::npos) << text;
  const auto manifest = Json::parse(read_file(place("one") + "/manifest.json"));
  for (const char* file : {"database.dump", "secret.key", "settings.json"})
    EXPECT_TRUE(manifest["files"].contains(file)) << file;
  EXPECT_EQ(manifest["figures"]["monitors"], 1);
  EXPECT_GE(manifest["figures"]["results"], 3);
  const auto genuine = service_.run_ok({"backup", "verify", place("one")});
  EXPECT_TRUE(genuine.starts_with("genuine: ")) << genuine;
  EXPECT_NE(service_.sql("SELECT count(*) FROM backups"), "0");
  EXPECT_TRUE(until([&] {
    const auto metrics = service_.get("/metrics").body;
    return metrics.find("\neverup_backup_age_seconds ") != std::string::npos;
  }));

  const auto other = restored(place("one"));
  other->use_key(service_.key());  // tokens and keys are kept
  EXPECT_GT(figures(*other, monitor_, before)["up_ms"], 2000);
  EXPECT_EQ(figures(*other, monitor_, before), figures(service_, monitor_, before));
  // Its password is unsealed with the restored key, and it goes on being watched.
  const int saved = manifest["figures"]["results"];
  EXPECT_TRUE(until([&] { return std::stoi(other->sql("SELECT count(*) FROM results")) > saved; }));
  EXPECT_EQ(other->child().output().find("is not watched"), std::string::npos) << other->child().output();
  // Rows that tell transactions of the old cluster do not seem to be of the future.
  EXPECT_EQ(other->sql("SELECT count(*) FROM monitor_changes WHERE xid >= pg_current_xact_id()"), "0");
}

TEST_F(BackupTest, OneChangedByteOneChangedFigureAMissingFileAreToldByName) {
  ASSERT_EQ(service_.run({"backup", place("one")}).first, 0);
  const auto copy = [&](const std::string& name) {
    fs::copy(place("one"), place(name), fs::copy_options::recursive);
    return place(name);
  };
  const auto refused = [&](const std::string& directory, const std::string& why) {
    const auto [status, text] = service_.run({"backup", "verify", directory});
    EXPECT_EQ(status, 1) << text;
    EXPECT_NE(text.find(why), std::string::npos) << text;
  };
  auto dump = read_file(place("one") + "/database.dump");
  dump[dump.size() / 2] = static_cast<char>(dump[dump.size() / 2] ^ 1);
  const auto bytes = copy("byte");
  std::ofstream(bytes + "/database.dump", std::ios::binary) << dump;
  refused(bytes, "database.dump: its SHA-256 is not the manifest's");

  const auto digest = copy("digest");
  const auto manifest = Json::parse(read_file(digest + "/manifest.json"));
  const auto& tables = manifest["tables"];
  const auto spans = std::find_if(tables.begin(), tables.end(), [](const Json& t) { return t["name"] == "spans"; });
  edit(digest + "/manifest.json", (*spans)["digest"], (*spans)["digest"].get<std::string>() + "1");
  refused(digest, "table spans has other contents than were saved");

  const auto figure = copy("figure");
  edit(figure + "/manifest.json", "\"monitors\": 1", "\"monitors\": 2");
  refused(figure, "the figure monitors differs");

  const auto key = copy("key");
  std::ofstream(key + "/secret.key") << "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
  edit(key + "/manifest.json", manifest["files"]["secret.key"]["sha256"],
       "7d3a1c8c0fb3f26a4cb1cd78f37751d39dd8d37addb78103d8a346d010eeccdc");
  refused(key, "does not open the secrets of mon_");

  const auto file = copy("file");
  fs::remove(file + "/secret.key");
  refused(file, "secret.key: No such file");

  const auto newer = copy("newer");
  edit(newer + "/manifest.json", "\"schema_version\": ", "\"schema_version\": 9");
  const auto old_binary = service_.run({"restore", "--replace", newer});
  EXPECT_EQ(old_binary.first, 1);
  EXPECT_NE(old_binary.second.find("use the newer everup"), std::string::npos) << old_binary.second;
  edit(newer + "/manifest.json", "\"format\": 1", "\"format\": 2");
  refused(newer, "format 2 is of a newer everup");
  refused(fs::path(place("one")).parent_path(), "one is in " + place("one"));
}

TEST_F(BackupTest, ARestoreReplacesNothingUnaskedAndPutsAsideWhatItReplaces) {
  ASSERT_EQ(service_.run({"backup", place("one")}).first, 0);
  const auto running = service_.run({"restore", "--replace", place("one")});
  EXPECT_EQ(running.first, 1);
  EXPECT_NE(running.second.find("uses this data directory"), std::string::npos) << running.second;
  EXPECT_EQ(service_.stop(), 0);
  const auto unasked = service_.run({"restore", place("one")});
  EXPECT_EQ(unasked.first, 1);
  EXPECT_NE(unasked.second.find("--replace"), std::string::npos) << unasked.second;
  const auto asked = service_.run({"restore", "--replace", place("one")});
  ASSERT_EQ(asked.first, 0) << asked.second;
  const auto aside = asked.second.find(service_.data_dir() + "/pg.before-");
  ASSERT_NE(aside, std::string::npos) << asked.second;
  EXPECT_FALSE(fs::exists(service_.data_dir() + "/restore.tmp"));
  service_.start();
  EXPECT_EQ(service_.json("/monitors/" + monitor_)["name"], "Shop");
}

TEST_F(BackupTest, ARestoreThatIsKilledLeavesTheOldDataInPlace) {
  ASSERT_EQ(service_.run({"backup", place("one")}).first, 0);
  EXPECT_EQ(service_.stop(), 0);
  Child::Options options;
  options.environment = {{"EVERUP_DATA_DIR", service_.data_dir()}, {"EVERUP_USER", "nobody"}};
  {
    Child restore({EVERUP_BINARY, "restore", "--replace", place("one")}, options);
    ASSERT_TRUE(until([&] { return fs::exists(service_.data_dir() + "/restore.tmp/pg/PG_VERSION"); }))
        << restore.output();
    restore.signal(SIGKILL);
    ASSERT_TRUE(restore.wait().has_value());
  }
  service_.start();
  EXPECT_EQ(service_.json("/monitors/" + monitor_)["name"], "Shop");
  EXPECT_EQ(service_.stop(), 0);
  ASSERT_EQ(service_.run({"restore", "--replace", place("one")}).first, 0) << "what the kill left is in nobody's way";
  service_.start();
}

TEST_F(BackupTest, ASealedOneTellsNothingWithoutItsKey) {
  const auto key = service_.dir().write("key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
  const auto other = service_.dir().write("other", "ZZECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
  for (const auto& file : {key, other}) fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_EQ(service_.run({"backup", place("one"), "--encrypt-to-key-file", key}).first, 0);
  EXPECT_TRUE(read_file(place("one") + "/secret.key").starts_with("EVERUPS1"));
  EXPECT_EQ(read_file(place("one") + "/database.dump").find("monitors"), std::string::npos);
  const auto without = service_.run({"backup", "verify", place("one")});
  EXPECT_EQ(without.first, 1);
  EXPECT_NE(without.second.find("--key-file"), std::string::npos) << without.second;
  const auto wrong = service_.run({"backup", "verify", place("one"), "--key-file", other});
  EXPECT_EQ(wrong.first, 1);
  EXPECT_NE(wrong.second.find("another key"), std::string::npos) << wrong.second;
  const auto right = service_.run({"backup", "verify", place("one"), "--key-file", key});
  EXPECT_EQ(right.first, 0) << right.second;
}

TEST_F(BackupTest, RowsThatAPolicyHidesFromTheDumpMakeItFail) {
  service_.sql(
      "CREATE TABLE hidden (id int); INSERT INTO hidden VALUES (1), (2); ALTER TABLE hidden OWNER TO "
      "everup_owner; GRANT SELECT ON hidden TO everup_backup; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; "
      "ALTER TABLE hidden FORCE ROW LEVEL SECURITY;");
  const auto hidden = service_.run({"backup", place("one")});
  EXPECT_EQ(hidden.first, 1);
  EXPECT_NE(hidden.second.find("holds 0 rows of table hidden, the database 2"), std::string::npos) << hidden.second;
  service_.sql("DROP TABLE hidden");
  EXPECT_TRUE(fs::is_empty(fs::path(place("one")).parent_path())) << "nothing is left of one that failed";
}

TEST_F(BackupTest, DatedOnesAreKeptInNumberAndAForeignDirectoryIsLeftAlone) {
  for (const char* stamp : {"20250101T000000Z", "20250102T000000Z"}) {
    ASSERT_EQ(service_.run({"backup", place(std::string("all/") + stamp)}).first, 0);
  }
  fs::create_directories(place("all/20240101T000000Z"));  // no backup: it has no manifest
  fs::create_directories(place("all/photos"));
  const auto third = service_.run({"backup", "--dated", "--keep", "2", place("all")});
  ASSERT_EQ(third.first, 0) << third.second;
  EXPECT_FALSE(fs::exists(place("all/20250101T000000Z")));
  EXPECT_TRUE(fs::exists(place("all/20250102T000000Z")));
  EXPECT_TRUE(fs::exists(place("all/20240101T000000Z")));
  EXPECT_TRUE(fs::exists(place("all/photos")));
  const auto taken = service_.run({"backup", place("all")});
  EXPECT_EQ(taken.first, 1);
  EXPECT_NE(taken.second.find("is not empty"), std::string::npos) << taken.second;
}

TEST(DumpedRows, AreCountedInAnyPieces) {
  const std::string text =
      "SET x = 1;\nCOPY public.spans (a, b) FROM stdin;\n1\tx\n2\tCOPY public.other (\n\\.\n\nCOPY public.empty (a) "
      "FROM "
      "stdin;\n\\.\nSELECT 1;\nCOPY public.long (a) FROM stdin;\n" +
      std::string(1000, 'y') + "\n\n\\.\n";
  for (const std::size_t step : {1U, 7U, 5000U}) {
    db::DumpedRows rows;
    for (std::size_t at = 0; at < text.size(); at += step) rows.add(std::string_view(text).substr(at, step));
    EXPECT_EQ(rows.rows(), (std::map<std::string, std::int64_t>{{"spans", 2}, {"long", 2}})) << step;
  }
}

// A server of one's own, where the login is no superuser: with five roles, and with one that does everything.
class BackupOfAServer : public ::testing::TestWithParam<const char*> {};

TEST_P(BackupOfAServer, EverythingIsInItThoughPoliciesBindTheLogin) {
  TestCluster& cluster = TestCluster::shared();
  const bool creator = std::string(GetParam()) == "creator";
  const std::string name = creator ? "creator" : "plain";
  cluster.admin("CREATE ROLE " + name + " LOGIN " + (creator ? "CREATEROLE" : "NOCREATEROLE"));
  cluster.admin("CREATE DATABASE " + name + " OWNER " + name);
  const std::string hba = cluster.data_dir() + "/pg/pg_hba.conf", before = read_file(hba);
  std::ofstream(hba, std::ios::trunc) << "local " + name + " " + name + " trust\n" << before;
  cluster.admin("SELECT pg_reload_conf()");
  auto url = cluster.cluster().url_of(name);
  url.replace(url.find("everup@"), 7, name + "@");
  const Service service(
      {{"EVERUP_DATABASE_URL", url}, {"EVERUP_SECRET_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}});
  ASSERT_TRUE(until([&] { return service.run({"migrate"}).first == 0; }));
  service.run_ok({"account", "create", "--email", "owner@example.org"});
  service.run_ok({"key", "create", "--name", "test"});
  const auto directory = service.dir().path() + "/saved";
  const auto [status, text] = service.run({"backup", directory});
  ASSERT_EQ(status, 0) << text;
  const auto manifest = Json::parse(read_file(directory + "/manifest.json"));
  EXPECT_EQ(manifest["single_role"], !creator);
  for (const Json& table : manifest["tables"]) {
    if (table["name"] == "accounts" || table["name"] == "users") {
      EXPECT_EQ(table["rows"], 1) << table.dump();
    }
    if (table["name"] == "api_keys") {
      EXPECT_EQ(table["rows"], 2) << table.dump();
    }
  }
  const auto genuine = service.run({"backup", "verify", directory});
  EXPECT_EQ(genuine.first, 0) << genuine.second;
  EXPECT_NE(service.run({"doctor"}).second.find("the last one is of "), std::string::npos);
  const auto refused = service.run({"restore", directory});
  EXPECT_EQ(refused.first, 78);
  EXPECT_NE(refused.second.find("EVERUP_DATABASE_URL is set"), std::string::npos) << refused.second;

  Service own(Environment{{"EVERUP_SECRET_KEY", "ZZECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}});
  EXPECT_EQ(own.run({"restore", directory}).first, 78) << "another key than the backup's";
  if (creator) {  // into a private cluster, whose roles are called otherwise
    Service moved;
    moved.run_ok({"restore", directory});
    moved.start();
    EXPECT_EQ(moved.sql("SELECT count(*) FROM accounts"), "1");
    EXPECT_EQ(moved.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'accounts'"), "everup_owner");
  }
}
INSTANTIATE_TEST_SUITE_P(Login, BackupOfAServer, ::testing::Values("creator", "plain"),
                         [](const auto& one) { return std::string(one.param); });

// A data directory of an everup whose schema was one behind.
TEST(BackupBeforeMigration, ThePrivateClusterIsSavedBeforeItsSchemaChanges) {
  Service service;
  const auto user = postgres_user();
  {
    const auto held = must(db::DataDir::hold(service.data_dir(), user));
    db::ClusterOptions options;
    options.data_dir = service.data_dir();
    options.user = user;
    options.durable = false;
    auto cluster = must(db::PrivateCluster::start(options));
    auto older = db::migrations();
    older.resize(4);
    must(db::migrate({cluster.url(), "", false}, WallTime{1000}, older));
    must(cluster.stop());
    fs::remove(service.data_dir() + "/pg.log");  // it belongs to whoever runs this test
  }
  const auto migrated = service.run({"migrate"});
  ASSERT_EQ(migrated.first, 0) << migrated.second;
  std::vector<std::string> saved;
  for (const auto& entry : fs::directory_iterator(service.data_dir() + "/backups")) saved.push_back(entry.path());
  ASSERT_EQ(saved.size(), 1U);
  EXPECT_NE(saved[0].find("-before-schema-"), std::string::npos);
  EXPECT_EQ(Json::parse(read_file(saved[0] + "/manifest.json"))["schema_version"], 4);
  EXPECT_EQ(service.run({"backup", "verify", saved[0]}).first, 0);
  EXPECT_EQ(service.run({"migrate"}).first, 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(service.data_dir() + "/backups"), fs::directory_iterator{}), 1)
      << "nothing changes, nothing is saved";
}

}  // namespace
}  // namespace everup::test
