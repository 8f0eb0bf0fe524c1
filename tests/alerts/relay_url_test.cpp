#include "alerts/relay_url.h"

#include <gtest/gtest.h>

namespace everup::alerts::test {
namespace {

std::string complaint(const std::string& text) {
  const auto relays = parse_relays(text);
  return relays ? std::string() : relays.error().what;
}

TEST(RelayUrl, TheDocumentedOnesAreRead) {
  const auto relays = parse_relays(
      "smtp://alerts%40example.com@smtp.gmail.com:587?starttls=require&password_file=/etc/everup/gmail&per_day=500\n"
      "  smtps://mail.example.com?user_ignored=1");
  ASSERT_FALSE(relays);
  const auto good = parse_relays(
      "smtp://alerts%40example.com@SMTP.gmail.com:587?starttls=require&password_file=/etc/everup/gmail&per_day=500\n"
      "smtps://mail.example.com smtp://[::1]:2525?starttls=never "
      "smtp://bot@relay.example?auth=xoauth2&password_file=/run/token&cert_file=/a.crt&key_file=/a.key&ehlo=a.example");
  ASSERT_TRUE(good) << good.error().what;
  ASSERT_EQ(good->size(), 4U);
  const RelayUrl& gmail = (*good)[0];
  EXPECT_EQ(gmail.host, "smtp.gmail.com");
  EXPECT_EQ(gmail.port, 587);
  EXPECT_EQ(gmail.user, "alerts@example.com");
  EXPECT_EQ(gmail.password_file, "/etc/everup/gmail");
  EXPECT_EQ(gmail.starttls, StartTls::kRequire);
  EXPECT_EQ(gmail.per_day, 500);
  EXPECT_EQ(gmail.shown(), "smtp://smtp.gmail.com:587");
  EXPECT_EQ((*good)[1].shown(), "smtps://mail.example.com:465");
  EXPECT_EQ((*good)[1].starttls, StartTls::kRequire);
  EXPECT_EQ((*good)[2].shown(), "smtp://[::1]:2525");
  EXPECT_EQ((*good)[2].starttls, StartTls::kNever);
  EXPECT_EQ((*good)[3].port, 587);
  EXPECT_EQ((*good)[3].auth, RelayAuth::kXoauth2);
  EXPECT_EQ((*good)[3].ehlo, "a.example");
}

TEST(RelayUrl, NothingMeansNoRelays) {
  const auto none = parse_relays(" \n ");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST(RelayUrl, AMistakeIsNamedWithItsPlaceAndWhatIsAllowed) {
  EXPECT_EQ(complaint("smtp://a.example gmail.com"),
            "EVERUP_SMTP_RELAYS, relay 2: a relay begins with smtp:// or smtps://");
  const std::string secret = complaint("smtp://user:hunter2@a.example");
  EXPECT_NE(secret.find("password_file=/path"), std::string::npos);
  EXPECT_EQ(secret.find("hunter2"), std::string::npos);
  for (const auto& [text, words] : std::vector<std::pair<std::string, std::string>>{
           {"smtp://a.example?starttls=maybe", "starttls must be one of: require, try, never"},
           {"smtp://a.example?starttls=never", "starttls=never is for loopback only"},
           {"smtp://u@a.example?starttls=try&password_file=/p", "might send the password in clear"},
           {"smtps://a.example?starttls=require", "leave starttls out"},
           {"smtp://u@a.example", "a user and password_file go together"},
           {"smtp://a.example?password_file=/p", "a user and password_file go together"},
           {"smtp://a.example?cert_file=/p", "cert_file and key_file go together"},
           {"smtp://u@a.example?password_file=p", "password_file must be an absolute path"},
           {"smtp://a.example?per_day=0", "per_day must be between 1 and 10000000"},
           {"smtp://a.example?per_day=5x", "per_day must be between"},
           {"smtp://a.example?color=red", "unknown option color; there are starttls"},
           {"smtp://a.example?auth", "option auth needs a value"},
           {"smtp://a.example?auth=plain&auth=login", "stands there twice"},
           {"smtp://a.example:0", "the port must be between 1 and 65535"},
           {"smtp://a.example:x", "the port must be between 1 and 65535"},
           {"smtp://a.example/path", "only ?options may stand"},
           {"smtp://[::1", "an IPv6 address ends with ]"},
           {"smtp://", "invalid_host"},
           {"smtp://u%0d%0a@a.example?password_file=/p", "percent-encoded"},
           {"smtp://a.example?ehlo=a%20b", "ehlo must be a host name"}}) {
    const std::string said = complaint(text);
    EXPECT_TRUE(said.starts_with("EVERUP_SMTP_RELAYS, relay 1: ")) << text << ": " << said;
    EXPECT_NE(said.find(words), std::string::npos) << text << ": " << said;
  }
  std::string many;
  for (int i = 0; i < 17; ++i) many += "smtp://a.example ";
  EXPECT_EQ(complaint(many), "EVERUP_SMTP_RELAYS, relay 17: at most 16 are allowed");
}

}  // namespace
}  // namespace everup::alerts::test
