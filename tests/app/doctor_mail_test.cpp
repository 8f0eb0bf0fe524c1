// `everup doctor mail` and the settings behind it, as people type them, against smtp-sink.
#include "app/alerting.h"

#include <gtest/gtest.h>

#include "tests/app/service.h"
#include "tests/checker_smtp/postfix.h"
#include "tests/paths.h"

namespace everup::app {
namespace {

using test::SmtpSink;

std::string relay(std::uint16_t port) { return "smtp://127.0.0.1:" + std::to_string(port) + "?starttls=never "; }

TEST(DoctorMailTest, ShowsTheDialogueWithEveryRelay) {
  SmtpSink good, full({"-f", "rcpt", "-B", "550 5.4.5 Daily quota"});
  test::Environment environment{{"EVERUP_SMTP_RELAYS", relay(good.port())},
                                {"EVERUP_MAIL_FROM", "Everup <alerts@watch.example>"}};
  const auto [status, text] = test::run_everup({"doctor", "mail", "--to", "ops@example.test"}, environment);
  EXPECT_EQ(status, 0) << text;
  for (const char* part : {"=== smtp://127.0.0.1:", "< 220 sink.test ESMTP", "> EHLO watch.example",
                           "> MAIL FROM:<alerts@watch.example>", "> RCPT TO:<ops@example.test>", "ok   250 "})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;

  environment["EVERUP_SMTP_RELAYS"] = relay(full.port()) + relay(good.port());
  const auto [worse, both] = test::run_everup({"doctor", "mail", "--to", "ops@example.test", "--json"}, environment);
  EXPECT_EQ(worse, 1) << both;
  const auto json = test::Json::parse(both);
  EXPECT_EQ(json["from"], "Everup <alerts@watch.example>");
  EXPECT_EQ(json["relays"][0]["taken"], false);
  EXPECT_EQ(json["relays"][0]["reply"], "RCPT: 550 5.4.5 Daily quota");
  EXPECT_EQ(json["relays"][1]["taken"], true);
  EXPECT_TRUE(json["relays"][1]["tls"].is_null());
}

TEST(DoctorMailTest, WhatIsWrongWithTheSettingsIsNamed) {
  const auto [none, words] = test::run_everup({"doctor", "mail", "--to", "ops@example.test"}, {});
  EXPECT_EQ(none, 78);
  EXPECT_NE(words.find("EVERUP_SMTP_RELAYS"), std::string::npos) << words;
  const auto [unreadable, why] = test::run_everup({"doctor", "mail", "--to", "ops@example.test"},
                                                  {{"EVERUP_SMTP_RELAYS", "smtp://u:hunter2@a.example"}});
  EXPECT_EQ(unreadable, 78);
  EXPECT_NE(why.find("EVERUP_SMTP_RELAYS"), std::string::npos) << why;
  EXPECT_NE(why.find("relay 1: a password does not belong into the URL"), std::string::npos) << why;
  EXPECT_EQ(why.find("hunter2"), std::string::npos) << why;
  const auto [sender, what] = test::run_everup({"config", "check"}, {{"EVERUP_MAIL_FROM", "nobody"}});
  EXPECT_EQ(sender, 78);
  EXPECT_NE(what.find("EVERUP_MAIL_FROM"), std::string::npos) << what;
  const auto [usage, to] =
      test::run_everup({"doctor", "mail", "--to", "nobody"}, {{"EVERUP_SMTP_RELAYS", relay(test::free_port())}});
  EXPECT_EQ(usage, 2);
  EXPECT_NE(to.find("the recipient is not a mail address"), std::string::npos) << to;
}

TEST(DoctorMailTest, TheSenderIsTheFirstRelaysUserUnlessItIsSaid) {
  const auto sender = [](const std::map<std::string, std::string, std::less<>>& flags) {
    const auto settings = Settings::read({flags, [](const std::string&) -> const char* { return nullptr; }, ""});
    EXPECT_TRUE(settings) << settings.error().what;
    const auto mail = mail_settings(*settings);
    EXPECT_TRUE(mail) << mail.error().what;
    return mail ? mail->from : std::string();
  };
  EXPECT_EQ(sender({{"SMTP_RELAYS", "smtp://alerts%40example.com@smtp.gmail.com?password_file=/p"}}),
            "Everup <alerts@example.com>");
  EXPECT_EQ(sender({{"SMTP_RELAYS", "smtp://a.example"}, {"EHLO_NAME", "watch.example"}}),
            "Everup <everup@watch.example>");
  EXPECT_EQ(sender({{"MAIL_FROM", "me@b.example"}}), "me@b.example");
}

}  // namespace
}  // namespace everup::app
