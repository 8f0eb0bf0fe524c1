// The URL that a job calls, over a real socket with a real database: every way of saying it, what is kept, who may not.
#include "tests/api_routes/house_fixture.h"
#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::api {
namespace {

using test::Client;
using test::request;

class Heartbeats : public ApiTest {
 protected:
  // A monitor's id; its path in `url`.
  std::string beat(const std::string& options = "{}") {
    const auto reply = call("POST", "/api/v1/monitors", owner_write,
                            R"({"target":"heartbeat://nightly-backup","options":)" + options + "}");
    EXPECT_EQ(reply.status, 201) << reply.body;
    url = pick(reply.body, "heartbeat_url");
    EXPECT_TRUE(url.starts_with("/heartbeat/")) << reply.body;
    return pick(reply.body, "id");
  }
  std::string told(const std::string& id) const {
    const auto reply = call("GET", "/api/v1/monitors/" + id + "/heartbeat", owner_read);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.body;
  }
  std::string url;
};

TEST_F(Heartbeats, EveryWayOfSayingIt) {
  start();
  const std::string id = beat();
  const std::string token = url.substr(url.rfind('/') + 1);
  EXPECT_EQ(token.size(), 32u);
  EXPECT_EQ(pick(told(id), "state"), "waiting");
  EXPECT_EQ(pick(told(id), "last_success_at"), "null");
  for (const std::string method : {"GET", "POST", "HEAD"}) {
    for (const std::string& path :
         {url, "/ping/" + token, url + "/start", "/ping/" + token + "/0", url + "/log?rid=5"}) {
      const auto reply = call(method, path, "");
      EXPECT_EQ(reply.status, 200) << method << " " << path << reply.body;
      EXPECT_EQ(reply.body, method == "HEAD" ? "" : "OK") << path;
      EXPECT_EQ(reply.field("content-type"), "text/plain; charset=utf-8");
      EXPECT_EQ(reply.field("cache-control"), "private, no-store");
      EXPECT_EQ(reply.field("set-cookie"), "");
    }
  }
  const std::string after = told(id);
  EXPECT_EQ(pick(after, "state"), "ok") << after;
  EXPECT_EQ(pick(after, "exit_code"), "0");
  EXPECT_EQ(sql_value("SELECT array_length(recent_at, 1) FROM heartbeats"), "15");
}

// As it stands in a crontab.
TEST_F(Heartbeats, CurlIsAllThatAJobNeeds) {
  start();
  const std::string id = beat();
  const std::string base = "http://127.0.0.1:" + std::to_string(port()) + url;
  const auto curl = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"curl", "-fsS", "-m", "30", "--retry", "3"});
    return test::run_tool(std::move(words));
  };
  const test::TempDir dir;
  const auto log = dir.write("log.txt", "tar: no space left on device\n");
  EXPECT_EQ(curl({base + "/start"}), "OK");
  EXPECT_EQ(curl({"--data-binary", "@" + log, base + "/2"}), "OK");
  EXPECT_EQ(pick(told(id), "state"), "failed");
  EXPECT_EQ(curl({"--data-raw", "42 files = saved & done", base}), "OK");
  EXPECT_EQ(sql_value("SELECT body FROM heartbeats"), "42 files = saved & done");
  EXPECT_EQ(curl({"-F", "log=@" + log, base}), "OK") << "a form is a body like any other";
  EXPECT_EQ(curl({"-X", "GET", "--data-raw", "x", base}), "OK");
  curl({"-I", base});
  EXPECT_EQ(pick(told(id), "state"), "ok");
  EXPECT_EQ(sql_value("SELECT array_length(recent_at, 1) FROM heartbeats"), "6");
  EXPECT_THROW(curl({"http://127.0.0.1:" + std::to_string(port()) + "/ping/nobody"}), std::runtime_error);
}

