// Channels and incidents at the shell, in a whole house: a real outage, fanned out on the service's own database.
#include "db/outbox.h"
#include "net/clock.h"
#include "tests/app/service.h"
#include "zone/zones.h"

#include <gtest/gtest.h>

namespace everup::test {
namespace {

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(AlertCommandTest, AnOutageIsListedShownAndAcknowledged) {
  WebServer web;
  Service service;
  web.start();
  service.start();
  service.open_account();
  Service& s = service;
  const auto everup = [&](std::vector<std::string> words) { return s.run_ok(std::move(words)); };
  EXPECT_TRUE(holds(everup({"channel", "list"}), "owner@example.org"));
  const std::string channel = everup({"channel", "add", "ops@example.org", "--name", "Ops"});
  EXPECT_TRUE(channel.starts_with("chn_")) << channel;
  EXPECT_TRUE(holds(everup({"channel", "list"}), channel));
  const std::string hook = everup({"channel", "add", "https://hook.example/x"});
  EXPECT_TRUE(holds(hook, " whsec_")) << hook;
  EXPECT_EQ(s.run({"channel", "add", "nonsense"}).first, 1);
  EXPECT_EQ(s.run({"channel", "add"}).first, 2);
  EXPECT_EQ(s.run({"incident", "show", "inc_x"}).first, 1);
  EXPECT_EQ(everup({"incident", "list"}), "");

  const std::string monitor = everup({"monitor", "add", web.url(), "--file", s.dir().write("monitor.json", kQuick)});
  ASSERT_TRUE(until([&] { return s.json("/monitors/" + monitor).value("state", "") == "up"; }));
  web.stop();
  ASSERT_TRUE(until([&] { return s.sql("SELECT count(*) FROM flips WHERE to_state = 3") != "0"; }));
  std::ifstream in(s.data_dir() + "/pg/postmaster.pid");
  std::string socket_directory;
  for (int i = 0; i < 5; ++i) std::getline(in, socket_directory);
  net::SystemClock clock;
  TzdbZones zones;
  db::Pool pool({{"host=" + socket_directory + " user=everup dbname=everup", "everup", false},
                 db::Role::kWorker,
                 "test",
                 2,
                 nullptr});
  db::Vault vault{[](std::string_view text, std::string_view) { return std::string(text); },
                  [](std::string_view text, std::string_view) { return Result<std::string>(std::string(text)); },
                  [](std::string_view) { return std::string(32, 'x'); }};
  db::AlertOutbox outbox({&pool, vault, &clock, &zones, s.base()});
  const Status fanned = outbox.fan_out();
  ASSERT_TRUE(fanned) << fanned.error().what;

  const std::string list = everup({"incident", "list", "--state", "open", "--monitor", monitor});
  ASSERT_TRUE(list.starts_with("inc_")) << list;
  EXPECT_TRUE(holds(list, "connect_refused")) << list;
  const std::string id = list.substr(0, list.find(' '));
  const std::string card = everup({"incident", "show", id});
  EXPECT_TRUE(holds(card, "pending down to Owner")) << card;
  EXPECT_TRUE(holds(everup({"incident", "ack", id}), "acknowledged"));
  EXPECT_EQ(everup({"incident", "list", "--state", "open"}), "");
  const auto whole = s.json("/incidents/" + id);
  EXPECT_EQ(whole["evidence"]["verdict"], "down") << whole.dump();
  EXPECT_EQ(whole["last_good"]["verdict"], "up") << whole.dump();
  EXPECT_EQ(whole["monitor"]["id"], monitor);
  const auto told = [&] {  // when the shard's mark has passed it
    const Json spans = s.json("/monitors/" + monitor + "/spans")["data"];
    return std::any_of(spans.begin(), spans.end(), [&](const Json& span) { return span["incident"] == id; });
  };
  EXPECT_TRUE(until(told)) << s.json("/monitors/" + monitor + "/spans").dump();
}

}  // namespace
}  // namespace everup::test
