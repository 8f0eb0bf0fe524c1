// Whole looks against servers of our own: verdicts, redirects, credentials, deadlines, evidence.
#include "checker/http_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "tests/checker/look.h"
#include "tests/support/dnsmasq.h"
#include "tests/support/fake_server.h"
#include "tests/support/process.h"

namespace everup::checker::test {
namespace {

using everup::test::BoundSocket;
using everup::test::Child;
using everup::test::FakeConnection;
using everup::test::FakeServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Answers by path; keeps the requests it saw.
class Site {
 public:
  using Answer = std::function<std::string(const std::string& path)>;
  explicit Site(Answer answer)
      : server_([this, answer = std::move(answer)](FakeConnection& connection) {
          const std::string request = connection.read_request();
          if (request.empty()) return;
          {
            std::lock_guard lock(mutex_);
            requests_.push_back(request);
          }
          const std::size_t from = request.find(' ') + 1;
          connection.send(answer(request.substr(from, request.find(' ', from) - from)));
        }) {}
  std::string url(const std::string& path = "/", const std::string& host = "shop.test") const {
    return "http://" + host + ":" + std::to_string(server_.port()) + path;
  }
  std::vector<std::string> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  int accepted() const { return server_.accepted(); }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  FakeServer server_;  // goes first
};

std::string page(const std::string& body, const std::string& more = {}) {
  return "HTTP/1.1 200 OK\r\n" + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string redirect(int status, const std::string& where) {
  return "HTTP/1.1 " + std::to_string(status) + " Go\r\nLocation: " + where + "\r\nContent-Length: 0\r\n\r\n";
}

TEST(HttpProbe, AGoodAnswerIsUp) {
  Site site([](const std::string&) { return page("hello"); });
  Look look;
  const Outcome outcome = look.at(site.url("/health"));
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_EQ(outcome.verdict, Verdict::kUp);
  EXPECT_EQ(outcome.code, 200);
  EXPECT_EQ(outcome.detail, "");
  EXPECT_GE(outcome.timings.dns_us, 0);
  EXPECT_GE(outcome.timings.connect_us, 0);
  EXPECT_EQ(outcome.timings.tls_us, -1);
  EXPECT_GE(outcome.timings.wait_us, 0);
  EXPECT_GE(outcome.timings.transfer_us, 0);
  EXPECT_GT(outcome.timings.total_us, 0);
  ASSERT_TRUE(outcome.evidence);
  EXPECT_THAT(outcome.evidence->address, StartsWith("127.0.0.1:"));
  EXPECT_THAT(outcome.evidence->addresses_tried, ElementsAre(outcome.evidence->address));
  EXPECT_THAT(outcome.evidence->head, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_EQ(outcome.evidence->body_excerpt, "hello");
  EXPECT_FALSE(outcome.evidence->certificate);
  EXPECT_FALSE(look.at(site.url(), 20'000, false).evidence) << "not wanted, not needed";
  EXPECT_EQ(look.at("http://127.0.0.1:" + site.url().substr(site.url().rfind(':') + 1)).cause, Cause::kOk)
      << "an address as host";
}

TEST(HttpProbe, ABrokenDemandIsDownAndAWarningDegraded) {
  Site site([](const std::string&) { return "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"; });
  Look look;
  const Outcome down = look.at(site.url(), 20'000, false);
  EXPECT_EQ(down.cause, Cause::kHttpStatus);
  EXPECT_EQ(down.verdict, Verdict::kDown);
  EXPECT_EQ(down.code, 503);
  EXPECT_EQ(down.detail, "status 503, wanted 200-299");
  ASSERT_TRUE(down.evidence) << "a failure keeps its evidence";
  EXPECT_EQ(down.evidence->body_excerpt, "busy");
  look.expect().status = "503";
  look.warn().body_contains = "fine";
  const Outcome degraded = look.at(site.url(), 20'000, false);
  EXPECT_EQ(degraded.cause, Cause::kBodyMissing);
  EXPECT_EQ(degraded.verdict, Verdict::kDegraded);
  EXPECT_TRUE(degraded.evidence);
}

TEST(HttpProbe, DemandsOfEveryKind) {
  Site site([](const std::string&) { return page("{\"ok\":true,\"n\":[1,2]}", "X-Node: a7\r\n"); });
  Look look;
  const auto cause = [&](auto&& set) {
    set(look.expect());
    return look.at(site.url()).cause;
  };
  EXPECT_EQ(cause([](HttpExpect& e) { e.body_contains = "\"ok\""; }), Cause::kOk);
  EXPECT_EQ(cause([](HttpExpect& e) { e.body_contains = "nope"; }), Cause::kBodyMissing);
  EXPECT_EQ(cause([](HttpExpect& e) { e.body_absent = "true"; }), Cause::kBodyForbidden);
  EXPECT_EQ(cause([](HttpExpect& e) { e.body_regex = "^<"; }), Cause::kBodyRegex);
  EXPECT_EQ(cause([](HttpExpect& e) { e.json.push_back({"$.n[1]", "2"}); }), Cause::kOk);
  EXPECT_EQ(cause([](HttpExpect& e) { e.json.push_back({"$.n[1]", "3"}); }), Cause::kJsonMismatch);
  EXPECT_EQ(cause([](HttpExpect& e) {
              e.header.push_back({"X-Node", HeaderExpect::Test::kEquals, "b"});
            }),
            Cause::kHeaderMismatch);
  EXPECT_EQ(cause([](HttpExpect& e) { e.http_version = HttpVersion::k2; }), Cause::kHttpVersion);
  EXPECT_EQ(cause([](HttpExpect& e) { e.compressed = true; }), Cause::kNotCompressed);
}

TEST(HttpProbe, TooSlow) {
  FakeServer server([](FakeConnection& connection) {
    if (!connection.read_request().empty() && connection.pause(20)) connection.send(page("late"));
  });
  Look look;
  look.expect().latency_ms_max = 10;
  const Outcome outcome = look.at("http://shop.test:" + std::to_string(server.port()));
  EXPECT_EQ(outcome.cause, Cause::kTooSlow);
  EXPECT_THAT(outcome.detail, HasSubstr("wanted at most 10 ms"));
}

TEST(HttpProbe, ABodyBeyondTheCap) {
  Site site([](const std::string&) { return "HTTP/1.1 200 OK\r\n\r\nstart" + std::string(3 << 20, '.'); });
  Look look;
  EXPECT_EQ(look.at(site.url()).cause, Cause::kOk) << "nothing was asked of the body";
  look.expect().body_contains = "start";
  EXPECT_EQ(look.at(site.url()).cause, Cause::kOk) << "decided within the cap";
  look.expect().body_contains = "end";
  EXPECT_EQ(look.at(site.url()).cause, Cause::kBodyTooLarge);
}

TEST(HttpProbe, RedirectsAreFollowedAndSummed) {
  Site site([](const std::string& path) {
    if (path == "/") return redirect(301, "/a/b?x=1");
    if (path == "/a/b?x=1") return redirect(302, "c");
    return path == "/a/c" ? page("there") : "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
  });
  Look look;
  const Outcome outcome = look.at(site.url());
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_EQ(outcome.code, 200);
  EXPECT_THAT(outcome.evidence->hops, ElementsAre("301 " + site.url("/a/b?x=1"), "302 " + site.url("/a/c")));
  EXPECT_EQ(outcome.evidence->body_excerpt, "there");
  look.options().follow_redirects = false;
  const Outcome first = look.at(site.url());
  EXPECT_EQ(first.cause, Cause::kHttpStatus);
  EXPECT_EQ(first.code, 301);
}

TEST(HttpProbe, RedirectsEnd) {
  Site site([](const std::string& path) {
    if (path == "/loop") return redirect(302, "/loop");
    if (path == "/ftp") return redirect(302, "ftp://shop.test/");
    if (path == "/bad") return redirect(302, "http://");
    return std::string("HTTP/1.1 302 Where\r\nContent-Length: 0\r\n\r\n");
  });
  Look look;
  const Outcome loop = look.at(site.url("/loop"));
  EXPECT_EQ(loop.cause, Cause::kHttpTooManyRedirects);
  EXPECT_THAT(loop.detail, StartsWith("more than 5 redirects, the last to http://shop.test:"));
  EXPECT_EQ(loop.evidence->hops.size(), 6u);
  EXPECT_EQ(site.accepted(), 6);
  look.options().max_redirects = 0;
  EXPECT_EQ(look.at(site.url("/loop")).cause, Cause::kHttpTooManyRedirects);
  EXPECT_EQ(look.at(site.url("/ftp")).cause, Cause::kHttpRedirectInvalid);
  EXPECT_EQ(look.at(site.url("/bad")).cause, Cause::kHttpRedirectInvalid);
  EXPECT_EQ(look.at(site.url("/nowhere")).code, 302) << "without a Location it is an answer like any other";
}

TEST(HttpProbe, MethodsChangeAsTheStandardSays) {
  Site site([](const std::string& path) {
    return path.starts_with("/go") ? redirect(std::stoi(path.substr(3)), "/end") : page("end");
  });
  Look look;
  const auto second = [&](const std::string& method, int status) {
    look.options().method = method;
    look.options().body = "x=1";
    EXPECT_EQ(look.at(site.url("/go" + std::to_string(status))).cause, Cause::kOk);
    return site.requests().back();
  };
  EXPECT_THAT(second("POST", 301), StartsWith("GET /end "));
  EXPECT_THAT(site.requests().back(), Not(HasSubstr("x=1")));
  EXPECT_THAT(second("POST", 302), StartsWith("GET /end "));
  EXPECT_THAT(second("PUT", 302), StartsWith("PUT /end "));
  EXPECT_THAT(second("POST", 303), StartsWith("GET /end "));
  EXPECT_THAT(second("PUT", 303), StartsWith("GET /end "));
  EXPECT_THAT(second("POST", 307), StartsWith("POST /end "));
  EXPECT_THAT(site.requests().back(), HasSubstr("x=1"));
  EXPECT_THAT(second("POST", 308), StartsWith("POST /end "));
}

TEST(HttpProbe, CredentialsStayAtHome) {
  Site foreign([](const std::string& path) { return page(path); });
  Site home([&](const std::string& path) {
    if (path == "/inside") return redirect(302, "/end");
    return path == "/outside" ? redirect(302, foreign.url("/landing", "other.test")) : page("home");
  });
  Look look;
  const auto set = [&] {
    look.options().headers = {{"X-Api-Key", "k3y"}, {"Cookie", "c=1"}, {"X-Odd", "o"}, {"Accept", "text/plain"}};
    look.options().auth = {HttpAuth::Type::kBasic, "ann", "s3cret"};
  };
  set();
  EXPECT_EQ(look.at(home.url("/inside")).cause, Cause::kOk);
  for (const std::string& request : home.requests()) {
    EXPECT_THAT(request, HasSubstr("Authorization: Basic "));
    EXPECT_THAT(request, HasSubstr("X-Api-Key: k3y"));
  }
  set();
  EXPECT_EQ(look.at(home.url("/outside")).cause, Cause::kOk);
  ASSERT_EQ(foreign.requests().size(), 1u);
  const std::string seen = foreign.requests()[0];
  for (const char* secret : {"Authorization", "k3y", "Cookie", "X-Odd"}) EXPECT_THAT(seen, Not(HasSubstr(secret)));
  EXPECT_THAT(seen, HasSubstr("Accept: text/plain"));
}

TEST(HttpProbe, OnceLostCredentialsDoNotComeBack) {
  std::string back;
  Site foreign([&](const std::string&) { return redirect(302, back); });
  Site home([&](const std::string& path) {
    return path == "/" ? redirect(302, foreign.url("/", "other.test")) : page("home");
  });
  back = home.url("/chosen-by-the-stranger");
  Look look;
  look.options().auth = {HttpAuth::Type::kBearer, "", "t0ken"};
  EXPECT_EQ(look.at(home.url()).cause, Cause::kOk);
  ASSERT_EQ(home.requests().size(), 2u);
  EXPECT_THAT(home.requests()[0], HasSubstr("t0ken"));
  EXPECT_THAT(home.requests()[1], Not(HasSubstr("t0ken")));
}

TEST(HttpProbe, RefusedAddresses) {
  Site site([](const std::string&) { return page("never"); });
  LookOptions options;
  options.allow = "";
  options.hosts = "127.0.0.1 intranet.test\n10.1.2.3 half.test\n";
  Look look(options);
  const Outcome outcome = look.at(site.url("/", "intranet.test"));
  EXPECT_EQ(outcome.cause, Cause::kAddressRefused);
  EXPECT_EQ(outcome.verdict, Verdict::kInconclusive);
  EXPECT_THAT(outcome.detail, StartsWith("intranet.test is 127.0.0.1, a loopback address"));
  EXPECT_EQ(look.at("http://10.1.2.3/").cause, Cause::kAddressRefused);
  EXPECT_EQ(site.accepted(), 0);
  look.strict_policy = false;
  EXPECT_EQ(look.at(site.url("/", "intranet.test")).cause, Cause::kOk) << "a person at his shell may";
}

TEST(HttpProbe, RedirectsPassThePolicyToo) {
  Site site([](const std::string&) { return redirect(302, "http://10.1.2.3/admin"); });
  Look look;
  const Outcome outcome = look.at(site.url());
  EXPECT_EQ(outcome.cause, Cause::kAddressRefused);
  EXPECT_THAT(outcome.detail, StartsWith("10.1.2.3 is a private address"));
}

TEST(HttpProbe, TheNextAddressIsTried) {
  Site site([](const std::string&) { return page("hello"); });
  LookOptions options;
  options.hosts =
      "127.0.0.7 shop.test\n127.0.0.8 shop.test\n127.0.0.1 shop.test\n::1 shop.test\n127.0.0.7 dead.test\n127.0.0.8 "
      "dead.test\n";
  Look look(options);
  const Outcome outcome = look.at(site.url());
  EXPECT_EQ(outcome.cause, Cause::kOk) << outcome.detail;
  EXPECT_EQ(outcome.evidence->addresses_tried.size(), 4u);
  EXPECT_THAT(outcome.evidence->address, StartsWith("127.0.0.1:"));
  const Outcome dead = look.at(site.url("/", "dead.test"));
  EXPECT_EQ(dead.cause, Cause::kConnectRefused);
  EXPECT_EQ(dead.phase, Phase::kConnect);
  EXPECT_EQ(dead.evidence->addresses_tried.size(), 2u);
  EXPECT_GE(dead.timings.connect_us, 0);
  EXPECT_EQ(dead.timings.wait_us, -1);
  look.options().ip_version = IpVersion::k6;
  EXPECT_EQ(look.at(site.url()).cause, Cause::kConnectRefused) << "nobody listens at ::1";
}

TEST(HttpProbe, OneDeadlineForEverything) {
  FakeServer silent([](FakeConnection& connection) { connection.wait_for_close(); });
  FakeServer drip([](FakeConnection& connection) {
    for (connection.send("HTTP/1.1 200 OK\r\n\r\n"); connection.pause(20) && connection.send("x");) continue;
  });
  FakeServer head_drip([](FakeConnection& connection) {
    for (connection.send("HTTP/1.1 200 OK\r\n"); connection.pause(20) && connection.send("X: y\r\n");) continue;
  });
  Look look;
  const auto at = [&](const FakeServer& server, const std::string& scheme) {
    const Outcome outcome = look.at(scheme + "://shop.test:" + std::to_string(server.port()), 300);
    EXPECT_GE(outcome.timings.total_us, 300'000);
    EXPECT_THAT(outcome.detail, HasSubstr("after 300 ms"));
    return outcome.cause;
  };
  EXPECT_EQ(at(silent, "http"), Cause::kHttpTimeout);
  EXPECT_EQ(at(silent, "https"), Cause::kTlsTimeout);
  EXPECT_EQ(at(drip, "http"), Cause::kHttpTransferTimeout);
  EXPECT_EQ(at(head_drip, "http"), Cause::kHttpTransferTimeout);
}

TEST(HttpProbe, NamesThatDoNotResolve) {
  const everup::test::Dnsmasq dns({"--address=/gone.test/"});
  LookOptions options;
  options.dns_servers = {*net::Address::parse("127.0.0.1", dns.port())};
  Look look(options);
  const Outcome gone = look.at("http://gone.test/");
  EXPECT_EQ(gone.cause, Cause::kDnsFailure);
  EXPECT_EQ(gone.verdict, Verdict::kDown);
  EXPECT_EQ(gone.phase, Phase::kDns);
  EXPECT_NE(gone.detail, "");
  EXPECT_GE(gone.timings.dns_us, 0);
  EXPECT_EQ(gone.timings.connect_us, -1);
}

TEST(HttpProbe, NameServersThatSayNothingAreOurTrouble) {
  const BoundSocket mute("127.0.0.1", SOCK_DGRAM);
  LookOptions options;
  options.dns_servers = {*net::Address::parse("127.0.0.1", mute.port())};
  Look look(options);
  const Outcome outcome = look.at("http://any.test/", 400);
  EXPECT_EQ(outcome.cause, Cause::kDnsUnavailable);
  EXPECT_EQ(outcome.verdict, Verdict::kInconclusive);
}

TEST(HttpProbe, DestroyingItCancels) {
  FakeServer silent([](FakeConnection& connection) { connection.wait_for_close(); });
  Look look;
  look.start("http://shop.test:" + std::to_string(silent.port()));
  look.turn_until([&] { return silent.accepted() > 0; });
  look.cancel();
  look.start("http://never.test/");
  look.cancel();
  Site site([](const std::string&) { return page("next"); });
  EXPECT_EQ(look.at(site.url()).cause, Cause::kOk);
}

TEST(HttpProbe, ShutDownEndsWaitingLooks) {
  const BoundSocket mute("127.0.0.1", SOCK_DGRAM);
  LookOptions options;
  options.dns_servers = {*net::Address::parse("127.0.0.1", mute.port())};
  Look look(options);
  look.start("http://any.test/");
  look.resolver().shutdown();
  look.turn_until([&] { return look.ended(); });
  ASSERT_TRUE(look.ended());
  EXPECT_EQ(look.outcome()->cause, Cause::kShutdown);
  look.cancel();
}

TEST(HttpProbe, BrokenRootsOfItsOwnAreOurError) {
  Look look;
  look.options().ca_pem = "junk";
  EXPECT_EQ(look.at("https://shop.test").cause, Cause::kInternal);
}

TEST(HttpProbe, HostileEvidenceIsPrintable) {
  using namespace std::string_literals;
  Site site(
      [](const std::string&) { return "HTTP/1.1 500 \x1b[31m\r\nX: \xff\r\nContent-Length: 4\r\n\r\n\0\x1b\xff<"s; });
  Look look;
  const Outcome outcome = look.at(site.url());
  ASSERT_TRUE(outcome.evidence);
  for (const char c : outcome.evidence->head + outcome.evidence->body_excerpt + outcome.detail) {
    EXPECT_TRUE(static_cast<unsigned char>(c) >= 32 || c == '\r' || c == '\n' || c == '\t') << static_cast<int>(c);
  }
}

}  // namespace
}  // namespace everup::checker::test
