// Deliverability by API and page, every host of a domain's MX, and who counts as signed in at the tools' forms.
#include "seal/password.h"
#include "tests/api_routes/tools_fixture.h"
#include "tests/checker_smtp/postfix.h"
#include "tests/support/dnsmasq.h"

namespace everup::api {
namespace {

const std::string kFormFields = "Content-Type: application/x-www-form-urlencoded\r\n";

class MailTests : public Tools {
 protected:
  MailTests()
      : dns_({"--local=/test/", "--local=/arpa/", "--mx-host=example.test,mx1.example.test,10",
              "--mx-host=example.test,mx2.example.test,20", "--host-record=mx1.example.test,127.0.0.1",
              "--host-record=mx2.example.test,127.0.0.3", "--txt-record=example.test,v=spf1 mx -all",
              "--txt-record=_dmarc.example.test,v=DMARC1; p=reject; rua=mailto:d@example.test",
              "--ptr-record=1.0.0.127.in-addr.arpa,mx1.example.test", "--host-record=1.0.0.127.bl.test,127.0.0.2"}) {
    names_.servers = {*net::Address::parse("127.0.0.1", dns_.port())};
    names_.hosts_file.clear();
  }
  // The owner's cookie and what makes it count.
  std::string signed_in() {
    sql("UPDATE users SET password_hash = '" + *seal::hash_password("correct horse") + "'");
    const auto reply =
        call("POST", "/api/v1/session", "", R"({"email":"owner@example.com","password":"correct horse"})");
    const std::string cookie = reply.field("set-cookie");
    return "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\nX-CSRF-Token: " + pick(reply.body, "csrf_token") +
           "\r\nSec-Fetch-Site: same-origin\r\n";
  }
  test::Dnsmasq dns_;
};

TEST_F(MailTests, WhatADomainPublishesAndWhatItMeans) {
  serve({25});
  const std::string body = R"({"domain":"Example.test","address":"127.0.0.1","selectors":["s1"]})";
  const auto reply = call("POST", "/api/v1/mail_tests", owner_write, body);
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(pick(reply.body, "domain"), "example.test");
  EXPECT_EQ(pick(reply.body, "verdict"), "down");
  for (const char* part :
       {R"("result":"pass","matched":"mx")", R"("found":"policy reject")", "s1._domainkey.example.test: no key",
        "127.0.0.1 is mx1.example.test, and mx1.example.test is 127.0.0.1", "listed on bl.test (127.0.0.2)"})
    EXPECT_NE(reply.body.find(part), std::string::npos) << part << "\n" << reply.body;
  const auto page =
      call("POST", "/tools/mail", "", "domain=example.test&address=127.0.0.1&selector=s1", kFormFields + signed_in());
  ASSERT_EQ(page.status, 200) << page.body;
  EXPECT_NE(page.body.find("value=\"example.test\""), std::string::npos) << "what was typed is still there";
  EXPECT_NE(page.body.find("Mail will be refused or taken for spam"), std::string::npos) << page.body;
  EXPECT_NE(page.body.find("s1._domainkey.example.test. TXT &quot;v=DKIM1; k=rsa; p=…&quot;"), std::string::npos);
  EXPECT_NE(call("GET", "/tools/mail?domain=%22%3E%3Cscript%3E", "").body.find("value=\"&quot;&gt;&lt;script&gt;\""),
            std::string::npos);
}

TEST_F(MailTests, EveryRefusalIsInWords) {
  serve({25});
  const auto refused = [&](const std::string& body, int status, const std::string& words) {
    const auto reply = call("POST", "/api/v1/mail_tests", owner_write, body);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_NE(reply.body.find(words), std::string::npos) << reply.body;
  };
  refused("{}", 422, "#/domain");
  refused("nonsense", 400, "bad_json");
  refused(R"({"domain":"192.0.2.1"})", 422, "the domain behind the @");
  refused(R"({"domain":"example.test","address":"mx.example.test"})", 422, "must be an IPv4 or IPv6 address");
  refused(R"({"domain":"example.test","selectors":["a","b","c","d","e","f"]})", 422, "at most 5 selectors");
  refused(R"({"domain":"example.test","selectors":["a b"]})", 422, "#/selectors/0");
  refused(R"({"domain":"example.test","selectors":"a"})", 422, "is a list of selectors");
  refused(R"({"domain":"example.test","dnsbl":["bl.test"]})", 422, "#/dnsbl");
  EXPECT_EQ(call("POST", "/tools/mail", "", "domain=a%20b", kFormFields + signed_in()).status, 422);
  EXPECT_EQ(
      call("POST", "/tools/mail", "", "domain=example.test", kFormFields + "Sec-Fetch-Site: cross-site\r\n").status,
      403);
}

TEST_F(MailTests, AClosedToolIsOpenToWhoIsSignedIn) {
  serve({25}, false);
  EXPECT_EQ(call("POST", "/api/v1/mail_tests", "", R"({"domain":"example.test"})").status, 401);
  EXPECT_EQ(call("POST", "/tools/mail", "", "domain=example.test", kFormFields).status, 401);
  const std::string cookie = signed_in();
  EXPECT_EQ(call("POST", "/api/v1/mail_tests", "", R"({"domain":"example.test"})", cookie).status, 200);
  const auto page = call("POST", "/tools/mail", "", "domain=example.test", kFormFields + cookie);
  EXPECT_EQ(page.status, 200) << page.body;
  EXPECT_NE(page.body.find("id=\"ask\">"), std::string::npos) << "who is let in may ask again";
  const std::string without = cookie.substr(0, cookie.find("\r\n") + 2);
  EXPECT_EQ(call("POST", "/tools/mail", "", "domain=example.test", kFormFields + without).status, 401)
      << "a cookie alone proves nothing";
  const std::string foreign = cookie.substr(0, cookie.find("Sec-Fetch-Site")) + "Sec-Fetch-Site: cross-site\r\n";
  EXPECT_EQ(call("POST", "/tools/mail", "", "domain=example.test", kFormFields + foreign).status, 403);
}

TEST_F(MailTests, EveryHostOfADomain) {
  SlowMail server;  // on 127.0.0.1 alone: the second host refuses
  server.say(1'000);
  serve({server.port()});
  const std::string target = "smtp://example.test:" + std::to_string(server.port());
  const std::string id = begin(R"({"target":")" + target + R"(?mx=1"})", owner_write);
  const std::string report = ended("/api/v1/smtp_tests/" + id);
  EXPECT_EQ(pick(report, "cause"), "smtp_mx_partial") << report;
  const std::string place = ":" + std::to_string(server.port());
  EXPECT_NE(
      report.find(R"("hosts":["10 mx1.example.test (IPv4) 127.0.0.1)" + place + R"( ok","20 mx2.example.test (IPv4))"),
      std::string::npos)
      << report;
  const std::string page = call("GET", "/tools/smtp/" + id, "").body;
  EXPECT_NE(page.find("Every mail host"), std::string::npos) << page;
  EXPECT_NE(page.find("/app/monitors/new?target=smtp%3a%2f%2fexample.test%3a" + std::to_string(server.port())),
            std::string::npos)
      << page;
  EXPECT_NE(page.find("%3fmx%3d1\""), std::string::npos) << page;
}

// The proof first, asked of a real name server; then an open server, and one that refuses.
TEST_F(MailTests, OpenRelaysOfOnesOwnServersOnly) {
  SlowMail open_relay;
  open_relay.say(1'000);
  base_url_ = "http://up.example.org";
  serve({25});
  const auto ask = [&](std::uint16_t port) {
    return call("POST", "/api/v1/relay_tests", owner_write,
                R"({"target":"smtp://mx.own.test:)" + std::to_string(port) + R"(","domain":"own.test"})");
  };
  const auto unproved = ask(open_relay.port());
  EXPECT_EQ(unproved.status, 403) << unproved.body;
  EXPECT_EQ(pick(unproved.body, "code"), "ownership_unproved");
  const std::size_t at = unproved.body.find("everup-account=");
  ASSERT_NE(at, std::string::npos) << unproved.body;
  const std::string proof = unproved.body.substr(at, unproved.body.find('\\', at) - at);
  EXPECT_EQ(open_relay.heard(), "") << "not even a greeting before the proof";
  stop();
  const test::Dnsmasq own(
      {"--local=/test/", "--host-record=mx.own.test,127.0.0.1", "--txt-record=_everup.own.test," + proof});
  names_.servers = {*net::Address::parse("127.0.0.1", own.port())};
  serve({25});
  const auto open = ask(open_relay.port());
  EXPECT_EQ(open.status, 200) << open.body;
  EXPECT_EQ(pick(open.body, "verdict"), "open") << open.body;
  const std::string heard = open_relay.heard();
  EXPECT_NE(heard.find("RCPT TO:<relay-test@up.example.org>\nRSET\n"), std::string::npos) << heard;
  EXPECT_EQ(heard.find("DATA"), std::string::npos) << heard;
  const test::SmtpSink refusing({"-f", "rcpt"});
  const auto closed = ask(refusing.port());
  EXPECT_EQ(pick(closed.body, "verdict"), "closed") << closed.body;
  const test::SmtpSink later({"-r", "rcpt"});
  EXPECT_EQ(pick(ask(later.port()).body, "verdict"), "inconclusive") << "greylisting proves nothing";
  const auto foreign =
      call("POST", "/api/v1/relay_tests", other_admin, R"({"target":"smtp://mx.own.test","domain":"own.test"})");
  EXPECT_EQ(foreign.status, 403) << "another account's proof is not one's own: " << foreign.body;
}

TEST_F(MailTests, RelayRefusalsAreInWords) {
  serve({25});
  const auto refused = [&](const std::string& body, const std::string& words) {
    const auto reply = call("POST", "/api/v1/relay_tests", owner_write, body);
    EXPECT_EQ(reply.status, 422) << reply.body;
    EXPECT_NE(reply.body.find(words), std::string::npos) << reply.body;
  };
  refused(R"({"target":"smtp://192.0.2.1"})", "must be a name");
  refused(R"({"target":"https://mx.own.test"})", "must be smtp://host");
  refused(R"({"target":"smtp://mx.own.test","domain":"other.test"})", "#/domain");
  refused(R"({"target":"smtp://mx.own.test","domain":"test"})", "#/domain");
  refused(R"({"target":"smtp://mx.own.test","to":"a@b.test"})", "#/to");
  EXPECT_EQ(call("POST", "/api/v1/relay_tests", "", R"({"target":"smtp://mx.own.test"})").status, 401);
}

}  // namespace
}  // namespace everup::api
