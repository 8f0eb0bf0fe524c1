// Heartbeats as users have them: a monitor, and curl in the last line of a job. A whole service, its own PostgreSQL.
#include <gtest/gtest.h>

#include "tests/app/service.h"

namespace everup::test {
namespace {

constexpr const char* kQuickJob =
    R"({"name":"Backup","interval_s":1,"timeout_ms":5000,"confirm":{"failures":1,"successes":1,"retry_s":1},
        "options":{"period_s":3600,"grace_s":600}})";

class HeartbeatTest : public ::testing::Test {
 protected:
  void SetUp() override {
    service_.start();
    service_.open_account();
    const auto file = service_.dir().write("monitor.json", kQuickJob);
    id_ = service_.run_ok({"monitor", "add", "heartbeat://nightly-backup", "--file", file});
    url_ = monitor()["heartbeat_url"].get<std::string>();
  }
  Json monitor() { return service_.json("/monitors/" + id_); }
  bool state_becomes(const std::string& state) {
    return until([&] { return monitor().value("state", "") == state; });
  }
  static std::string curl(std::vector<std::string> words) {
    words.insert(words.begin(), {"curl", "-fsS", "-m", "20", "--retry", "3"});
    return run_tool(std::move(words));
  }

  Service service_;
  std::string id_, url_;
};

TEST_F(HeartbeatTest, CronCallsAndSilenceIsNoticed) {
  ASSERT_TRUE(url_.starts_with(service_.base() + "/heartbeat/")) << url_;
  ASSERT_TRUE(until([&] { return monitor()["last_result"].is_object(); }));
  EXPECT_EQ(monitor()["last_result"]["verdict"], "inconclusive") << "nobody has called yet: neither up nor down";
  EXPECT_EQ(monitor()["state"], "unknown");

  EXPECT_EQ(curl({url_ + "/start"}), "OK");
  EXPECT_EQ(curl({"--data-raw", "42 files saved", url_}), "OK");
  ASSERT_TRUE(state_becomes("up"));

  const auto log = service_.dir().write("log.txt", "tar: no space left on device\n");
  EXPECT_EQ(curl({"--data-binary", "@" + log, url_ + "/2"}), "OK");
  ASSERT_TRUE(state_becomes("down"));
  ASSERT_TRUE(until([&] { return monitor()["last_result"]["cause"] == "heartbeat_failed"; }));
  EXPECT_EQ(monitor()["last_result"]["detail"],
            "the job said that it failed with exit status 2: tar: no space left on device");

  curl({"-I", url_});
  ASSERT_TRUE(state_becomes("up"));
  const std::string habit = service_.base() + "/ping/" + url_.substr(url_.rfind('/') + 1);
  EXPECT_EQ(curl({habit}), "OK");

  // Two hours and three minutes of silence, without waiting for them.
  service_.sql("UPDATE heartbeats SET succeeded_at = succeeded_at - 7382000, failed_at = NULL");
  // What the plan promised before it was saved is not held against the job, so the plan is made older too.
  service_.sql("UPDATE monitors SET revision = revision + 1, revised_at = revised_at - 86400000");
  ASSERT_TRUE(state_becomes("down"));
  ASSERT_TRUE(until([&] { return monitor()["last_result"]["cause"] == "heartbeat_missing"; }));
  EXPECT_TRUE(monitor()["last_result"]["detail"].get<std::string>().starts_with("no signal for 2 h 3 min, expected "));
  EXPECT_EQ(service_.json("/monitors/" + id_ + "/heartbeat")["recent"].size(), 5u);
  EXPECT_NE(service_.get("/badge/" + monitor()["badge_token"].get<std::string>() + "/status.svg").body.find("down"),
            std::string::npos);
  EXPECT_EQ(service_.stop(), 0);
}

}  // namespace
}  // namespace everup::test
