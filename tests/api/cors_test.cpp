// Forty origins against an allow-list of two: only exact bytes are allowed, and "*" never comes with credentials.
#include "api/cors.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace everup::api {
namespace {

const std::vector<std::string> kAllowed{"https://app.good.test", "http://localhost:3000"};

HttpRequest from(const std::string& origin) {
  HttpRequest request;
  request.method = "GET";
  request.fields.push_back({"origin", origin});
  return request;
}

TEST(Cors, FortyOrigins) {
  struct Row {
    const char* origin;
    bool allowed;
  };
  const std::vector<Row> rows{
      {"https://app.good.test", true},
      {"http://localhost:3000", true},
      {"https://app.good.test.evil.test", false},
      {"https://evilapp.good.test", false},
      {"https://app.good.test:443", false},
      {"https://app.good.test:8443", false},
      {"http://app.good.test", false},
      {"HTTPS://app.good.test", false},
      {"https://APP.good.test", false},
      {"https://app.good.test.", false},
      {"https://app.good.test/", false},
      {"https://app.good.test/x", false},
      {"https://app.good.test ", false},
      {" https://app.good.test", false},
      {"https://good.test", false},
      {"https://x.app.good.test", false},
      {"https://app.good.tes", false},
      {"https://app.good.testx", false},
      {"https://app-good.test", false},
      {"https://app.good.test@evil.test", false},
      {"https://evil.test#https://app.good.test", false},
      {"https://evil.test?https://app.good.test", false},
      {"https://app.good.test%00.evil.test", false},
      {"https://app.good.test%60.evil.test", false},
      {"https://app.good.test_.evil.test", false},
      {"https://app.good.test,https://evil.test", false},
      {"https://app.good.test https://evil.test", false},
      {"null", false},
      {"NULL", false},
      {"", false},
      {"*", false},
      {"file://", false},
      {"http://localhost", false},
      {"http://localhost:30000", false},
      {"http://localhost:3000.evil.test", false},
      {"https://localhost:3000", false},
      {"http://127.0.0.1:3000", false},
      {"http://[::1]:3000", false},
      {"chrome-extension://abc", false},
      {"//app.good.test", false},
      {"app.good.test", false},
  };
  EXPECT_GE(rows.size(), 40U);
  for (const Row& row : rows) {
    HttpResponse response;
    add_cors(kAllowed, from(row.origin), false, &response);
    const std::string* allowed = response.find("Access-Control-Allow-Origin");
    EXPECT_EQ(allowed != nullptr, row.allowed) << row.origin;
    EXPECT_EQ(response.find("Access-Control-Allow-Credentials") != nullptr, row.allowed) << row.origin;
    if (allowed != nullptr) {
      EXPECT_EQ(*allowed, row.origin);
    }
    ASSERT_NE(response.find("Vary"), nullptr);
    EXPECT_EQ(*response.find("Vary"), "Origin") << "also without permission, or a cache mixes them up";
  }
}

TEST(Cors, PublicResourcesAreForEverybodyWithoutCredentials) {
  HttpResponse response;
  add_cors(kAllowed, from("https://anything.test"), true, &response);
  EXPECT_EQ(*response.find("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(response.find("Access-Control-Allow-Credentials"), nullptr);
  EXPECT_EQ(response.find("Vary"), nullptr);
}

TEST(Cors, Preflight) {
  HttpRequest request = from("https://app.good.test");
  request.fields.push_back({"access-control-request-method", "PATCH"});
  HttpResponse response = preflight(kAllowed, request, false, "GET, PATCH");
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(*response.find("Access-Control-Allow-Methods"), "GET, PATCH");
  EXPECT_EQ(*response.find("Access-Control-Max-Age"), "600");
  request.fields[0].value = "https://evil.test";
  response = preflight(kAllowed, request, false, "GET, PATCH");
  EXPECT_EQ(response.find("Access-Control-Allow-Methods"), nullptr);
}

TEST(Cors, SettingIsJudged) {
  EXPECT_EQ(parse_origins("https://a.test, http://b.test:81\nhttp://[::1]:5")->size(), 3U);
  EXPECT_TRUE(parse_origins("")->empty());
  for (const char* bad :
       {"*", "null", "https://a.test/", "https://A.test", "a.test", "https://a.test:443", "http://a:80", "https://",
        "https://a.test.", "https://a.test:", "https://u@a.test", "ftp://a.test"}) {
    EXPECT_FALSE(parse_origins(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace everup::api
