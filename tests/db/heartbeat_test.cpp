// Signals in the database: what is booked, whose it is, and the reader that many looks ask at once.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "db/heartbeat_reader.h"
#include "db/heartbeat_store.h"
#include "tests/db/store_fixture.h"

namespace everup::db {
namespace {

using test::must;

class HeartbeatTest : public StoreTest {
 protected:
  Monitor make(AccountId account) { return must(s.monitors.create(account, draft())); }
  static MonitorDraft draft() {
    MonitorDraft out = draft_of("heartbeat://", "Backup");
    out.settings = default_settings(Kind::kHeartbeat);
    return out;
  }
  HeartbeatRow row(AccountId account, MonitorId id) { return must(beats.find(account, {id})).at(id.value); }
  HeartbeatStore beats{*s.api_pool, *s.public_pool, s.clock};
};

TEST_F(HeartbeatTest, SignalsAreBookedInTheirOrder) {
  const Monitor m = make(s.a);
  const std::string token = row(s.a, m.id).token;
  ASSERT_TRUE(plausible_heartbeat_token(token));
  ASSERT_TRUE(beats.tell(token, {Signal::kStart, {}}, ""));
  s.clock.at = s.clock.at + milliseconds(1500);
  ASSERT_TRUE(beats.tell(token, {Signal::kFail, 3}, "no space"));
  HeartbeatRow told = row(s.a, m.id);
  EXPECT_EQ(told.signals.started, WallTime{kNoon});
  EXPECT_EQ(told.signals.failed, WallTime{kNoon + 1500});
  EXPECT_EQ(told.signals.took, milliseconds(1500));
  EXPECT_EQ(told.signals.exit_code, 3);
  EXPECT_EQ(told.signals.body, "no space");
  s.clock.at = s.clock.at - milliseconds(5000);  // another node's clock is behind
  ASSERT_TRUE(beats.tell(token, {Signal::kFail, {}}, ""));
  told = row(s.a, m.id);
  EXPECT_EQ(told.signals.failed, WallTime{kNoon + 1500}) << "the newest stays";
  EXPECT_FALSE(told.signals.took);
  ASSERT_EQ(told.recent.size(), 3u);
  EXPECT_EQ(told.recent[0].at, WallTime{kNoon - 3500});
  EXPECT_EQ(told.recent[1].exit_code, 3);
  EXPECT_FALSE(told.recent[2].exit_code);
  EXPECT_EQ(told.recent[2].signal, Signal::kStart);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(beats.tell(token, {}, ""));
  EXPECT_EQ(row(s.a, m.id).recent.size(), 20u);
}

TEST_F(HeartbeatTest, ATokenIsOneMonitorsAndItsAccounts) {
  const Monitor mine = make(s.a), theirs = make(s.b);
  const std::string token = row(s.a, mine.id).token;
  EXPECT_NE(token, row(s.b, theirs.id).token);
  EXPECT_TRUE(must(beats.find(s.b, {mine.id})).empty());
  EXPECT_EQ(beats.rotate(s.b, mine.id).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(beats.tell(std::string(32, 'f'), {}, "").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(beats.tell("'; DROP TABLE", {}, "").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(beats.rotate(s.a, mine.id));
  EXPECT_EQ(beats.tell(token, {}, "").error().code, ErrorCode::kNotFound);
  MonitorDraft web = draft_of("http://192.0.2.1/");
  ASSERT_TRUE(s.monitors.update(s.a, to_string(mine.id), web, std::nullopt));
  EXPECT_TRUE(must(beats.find(s.a, {mine.id})).empty()) << "another kind has no heartbeat";
  ASSERT_TRUE(s.monitors.remove(s.b, to_string(theirs.id)));
  EXPECT_EQ(s.database.sql("SELECT count(*) FROM heartbeats")[0][0].as<int>(), 0);
}

// Collects answers that come on another thread.
struct Answers {
  std::mutex mutex;
  std::condition_variable changed;
  int good = 0, unknown = 0, away = 0;
  void take(const Result<HeartbeatSignals>& told) {
    const std::lock_guard lock(mutex);
    if (told)
      ++good;
    else
      ++(told.error().code == ErrorCode::kNotFound ? unknown : away);
    changed.notify_all();
  }
  bool wait_for(int count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(60), [&] { return good + unknown + away >= count; });
  }
};

TEST_F(HeartbeatTest, TheReaderAnswersManyAtOnceAndAfterTheDatabaseCameBack) {
  const Monitor m = make(s.a);
  ASSERT_TRUE(beats.tell(row(s.a, m.id).token, {}, "done"));
  std::atomic<bool> away{false};
  Answers first, second, third;
  HeartbeatReader reader([&]() -> Result<std::unique_ptr<Session>> {
    if (away) return Error{ErrorCode::kUnavailable, "away"};
    return Session::open(s.database.access(), Role::kWorker, "heartbeats");
  });
  for (int i = 0; i < 20'000; ++i) {
    reader.ask(i % 2 == 0 ? m.id : MonitorId{5}, [&](Result<HeartbeatSignals>&& told) { first.take(told); });
  }
  ASSERT_TRUE(first.wait_for(20'000));
  EXPECT_EQ(first.good, 10'000);
  EXPECT_EQ(first.unknown, 10'000);
  away = true;
  s.database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'heartbeats'");
  for (int i = 1; i <= 3; ++i) {
    reader.ask(m.id, [&](Result<HeartbeatSignals>&& told) { second.take(told); });
    ASSERT_TRUE(second.wait_for(i));
  }
  EXPECT_EQ(second.away, 3);
  away = false;
  reader.ask(m.id, [&](Result<HeartbeatSignals>&& told) { third.take(told); });
  ASSERT_TRUE(third.wait_for(1));
  EXPECT_EQ(third.good, 1);
  reader.stop();
  reader.ask(m.id, [&](Result<HeartbeatSignals>&& told) { third.take(told); });
  EXPECT_EQ(third.away, 1) << "a stopped one answers at once";
}

}  // namespace
}  // namespace everup::db
