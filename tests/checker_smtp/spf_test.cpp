// SPF against zones of the test's own: the RFC's examples, its limits, and what stands for "not yet".
#include "checker/spf.h"

#include <gtest/gtest.h>

#include "tests/checker_smtp/zone.h"

namespace everup::checker::test {
namespace {

using net::Address;
using net::LookupFailure;
using net::RecordType;

class Spf : public ::testing::Test {
 protected:
  SpfVerdict from(const std::string& address, const std::string& sender = "strong-bad@email.example.test") {
    DnsFacts facts;
    const SpfQuestion question{*Address::parse(address), sender, "mx.example.test"};
    return zone.settle(facts, [&] { return check_spf(question, facts); });
  }
  std::string result(const std::string& record, const std::string& address = "192.0.2.3") {
    zone.texts["email.example.test"] = {record};
    const SpfVerdict verdict = from(address);
    return std::string(word(verdict.result)) + (verdict.matched.empty() ? "" : " by " + verdict.matched);
  }
  Zone zone;
};

TEST_F(Spf, TermsInOrder) {
  zone.addresses["email.example.test"] = {"192.0.2.10"};
  zone.addresses["mx1.example.test"] = {"192.0.2.3", "2001:db8::3"};
  zone.mx["email.example.test"] = {{10, "mx1.example.test"}};
  EXPECT_EQ(result("v=spf1 +all"), "pass by +all");
  EXPECT_EQ(result("v=spf1 a -all"), "fail by -all");
  EXPECT_EQ(result("v=spf1 a/24 -all"), "pass by a/24");
  EXPECT_EQ(result("v=spf1 mx -all"), "pass by mx");
  EXPECT_EQ(result("v=spf1 mx -all", "2001:db8::3"), "pass by mx");
  EXPECT_EQ(result("v=spf1 mx//64 -all", "2001:db8::4"), "pass by mx//64");
  EXPECT_EQ(result("v=spf1 mx//64 -all", "192.0.2.4"), "fail by -all");
  EXPECT_EQ(result("v=spf1 ip4:192.0.2.1/24 ~all"), "pass by ip4:192.0.2.1/24");
  EXPECT_EQ(result("v=spf1 ip4:198.51.100.0/24 ~all"), "softfail by ~all");
  EXPECT_EQ(result("v=spf1 ip6:2001:db8::/32 -all", "2001:db8:1::1"), "pass by ip6:2001:db8::/32");
  EXPECT_EQ(result("v=spf1 ip4:0.0.0.0/0 -all", "2001:db8::1"), "fail by -all") << "families do not mix";
  EXPECT_EQ(result("v=spf1 ?all"), "neutral by ?all");
  EXPECT_EQ(result("v=spf1"), "neutral");
  EXPECT_EQ(result("V=SPF1 A:MX1.EXAMPLE.TEST -ALL"), "pass by A:MX1.EXAMPLE.TEST");
}

TEST_F(Spf, IncludeRedirectAndWhatTheyMean) {
  zone.texts["pass.example.test"] = {"v=spf1 ip4:192.0.2.0/24 -all"};
  zone.texts["fail.example.test"] = {"v=spf1 -all"};
  zone.texts["broken.example.test"] = {"v=spf1 bogus"};
  zone.texts["twice.example.test"] = {"v=spf1 -all", "v=spf1 +all"};
  EXPECT_EQ(result("v=spf1 include:pass.example.test -all"), "pass by include:pass.example.test, ip4:192.0.2.0/24");
  EXPECT_EQ(result("v=spf1 include:fail.example.test ?all"), "neutral by ?all") << "a fail inside is no fail outside";
  EXPECT_EQ(result("v=spf1 include:broken.example.test +all"), "permerror");
  EXPECT_EQ(result("v=spf1 include:none.example.test +all"), "permerror");
  EXPECT_EQ(result("v=spf1 redirect=pass.example.test"), "pass by ip4:192.0.2.0/24");
  EXPECT_EQ(result("v=spf1 redirect=none.example.test"), "permerror");
  EXPECT_EQ(result("v=spf1 ?all redirect=pass.example.test"), "neutral by ?all");
  EXPECT_EQ(from("192.0.2.3", "a@twice.example.test").result, SpfResult::kPermError);
  EXPECT_EQ(from("192.0.2.3", "a@none.example.test").result, SpfResult::kNone);
  zone.failing.insert("pass.example.test");
  EXPECT_EQ(result("v=spf1 include:pass.example.test -all"), "temperror");
  EXPECT_EQ(result("v=spf1 ip4:192.0.2.0/24 include:pass.example.test"), "pass by ip4:192.0.2.0/24") << "not asked";
}

TEST_F(Spf, ExistsAndPtr) {
  zone.addresses["3.2.0.192.in-addr._spf.example.test"] = {"127.0.0.2"};
  EXPECT_EQ(result("v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all"), "pass by exists:%{ir}.%{v}._spf.%{d2}");
  zone.names["3.2.0.192.in-addr.arpa"] = {"other.example.net", "host.email.example.test"};
  zone.addresses["host.email.example.test"] = {"192.0.2.3"};
  EXPECT_EQ(result("v=spf1 ptr -all"), "pass by ptr");
  zone.addresses["host.email.example.test"] = {"192.0.2.99"};
  EXPECT_EQ(result("v=spf1 ptr -all"), "fail by -all") << "a name alone proves nothing";
}

TEST_F(Spf, TenLookupsTwoVoids) {
  std::string record = "v=spf1";
  for (int i = 0; i < 10; ++i) {
    zone.addresses["h" + std::to_string(i) + ".test"] = {"198.51.100.1"};
    record += " a:h" + std::to_string(i) + ".test";
  }
  EXPECT_EQ(result(record + " +all"), "pass by +all");
  EXPECT_EQ(from("192.0.2.3").lookups, 10);
  EXPECT_EQ(result(record + " a:h0.test +all"), "permerror");
  EXPECT_EQ(result("v=spf1 a:x1.test a:x2.test +all"), "pass by +all");
  EXPECT_EQ(from("192.0.2.3").voids, 2);
  EXPECT_EQ(result("v=spf1 a:x1.test a:x2.test a:x3.test +all"), "permerror");
  zone.texts["loop.test"] = {"v=spf1 include:loop.test -all"};
  EXPECT_EQ(from("192.0.2.3", "a@loop.test").result, SpfResult::kPermError);
  for (int i = 0; i < 11; ++i) zone.mx["email.example.test"].push_back({10, "h0.test"});
  EXPECT_EQ(result("v=spf1 mx +all"), "permerror");
}

TEST_F(Spf, WhatTheWholeRecordCosts) {
  const auto cost = [&](const std::string& record) {
    zone.texts["example.test"] = {record};
    DnsFacts facts;
    return zone.settle(facts, [&] { return spf_cost("example.test", facts); });
  };
  zone.texts["two.test"] = {"v=spf1 a mx -all"};
  EXPECT_EQ(cost("v=spf1 ip4:192.0.2.0/24 -all"), 0);
  EXPECT_EQ(cost("v=spf1 include:two.test include:two.test a exists:%{i}.test -all"), 8);
  EXPECT_EQ(cost("v=spf1 redirect=two.test"), 3);
  EXPECT_EQ(cost("v=spf1 -all redirect=two.test"), 0);
  EXPECT_EQ(cost("v=spf1 include:example.test -all"), kSpfCostMax) << "a loop ends";
}

// RFC 7208, 7.4.
TEST_F(Spf, Macros) {
  const SpfQuestion four{*Address::parse("192.0.2.3"), "strong-bad@email.example.com", "mx.example.org"};
  const SpfQuestion six{*Address::parse("2001:db8::cb01"), "strong-bad@email.example.com", "mx.example.org"};
  const auto expand = [](const char* text, const SpfQuestion& question) {
    const auto out = expand_spf(text, {question, "email.example.com"});
    return out.ok() ? *out : "error";
  };
  const std::pair<const char*, const char*> cases[] = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
      {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
      {"%%%_%-", "% %20"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(expand(text, four), wanted) << text;
  EXPECT_EQ(expand("%{ir}.%{v}._spf.%{d2}", six),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
  for (const char* wrong : {"%", "%{", "%{}", "%{z}", "%{d0}", "%{d999}", "%{d*}", "%x", "\x01", "%{dr"})
    EXPECT_EQ(expand(wrong, four), "error") << wrong;
}

TEST_F(Spf, RecordsThatAreNone) {
  for (const char* wrong :
       {"v=spf1 bogus", "v=spf1 all:x.test", "v=spf1 include", "v=spf1 include:", "v=spf1 a/33", "v=spf1 a//129",
        "v=spf1 a/", "v=spf1 ip4", "v=spf1 ip4:192.0.2", "v=spf1 ip4:192.0.2.1/33", "v=spf1 ip6:192.0.2.1",
        "v=spf1 exists", "v=spf1 include:test", "v=spf1 include:a.123", "v=spf1 redirect=a.test redirect=b.test",
        "v=spf1 exp=%{d", "v=spf1 a:%(d).test", "v=spf1 --all", "v=spf1 -"})
    EXPECT_FALSE(parse_spf(wrong).ok()) << wrong;
  EXPECT_FALSE(is_spf("v=spf10 -all"));
  EXPECT_FALSE(is_spf("v=spf"));
  EXPECT_TRUE(parse_spf("v=spf1 unknown-modifier=%{d} -all").ok());
  EXPECT_TRUE(parse_spf("v=spf1  a:x.test./24//64   -all ").ok());
}

// Nothing is asked twice, and a domain that never ends is ended.
TEST_F(Spf, QuestionsHaveALimit) {
  DnsFacts facts;
  EXPECT_EQ(facts.find("a.test", RecordType::kA), nullptr);
  EXPECT_EQ(facts.find("A.test.", RecordType::kA), nullptr);
  EXPECT_EQ(facts.take_wanted().size(), 1u);
  for (std::size_t i = 1; i < DnsFacts::kQuestionsMax; ++i) facts.find(std::to_string(i) + ".test", RecordType::kA);
  const auto* answer = facts.find("more.test", RecordType::kA);
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->failure, LookupFailure::kUnavailable);
}

}  // namespace
}  // namespace everup::checker::test
