// Signing in by a browser: cookies, sessions and their ends, who may change something by cookie, how often one may
// guess.
#include "api/sign_in_gate.h"
#include "api/totp.h"
#include "db/person_store.h"
#include "net/clock.h"
#include "seal/password.h"
#include "tests/api_routes/house_fixture.h"

namespace everup::api {
namespace {

constexpr const char* kPassword = "correct horse";

const std::string& phc() {
  static const std::string hash = *seal::hash_password(kPassword);
  return hash;
}

std::string credentials(const std::string& email, const std::string& password) {
  return R"({"email":")" + email + R"(","password":")" + password + R"("})";
}

// RFC 4648, as the secret is shown.
std::string from_base32(const std::string& text) {
  std::string out;
  unsigned window = 0;
  int bits = 0;
  for (const char c : text) {
    window = (window << 5 | static_cast<unsigned>(c >= 'A' ? c - 'A' : c - '2' + 26)) & 0xffffU;
    if ((bits += 5) >= 8) out += static_cast<char>(window >> (bits -= 8) & 0xffU);
  }
  return out;
}

struct Browser {
  std::string cookie, csrf;
  int status = 0;
};

class People : public ApiTest {
 protected:
  People() { sql("UPDATE users SET password_hash = '" + phc() + "' WHERE email = 'owner@example.com'"); }
  std::string origin() const { return "http://127.0.0.1:" + std::to_string(port()); }
  // A browser names the host that it asks.
  test::Reply call(const std::string& method, const std::string& target, const std::string& key,
                   const std::string& body = "", const std::string& fields = "") const {
    std::string text = method + " " + target + " HTTP/1.1\r\nConnection: close\r\n" + fields;
    if (("\n" + fields).find("\nHost: ") == std::string::npos)
      text += "Host: 127.0.0.1:" + std::to_string(port()) + "\r\n";
    if (!key.empty()) text += "Authorization: Bearer " + key + "\r\n";
    if (!body.empty() && fields.find("Content-Type") == std::string::npos) text += "Content-Type: application/json\r\n";
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return test::Client(port()).ask(text + "\r\n" + body, method == "HEAD");
  }

