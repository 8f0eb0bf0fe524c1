// Status pages over a real socket: the API, what everybody reads, and what nobody may.
#include "tests/api_routes/house_fixture.h"

namespace everup::api {
namespace {

class StatusPages : public ApiTest {
 protected:
  // A monitor that has been up since 1 January 2026 but for 595 s in March; watched until now.
  std::string watched(const std::string& name, int state = 1) {
    const std::string id = make(owner_write, "http://192.0.2.1/very-private");
    EXPECT_EQ(call("PATCH", "/api/v1/monitors/" + id, owner_write, R"({"name":")" + name + R"("})").status, 200);
    const std::string number = std::to_string(parse_id<MonitorTag>(id)->value), booked = std::to_string(state);
    sql("UPDATE monitors SET created_at = 1767225600000, revised_at = 1767225600000 WHERE id = " + number);
    sql("UPDATE monitor_versions SET from_at = 1767225600000 WHERE monitor_id = " + number);
    sql("INSERT INTO spans (monitor_id, region, from_at, to_at, state, cause) SELECT " + number +
        ", 1, x.from_at, x.to_at, x.state, x.cause FROM (VALUES (1767225600000, 1773144000000, 1, 0), "
        "(1773144000000, 1773144595000, 3, 21), (1773144595000, NULL, " +
        booked + ", 0)) AS x(from_at, to_at, state, cause)");
    sql("INSERT INTO standings SELECT " + number + ", 1, 3, 1, " + booked + ", 1773144595000, 1773144595000, NULL");
    sql("INSERT INTO shard_marks SELECT 1, shard, (extract(epoch FROM now()) * 1000)::bigint FROM monitors WHERE id "
        "= " +
        number + " ON CONFLICT DO NOTHING");
    return id;
  }
  std::string page(const std::string& slug, const std::string& monitors, const std::string& more = "") const {
    return R"({"slug":")" + slug + R"(","name":"Shop status","groups":[{"name":"Shop","monitors":[)" + monitors +
           "]}]" + more + "}";
  }
  std::string make_page(const std::string& slug, const std::string& monitors, const std::string& more = "") {
    const auto made = call("POST", path, owner_write, page(slug, monitors, more));
    EXPECT_EQ(made.status, 201) << made.body;
    return pick(made.body, "id");
  }
  test::Reply get(const std::string& where, const std::string& fields = "Accept-Encoding: identity\r\n") const {
    return call("GET", where, "", "", fields);
  }
  // The kept page is forgotten.
  void renew() {
    stop();
    start();
  }
  const std::string path = "/api/v1/status_pages";
};

std::string quoted(const std::string& text) { return "\"" + text + "\""; }
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(StatusPages, IsMadeReadChangedAndRemoved) {
  start();
  const std::string monitor = watched("Checkout");
  const auto made = call("POST", path, owner_write, page("shop", quoted(monitor)));
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string id = pick(made.body, "id");
  EXPECT_TRUE(id.starts_with("stp_"));
  EXPECT_EQ(made.field("location"), path + "/" + id);
  EXPECT_TRUE(has(made.body, "/status/shop")) << made.body;
  const auto read = call("GET", path + "/" + id, owner_read);
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(call("GET", path + "/slug:shop", owner_read).status, 200);
  EXPECT_EQ(call("GET", path + "/" + id, other_admin).status, 404);
  EXPECT_EQ(call("GET", path + "/slug:shop", other_admin).status, 404);
  EXPECT_EQ(call("POST", path, owner_read, page("two", "")).status, 403);
  const std::string tag = "Content-Type: application/json\r\nIf-Match: " + read.field("etag") + "\r\n";
  const auto changed =
      call("PATCH", path + "/" + id, owner_write, R"({"description":"All of it","accent":"#1a7f37"})", tag);
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(pick(changed.body, "revision"), "2");
  EXPECT_TRUE(has(changed.body, monitor)) << "the groups stay";
  EXPECT_EQ(call("PATCH", path + "/" + id, owner_write, R"({"name":"x"})", tag).status, 412);
  EXPECT_EQ(call("GET", path, other_admin).body, R"({"data":[],"next_cursor":null})");
  EXPECT_EQ(call("DELETE", path + "/" + id, other_admin).status, 404);
  EXPECT_EQ(get("/status/shop").status, 200);
  EXPECT_EQ(call("DELETE", path + "/" + id, owner_write).status, 204);
  renew();
  EXPECT_EQ(get("/status/shop").status, 404);
}

TEST_F(StatusPages, BadOnesAreNamed) {
  start();
  make_page("taken", "", R"(,"domain":"status.example.com")");
  const std::string foreign = make(other_admin), own = make(owner_write);
  const struct {
    std::string text, pointer;
  } kTable[] = {
      {"{}", "#/slug"},
      {page("Shop Status", ""), "#/slug"},
      {page("taken", ""), "#/slug"},
      {page("a", "", R"(,"domain":"status.example.com")"), "#/domain"},
      {page("a", "", R"(,"domain":"192.0.2.1")"), "#/domain"},
      {page("a", "", R"(,"domain":"Example.COM")"), "#/domain"},
      {page("a", "", R"(,"accent":"red;}body{display:none")"), "#/accent"},
      {page("a", "", R"(,"logo":"https://elsewhere.example/logo.png")"), "#/logo"},
      {page("a", "", R"(,"logo":"data:text/html;base64,PHNjcmlwdD4=")"), "#/logo"},
      {page("a", "", R"x(,"url":"javascript:alert(1)")x"), "#/url"},
      {page("a", "", R"(,"language":"xx")"), "#/language"},
      {page("a", "", R"(,"theme":"pink")"), "#/theme"},
      {page("a", "", R"(,"window":"13d")"), "#/window"},
      {page("a", "", R"(,"timezone":"Mars/Base")"), "#/timezone"},
      {page("a", "", R"(,"password":"short")"), "#/password"},
      {page("a", "", R"(,"colour":"red")"), "#/colour"},
      {page("a", quoted("mon_nothing")), "#/groups/0/monitors/0"},
      {page("a", quoted(foreign)), "#/groups/0/monitors/0"},
      {page("a", quoted(own) + "," + quoted(own)), "#/groups/0/monitors/1"},
      {page("a", R"({"monitor":")" + own + R"(","name":"\u202egpj"})"), "#/groups/0/monitors/0/name"},
  };
  for (const auto& row : kTable) {
    const auto reply = call("POST", path, owner_write, row.text);
    EXPECT_EQ(reply.status, 422) << row.text << reply.body;
    EXPECT_TRUE(has(reply.body, "\"" + row.pointer + "\"")) << row.text << reply.body;
  }
  EXPECT_EQ(sql_value("SELECT count(*) FROM status_pages"), "1");
}

TEST_F(StatusPages, ShowStatesFiguresAndNothingElse) {
  start();
  const std::string shop = watched("Checkout"), hidden = watched("Secret"), dark = make(owner_write);
  make_page("shop", quoted(shop) + R"(,{"monitor":")" + dark + R"(","name":"Unseen"})");
  const auto read = get("/status/shop");
  ASSERT_EQ(read.status, 200) << read.body;
  EXPECT_EQ(read.field("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(read.field("cache-control"),
            "public, max-age=10, s-maxage=10, stale-while-revalidate=30, stale-if-error=86400");
  EXPECT_EQ(read.field("set-cookie"), "");
  EXPECT_EQ(read.field("x-robots-tag"), "");
  EXPECT_TRUE(has(read.field("content-security-policy"), "default-src 'none'"));
  EXPECT_TRUE(has(read.body, "Checkout"));
  EXPECT_TRUE(has(read.body, "Some systems are not being watched")) << "unknown is never called working";
  EXPECT_TRUE(has(read.body, ">Unseen<"));
  EXPECT_FALSE(has(read.body, "Secret"));
  EXPECT_TRUE(has(read.body, "href=\"/report/")) << "of Checkout";
  EXPECT_FALSE(has(read.body, sql_value("SELECT report_token FROM monitors ORDER BY id DESC LIMIT 1")))
      << "a report tells a name that the page hides";
  EXPECT_FALSE(has(read.body, "192.0.2.1"));
  EXPECT_FALSE(has(read.body, "very-private"));
  EXPECT_FALSE(has(read.body, "<script"));
  EXPECT_EQ(get("/status/shop", "Accept-Encoding: identity\r\nIf-None-Match: " + read.field("etag") + "\r\n").status,
            304);
  EXPECT_TRUE(has(get("/status/shop?window=365d").body, "aria-current=\"true\">365 days")) << "the reader's window";
  EXPECT_EQ(get("/status/shop?window=1").status, 400);
  for (const char* where : {"/status/nothing", "/status/shop/history/2999-01", "/status/shop/history/x",
                            "/status/shop/incidents/inc_x", "/status/@shop"})
    EXPECT_EQ(get(where).status, std::string(where) == "/status/@shop" ? 302 : 404) << where;
  EXPECT_EQ(get("/status/shop/api/v2/nothing.json").status, 404);
  call("PATCH", path + "/slug:shop", owner_write, R"({"published":false})");
  renew();
  EXPECT_EQ(get("/status/shop").status, 404);
}

TEST_F(StatusPages, IncidentsAreToldWithWhatPeopleWroteForEverybody) {
  start();
  const std::string shop = watched("Checkout", 3), other = watched("Other");
  make_page("shop", quoted(shop) + "," + quoted(other));
  const std::string incident = make_incident(shop);
  const std::string updates = "/api/v1/incidents/" + incident + "/updates";
  ASSERT_EQ(call("POST", updates, owner_write, R"({"text":"We found <b>it</b>.","public":true})").status, 201);
  ASSERT_EQ(call("POST", updates, owner_write, R"({"text":"between us"})").status, 201);
  const auto read = get("/status/shop");
  EXPECT_TRUE(has(read.body, "Some systems are down")) << read.body;
  EXPECT_TRUE(has(read.body, "We found &lt;b&gt;it&lt;/b&gt;."));
  EXPECT_FALSE(has(read.body, "between us"));
  EXPECT_FALSE(has(read.body, "owner@example.com"));
  const std::string link = "/status/shop/incidents/" + incident;
  EXPECT_TRUE(has(read.body, link));
  EXPECT_EQ(get(link).status, 200);
  EXPECT_TRUE(has(get("/status/shop/history").body, incident));
  for (const char* feed : {"/status/shop/history.atom", "/status/shop/history.rss"}) {
    const auto reply = get(feed);
    EXPECT_EQ(reply.status, 200) << feed;
    EXPECT_TRUE(has(reply.field("content-type"), "xml"));
    EXPECT_TRUE(has(reply.body, incident)) << reply.body;
    EXPECT_FALSE(has(reply.body, "between us"));
    EXPECT_FALSE(has(reply.body, "<b>"));
  }
  const auto open = get("/status/shop/api/v2/incidents/unresolved.json");
  EXPECT_TRUE(has(open.body, incident)) << open.body;
  EXPECT_TRUE(has(get("/status/shop/api/v2/status.json").body, R"("indicator":"major")"));
  // What another page does not show is not there.
  make_page("rest", quoted(other));
  EXPECT_EQ(get("/status/rest/incidents/" + incident).status, 404);
}

TEST_F(StatusPages, SpeakStatuspage) {
  start();
  const std::string shop = watched("Checkout"), dark = make(owner_write);
  const std::string id = make_page("shop", quoted(shop) + "," + quoted(dark));
  const auto summary = get("/status/shop/api/v2/summary.json");
  ASSERT_EQ(summary.status, 200) << summary.body;
  EXPECT_EQ(summary.field("content-type"), "application/json");
  EXPECT_EQ(summary.field("access-control-allow-origin"), "*");
  for (const char* part : {R"("page":{"id":")", R"("time_zone":"UTC")", R"("components":[)", R"("group":true)",
                           R"("status":"operational")", R"("status":"degraded_performance")", R"("incidents":[])",
                           R"("scheduled_maintenances":[])", R"("status":{"indicator":"minor")"})
    EXPECT_TRUE(has(summary.body, part)) << part << summary.body;
  for (const char* file : {"status", "components", "incidents", "incidents/unresolved", "scheduled-maintenances",
                           "scheduled-maintenances/upcoming", "scheduled-maintenances/active"})
    EXPECT_EQ(get("/status/shop/api/v2/" + std::string(file) + ".json").status, 200) << file;
}

TEST_F(StatusPages, MaintenanceIsAnnouncedAndInTheCalendar) {
  start();
  const std::string shop = watched("Checkout");
  make_page("shop", quoted(shop));
  ASSERT_EQ(
      call("POST", "/api/v1/maintenance_windows", owner_write,
           R"({"name":"Bigger, better; disk","starts_at":"2098-01-01T00:00:00Z","ends_at":"2098-01-01T01:00:00Z"})")
          .status,
      201);
  const std::string now = rfc3339(
      WallTime{std::stoll(sql_value("SELECT (extract(epoch FROM now()) * 1000)::bigint")) / 1000 * 1000 + 3600'000});
  ASSERT_EQ(call("POST", "/api/v1/maintenance_windows", owner_write,
                 R"({"name":"Soon, really; soon","starts_at":")" + now + R"(","duration_s":600})")
                .status,
            201);
  const auto read = get("/status/shop");
  EXPECT_TRUE(has(read.body, "Soon, really; soon")) << read.body;
  EXPECT_FALSE(has(read.body, "Bigger")) << "years away";
  const auto calendar = get("/status/shop/maintenance.ics");
  EXPECT_EQ(calendar.field("content-type"), "text/calendar; charset=utf-8");
  EXPECT_TRUE(has(calendar.body, "SUMMARY:Soon\\, really\\; soon\r\n")) << calendar.body;
  EXPECT_TRUE(has(get("/status/shop/api/v2/scheduled-maintenances/upcoming.json").body, "Soon"));
}

TEST_F(StatusPages, APasswordOpensItForOneBrowser) {
  start();
  make_page("shop", quoted(watched("Checkout")));
  ASSERT_TRUE(has(get("/status/shop").body, "Checkout"));
  ASSERT_EQ(call("PATCH", path + "/slug:shop", owner_write, R"({"password":"open sesame"})").status, 200);
  EXPECT_FALSE(has(call("GET", path + "/slug:shop", owner_read).body, "argon2"));
  EXPECT_TRUE(has(call("GET", path + "/slug:shop", owner_read).body, R"("password":null,"password_set":true)"));
  renew();
  const auto shut = get("/status/shop");
  EXPECT_EQ(shut.status, 401);
  EXPECT_EQ(shut.field("cache-control"), "private, no-store");
  EXPECT_EQ(shut.field("referrer-policy"), "same-origin") << "a browser's form would come from nowhere";
  EXPECT_FALSE(has(shut.body, "Checkout"));
  for (const char* file :
       {"/history.atom", "/history.rss", "/maintenance.ics", "/api/v2/summary.json", "/history", "/incidents/inc_x"}) {
    const auto reply = get("/status/shop" + std::string(file));
    EXPECT_TRUE(reply.status == 401 || reply.status == 404) << file << reply.status;
    EXPECT_FALSE(has(reply.body, "Checkout")) << file;
  }
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  EXPECT_EQ(call("POST", "/status/shop", "", "password=wrong+one", form).status, 401);
  EXPECT_EQ(call("POST", "/status/shop", "", "password=open+sesame", form + "Sec-Fetch-Site: cross-site\r\n").status,
            403);
  const auto opened = call("POST", "/status/shop", "", "password=open+sesame", form);
  ASSERT_EQ(opened.status, 303) << opened.body;
  EXPECT_EQ(opened.field("location"), "/status/shop");
  const std::string cookie = opened.field("set-cookie");
  EXPECT_TRUE(has(cookie, "HttpOnly")) << cookie;
  const std::string mine = "Accept-Encoding: identity\r\nCookie: " + cookie.substr(0, cookie.find(';')) + "\r\n";
  const auto read = get("/status/shop", mine);
  EXPECT_EQ(read.status, 200) << read.body;
  EXPECT_TRUE(has(read.body, "Checkout"));
  EXPECT_EQ(read.field("cache-control"), "private, no-store");
  EXPECT_EQ(get("/status/shop").status, 401) << "nothing of it was kept";
  // A new password ends what the old one opened.
  ASSERT_EQ(call("PATCH", path + "/slug:shop", owner_write, R"({"password":"open barley"})").status, 200);
  EXPECT_EQ(get("/status/shop", mine).status, 401);
  int refused = 0;
  for (int i = 0; i < 8; ++i) refused += call("POST", "/status/shop", "", "password=guess", form).status == 429 ? 1 : 0;
  EXPECT_GE(refused, 1);
}

TEST_F(StatusPages, AreAtTheRootOfTheirDomain) {
  ApiOptions options;
  options.base_url = "http://up.example.org";
  start(std::move(options));
  make_page("shop", quoted(watched("Checkout")), R"(,"domain":"status.example.com")");
  const auto ask = [&](const std::string& host, const std::string& where) {
    return test::Client(port()).ask(
        "GET " + where + " HTTP/1.1\r\nHost: " + host + "\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n",
        false);
  };
  const auto root = ask("status.example.com", "/");
  EXPECT_EQ(root.status, 200) << root.body;
  EXPECT_TRUE(has(root.body, "Checkout"));
  EXPECT_TRUE(has(root.body, "href=\"/history\""));
  EXPECT_EQ(ask("STATUS.example.com:8443", "/api/v2/summary.json").status, 200);
  EXPECT_EQ(ask("status.example.com", "/history.atom").status, 200);
  EXPECT_EQ(ask("other.example.com", "/").status, 302) << "any other name means the service";
  EXPECT_EQ(ask("up.example.org", "/").status, 302);
  EXPECT_EQ(ask("other.example.com", "/history").status, 404);
  EXPECT_EQ(call("PATCH", path + "/slug:shop", owner_write, R"({"domain":"up.example.org"})").status, 422);
}

TEST_F(StatusPages, StayWhileTheDatabaseIsAwayAndSaySo) {
  ApiOptions options;
  options.log = [](std::string_view) {};
  start(std::move(options));
  make_page("shop", quoted(watched("Checkout")));
  const auto before = get("/status/shop");
  ASSERT_EQ(before.status, 200);
  EXPECT_TRUE(has(before.body, "class=\"stale\" role=\"status\" hidden"));
  ASSERT_TRUE(break_database());
  EXPECT_EQ(get("/status/shop").status, 200);
  const auto never = get("/status/never-seen");
  EXPECT_EQ(never.status, 503);
  EXPECT_EQ(never.field("content-type"), "text/html; charset=utf-8");
}

TEST_F(StatusPages, TextFromElsewhereStaysText) {
  start();
  for (const char* bite : {"<script>alert(1)</script>", "\\\"><img src=x onerror=alert(1)>", "{{{style}}}",
                           "]]></title><x>", "&lt;b&gt;", "'onmouseover='x"}) {
    const std::string name = bite;
    const std::string shop = watched(name);
    const auto made =
        call("POST", path, owner_write,
             R"({"slug":"bites","name":")" + name + R"(","description":")" + name + R"(","groups":[{"name":")" + name +
                 R"(","monitors":[{"monitor":")" + shop + R"(","name":")" + name + R"("}]}]})");
    ASSERT_EQ(made.status, 201) << made.body;
    make_incident(shop);
    for (const char* where : {"", "/history", "/history.atom", "/history.rss"}) {
      const auto reply = get("/status/bites" + std::string(where));
      EXPECT_EQ(reply.status, 200) << where << bite;
      EXPECT_FALSE(has(reply.body, "<script")) << where << bite;
      EXPECT_FALSE(has(reply.body, "<img src=x")) << where << bite;
      EXPECT_FALSE(has(reply.body, "<x>")) << where << bite;
      EXPECT_FALSE(has(reply.body, "'onmouseover='")) << where << bite;
    }
    EXPECT_EQ(call("DELETE", path + "/slug:bites", owner_write).status, 204);
    renew();
  }
}

}  // namespace
}  // namespace everup::api
