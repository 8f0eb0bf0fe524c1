// The deliverability view: its judgements against zones in memory, and the whole of it against a real name server.
#include "checker/deliverability.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "checker/deliverability_json.h"
#include "checker/make_probe.h"
#include "net/address_policy.h"
#include "net/clock.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "tests/checker_smtp/zone.h"
#include "tests/support/dnsmasq.h"

namespace everup::checker::test {
namespace {

constexpr const char* kKey =
    "v=DKIM1; k=rsa; "
    "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4j"
    "YfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/"
    "NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

// "level check: found", one a finding.
std::vector<std::string> lines(const MailView& view, std::string_view check = {}) {
  std::vector<std::string> out;
  for (const MailFinding& one : view.findings) {
    EXPECT_FALSE(one.means.empty()) << one.found;
    if (check.empty() || one.check == check)
      out.push_back(std::string(word(one.level)) + " " + one.check + ": " + one.found);
  }
  return out;
}
using Lines = std::vector<std::string>;

class Deliverability : public ::testing::Test {
 protected:
  Deliverability() {
    question.domain = question.mail_from = "example.test";
    question.address = net::Address::parse("192.0.2.25");
    question.selectors = {"s1"};
    zone.mx["example.test"] = {{10, "mx.example.test"}};
    zone.texts["example.test"] = {"v=spf1 ip4:192.0.2.0/24 -all", "something else"};
    zone.texts["s1._domainkey.example.test"] = {kKey};
    zone.texts["_dmarc.example.test"] = {"v=DMARC1; p=reject; rua=mailto:d@example.test"};
    zone.texts["_mta-sts.example.test"] = {"v=STSv1; id=1"};
    zone.texts["_smtp._tls.example.test"] = {"v=TLSRPTv1; rua=mailto:t@example.test"};
    zone.names["25.2.0.192.in-addr.arpa"] = {"mail.example.test"};
    zone.addresses["mail.example.test"] = {"192.0.2.25"};
    file.fetched = true;
    file.body = "version: STSv1\nmode: enforce\nmx: *.example.test\nmax_age: 604800\n";
  }
  MailView view() {
    DnsFacts facts;
    return zone.settle(facts, [&] { return judge_mail(question, facts, file); });
  }
  Zone zone;
  MailQuestion question;
  StsFile file;
};

TEST_F(Deliverability, NothingStandsAgainstIt) {
  const MailView all = view();
  EXPECT_EQ(all.verdict, Verdict::kUp);
  EXPECT_EQ(
      lines(all),
      (Lines{
          "good mx: 1 mail hosts, first mx.example.test", "good spf: 192.0.2.25 gets \"pass\" by \"ip4:192.0.2.0/24\"",
          "good spf: 0 of at most 10 lookups", "advice dkim: s1._domainkey.example.test: RSA, 1024 bits",
          "good dmarc: policy reject", "good alignment: SPF passes for example.test, which is aligned",
          "good mta_sts: mode enforce, every mail host is named", "good tls_rpt: reports go to mailto:t@example.test",
          "good ptr: 192.0.2.25 is mail.example.test, and mail.example.test is 192.0.2.25"}));
  EXPECT_EQ(all.organisation, "example.test");
}

TEST_F(Deliverability, ADomainWithNothing) {
  zone = {};
  const MailView all = view();
  EXPECT_EQ(all.verdict, Verdict::kDown);
  EXPECT_EQ(lines(all),
            (Lines{"problem mx: example.test does not exist",
                   "warning spf: 192.0.2.25 gets \"none\": example.test has no SPF record",
                   "problem dkim: s1._domainkey.example.test: no key", "warning dmarc: no record",
                   "problem alignment: neither SPF passes nor is there a usable DKIM key", "advice mta_sts: no record",
                   "advice tls_rpt: no record", "problem ptr: 192.0.2.25 has no name"}));
  for (const MailFinding& one : all.findings) {
    if (one.check != "spf") continue;
    EXPECT_EQ(one.publish, "example.test. TXT \"v=spf1 mx ip4:192.0.2.25 -all\"");
  }
}

// The organisational domain decides whether another envelope domain is aligned.
TEST_F(Deliverability, Alignment) {
  question.mail_from = "bounces.example.test";
  zone.texts["bounces.example.test"] = {"v=spf1 ip4:192.0.2.25 -all"};
  EXPECT_EQ(lines(view(), "alignment"), Lines{"good alignment: SPF passes for bounces.example.test, which is aligned"});
  zone.texts["_dmarc.example.test"] = {"v=DMARC1; p=reject; aspf=s; rua=mailto:d@example.test"};
  EXPECT_EQ(lines(view(), "alignment"),
            Lines{"advice alignment: SPF passes for bounces.example.test, which is not aligned"});
  question.selectors.clear();
  EXPECT_EQ(lines(view(), "alignment"),
            Lines{"problem alignment: bounces.example.test does not belong to example.test"});
  question.domain = "news.example.test";  // its policy is inherited
  zone.texts["_dmarc.example.test"] = {"v=DMARC1; p=reject; sp=none; rua=mailto:d@example.test"};
  const MailView inherited = view();
  EXPECT_EQ(inherited.organisation, "example.test");
  EXPECT_EQ(lines(inherited, "dmarc"), Lines{"advice dmarc: policy none, from example.test"});
  EXPECT_EQ(lines(inherited, "alignment"),
            Lines{"good alignment: SPF passes for bounces.example.test, which is aligned"});
  zone.texts["_dmarc.test"] = {"v=DMARC1; p=none; psd=y; rua=mailto:d@test"};
  EXPECT_EQ(view().organisation, "example.test") << "one label below a public suffix";
  zone.texts["_dmarc.news.example.test"] = {"v=DMARC1; p=reject; psd=n"};
  EXPECT_EQ(view().organisation, "news.example.test");
}

TEST_F(Deliverability, ListsAndTheirRefusals) {
  question.zones = {"bl.test", "refuses.test", "parked.test", "clean.test", "silent.test"};
  zone.addresses["25.2.0.192.bl.test"] = {"127.0.0.2"};
  zone.texts["25.2.0.192.bl.test"] = {"see https://bl.test/why"};
  zone.addresses["25.2.0.192.refuses.test"] = {"127.255.255.254"};
  zone.addresses["25.2.0.192.parked.test"] = {"198.51.100.1"};
  zone.failing.insert("25.2.0.192.silent.test");
  EXPECT_EQ(lines(view(), "dnsbl"),
            (Lines{"problem dnsbl: listed on bl.test (127.0.0.2): see https://bl.test/why",
                   "unknown dnsbl: refuses.test answers 127.255.255.254: the list does not answer public or open "
                   "resolvers",
                   "unknown dnsbl: parked.test answers 198.51.100.1", "good dnsbl: not on clean.test",
                   "unknown dnsbl: no answer: SERVFAIL"}));
  question.zones = {"refuses.test"};
  EXPECT_EQ(view().verdict, Verdict::kInconclusive) << "a refused question is no listing";
}

TEST_F(Deliverability, NamesOfTheSender) {
  zone.names["25.2.0.192.in-addr.arpa"] = {"a.example.test", "mail.example.test"};
  zone.addresses["a.example.test"] = {"192.0.2.1"};
  question.helo = "mail.example.test";
  EXPECT_EQ(lines(view(), "ptr").front().substr(0, 8), "good ptr");
  EXPECT_EQ(lines(view(), "helo"), Lines{"good helo: mail.example.test is 192.0.2.25"});
  zone.addresses["mail.example.test"] = {"192.0.2.26"};
  EXPECT_EQ(lines(view(), "ptr"), Lines{"problem ptr: a.example.test does not lead back to 192.0.2.25"});
  EXPECT_EQ(lines(view(), "helo"), Lines{"warning helo: mail.example.test is another address"});
}

TEST_F(Deliverability, ThePolicyFile) {
  zone.mx["example.test"].push_back({20, "mx.other.test"});
  EXPECT_EQ(lines(view(), "mta_sts"), Lines{"problem mta_sts: the policy does not name the mail host mx.other.test"});
  file.body = "version: STSv1\nmode: testing\nmx: *.example.test\nmax_age: 604800\n";
  EXPECT_EQ(view().verdict, Verdict::kDegraded);
  file.body = "<html>";
  EXPECT_EQ(lines(view(), "mta_sts"), Lines{"warning mta_sts: the policy file: it has no line \"version: STSv1\""});
  file.trouble = "the web server said 404";
  EXPECT_EQ(lines(view(), "mta_sts"), Lines{"warning mta_sts: the policy file: the web server said 404"});
  file.ours = true;
  EXPECT_EQ(lines(view(), "mta_sts"), Lines{"unknown mta_sts: the policy file: the web server said 404"});
}

TEST_F(Deliverability, RecordsThatBreak) {
  zone.texts["example.test"] = {"v=spf1 a:h1.test a:h2.test a:h3.test ip4:192.0.2.25 +all"};
  zone.texts["s1._domainkey.example.test"] = {"v=DKIM1; p="};
  zone.texts["_dmarc.example.test"] = {"v=DMARC1; p=reject", "v=DMARC1; p=none"};
  const MailView all = view();
  EXPECT_EQ(lines(all, "spf"),
            (Lines{"problem spf: 192.0.2.25 gets \"permerror\": more than 2 lookups found nothing "
                   "(RFC 7208, 4.6.4), the last was h3.test",
                   "good spf: 3 of at most 10 lookups", "problem spf: \"+all\" lets every address pass"}));
  EXPECT_EQ(lines(all, "dkim"), Lines{"problem dkim: s1._domainkey.example.test: the key is revoked (p= is empty)"});
  EXPECT_EQ(lines(all, "dmarc"), Lines{"warning dmarc: example.test has 2 DMARC records"});
}

TEST_F(Deliverability, WhatIsAskedIsChecked) {
  MailQuestion wrong;
  wrong.domain = "not a domain";
  wrong.selectors = {"fine", "no good"};
  wrong.zones.assign(11, "bl.test");
  wrong.mail_from = "192.0.2.1";
  std::vector<std::string> pointers;
  for (const FieldError& error : check_mail_question(wrong)) pointers.push_back(error.pointer);
  EXPECT_EQ(pointers, (std::vector<std::string>{"#/domain", "#/mail_from", "#/dnsbl", "#/selectors/1"}));
  MailQuestion fine;
  fine.domain = "Straße.Example.";
  EXPECT_TRUE(check_mail_question(fine).empty());
  EXPECT_EQ(fine.domain, "xn--strae-oqa.example");
  EXPECT_EQ(fine.mail_from, fine.domain);
}

// Everything real but the policy file's web server: nobody listens there.
TEST(DeliverabilityOfADomain, AskedOfANameServer) {
  everup::test::Dnsmasq server(
      {"--local=/test/", "--local=/arpa/", "--mx-host=example.test,mx.example.test,10",
       "--txt-record=example.test,v=spf1 include:_spf.example.test -all",
       "--txt-record=_spf.example.test,v=spf1 a:mail.example.test ,-all",
       "--txt-record=_dmarc.example.test,v=DMARC1; p=reject; rua=mailto:d@example.test",
       "--txt-record=_mta-sts.example.test,v=STSv1; id=1", "--host-record=mta-sts.example.test,127.0.0.1",
       "--host-record=mail.example.test,192.0.2.25", "--host-record=25.2.0.192.bl.test,127.0.0.4",
       "--host-record=25.2.0.192.refuses.test,127.255.255.255"});
  net::SystemClock clock;
  net::Loop loop(clock);
  const net::AddressPolicy policy(*net::AllowList::parse("loopback"), {});
  net::ResolverOptions options;
  options.servers = {*net::Address::parse("127.0.0.1", server.port())};
  options.hosts_file.clear();
  net::Resolver resolver(loop, options);
  const auto probes = *Probes::make(loop, resolver, policy, {});
  MailQuestion question;
  question.domain = question.mail_from = "example.test";
  question.address = net::Address::parse("192.0.2.25");
  question.selectors = {"s1"};
  question.zones = {"bl.test", "refuses.test"};
  std::optional<MailView> view;
  const auto look = probes->view(question, clock.now().mono + std::chrono::seconds(20), true,
                                 [&](MailView&& said) { view.emplace(std::move(said)); });
  const Instant limit = clock.now().mono + std::chrono::seconds(60);
  while (!view && clock.now().mono < limit) loop.run_once(std::chrono::milliseconds(20));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->verdict, Verdict::kDown);
  EXPECT_EQ(lines(*view, "spf"),
            (Lines{"good spf: 192.0.2.25 gets \"pass\" by \"include:_spf.example.test, a:mail.example.test\"",
                   "good spf: 2 of at most 10 lookups"}));
  EXPECT_EQ(lines(*view, "dmarc"), Lines{"good dmarc: policy reject"});
  EXPECT_EQ(lines(*view, "ptr").front().substr(0, 8), "good ptr");
  EXPECT_EQ(lines(*view, "mta_sts"), Lines{"warning mta_sts: the policy file: Connection refused"});
  EXPECT_EQ(lines(*view, "dnsbl"),
            (Lines{"problem dnsbl: listed on bl.test (127.0.0.4)",
                   "unknown dnsbl: refuses.test answers 127.255.255.255: too many questions come "
                   "from our resolver"}));
  const auto json = nlohmann::json::parse(deliverability_json(*view));
  EXPECT_EQ(json["spf"]["result"], "pass");
  EXPECT_EQ(json["findings"].size(), view->findings.size());
}

// Destroying it cancels it; a server that is not there makes everything unknown, at the latest at the deadline.
TEST(DeliverabilityOfADomain, WithoutANameServer) {
  net::SystemClock clock;
  net::Loop loop(clock);
  const net::AddressPolicy policy(*net::AllowList::parse("loopback"), {});
  net::ResolverOptions options;
  options.servers = {*net::Address::parse("127.0.0.1", 1)};
  net::Resolver resolver(loop, options);
  const auto probes = *Probes::make(loop, resolver, policy, {});
  MailQuestion question;
  question.domain = question.mail_from = "example.test";
  std::optional<MailView> view;
  const auto ask = [&] {
    return probes->view(question, clock.now().mono + std::chrono::milliseconds(500), true,
                        [&](MailView&& said) { view.emplace(std::move(said)); });
  };
  ask().reset();
  const auto look = ask();
  const Instant limit = clock.now().mono + std::chrono::seconds(60);
  while (!view && clock.now().mono < limit) loop.run_once(std::chrono::milliseconds(20));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->verdict, Verdict::kInconclusive);
}

}  // namespace
}  // namespace everup::checker::test
