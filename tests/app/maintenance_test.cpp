// A maintenance window from the command line to the public badge, and away again, in a whole service.
#include <gtest/gtest.h>

#include "tests/app/service.h"

namespace everup::test {
namespace {

TEST(MaintenanceCommand, AWindowIsDeclaredSeenAndRemoved) {
  Service service;
  service.start();
  service.open_account();
  const auto id = service.run_ok({"monitor", "add", "heartbeat://job", "--tag", "db"});
  const auto state = [&] { return service.json("/monitors/" + id).value("state", ""); };
  EXPECT_EQ(service.run({"maintenance-window", "add"}).first, 2) << "no end";
  EXPECT_EQ(service.run({"maintenance-window", "add", "--for", "2h", "--rrule", "FREQ=HOURLY"}).first, 1);
  const auto window = service.run_ok({"maintenance-window", "add", "--for", "2h", "--tag", "db", "--name", "Upgrade"});
  EXPECT_TRUE(window.starts_with("mnt_")) << window;
  ASSERT_TRUE(until([&] { return state() == "maintenance"; }));
  EXPECT_NE(service.run_ok({"maintenance-window", "list"}).find("active"), std::string::npos);
  EXPECT_NE(service.run_ok({"maintenance-window", "next", window}).find("Z  "), std::string::npos);
  const auto badge = service.json("/monitors/" + id)["badge_token"].get<std::string>();
  EXPECT_NE(service.get("/badge/" + badge + "/status.svg").body.find("maintenance"), std::string::npos);
  service.run_ok({"maintenance-window", "remove", window});
  ASSERT_TRUE(until([&] { return state() == "unknown"; }));
  EXPECT_EQ(service.run_ok({"maintenance-window", "list"}), "");
  EXPECT_EQ(service.run({"maintenance-window", "remove", window}).first, 1);
  EXPECT_EQ(service.stop(), 0);
}

}  // namespace
}  // namespace everup::test
