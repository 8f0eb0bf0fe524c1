// Every route of the table × {owner, other account, nobody, wrong scope, mangled key}: a new route is tried without a
// word here.
#include "api/routes.h"
#include "tests/api_routes/house_fixture.h"

namespace everup::api {
namespace {

// Objects of the owner's, one of each kind that a route may name.
struct Objects {
  std::string monitor, key, channel, policy, incident, member, window, page;
};

// The pattern with an id of the owner's in it.
std::string path_of(const Route& route, const Objects& objects) {
  std::string path(route.pattern);
  const auto put = [&path](const std::string& name, const std::string& value) {
    if (const auto at = path.find(name); at != std::string::npos) path.replace(at, name.size(), value);
  };
  const auto about = [&](const char* noun) { return route.pattern.starts_with(std::string("/api/v1/") + noun + "/"); };
  put("{id}", about("api_keys")              ? objects.key
              : about("members")             ? objects.member
              : about("channels")            ? objects.channel
              : about("alert_policies")      ? objects.policy
              : about("incidents")           ? objects.incident
              : about("maintenance_windows") ? objects.window
              : about("status_pages")        ? objects.page
                                             : objects.monitor);
  put("{window}", "30d");
  put("{slug}", "walls");
  put("{month}", "2026-11");
  put("{code}", "not_found");
  put("{token}", "00000000000000000000000000");
  return path;
}

constexpr const char* kWindow = R"({"name":"w","starts_at":"2099-01-01T00:00:00Z","ends_at":"2099-01-01T01:00:00Z"})";

std::string body_of(const Route& route, const Objects& objects) {
  if (route.body_bytes_max == 0) return "";
  if (route.pattern.ends_with("/bulk")) return R"({"monitors":[{"target":"http://192.0.2.7/"}]})";
  if (route.pattern.ends_with("/rotate_tokens")) return R"({"badge":true})";
  if (route.pattern.ends_with("/api_keys")) return R"({"name":"ci"})";
  if (route.pattern.ends_with("/channels")) return R"({"kind":"email","to":"ops@example.com"})";
  if (route.pattern.ends_with("/alert_policies")) return R"({"steps":[{"channels":[")" + objects.channel + R"("]}]})";
  if (route.pattern.ends_with("/updates")) return R"({"text":"we are at it"})";
  if (route.pattern == "/api/v1/incidents/{id}") return R"({"root_cause":"a cable"})";
  if (route.pattern == "/api/v1/channels/{id}" || route.pattern == "/api/v1/alert_policies/{id}")
    return R"({"name":"new"})";
  if (route.pattern.ends_with("/status_pages")) return R"({"slug":"made","name":"Shop"})";
  if (route.pattern == "/api/v1/status_pages/{id}") return R"({"name":"new"})";
  if (route.pattern.ends_with("/maintenance_windows")) return kWindow;
  if (route.pattern == "/api/v1/maintenance_windows/{id}") return R"({"name":"new"})";
  if (route.pattern.ends_with("/me")) return R"({"timezone":"Europe/Prague"})";
  if (route.pattern.ends_with("/members")) return R"({"email":"new@example.org","role":"viewer"})";
  if (route.pattern.ends_with("/members/{id}")) return R"({"role":"editor"})";
  if (route.method == "PATCH") return R"({"interval_s":120})";
  return R"({"target":"http://192.0.2.8/"})";
}

std::string media_of(const Route& route) { return "Content-Type: " + std::string(route.media) + "\r\n"; }

bool is_a_test(const Route& route) {
  return route.pattern.ends_with("/check") || route.pattern.ends_with("/test") || route.pattern.ends_with("_tests");
}

class Access : public ApiTest {
 protected:
  // Fresh ones: a DELETE may have taken the former.
  Objects objects_for(const Route& route) {
    Objects objects;
    objects.monitor = make(owner_write);
    if (route.pattern.ends_with("/heartbeat")) {
      objects.monitor =
          pick(call("POST", "/api/v1/monitors", owner_write, R"({"target":"heartbeat://job"})").body, "id");
    }
    if (route.pattern.starts_with("/api/v1/maintenance_windows/")) {
      objects.window = pick(call("POST", "/api/v1/maintenance_windows", owner_write, kWindow).body, "id");
    }
    if (route.pattern.starts_with("/api/v1/status_pages/") || route.pattern.starts_with("/status/")) {
      const auto page = call("POST", "/api/v1/status_pages", owner_write, R"({"slug":"walls","name":"Walls"})");
      if (page.status == 201) walls_ = pick(page.body, "id");  // else it is there
      objects.page = walls_;
    }
    const auto key = call("POST", "/api/v1/api_keys", owner_admin, R"({"name":"k"})");
    EXPECT_EQ(key.status, 201) << key.body;
    objects.key = pick(key.body, "id");
    const auto channel = call("POST", "/api/v1/channels", owner_write, R"({"kind":"email","to":"ops@example.com"})");
    EXPECT_EQ(channel.status, 201) << channel.body;
    objects.channel = pick(channel.body, "id");
    if (route.pattern.find("polic") != std::string_view::npos) {  // it would keep the channel
      const auto policy = call("POST", "/api/v1/alert_policies", owner_write,
                               R"({"steps":[{"channels":[")" + objects.channel + R"("]}]})");
      EXPECT_EQ(policy.status, 201) << policy.body;
      objects.policy = pick(policy.body, "id");
    }
    objects.incident = make_incident(objects.monitor);
    sql("INSERT INTO users (id, email, created_at) VALUES (9, 'nine@example.com', 1) ON CONFLICT DO NOTHING");
    sql("INSERT INTO memberships SELECT account_id, 9, 'viewer' FROM memberships JOIN users ON id = user_id WHERE "
        "email = 'owner@example.com' ON CONFLICT DO NOTHING");
    objects.member = to_string(UserId{9});
    return objects;
  }
  void try_public(const std::string& method, const std::string& path) const {
    const auto reply = call(method, path, "");
    const bool leads = reply.status == 302 || reply.status == 308;
    const bool unknown = path.find("/0000") != std::string::npos || path.find("{file}") != std::string::npos ||
                         path.find("/incidents/") != std::string::npos ||  // of a page without one
                         path.starts_with("/.well-known/");                // this house signs nothing
    EXPECT_TRUE(reply.status == 200 || leads || (reply.status == 404 && unknown)) << path << " " << reply.status;
    EXPECT_FALSE(reply.field("cache-control").empty()) << path;
    EXPECT_EQ(reply.field("set-cookie"), "") << path;
  }
  // people_test.cpp goes through them.
  void try_door(const std::string& method, const std::string& path, const std::string& body) const {
    const auto reply = call(method, path, "", body);
    EXPECT_LT(reply.status, 500) << path;
    EXPECT_NE(reply.field("cache-control").find("no-store"), std::string::npos) << path;
    EXPECT_EQ(reply.field("access-control-allow-origin"), "") << path;
    if (method != "GET") {
      EXPECT_EQ(call(method, path, "", body, "Origin: https://evil.example\r\n").status, 403) << path;
    }
  }

 private:
  std::string walls_;  // the status page of that slug
};

TEST_F(Access, EveryRoute) {
  start();
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (call("GET", "/api/v1/events?wait=0", other_admin).status == 503) {  // its feed begins by itself
    ASSERT_LT(std::chrono::steady_clock::now(), limit);
  }
  for (const Route& route : routes()) {
    const Objects objects = objects_for(route);
    const std::string method(route.method), path = path_of(route, objects), body = body_of(route, objects),
                                            what = method + " " + path;
    const bool names_object = route.pattern.find("{id}") != std::string_view::npos;
    if (route.scope == Scope::kPublic) {
      try_public(method, path);
      continue;
    }
    if (route.scope == Scope::kMetrics) {
      EXPECT_EQ(call(method, path, "").status, 200) << "from loopback";
      EXPECT_EQ(call(method, path, "", "", "X-Forwarded-For: 192.0.2.1\r\n").status, 404);
      EXPECT_EQ(call(method, path, owner_admin, "", "Via: 1.1 x\r\n").status, 404) << "no metrics account is set";
      continue;
    }
    if (route.scope == Scope::kDoor) {
      try_door(method, path, body);
      continue;
    }
    if (route.scope == Scope::kOpen) {  // tools_test.cpp; here only that a key that is sent must be good
      EXPECT_NE(call(method, path, "", body).status, 401) << what;
      EXPECT_EQ(call(method, path, owner_admin.substr(0, 12), body).status, 401) << what;
      EXPECT_EQ(call(method, path, owner_read, body, media_of(route)).status, 403) << what;
      continue;
    }
    const auto nobody = call(method, path, "", body);
    EXPECT_EQ(nobody.status, 401) << what;
    EXPECT_EQ(nobody.field("www-authenticate"), "Bearer realm=\"everup\"") << what;
    EXPECT_EQ(nobody.field("content-type"), "application/problem+json") << what;
    std::string mangled = owner_admin;
    mangled[10] = mangled[10] == 'a' ? 'b' : 'a';
    EXPECT_EQ(call(method, path, mangled, body).status, 401) << what;
    if (route.scope == Scope::kPerson) {
      EXPECT_EQ(call(method, path, owner_admin, body).status, 403) << what << ": a key is not a person";
      continue;
    }
    if (route.scope != Scope::kRead) {
      EXPECT_EQ(call(method, path, owner_read, body).status, 403) << what;
    }
    if (route.scope == Scope::kAdmin) {
      EXPECT_EQ(call(method, path, owner_write, body).status, 403) << what;
    }
    if (names_object) {
      const auto foreign = call(method, path, other_admin, body);
      EXPECT_EQ(foreign.status, 404) << what << ": another account's object does not exist";
      EXPECT_EQ(foreign.body.find(objects.monitor), std::string::npos) << what;
    }
    const std::string& fitting = route.scope == Scope::kRead    ? owner_read
                                 : route.scope == Scope::kWrite ? owner_write
                                                                : owner_admin;
    if (is_a_test(route)) continue;  // they look: monitors_test.cpp, mail_tests_test.cpp
    const auto mine = call(method, path, fitting, body);
    EXPECT_TRUE(mine.status >= 200 && mine.status < 300) << what << " " << mine.status << " " << mine.body;
    EXPECT_FALSE(mine.field("cache-control").starts_with("public")) << what;
    EXPECT_FALSE(mine.field("x-request-id").empty()) << what;
    EXPECT_FALSE(mine.field("ratelimit").empty()) << what;
    const auto typo = call(method, path + "?nonsense=1", fitting, body);
    EXPECT_EQ(typo.status, 400) << what;
    EXPECT_NE(typo.body.find("\"parameter\":\"nonsense\""), std::string::npos) << what << typo.body;
  }
}

TEST_F(Access, ListsHoldOnlyOnesOwn) {
  start();
  const std::string mine = make(owner_write);
  const std::string theirs = make(other_admin);
  const auto list = call("GET", "/api/v1/monitors", owner_read);
  EXPECT_NE(list.body.find(mine), std::string::npos);
  EXPECT_EQ(list.body.find(theirs), std::string::npos);
}

TEST_F(Access, ARevokedKeyEndsWithinASecond) {
  ApiOptions options;
  options.rate_limit = "0";  // it asks as fast as it can
  start(std::move(options));
  const auto key = call("POST", "/api/v1/api_keys", owner_admin, R"({"name":"k","scope":"read"})");
  const std::string text = pick(key.body, "key");
  EXPECT_EQ(call("GET", "/api/v1/me", text).status, 200);
  EXPECT_EQ(call("DELETE", "/api/v1/api_keys/" + pick(key.body, "id"), owner_admin).status, 204);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  int status = 200;
  while (status == 200 && std::chrono::steady_clock::now() < end) status = call("GET", "/api/v1/me", text).status;
  EXPECT_EQ(status, 401);
  EXPECT_EQ(call("GET", "/api/v1/api_keys", owner_admin).body.find(text), std::string::npos) << "shown once";
}

TEST_F(Access, RateLimit) {
  ApiOptions options;
  options.rate_limit = "3/3600";
  start(std::move(options));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(call("GET", "/api/v1/me", owner_read).status, 200);
  const auto reply = call("GET", "/api/v1/me", owner_read);
  EXPECT_EQ(reply.status, 429);
  EXPECT_FALSE(reply.field("retry-after").empty());
  EXPECT_EQ(call("GET", "/api/v1/me", owner_write).status, 200) << "another key";
  EXPECT_EQ(call("GET", "/api/v1/version", "").status, 200) << "public";
}

TEST_F(Access, MethodsPathsAndOrigins) {
  ApiOptions options;
  options.cors_origins = "https://app.good.test";
  start(std::move(options));
  const auto put = call("PUT", "/api/v1/monitors", owner_write);
  EXPECT_EQ(put.status, 405);
  EXPECT_EQ(put.field("allow"), "GET, HEAD, POST, OPTIONS");
  for (const char* path : {"/nothing", "/api/v1/monitors/", "//api/v1/monitors", "/api/v1/monitors/a%2Fb/uptime",
                           "/api/v1/../v1/me", "/api/v1/me;x"}) {
    EXPECT_EQ(call("GET", path, owner_read).status, 404) << path;
  }
  EXPECT_EQ(call("GET", "/api/v1/monitors/%00", owner_read).status, 400);
  EXPECT_EQ(call("GET", "/api/v1/monitors/%zz", owner_read).status, 400);
  EXPECT_EQ(call("GET", "/" + std::string(2000, 'a'), owner_read).status, 400);
  const auto preflight = call("OPTIONS", "/api/v1/monitors", "", "",
                              "Origin: https://app.good.test\r\nAccess-Control-Request-Method: POST\r\n");
  EXPECT_EQ(preflight.status, 204) << "before any key";
  EXPECT_EQ(preflight.field("access-control-allow-origin"), "https://app.good.test");
  const auto me = call("GET", "/api/v1/me", owner_read, "", "Origin: https://evil.test\r\n");
  EXPECT_EQ(me.field("access-control-allow-origin"), "");
  EXPECT_EQ(call("HEAD", "/healthz", "").status, 200);
  const auto given =
      call("GET", "/healthz", "", "", "X-Request-Id: abc-1\r\nX-Forwarded-Host: evil\r\nX-Original-URL: /metrics\r\n");
  EXPECT_EQ(given.field("x-request-id"), "abc-1");
  EXPECT_EQ(given.body, "ok\n");
}

}  // namespace
}  // namespace everup::api
