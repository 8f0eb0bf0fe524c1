#include "alerts/safe_text.h"

#include <gtest/gtest.h>

#include "core/utf8.h"
#include "tests/alerts/samples.h"

namespace everup::alerts::test {
namespace {

TEST(SafeText, WhateverComesInOneShortPrintableLineGoesOut) {
  for (const std::string& text : hostile_texts()) {
    for (const std::size_t most : {4U, 5U, 20U, 160U}) {
      const std::string line = one_line(text, most);
      EXPECT_TRUE(plain_text(line)) << line;
      EXPECT_LE(line.size(), most);
    }
  }
  EXPECT_EQ(one_line("  two \t words\r\n", 80), "two words");
  EXPECT_EQ(one_line("exactly", 7), "exactly");
  EXPECT_EQ(one_line("too long", 7), "too …");
  EXPECT_EQ(one_line("\xC3\xA4\xC3\xA4\xC3\xA4", 5), "\xC3\xA4…");
}

TEST(SafeText, AnAddressThatWouldNeedQuotingIsNone) {
  for (const char* good : {"a@b", "ops+shop@example.test", "o'neil@mail.example.co"})
    EXPECT_TRUE(is_mail_address(good)) << good;
  for (const char* bad : {"", "@b", "a@", "a@b@c", "a b@c", "a@b c", "a@b>", "<a@b", "a,b@c", "a@b\r\nRCPT TO:<x@y>",
                          "\"a\"@b", ".a@b", "a..b@c", "a@b..c", "a@.b", "a@[192.0.2.1]", "ä@b"})
    EXPECT_FALSE(is_mail_address(bad)) << bad;
  for (const std::string& text : hostile_texts()) EXPECT_FALSE(is_mail_address(text + "@example.test")) << text;
  EXPECT_EQ(address_part("Everup <alerts@example.com>"), "alerts@example.com");
  EXPECT_EQ(address_part("Everup <alerts@example.com> x"), "");
  EXPECT_EQ(name_part("\"Everup\r\n\" <alerts@example.com>"), "Everup");
}

TEST(SafeText, LinksAndHeaderFieldsHaveAGrammar) {
  EXPECT_TRUE(is_link("https://watch.example/u/AbC?x=1&y=%20"));
  for (const char* bad : {"javascript:alert(1)", "https://a b", "https://a\r\nX: y", "https://a\"", "https://a>b", ""})
    EXPECT_FALSE(is_link(bad)) << bad;
  EXPECT_TRUE(is_header_name("X-Token"));
  EXPECT_FALSE(is_header_name("X Token"));
  EXPECT_FALSE(is_header_name("X:"));
  EXPECT_TRUE(is_header_value("Bearer abc"));
  EXPECT_FALSE(is_header_value("a\r\nX: y"));
  EXPECT_TRUE(is_message_id("dlv.1@watch.example"));
  EXPECT_FALSE(is_message_id("dlv.1@watch.example>\r\nBcc: x"));
  EXPECT_EQ(shown_host("https://user:word@hooks.example:8443/services/T000/B000"), "hooks.example:8443");
}

}  // namespace
}  // namespace everup::alerts::test
