// Sessions and pools against a PostgreSQL that refuses, dies and freezes.
#include <gtest/gtest.h>
#include <signal.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/support/postgres.h"

namespace everup::db {
namespace {
using test::must;
constexpr milliseconds kLong{30'000};

Status exec(Session& session, const std::string& sql) {
  return session.run(kLong, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec(sql);
    return ok();
  });
}

// Stops a backend for as long as it lives.
struct Frozen {
  explicit Frozen(int pid) : pid_(pid) { EXPECT_EQ(kill(pid_, SIGSTOP), 0); }
  ~Frozen() { kill(pid_, SIGCONT); }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  int pid_;
};

TEST(SqlError, EveryStateHasItsFault) {
  EXPECT_EQ(fault_of("23505"), Fault::kUnique);
  EXPECT_EQ(fault_of("23514"), Fault::kPartition);
  for (const char* state : {"22021", "22P02", "23502", "23503", "44000"})
    EXPECT_EQ(fault_of(state), Fault::kData) << state;
  for (const char* state : {"40001", "40P01", "53100", "53300", "55P03", "57014", "57P01", "57P03", "25006", "58030"}) {
    EXPECT_EQ(fault_of(state), Fault::kRetry) << state;
  }
  for (const char* state : {"08006", "08000"}) EXPECT_EQ(fault_of(state), Fault::kLost) << state;
  for (const char* state : {"42501", "28000", "3D000"}) EXPECT_EQ(fault_of(state), Fault::kDenied) << state;
  for (const char* state : {"42601", "42P01", "", "xx"}) EXPECT_EQ(fault_of(state), Fault::kBug) << state;
}

TEST(Session, FailuresAreClassifiedAndTheSessionStays) {
  test::TestDatabase database;
  auto session = database.session(Role::kLogin);
  ASSERT_TRUE(exec(*session, "CREATE TABLE t (a int CONSTRAINT only_once UNIQUE, b int CHECK (b > 0))"));
  ASSERT_TRUE(exec(*session, "INSERT INTO t VALUES (1, 1)"));
  const auto fails = [&](const std::string& sql, Fault fault, ErrorCode code) {
    const Status status = exec(*session, sql);
    ASSERT_FALSE(status) << sql;
    EXPECT_EQ(session->last_failure().fault, fault) << sql;
    EXPECT_EQ(status.error().code, code) << sql;
    EXPECT_FALSE(session->lost());
  };
  fails("INSERT INTO t VALUES (1, 1)", Fault::kUnique, ErrorCode::kConflict);
  EXPECT_EQ(session->last_failure().constraint, "only_once");
  fails("INSERT INTO t VALUES (2, -1)", Fault::kPartition, ErrorCode::kInvalid);
  fails("SELECT 'x'::int", Fault::kData, ErrorCode::kInvalid);
  fails("SELEC", Fault::kBug, ErrorCode::kInternal);
  fails("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$", Fault::kRetry, ErrorCode::kUnavailable);
  EXPECT_EQ(database.sql("SELECT count(*) FROM t")[0][0].as<int>(), 1);
}

TEST(Session, AWrongParameterCountIsOurBugNotALoss) {
  test::TestDatabase database;
  auto session = database.session(Role::kApi);
  const Status status = session->run(kLong, [](pqxx::transaction_base& tx) -> Status {
    tx.exec_params("SELECT $1::int", 1, 2);
    return ok();
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(session->last_failure().fault, Fault::kBug);
  EXPECT_FALSE(session->lost());
  EXPECT_TRUE(exec(*session, "SELECT 1"));
}

TEST(Session, ABodysErrorRollsBackAndIsReturned) {
  test::TestDatabase database;
  auto session = database.session(Role::kLogin);
  const Status status = session->run(kLong, [](pqxx::transaction_base& tx) -> Status {
    tx.exec("CREATE TABLE gone ()");
    return Error{ErrorCode::kRefused, "no"};
  });
  EXPECT_EQ(status.error().what, "no");
  EXPECT_TRUE(database.sql("SELECT to_regclass('gone')")[0][0].is_null());
  const auto value = in_transaction(
      *session, kLong, [](pqxx::transaction_base& tx) -> Result<int> { return tx.exec1("SELECT 42")[0].as<int>(); });
  EXPECT_EQ(must(value), 42);
}

TEST(Session, AFrozenBackendEndsAtTheDeadline) {
  test::TestDatabase database;
  auto session = database.session(Role::kApi);
  const Frozen frozen(session->backend_pid());
  const Status status = session->run(milliseconds(200), [](pqxx::transaction_base& tx) -> Status {
    tx.exec("SELECT 1");
    return ok();
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(session->last_failure().fault, Fault::kLost);
  EXPECT_TRUE(session->lost());
  EXPECT_EQ(exec(*session, "SELECT 1").error().code, ErrorCode::kUnavailable);  // never by itself again
}

TEST(Session, ACommitWithoutAnswerIsInDoubt) {
  test::TestDatabase database;
  auto session = database.session(Role::kLogin);
  std::optional<Frozen> frozen;
  const Status status = session->run(milliseconds(500), [&](pqxx::transaction_base& tx) -> Status {
    tx.exec("CREATE TABLE perhaps ()");
    frozen.emplace(session->backend_pid());
    return ok();
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInDoubt);
  EXPECT_EQ(session->last_failure().fault, Fault::kInDoubt);
  EXPECT_TRUE(session->lost());
}

TEST(Session, AFrozenCopyEndsAtTheDeadline) {
  test::TestDatabase database;
  database.sql("CREATE TABLE t (a text)");
  auto session = database.session(Role::kLogin);
  std::optional<Frozen> frozen;
  const Status status = session->run(milliseconds(500), [&](pqxx::transaction_base& tx) -> Status {
    pqxx::stream_to stream(tx, "t");
    frozen.emplace(session->backend_pid());
    for (int i = 0; i < 200'000; ++i) stream << std::make_tuple(std::string(100, 'x'));
    stream.complete();
    return ok();
  });
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.error().code == ErrorCode::kTimeout || status.error().code == ErrorCode::kInDoubt)
      << status.error().what;
  EXPECT_TRUE(session->lost());
}

TEST(Session, AKilledBackendIsALoss) {
  test::TestDatabase database;
  auto session = database.session(Role::kApi);
  const Status status = session->run(kLong, [&](pqxx::transaction_base& tx) -> Status {
    database.sql("SELECT pg_terminate_backend(" + std::to_string(session->backend_pid()) + ", 10000)");
    tx.exec("SELECT 1");
    return ok();
  });
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(session->last_failure().fault, Fault::kLost);
  EXPECT_TRUE(session->lost());
}

TEST(Session, WrongUrlsAndAbsentServersSaySo) {
  EXPECT_EQ(Session::open({"postgresql://[", {}, false}, Role::kApi, "test").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Session::open({"host=/nowhere dbname=x user=y", {}, false}, Role::kApi, "test").error().code,
            ErrorCode::kUnavailable);
  test::TestDatabase database;
  DatabaseAccess access = database.access();
  access.role_prefix = "nobody_has_this";
  EXPECT_EQ(Session::open(access, Role::kApi, "test").error().code, ErrorCode::kRefused);
  EXPECT_EQ(role_name({"postgresql://u@/shop?host=/x", {}, false}, Role::kWorker), "shop_worker");
  EXPECT_EQ(role_name({"dbname=shop user=u", "p", false}, Role::kApi), "p_api");
  EXPECT_EQ(role_name({"dbname=shop user=u", {}, true}, Role::kApi), "u");
}

TEST(Pool, ADeadSessionIsReplacedAndTheWorkDoneAgain) {
  test::TestDatabase database;
  auto pool = database.pool(Role::kApi, 2);
  int pid = 0, runs = 0;
  const auto body = [&](pqxx::transaction_base& tx) -> Status {
    ++runs;
    pid = tx.exec1("SELECT pg_backend_pid()")[0].as<int>();
    return ok();
  };
  ASSERT_TRUE(pool->run(kLong, body));
  const int first = pid;
  database.sql("SELECT pg_terminate_backend(" + std::to_string(first) + ", 10000)");
  ASSERT_TRUE(pool->run(kLong, body));
  EXPECT_NE(pid, first);
  EXPECT_EQ(Pool::last_failure().fault, Fault::kNone);
}

TEST(Pool, WhatIsInDoubtIsNotDoneTwice) {
  test::TestDatabase database;
  auto pool = database.pool(Role::kLogin, 1);
  std::optional<Frozen> frozen;
  int runs = 0;
  const Status status = pool->run(milliseconds(500), [&](pqxx::transaction_base& tx) -> Status {
    ++runs;
    frozen.emplace(tx.exec1("SELECT pg_backend_pid()")[0].as<int>());
    return ok();
  });
  EXPECT_EQ(status.error().code, ErrorCode::kInDoubt);
  EXPECT_EQ(runs, 1);
}

TEST(Pool, NoMoreThanItsLimit) {
  test::TestDatabase database;
  auto pool = database.pool(Role::kApi, 1);
  {
    auto held = must(pool->borrow(kLong));
    EXPECT_EQ(pool->borrow(milliseconds(1)).error().code, ErrorCode::kExhausted);
    EXPECT_FALSE(held->lost());
  }
  EXPECT_TRUE(pool->borrow(kLong));
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k) {
        good += pool->run(kLong,
                          [](pqxx::transaction_base& tx) -> Status {
                            tx.exec("SELECT 1");
                            return ok();
                          })
                    .ok();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 80);
}

}  // namespace
}  // namespace everup::db
