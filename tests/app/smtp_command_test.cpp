// `everup smtp` and `everup check smtp://` as people type them, against smtp-sink.
#include "app/smtp_command.h"

#include <gtest/gtest.h>

#include "tests/app/service.h"
#include "tests/checker_smtp/postfix.h"
#include "tests/paths.h"

namespace everup::app {
namespace {

using test::SmtpSink;
using test::TempDir;

const test::Environment kAs{{"EVERUP_EHLO_NAME", "probe.test"}};

std::string at(const SmtpSink& sink) { return "127.0.0.1:" + std::to_string(sink.port()); }

TEST(SmtpCommandTest, ShowsTheDialogueWithMarksAndNotes) {
  SmtpSink sink;
  const auto [status, text] =
      test::run_everup({"smtp", at(sink), "--from", "alice@sender.test", "--to", "bob@example.test"}, kAs);
  EXPECT_EQ(status, 0) << text;
  std::size_t place = 0;
  for (const char* part :
       {"=== connecting to 127.0.0.1:", "<-  220 sink.test ESMTP", " -> EHLO probe.test", "RFC 5321, 4.1.1.1",
        "<-  250-PIPELINING", "takes several commands at once", "=== STARTTLS is not offered",
        " -> MAIL FROM:<alice@sender.test>", " -> RCPT TO:<bob@example.test>", "<-  250 2.1.5 Ok", " -> RSET",
        " -> QUIT", "<-  221 Bye", "ms took RCPT (250)", "SMTP OK - 250 in "}) {
    const std::size_t found = text.find(part, place);
    ASSERT_NE(found, std::string::npos) << part << " is missing or out of order in:\n" << text;
    place = found;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << "no colour where there is no terminal";
}

TEST(SmtpCommandTest, TheWholeTestAsJson) {
  SmtpSink sink({"-r", "rcpt"});
  const auto [status, text] = test::run_everup({"smtp", at(sink), "--to", "bob@example.test", "--json"}, kAs);
  EXPECT_EQ(status, 1) << text;
  const auto json = test::Json::parse(text);
  EXPECT_EQ(json["verdict"], "degraded");
  EXPECT_EQ(json["cause"], "smtp_greylisted");
  EXPECT_EQ(json["detail"], "RCPT: 450 4.3.0 Error: command failed");
  EXPECT_EQ(json["stopped_at"], "RCPT");
  EXPECT_EQ(json["code"], 450);
  EXPECT_EQ(json["enhanced"], "4.3.0");
  EXPECT_TRUE(json["tls"].is_null());
  EXPECT_EQ(json["capabilities"][0], "8BITMIME");
  EXPECT_EQ(json["steps"][1]["step"], "BANNER");
  EXPECT_EQ(json["steps"][1]["code"], 220);
  const auto& line = json["transcript"][1];
  EXPECT_EQ(line["dir"], "in");
  EXPECT_EQ(line["tls"], false);
  EXPECT_EQ(line["text"], "220 sink.test ESMTP");
  EXPECT_EQ(line["note"], "ready (RFC 5321, 4.2.3)");
}

TEST(SmtpCommandTest, ADeliveryOnlyWhenAsked) {
  SmtpSink sink;
  EXPECT_EQ(test::run_everup({"smtp", at(sink), "--to", "bob@example.test", "--stop-after", "DATA"}, kAs).first, 3);
  const auto [status, text] =
      test::run_everup({"smtp", at(sink), "--to", "bob@example.test", "--send", "--brief"}, kAs);
  EXPECT_EQ(status, 0) << text;
  EXPECT_NE(text.find(" -> Subject: Everup: test of this mail server"), std::string::npos) << text;
  EXPECT_EQ(text.find("RFC"), std::string::npos) << "brief is without notes";
}

TEST(SmtpCommandTest, SecretsAreReadFromAFileAndNeverShown) {
  SmtpSink sink;
  const TempDir dir;
  const std::string file = dir.write("secret", "open sesame\n");
  const auto refused = test::run_everup({"smtp", at(sink), "--auth-user", "bob", "--auth-password-file", file}, kAs);
  EXPECT_EQ(refused.first, 2) << refused.second;
  EXPECT_NE(refused.second.find("credentials are not sent without TLS"), std::string::npos) << refused.second;
  EXPECT_EQ(refused.second.find("sesame"), std::string::npos);
  EXPECT_EQ(test::run_everup({"smtp", at(sink), "--auth-user", "bob"}, kAs).first, 3);
}

TEST(SmtpCommandTest, WrongUsageIsUnknown) {
  EXPECT_EQ(test::run_everup({"smtp"}, kAs).first, 3);
  EXPECT_EQ(test::run_everup({"smtp", "https://example.test/"}, kAs).first, 3);
  EXPECT_EQ(test::run_everup({"smtp", "mx.test", "--stop-after", "LUNCH"}, kAs).first, 3);
  EXPECT_EQ(test::run_everup({"smtp", "mx.test", "--send"}, kAs).first, 3);
  EXPECT_EQ(test::run_everup({"smtp", "mx.test", "--to", "a@b> SIZE=1"}, kAs).first, 3);
  EXPECT_EQ(test::run_everup({"smtp", "--help"}, kAs).first, 0);
}

TEST(SmtpCommandTest, CheckAsksMailServersToo) {
  SmtpSink sink({"-f", "ehlo"});
  const auto [status, text] = test::run_everup({"check", "smtp://" + at(sink) + "/"}, kAs);
  EXPECT_EQ(status, 0) << text;  // 500 to EHLO: HELO does
  EXPECT_TRUE(text.starts_with("SMTP OK - 250 in ")) << text;
}

}  // namespace
}  // namespace everup::app
