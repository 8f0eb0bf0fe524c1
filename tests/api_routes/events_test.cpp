// GET /events against a real PostgreSQL: what is committed is told, once, to its account, live or after a pause, as a
// stream and by long poll.
#include <pqxx/pqxx>
#include <thread>

#include "db/flip_feed.h"
#include "tests/api_routes/house_fixture.h"
#include "tests/support/postgres.h"

namespace everup::api {
namespace {

using test::Client;

class Events : public ApiTest {
 protected:
  // State 3 is down, 1 up.
  static std::string flip_sql(const std::string& monitor, int version, int to) {
    const auto id = parse_id<MonitorTag>(monitor);
    return "INSERT INTO flips (monitor_id, version, region, from_state, to_state, at, settled_at, cause, recorded_at) "
           "VALUES (" +
           std::to_string(id ? id->value : 0) + ", " + std::to_string(version) + ", 1, " + (to == 3 ? "1" : "3") +
           ", " + std::to_string(to) + ", 1795000000000, 1795000020000, 0, 1795000020001)";
  }
  void flip(const std::string& monitor, int version, int to) const { sql(flip_sql(monitor, version, to)); }
  std::unique_ptr<Client> listen(const std::string& key, const std::string& fields = "",
                                 const std::string& query = "") const {
    auto client = std::make_unique<Client>(port());
    client->send(test::request("GET", "/api/v1/events" + query, "Authorization: Bearer " + key + "\r\n" + fields));
    EXPECT_TRUE(comes(*client, query.empty() ? "id: " : "HTTP/1.1 200"));
    return client;
  }
  static bool comes(Client& client, const std::string& text) {
    while (client.rest().find(text) == std::string::npos) {
      if (!client.more()) return false;
    }
    return true;
  }
  // The last event id that stands in a stream.
  static std::string last_id(const Client& client) {
    const std::string& all = client.rest();
    const auto at = all.rfind("id: ");
    return at == std::string::npos ? "" : all.substr(at + 4, all.find('\n', at) - at - 4);
  }
  // The feed has begun: its first answer is not 503.
  void wait_for_feed() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (call("GET", "/api/v1/events?wait=0", owner_read).status == 503 && std::chrono::steady_clock::now() < end) {
    }
  }
  void begin() {
    ApiOptions options;
    options.rate_limit = "0";
    start(std::move(options));
    wait_for_feed();
  }
};

TEST_F(Events, AreToldToTheirAccountAlone) {
  begin();
  const std::string mine = make(owner_write), theirs = make(other_admin);
  const auto owner = listen(owner_read), second = listen(owner_read), other = listen(other_admin);
  EXPECT_NE(owner->rest().find("Content-Type: text/event-stream"), std::string::npos);
  EXPECT_NE(owner->rest().find("retry: 3000\n"), std::string::npos);
  flip(mine, 1, 3);
  EXPECT_TRUE(comes(*owner, "\"id\":\"" + mine + "\""));
  EXPECT_TRUE(comes(*second, "\"from\":\"up\",\"state\":\"down\",\"at\":\"2026-11-18T"));
  flip(theirs, 1, 3);
  flip(mine, 2, 1);
  EXPECT_TRUE(comes(*other, theirs));
  EXPECT_TRUE(comes(*owner, "\"from\":\"down\",\"state\":\"up\""));
  EXPECT_EQ(other->rest().find(mine), std::string::npos);
  EXPECT_EQ(owner->rest().find(theirs), std::string::npos);
}

TEST_F(Events, WhoComesBackMissesNothing) {
  begin();
  const std::string monitor = make(owner_write);
  std::string last;
  {
    const auto client = listen(owner_read);
    flip(monitor, 1, 3);
    EXPECT_TRUE(comes(*client, "event: state"));
    last = last_id(*client);
  }
  flip(monitor, 2, 1);
  stop();
  begin();
  flip(monitor, 3, 3);
  const auto client = listen(owner_read, "Last-Event-ID: " + last + "\r\n");
  EXPECT_TRUE(comes(*client, "-1-3\nevent: state")) << client->rest();
  EXPECT_NE(client->rest().find("-1-2\nevent: state"), std::string::npos) << "in order, from the table";
  EXPECT_EQ(client->rest().find("-1-1\nevent: state"), std::string::npos) << "known already";
  flip(monitor, 4, 1);
  EXPECT_TRUE(comes(*client, "-1-4\nevent: state"));
  EXPECT_EQ(client->rest().find("-1-3\nevent"), client->rest().rfind("-1-3\nevent")) << "once";
}

TEST_F(Events, WhatIsCommittedLateIsNotLost) {
  begin();
  const std::string early = make(owner_write), late = make(owner_write, "http://192.0.2.2/");
  const auto client = listen(owner_read);
  const auto writer = owner_session();
  const Status written = writer->run(std::chrono::seconds(60), [&](pqxx::transaction_base& tx) -> Status {
    tx.exec(flip_sql(late, 1, 3));
    flip(early, 1, 3);  // another transaction: younger, committed first
    return ok();
  });
  ASSERT_TRUE(written.ok()) << written.error().what;
  EXPECT_TRUE(comes(*client, early));
  EXPECT_TRUE(comes(*client, late)) << client->rest();
}

TEST_F(Events, LongPoll) {
  begin();
  const std::string monitor = make(owner_write);
  const std::string start = pick(call("GET", "/api/v1/events?wait=0", owner_read).body, "next_cursor");
  ASSERT_FALSE(start.empty());
  const auto waiting = listen(owner_read, "Connection: close\r\n", "?wait=50&after=" + start);
  flip(monitor, 1, 3);
  EXPECT_TRUE(comes(*waiting, monitor));
  EXPECT_TRUE(waiting->closed());
  const auto missed = call("GET", "/api/v1/events?wait=50&after=" + start, owner_read);
  EXPECT_NE(missed.body.find(monitor), std::string::npos) << "at once: " << missed.body;
  const auto none = listen(owner_read, "", "?wait=1&after=" + pick(missed.body, "next_cursor"));
  EXPECT_TRUE(none->closed());
  EXPECT_NE(none->rest().find("{\"data\":[],\"next_cursor\":\""), std::string::npos) << none->rest();
  EXPECT_EQ(call("GET", "/api/v1/events?after=nonsense", owner_read).status, 400);
  EXPECT_EQ(call("GET", "/api/v1/events?wait=51", owner_read).status, 400);
}

TEST_F(Events, ADatabaseThatWasAwayOnlyDelaysThem) {
  begin();
  const std::string monitor = make(owner_write);
  const auto client = listen(owner_read);
  sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE "
      "'LISTEN "
      "everup_flips%' OR (datname = current_database() AND pid <> pg_backend_pid())");
  flip(monitor, 1, 3);
  EXPECT_TRUE(comes(*client, monitor));
}

TEST(FlipCursor, TextAndBack) {
  const db::FlipCursor cursor{0x1234567890abcdefULL, 77, 1, 5};
  EXPECT_EQ(db::to_string(cursor), "1234567890abcdef-4d-1-5");
  EXPECT_EQ(db::parse_flip_cursor(db::to_string(cursor)), cursor);
  for (const char* bad :
       {"", "1", "1-2-3", "1-2-3-4-5", "x-1-1-1", "1--1-1", "1-2-3-4 ", "-1-2-3-4", "1-ffffffffffffffff-1-1"})
    EXPECT_FALSE(db::parse_flip_cursor(bad)) << bad;
}

}  // namespace
}  // namespace everup::api
