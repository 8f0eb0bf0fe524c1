// Who may see what: migrations, roles, policies, privileges (RULES C 2–3).
#include <poll.h>

#include <algorithm>
#include <random>
#include <thread>

#include "tests/db/store_fixture.h"
#include "tests/paths.h"

namespace everup::db {
namespace {
using test::must;
constexpr milliseconds kLong{30'000};

// ---- migrations
// -----------------------------------------------------------------------------------------------------------------------

TEST(Migrate, TwiceIsOnceAndSimultaneousOnesWait) {
  test::TestCluster::shared().admin("CREATE DATABASE fresh");
  const DatabaseAccess access{test::TestCluster::shared().cluster().url_of("fresh"), {}, false};
  EXPECT_EQ(check_schema(access).error().code, ErrorCode::kNotFound);
  std::vector<MigrationReport> reports(3);
  std::vector<std::thread> threads;
  for (auto& report : reports) threads.emplace_back([&] { report = must(migrate(access, WallTime{1})); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::count_if(reports.begin(), reports.end(), [](const auto& r) { return r.before == 0; }), 1);
  for (const auto& report : reports) EXPECT_EQ(report.after, static_cast<int>(migrations().size()));
  EXPECT_FALSE(must(check_schema(access)).single_role);
  test::TestCluster::shared().admin("DROP DATABASE fresh WITH (FORCE)");
  for (const char* role : {"owner", "worker", "api", "public", "backup"})
    test::TestCluster::shared().admin(std::string("DROP ROLE fresh_") + role);
}

TEST(Migrate, ANewerOrChangedSchemaIsRefused) {
  test::TestDatabase database;
  std::vector<Migration> more = migrations();
  more.push_back({static_cast<int>(more.size()) + 1, "0099_more", "CREATE TABLE more ()"});
  EXPECT_EQ(check_schema(database.access(), more).error().code, ErrorCode::kConflict);  // missing migrations
  EXPECT_EQ(must(migrate(database.access(), WallTime{1}, more)).before, static_cast<int>(migrations().size()));
  const auto older = migrate(database.access(), WallTime{1});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, ErrorCode::kConflict);
  EXPECT_NE(older.error().what.find("0099_more"), std::string::npos) << older.error().what;
  more[0].sql += " ";
  EXPECT_EQ(migrate(database.access(), WallTime{1}, more).error().code, ErrorCode::kConflict);
}

TEST(Migrate, AFailedOneLeavesNothing) {
  test::TestDatabase database;
  std::vector<Migration> more = migrations();
  more.push_back({static_cast<int>(more.size()) + 1, "0099_bad", "CREATE TABLE half (); SELECT nonsense;"});
  const auto report = migrate(database.access(), WallTime{1}, more);
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().what.find("0099_bad"), std::string::npos);
  EXPECT_TRUE(database.sql("SELECT to_regclass('half')")[0][0].is_null());
  EXPECT_TRUE(check_schema(database.access()));
}

// ---- the catalogue
// ----------------------------------------------------------------------------------------------------------------------

TEST(Access, EveryAccountScopedTableForcesItsPolicy) {
  test::TestDatabase database;
  const auto open = database.sql(
      "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public' "
      "WHERE c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity) AND (c.relname IN "
      "('accounts', 'users') "
      "OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'account_id' AND NOT "
      "a.attisdropped))");
  for (const auto& row : open) ADD_FAILURE() << row[0].c_str() << " has no forced policy";
  const auto views = database.sql(
      "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public' "
      "WHERE c.relkind = 'v' AND NOT coalesce(c.reloptions::text LIKE '%security_barrier=true%', false)");
  EXPECT_TRUE(views.empty());
  const auto loose = database.sql(
      "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'public' "
      "WHERE p.prosecdef AND NOT coalesce(p.proconfig::text LIKE '%search_path=%', false)");
  EXPECT_TRUE(loose.empty());
  const auto strong = database.sql(
      "SELECT rolname FROM pg_roles WHERE rolname LIKE 'everup\\_%' AND (rolsuper OR rolbypassrls OR rolcanlogin)");
  EXPECT_TRUE(strong.empty());
}

TEST(Access, PrivilegesAreTheCheckedInList) {
  test::TestDatabase database;
  database.sql("SELECT ensure_partition(" + std::to_string(kNoon) + ")");
  const auto rows = database.sql(
      "SELECT replace(g.grantee, 'everup_', '') || ' ' || g.object || ': ' || string_agg(g.privilege, ' ' ORDER BY "
      "g.privilege) FROM ("
      "SELECT coalesce(r.rolname, 'PUBLIC') AS grantee, c.relname::text AS object, a.privilege_type AS privilege FROM "
      "pg_class c "
      "JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public', aclexplode(c.relacl) a LEFT JOIN "
      "pg_roles r ON r.oid = a.grantee "
      "WHERE a.grantee <> c.relowner UNION ALL "
      "SELECT coalesce(r.rolname, 'PUBLIC'), p.oid::regprocedure::text, a.privilege_type FROM pg_proc p "
      "JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'public', aclexplode(coalesce(p.proacl, "
      "acldefault('f', p.proowner))) a "
      "LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE a.grantee <> p.proowner) g GROUP BY g.grantee, g.object ORDER "
      "BY 1");
  std::string list;
  for (const auto& row : rows) list += std::string(row[0].c_str()) + "\n";
  EXPECT_EQ(list, test::read_file(std::string(EVERUP_SOURCE_DIR) + "/tests/db/privileges.txt"));
}

TEST(Access, ARoleReachesNothingBesideItsRights) {
  test::TestDatabase database;
  const auto refused = [&](Role role, const std::string& sql) {
    auto session = database.session(role);
    const Status status = session->run(kLong, [&](pqxx::transaction_base& tx) -> Status {
      tx.exec(sql);
      return ok();
    });
    ASSERT_FALSE(status) << name(role) << ": " << sql;
    EXPECT_EQ(status.error().code, ErrorCode::kRefused) << status.error().what;
  };
  for (const char* table : {"results", "spans", "standings", "flips", "evidence", "monitor_versions", "commands",
                            "gaps", "recorder_streams"}) {
    refused(Role::kApi, std::string("SELECT * FROM ") + table);
    refused(Role::kPublic, std::string("SELECT * FROM ") + table);
    refused(Role::kBackup, std::string("DELETE FROM ") + table);
  }
  for (const char* table : {"monitors", "accounts", "users", "api_keys"})
    refused(Role::kPublic, std::string("SELECT * FROM ") + table);
  refused(Role::kApi, "DELETE FROM monitors");
  refused(Role::kApi, "INSERT INTO accounts VALUES (1, 'x', 'UTC', 1)");
  refused(Role::kApi, "SELECT ensure_partition(1)");
  refused(Role::kWorker, "INSERT INTO monitors (id) VALUES (1)");
  refused(Role::kWorker, "SELECT * FROM api_keys");
  refused(Role::kWorker, "CREATE TABLE mine ()");
}

// ---- two accounts
// --------------------------------------------------------------------------------------------------------------------------

class TwoAccounts : public StoreTest {
 protected:
  TwoAccounts() {
    s.partition(kNoon);
    for (const AccountId account : {s.a, s.b}) {
      Monitor monitor = must(s.monitors.create(account, draft_of("https://x.example/", "Shop")));
      s.result(monitor.id, kNoon);
      s.span(monitor.id, kNoon, "NULL", 1);
      s.standing(monitor.id, 1, kNoon);
      s.mark(monitor.id, kNoon);
      (account == s.a ? mine : theirs) = std::move(monitor);
    }
    one_session = s.database.pool(Role::kApi, 1);
  }
  // Every call with the other's id; no row of theirs may come or change.
  void every_call_misses(AccountId who, const Monitor& foreign) {
    const std::string id = to_string(foreign.id);
    const auto missing = [&](const auto& result, const char* call) {
      ASSERT_FALSE(result) << call;
      EXPECT_EQ(result.error().code, ErrorCode::kNotFound) << call;
    };
    missing(s.monitors.find(who, id), "find");
    missing(s.monitors.update(who, id, foreign, std::nullopt), "update");
    missing(s.monitors.set_paused(who, id, true), "set_paused");
    missing(s.monitors.remove(who, id), "remove");
    missing(s.monitors.rotate_tokens(who, id, true, true), "rotate_tokens");
    missing(s.ledger.ledger(who, id, WallTime{0}, s.clock.at), "ledger");
    missing(s.ledger.results(who, id, {}), "results");
    missing(s.ledger.latencies(who, id, {WallTime{0}, WallTime{kNoon + 1}}), "latencies");
    missing(s.ledger.result(who, id, {1, WallTime{kNoon}, 0}), "result");
    missing(s.commands.check_now(who, id), "check_now");
    EXPECT_TRUE(must(s.ledger.ledgers(who, {foreign.id}, WallTime{0}, s.clock.at)).empty());
  }
  Monitor mine, theirs;
  std::unique_ptr<Pool> one_session;
};

TEST_F(TwoAccounts, NoCallReachesTheOther) {
  every_call_misses(s.a, theirs);
  every_call_misses(s.b, mine);
  EXPECT_EQ(must(s.monitors.find(s.b, to_string(theirs.id))).monitor, theirs);
  const NewKey key = must(s.accounts.create_key(s.b, "k", Scope::kAdmin, std::nullopt));
  EXPECT_EQ(s.accounts.revoke_key(s.a, key.info.id).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(must(s.accounts.keys(s.a)).empty());
  EXPECT_TRUE(must(s.accounts.find_key(key.text)));
}

TEST_F(TwoAccounts, AForgottenConditionStillShowsOnlyOnesOwn) {
  for (const char* table :
       {"monitors", "account_results", "account_spans", "account_standings", "account_versions", "account_monitors"}) {
    const std::string column = std::string(table).ends_with("monitors") ? "id" : "monitor_id";
    for (const AccountId who : {s.a, s.b}) {
      const Status status = s.api_pool->as_account(who, kLong, [&](pqxx::transaction_base& tx) -> Status {
        const auto rows = tx.exec("SELECT DISTINCT " + column + " FROM " + table);
        EXPECT_EQ(rows.size(), 1u) << table;
        EXPECT_EQ(rows[0][0].as<std::int64_t>(), (who == s.a ? mine : theirs).id.value) << table;
        return ok();
      });
      EXPECT_TRUE(status);
    }
    auto session = s.database.session(Role::kApi);  // no account at all: nothing
    const Status status = session->run(kLong, [&](pqxx::transaction_base& tx) -> Status {
      EXPECT_TRUE(tx.exec(std::string("SELECT 1 FROM ") + table).empty()) << table;
      return ok();
    });
    EXPECT_TRUE(status);
  }
}

TEST_F(TwoAccounts, AFunctionAskedForTheOthersMonitorAnswersNothing) {
  const std::string theirs_id = std::to_string(theirs.id.value),
                    both = "'{" + std::to_string(mine.id.value) + "," + theirs_id + "}'";
  const Status status = s.api_pool->as_account(s.a, kLong, [&](pqxx::transaction_base& tx) -> Status {
    for (const char* function : {"SELECT DISTINCT monitor FROM account_ledger(", "SELECT monitor_id FROM account_live(",
                                 "SELECT monitor_id FROM account_last_results("}) {
      const std::string name(function);
      const std::string rest = name.ends_with("ledger(") ? ", 0)"
                               : name.ends_with("live(") ? ")"
                                                         : ", 0, 4102444800000)";
      const auto rows = tx.exec(name + both + rest);
      EXPECT_EQ(rows.size(), 1u) << function;
      EXPECT_EQ(rows[0][0].as<std::int64_t>(), mine.id.value) << function;
    }
    EXPECT_TRUE(tx.exec("SELECT 1 FROM account_results_page(" + theirs_id + ", 0, 4102444800000, 4102444800000, 0, 9)")
                    .empty());
    return ok();
  });
  EXPECT_TRUE(status);
  for (const char* helper : {"newest_results(1, 1::smallint, 0, 1, 1, 0, true, 1)", "ledger_rows('{1}', '{1}', 0)"}) {
    for (const Role role : {Role::kApi, Role::kPublic}) {
      const Status refused = s.database.session(role)->run(kLong, [&](pqxx::transaction_base& tx) -> Status {
        tx.exec(std::string("SELECT 1 FROM ") + helper);
        return ok();
      });
      ASSERT_FALSE(refused) << helper;
      EXPECT_EQ(refused.error().code, ErrorCode::kRefused) << helper;
    }
  }
}

TEST_F(TwoAccounts, NobodyWritesIntoTheOthersAccount) {
  for (const std::string& sql :
       {"UPDATE monitors SET account_id = " + std::to_string(s.b.value),
        "INSERT INTO api_keys VALUES (1, " + std::to_string(s.b.value) + ", 'x', 'admin', 'x', 1)",
        "INSERT INTO account_commands (monitor_id, id, kind, created_at) VALUES (" + std::to_string(theirs.id.value) +
            ", 1, 'check', 1)"}) {
    const Status status = s.api_pool->as_account(s.a, kLong, [&](pqxx::transaction_base& tx) -> Status {
      tx.exec(sql);
      return ok();
    });
    EXPECT_FALSE(status) << sql;
  }
}

TEST_F(TwoAccounts, AThousandTurnsOnOneConnectionNeverMix) {
  std::mt19937 random(20261122);
  MonitorStore store(*one_session, *s.ids, s.vault, s.clock);
  for (int turn = 0; turn < 1000; ++turn) {
    const bool first = random() % 2 == 0;
    const AccountId who = first ? s.a : s.b;
    const Monitor &own = first ? mine : theirs, &other = first ? theirs : mine;
    switch (random() % 6) {
      case 0: {
        const auto page = must(store.list(who, {}));
        ASSERT_EQ(page.monitors.size(), 1u);
        ASSERT_EQ(page.monitors[0].monitor.id, own.id);
        break;
      }
      case 1:
        ASSERT_EQ(store.find(who, to_string(other.id)).error().code, ErrorCode::kNotFound);
        break;
      case 2:
        ASSERT_EQ(must(store.find(who, "slug:shop")).monitor.id, own.id);
        break;
      case 3:  // an error of SQL, in the middle
        ASSERT_FALSE(one_session->as_account(who, kLong, [](pqxx::transaction_base& tx) -> Status {
          tx.exec("SELECT 1/0");
          return ok();
        }));
        break;
      case 4:  // an error of ours: rolled back
        ASSERT_FALSE(one_session->as_account(who, kLong, [](pqxx::transaction_base&) -> Status {
          return Error{ErrorCode::kInvalid, "no"};
        }));
        break;
      case 5:  // no account set: a bare cast would fail here, and a leaked setting would show rows
        ASSERT_TRUE(one_session->run(kLong, [](pqxx::transaction_base& tx) -> Status {
          EXPECT_TRUE(tx.exec("SELECT 1 FROM monitors").empty());
          return ok();
        }));
        break;
    }
  }
}

TEST_F(TwoAccounts, TheLookUpOfATokenLeavesNoDoorOpen) {
  auto session = s.database.session(Role::kOwner);
  const Status status = session->run(kLong, [&](pqxx::transaction_base& tx) -> Status {
    EXPECT_EQ(tx.exec_params("SELECT 1 FROM public_monitor('badge', $1)", mine.badge_token).size(), 1u);
    EXPECT_TRUE(tx.exec("SELECT 1 FROM monitors").empty());
    EXPECT_TRUE(tx.exec("SELECT 1 FROM find_api_key('x', 1)").empty());
    EXPECT_TRUE(tx.exec("SELECT 1 FROM monitors").empty());
    set_operator(tx);
    EXPECT_EQ(tx.exec("SELECT 1 FROM monitors").size(), 2u);
    return ok();
  });
  EXPECT_TRUE(status);
}

TEST_F(TwoAccounts, WorkerAndBackupSeeAll) {
  for (const Role role : {Role::kWorker, Role::kBackup}) {
    auto session = s.database.session(role);
    EXPECT_TRUE(session->run(kLong, [](pqxx::transaction_base& tx) -> Status {
      EXPECT_EQ(tx.exec("SELECT 1 FROM monitors").size(), 2u);
      EXPECT_EQ(tx.exec("SELECT 1 FROM results").size(), 2u);
      return ok();
    }));
  }
}

// ---- one role only
// -----------------------------------------------------------------------------------------------------------------------------

TEST(SingleRole, WithoutCreateroleAccountsStayApart) {
  auto& cluster = test::TestCluster::shared();
  cluster.admin("CREATE ROLE plain LOGIN");
  cluster.admin("CREATE DATABASE plain OWNER plain");
  const std::string hba = cluster.data_dir() + "/pg/pg_hba.conf", before = test::read_file(hba);
  std::ofstream(hba, std::ios::trunc) << "local plain plain trust\n" << before;
  cluster.admin("SELECT pg_reload_conf()");
  std::string url = cluster.cluster().url_of("plain");
  url.replace(url.find("everup@"), 7, "plain@");
  Result<MigrationReport> report = Error{};
  for (int i = 0; i < 500 && !report; ++i) {  // the reload is a signal to the postmaster
    report = migrate({url, {}, false}, WallTime{1});
    if (!report) poll(nullptr, 0, 20);
  }
  ASSERT_TRUE(report) << report.error().what;
  EXPECT_TRUE(report->single_role);
  EXPECT_TRUE(must(check_schema({url, {}, false})).single_role);
  {
    StandingClock clock;
    const Vault vault = test_vault();
    Pool owner({report->access, Role::kOwner, "test", 1, nullptr}),
        api({report->access, Role::kApi, "test", 1, nullptr});
    Pool worker({report->access, Role::kWorker, "test", 1, nullptr}),
        anyone({report->access, Role::kPublic, "test", 1, nullptr});
    auto ids = must(IdSource::open(api, "node", clock));
    OperatorStore operators(owner, *ids, vault, clock);
    MonitorStore monitors(api, *ids, vault, clock);
    LedgerStore ledger(api, anyone);
    const AccountId a = must(operators.create_account("a@x.example", "", "")).id,
                    b = must(operators.create_account("b@x.example", "", "")).id;
    const Monitor mine = must(monitors.create(a, draft_of("https://x.example/")));
    EXPECT_EQ(must(monitors.list(b, {})).monitors.size(), 0u);
    EXPECT_EQ(monitors.find(b, to_string(mine.id)).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(ledger.ledger(b, to_string(mine.id), WallTime{0}, clock.at).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(must(ledger.by_token(TokenKind::kBadge, mine.badge_token, WallTime{0}, clock.at)).monitor.id, mine.id);
    EXPECT_TRUE(worker.run(kLong, [](pqxx::transaction_base& tx) -> Status {
      EXPECT_EQ(tx.exec("SELECT 1 FROM monitors").size(), 1u);
      tx.exec("SELECT ensure_partition(1795348800000)");
      return ok();
    }));
  }
  cluster.admin("DROP DATABASE plain WITH (FORCE)");
  cluster.admin("DROP ROLE plain");
}

// ---- partitions
// -----------------------------------------------------------------------------------------------------------------------------------

TEST_F(StoreTest, PartitionsAreMadeOnceByTheWorker) {
  auto session = s.database.session(Role::kWorker);
  const auto ensure = [&](std::int64_t at) {
    return in_transaction(*session, kLong, [&](pqxx::transaction_base& tx) -> Result<int> {
      return tx.exec_params1("SELECT ensure_partition($1)", at)[0].as<int>();
    });
  };
  EXPECT_EQ(must(ensure(kNoon)), 2);
  EXPECT_EQ(must(ensure(kNoon + 1)), 0);
  EXPECT_EQ(ensure(-1).error().code, ErrorCode::kInvalid);
  const auto insert = [&](std::int64_t at) {
    return session->run(kLong, [&](pqxx::transaction_base& tx) -> Status {
      tx.exec("INSERT INTO results VALUES (1," + std::to_string(at) + ",0,0,0,0,0,0,0,1,0,1,0,1,1,1,0,1,NULL)");
      return ok();
    });
  };
  EXPECT_TRUE(insert(kNoon));
  EXPECT_FALSE(insert(kNoon + kDayMs));
  EXPECT_EQ(session->last_failure().fault, Fault::kPartition);
  EXPECT_EQ(must(ensure(kNoon + kDayMs)), 1);  // evidence's thirty days are there already
  EXPECT_TRUE(insert(kNoon + kDayMs));
  EXPECT_EQ(s.database.sql("SELECT count(*) FROM results_20261122")[0][0].as<int>(), 1);
  EXPECT_EQ(
      s.database.sql("SELECT count(*) FROM pg_index WHERE indrelid = 'results_20261122'::regclass")[0][0].as<int>(),
      2);  // the key, and the looks that failed
}

}  // namespace
}  // namespace everup::db
