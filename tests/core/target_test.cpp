// Targets: what is taken, in which spelling it is said back, and what is refused in which words.
#include "core/target.h"

#include <gtest/gtest.h>

#include <random>

#include "core/host.h"

namespace everup {
namespace {

TEST(Target, IsSaidBackInItsOneSpelling) {
  const struct {
    const char *typed, *url;
  } kTable[] = {
      {"https://shop.example/health", "https://shop.example/health"},
      {"HTTPS://Shop.Example:443", "https://shop.example/"},
      {"http://shop.example:80/", "http://shop.example/"},
      {"http://shop.example:443/", "http://shop.example:443/"},
      {"https://shop.example:8443/a?b=c&d=%20", "https://shop.example:8443/a?b=c&d=%20"},
      {"https://shop.example?q=1", "https://shop.example/?q=1"},
      {"shop.example", "https://shop.example/"},
      {"localhost:8080", "https://localhost:8080/"},
      {"shop.example/a?next=http://other.example/", "https://shop.example/a?next=http://other.example/"},
      {"tcp:443", "https://tcp/"},
      {"https://shop.example./", "https://shop.example/"},
      {"https://192.0.2.7:8080/x", "https://192.0.2.7:8080/x"},
      {"https://[2001:DB8:0:0:0:0:0:1]/", "https://[2001:db8::1]/"},
      {"[::1]:8080/x", "https://[::1]:8080/x"},
      {"https://[::ffff:192.0.2.7]/", "https://[::ffff:192.0.2.7]/"},
      {"https://_dmarc.ex-ample.com/", "https://_dmarc.ex-ample.com/"},
      {"https://žluť.example/", "https://žluť.example/"},
      {"https://xn--lu-3ja1h.example/a/../b", "https://xn--lu-3ja1h.example/a/../b"},
      {"https://a.example/x?f[1]=2|3", "https://a.example/x?f[1]=2|3"},
  };
  for (const auto& row : kTable) {
    const auto target = parse_target(row.typed);
    ASSERT_TRUE(target) << row.typed << ": " << target.error().what;
    EXPECT_EQ(target->url(), row.url);
    const auto again = parse_target(target->url());
    ASSERT_TRUE(again) << row.url;
    EXPECT_EQ(*again, *target);
  }
}

TEST(Target, ServicesHaveTheirDefaultsAndTheirOptions) {
  using Options = std::vector<std::pair<std::string, std::string>>;
  const struct {
    const char *typed, *url;
    std::uint16_t port;
    Options options;
  } kTable[] = {
      {"smtp://MX.example.com", "smtp://mx.example.com", 25, {}},
      {"smtp://mail.example.com:587?starttls=require", "smtp://mail.example.com:587", 587, {{"starttls", "require"}}},
      {"smtps://mail.example.com/", "smtps://mail.example.com", 465, {}},
      {"smtp://example.com?mx=1&ehlo=a%2eb", "smtp://example.com", 25, {{"mx", "1"}, {"ehlo", "a.b"}}},
      {"tls://example.com", "tls://example.com", 443, {}},
      {"tls://mx.example.com:25?starttls=smtp", "tls://mx.example.com:25", 25, {{"starttls", "smtp"}}},
      {"tcp://[2001:db8::5]:5432", "tcp://[2001:db8::5]:5432", 5432, {}},
      {"ping://192.0.2.7", "ping://192.0.2.7", 0, {}},
      {"icmp://host.example", "ping://host.example", 0, {}},
      {"dns:example.com?type=MX", "dns://example.com", 0, {{"type", "MX"}}},
      {"dns://example.com?type=MX&server=192.0.2.53",
       "dns://example.com",
       0,
       {{"type", "MX"}, {"server", "192.0.2.53"}}},
      {"dns://192.0.2.53:5353/_dmarc.example.com?type=TXT",
       "dns://_dmarc.example.com",
       0,
       {{"type", "TXT"}, {"server", "192.0.2.53:5353"}}},
      {"heartbeat://", "heartbeat://", 0, {}},
      {"heartbeat://nightly-backup", "heartbeat://nightly-backup", 0, {}},
      {"heartbeat://?period_s=60", "heartbeat://", 0, {{"period_s", "60"}}},
      {"mx.example.com:25", "smtp://mx.example.com", 25, {}},
      {"mail.example.com:465", "smtps://mail.example.com", 465, {}},
      {"shop.example:80/health", "http://shop.example/health", 80, {}},
  };
  for (const auto& row : kTable) {
    const auto parsed = parse_target_with_options(row.typed);
    ASSERT_TRUE(parsed) << row.typed << ": " << parsed.error().what;
    EXPECT_EQ(parsed->target.url(), row.url);
    EXPECT_EQ(parsed->target.port, row.port);
    EXPECT_EQ(parsed->options, row.options) << row.typed;
    const auto again = parse_target(parsed->target.url());
    ASSERT_TRUE(again) << row.url << ": " << again.error().what;
    EXPECT_EQ(*again, parsed->target);
  }
}

TEST(Target, PartsAreApart) {
  const auto t = parse_target("https://[2001:db8::7]:8443/a?b");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->kind, Kind::kHttps);
  EXPECT_EQ(t->host, "2001:db8::7");
  EXPECT_EQ(t->port, 8443);
  EXPECT_EQ(t->path, "/a?b");
  EXPECT_FALSE(t->default_port());
  EXPECT_EQ(t->authority(), "[2001:db8::7]:8443");
  EXPECT_EQ(t->origin(), "https://[2001:db8::7]:8443");
}

std::string code_of(std::string_view text) {
  const auto target = parse_target(text);
  if (target) return "taken as " + target->url();
  const FieldError error = target_error(target.error());
  EXPECT_EQ(error.pointer, "#/target");
  EXPECT_GT(error.detail.size(), 10u) << text;
  return error.code;
}

TEST(Target, RefusalsAreNamed) {
  const struct {
    const char *text, *code;
  } kTable[] = {
      {"", "invalid_target"},
      {"https://", "invalid_host"},
      {"https:///path", "invalid_host"},
      {"http:shop.example", "invalid_target"},
      {"https://a b.example/", "invalid_target"},
      {" https://a.example/", "invalid_target"},
      {"https://a.example/\r\nHost: b", "invalid_target"},
      {"http://example.test\\@127.0.0.1/", "invalid_target"},
      {"https://a.example/x#top", "invalid_target"},
      {"https://a.example/%zz", "invalid_target"},
      {"https://a.example/%2", "invalid_target"},
      {"https://a.example/\"<>", "invalid_target"},
      {"https://a.example/ž", "invalid_target"},
      {"https://user:secret@a.example/", "user_info"},
      {"https://@a.example/", "user_info"},
      {"user@a.example", "user_info"},
      {"https://a.example:0/", "invalid_port"},
      {"https://a.example:65536/", "invalid_port"},
      {"https://a.example:/", "invalid_port"},
      {"https://a.example:8a/", "invalid_port"},
      {"https://a.example:000443/", "invalid_port"},
      {"javascript:alert(1)", "invalid_port"},
      {"https://::1/", "invalid_host"},
      {"https://[::1/", "invalid_host"},
      {"https://[::1]x/", "invalid_host"},
      {"https://[fe80::1%25eth0]/", "invalid_host"},
      {"https://[1:2:3]/", "invalid_host"},
      {"https://a..example/", "invalid_host"},
      {"https://.example/", "invalid_host"},
      {"https://a%2eexample/", "invalid_host"},
      {"https://a,b/", "invalid_host"},
      {"imaps://host", "unsupported_scheme"},
      {"gopher://host", "unsupported_scheme"},
      {"smtp://mx.example.com?starttls=require", "invalid_target"},
      {"smtp://mx.example.com/x", "invalid_target"},
      {"smtp:mx.example.com", "invalid_target"},
      {"tcp://db.example.com", "invalid_port"},
      {"ping://host:7", "invalid_port"},
      {"dns://example.com:53", "invalid_port"},
      {"dns://", "invalid_host"},
      {"heartbeat://host:80", "invalid_port"},
      {"tls://example.com#x", "invalid_target"},
      {"smtp://user@mx.example.com", "user_info"},
      {"FTP://host/", "unsupported_scheme"},
      {"file:///etc/passwd", "unsupported_scheme"},
  };
  for (const auto& row : kTable) EXPECT_EQ(code_of(row.text), row.code) << row.text;
  EXPECT_EQ(code_of(std::string("https://a.example/\0x", 20)), "invalid_target");
  EXPECT_EQ(code_of("https://a.example/" + std::string(2048, 'x')), "invalid_target");
  EXPECT_EQ(code_of("a.example/" + std::string(2035, 'x')), "invalid_target") << "too long once the scheme is there";
  EXPECT_EQ(code_of("https://" + std::string(64, 'x') + ".example/"), "invalid_host");
}

TEST(Target, OtherSpellingsOfIpv4AreRefused) {
  for (const char* host : {"0x7f.1", "127.1", "2130706433", "0177.0.0.1", "0x7f000001", "127.0.0.1.", "127.0.0.01",
                           "256.1.1.1", "1.2.3.4.5", "1.2.3", "127.0.0.0x1", "0", "0x", "a.1", "１２７.0.0.1",
                           "127。0。0。1", "⑫7.example\u00AD.com", "ex\u200Bample.com"}) {
    const auto result = canonical_host(host);
    if (std::string_view(host) == "127.0.0.1.") {
      ASSERT_TRUE(result);
      EXPECT_EQ(*result, "127.0.0.1");
      continue;
    }
    ASSERT_FALSE(result) << host << " was taken as " << *result;
    EXPECT_TRUE(result.error().what.starts_with("invalid_host: ")) << result.error().what;
  }
}

TEST(Host, LimitsOfNames) {
  EXPECT_TRUE(canonical_host(std::string(63, 'a')));
  EXPECT_FALSE(canonical_host(std::string(64, 'a')));
  std::string name;
  while (name.size() < 252) name += "a.";
  EXPECT_TRUE(canonical_host(name + "b"));
  EXPECT_FALSE(canonical_host(name + "bb"));
  EXPECT_FALSE(canonical_host("\xff.example"));
  EXPECT_FALSE(canonical_host("."));
}

TEST(Host, Ipv6IsPrintedByRfc5952) {
  const struct {
    const char *typed, *printed;
  } kTable[] = {{"::", "::"},
                {"::1", "::1"},
                {"1::", "1::"},
                {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
                {"2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"},
                {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
                {"1:0:0:0:0:0:0:0", "1::"},
                {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
                {"::ffff:c000:207", "::ffff:192.0.2.7"},
                {"0:0:0:0:0:ffff:1.2.3.4", "::ffff:1.2.3.4"},
                {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
                {"ABCD::", "abcd::"}};
  for (const auto& row : kTable) {
    const auto host = canonical_ipv6(row.typed);
    ASSERT_TRUE(host) << row.typed;
    EXPECT_EQ(*host, row.printed);
    EXPECT_EQ(*canonical_ipv6(*host), *host);
  }
  for (const char* text : {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
                           "12345::", "g::", "::1.2.3", "::1.2.3.256", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4",
                           ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "::1%eth0", " ::1", "1::2:3:4:5:6:7:8"}) {
    EXPECT_FALSE(canonical_ipv6(text)) << text;
  }
}

std::string resolved(const Target& base, std::string_view location) {
  const auto target = resolve_reference(base, location);
  return target ? target->url() : target_error(target.error()).code;
}

TEST(Redirect, FollowsRfc3986) {
  const Target base = *parse_target("http://a/b/c/d;p?q");
  const struct {
    const char *reference, *url;  // RFC 3986 5.4, fragments dropped
  } kTable[] = {
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g/"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q"},
      {"g#s", "http://a/b/c/g"},
      {"g?y#s", "http://a/b/c/g?y"},
      {";x", "http://a/b/c/;x"},
      {"g;x", "http://a/b/c/g;x"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"../../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {".g", "http://a/b/c/.g"},
      {"g..", "http://a/b/c/g.."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"https://other.example:8443/x", "https://other.example:8443/x"},
      {"HTTP://Other.example", "http://other.example/"},
      {"  /trimmed ", "http://a/trimmed"},
      {"/a b?c=\"d\"", "http://a/a%20b?c=%22d%22"},
      {"/100%", "http://a/100%25"},
      {"/\xC5\xBE", "http://a/%C5%BE"},
      {"//žluť.example/ž", "http://žluť.example/%C5%BE"},
      {"ftp://a/", "unsupported_scheme"},
      {"javascript:alert(1)", "unsupported_scheme"},
      {"file:///etc/passwd", "unsupported_scheme"},
      {"gopher://a/", "unsupported_scheme"},
      {"http:g", "invalid_target"},
      {"http:/g", "invalid_target"},
      {"http://", "invalid_host"},
      {"//", "invalid_host"},
      {"//user@b/", "user_info"},
      {"http://0x7f.1/", "invalid_host"},
      {"/a\\b", "invalid_target"},
      {"/a\r\nX: y", "invalid_target"},
      {"//b:0/", "invalid_port"},
  };
  for (const auto& row : kTable) EXPECT_EQ(resolved(base, row.reference), row.url) << row.reference;
  EXPECT_EQ(resolved(base, "/" + std::string(2047, 'x')), "invalid_target");
  EXPECT_EQ(resolved(base, std::string(3000, '.')), "invalid_target");
}

// Whatever bytes come, what is taken can be said back and taken again.
TEST(Target, RandomBytesRoundTripOrAreRefused) {
  std::mt19937 random(13);
  const std::string pieces[] = {"http",      "https", "://",  ":", "/", "//",   "[",    "]",  "::1",  "1.2.3.4",
                                "a.example", "@",     "?",    "#", "%", "%41",  ".",    "..", "8080", "\xC5\xBE",
                                " ",         "\\",    "0x7f", "|", "&", "smtp", "\x01", "{",  "-"};
  const Target base = *parse_target("https://base.example/x/y?z");
  int taken = 0;
  for (int i = 0; i < 40'000; ++i) {
    std::string text = random() % 2 == 0 ? "http://" : "";
    for (std::uint32_t n = random() % 8; n > 0; --n) text += pieces[random() % std::size(pieces)];
    for (const auto& target : {parse_target(text), resolve_reference(base, text)}) {
      if (!target) continue;
      ++taken;
      const auto again = parse_target(target->url());
      ASSERT_TRUE(again) << text << " → " << target->url() << ": " << again.error().what;
      ASSERT_EQ(*again, *target) << text;
      ASSERT_NE(target->port, 0);
      ASSERT_TRUE(target->path.starts_with('/'));
    }
  }
  EXPECT_GT(taken, 5'000);
}

}  // namespace
}  // namespace everup
