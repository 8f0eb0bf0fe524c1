// `everup mail` as people type it, against dnsmasq.
#include "app/mail_command.h"

#include <gtest/gtest.h>

#include "tests/app/service.h"
#include "tests/paths.h"
#include "tests/support/dnsmasq.h"

namespace everup::app {
namespace {

using test::Child;

std::pair<int, std::string> everup(const test::Dnsmasq& names, std::vector<std::string> words,
                                   const std::string& lists = "") {
  words.insert(words.begin(), {EVERUP_BINARY, "mail"});
  Child::Options options;
  options.environment = {{"EVERUP_DNS_SERVERS", "127.0.0.1:" + std::to_string(names.port())},
                         {"EVERUP_DNSBL_ZONES", lists}};
  Child child(std::move(words), options);
  child.close_input();
  const auto status = child.wait();
  return {status.value_or(-1), child.all_output(std::chrono::seconds(5))};
}

TEST(MailCommandTest, FindingsMeaningsAndExitCodes) {
  const test::Dnsmasq names({"--local=/test/", "--local=/arpa/", "--mx-host=example.test,mail.example.test,10",
                             "--txt-record=example.test,v=spf1 ip4:192.0.2.25 -all",
                             "--txt-record=_dmarc.example.test,v=DMARC1; p=reject; rua=mailto:d@example.test",
                             "--host-record=mail.example.test,192.0.2.25",
                             "--host-record=25.2.0.192.refuses.test,127.255.255.254"});
  const auto [fine, text] = everup(names, {"example.test", "--address", "192.0.2.25", "--helo", "mail.example.test"});
  EXPECT_EQ(fine, 0) << text;
  for (const char* part : {"good     spf       192.0.2.25 gets \"pass\" by \"ip4:192.0.2.25\"",
                           "advice   mta_sts   no record", "publish: _mta-sts.example.test. TXT",
                           "good     ptr       192.0.2.25 is mail.example.test", "example.test: up ("})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_EQ(everup(names, {"example.test", "--address", "198.51.100.1"}).first, 2) << "SPF says fail";
  EXPECT_EQ(everup(names, {"example.test", "--address", "192.0.2.25"}, "refuses.test").first, 3)
      << "a refused question is unknown, not a listing";
  const auto [json_status, json] = everup(names, {"example.test", "--json"});
  EXPECT_EQ(json_status, 0) << json;
  EXPECT_EQ(test::Json::parse(json)["organisational_domain"], "example.test");
  const auto [wrong, words] = everup(names, {"not a domain", "--address", "mx"});
  EXPECT_EQ(wrong, 3);
  EXPECT_NE(words.find("everup mail: domain: must be"), std::string::npos) << words;
  EXPECT_NE(words.find("everup mail: address: must be"), std::string::npos) << words;
}

}  // namespace
}  // namespace everup::app
