// Badges and reports without a key: what is public and what is not, caching, a database that is away, and how many a
// second.
#include "tests/api_routes/house_fixture.h"

namespace everup::api {
namespace {

using test::Client;
using test::request;

class Public : public ApiTest {
 protected:
  std::string token(const char* column) const {
    return sql_value(std::string("SELECT ") + column + " FROM monitors ORDER BY id LIMIT 1");
  }
};

TEST_F(Public, BadgesHaveTheirHeaders) {
  start();
  make(owner_write);
  const auto badge = call("GET", "/badge/" + token("badge_token") + "/uptime/30d.svg", "");
  EXPECT_EQ(badge.status, 200);
  EXPECT_EQ(badge.field("content-type"), "image/svg+xml; charset=utf-8");
  EXPECT_EQ(badge.field("cache-control"),
            "public, max-age=300, s-maxage=300, stale-while-revalidate=600, stale-if-error=86400");
  EXPECT_EQ(badge.field("access-control-allow-origin"), "*");
  EXPECT_EQ(badge.field("cross-origin-resource-policy"), "cross-origin");
  EXPECT_EQ(badge.field("x-content-type-options"), "nosniff");
  EXPECT_NE(badge.field("content-security-policy").find("sandbox"), std::string::npos);
  EXPECT_FALSE(badge.field("expires").empty());
  EXPECT_EQ(badge.field("set-cookie"), "");
  EXPECT_TRUE(badge.body.starts_with("<svg"));
  const auto same = call("GET", "/badge/" + token("badge_token") + "/uptime/30d.svg", "", "",
                         "If-None-Match: " + badge.field("etag") + "\r\n");
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  const auto json = call("GET", "/badge/" + token("badge_token") + "/status.json?label=shop", "");
  EXPECT_NE(json.body.find("\"schemaVersion\":1"), std::string::npos);
  EXPECT_NE(json.body.find("\"label\":\"shop\""), std::string::npos);
  EXPECT_EQ(call("GET", "/badge/" + token("badge_token") + "/uptime/30d.svg?decimals=9", "").status, 400);
}

TEST_F(Public, ResponseTimesAndCertificatesAreBadges) {
  start();
  make(owner_write);
  const std::string badge = "/badge/" + token("badge_token");
  EXPECT_NE(call("GET", badge + "/response/24h.svg", "").body.find("response 24h: n/a"), std::string::npos);
  EXPECT_NE(call("GET", badge + "/cert.svg", "").body.find("cert: n/a"), std::string::npos);
  sql("SELECT ensure_partition((extract(epoch FROM now()) * 1000)::bigint)");
  const std::string now = "(extract(epoch FROM now()) * 1000)::bigint - 3600000 + n * 1000";
  sql("INSERT INTO results SELECT id, " + now +
      ", 0, 0, 0, 0, 0, 0, n * 1000, 1, 0, 1, 200, 1, CASE n WHEN 301 THEN 3 "
      "ELSE 1 END, 0, 0, 0, NULL FROM monitors, generate_series(200, 301) n");
  sql("INSERT INTO evidence SELECT id, 1, " + now +
      ", 0, jsonb_build_object('certificate', "
      "jsonb_build_object('not_after', to_char(now() AT TIME ZONE 'UTC' + interval '41 days 5 hours', "
      "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))) FROM monitors, generate_series(1, 1) n");
  stop();
  start();
  EXPECT_NE(call("GET", badge + "/response/24h.svg", "").body.find("response 24h: 250 ms"), std::string::npos);
  const auto json = call("GET", badge + "/response/7d.json?style=for-the-badge", "");
  EXPECT_NE(json.body.find("\"message\":\"250 ms\""), std::string::npos) << json.body;
  EXPECT_NE(json.body.find("\"style\":\"for-the-badge\""), std::string::npos);
  const auto cert = call("GET", badge + "/cert.svg", "");
  EXPECT_NE(cert.body.find("cert: 41 days"), std::string::npos) << cert.body;
  EXPECT_EQ(cert.field("cache-control"),
            "public, max-age=300, s-maxage=300, stale-while-revalidate=600, stale-if-error=86400");
  EXPECT_NE(call("GET", badge + "/cert.json", "").body.find("41 days"), std::string::npos);
  EXPECT_EQ(call("GET", badge + "/response/1h.svg", "").status, 404);
  for (const char* path : {"/response/24h.svg", "/cert.svg", "/cert.json"})
    EXPECT_EQ(call("GET", "/badge/" + std::string(26, 'a') + path, "").status, 404) << path;
}

TEST_F(Public, OtherToolsAddressesWork) {
  start();
  make(owner_write);
  const std::string badge = token("badge_token");
  const std::string kuma = "/api/badge/" + badge;
  for (const char* path : {"/uptime", "/uptime/24", "/uptime/720h", "/uptime/30d", "/uptime/1y", "/ping", "/ping/24",
                           "/avg-response/7d", "/avg-response", "/response", "/cert-exp", "/status"}) {
    const auto reply = call("GET", kuma + path, "");
    EXPECT_EQ(reply.status, 200) << path;
    EXPECT_TRUE(reply.body.starts_with("<svg")) << path;
    EXPECT_EQ(reply.field("access-control-allow-origin"), "*");
  }
  EXPECT_NE(call("GET", kuma + "/uptime/720", "").body.find("uptime 720h"), std::string::npos);
  EXPECT_NE(call("GET", kuma + "/status?pendingLabel=wait%26see&pendingColor=f8a306&label=shop&style=plastic", "")
                .body.find("shop: wait&amp;see"),
            std::string::npos);
  EXPECT_NE(call("GET", kuma + "/uptime/24?label=up&labelPrefix=a-&labelSuffix=-z&style=nonsense", "")
                .body.find("a-up-z: n/a"),
            std::string::npos);
  for (const char* path : {"/uptime/0", "/uptime/366d", "/uptime/x", "/uptime/2y", "/uptime/9999999"})
    EXPECT_EQ(call("GET", kuma + path, "").status, 404) << path;
  const std::string gatus = "/api/v1/endpoints/" + badge;
  for (const char* path :
       {"/uptimes/1h/badge.svg", "/uptimes/30d/badge.svg", "/response-times/24h/badge.svg", "/health/badge.svg"})
    EXPECT_TRUE(call("GET", gatus + path, "").body.starts_with("<svg")) << path;
  EXPECT_NE(call("GET", gatus + "/health/badge.shields", "").body.find("\"schemaVersion\":1"), std::string::npos);
  EXPECT_EQ(call("GET", "/api/v1/endpoints/core_shop/health/badge.svg", "").status, 404);
}

TEST_F(Public, WhatIsNotPublicDoesNotExist) {
  start();
  const std::string path = "/api/v1/monitors/" + make(owner_write);
  const std::string badge = token("badge_token"), report = token("report_token");
  EXPECT_EQ(call("GET", "/badge/" + badge, "").field("location"), "/report/" + report);
  EXPECT_EQ(call("GET", "/report/" + badge, "").status, 404) << "tokens are not exchangeable";
  EXPECT_EQ(call("GET", "/badge/" + report + "/status.svg", "").status, 404);
  ASSERT_EQ(call("PATCH", path, owner_write, R"({"public":{"badge":false,"report":false}})").status, 200);
  stop();
  start();  // nothing is remembered
  const auto gone = call("GET", "/badge/" + badge + "/status.svg", "");
  EXPECT_EQ(gone.status, 404);
  EXPECT_TRUE(gone.body.starts_with("<svg")) << "an image, never a broken one";
  EXPECT_EQ(gone.field("cache-control"), "public, max-age=60");
  EXPECT_EQ(call("GET", "/report/" + report, "").status, 404);
  EXPECT_EQ(call("GET", "/badge/nonsense/status.svg", "").status, 404);
  EXPECT_EQ(call("GET", "/badge/" + badge + "/uptime/31d.svg", "").status, 404);
}

TEST_F(Public, TheReportTellsTheNameAndNotTheTarget) {
  start();
  make(owner_write, "http://192.0.2.1/very-private");
  const auto page = call("GET", "/report/" + token("report_token"), "", "", "Accept-Encoding: identity\r\n");
  ASSERT_EQ(page.status, 200) << page.body;
  EXPECT_EQ(page.field("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.field("x-robots-tag"), "noindex");
  EXPECT_EQ(page.body.find("very-private"), std::string::npos);
  EXPECT_EQ(page.body.find("<script"), std::string::npos);
  const auto packed = call("GET", "/report/" + token("report_token"), "", "", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(packed.field("content-encoding"), "gzip");
  EXPECT_LT(packed.body.size(), page.body.size() / 2);
  EXPECT_EQ(call("GET", "/report/" + token("report_token") + "?tz=Mars/Base", "").status, 400);
}

TEST_F(Public, TheLastBadgeIsServedWhileTheDatabaseIsAway) {
  ApiOptions options;
  options.log = [](std::string_view) {};
  start(std::move(options));
  make(owner_write);
  const std::string path = "/badge/" + token("badge_token") + "/uptime/30d.svg";
  const auto before = call("GET", path, "");
  ASSERT_EQ(before.status, 200);
  ASSERT_TRUE(break_database());
  const auto away = call("GET", "/badge/" + std::string(26, '1') + "/status.svg", "");
  EXPECT_EQ(away.status, 503);
  EXPECT_FALSE(away.field("retry-after").empty());
  const auto api = call("GET", "/api/v1/monitors", owner_read);
  EXPECT_EQ(api.status, 503) << api.body;
  // Ask until the kept badge is older than its 5 s: the refresh fails, the badge stays.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(8);
  while (std::chrono::steady_clock::now() < end) {
    const auto after = call("GET", path, "");
    ASSERT_EQ(after.status, 200);
    ASSERT_EQ(after.body, before.body);
  }
  EXPECT_EQ(call("GET", "/healthz", "").status, 200) << "the process lives";
}

TEST_F(Public, ManyBadgesASecond) {
  start();
  make(owner_write);
  const std::string ask = request("GET", "/badge/" + token("badge_token") + "/uptime/30d.svg");
  Client warm(port());
  ASSERT_EQ(warm.ask(ask).status, 200);
  constexpr int kRequests = 5000;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kRequests / 10; ++i) {
    std::string ten;
    for (int k = 0; k < 10; ++k) ten += ask;
    warm.send(ten);
    for (int k = 0; k < 10; ++k) ASSERT_EQ(warm.receive().status, 200);
  }
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%d badges on one connection in %lld ms (client included)\n", kRequests, static_cast<long long>(ms));
}

}  // namespace
}  // namespace everup::api
