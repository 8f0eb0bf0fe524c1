// Every route of the table × every role × one's own and a foreign object, by cookie. Generated from routes(): a new
// route is tried without a word here, but one that names an object of a new kind, or takes a body, has to say in kRows
// what to send.
#include <array>
#include <map>

#include "api/routes.h"
#include "db/person_store.h"
#include "seal/password.h"
#include "tests/api_routes/house_fixture.h"

namespace everup::api {
namespace {

enum class Object {
  kNone,
  kMonitor,
  kKey,
  kMember,
  kSession,
  kChannel,
  kPolicy,
  kIncident,
  kWindow,
  kHeartbeat,
  kPage
};
struct Row {
  const char* route;  // "POST /api/v1/monitors"
  Object object;
  const char* body;
};
constexpr const char* kWindowBody =
    R"({"name":"disk","match":{"tags":["prod"]},"starts_at":"2098-01-01T00:00:00Z","ends_at":"2098-01-01T01:00:00Z"})";
constexpr Row kRows[] = {
    {"POST /api/v1/monitors", Object::kNone, R"({"target":"http://192.0.2.8/"})"},
    {"POST /api/v1/monitors/bulk", Object::kNone, R"({"monitors":[{"target":"http://192.0.2.7/"}]})"},
    {"POST /api/v1/monitors/test", Object::kNone, R"({"target":"http://192.0.2.8/"})"},
    {"GET /api/v1/monitors/{id}", Object::kMonitor, ""},
    {"PATCH /api/v1/monitors/{id}", Object::kMonitor, R"({"interval_s":120})"},
    {"DELETE /api/v1/monitors/{id}", Object::kMonitor, ""},
    {"POST /api/v1/monitors/{id}/pause", Object::kMonitor, ""},
    {"POST /api/v1/monitors/{id}/resume", Object::kMonitor, ""},
    {"POST /api/v1/monitors/{id}/check", Object::kMonitor, ""},
    {"POST /api/v1/monitors/{id}/rotate_tokens", Object::kMonitor, R"({"badge":true})"},
    {"GET /api/v1/monitors/{id}/results", Object::kMonitor, ""},
    {"GET /api/v1/monitors/{id}/uptime", Object::kMonitor, ""},
    {"GET /api/v1/monitors/{id}/spans", Object::kMonitor, ""},
    {"GET /api/v1/monitors/{id}/series", Object::kMonitor, ""},
    {"GET /api/v1/monitors/{id}/incidents", Object::kMonitor, ""},
    {"GET /api/v1/monitors/{id}/heartbeat", Object::kHeartbeat, ""},
    {"POST /api/v1/maintenance_windows", Object::kNone, kWindowBody},
    {"GET /api/v1/maintenance_windows/{id}", Object::kWindow, ""},
    {"PATCH /api/v1/maintenance_windows/{id}", Object::kWindow, R"({"name":"new"})"},
    {"DELETE /api/v1/maintenance_windows/{id}", Object::kWindow, ""},
    {"GET /api/v1/maintenance_windows/{id}/occurrences", Object::kWindow, ""},
    {"POST /api/v1/status_pages", Object::kNone, R"({"slug":"rolling","name":"Shop"})"},
    {"GET /api/v1/status_pages/{id}", Object::kPage, ""},
    {"PATCH /api/v1/status_pages/{id}", Object::kPage, R"({"name":"new"})"},
    {"DELETE /api/v1/status_pages/{id}", Object::kPage, ""},
    {"GET /api/v1/incidents/{id}", Object::kIncident, ""},
    {"PATCH /api/v1/incidents/{id}", Object::kIncident, R"({"root_cause":"a cable"})"},
    {"POST /api/v1/incidents/{id}/acknowledge", Object::kIncident, ""},
    {"POST /api/v1/incidents/{id}/updates", Object::kIncident, R"({"text":"we are at it"})"},
    {"POST /api/v1/channels", Object::kNone, R"({"kind":"email","to":"ops@example.com"})"},
    {"GET /api/v1/channels/{id}", Object::kChannel, ""},
    {"PATCH /api/v1/channels/{id}", Object::kChannel, R"({"name":"new"})"},
    {"DELETE /api/v1/channels/{id}", Object::kChannel, ""},
    {"POST /api/v1/channels/{id}/test", Object::kChannel, ""},
    {"POST /api/v1/alert_policies", Object::kNone, R"({"steps":[]})"},
    {"GET /api/v1/alert_policies/{id}", Object::kPolicy, ""},
    {"PATCH /api/v1/alert_policies/{id}", Object::kPolicy, R"({"name":"new"})"},
    {"DELETE /api/v1/alert_policies/{id}", Object::kPolicy, ""},
    {"POST /api/v1/mail_tests", Object::kNone, R"({"domain":"no domain"})"},
    {"POST /api/v1/relay_tests", Object::kNone, R"({"target":"smtp://192.0.2.1"})"},
    {"POST /api/v1/api_keys", Object::kNone, R"({"name":"ci"})"},
    {"DELETE /api/v1/api_keys/{id}", Object::kKey, ""},
    {"DELETE /api/v1/sessions/{id}", Object::kSession, ""},
    {"POST /api/v1/me/password", Object::kNone, R"({"current_password":"wrong","new_password":"battery staple"})"},
    {"POST /api/v1/me/totp", Object::kNone, R"({"password":"wrong"})"},
    {"POST /api/v1/me/totp/confirm", Object::kNone, R"({"code":"000000"})"},
    {"POST /api/v1/me/totp/remove", Object::kNone, R"({"password":"wrong"})"},
    {"PATCH /api/v1/me", Object::kNone, R"({"timezone":"Europe/Prague"})"},
    {"POST /api/v1/members", Object::kNone, R"({"email":"new@example.org","role":"viewer"})"},
    {"PATCH /api/v1/members/{id}", Object::kMember, R"({"role":"editor"})"},
    {"DELETE /api/v1/members/{id}", Object::kMember, ""},
};

const Row* row_of(const Route& route) {
  const std::string name = std::string(route.method) + " " + std::string(route.pattern);
  for (const Row& row : kRows) {
    if (name == row.route) return &row;
  }
  return nullptr;
}

class Roles : public ApiTest {
 protected:
  Roles() {
    sql("UPDATE users SET password_hash = '" + *seal::hash_password("correct horse") + "'");
    sql("INSERT INTO users (id, email, created_at) VALUES (11, 'mine@example.com', 1), (12, 'theirs@example.com', 1)");
  }

  test::Reply browser(const std::string& method, const std::string& path, const std::string& body = "") const {
    return call(method, path, "", body,
                "Cookie: " + cookie_ + "\r\nX-CSRF-Token: " + csrf_ + "\r\nSec-Fetch-Site: same-origin\r\n");
  }
  void sign_in() {
    const auto reply =
        call("POST", "/api/v1/session", "", R"({"email":"owner@example.com","password":"correct horse"})");
    ASSERT_EQ(reply.status, 200) << reply.body;
    const std::string cookie = reply.field("set-cookie");
    cookie_ = cookie.substr(0, cookie.find(';'));
    csrf_ = pick(reply.body, "csrf_token");
  }
  // A fresh one: a DELETE may have taken the former.
  std::string object(Object kind, bool foreign) {
    const std::string account = "(SELECT account_id FROM memberships JOIN users ON id = user_id WHERE email = '" +
                                std::string(foreign ? "other" : "owner") + "@example.com')";
    const std::string number = foreign ? "12" : "11";
    const std::string& key = foreign ? other_admin : owner_write;
    switch (kind) {
      case Object::kNone:
        return "";
      case Object::kMonitor:
        return make(foreign ? other_admin : owner_write);
      case Object::kKey:
        return pick(call("POST", "/api/v1/api_keys", foreign ? other_admin : owner_admin, R"({"name":"k"})").body,
                    "id");
      case Object::kChannel:
        return pick(call("POST", "/api/v1/channels", key, R"({"kind":"email","to":"ops@example.com"})").body, "id");
      case Object::kPolicy:
        return pick(call("POST", "/api/v1/alert_policies", key,
                         R"({"steps":[{"channels":[")" + object(Object::kChannel, foreign) + R"("]}]})")
                        .body,
                    "id");
      case Object::kWindow:
        return pick(call("POST", "/api/v1/maintenance_windows", key, kWindowBody).body, "id");
      case Object::kPage:
        return pick(call("POST", "/api/v1/status_pages", key,
                         R"({"slug":"p)" + std::to_string(++pages_) + R"(","name":"Shop"})")
                        .body,
                    "id");
      case Object::kHeartbeat:
        return make(key, "heartbeat://job");
      case Object::kIncident:
        return make_incident(make(key));
      case Object::kMember:
        sql("INSERT INTO memberships SELECT " + account + ", " + number + ", 'viewer' ON CONFLICT DO NOTHING");
        return to_string(UserId{std::stoll(number)});
      case Object::kSession: {
        ++sessions_;
        const std::string id = std::to_string(1000 + sessions_);
        const std::string email = foreign ? "other@example.com" : "owner@example.com";
        sql("INSERT INTO sessions SELECT " + id + ", account_id, user_id, sha256('" + id +
            "'), 1, 1, 1, NULL, '', '' FROM memberships JOIN users ON id = user_id WHERE email = '" + email + "'");
        return to_string(db::SessionId{std::stoll(id)});
      }
    }
    return "";
  }
  // One that is only asked for in vain.
  std::string lasting(Object kind, bool foreign) {
    std::string& id = lasting_[{kind, foreign}];
    if (id.empty()) id = object(kind, foreign);
    return id;
  }
  static std::string path_of(const Route& route, const std::string& id) {
    std::string path(route.pattern);
    if (const auto at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, id);
    return path;
  }

  std::string cookie_, csrf_;
  int sessions_ = 0, pages_ = 0;
  std::map<std::pair<Object, bool>, std::string> lasting_;
};

bool may(const std::string& role, Scope scope) {
  switch (scope) {
    case Scope::kRead:
    case Scope::kPerson:
      return true;
    case Scope::kWrite:
      return role != "viewer";
    case Scope::kAdmin:
      return role == "admin" || role == "owner";
    case Scope::kPublic:
    case Scope::kMetrics:
    case Scope::kDoor:
    case Scope::kOpen:
      return true;
  }
  return false;
}

TEST_F(Roles, EveryRouteByEveryRoleOnOwnAndForeignObjects) {
  ApiOptions options;
  options.rate_limit = "0";
  start(std::move(options));
  sign_in();
  int tried = 0;
  for (const char* role : {"viewer", "editor", "admin", "owner"}) {
    sql("UPDATE memberships SET role = '" + std::string(role) +
        "' WHERE user_id = (SELECT id FROM users WHERE email = 'owner@example.com')");
    for (const Route& route : routes()) {
      if (route.scope == Scope::kPublic || route.scope == Scope::kMetrics || route.scope == Scope::kDoor) continue;
      if (route.scope == Scope::kOpen) continue;                                     // tools_test.cpp
      if (route.pattern == "/api/v1/session" && route.method == "DELETE") continue;  // people_test.cpp
      const Row* row = row_of(route);
      const std::string what = std::string(role) + ": " + std::string(route.method) + " " + std::string(route.pattern);
      if (row == nullptr && (route.body_bytes_max > 0 || route.pattern.find('{') != std::string_view::npos)) {
        ADD_FAILURE() << what << " has no row here: say what its object is and what it is sent";
        continue;
      }
      const std::string body = row == nullptr ? "" : row->body;
      const Object kind = row == nullptr ? Object::kNone : row->object;
      if (kind != Object::kNone) {
        const std::string foreign = lasting(kind, true);
        const auto reply = browser(std::string(route.method), path_of(route, foreign), body);
        EXPECT_EQ(reply.status, may(role, route.scope) ? 404 : 403) << what << " foreign: " << reply.body;
        EXPECT_EQ(reply.body.find(foreign), std::string::npos) << what;
        ++tried;
      }
      // They wait for a look, which nobody makes here: monitors_test.cpp, alerts_test.cpp, mail_tests_test.cpp.
      const bool waits =
          route.pattern.ends_with("/check") || route.pattern.ends_with("/test") || route.pattern.ends_with("_tests");
      if (waits && may(role, route.scope)) continue;
      const std::string own = may(role, route.scope) ? object(kind, false) : lasting(kind, false);
      const auto reply = browser(std::string(route.method), path_of(route, own), body);
      ++tried;
      if (!may(role, route.scope)) {
        EXPECT_EQ(reply.status, 403) << what << " " << reply.body;
        EXPECT_EQ(pick(reply.body, "code"), "forbidden") << what;
        continue;
      }
      const bool answered = (reply.status >= 200 && reply.status < 300) ||
                            route.pattern.starts_with("/api/v1/me/") ||                            // the wrong password
                            (reply.status == 422 && route.pattern == "/api/v1/alert_policies") ||  // no channel
                            (reply.status == 422 && route.pattern == "/api/v1/status_pages");      // taken by then
      EXPECT_TRUE(answered && reply.status != 401 && reply.status != 403) << what << " " << reply.status << reply.body;
    }
  }
  std::printf("%d combinations of role, route and object\n", tried);
}

TEST_F(Roles, OnlyOwnersTouchOwnersAndOneStays) {
  start();
  sign_in();
  const std::string owner =
      to_string(UserId{std::stoll(sql_value("SELECT id FROM users WHERE email = 'owner@example.com'"))});
  const std::string mine = object(Object::kMember, false);
  const auto patch = [&](const std::string& who, const std::string& role) {
    return browser("PATCH", "/api/v1/members/" + who, R"({"role":")" + role + R"("})").status;
  };
  EXPECT_EQ(patch(owner, "admin"), 409) << "the last owner";
  EXPECT_EQ(browser("DELETE", "/api/v1/members/" + owner).status, 409);
  EXPECT_EQ(patch(mine, "chief"), 422);
  EXPECT_EQ(call("PATCH", "/api/v1/members/" + mine, owner_admin, R"({"role":"owner"})").status, 403) << "a key";
  EXPECT_EQ(call("POST", "/api/v1/members", owner_admin, R"({"email":"x@example.org","role":"owner"})").status, 403);
  EXPECT_EQ(patch(mine, "owner"), 200);
  EXPECT_EQ(call("DELETE", "/api/v1/members/" + mine, owner_admin).status, 403);
  EXPECT_EQ(patch(owner, "admin"), 200) << "there is another one now";
  EXPECT_EQ(patch(mine, "viewer"), 403) << "an admin any more";
  const auto list = browser("GET", "/api/v1/members");
  EXPECT_NE(list.body.find("\"email\":\"mine@example.com\",\"role\":\"owner\""), std::string::npos) << list.body;
  EXPECT_EQ(list.body.find("other@example.com"), std::string::npos);
}

TEST_F(Roles, AnInvitationIsALinkThatWorksOnce) {
  start();
  sign_in();
  const std::string invite = R"({"email":"Ann@example.org","role":"editor"})";
  const auto made = browser("POST", "/api/v1/members", invite);
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string link = pick(made.body, "link"), path = link.substr(link.find("/invite/"));
  EXPECT_EQ(pick(made.body, "status"), "invited");
  EXPECT_EQ(
      sql_value("SELECT count(*) FROM invitations WHERE position('" + path.substr(8) + "' in invitations::text) > 0"),
      "0");
  EXPECT_NE(browser("GET", "/api/v1/members").body.find(pick(made.body, "id")), std::string::npos);
  EXPECT_EQ(browser("POST", "/api/v1/members", R"({"email":"owner@example.com","role":"viewer"})").status, 409);
  EXPECT_EQ(browser("POST", "/api/v1/members", R"({"email":"nobody","role":"viewer"})").status, 422);

  const std::string fields = "Content-Type: application/x-www-form-urlencoded\r\n";
  EXPECT_NE(call("GET", path, "").body.find("ann@example.org is invited as editor"), std::string::npos);
  EXPECT_EQ(call("POST", path, "", "password=short", fields).status, 422);
  const auto joined = call("POST", path, "", "password=battery+staple", fields);
  ASSERT_EQ(joined.status, 303) << joined.body;
  const std::string cookie = joined.field("set-cookie");
  const auto who = call("GET", "/api/v1/session", "", "", "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\n");
  EXPECT_EQ(pick(who.body, "role"), "editor") << who.body;
  EXPECT_EQ(call("POST", path, "", "password=battery+staple", fields).status, 404) << "once";
  EXPECT_EQ(call("GET", path, "").status, 404);

  // Who has a password proves it; it is not changed by a link.
  const auto known = browser("POST", "/api/v1/members", R"({"email":"other@example.com","role":"viewer"})");
  const std::string other = pick(known.body, "link"), other_path = other.substr(other.find("/invite/"));
  EXPECT_EQ(call("POST", other_path, "", "password=battery+staple", fields).status, 401);
  EXPECT_EQ(call("POST", other_path, "", "password=correct+horse", fields).status, 303);
  // Revoked.
  const auto gone = browser("POST", "/api/v1/members", R"({"email":"bob@example.org","role":"viewer"})");
  EXPECT_EQ(browser("DELETE", "/api/v1/members/" + pick(gone.body, "id")).status, 204);
  const std::string gone_link = pick(gone.body, "link");
  EXPECT_EQ(call("GET", gone_link.substr(gone_link.find("/invite/")), "").status, 404);
}

TEST_F(Roles, EveryChangeIsInTheAuditLog) {
  start();
  sign_in();
  const std::string monitor =
      pick(browser("POST", "/api/v1/monitors", R"({"target":"http://192.0.2.1/","name":"Shop"})").body, "id");
  ASSERT_EQ(browser("PATCH", "/api/v1/monitors/" + monitor, R"({"interval_s":120})").status, 200);
  const auto key = call("POST", "/api/v1/api_keys", owner_admin, R"({"name":"ci"})");
  ASSERT_EQ(browser("PATCH", "/api/v1/me", R"({"timezone":"Europe/Prague"})").status, 200);
  ASSERT_EQ(browser("DELETE", "/api/v1/monitors/" + monitor).status, 204);
  EXPECT_EQ(browser("PATCH", "/api/v1/monitors/" + monitor, R"({"interval_s":60})").status, 404) << "changes nothing";

  const auto log = browser("GET", "/api/v1/audit_log");
  ASSERT_EQ(log.status, 200) << log.body;
  EXPECT_EQ(log.body.find(pick(key.body, "key")), std::string::npos) << "no secret";
  EXPECT_NE(log.body.find(R"("before":{"revision": 1, "interval_s": 60},"after":{"revision": 2, "interval_s": 120}})"),
            std::string::npos)
      << log.body;
  EXPECT_NE(log.body.find(R"("before":{"account": {)"), std::string::npos) << log.body;
  EXPECT_EQ(sql_value("SELECT string_agg(action, ', ' ORDER BY id) FROM audit_log"),
            "POST /api/v1/monitors, PATCH /api/v1/monitors/{id}, POST /api/v1/api_keys, PATCH /api/v1/me, DELETE "
            "/api/v1/monitors/{id}");
  EXPECT_EQ(sql_value("SELECT string_agg(DISTINCT object, ' ') FROM audit_log WHERE action LIKE '%monitors%'"),
            monitor);
  EXPECT_EQ(sql_value("SELECT actor_name FROM audit_log ORDER BY id LIMIT 1"), "owner@example.com");
  EXPECT_TRUE(sql_value("SELECT actor FROM audit_log WHERE action = 'POST /api/v1/api_keys'").starts_with("key_"));
  const auto page = browser("GET", "/api/v1/audit_log?limit=2");
  const std::string cursor = pick(page.body, "next_cursor");
  EXPECT_NE(browser("GET", "/api/v1/audit_log?limit=2&cursor=" + cursor).body, page.body);
  EXPECT_EQ(browser("GET", "/api/v1/audit_log?cursor=x").status, 400);
  EXPECT_EQ(call("GET", "/api/v1/audit_log", other_admin).body.find(monitor), std::string::npos);
}

}  // namespace
}  // namespace everup::api
