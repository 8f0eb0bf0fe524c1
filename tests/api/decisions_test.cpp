// The small pure decisions: who the client is, rate limits, cache classes, the public cache, problems, keys,
// parameters, route patterns.
#include <gtest/gtest.h>

#include "api/auth.h"
#include "api/body_json.h"
#include "api/cache_policy.h"
#include "api/dispatcher.h"
#include "api/parameters.h"
#include "api/peer.h"
#include "api/problem.h"
#include "api/public_cache.h"
#include "api/rate_limit.h"
#include "api/views.h"

namespace everup::api {
namespace {

HttpRequest with(std::vector<Field> fields) {
  HttpRequest request;
  request.method = "GET";
  request.fields = std::move(fields);
  return request;
}

Peer tcp(const char* address) { return {net::Address::parse(address), false}; }

TEST(Peers, OnlyTrustedProxiesAreBelieved) {
  const auto trusted = *TrustedProxies::parse("127.0.0.0/8 ::1/128 unix 10.0.0.0/8");
  const auto host = [&](const Peer& peer, const std::string& forwarded) {
    return client_of(peer, with({{"x-forwarded-for", forwarded}}), trusted).address->host();
  };
  EXPECT_EQ(host(tcp("127.0.0.1"), "192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(host(tcp("127.0.0.1"), "6.6.6.6, 192.0.2.1, 10.1.2.3"), "192.0.2.1") << "the rightmost untrusted one";
  EXPECT_EQ(host(tcp("192.0.2.9"), "6.6.6.6"), "192.0.2.9") << "a stranger's field means nothing";
  EXPECT_EQ(host(tcp("127.0.0.1"), "6.6.6.6, garbage"), "127.0.0.1");
  EXPECT_EQ(host(tcp("::ffff:127.0.0.1"), "192.0.2.1:4711"), "192.0.2.1");
  EXPECT_EQ(host(Peer{}, "192.0.2.5"), "192.0.2.5") << "unix";
  EXPECT_TRUE(client_of(tcp("127.0.0.1"), with({{"x-forwarded-proto", "https"}}), trusted).https);
  EXPECT_FALSE(client_of(tcp("192.0.2.9"), with({{"x-forwarded-proto", "https"}}), trusted).https);
  EXPECT_TRUE(client_of(tcp("127.0.0.1"), with({}), trusted).direct_loopback);
  for (const char* name : {"x-forwarded-for", "forwarded", "via"}) {
    EXPECT_FALSE(client_of(tcp("127.0.0.1"), with({{name, "x"}}), trusted).direct_loopback) << name;
  }
  EXPECT_FALSE(client_of(tcp("192.0.2.9"), with({}), trusted).direct_loopback);
  EXPECT_FALSE(TrustedProxies::parse("10.0.0.1/8").ok());
  EXPECT_FALSE(TrustedProxies::parse("proxy").ok());
}

TEST(RateLimits, CountPerKeyAndWindow) {
  RateLimiter limiter(*parse_rate_limit("3/60"));
  Instant now{1'000'000'000};
  for (int left = 2; left >= 0; --left) {
    const auto verdict = limiter.take("a", now);
    EXPECT_TRUE(verdict.allowed);
    EXPECT_EQ(verdict.remaining, left);
  }
  EXPECT_FALSE(limiter.take("a", now).allowed);
  EXPECT_TRUE(limiter.take("b", now).allowed);
  HttpResponse response;
  add_rate_fields(limiter.limit(), limiter.take("a", now + std::chrono::seconds(39)), &response);
  EXPECT_EQ(*response.find("RateLimit-Policy"), "\"default\";q=3;w=60");
  EXPECT_EQ(*response.find("RateLimit"), "\"default\";r=0;t=21");
  EXPECT_EQ(*response.find("Retry-After"), "21");
  EXPECT_TRUE(limiter.take("a", now + std::chrono::seconds(60)).allowed);
  for (int i = 0; i < 30'000; ++i) limiter.take("key" + std::to_string(i % 20'000), now);
  RateLimiter none(*parse_rate_limit("0"));
  EXPECT_TRUE(none.take("a", now).allowed);
  for (const char* bad : {"", "600", "600/", "/60", "0/60", "-1/60", "600/0", "1e3/60", "600/60 "})
    EXPECT_FALSE(parse_rate_limit(bad).ok()) << bad;
}

TEST(CachePolicy, EverythingHasOne) {
  for (const CacheClass cache : {CacheClass::kPrivate, CacheClass::kBadge, CacheClass::kStatusBadge,
                                 CacheClass::kReport, CacheClass::kDocument, CacheClass::kNever}) {
    for (const int status : {200, 201, 204, 404, 410, 422, 429, 500, 503}) {
      HttpResponse response;
      response.status = status;
      response.body = "x";
      apply_cache_policy(cache, &response);
      ASSERT_NE(response.find("Cache-Control"), nullptr);
      const std::string& value = *response.find("Cache-Control");
      const bool is_public = value.starts_with("public");
      if (status >= 500 || status == 422 || status == 429) {
        EXPECT_EQ(value, "no-store");
      }
      if (cache == CacheClass::kPrivate || cache == CacheClass::kNever) {
        EXPECT_FALSE(is_public) << status;
      }
    }
  }
  HttpResponse badge;
  badge.body = "x";
  apply_cache_policy(CacheClass::kBadge, &badge);
  EXPECT_EQ(*badge.find("Cache-Control"),
            "public, max-age=300, s-maxage=300, stale-while-revalidate=600, stale-if-error=86400");
  EXPECT_FALSE(badge.etag.empty());
}

std::shared_ptr<const HttpResponse> kept(std::size_t bytes) {
  auto response = std::make_shared<HttpResponse>();
  response->body.assign(bytes, 'x');
  return response;
}

TEST(PublicCache, FreshStaleAndBounded) {
  PublicCache cache;
  Instant now{1'000'000'000};
  EXPECT_TRUE(cache.find("a", now).refresh);
  cache.put("a", kept(10), now);
  EXPECT_FALSE(cache.find("a", now + std::chrono::seconds(5)).refresh);
  const Instant later = now + std::chrono::seconds(6);
  auto first = cache.find("a", later);
  EXPECT_TRUE(first.refresh && first.kept != nullptr);
  auto second = cache.find("a", later);
  EXPECT_TRUE(!second.refresh && second.kept != nullptr) << "one asks, the others get what is there";
  cache.failed("a");
  EXPECT_TRUE(cache.find("a", later).refresh);
  EXPECT_TRUE(cache.find("a", later + std::chrono::seconds(10)).refresh) << "a lost refresh is tried again";
  EXPECT_EQ(cache.find("a", now + std::chrono::hours(25)).kept, nullptr);
  for (int i = 0; i < 12'000; ++i) cache.put("k" + std::to_string(i), kept(10), now);
  EXPECT_EQ(cache.entries(), PublicCache::kEntriesMax);
  EXPECT_EQ(cache.find("k0", now).kept, nullptr);
  EXPECT_NE(cache.find("k11999", now).kept, nullptr);
  for (int i = 0; i < 100; ++i) cache.put("big" + std::to_string(i), kept(1'000'000), now);
  EXPECT_LE(cache.bytes(), PublicCache::kBytesMax);
  cache.put("big99", kept(5), now);
  EXPECT_EQ(cache.find("big99", now).kept->body.size(), 5U);
}

TEST(Problems, ShapeAndRequestId) {
  HttpResponse response = invalid_fields(
      {{"#/interval_s", "out_of_range", "is 1 to 86400"}, {"#/name", "too_long", "has 1 to 100 characters"}});
  EXPECT_EQ(response.status, 422);
  finish_problem(&response, "req_1");
  const std::string wanted =
      R"({"type":"/problems/invalid_fields","title":"Some fields are not valid","status":422,)"
      R"x("detail":"#/interval_s is 1 to 86400 (and 1 more)","code":"invalid_fields","errors":[)x"
      R"({"pointer":"#/interval_s","code":"out_of_range","detail":"is 1 to 86400"},)"
      R"({"pointer":"#/name","code":"too_long","detail":"has 1 to 100 characters"}],"request_id":"req_1"})";
  EXPECT_EQ(response.body, wanted);
  response = invalid_fields({{"limit", "out_of_range", "is 1 to 200"}});
EXPECT_EQ(response.status, 400);
EXPECT_NE(response.body.find(R"("parameter":"limit")"), std::string::npos);
EXPECT_EQ(problem_of({ErrorCode::kInternal, "secret detail"}).body.find("secret"), std::string::npos);
}

TEST(Auth, BearerTokens) {
  EXPECT_EQ(bearer_token(with({{"authorization", "Bearer everup_x"}})), "everup_x");
  EXPECT_EQ(bearer_token(with({{"authorization", "bEaReR  everup_x "}})), "everup_x");
  for (const char* bad : {"everup_x", "Basic eA==", "Bearer", "Bearer ", ""})
    EXPECT_FALSE(bearer_token(with({{"authorization", bad}}))) << bad;
  EXPECT_FALSE(bearer_token(with({{"authorization", "Bearer " + std::string(300, 'a')}})));
}

TEST(Auth, KeysAreRememberedForASecond) {
  KeyCache cache;
  const Instant now{5'000'000'000};
  cache.put("d", {AccountId{1}, KeyId{2}, db::Scope::kRead}, now);
  EXPECT_TRUE(cache.find("d", now + std::chrono::milliseconds(999)));
  EXPECT_FALSE(cache.find("d", now + std::chrono::milliseconds(1001)));
  EXPECT_FALSE(cache.find("e", now));
}

TEST(Parameters, EveryErrorAtOnce) {
  Call call;
  call.now = WallTime{1'700'000'000'000};
  call.query = {{"limit", "0"}, {"from", "yesterday"}, {"step", "5x"}, {"ok", "7"}, {"half", "5m"}};
  Parameters in(call);
  in.integer("limit", 50, 1, 200);
  in.time("from");
  in.duration_s("step");
  EXPECT_EQ(in.integer("ok", 50, 1, 200), 7);
  EXPECT_EQ(in.duration_s("half"), 300);
  ASSERT_EQ(in.errors().size(), 3U);
  EXPECT_EQ(in.errors()[0].detail, "is a whole number from 1 to 200");
  EXPECT_EQ(unknown_parameters(call, "limit from step ok half").size(), 0U);
  EXPECT_EQ(unknown_parameters(call, "limit from").size(), 3U);
  call.query = {{"tag", "a"}, {"tag", "b"}, {"q", "a"}, {"q", "b"}};
  const auto twice = unknown_parameters(call, "tag+ q");
  ASSERT_EQ(twice.size(), 1U);
  EXPECT_EQ(twice[0].code, "duplicate_parameter");
}

TEST(Bodies, KeyAndRotation) {
  const WallTime now{1'700'000'000'000};
  EXPECT_TRUE(parse_key_body(R"({"name":"ci","scope":"admin"})", now).ok());
  EXPECT_TRUE(parse_key_body("{", now).syntax);
  EXPECT_TRUE(parse_key_body(std::string(100'000, '['), now).syntax);
  EXPECT_EQ(parse_key_body(R"({"name":"a","name":"b"})", now).errors[0].code, "duplicate");
  EXPECT_EQ(parse_key_body(R"({"nam":"ci","scope":"root","expires_at":"2001-01-01T00:00:00Z"})", now).errors.size(),
            4U);
  EXPECT_EQ(parse_key_body("[]", now).errors[0].code, "wrong_type");
  EXPECT_TRUE(parse_rotate_body(R"({"badge":true})").value.badge);
  EXPECT_FALSE(parse_rotate_body("{}").ok());
  EXPECT_FALSE(parse_rotate_body(R"({"badge":"yes"})").ok());
}

TEST(Views, RevisionTags) {
  EXPECT_TRUE(if_match_fits("\"r3\"", 3));
  EXPECT_TRUE(if_match_fits("\"r3.0123456789abcdef\"", 3));
  EXPECT_TRUE(if_match_fits("\"x\", \"r3-gz\"", 3));
  EXPECT_TRUE(if_match_fits("*", 3));
  for (const char* bad : {"\"r4\"", "\"r33\"", "r3", "W/\"r3\"", "\"r\"", "", "\"r3x\""})
    EXPECT_FALSE(if_match_fits(bad, 3)) << bad;
}

TEST(Idempotency, AnswersSurvivePacking) {
  HttpResponse response;
  response.status = 201;
  response.content_type = "application/json";
  response.etag = "\"r1\"";
  response.body = "{\n\"a\":1}";
  response.set("Location", "/x");
  const HttpResponse again = unpack_answer(201, pack_answer(response));
  EXPECT_EQ(again.body, response.body);
  EXPECT_EQ(again.etag, response.etag);
  EXPECT_EQ(*again.find("Location"), "/x");
  EXPECT_EQ(*again.find("Idempotent-Replayed"), "true");
}

TEST(Routes, PatternsFitWholePaths) {
  EXPECT_TRUE(fits("/a/{id}", "/a/x"));
  EXPECT_TRUE(fits("/a/{w}.svg", "/a/30d.svg"));
  EXPECT_TRUE(fits("/", "/"));
  for (const auto& [pattern, path] : std::vector<std::pair<const char*, const char*>>{{"/a/{id}", "/a/"},
                                                                                      {"/a/{id}", "/a"},
                                                                                      {"/a/{id}", "/a/x/"},
                                                                                      {"/a/{id}", "/a/x/y"},
                                                                                      {"/a/{w}.svg", "/a/.svg"},
                                                                                      {"/a/{w}.svg", "/a/xsvg"},
                                                                                      {"/a", "/a/"},
                                                                                      {"/a", "//a"},
                                                                                      {"/", ""},
                                                                                      {"/a", "/A"}}) {
    EXPECT_FALSE(fits(pattern, path)) << pattern << " " << path;
  }
  EXPECT_EQ(match_path("DELETE", "/api/v1/monitors").route, nullptr);
  EXPECT_EQ(match_path("DELETE", "/api/v1/monitors").allow, "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(match_path("HEAD", "/healthz").route->pattern, "/healthz");
  EXPECT_TRUE(match_path("GET", "/nothing").allow.empty());
  EXPECT_EQ(match_path("POST", "/api/v1/monitors/bulk").route->pattern, "/api/v1/monitors/bulk");
}

}  // namespace
}  // namespace everup::api
