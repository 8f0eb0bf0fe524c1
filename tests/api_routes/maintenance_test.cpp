// /api/v1/maintenance_windows over a real socket, and what monitors, badges and reports show meanwhile.
#include "core/time.h"
#include "net/clock.h"
#include "tests/api_routes/house_fixture.h"

namespace everup::api {
namespace {

class Maintenance : public ApiTest {
 protected:
  static std::string in(std::int64_t seconds) {
    const std::int64_t now = net::SystemClock().now().wall.ms / 1000 * 1000;
    return rfc3339(WallTime{now + seconds * 1000});
  }
  std::string body(std::int64_t from_s, std::int64_t to_s, const std::string& more = "") const {
    return R"({"starts_at":")" + in(from_s) + R"(","ends_at":")" + in(to_s) + "\"" + more + "}";
  }
  const std::string path = "/api/v1/maintenance_windows";
};

TEST_F(Maintenance, IsMadeReadChangedAndRemoved) {
  start();
  const auto made = call("POST", path, owner_write, body(3600, 7200, R"(,"name":"Move","match":{"tags":["db"]})"));
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string id = pick(made.body, "id");
  EXPECT_TRUE(id.starts_with("mnt_"));
  EXPECT_EQ(made.field("location"), path + "/" + id);
  EXPECT_EQ(pick(made.body, "state"), "upcoming");
  EXPECT_NE(made.body.find(R"("match":{"tags":["db"]})"), std::string::npos) << made.body;
  const auto read = call("GET", path + "/" + id, owner_read);
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(pick(read.body, "name"), "Move");
  EXPECT_EQ(call("GET", path + "/" + id, other_admin).status, 404);
  EXPECT_EQ(call("POST", path, owner_read, body(60, 600)).status, 403);
  const auto changed = call("PATCH", path + "/" + id, owner_write, R"({"name":"Bigger move","match":null})",
                            "Content-Type: application/json\r\nIf-Match: " + read.field("etag") + "\r\n");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(pick(changed.body, "version"), "2");
  EXPECT_EQ(call("PATCH", path + "/" + id, owner_write, R"({"name":"x"})",
                 "Content-Type: application/json\r\nIf-Match: " + read.field("etag") + "\r\n")
                .status,
            412);
  EXPECT_NE(call("GET", path, owner_read).body.find("Bigger move"), std::string::npos);
  EXPECT_EQ(call("GET", path, other_admin).body, R"({"data":[],"next_cursor":null})");
  EXPECT_EQ(call("DELETE", path + "/" + id, other_admin).status, 404);
  EXPECT_EQ(call("DELETE", path + "/" + id, owner_write).status, 204);
  EXPECT_EQ(call("GET", path + "/" + id, owner_read).status, 404);
}

TEST_F(Maintenance, TheNextOnesAreShownBeforeTheyCome) {
  start();
  const auto made = call("POST", path, owner_write,
                         R"({"starts_at":")" + in(3600) +
                             R"(","duration_s":1800,"rrule":"FREQ=DAILY;COUNT=3","timezone":"Europe/Prague"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto next = call("GET", path + "/" + pick(made.body, "id") + "/occurrences?limit=2", owner_read);
  EXPECT_EQ(next.status, 200);
  EXPECT_EQ(pick(next.body, "from"), pick(made.body, "starts_at"));
  std::size_t count = 0;
  for (std::size_t at = next.body.find("\"from\""); at != std::string::npos; at = next.body.find("\"from\"", at + 1))
    ++count;
  EXPECT_EQ(count, 2u) << next.body;
  EXPECT_EQ(call("GET", path + "/" + pick(made.body, "id") + "/occurrences?limit=0", owner_read).status, 400);
}

TEST_F(Maintenance, BadOnesAreNamed) {
  start();
  const struct {
    std::string text, pointer;
  } kTable[] = {
      {"{}", "#/starts_at"},
      {body(-7200, -3600), "#/ends_at"},
      {body(3600, 3610), "#/ends_at"},
      {body(60, 600, R"(,"timezone":"Mars/Base")"), "#/timezone"},
      {body(60, 600, R"(,"match":{"monitors":["mon_nothing"]})"), "#/match/monitors/0"},
      {body(60, 600, R"(,"rrule":"FREQ=YEARLY")"), "#/rrule"},
      {body(60, 600, R"(,"every":"day")"), "#/every"},
  };
  for (const auto& row : kTable) {
    const auto reply = call("POST", path, owner_write, row.text);
    EXPECT_EQ(reply.status, 422) << row.text << reply.body;
    EXPECT_NE(reply.body.find(row.pointer), std::string::npos) << row.text << reply.body;
  }
}

TEST_F(Maintenance, ShowsItselfEverywhereWhileItIs) {
  start();
  const std::string id = make(owner_write);
  const std::string badge = sql_value("SELECT badge_token FROM monitors"),
                    report = sql_value("SELECT report_token FROM monitors");
  ASSERT_EQ(call("POST", path, owner_write, body(-60, 3600)).status, 201);
  EXPECT_EQ(pick(call("GET", "/api/v1/monitors/" + id, owner_read).body, "state"), "maintenance");
  EXPECT_NE(call("GET", "/api/v1/monitors?state=maintenance", owner_read).body.find(id), std::string::npos);
  EXPECT_EQ(call("GET", "/api/v1/monitors?state=unknown", owner_read).body.find(id), std::string::npos);
  EXPECT_EQ(pick(call("GET", "/badge/" + badge + "/status.json", "").body, "message"), "maintenance");
  EXPECT_NE(call("GET", "/report/" + report, "", "", "Accept-Encoding: identity\r\n").body.find("aintenance"),
            std::string::npos);
}

}  // namespace
}  // namespace everup::api
