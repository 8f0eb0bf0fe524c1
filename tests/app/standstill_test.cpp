// A whole service that stands still: SIGSTOP for six seconds, as a suspended machine or a starved container does to it.
// What was not watched is unknown because of the clock, nothing is down, and nothing is made up for afterwards.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "core/time.h"
#include "tests/app/service.h"

namespace everup::test {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::seconds kStill{6};

TEST(Standstill, IsUnknownByTheClockWithoutABurstAndWithoutAnOutage) {
  WebServer web;
  web.start();
  Service service;
  service.start();
  service.run_ok({"account", "create", "--email", "owner@example.org"});
  service.use_key(service.run_ok({"key", "create", "--name", "test", "--scope", "admin"}));
  const auto file = service.dir().write(
      "monitor.json", R"({"interval_s":1,"timeout_ms":1000,"confirm":{"failures":2,"successes":2,"retry_s":1}})");
  const auto id = service.run_ok({"monitor", "add", web.url(), "--file", file});
  const auto results = [&] { return service.json("/monitors/" + id + "/results?limit=10000")["data"]; };
  ASSERT_TRUE(until([&] { return results().size() >= 4; }));

  service.child().signal(SIGSTOP);
  const auto stopped = Steady::now();
  const auto asked = web.requests();
  ASSERT_TRUE(until([&] { return Steady::now() - stopped >= kStill; }));
  EXPECT_LE(web.requests(), asked + 1) << "a stopped process asks nobody";
  service.child().signal(SIGCONT);

  const auto unknown = [&]() -> Json {
    const Json spans = service.json("/monitors/" + id + "/spans")["data"];
    for (const Json& span : spans) {
      if (span["state"] == "unknown" && span["reason"] == "clock" && !span["to"].is_null()) return span;
    }
    return nullptr;
  };
  ASSERT_TRUE(until([&] { return !unknown().is_null(); })) << service.json("/monitors/" + id + "/spans").dump(2);
  const auto ms_of = [](const Json& text) { return parse_time(text.get<std::string>()).value().ms; };
  const std::int64_t from = ms_of(unknown()["from"]), to = ms_of(unknown()["to"]);
  EXPECT_GE(to - from, 4'000);
  const auto in_gap = results().size();
  ASSERT_TRUE(until([&] { return results().size() >= in_gap + 3; }));

  std::vector<std::int64_t> looks;
  for (const Json& result : results()) {
    EXPECT_NE(result["verdict"], "down") << result.dump();
    if (!result["verdict"].is_null()) looks.push_back(ms_of(result["at"]));
  }
  std::sort(looks.begin(), looks.end());
  // One look a second: whoever made up for six missed ones would have two within one of them.
  for (std::size_t i = 2; i < looks.size(); ++i) {
    if (looks[i - 2] >= to - 1'000) {
      EXPECT_GE(looks[i] - looks[i - 2], 1'000) << "three looks within a second";
    }
  }
  EXPECT_EQ(service.json("/monitors/" + id + "/uptime?window=24h")["incidents"], 0);
  EXPECT_EQ(service.stop(), 0) << service.child().output();
}

}  // namespace
}  // namespace everup::test