  static std::string cookie_of(const test::Reply& reply) {
    const std::string text = reply.field("set-cookie");
    return text.substr(0, text.find(';'));
  }
  Browser sign_in(const std::string& email = "owner@example.com", const std::string& password = kPassword,
                  const std::string& fields = "") const {
    const auto reply = call("POST", "/api/v1/session", "", credentials(email, password), fields);
    return {cookie_of(reply), pick(reply.body, "csrf_token"), reply.status};
  }
  // As the dashboard asks: with everything that a change wants.
  test::Reply ask(const Browser& b, const std::string& method, const std::string& path,
                  const std::string& body = "") const {
    return call(method, path, "", body,
                "Cookie: " + b.cookie + "\r\nX-CSRF-Token: " + b.csrf + "\r\nSec-Fetch-Site: same-origin\r\n");
  }
  int me(const std::string& cookie) const {
    return call("GET", "/api/v1/me", "", "", "Cookie: " + cookie + "\r\n").status;
  }
};

TEST_F(People, SignInAndOut) {
  start();
  const auto reply = call("POST", "/api/v1/session", "", credentials("Owner@Example.com", kPassword));
  ASSERT_EQ(reply.status, 200) << reply.body;
  const std::string cookie = reply.field("set-cookie");
  EXPECT_TRUE(cookie.starts_with("__Host-everup=")) << cookie;
  for (const char* word : {"; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure", "; Max-Age=2592000"})
    EXPECT_NE(cookie.find(word), std::string::npos) << word;
  EXPECT_EQ(cookie.find("Domain"), std::string::npos);
  EXPECT_EQ(reply.field("cache-control"), "no-store");
  EXPECT_EQ(pick(reply.body, "email"), "owner@example.com");
  EXPECT_EQ(pick(reply.body, "role"), "owner");
  EXPECT_NE(reply.body.find(owner_account), std::string::npos);
  const Browser b{cookie.substr(0, cookie.find(';')), pick(reply.body, "csrf_token"), 200};
  const std::string token = b.cookie.substr(b.cookie.find('=') + 1);
  EXPECT_EQ(sql_value("SELECT count(*) FROM sessions WHERE position('" + token + "' in sessions::text) > 0"), "0")
      << "only a hash is stored";

  const auto who = ask(b, "GET", "/api/v1/session");
  EXPECT_EQ(who.status, 200);
  EXPECT_EQ(who.body, reply.body) << "the same object";
  const auto mine = ask(b, "GET", "/api/v1/me");
  EXPECT_EQ(mine.status, 200);
  EXPECT_NE(mine.body.find("\"role\":\"owner\""), std::string::npos) << mine.body;
  EXPECT_FALSE(mine.field("ratelimit").empty());
  const auto made = ask(b, "POST", "/api/v1/monitors", R"({"target":"http://192.0.2.1/"})");
  EXPECT_EQ(made.status, 201) << made.body;

  const auto twice = [&] {
    return call("POST", "/api/v1/monitors", "", R"({"target":"http://192.0.2.2/"})",
                "Cookie: " + b.cookie + "\r\nX-CSRF-Token: " + b.csrf +
                    "\r\nSec-Fetch-Site: same-origin\r\nIdempotency-Key: one\r\n");
  };
  const auto once = twice(), again = twice();
  EXPECT_EQ(again.field("idempotent-replayed"), "true");
  EXPECT_EQ(pick(again.body, "id"), pick(once.body, "id"));

  const auto out = ask(b, "DELETE", "/api/v1/session");
  EXPECT_EQ(out.status, 204);
  EXPECT_NE(out.field("set-cookie").find("Max-Age=0"), std::string::npos);
  EXPECT_EQ(me(b.cookie), 401);
}

TEST_F(People, WhatEndsASession) {
  start();
  const Browser first = sign_in(), second = sign_in();
  ASSERT_EQ(me(first.cookie), 200);
  EXPECT_EQ(me(first.cookie.substr(0, first.cookie.size() - 1) + "z"), 401) << "another token";
  EXPECT_EQ(me("__Host-everup=short"), 401);
  EXPECT_EQ(me("everup_session=" + first.cookie.substr(first.cookie.find('=') + 1)), 401) << "not the name on loopback";

  // Fixation: the browser comes with a cookie; it gets another one and the former is dead.
  const auto again = call("POST", "/api/v1/session", "", credentials("owner@example.com", kPassword),
                          "Cookie: " + first.cookie + "\r\n");
  ASSERT_EQ(again.status, 200);
  EXPECT_NE(cookie_of(again), first.cookie);
  EXPECT_EQ(me(first.cookie), 401);
  EXPECT_EQ(me(second.cookie), 200) << "another browser's";

  // Revoked from the list by another browser.
  const Browser third{cookie_of(again), pick(again.body, "csrf_token"), 200};
  const auto list = ask(third, "GET", "/api/v1/sessions");
  EXPECT_NE(list.body.find("\"current\":true"), std::string::npos) << list.body;
  EXPECT_NE(list.body.find("127.0.0.0/24"), std::string::npos) << list.body;
  const std::string id = sql_value("SELECT id FROM sessions WHERE ended_at IS NULL ORDER BY id LIMIT 1");
  EXPECT_EQ(ask(third, "DELETE", "/api/v1/sessions/" + to_string(db::SessionId{std::stoll(id)})).status, 204);
  EXPECT_EQ(me(second.cookie), 401);
  EXPECT_EQ(me(third.cookie), 200);

  // Age: 14 days unused, 30 days in all.
  sql("UPDATE sessions SET seen_at = seen_at - 15 * 86400000::bigint");
  EXPECT_EQ(me(third.cookie), 401);
  const Browser fourth = sign_in();
  sql("UPDATE sessions SET expires_at = created_at");
  EXPECT_EQ(me(fourth.cookie), 401);

  // No longer a member.
  const Browser fifth = sign_in();
  EXPECT_EQ(me(fifth.cookie), 200);
  sql("DELETE FROM memberships");
  EXPECT_EQ(me(fifth.cookie), 401);
  EXPECT_EQ(sign_in().status, 401);
}

TEST_F(People, ANewPasswordEndsWhatAThiefHas) {
  start();
  const Browser mine = sign_in(), thief = sign_in();
  const auto wrong =
      ask(mine, "POST", "/api/v1/me/password", R"({"current_password":"x","new_password":"battery staple"})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_NE(wrong.body.find("#/current_password"), std::string::npos);
  const auto brief =
      ask(mine, "POST", "/api/v1/me/password", R"({"current_password":"correct horse","new_password":"short"})");
  EXPECT_EQ(brief.status, 422);
  EXPECT_NE(brief.body.find("#/new_password"), std::string::npos);
  const auto done = ask(mine, "POST", "/api/v1/me/password",
                        R"({"current_password":"correct horse","new_password":"battery staple"})");
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(me(thief.cookie), 401) << "another session";
  EXPECT_EQ(me(mine.cookie), 401) << "this one's old cookie";
  EXPECT_EQ(me(cookie_of(done)), 200);
  EXPECT_EQ(sign_in().status, 401);
  EXPECT_EQ(sign_in("owner@example.com", "battery staple").status, 200);
}

TEST_F(People, NobodyIsToldWhoIsThere) {
  start();
  const auto wrong = call("POST", "/api/v1/session", "", credentials("owner@example.com", "nonsense"));
  const auto unknown = call("POST", "/api/v1/session", "", credentials("nobody@example.com", "nonsense"));
  const auto without = call("POST", "/api/v1/session", "", credentials("other@example.com", "nonsense"));
  EXPECT_EQ(wrong.status, 401);
  const auto cut = [](const test::Reply& reply) { return reply.body.substr(0, reply.body.find("request_id")); };
  EXPECT_EQ(cut(wrong), cut(unknown));
  EXPECT_EQ(cut(wrong), cut(without)) << "a person without a password";
  EXPECT_EQ(pick(wrong.body, "code"), "bad_credentials");
  EXPECT_EQ(wrong.field("set-cookie"), "");
  EXPECT_EQ(call("POST", "/api/v1/session", "", R"({"email":"a@b"})").status, 422);
  EXPECT_EQ(call("POST", "/api/v1/session", "", "{").status, 400);
  EXPECT_EQ(call("POST", "/api/v1/session", "", credentials("owner@example.com\\u0000", kPassword)).status, 401);
}

// Who may change something by cookie. `us` in a value is replaced by our own origin.
struct CsrfCase {
  const char* fields;
  bool token;  // the right X-CSRF-Token is sent
  int status;
};
constexpr CsrfCase kCsrfCases[] = {
    {"Origin: us\r\n", true, 201},
    {"Origin: us\r\nSec-Fetch-Site: same-origin\r\n", true, 201},
    {"Sec-Fetch-Site: same-origin\r\n", true, 201},
    {"Origin: https://dash.example.org\r\n", true, 201},  // allowed by EVERUP_CORS_ORIGINS
    {"Origin: https://dash.example.org\r\nSec-Fetch-Site: cross-site\r\n", true, 201},
    {"Origin: https://up.example.org\r\n", true, 201},  // EVERUP_BASE_URL
    {"", true, 403},
    {"Origin: us\r\n", false, 403},
    {"Origin: us\r\nX-CSRF-Token: \r\n", false, 403},
    {"Origin: us\r\nX-CSRF-Token: 00000000000000000000000000\r\n", false, 403},
    {"Sec-Fetch-Site: same-origin\r\n", false, 403},
    {"Origin: https://dash.example.org\r\n", false, 403},
    {"Origin: null\r\n", true, 403},
    {"Origin: null\r\nSec-Fetch-Site: same-origin\r\n", true, 403},
    {"Origin: \r\n", true, 403},
    {"Origin: https://evil.example\r\n", true, 403},
    {"Origin: https://evil.example\r\nSec-Fetch-Site: same-origin\r\n", true, 403},
    {"Origin: https://dash.example.org.evil.example\r\n", true, 403},
    {"Origin: https://evildash.example.org\r\n", true, 403},
    {"Origin: http://dash.example.org\r\n", true, 403},
    {"Origin: https://dash.example.org:8443\r\n", true, 403},
    {"Origin: https://dash.example.org/\r\n", true, 403},
    {"Origin: HTTPS://DASH.EXAMPLE.ORG\r\n", true, 403},
    {"Origin: us.\r\n", true, 403},
    {"Origin: us1\r\n", true, 403},
    {"Origin: http://localhost\r\n", true, 403},
    {"Origin: us, https://evil.example\r\n", true, 403},
    {"Origin: us\r\nSec-Fetch-Site: cross-site\r\n", true, 403},
    {"Origin: us\r\nSec-Fetch-Site: same-site\r\n", true, 403},
    {"Sec-Fetch-Site: same-site\r\n", true, 403},
    {"Sec-Fetch-Site: cross-site\r\n", true, 403},
    {"Sec-Fetch-Site: none\r\n", true, 403},
    {"Referer: us/\r\n", true, 403},
    {"X-Forwarded-Host: evil.example\r\nOrigin: http://evil.example\r\n", true, 403},
};

TEST_F(People, ChangesByCookieComeFromOurPages) {
  ApiOptions options;
  options.cors_origins = "https://dash.example.org";
  options.base_url = "https://up.example.org";
  start(std::move(options));
  const Browser b = sign_in();
  ASSERT_EQ(b.status, 200);
  for (const CsrfCase& c : kCsrfCases) {
    std::string fields = c.fields;
    if (const auto at = fields.find("us"); at != std::string::npos && (at == 8 || at == 9))
      fields.replace(at, 2, origin());
    fields += "Cookie: " + b.cookie + "\r\n" + (c.token ? "X-CSRF-Token: " + b.csrf + "\r\n" : "");
    const auto reply = call("POST", "/api/v1/monitors", "", R"({"target":"http://192.0.2.1/"})", fields);
    EXPECT_EQ(reply.status, c.status) << c.fields << (c.token ? "with" : "without") << " token: " << reply.body;
    if (c.status == 403) {
      EXPECT_EQ(pick(reply.body, "code"), "csrf") << c.fields;
    }
    EXPECT_EQ(call("GET", "/api/v1/monitors", "", "", fields).status, 200) << "reading needs neither";
  }
  // The token belongs to its session, and a key beside a cookie is what counts.
  const Browser other = sign_in();
  EXPECT_EQ(ask({b.cookie, other.csrf, 0}, "POST", "/api/v1/monitors", R"({"target":"http://192.0.2.1/"})").status,
            403);
  EXPECT_EQ(
      call("POST", "/api/v1/monitors", owner_write, R"({"target":"http://192.0.2.1/"})", "Cookie: " + b.cookie + "\r\n")
          .status,
      201);
  EXPECT_EQ(call("GET", "/api/v1/monitors", "everup_nonsense", "", "Cookie: " + b.cookie + "\r\n").status, 401);
  // Signing in from a foreign page is refused before a password is looked at.
  EXPECT_EQ(sign_in("owner@example.com", kPassword, "Origin: https://evil.example\r\n").status, 403);
}

TEST_F(People, RolesAreReadAtEveryRequest) {
  start();
  const Browser b = sign_in();
  const std::string body = R"({"target":"http://192.0.2.1/"})";
  const auto statuses = [&] {
    return std::vector<int>{ask(b, "GET", "/api/v1/monitors").status, ask(b, "POST", "/api/v1/monitors", body).status,
                            ask(b, "GET", "/api/v1/api_keys").status, ask(b, "GET", "/api/v1/sessions").status};
  };
  for (const auto& [role, expected] : std::map<std::string, std::vector<int>>{{"viewer", {200, 403, 403, 200}},
                                                                              {"editor", {200, 201, 403, 200}},
                                                                              {"admin", {200, 201, 200, 200}},
                                                                              {"owner", {200, 201, 200, 200}}}) {
    sql("UPDATE memberships SET role = '" + role + "'");
    EXPECT_EQ(statuses(), expected) << role;
  }
}

TEST_F(People, CookieNamesFollowTheSite) {
  ApiOptions options;
  options.base_url = "https://up.example.org";
  start(std::move(options));
  const auto name = [&](const std::string& fields) {
    const auto reply = call("POST", "/api/v1/session", "", credentials("owner@example.com", kPassword), fields);
    EXPECT_EQ(reply.status, 200) << fields;
    const std::string text = reply.field("set-cookie");
    return text.substr(0, text.find('=')) + (text.find("; Secure") != std::string::npos ? " secure" : "");
  };
  EXPECT_EQ(name("Host: localhost:8080\r\n"), "__Host-everup secure");
  EXPECT_EQ(name("Host: up.example.org\r\n"), "__Host-everup secure") << "the base URL says https";
  EXPECT_EQ(name("Host: lan.example.org\r\n"), "everup_session");
  EXPECT_EQ(name("Host: lan.example.org\r\nX-Forwarded-Proto: https\r\n"), "__Host-everup secure");
  EXPECT_EQ(name("Host: 192.0.2.7:8080\r\n"), "everup_session");
}

TEST_F(People, ASecondFactorIsAskedForAndCountsOnce) {
  start();
  const Browser b = sign_in();
  EXPECT_EQ(ask(b, "POST", "/api/v1/me/totp", R"({"password":"wrong"})").status, 422);
  EXPECT_EQ(ask(b, "POST", "/api/v1/me/totp/confirm", R"({"code":"000000"})").status, 409);
  const auto offer = ask(b, "POST", "/api/v1/me/totp", R"({"password":"correct horse"})");
  ASSERT_EQ(offer.status, 201) << offer.body;
  EXPECT_NE(offer.body.find("otpauth://totp/Everup:owner@example.com?secret="), std::string::npos);
  EXPECT_NE(offer.body.find("<svg"), std::string::npos);
  const std::string text = pick(offer.body, "secret");
  EXPECT_EQ(sign_in().status, 200) << "not confirmed yet";
  const std::string secret = from_base32(text);
  const auto now = [] { return net::SystemClock().now().wall; };
  EXPECT_EQ(ask(b, "POST", "/api/v1/me/totp/confirm", R"({"code":"12345"})").status, 422);
  const std::string first = totp_code(secret, totp_step(now()));
  const auto confirmed = ask(b, "POST", "/api/v1/me/totp/confirm", R"({"code":")" + first + R"("})");
  ASSERT_EQ(confirmed.status, 200) << confirmed.body;
  EXPECT_EQ(ask(b, "POST", "/api/v1/me/totp", R"({"password":"correct horse"})").status, 409) << "there is one";
  EXPECT_EQ(sql_value("SELECT position('" + text + "' in string_agg(concat(before, after), ' ')) FROM audit_log"), "0");

  const auto with_code = [&](const std::string& code) {
    return call("POST", "/api/v1/session", "",
                R"({"email":"owner@example.com","password":"correct horse","code":")" + code + R"("})");
  };
  const auto wanted = call("POST", "/api/v1/session", "", credentials("owner@example.com", kPassword));
  EXPECT_EQ(wanted.status, 401);
  EXPECT_EQ(pick(wanted.body, "code"), "code_required");
  EXPECT_EQ(with_code(first).status, 401) << "used when it was confirmed";
  const std::string next = totp_code(secret, totp_step(now()) + 1);  // a clock that is half a minute ahead
  EXPECT_EQ(with_code(next).status, 200);
  EXPECT_EQ(with_code(next).status, 401) << "once";
  const auto at = confirmed.body.find("[\"") + 2;
  const std::string recovery = confirmed.body.substr(at, 19);
  EXPECT_EQ(with_code(recovery).status, 200) << recovery;
  EXPECT_EQ(with_code(recovery).status, 401) << "once";
  EXPECT_EQ(sql_value("SELECT count(*) FROM recovery_codes WHERE used_at IS NULL"), "9");
  EXPECT_EQ(ask(b, "POST", "/api/v1/me/totp/remove", R"({"password":"correct horse"})").status, 204);
  EXPECT_EQ(sign_in().status, 200);
}

TEST(Totp, CodesAreThoseOfTheStandard) {
  const std::string secret = "12345678901234567890";  // RFC 6238, appendix B; six of its eight digits
  EXPECT_EQ(totp_code(secret, 59 / 30), "287082");
  EXPECT_EQ(totp_code(secret, 1111111109 / 30), "081804");
  EXPECT_EQ(totp_code(secret, 20000000000 / 30), "353130");
  EXPECT_EQ(totp_base32(secret), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
  const WallTime t{1111111109'000};
  EXPECT_EQ(matching_step(secret, "081804", t), 1111111109 / 30);
  EXPECT_EQ(matching_step(secret, "081804", t + std::chrono::seconds(30)), 1111111109 / 30);
  EXPECT_EQ(matching_step(secret, "081804", t + std::chrono::seconds(90)), std::nullopt);
  EXPECT_EQ(plain_recovery_code("ABCD-ef gh"), "abcdefgh");
}

const char* const kForm = "Content-Type: application/x-www-form-urlencoded\r\n";

TEST_F(People, PagesWithoutAScript) {
  start();
  const auto front = call("GET", "/", "");
  EXPECT_EQ(front.status, 302);
  EXPECT_EQ(front.field("location"), "/app/");
  const auto page = call("GET", "/sign-in", "");
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("<form method=\"post\" action=\"/sign-in\">"), std::string::npos);
  EXPECT_EQ(page.body.find("<script"), std::string::npos);
  EXPECT_EQ(page.body.find("not encrypted"), std::string::npos);
  EXPECT_NE(page.field("content-security-policy").find("form-action 'self'"), std::string::npos);
  EXPECT_EQ(page.field("referrer-policy"), "same-origin") << "no-referrer would make the form's Origin null";
  EXPECT_NE(call("GET", "/sign-in", "", "", "Host: lan.example.org\r\n").body.find("not encrypted"), std::string::npos);

  const std::string from_us = kForm + ("Origin: " + origin() + "\r\n");
  const auto in = call("POST", "/sign-in", "", "email=owner%40example.com&password=correct+horse&code=", from_us);
  EXPECT_EQ(in.status, 303) << in.body;
  EXPECT_EQ(in.field("location"), "/app/");
  EXPECT_EQ(me(cookie_of(in)), 200);
  const auto wrong = call("POST", "/sign-in", "", "email=%22%3E%3Cscript%3E&password=x", from_us);
  EXPECT_EQ(wrong.status, 401);
  EXPECT_NE(wrong.body.find("value=\"&quot;&gt;&lt;script&gt;\""), std::string::npos) << wrong.body;
  EXPECT_NE(wrong.body.find("role=\"alert\""), std::string::npos);
  EXPECT_EQ(call("POST", "/sign-in", "", R"({"email":"a@b"})").status, 415);
  EXPECT_EQ(call("POST", "/sign-in", "", "email=a&password=b", std::string(kForm) + "Origin: null\r\n").status, 403);
}

TEST_F(People, TheSetupLinkMakesTheFirstOwnerOnce) {
  start();
  const std::string token = "0123456789abcdefghjkmnpqrs", path = "/setup/" + token;
  const std::string insert = "INSERT INTO setup_tokens VALUES (sha256('" + token + "'), 1, 4102444800000)";
  sql(insert);
  EXPECT_EQ(call("GET", path, "").status, 404) << "there are accounts";
  sql("DELETE FROM accounts");
  const auto page = call("GET", path, "");
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("action=\"" + path + "\""), std::string::npos);
  EXPECT_EQ(call("GET", "/setup/" + token.substr(1) + "z", "").status, 404);
  EXPECT_EQ(call("GET", path, "").status, 200) << "looking does not use it";

  EXPECT_EQ(call("POST", path, "", "email=nobody&password=12345678", kForm).status, 422);
  const auto brief = call("POST", path, "", "email=ann%40example.org&password=short", kForm);
  EXPECT_EQ(brief.status, 422);
  EXPECT_NE(brief.body.find("value=\"ann@example.org\""), std::string::npos);
  const auto made = call("POST", path, "", "email=Ann%40example.org&password=correct+horse", kForm);
  EXPECT_EQ(made.status, 303) << made.body;
  EXPECT_EQ(made.field("location"), "/app/");
  const auto who = call("GET", "/api/v1/session", "", "", "Cookie: " + cookie_of(made) + "\r\n");
  EXPECT_EQ(pick(who.body, "role"), "owner") << who.body;
  EXPECT_EQ(pick(who.body, "email"), "ann@example.org");
  EXPECT_EQ(call("POST", path, "", "email=eve%40example.org&password=correct+horse", kForm).status, 404) << "once";
  EXPECT_EQ(sql_value("SELECT count(*) FROM accounts"), "1");
  EXPECT_EQ(sign_in("ann@example.org").status, 200);
  sql("DELETE FROM accounts");
  sql("UPDATE setup_tokens SET used_at = NULL, expires_at = 2");
  EXPECT_EQ(call("GET", path, "").status, 404) << "too old";
}

TEST(SignInGates, TenThousandGuessesAnHourAreFiftyFive) {
  SignInGate gate;
  const Instant begin{1'000'000'000'000};
  int evaluated = 0;
  for (int i = 0; i < 10'000; ++i) {  // evenly over an hour, from ever new networks
    const Instant now = begin + milliseconds(i * 360);
    const std::string network = "10.0." + std::to_string(i % 250) + ".0/24";
    if (!gate.take_network(network, now) && !gate.take_address("owner@example.com", network, false, now)) ++evaluated;
  }
  EXPECT_LE(evaluated, 60);
  EXPECT_GE(evaluated, 50);
  const Instant end = begin + std::chrono::hours(1);
  EXPECT_EQ(gate.take_address("owner@example.com", "192.0.2.0/24", true, end), std::nullopt)
      << "the owner's own network has a bucket of its own";
  const auto taken = [&] { return !gate.take_address("b@example.com", "n", false, end).has_value(); };
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(taken());
  EXPECT_FALSE(taken());
  gate.give_back("b@example.com", "n", false);
  EXPECT_TRUE(taken()) << "one place is back";
  EXPECT_FALSE(taken());
  gate.forgive("b@example.com", "n", false);
  EXPECT_TRUE(taken());
  int from_one = 0;
  for (int i = 0; i < 10'000; ++i) {  // ever new addresses, from one network
    if (!gate.take_network("198.51.100.0/24", begin + milliseconds(i * 360))) ++from_one;
  }
  EXPECT_LE(from_one, 151);
}

TEST_F(People, TheThrottleIsTold) {
  start();
  int refused = 0;
  test::Reply last;
  for (int i = 0; i < 12; ++i) {
    last = call("POST", "/api/v1/session", "", credentials("owner@example.com", "guess"),
                "X-Forwarded-For: 192.0.2.1\r\n");
    refused += last.status == 429 ? 1 : 0;
  }
  EXPECT_EQ(refused, 7) << "five are looked at";
  EXPECT_EQ(pick(last.body, "code"), "too_many_attempts");
  EXPECT_FALSE(last.field("retry-after").empty());
  EXPECT_EQ(sign_in("owner@example.com", kPassword, "X-Forwarded-For: 192.0.2.99\r\n").status, 429) << "any stranger";
  sql("UPDATE users SET email = email");
  sql("INSERT INTO sessions SELECT 77, account_id, user_id, '\\x00', 1, 1, 1, 1, '198.51.100.0/24', '' FROM "
      "memberships m "
      "JOIN users u ON u.id = m.user_id WHERE u.email = 'owner@example.com'");
  EXPECT_EQ(sign_in("owner@example.com", kPassword, "X-Forwarded-For: 198.51.100.7\r\n").status, 200)
      << "who guesses elsewhere does not lock the owner out";
}

}  // namespace
}  // namespace everup::api
