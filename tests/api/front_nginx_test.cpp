// nginx in front of us, as the README deploys it: whatever bytes a stranger sends, nginx and we agree on how many
// requests they are, and nobody gets the answer to another's question.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "api/http_front.h"
#include "api/problem.h"
#include "net/clock.h"
#include "net/loop.h"
#include "tests/api/client.h"
#include "tests/support/http_cases.h"
#include "tests/support/nginx.h"

namespace everup::api {
namespace {

using test::Client;
using test::HttpCase;
using test::kHttpCases;

// Says what it was asked, and counts.
class Counting final : public FrontApp {
 public:
  HeadVerdict judge_head(const HttpRequest&) override { return {1'000'000, {}}; }
  void on_request(HttpRequest&& request, const Peer&, Reply reply) override {
    ++requests_;
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = request.method + " " + request.path;
    reply(std::move(response));
  }
  HttpResponse on_refusal(const Refusal& refusal) override {
    ++refusals_;
    return problem(refusal.status, refusal.code, refusal.detail);
  }
  std::atomic<int> requests_{0}, refusals_{0};
};

class BehindNginx : public testing::Test {
 protected:
  void SetUp() override {
    auto listeners = open_listeners("127.0.0.1:0");
    ASSERT_TRUE(listeners.ok()) << listeners.error().what;
    const std::string url = listeners->front().url;
    front_ = std::make_unique<HttpFront>(loop_, app_, *TrustedProxies::parse("127.0.0.0/8"));
    ASSERT_TRUE(front_->listen(std::move(listeners->front())).ok());
    thread_ = std::thread([this] { loop_.run(); });
    // One upstream connection, kept alive: bytes that only one side takes for a request would answer the next question.
    nginx_ = std::make_unique<test::Nginx>(
        dir_,
        "access_log " + log() +
            " seen; keepalive_timeout 100ms; client_header_timeout 300ms; client_body_timeout 300ms; location / { "
            "proxy_pass http://us; proxy_http_version 1.1; proxy_set_header Connection \"\"; }",
        "", "127.0.0.1",
        "log_format seen '$upstream_addr'; upstream us { server " + url.substr(7) + "; keepalive 1; }");
  }
  void TearDown() override {
    nginx_.reset();
    loop_.stop();
    if (thread_.joinable()) thread_.join();
    front_.reset();
  }
  std::string log() const { return dir_.file("seen.log"); }
  // Requests that nginx handed on ("-" is one that it answered itself).
  int handed_on() const {
    std::ifstream in(log());
    int count = 0;
    for (std::string line; std::getline(in, line);) count += line.empty() || line == "-" ? 0 : 1;
    return count;
  }

  test::TempDir dir_;
  Counting app_;
  net::SystemClock clock_;
  net::Loop loop_{clock_};
  std::unique_ptr<HttpFront> front_;
  std::thread thread_;
  std::unique_ptr<test::Nginx> nginx_;
};

TEST_F(BehindNginx, BothCountTheSameRequests) {
  int number = 0;
  for (const HttpCase& row : kHttpCases) {
    Client attacker(nginx_->port());
    attacker.send(row.bytes);
    ASSERT_TRUE(attacker.closed()) << row.name;  // by its timeouts at the latest
    // Then somebody else asks over the same upstream connection.
    Client innocent(nginx_->port());
    const std::string path = "/innocent/" + std::to_string(++number);
    EXPECT_EQ(innocent.ask(test::request("GET", path)).body, "GET " + path) << "after " << row.name;
  }
  nginx_.reset();  // SIGQUIT: the log is complete
  EXPECT_EQ(handed_on(), app_.requests_ + app_.refusals_);
  EXPECT_GE(app_.requests_, number) << "the innocent at least";
}

}  // namespace
}  // namespace everup::api
