// Strangers' bytes at the whole API: broken requests by the thousand, bodies that nobody asked for, and values that a
// parser further in might read differently.
#include "tests/api_routes/house_fixture.h"
#include "tests/support/http_cases.h"

namespace everup::api {
namespace {

using test::Client;
using test::request;

class Hostile : public ApiTest {};

// 501 and 505 are the parser's own answers to methods, codings and versions that it does not know (RFC 9110, 15.6.2).
bool ours_failed(int status) { return status >= 500 && status != 501 && status != 505; }

// What came back for `bytes`, however many requests they were: every status line.
std::vector<int> statuses(Client& client) {
  std::vector<int> out;
  client.closed(std::chrono::seconds(60));
  const std::string& text = client.rest();
  for (std::size_t at = text.find("HTTP/1.1 "); at != std::string::npos; at = text.find("HTTP/1.1 ", at + 9)) {
    out.push_back(std::atoi(text.c_str() + at + 9));
  }
  return out;
}

TEST_F(Hostile, FiveThousandBrokenRequests) {
  start();
  test::HttpFuzzer fuzzer(1);
  int answered = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string bytes = fuzzer.next();
    Client client(port());
    client.send(bytes);
    shutdown(client.fd(), SHUT_WR);
    for (const int status : statuses(client)) {
      ++answered;
      ASSERT_FALSE(ours_failed(status)) << status << " to number " << i << ":\n" << testing::PrintToString(bytes);
    }
  }
  EXPECT_GT(answered, 2500) << "nothing was reached";
  EXPECT_EQ(call("GET", "/healthz", "").status, 200);
}

TEST_F(Hostile, AStrangersLargeBodyIsNotWaitedFor) {
  start();
  Client stranger(port());
  stranger.send(
      request("POST", "/api/v1/monitors/bulk", "Content-Type: application/json\r\nContent-Length: 9000000\r\n"));
  const auto refused = stranger.receive();
  EXPECT_EQ(refused.status, 401);
  EXPECT_FALSE(refused.field("www-authenticate").empty());
  EXPECT_TRUE(stranger.closed());
  Client guessing(port());
  guessing.send(
      request("POST", "/api/v1/monitors/bulk", "Authorization: Bearer everup_guess\r\nContent-Length: 9000000\r\n"));
  EXPECT_EQ(guessing.receive().status, 401);
  // Who has a key is heard to the end.
  const std::string body = "{\"monitors\":[{\"target\":\"http://192.0.2.1/\"}]" + std::string(100'000, ' ') + "}";
  EXPECT_LT(call("POST", "/api/v1/monitors/bulk", owner_write, body).status, 300);
}

TEST_F(Hostile, NothingIsDecodedTwice) {
  start();
  Client client(port());
  const auto answer =
      client.ask(request("GET", "/healthz",
                         "X-Request-Id: a%0d%0aSet-Cookie: x=1\r\nREMOTE_ADDR: 6.6.6.6\r\n"
                         "If-None-Match: %0d%0aX-Injected: 1\r\nOrigin: https://a%0d%0aX-Injected: 1\r\n"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("x-injected"), "");
  EXPECT_EQ(answer.field("set-cookie"), "");
  EXPECT_EQ(answer.field("x-request-id").find('%'), std::string::npos)
      << "a request id of letters and digits, or our own";
}

TEST_F(Hostile, PathsLeadNowhereElse) {
  start();
  for (const char* path : {"/..%2f..%2fetc/passwd", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/healthz%00",
                           "//healthz", "/healthz/", "/healthz;x", "/%c0%ae%c0%ae/etc/passwd", "/./healthz",
                           "/api/v1/../../metrics", "/healthz%2f", "/HEALTHZ", "/api/v1//monitors", "/%252e%252e/"}) {
    const int status = call("GET", path, owner_admin).status;
    EXPECT_TRUE(status == 400 || status == 404) << path << ": " << status;
  }
  for (const char* method : {"TRACE", "CONNECT"}) {
    Client client(port());
    const auto answer = client.ask(request(method, "/healthz"));
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_FALSE(answer.field("allow").empty());
  }
}

}  // namespace
}  // namespace everup::api
