// Calendar reports over HTTP: pages, JSON and CSV of years, months and days, their zone, what is refused.
#include "tests/api_routes/house_fixture.h"

namespace everup::api {
namespace {

class Reports : public ApiTest {
 protected:
  // A monitor since 1 January 2026 whose only down lasted from 2026-03-10T12:00:00Z for 595 s; watched until now.
  std::string with_history(const std::string& zone = "UTC") {
    const std::string id = make(owner_write, "http://192.0.2.1/very-private");
    EXPECT_EQ(call("PATCH", "/api/v1/monitors/" + id, owner_write, R"({"timezone":")" + zone + R"("})").status, 200);
    sql("UPDATE monitors SET created_at = 1767225600000, revised_at = 1767225600000");
    sql("UPDATE monitor_versions SET from_at = 1767225600000");
    sql("INSERT INTO spans (monitor_id, region, from_at, to_at, state, cause) SELECT id, 1, x.from_at, x.to_at, "
        "x.state, x.cause FROM monitors, (VALUES (1767225600000, 1773144000000, 1, 0), "
        "(1773144000000, 1773144595000, 3, 21), (1773144595000, NULL, 1, 0)) AS x(from_at, to_at, state, cause)");
    sql("INSERT INTO standings SELECT id, 1, 3, 1, 1, 1773144595000, 1773144595000, NULL FROM monitors");
    sql("INSERT INTO shard_marks SELECT 1, shard, (extract(epoch FROM now()) * 1000)::bigint FROM monitors");
    return sql_value("SELECT report_token FROM monitors");
  }
  test::Reply get(const std::string& path, const std::string& fields = "Accept-Encoding: identity\r\n") const {
    return call("GET", path, "", "", fields);
  }
};

TEST_F(Reports, LeadFromTheOverviewToTheSecond) {
  start();
  const std::string report = "/report/" + with_history();
  const auto overview = get(report);
  ASSERT_EQ(overview.status, 200) << overview.body;
  EXPECT_NE(overview.body.find("href=\"" + report + "/2026\""), std::string::npos);
  EXPECT_NE(overview.body.find("Response time"), std::string::npos);
  for (const char* period : {"/2026", "/2026-03", "/2026-03-10"}) {
    const auto page = get(report + period);
    ASSERT_EQ(page.status, 200) << page.body;
    EXPECT_EQ(page.field("content-type"), "text/html; charset=utf-8");
    EXPECT_EQ(page.field("x-robots-tag"), "noindex");
    EXPECT_EQ(page.field("cache-control"),
              "public, max-age=60, s-maxage=60, stale-while-revalidate=300, stale-if-error=86400");
    EXPECT_NE(page.field("content-security-policy").find("default-src 'none'"), std::string::npos);
    EXPECT_EQ(page.field("set-cookie"), "");
    EXPECT_NE(page.body.find("9 min 55 s"), std::string::npos) << period;
    EXPECT_EQ(page.body.find("very-private"), std::string::npos);
    EXPECT_EQ(page.body.find("<script"), std::string::npos);
  }
  EXPECT_NE(get(report + "/2026-03-10").body.find("2026-03-10 12:09:55 +00:00"), std::string::npos);
}

TEST_F(Reports, AFinishedPeriodKeepsItsTag) {
  start();
  const std::string month = "/report/" + with_history() + "/2026-03";
  for (const char* suffix : {"", ".json", ".csv"}) {
    const auto first = get(month + suffix);
    ASSERT_EQ(first.status, 200) << suffix << first.body;
    ASSERT_FALSE(first.field("etag").empty());
    const auto fields = "Accept-Encoding: identity\r\nIf-None-Match: " + first.field("etag") + "\r\n";
    EXPECT_EQ(get(month + suffix, fields).status, 304);
  }
  // A minute that changes changes the tag, once the kept page is forgotten.
  const auto before = get(month + ".json");
  sql("UPDATE spans SET cause = 22 WHERE state = 3");
  stop();
  start();
  const auto after = get(month + ".json");
  EXPECT_NE(after.field("etag"), before.field("etag"));
}

TEST_F(Reports, TheZoneIsTheMonitorsAndOnPagesTheReaders) {
  start();
  const std::string report = "/report/" + with_history("Europe/Prague");
  EXPECT_NE(get(report + "/2026-03-10").body.find("2026-03-10 13:00:00 +01:00"), std::string::npos);
  const auto moved = get(report + "/2026-03-11?tz=Pacific/Auckland");
  EXPECT_EQ(moved.status, 200);
  EXPECT_NE(moved.body.find("2026-03-11 01:00:00 +13:00"), std::string::npos);
  EXPECT_NE(moved.body.find("/2026-03?tz=Pacific%2FAuckland\""), std::string::npos) << "links keep the reader's zone";
  EXPECT_EQ(get(report + "/2026-03.json?tz=UTC").status, 400) << "a file has one zone";
  EXPECT_EQ(get(report + "/2026-03?tz=Mars/Base").status, 400);
  const auto json = get(report + "/2026-03.json");
  EXPECT_NE(json.body.find("\"from\":\"2026-02-28T23:00:00Z\""), std::string::npos) << json.body;
  EXPECT_NE(json.body.find("\"timezone\":\"Europe/Prague\""), std::string::npos);
}

TEST_F(Reports, FilesHoldFiguresAndSpans) {
  start();
  const std::string report = "/report/" + with_history();
  const auto json = get(report + "/2026-03.json");
  EXPECT_EQ(json.field("content-type"), "application/json");
  EXPECT_EQ(json.field("content-disposition"), "inline; filename=\"report-2026-03.json\"");
  EXPECT_NE(json.body.find("\"down_ms\":595000"), std::string::npos) << json.body;
  EXPECT_NE(json.body.find("\"complete\":true"), std::string::npos);
  EXPECT_NE(json.body.find("\"state\":\"down\",\"to\":\"2026-03-10T12:09:55Z\""), std::string::npos) << json.body;
  EXPECT_EQ(get(report + ".json").status, 200);
  const auto csv = get(report + "/2026.csv");
  EXPECT_EQ(csv.field("content-type"), "text/csv; charset=utf-8; header=present");
  EXPECT_EQ(csv.field("content-disposition"), "attachment; filename=\"report-2026.csv\"");
  EXPECT_NE(csv.body.find("\r\n2026-03,2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,"), std::string::npos) << csv.body;
  EXPECT_EQ(get(report + ".csv").status, 200);
  EXPECT_NE(get(report + "/2026-03-10.csv").body.find(",595,down,"), std::string::npos);
}

TEST_F(Reports, WhatIsNotThereIsMissing) {
  start();
  const std::string token = with_history();
  const std::string report = "/report/" + token;
  for (const char* period : {"/2025", "/2999", "/2026-13", "/2026-02-30", "/26", "/2026-3", "/x", "/2026-03-10T00"}) {
    EXPECT_EQ(get(report + period).status, 404) << period;
    EXPECT_EQ(get(report + period + ".json").status, 404) << period;
    EXPECT_EQ(get(report + period + ".csv").status, 404) << period;
  }
  const std::string wrong = "/report/" + std::string(26, 'a');
  for (const char* path : {"", "/2026", ".json", ".csv", "/2026.json"}) {
    const auto reply = get(wrong + path);
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_EQ(reply.field("cache-control"), "public, max-age=60") << path;
  }
  EXPECT_EQ(get("/report/" + token.substr(1) + "/2026").status, 404);
}

TEST_F(Reports, StayWhileTheDatabaseIsAway) {
  ApiOptions options;
  options.log = [](std::string_view) {};
  start(std::move(options));
  const std::string month = "/report/" + with_history() + "/2026-03";
  const auto before = get(month + ".json");
  ASSERT_EQ(before.status, 200);
  ASSERT_TRUE(break_database());
  EXPECT_EQ(get(month + ".json").body, before.body);
}

TEST_F(Reports, FilesAreSignedByWhoeverIsAsked) {
  ApiOptions options;
  options.sign_report = [](const std::string& canonical, WallTime as_of) -> Result<std::string> {
    return canonical.substr(0, canonical.size() - 1) + ",\"signed_for\":" + std::to_string(as_of.ms) + "}";
  };
  options.report_keys = [] { return Result<std::string>(std::string("{\"keys\":[]}")); };
  start(std::move(options));
  const std::string report = "/report/" + with_history();
  EXPECT_NE(get(report + "/2026-03.json").body.find("\"signed_for\":1775001600000}"), std::string::npos);
  EXPECT_NE(get(report + ".json").body.find("\"signed_for\":"), std::string::npos);
  const auto keys = get("/.well-known/everup-keys.json");
  EXPECT_EQ(keys.status, 200);
  EXPECT_EQ(keys.body, "{\"keys\":[]}");
  EXPECT_EQ(keys.field("cache-control"), "public, max-age=300");
}

TEST_F(Reports, AClosedMonthIsGivenAsItWasSigned) {
  start();
  const std::string report = "/report/" + with_history();
  sql("INSERT INTO report_months SELECT id, 1, 1, '2026-03', 'UTC', 0, 1, 2, sha256('x'), '{\"closed\":true}' FROM "
      "monitors");
  EXPECT_EQ(get(report + "/2026-03.json").body, "{\"closed\":true}");
  EXPECT_EQ(get(report + "/2026-03").field("content-type"), "text/html; charset=utf-8");
  EXPECT_NE(get(report + "/2026-02.json").body.find("\"period\":\"2026-02\""), std::string::npos);
}

TEST_F(Reports, WithoutKeysNothingIsSigned) {
  start();
  EXPECT_EQ(get("/.well-known/everup-keys.json").status, 404);
}

}  // namespace
}  // namespace everup::api
