// Targets by name are judged while they are saved: a real dnsmasq, the real policy, two accounts.
#include <chrono>
#include <thread>

#include "net/address_policy.h"
#include "net/resolver.h"
#include "tests/api_routes/house_fixture.h"
#include "tests/support/dnsmasq.h"
#include "tests/support/postgres.h"

namespace everup::api {
namespace {

using test::must;

constexpr const char* kMonitors = "/api/v1/monitors";
constexpr const char* kRefused =
    "intranet.test is 192.168.1.10, a private address; this Everup watches public addresses only. Its operator can "
    "allow "
    "it: EVERUP_ALLOW_TARGETS=private (or 192.168.1.0/24), then restart";

std::string target(const std::string& url) { return R"({"target":")" + url + R"("})"; }

class Names : public ApiTest {
 protected:
  void serve(const std::string& allow = "") {
    policy_ = std::make_unique<net::AddressPolicy>(must(net::AllowList::parse(allow)), std::vector<net::Address>{});
    ApiOptions options;
    options.policy = policy_.get();
    options.resolver.hosts_file = "";
    options.resolver.servers = {*net::Address::parse("127.0.0.1", dns_.port())};
    start(std::move(options));
  }
  std::string monitors() const { return sql_value("SELECT count(*) FROM monitors"); }

  test::Dnsmasq dns_{{"--host-record=intranet.test,192.168.1.10", "--host-record=shop.test,1.1.1.1",
                      "--host-record=both.test,192.168.1.11", "--host-record=both.test,1.0.0.1",
                      "--host-record=six.test,1.1.1.1,fd00::1", "--address=/gone.test/"}};

