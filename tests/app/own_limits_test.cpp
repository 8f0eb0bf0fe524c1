// A whole service among name servers in trouble and short of descriptors: what is ours is never told as an outage, and
// what is theirs touches nobody else.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/app/service.h"
#include "tests/paths.h"
#include "tests/support/fake_server.h"
#include "tests/support/name_server.h"

namespace everup::test {
namespace {

NameAnswer by_first_label(const std::string& name) {
  if (name.starts_with("nx")) return {3, {}, 0, 0};
  if (name.starts_with("servfail")) return {2, {}, 0, 0};
  if (name.starts_with("dead")) return {0, {}, -1, 0};
  return {0, {"127.0.0.1"}, name.starts_with("slow") ? 700 : 0, 0};
}

TEST(NameServersInTrouble, OnlyTheNamesConcernedAreDownAndSilenceIsNobodysOutage) {
  FakeServer web([](FakeConnection& connection) {
    if (!connection.read_request().empty()) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  NameServer names(by_first_label);
  Service service({{"EVERUP_DNS_SERVERS", names.place()}});
  service.start();
  service.run_ok({"account", "create", "--email", "owner@example.org"});
  service.use_key(service.run_ok({"key", "create", "--name", "test", "--scope", "admin"}));
  std::map<std::string, std::string> ids;
  for (const std::string label : {"good", "slow", "nx", "servfail", "dead"}) {
    const Json monitor = {{"target", "http://" + label + ".test:" + std::to_string(web.port()) + "/"},
                          {"name", label},
                          {"interval_s", 2},
                          {"timeout_ms", 6000},
                          {"confirm", {{"failures", 1}, {"successes", 1}, {"retry_s", 1}}}};
    const auto answer = service.call("POST", "/api/v1/monitors", monitor.dump());
    ASSERT_EQ(answer.status, 201) << answer.body;
    ids[label] = Json::parse(answer.body)["id"];
  }
  const auto state = [&](const std::string& label) {
    return service.json("/monitors/" + ids.at(label)).value("state", std::string());
  };
  for (const char* label : {"good", "slow"}) EXPECT_TRUE(until([&] { return state(label) == "up"; })) << label;
  for (const char* label : {"nx", "servfail", "dead"}) {
    EXPECT_TRUE(until([&] { return state(label) == "down"; })) << label << " is " << state(label);
    const auto latest = service.json("/monitors/" + ids.at(label) + "/results?limit=1")["data"].at(0);
    EXPECT_EQ(latest["cause"], "dns_failure") << latest.dump();
  }

  names.silence(true);
  const auto unavailable = [&](const std::string& label) {
    const auto results = service.json("/monitors/" + ids.at(label) + "/results?limit=3")["data"];
    return std::all_of(results.begin(), results.end(), [](const Json& r) { return r["cause"] == "dns_unavailable"; });
  };
  for (const char* label : {"good", "slow"}) {
    EXPECT_TRUE(until([&] { return unavailable(label); })) << label;
    EXPECT_NE(state(label), "down") << label;
  }
  names.silence(false);
  for (const char* label : {"good", "slow"}) {
    EXPECT_TRUE(until([&] { return !unavailable(label) && state(label) == "up"; })) << label;
    const Json all = service.json("/monitors/" + ids.at(label) + "/results?limit=1000");
    for (const auto& result : all["data"]) EXPECT_NE(result["verdict"], "down") << result.dump();
  }
}

TEST(Descriptors, TooFewRefuseTheStart) {
  const TempDir dir;
  Child::Options options;
  options.environment = {{"EVERUP_DATA_DIR", dir.file("data")},
                         {"EVERUP_LISTEN", "127.0.0.1:" + std::to_string(free_port())},
                         {"EVERUP_USER", "nobody"}};
  Child child({"prlimit", "--nofile=127:127", EVERUP_BINARY, "serve"}, options);
  EXPECT_EQ(child.wait(), 78);
  EXPECT_NE(child.all_output().find("at least 128 are needed"), std::string::npos) << child.output();
}

}  // namespace
}  // namespace everup::test