TEST_F(Heartbeats, FailuresTellTheirStatusAndTheirWords) {
  start();
  const std::string id = beat();
  ASSERT_EQ(call("POST", url + "/start", "").status, 200);
  const auto failed = call("POST", url + "/7", "", "disk full\nsecond \x1b[31mline",
                           "Content-Type: application/x-www-form-urlencoded\r\n");
  ASSERT_EQ(failed.status, 200);
  std::string after = told(id);
  EXPECT_EQ(pick(after, "state"), "failed") << after;
  EXPECT_EQ(pick(after, "exit_code"), "7");
  EXPECT_NE(pick(after, "duration_s"), "null");
  EXPECT_NE(after.find(R"("body_excerpt":"disk full\nsecond \\x1b[31mline")"), std::string::npos) << after;
  EXPECT_NE(after.find(R"("signal":"fail","exit_code":7)"), std::string::npos) << after;
  ASSERT_EQ(call("GET", url, "").status, 200);
  after = told(id);
  EXPECT_EQ(pick(after, "state"), "ok");
  EXPECT_EQ(pick(after, "exit_code"), "null");
  EXPECT_EQ(pick(after, "duration_s"), "null") << "nobody said when this run began";
}

TEST_F(Heartbeats, ALongLogIsCutAndTheSignalCounts) {
  start();
  const std::string id = beat();
  EXPECT_EQ(call("POST", url, "", std::string(60'000, 'x'), "Content-Type: text/plain\r\n").status, 200);
  EXPECT_EQ(sql_value("SELECT length(body) FROM heartbeats"), "2048");
  EXPECT_EQ(call("POST", url, "", std::string(70'000, 'x'), "Content-Type: text/plain\r\n").status, 413);
  std::string junk;
  for (int i = 0; i < 256; ++i) junk += static_cast<char>(i);
  EXPECT_EQ(call("POST", url, "", junk, "Content-Type: application/octet-stream\r\nContent-Encoding: gzip\r\n").status,
            200);
  EXPECT_EQ(pick(told(id), "state"), "ok");
}

TEST_F(Heartbeats, WhatIsNoHeartbeatIsNotFound) {
  start();
  const std::string id = beat();
  const std::string token = url.substr(url.rfind('/') + 1);
  for (const std::string& path : {std::string("/heartbeat/nonsense"), "/heartbeat/" + std::string(32, '0'),
                                  url + "/stop", url + "/256", url + "/start/1", "/ping/" + token + "/-1"}) {
    EXPECT_EQ(call("GET", path, "").status, 404) << path;
  }
  EXPECT_EQ(call("PUT", url, "", "x").status, 405);
  EXPECT_EQ(sql_value("SELECT array_length(recent_at, 1) IS NULL FROM heartbeats"), "t");
  EXPECT_EQ(call("GET", "/api/v1/monitors/" + id + "/heartbeat", other_admin).status, 404);
  const std::string web = make(owner_write);
  EXPECT_EQ(call("GET", "/api/v1/monitors/" + web + "/heartbeat", owner_read).status, 404);
  EXPECT_EQ(call("GET", "/api/v1/monitors/" + web, owner_read).body.find("heartbeat_url"), std::string::npos);
}

TEST_F(Heartbeats, TheUrlIsTheMonitorsAsLongAsItIs) {
  start();
  const std::string id = beat();
  const std::string path = "/api/v1/monitors/" + id;
  EXPECT_EQ(pick(call("GET", path, owner_read).body, "heartbeat_url"), url);
  EXPECT_EQ(pick(call("GET", "/api/v1/monitors", owner_read).body, "heartbeat_url"), url);
  EXPECT_EQ(
      pick(call("PATCH", path, owner_write, R"({"name":"Backup","options":{"cron":"@daily"}})").body, "heartbeat_url"),
      url);
  EXPECT_EQ(call("POST", path + "/pause", owner_write).status, 200);
  EXPECT_EQ(call("GET", url, "").status, 200) << "what a paused one is told counts when it is resumed";
  const auto rotated = call("POST", path + "/rotate_tokens", owner_write, R"({"heartbeat":true})");
  EXPECT_EQ(rotated.status, 200) << rotated.body;
  EXPECT_EQ(call("GET", url, "").status, 404);
  url = pick(rotated.body, "heartbeat_url");
  EXPECT_EQ(call("GET", url, "").status, 200);
  EXPECT_EQ(
      call("POST", "/api/v1/monitors/" + make(owner_write) + "/rotate_tokens", owner_write, R"({"heartbeat":true})")
          .status,
      422);
  EXPECT_EQ(call("DELETE", path, owner_write).status, 204);
  EXPECT_EQ(call("GET", url, "").status, 404);
  EXPECT_EQ(sql_value("SELECT count(*) FROM heartbeats"), "0");
}

TEST_F(Heartbeats, AJobInATightLoopIsSlowedDown) {
  start();
  beat();
  int refused = 0;
  for (int i = 0; i < 70; ++i) {
    const auto reply = call("GET", url, "");
    if (reply.status == 200) continue;
    EXPECT_EQ(reply.status, 429);
    EXPECT_FALSE(reply.field("retry-after").empty());
    ++refused;
  }
  EXPECT_GE(refused, 10);
}

TEST_F(Heartbeats, WithoutTheDatabaseTheJobIsToldToComeAgain) {
  ApiOptions options;
  options.log = [](std::string_view) {};
  start(std::move(options));
  beat();
  ASSERT_TRUE(break_database());
  const auto reply = call("GET", url, "");
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_FALSE(reply.field("retry-after").empty());
}

}  // namespace
}  // namespace everup::api