 private:
  std::unique_ptr<net::AddressPolicy> policy_;
};

TEST_F(Names, ARefusedNameIsToldWhenItIsSaved) {
  serve();
  for (const auto& key : {owner_write, other_admin}) {
    const auto refused = call("POST", kMonitors, key, target("http://intranet.test/"));
    EXPECT_EQ(refused.status, 422) << refused.body;
    EXPECT_EQ(pick(refused.body, "pointer"), "#/target");
    EXPECT_NE(refused.body.find("\"address_refused\""), std::string::npos) << refused.body;
    EXPECT_NE(refused.body.find(kRefused), std::string::npos) << refused.body;
    const auto tested = call("POST", std::string(kMonitors) + "/test", key, target("http://intranet.test/"));
    EXPECT_EQ(tested.status, 422) << tested.body;
  }
  EXPECT_EQ(monitors(), "0");
  EXPECT_EQ(call("POST", kMonitors, owner_write, target("http://shop.test/")).status, 201);
  EXPECT_EQ(call("POST", kMonitors, owner_write, target("http://gone.test/")).status, 201) << "does not resolve";
  EXPECT_EQ(call("POST", kMonitors, other_admin, target("http://both.test/")).status, 201) << "one address is public";
  EXPECT_EQ(monitors(), "3");
}

TEST_F(Names, TheFamilyThatIsAskedIsJudged) {
  serve();
  const auto six = R"({"target":"http://six.test/","options":{"ip_version":"6"}})";
  EXPECT_EQ(call("POST", kMonitors, owner_write, six).status, 422);
  const auto any = call("POST", kMonitors, owner_write, target("http://six.test/"));
  EXPECT_EQ(any.status, 201) << any.body;
  const auto path = std::string(kMonitors) + "/" + pick(any.body, "id");
  EXPECT_EQ(call("PATCH", path, owner_write, R"({"options":{"ip_version":"6"}})").status, 422);
  EXPECT_EQ(call("PATCH", path, owner_write, R"({"options":{"ip_version":"4"}})").status, 200);
}

TEST_F(Names, APatchIsJudgedWhenItNamesAnotherHost) {
  serve();
  const std::string path = std::string(kMonitors) + "/" + make(owner_write, "http://shop.test/");
  const auto refused = call("PATCH", path, owner_write, target("http://intranet.test/"));
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_NE(refused.body.find(kRefused), std::string::npos);
  EXPECT_EQ(pick(call("GET", path, owner_read).body, "target"), "http://shop.test/");
  EXPECT_EQ(call("PATCH", path, owner_write, target("http://both.test/x")).status, 200);
  EXPECT_EQ(call("PATCH", path, other_admin, target("http://shop.test/")).status, 404) << "another account's";
  const auto stale = call("PATCH", path, owner_write, target("http://shop.test/"), "If-Match: \"9\"\r\n");
  EXPECT_EQ(stale.status, 412) << stale.body;
}

TEST_F(Names, ABulkAsksEachNameOnceAndNamesEveryRefusedOne) {
  serve();
  std::string body = R"({"monitors":[)";
  for (int i = 0; i < 300; ++i) body += target("http://shop.test/" + std::to_string(i)) + ",";
  const std::string good = body + target("http://gone.test/") + "]}";
  body += target("http://intranet.test/a") + "," + target("http://both.test/") + "," + target("http://intranet.test/b");
  const auto refused = call("POST", std::string(kMonitors) + "/bulk", owner_write, body + "]}");
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_NE(refused.body.find("\"#/monitors/300/target\""), std::string::npos) << refused.body;
  EXPECT_NE(refused.body.find("\"#/monitors/302/target\""), std::string::npos) << refused.body;
  EXPECT_EQ(refused.body.find("\"#/monitors/301/target\""), std::string::npos) << refused.body;
  EXPECT_EQ(monitors(), "0");
  const std::string log = dns_.log();
  const auto asked = log.find("query[A] shop.test");
  EXPECT_NE(asked, std::string::npos);
  EXPECT_EQ(log.find("query[A] shop.test", asked + 1), std::string::npos);
  EXPECT_EQ(call("POST", std::string(kMonitors) + "/bulk", owner_write, good).status, 201);
  EXPECT_EQ(monitors(), "301");
}

TEST_F(Names, WhatTheOperatorAllowsIsSaved) {
  serve("private");
  EXPECT_EQ(call("POST", kMonitors, owner_write, target("http://intranet.test/")).status, 201);
}

TEST_F(Names, AnIdempotencyKeyKeepsTheAnswerOfANameToo) {
  serve();
  const std::string field = "Idempotency-Key: k1\r\nContent-Type: application/json\r\n";
  const auto first = call("POST", kMonitors, owner_write, target("http://shop.test/"), field);
  EXPECT_EQ(first.status, 201) << first.body;
  const auto again = call("POST", kMonitors, owner_write, target("http://shop.test/"), field);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.field("idempotent-replayed"), "true");
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(monitors(), "1");
  EXPECT_EQ(sql_value("SELECT count(*) FROM audit_log"), "1") << "an answer that came later is a change too";
}

// Name servers that say nothing cost at most the patience, hold no handler thread, and refuse nothing.
TEST_F(Names, SilentServersHoldNobodyUp) {
  const test::BoundSocket mute("127.0.0.1", SOCK_DGRAM);
  const net::AddressPolicy policy(must(net::AllowList::parse("")), std::vector<net::Address>{});
  ApiOptions options;
  options.policy = &policy;
  options.handler_threads = 1;
  options.resolver.hosts_file = "";
  options.resolver.servers = {*net::Address::parse("127.0.0.1", mute.port())};
  start(std::move(options));
  int status = 0;
  std::thread saving([&] { status = call("POST", kMonitors, owner_write, target("http://shop.test/")).status; });
  char question[512];
  ASSERT_GT(recv(mute.fd(), question, sizeof question, 0), 0);  // it waits for an answer now
  EXPECT_EQ(call("GET", kMonitors, owner_read).status, 200);    // the one handler is free
  saving.join();
  EXPECT_EQ(status, 201);
  stop();
}

}  // namespace
}  // namespace everup::api
