// The whole way of a check: a person starts Everup, adds a monitor on a real nginx, stops that server, and sees it all.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "core/time.h"
#include "tests/app/service.h"

namespace everup::test {
namespace {

class SpineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    web_.start();
    service_.start();
    service_.open_account();
  }
  std::string add_quick_monitor() {
    const auto file = service_.dir().write("monitor.json", kQuick);
    return service_.run_ok({"monitor", "add", web_.url(), "--file", file});
  }
  bool state_becomes(const std::string& id, const std::string& state) {
    return until([&] { return service_.json("/monitors/" + id).value("state", "") == state; });
  }
  std::int64_t ms_of(const Json& text) { return parse_time(text.get<std::string>()).value().ms; }

  WebServer web_;
  Service service_;
};

TEST_F(SpineTest, TheDatabaseIsThereFromTheStartAndAnAccountMadeLaterOpensTheMetrics) {
  EXPECT_EQ(Json::parse(service_.get("/readyz").body)["checks"]["database"], "ok");
  const auto key = service_.run_ok({"key", "create", "--name", "metrics", "--scope", "admin"});
  EXPECT_TRUE(until([&] {
    const auto answer = net::http_request({.method = "GET",
                                           .url = service_.base() + "/metrics",
                                           .unix_socket = {},
                                           .headers = {"Via: 1.1 proxy", "Authorization: Bearer " + key},
                                           .body = {},
                                           .timeout_ms = 30'000});
    return answer.ok() && answer->status == 200;
  }));
}

TEST_F(SpineTest, AnOutageIsDatedFromItsFirstFailingCheckAndEveryPageAgrees) {
  const auto id = add_quick_monitor();
  ASSERT_TRUE(state_becomes(id, "up"));
  web_.stop();
  ASSERT_TRUE(state_becomes(id, "down"));
  EXPECT_NE(service_.get("/badge/" + service_.json("/monitors/" + id)["badge_token"].get<std::string>() + "/status.svg")
                .body.find("down"),
            std::string::npos);
  web_.start();
  ASSERT_TRUE(state_becomes(id, "up"));

  // `state` speaks of now; windows end where the shard's mark stands, at most three seconds behind.
  ASSERT_TRUE(until([&] { return service_.json("/monitors/" + id + "/spans")["data"].back()["state"] == "up"; }));

  // Spans against results: down from the first failing look to the first good one after it.
  const auto spans = service_.json("/monitors/" + id + "/spans")["data"];
  const auto down = std::find_if(spans.begin(), spans.end(), [](const Json& s) { return s["state"] == "down"; });
  ASSERT_NE(down, spans.end()) << spans.dump(2);
  auto results = service_.json("/monitors/" + id + "/results?limit=10000")["data"];
  std::sort(results.begin(), results.end(), [](const Json& a, const Json& b) {
    return parse_time(a["at"].get<std::string>())->ms < parse_time(b["at"].get<std::string>())->ms;
  });
  const auto first_bad =
      std::find_if(results.begin(), results.end(), [](const Json& r) { return r["verdict"] == "down"; });
  ASSERT_NE(first_bad, results.end());
  const auto first_good = std::find_if(first_bad, results.end(), [](const Json& r) { return r["verdict"] == "up"; });
  ASSERT_NE(first_good, results.end());
  EXPECT_EQ((*first_bad)["cause"], "connect_refused");
  EXPECT_EQ((*down)["from"], (*first_bad)["at"]);
  EXPECT_EQ((*down)["to"], (*first_good)["at"]);

  // Percentage: the same milliseconds, and a partition of the window.
  const auto uptime = service_.json("/monitors/" + id + "/uptime?window=24h");
  EXPECT_EQ(uptime["incidents"], 1) << uptime.dump(2);
  EXPECT_EQ(std::llround(uptime["down_s"].get<double>() * 1000), ms_of((*down)["to"]) - ms_of((*down)["from"]));
  double sum = 0;
  for (const auto* key :
       {"up_s", "degraded_s", "down_s", "unknown_s", "maintenance_s", "paused_s", "before_creation_s"})
    sum += uptime[key].get<double>();
  EXPECT_EQ(std::llround(sum * 1000), 86'400'000);
  EXPECT_LT(uptime["uptime_percent"].get<double>(), 100.0);

  // Badge and report show that very outage.
  const auto monitor = service_.json("/monitors/" + id);
  const auto report = service_.get("/report/" + monitor["report_token"].get<std::string>());
  EXPECT_EQ(report.status, 200);
  EXPECT_NE(report.body.find("Shop"), std::string::npos);
  EXPECT_NE(report.body.find("connection refused"), std::string::npos);
  EXPECT_EQ(report.body.find(web_.url()), std::string::npos) << "the target is not public unless show_target";
  const auto badge = service_.get("/badge/" + monitor["badge_token"].get<std::string>() + "/uptime/24h.svg");
  EXPECT_EQ(badge.status, 200);
  EXPECT_EQ(badge.body.find(">100%<"), std::string::npos);
  const auto shields =
      Json::parse(service_.get("/badge/" + monitor["badge_token"].get<std::string>() + "/uptime/24h.json").body);
  EXPECT_EQ(shields["schemaVersion"], 1);
}

TEST_F(SpineTest, ARestartKeepsTheMonitorAndItsHistory) {
  const auto id = add_quick_monitor();
  ASSERT_TRUE(state_becomes(id, "up"));
  const auto before = service_.json("/monitors/" + id + "/results?limit=10000")["data"].size();
  EXPECT_EQ(service_.stop(), 0) << service_.child().output();
  service_.start();
  ASSERT_TRUE(until([&] { return service_.json("/monitors/" + id + "/results?limit=10000")["data"].size() > before; }));
  ASSERT_TRUE(state_becomes(id, "up"));
  const auto results = service_.json("/monitors/" + id + "/results?limit=10000");
  for (const auto& result : results["data"]) {
    EXPECT_NE(result["verdict"], "down") << result.dump();
  }
}

TEST_F(SpineTest, KillingEverupLosesNothingStoredAndMakesNoOutage) {
  const auto id = add_quick_monitor();
  ASSERT_TRUE(state_becomes(id, "up"));
  const auto before = service_.json("/monitors/" + id + "/results?limit=10000")["data"];
  EXPECT_EQ(service_.stop(SIGKILL), 128 + SIGKILL);
  service_.start();
  ASSERT_TRUE(
      until([&] { return service_.json("/monitors/" + id + "/results?limit=10000")["data"].size() > before.size(); }));
  ASSERT_TRUE(state_becomes(id, "up"));
  const auto spans = service_.json("/monitors/" + id + "/spans")["data"];
  std::string last_end;
  for (const auto& span : spans) {
    EXPECT_NE(span["state"], "down") << spans.dump(2);
    if (!last_end.empty()) {
      EXPECT_EQ(span["from"], last_end) << "spans leave no hole and do not overlap";
    }
    last_end = span["to"].is_null() ? "" : span["to"].get<std::string>();
  }
}

TEST_F(SpineTest, PauseResumeEditAndDeleteTakeEffect) {
  const auto id = add_quick_monitor();
  ASSERT_TRUE(state_becomes(id, "up"));
  service_.run_ok({"monitor", "pause", id});
  ASSERT_TRUE(state_becomes(id, "paused"));
  service_.run_ok({"monitor", "resume", id});
  ASSERT_TRUE(state_becomes(id, "up"));
  const auto patched =
      service_.call("PATCH", "/api/v1/monitors/" + id, R"({"expect":{"body_contains":"no such words"}})");
  EXPECT_EQ(patched.status, 200) << patched.body;
  ASSERT_TRUE(state_becomes(id, "down"));
  service_.run_ok({"monitor", "delete", id});
  EXPECT_EQ(service_.get("/api/v1/monitors/" + id).status, 404);
}

TEST_F(SpineTest, CheckNowAnswersWithItsResult) {
  const auto id = service_.run_ok({"monitor", "add", web_.url(), "--interval", "1h"});
  ASSERT_TRUE(state_becomes(id, "up"));
  const auto answer = service_.call("POST", "/api/v1/monitors/" + id + "/check", "{}");
  EXPECT_EQ(answer.status, 200) << answer.body;
  const auto result = Json::parse(answer.body);
  EXPECT_EQ(result["trigger"], "manual");
  EXPECT_EQ(result["verdict"], "up");
}

TEST(ServeTest, ASecondInstanceOnOneDataDirectoryIsRefused) {
  Service service;
  service.start();
  const auto [status, text] = service.run({"serve", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(status, 78) << text;
  EXPECT_NE(text.find(service.data_dir()), std::string::npos) << text;
  EXPECT_EQ(service.stop(), 0);
}

TEST(ServeTest, FirstStartTellsHowToBegin) {
  Service service;
  service.start();
  EXPECT_TRUE(service.child().wait_for_output("everup account create"));
  // No terminal: the link is a secret and stands in a file, not in the log.
  const std::string file = service.data_dir() + "/setup-link";
  EXPECT_TRUE(service.child().wait_for_output(file));
  EXPECT_EQ(service.child().output().find("/setup/"), std::string::npos);
  struct stat facts {};
  ASSERT_EQ(stat(file.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
  const auto path_of = [&](const std::string& link) {
    EXPECT_TRUE(link.starts_with(service.base() + "/setup/")) << link;
    return link.substr(service.base().size());
  };
  const std::string first = path_of(read_file(file).substr(0, read_file(file).find('\n')));
  EXPECT_EQ(service.get(first).status, 200);
  const std::string second = path_of(service.run_ok({"setup-link"}));
  EXPECT_EQ(service.get(first).status, 404) << "a new link ends the former one";
  const auto made = net::http_request({.method = "POST",
                                       .url = service.base() + second,
                                       .unix_socket = {},
                                       .headers = {"Content-Type: application/x-www-form-urlencoded"},
                                       .body = "email=owner%40example.org&password=correct+horse",
                                       .timeout_ms = 30'000});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->status, 303) << made->body;
  EXPECT_EQ(service.get(second).status, 404) << "once";
  EXPECT_EQ(service.run({"setup-link"}).first, 1) << "there is an account";
  // The command line beside it gets its key, and the dead link's file goes.
  EXPECT_TRUE(until([&] { return stat((service.data_dir() + "/cli.key").c_str(), &facts) == 0; }));
  EXPECT_NE(stat(file.c_str(), &facts), 0);
  EXPECT_NE(service.run_ok({"user", "list"}).find("owner   owner@example.org"), std::string::npos);
  EXPECT_TRUE(service.run_ok({"user", "add", "--email", "ann@example.org", "--role", "editor"}).starts_with("usr_"));
  EXPECT_EQ(service.run({"user", "remove", "--email", "owner@example.org"}).first, 1) << "the last owner";
  service.run_ok({"user", "remove", "--email", "ann@example.org"});
  EXPECT_EQ(service.run_ok({"user", "list"}).find("ann@"), std::string::npos);
  EXPECT_EQ(service.stop(), 0);
}

}  // namespace
}  // namespace everup::test
