// One exchange at a time against servers that misbehave: what each fault is called, what is bounded, and what the pool
// must forget.
#include "net/curl_transfer.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cstring>

#include "net/address_policy.h"
#include "tests/net_curl/exchange.h"
#include "tests/support/fake_server.h"
#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::net::test {
namespace {

using everup::test::FakeConnection;
using everup::test::FakeServer;

constexpr std::string_view kGood = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

// What a server that always does `handler` after reading the request makes of an exchange.
TransferResult ask_once(const std::function<void(FakeConnection&)>& after_request, std::size_t body_keep = 2048) {
  FakeServer server([&](FakeConnection& connection) {
    if (!connection.read_request().empty()) after_request(connection);
  });
  Exchange exchange;
  Ask ask("http", "shop.test", server.port());
  ask->body_keep = body_keep;
  return exchange.run(ask.request);
}
TransferResult answer_once(const std::string& bytes) {
  return ask_once([&](FakeConnection& connection) { connection.send(bytes); });
}

// A firewall or a full balancer accepts and resets before a byte was asked: the reset has to arrive before our loop's
// next turn, so the same thread plays both sides. Another try where the kernel took its time.
TEST(CurlTransfer, AResetWhileConnectingIsItsOwnCause) {
  TransferResult result;
  for (int attempt = 0; attempt < 20 && result.cause != Cause::kConnectReset; ++attempt) {
    const everup::test::Listener listener;
    Exchange exchange;
    Ask ask("http", "shop.test", listener.port());
    struct : TransferListener {
      void on_transfer_end(CurlTransfer&) override { ended = true; }
      bool ended = false;
    } told;
    ASSERT_TRUE(exchange.transfer().start(ask.request, told));
    exchange.turn_until([&] {
      pollfd entry{listener.fd(), POLLIN, 0};
      return poll(&entry, 1, 0) == 1;
    });
    const int peer = accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    ASSERT_GE(peer, 0);
    const linger now{1, 0};
    ASSERT_EQ(setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(peer);
    exchange.turn_until([&] { return told.ended; });
    ASSERT_TRUE(told.ended);
    result = exchange.transfer().result();
  }
  EXPECT_EQ(result.cause, Cause::kConnectReset) << result.detail;
  EXPECT_EQ(result.detail, strerror(ECONNRESET));
}

TEST(CurlTransfer, AsksByNameAtThePinnedAddress) {
  std::string seen;
  FakeServer server([&](FakeConnection& connection) {
    seen = connection.read_request();
    connection.send(kGood);
  });
  Exchange exchange;
  Ask ask("http", "shop.test", server.port(), "/health?x=1");
  const TransferResult& result = exchange.run(ask.request);
  EXPECT_EQ(result.cause, Cause::kOk) << result.detail;
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.http_version, 11);
  EXPECT_EQ(exchange.transfer().body(), "hello");
  EXPECT_TRUE(seen.starts_with("GET /health?x=1 HTTP/1.1\r\nHost: shop.test:" + std::to_string(server.port()) + "\r\n"))
      << seen;
  EXPECT_NE(seen.find("User-Agent: Everup-test/1.0\r\n"), std::string::npos);
  EXPECT_NE(seen.find("Accept-Encoding: "), std::string::npos);
  ASSERT_TRUE(result.peer);
  EXPECT_EQ(result.peer->text(), "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_GT(result.times.connected, 0);
  EXPECT_GE(result.times.first_byte, result.times.connected);
}

TEST(CurlTransfer, RacesTwoFamiliesBehindOnePinName) {
  FakeServer server([](FakeConnection& connection) {
    if (!connection.read_request().empty()) connection.send(kGood);
  });
  Exchange exchange;
  for (int round = 0; round < 3; ++round) {  // nobody listens at ::1 on that port: IPv4 wins, every time anew
    Ask ask("http", "shop.test", server.port());
    ask->v6 = Address::parse("::1");
    const TransferResult& result = exchange.run(ask.request);
    EXPECT_EQ(result.cause, Cause::kOk) << result.detail;
    ASSERT_TRUE(result.peer);
    EXPECT_EQ(result.peer->host(), "127.0.0.1");
    EXPECT_EQ(exchange.transfer().tried().size(), 2u);
    exchange.recycle();
  }
}

TEST(CurlTransfer, PinsDoNotOutliveTheirExchange) {
  FakeServer first([](FakeConnection& c) { c.read_request(), c.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"); },
                   "127.0.0.2");
  FakeServer second(
      [](FakeConnection& c) { c.read_request(), c.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"); }, "127.0.0.3",
      first.port());
  Exchange exchange;
  const auto body_at = [&](const char* address, bool two_families) {
    Ask ask("http", "shop.test", first.port(), "/", address);
    if (two_families) ask->v6 = Address::parse("::1");
    exchange.recycle();
    const TransferResult& result = exchange.run(ask.request);
    EXPECT_EQ(result.cause, Cause::kOk) << result.detail;
    return exchange.transfer().body();
  };
  EXPECT_EQ(body_at("127.0.0.2", true), "1");
  EXPECT_EQ(body_at("127.0.0.3", true), "2");
  EXPECT_EQ(body_at("127.0.0.2", false), "1");
  EXPECT_EQ(body_at("127.0.0.3", false), "2");
  EXPECT_EQ(body_at("127.0.0.2", true), "1");
  EXPECT_EQ(exchange.multi().idle(), 0u) << "one handle served them all";
}

TEST(CurlTransfer, NobodyListensIsRefused) {
  Exchange exchange;
  Ask ask("http", "shop.test", everup::test::free_port("127.0.0.9"), "/", "127.0.0.9");
  const TransferResult& result = exchange.run(ask.request);
  EXPECT_EQ(result.cause, Cause::kConnectRefused);
  EXPECT_EQ(result.detail, "Connection refused");
  EXPECT_EQ(exchange.transfer().phase(), Phase::kConnect);
}

TEST(CurlTransfer, NoRouteIsOurTroubleOrTheirsAsTheKernelSays) {
  Exchange exchange;
  Ask broadcast("http", "shop.test", 80, "/",
                "255.255.255.255");  // EACCES or ENETUNREACH: our own side, never an outage
  const Cause cause = exchange.run(broadcast.request).cause;
  EXPECT_EQ(facts(cause).verdict, Verdict::kInconclusive) << facts(cause).slug;
}

TEST(CurlTransfer, NoDescriptorsIsOurTrouble) {
  FakeServer server([](FakeConnection& connection) { connection.read_request(), connection.send(kGood); });
  Exchange exchange;
  Ask ask("http", "shop.test", server.port());
  exchange.run(ask.request);
  exchange.recycle();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;  // every new descriptor would be beyond it
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const TransferResult result = exchange.run(ask.request);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(result.cause, Cause::kOwnResources);
  EXPECT_EQ(result.detail, "Too many open files");
}

TEST(CurlTransfer, ThePolicyIsAskedAgainAtTheSocket) {
  FakeServer server([](FakeConnection& connection) { connection.read_request(), connection.send(kGood); });
  const AddressPolicy policy(AllowList{}, {});
  Exchange exchange;
  Ask ask("http", "intranet.lan", server.port());
  ask->policy = &policy;
  const TransferResult& result = exchange.run(ask.request);
  EXPECT_EQ(result.cause, Cause::kAddressRefused);
  EXPECT_NE(result.detail.find("intranet.lan is 127.0.0.1, a loopback address"), std::string::npos) << result.detail;
  EXPECT_EQ(server.accepted(), 0);
}

TEST(CurlTransfer, FaultsOfAnAnswerHaveTheirNames) {
  EXPECT_EQ(ask_once([](FakeConnection&) {}).cause, Cause::kHttpEmptyReply);
  EXPECT_EQ(ask_once([](FakeConnection& connection) { connection.reset(); }).cause, Cause::kHttpReset);
  EXPECT_EQ(answer_once("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").cause, Cause::kHttpTruncated);
  EXPECT_EQ(answer_once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").cause,
            Cause::kHttpTruncated);
  EXPECT_EQ(answer_once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").cause, Cause::kHttpProtocol);
  EXPECT_EQ(answer_once("HTTP/1.1 200 OK\r\nContent-Le").cause, Cause::kHttpTruncated) << "the head has no end";
  EXPECT_EQ(answer_once("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n").cause, Cause::kHttpTruncated);
  EXPECT_EQ(answer_once("SSH-2.0-OpenSSH_9.2\r\n").cause, Cause::kHttpProtocol);
  EXPECT_EQ(answer_once("HTTP/1.1 200 OK\r\nContent-Encoding: zip\r\nContent-Length: 1\r\n\r\nx").cause,
            Cause::kHttpEncoding);
  EXPECT_EQ(answer_once("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\njunk").cause,
            Cause::kHttpEncoding);
  EXPECT_EQ(answer_once("HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 1\r\n\r\nx").cause,
            Cause::kHttpEncoding);
  EXPECT_EQ(answer_once("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: gzip, chunked\r\n\r\n").cause,
            Cause::kHttpEncoding);
}

TEST(CurlTransfer, ResetMidBodyIsAReset) {
  const TransferResult result = ask_once([](FakeConnection& connection) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    connection.reset();
  });
  EXPECT_TRUE(result.cause == Cause::kHttpReset || result.cause == Cause::kHttpTruncated) << facts(result.cause).slug;
  EXPECT_EQ(result.status, 200);
}

TEST(CurlTransfer, HeadsAreBounded) {
  const auto many = [](FakeConnection& connection) {
    for (connection.send("HTTP/1.1 200 OK\r\n");
         connection.send("X-Filler: 0123456789012345678901234567890123456789\r\n");)
      continue;
  };
  EXPECT_EQ(ask_once(many).cause, Cause::kHttpHeadTooLarge);
  const auto one_line = [](FakeConnection& connection) {
    for (connection.send("HTTP/1.1 200 OK\r\nX-Filler: "); connection.send(std::string(4096, 'a'));) continue;
  };
  EXPECT_EQ(ask_once(one_line).cause, Cause::kHttpHeadTooLarge);
  const auto interim = [](FakeConnection& connection) {
    while (connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")) continue;
  };
  EXPECT_EQ(ask_once(interim).cause, Cause::kHttpHeadTooLarge);
}

TEST(CurlTransfer, BodiesAreBoundedAndOnlyTheExcerptIsKept) {
  const auto endless = [](FakeConnection& connection) {
    for (connection.send("HTTP/1.1 200 OK\r\n\r\n"); connection.send(std::string(65536, 'x'));) continue;
  };
  FakeServer server([&](FakeConnection& connection) {
    if (!connection.read_request().empty()) endless(connection);
  });
  Exchange exchange;
  Ask ask("http", "shop.test", server.port());
  const TransferResult& result = exchange.run(ask.request);
  EXPECT_EQ(result.cause, Cause::kOk) << result.detail;
  EXPECT_TRUE(result.body_capped);
  EXPECT_EQ(exchange.transfer().body().size(), 2048u);
  ask->body_keep = kBodyBytesMax;
  exchange.run(ask.request);
  EXPECT_EQ(exchange.transfer().body().size(), kBodyBytesMax);
}

TEST(CurlTransfer, ABombCountsDecoded) {
  everup::test::TempDir dir;
  for (const std::string tool : {"gzip", "zstd"}) {
    const std::string bomb = dir.file("bomb." + tool);
    everup::test::run_tool({"sh", "-c", "head -c 104857600 /dev/zero | " + tool + " -c > " + bomb});
    const std::string packed = everup::test::read_file(bomb);
    const TransferResult result = answer_once("HTTP/1.1 200 OK\r\nContent-Encoding: " + tool + "\r\nContent-Length: " +
                                              std::to_string(packed.size()) + "\r\n\r\n" + packed);
    EXPECT_EQ(result.cause, Cause::kOk) << tool << result.detail;
    EXPECT_TRUE(result.body_capped) << tool;
  }
}

TEST(CurlTransfer, OddHeadersDoNotBreakIt) {
  const Cause cause = answer_once("HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 0\r\n\r\n").cause;
  EXPECT_TRUE(cause == Cause::kOk || cause == Cause::kHttpProtocol);
  const std::string nul("HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 0\r\n\r\n", 51);
  EXPECT_EQ(answer_once(nul).cause, Cause::kHttpProtocol);
}

TEST(CurlTransfer, MethodsHeadersAndBodiesAreSentAndForgotten) {
  std::vector<std::string> seen;
  FakeServer server([&](FakeConnection& connection) {
    seen.push_back(connection.read_request());
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  Exchange exchange;
  const auto request = [&](std::string_view method, std::vector<HttpHeader> headers, std::string body, HttpAuth auth) {
    Ask ask("http", "shop.test", server.port());
    ask->method = method;
    ask->headers = headers;
    ask->body = body;
    ask->auth = &auth;
    EXPECT_EQ(exchange.run(ask.request).cause, Cause::kOk);
    exchange.recycle();
    return seen.back();
  };
  const std::string post =
      request("POST", {{"X-Key", "abc"}, {"X-Empty", ""}}, "{\"a\":1}", {HttpAuth::Type::kBasic, "ann", "s3cret"});
  EXPECT_TRUE(post.starts_with("POST / HTTP/1.1\r\n")) << post;
  EXPECT_NE(post.find("X-Key: abc\r\n"), std::string::npos);
  EXPECT_NE(post.find("X-Empty:\r\n"), std::string::npos);
  EXPECT_NE(post.find("Authorization: Basic YW5uOnMzY3JldA==\r\n"), std::string::npos);
  EXPECT_TRUE(post.ends_with("\r\n\r\n{\"a\":1}")) << post;
  const std::string plain = request("GET", {}, "", {});
  for (const char* left_over : {"X-Key", "X-Empty", "Authorization", "Content-Length", "Content-Type", "POST"}) {
    EXPECT_EQ(plain.find(left_over), std::string::npos) << plain;
  }
  EXPECT_NE(plain.find("\r\nUser-Agent: Everup-test/1.0\r\n"), std::string::npos) << plain;
  EXPECT_NE(plain.find("\r\nAccept-Encoding: deflate, gzip"), std::string::npos) << plain;
  const std::string own = request("GET", {{"user-agent", "mine"}, {"Accept-Encoding", "identity"}}, "", {});
  EXPECT_NE(own.find("\r\nuser-agent: mine\r\n"), std::string::npos) << own;
  EXPECT_NE(own.find("\r\nAccept-Encoding: identity\r\n"), std::string::npos) << own;
  EXPECT_EQ(own.find("Everup-test"), std::string::npos) << own;
  EXPECT_EQ(own.find("gzip"), std::string::npos) << own;
  EXPECT_EQ(request("GET", {}, "", {}), plain) << "what every request says comes back";
  EXPECT_TRUE(request("HEAD", {}, "", {}).starts_with("HEAD / HTTP/1.1\r\n"));
  EXPECT_TRUE(request("GET", {}, "", {}).starts_with("GET / HTTP/1.1\r\n"));
  EXPECT_NE(request("PUT", {}, "", {}).find("Content-Length: 0\r\n"), std::string::npos);
  EXPECT_EQ(seen.back().find("Content-Type"), std::string::npos);
  EXPECT_TRUE(request("DELETE", {}, "", {}).starts_with("DELETE / HTTP/1.1\r\n"));
  EXPECT_TRUE(request("OPTIONS", {}, "", {}).starts_with("OPTIONS / HTTP/1.1\r\n"));
  EXPECT_NE(request("GET", {}, "", {HttpAuth::Type::kBearer, "", "t0ken"}).find("Authorization: Bearer t0ken\r\n"),
            std::string::npos);
  EXPECT_EQ(request("GET", {}, "", {}).find("Authorization"), std::string::npos);
}

TEST(CurlTransfer, DigestAnswersItsChallengeOnASecondConnection) {
  std::vector<std::string> seen;
  FakeServer server([&](FakeConnection& connection) {
    seen.push_back(connection.read_request());
    const bool known = seen.back().find("Authorization: Digest ") != std::string::npos;
    connection.send(known ? kGood
                          : "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"abc\", "
                            "qop=\"auth\"\r\nContent-Length: 4\r\n\r\nasks");
  });
  Exchange exchange;
  Ask ask("http", "shop.test", server.port());
  const HttpAuth auth{HttpAuth::Type::kDigest, "ann", "s3cret"};
  ask->auth = &auth;
  const TransferResult& result = exchange.run(ask.request);
  EXPECT_EQ(result.cause, Cause::kOk) << result.detail;
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(exchange.transfer().body(), "hello") << "the challenge's body is not the answer's";
  EXPECT_EQ(exchange.transfer().head().find("401"), std::string::npos);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].find("Authorization"), std::string::npos);
  EXPECT_EQ(seen[1].find("s3cret"), std::string::npos);
  EXPECT_FALSE(exchange.transfer().poolable()) << "a nonce must not serve anybody else";
}

TEST(CurlTransfer, AbortTellsThePhaseAndClosesAtOnce) {
  std::atomic<int> closed{0};
  FakeServer server([&](FakeConnection& connection) {
    connection.read_request();
    connection.wait_for_close();
    ++closed;
  });
  Exchange exchange;
  Ask ask("http", "shop.test", server.port());
  ASSERT_TRUE(exchange.transfer().start(ask.request, exchange));
  exchange.turn_until([&] { return exchange.transfer().phase() == Phase::kWait; });
  EXPECT_EQ(exchange.transfer().phase(), Phase::kWait);
  exchange.transfer().abort(Cause::kHttpTimeout);
  EXPECT_FALSE(exchange.transfer().running());
  EXPECT_EQ(exchange.transfer().result().cause, Cause::kHttpTimeout);
  exchange.turn_until([&] { return closed > 0; });
  EXPECT_EQ(closed, 1);
}

TEST(CurlTransfer, GivingBackARunningOneCancelsIt) {
  FakeServer server([](FakeConnection& connection) { connection.wait_for_close(); });
  Exchange exchange;
  Ask ask("http", "shop.test", server.port());
  ASSERT_TRUE(exchange.transfer().start(ask.request, exchange));
  exchange.turn_until([&] { return server.accepted() > 0; });
  exchange.recycle();
  EXPECT_FALSE(exchange.transfer().running());
  EXPECT_EQ(exchange.multi().idle(), 0u);
}

TEST(CurlTransfer, ProxyAndOtherHabitsOfTheEnvironmentAreIgnored) {
  setenv("http_proxy", "http://127.0.0.1:1/", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
  FakeServer server([](FakeConnection& connection) { connection.read_request(), connection.send(kGood); });
  Exchange exchange;
  Ask ask("http", "shop.test", server.port());
  EXPECT_EQ(exchange.run(ask.request).cause, Cause::kOk);
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
}

}  // namespace
}  // namespace everup::net::test
