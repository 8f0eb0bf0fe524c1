// DKIM, DMARC, MTA-STS and TLS-RPT as they are published, well and badly; and the corpus of their fuzzer.
#include "checker/mail_records.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/fuzz/mail_records_outcome.h"
#include "tests/paths.h"
#include "tests/support/tempdir.h"

namespace everup::checker {
namespace {

constexpr const char* kRsa1024 =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/"
    "zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uB"
    "ItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

TEST(MailRecords, DkimKeys) {
  const auto rsa = parse_dkim(std::string("v=DKIM1; k=rsa; t=y:s; p=") + kRsa1024);  // RFC 6376, appendix C
  ASSERT_TRUE(rsa.ok());
  EXPECT_EQ(rsa->bits, 1024);
  EXPECT_TRUE(rsa->testing);
  EXPECT_FALSE(rsa->revoked || rsa->sha1_only);
  std::string folded = kRsa1024;
  folded.insert(40, " \t");
  EXPECT_TRUE(parse_dkim("p=" + folded).ok()) << "white space inside, and no version";
  const auto ed = parse_dkim("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");  // RFC 8463
  ASSERT_TRUE(ed.ok());
  EXPECT_EQ(ed->algorithm, DkimKey::Algorithm::kEd25519);
  ASSERT_TRUE(parse_dkim("v=DKIM1; p=").ok());
  EXPECT_TRUE(parse_dkim("v=DKIM1; p=")->revoked);
  EXPECT_TRUE(parse_dkim(std::string("h=sha1; p=") + kRsa1024)->sha1_only);
  EXPECT_FALSE(parse_dkim(std::string("h=sha1:sha256; p=") + kRsa1024)->sha1_only);
  for (const char* wrong : {"v=DKIM1", "p=====", "p=AAAA", "k=ed25519; p=AAAA",
                            "k=rsa; v=DKIM1; p=", "v=DKIM2; p=", "v=DKIM1; p; p=", "s=web; p="})
    EXPECT_FALSE(parse_dkim(wrong).ok()) << wrong;
}

TEST(MailRecords, Dmarc) {
  const auto full =
      parse_dmarc("v=DMARC1; p=quarantine; sp=reject; pct=50; adkim=s; aspf=r; rua=mailto:a@b.test; psd=n");
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->policy, Dmarc::Policy::kQuarantine);
  EXPECT_EQ(full->subdomains, Dmarc::Policy::kReject);
  EXPECT_TRUE(full->strict_dkim && !full->strict_spf && full->reports && full->psd == 'n');
  EXPECT_EQ(full->percent, 50);
  EXPECT_EQ(parse_dmarc("v=DMARC1; rua=mailto:a@b.test")->policy, Dmarc::Policy::kNone) << "RFC 7489, 6.6.3";
  for (const char* wrong :
       {"v=DMARC1", "v=dmarc1; p=none", "p=none; v=DMARC1", "v=DMARC1; p=maybe", "v=DMARC1; p=none; p=none"})
    EXPECT_FALSE(parse_dmarc(wrong).ok()) << wrong;
  EXPECT_TRUE(is_dmarc("v=DMARC1 ; p=none"));
  EXPECT_FALSE(is_dmarc("v=DMARC10; p=none"));
}

TEST(MailRecords, MtaSts) {
  EXPECT_EQ(*parse_sts_id("v=STSv1; id=20160831085700Z;"), "20160831085700Z");
  for (const char* wrong : {"v=STSv1", "v=STSv1; id=", "v=STSv1; id=a-b", "id=1; v=STSv1"})
    EXPECT_FALSE(parse_sts_id(wrong).ok()) << wrong;
  const auto policy = parse_sts_policy(  // RFC 8461, 3.2
      "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n");
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(policy->mode, StsPolicy::Mode::kEnforce);
  EXPECT_EQ(policy->max_age_s, 604800);
  EXPECT_TRUE(policy->covers("mail.example.com"));
  EXPECT_TRUE(policy->covers("MX1.example.net."));
  EXPECT_FALSE(policy->covers("a.b.example.net"));
  EXPECT_FALSE(policy->covers("example.net"));
  for (const char* wrong :
       {"", "mode: enforce\nmx: a.test\nmax_age: 1", "version: STSv1\nmode: on\nmx: a.test\nmax_age: 1",
        "version: STSv1\nmode: enforce\nmax_age: 1", "version: STSv1\nmode: enforce\nmx: a.test",
        "version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 31557601"})
    EXPECT_FALSE(parse_sts_policy(wrong).ok()) << wrong;
  EXPECT_TRUE(parse_sts_policy("version: STSv1\nmode: none\nmax_age: 0\n").ok());
}

TEST(MailRecords, TlsReports) {
  EXPECT_EQ(parse_tls_rpt("v=TLSRPTv1; rua=mailto:a@b.test,https://b.test/r")->size(), 2u);
  for (const char* wrong : {"v=TLSRPTv1", "v=TLSRPTv1; rua=", "v=TLSRPTv1; rua=ftp://b.test", "rua=mailto:a@b.test"})
    EXPECT_FALSE(parse_tls_rpt(wrong).ok()) << wrong;
}

TEST(MailRecords, Corpus) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(EVERUP_SOURCE_DIR "/tests/fuzz/mail_records_corpus")) {
    const std::string bytes = everup::test::read_file(entry.path().string());
    EXPECT_EQ(fuzz::mail_records_outcome(bytes), fuzz::mail_records_outcome(bytes)) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 25u);
}

}  // namespace
}  // namespace everup::checker
