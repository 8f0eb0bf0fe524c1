// The bounds of a definition, each from both sides.
#include "core/monitor.h"

#include <gtest/gtest.h>

#include <functional>

namespace everup {
namespace {

MonitorDraft good() {
  MonitorDraft draft;
  draft.name = "Shop";
  draft.slug = "shop";
  draft.target = *parse_target("https://shop.example/health");
  return draft;
}

bool no_brackets(const std::string& pattern, std::string* why) {
  if (pattern.find('(') == std::string::npos) return true;
  *why = "missing closing )";
  return false;
}

std::string pointers(const std::function<void(MonitorDraft&)>& change) {
  MonitorDraft draft = good();
  change(draft);
  std::string all;
  for (const auto& error : validate(draft, no_brackets)) {
    EXPECT_FALSE(error.code.empty());
    EXPECT_GT(error.detail.size(), 5u) << error.pointer;
    all += (all.empty() ? "" : " ") + error.pointer;
  }
  return all;
}

using D = MonitorDraft;

TEST(Validate, DefaultsAreGood) {
  EXPECT_EQ(pointers([](D&) {}), "");
}

TEST(Validate, EveryErrorIsToldAtOnce) {
  EXPECT_EQ(pointers([](D& d) {
              d.name.clear();
              d.interval_s = 0;
              d.timeout_ms = 60'001;
              d.http().options.method = "get";
            }),
            "#/name #/interval_s #/timeout_ms #/options/method");
}

TEST(Validate, Names) {
  EXPECT_EQ(pointers([](D& d) { d.name = std::string(101, 'x'); }), "#/name");
  std::string hundred;
  for (int i = 0; i < 100; ++i) hundred += "ž";
  EXPECT_EQ(pointers([&](D& d) { d.name = hundred; }), "");
  EXPECT_EQ(pointers([&](D& d) { d.name = hundred + "x"; }), "#/name");
  EXPECT_EQ(pointers([](D& d) { d.name = "a\nb"; }), "#/name");
  EXPECT_EQ(pointers([](D& d) { d.name = "a\xff"; }), "#/name");
  EXPECT_EQ(pointers([](D& d) { d.name = "a\u202Eb"; }), "#/name");
  EXPECT_EQ(pointers([](D& d) { d.slug = "Shop"; }), "#/slug");
  EXPECT_EQ(pointers([](D& d) { d.slug = std::string(65, 'a'); }), "#/slug");
  EXPECT_EQ(pointers([](D& d) { d.slug.clear(); }), "") << "the store makes one from the name";
  EXPECT_EQ(pointers([](D& d) { d.timezone = "Europe/Prague"; }), "");
  EXPECT_EQ(pointers([](D& d) { d.timezone = "../etc/passwd"; }), "#/timezone");
  EXPECT_EQ(pointers([](D& d) { d.timezone = ""; }), "#/timezone");
  EXPECT_EQ(pointers([](D& d) { d.target.host.clear(); }), "#/target");
  EXPECT_EQ(pointers([](D& d) { d.target.kind = Kind::kSmtp; }), "#/target #/target");
}

TEST(Validate, Numbers) {
  for (const int good_interval : {1, 86'400}) EXPECT_EQ(pointers([&](D& d) { d.interval_s = good_interval; }), "");
  for (const int bad : {0, -1, 86'401}) EXPECT_EQ(pointers([&](D& d) { d.interval_s = bad; }), "#/interval_s");
  for (const int bad : {0, 99, 60'001}) EXPECT_EQ(pointers([&](D& d) { d.timeout_ms = bad; }), "#/timeout_ms");
  EXPECT_EQ(pointers([](D& d) { d.confirm.failures = 0; }), "#/confirm/failures");
  EXPECT_EQ(pointers([](D& d) { d.confirm.successes = 11; }), "#/confirm/successes");
  EXPECT_EQ(pointers([](D& d) { d.confirm.retry_s[0] = 0; }), "#/confirm/retry_s");
  EXPECT_EQ(pointers([](D& d) { d.confirm.retry_s[0] = 3601; }), "#/confirm/retry_s");
  EXPECT_EQ(pointers([](D& d) { d.confirm.retry_count = 0; }), "#/confirm/retry_s");
  EXPECT_EQ(pointers([](D& d) { d.confirm.retry_count = 6; }), "#/confirm/retry_s");
}

TEST(Validate, Tags) {
  EXPECT_EQ(pointers([](D& d) { d.tags = {"prod", "team:web", "a.b_c-d"}; }), "");
  EXPECT_EQ(pointers([](D& d) { d.tags = {"prod", "a b", "prod", ""}; }), "#/tags/1 #/tags/2 #/tags/3");
  EXPECT_EQ(pointers([](D& d) {
              for (int i = 0; i < 21; ++i) d.tags.push_back("t" + std::to_string(i));
            }),
            "#/tags");
}

TEST(Validate, Headers) {
  const auto with = [](std::string name, std::string value) {
    return pointers([&](D& d) { d.http().options.headers = {{name, value}}; });
  };
  EXPECT_EQ(with("X-Token", "a\tb \xC5\xBE"), "");
  for (const char* name : {"Host", "content-length", "Transfer-Encoding", "CONNECTION", "Proxy-Authorization", "TE",
                           "Upgrade", "", "a b", "a:b", "a\r\nb", "ž"}) {
    EXPECT_EQ(with(name, "x"), "#/options/headers") << name;
  }
  for (const std::string& value : {std::string("a\r\nX: y"), std::string("a\nb"), std::string("a\0b", 3),
                                   std::string(" a"), std::string("a "), std::string("\x7f")}) {
    EXPECT_EQ(with("X-A", value), "#/options/headers");
  }
  EXPECT_EQ(with("X-A", std::string(4 * 1024 - 7, 'x')), "");
  EXPECT_EQ(with("X-A", std::string(4 * 1024 - 6, 'x')), "#/options/headers");
  EXPECT_EQ(pointers([](D& d) { d.http().options.headers.assign(21, {"X-A", "b"}); }), "#/options/headers");
}

TEST(Validate, AuthBodyAndRedirects) {
  using Type = HttpAuth::Type;
  const auto with = [](HttpAuth auth) { return pointers([&](D& d) { d.http().options.auth = auth; }); };
  EXPECT_EQ(with({Type::kBasic, "me", "secret"}), "");
  EXPECT_EQ(with({Type::kBearer, "", "token"}), "");
  EXPECT_EQ(with({Type::kBasic, "", "secret"}), "#/options/auth/user");
  EXPECT_EQ(with({Type::kDigest, "a:b", "x"}), "#/options/auth/user");
  EXPECT_EQ(with({Type::kBearer, "", ""}), "#/options/auth/token");
  EXPECT_EQ(with({Type::kBearer, "me", "t"}), "#/options/auth/user");
  EXPECT_EQ(with({Type::kBasic, "me", "a\r\nb"}), "#/options/auth/password");
  EXPECT_EQ(with({Type::kNone, "me", ""}), "#/options/auth/type");
  EXPECT_EQ(pointers([](D& d) {
              d.http().options.auth = {Type::kBearer, "", "t"};
              d.http().options.headers = {{"authorization", "x"}};
            }),
            "#/options/auth");
  EXPECT_EQ(pointers([](D& d) { d.http().options.body = std::string(64 * 1024 + 1, 'x'); }), "#/options/body");
  EXPECT_EQ(pointers([](D& d) { d.http().options.max_redirects = 21; }), "#/options/max_redirects");
  EXPECT_EQ(pointers([](D& d) { d.http().options.ca_pem = "hello"; }), "#/options/ca");
  EXPECT_EQ(pointers([](D& d) {
              d.http().options.method = "HEAD";
              d.http().options.body = "x";
              d.http().expect.body_contains = "y";
            }),
            "#/options/body #/expect");
}

TEST(Validate, Expectations) {
  EXPECT_EQ(pointers([](D& d) { d.http().expect.status = "2xx"; }), "#/expect/status");
  EXPECT_EQ(pointers([](D& d) { d.http().expect.body_regex = "a("; }), "#/expect/body_regex");
  EXPECT_EQ(pointers([](D& d) { d.http().warn.body_contains = std::string(1025, 'x'); }), "#/warn/body_contains");
  EXPECT_EQ(pointers([](D& d) { d.http().warn.latency_ms_max = 0; }), "#/warn/latency_ms_max");
  EXPECT_EQ(pointers([](D& d) { d.http().expect.certificate_days_min = 826; }), "#/expect/certificate_days_min");
  EXPECT_EQ(pointers([](D& d) {
              d.http().expect.json = {{"$.a", "1"}, {"a", "1"}, {"$.b", ""}};
            }),
            "#/expect/json/1/path #/expect/json/2/equals");
  EXPECT_EQ(pointers([](D& d) { d.http().expect.json.assign(11, {"$.a", "1"}); }), "#/expect/json");
  using Ask = HeaderExpect::Test;
  EXPECT_EQ(pointers([](D& d) {
              d.http().expect.header = {{"A", Ask::kEquals, ""},   {"b c", Ask::kEquals, ""}, {"A", Ask::kRegex, "("},
                                        {"A", Ask::kContains, ""}, {"A", Ask::kAbsent, "x"},  {"A", Ask::kAbsent, ""}};
            }),
            "#/expect/header/1/name #/expect/header/2/regex #/expect/header/3/contains #/expect/header/4");
}

TEST(StatusSpec, GrammarAndMatch) {
  for (const char* spec : {"200", "200-299", "200-299,301", "100-999", "404,200-204,500-599"})
    EXPECT_TRUE(valid_status_spec(spec)) << spec;
  for (const char* spec : {"", "20", "2000", "2xx", "200-", "-299", "299-200", "200,", ",200", "200,,201", "200 ",
                           "200, 301", "099", "200-299-300"}) {
    EXPECT_FALSE(valid_status_spec(spec)) << spec;
  }
  EXPECT_TRUE(status_matches("200-299,301", 301));
  EXPECT_TRUE(status_matches("200-299,301", 299));
  EXPECT_FALSE(status_matches("200-299,301", 300));
  EXPECT_FALSE(status_matches("200-299,301", 0));
  EXPECT_TRUE(status_matches("", 204));
  EXPECT_FALSE(status_matches("", 301));
}

TEST(Slug, IsMadeFromTheName) {
  EXPECT_EQ(slug_from("shop.example/health"), "shop-example-health");
  EXPECT_EQ(slug_from("  Příliš žluťoučký KŮŇ — úpěl! "), "prilis-zlutoucky-kun-upel");
  EXPECT_EQ(slug_from("日本"), "monitor");
  EXPECT_EQ(slug_from(""), "monitor");
  EXPECT_EQ(slug_from("\xff\xfe"
                      "a"),
            "a");
  EXPECT_EQ(slug_from(std::string(63, 'a') + " b"), std::string(63, 'a'));
  EXPECT_EQ(slug_from(std::string(100, 'a')).size(), 64u);
}

TEST(SecretHeaders, AreTold) {
  for (const char* name : {"Authorization", "cookie", "X-API-KEY", "x-auth-token"})
    EXPECT_TRUE((HttpHeader{name, ""}.secret())) << name;
  for (const char* name : {"Accept", "Key", "Token", "X-Keyed", "Set-Cookie"})
    EXPECT_FALSE((HttpHeader{name, ""}.secret())) << name;
}

}  // namespace
}  // namespace everup
