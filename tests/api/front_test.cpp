// The front over real sockets: limits, deadlines, framing, keep-alive, pipelining, eviction, draining.
#include "api/http_front.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "api/problem.h"
#include "net/clock.h"
#include "net/loop.h"
#include "tests/api/client.h"
#include "tests/support/tempdir.h"

namespace everup::api {
namespace {

using test::Client;
using test::Reply;
using test::request;

// Answers "METHOD path?query body" at once, or from another thread for paths that begin with /later; /never is not
// answered.
class Echo final : public FrontApp {
 public:
  HeadVerdict judge_head(const HttpRequest& head) override {
    if (head.path == "/closed") return {0, {401, "unauthorized", "not for you"}};
    return {head.path == "/small" ? 10U : 1'000'000U, {}};
  }
  void on_request(HttpRequest&& r, const Peer& peer, Reply reply) override {
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = r.method + " " + r.path + "?" + r.query + " " + r.body;
    if (r.path == "/big") response.body.assign(8'000'000, 'x');
    if (r.path == "/peer") response.body = peer.address ? peer.address->host() : "unix";
    if (r.path == "/never") {
      const std::lock_guard lock(mutex_);
      kept_.push_back(std::move(reply));
      changed_.notify_all();
      return;
    }
    if (!r.path.starts_with("/later")) return reply(std::move(response));
    threads_.emplace_back([reply, response]() mutable { reply(std::move(response)); });
  }
  HttpResponse on_refusal(const Refusal& refusal) override {
    return problem(refusal.status, refusal.code, refusal.detail);
  }
  void wait_for_kept(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return kept_.size() >= n; });
  }
  void answer_kept() {
    const std::lock_guard lock(mutex_);
    for (auto& reply : kept_) {
      HttpResponse response;
      response.content_type = "text/plain";
      response.body = "kept";
      reply(std::move(response));
    }
    kept_.clear();
  }
  std::vector<std::jthread> threads_;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Reply> kept_;
};

class Front : public testing::Test {
 protected:
  void begin(FrontLimits limits = {}, const std::string& spec = "127.0.0.1:0") {
    auto listeners = open_listeners(spec);
    ASSERT_TRUE(listeners.ok()) << listeners.error().what;
    url_ = listeners->front().url;
    front_ = std::make_unique<HttpFront>(loop_, echo_, *TrustedProxies::parse(""), limits);
    ASSERT_TRUE(front_->listen(std::move(listeners->front())).ok());
    thread_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    echo_.threads_.clear();
    loop_.stop();
    if (thread_.joinable()) thread_.join();
    front_.reset();
  }
  std::uint16_t port() const { return static_cast<std::uint16_t>(std::stoi(url_.substr(url_.rfind(':') + 1))); }
  Client client() const { return Client(port()); }

  net::SystemClock clock_;
  net::Loop loop_{clock_};
  Echo echo_;
  std::unique_ptr<HttpFront> front_;
  std::string url_;
  std::thread thread_;
};

TEST_F(Front, KeepAliveHeadAndBodies) {
  begin();
  Client c = client();
  EXPECT_EQ(c.ask(request("GET", "/a?b")).body, "GET /a?b ");
  EXPECT_EQ(c.ask(request("POST", "/p", "", "hello")).body, "POST /p? hello");
  const Reply head = c.ask(request("HEAD", "/h"), true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("content-length"), "9");
  EXPECT_EQ(c.ask(request("GET", "/later")).body, "GET /later? ");
  EXPECT_EQ(c.ask(request("GET", "/x", "Connection: close\r\n")).field("connection"), "close");
  EXPECT_TRUE(c.closed());
}

TEST_F(Front, PipelinedRequestsAreAnsweredInOrder) {
  begin();
  Client c = client();
  std::string all;
  for (int i = 0; i < 300; ++i) all += request("GET", (i % 7 == 0 ? "/later" : "/") + std::to_string(i));
  std::jthread sender([&] { c.send(all); });
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(c.receive().body, "GET " + std::string(i % 7 == 0 ? "/later" : "/") + std::to_string(i) + "? ");
  }
}

TEST_F(Front, RefusalsCloseTheConnection) {
  begin();
  struct Row {
    std::string bytes;
    int status;
  };
  for (const Row& row :
       {Row{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
        Row{request("POST", "/", "Transfer-Encoding: chunked\r\n"), 411}, Row{"GET /" + std::string(9000, 'a'), 414},
        Row{request("GET", "/", "X: " + std::string(9000, 'a') + "\r\n"), 431},
        Row{request("POST", "/small", "", "01234567890"), 413}, Row{"\x16\x03\x01\n", 400},
        Row{request("TRACE", "/"), 405}, Row{request("POST", "/closed", "Content-Length: 999999\r\n"), 401}}) {
    Client c = client();
    c.send(row.bytes + request("GET", "/smuggled"));
    EXPECT_EQ(c.receive().status, row.status);
    EXPECT_TRUE(c.closed());
    EXPECT_EQ(c.rest().find("smuggled"), std::string::npos);
  }
}

TEST_F(Front, HugeHeadsCostNothing) {
  begin();
  Client c = client();
  const std::string line = "GET / HTTP/1.1\r\nX: " + std::string(1'000'000, 'a');
  std::jthread sender([&] { c.send(line); });  // the peer stops reading long before its end
  EXPECT_EQ(c.receive().status, 431);
}

TEST_F(Front, Expect100Continue) {
  begin();
  Client c = client();
  c.send("POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(c.receive().status, 100);
  EXPECT_EQ(c.ask("12345").body, "POST /e? 12345");
  Client refused = client();
  refused.send("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(refused.receive().status, 413);
}

TEST_F(Front, SlowHeadAndSlowBodyAreTimedOut) {
  begin({.head_deadline = milliseconds(200), .idle_deadline = milliseconds(300), .body_grace = milliseconds(200)});
  Client head = client();
  head.send("GET / HTTP/1.1\r\nHo");
  Client body = client();
  body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
  Client idle = client();
  EXPECT_EQ(head.receive().status, 408);
  EXPECT_EQ(body.receive().status, 408);
  EXPECT_TRUE(idle.closed()) << "an idle connection is closed without a word";
  EXPECT_GE(front_->counters().timed_out, 3U);
}

TEST_F(Front, FiveHundredIdleAndTricklingConnectionsDelayNobody) {
  begin();
  std::vector<Client> crowd;
  for (int i = 0; i < 500; ++i) {
    crowd.push_back(client());
    if (i % 2 == 0) crowd.back().send("GET / HTTP/1.1\r\nX-Slow: ");
  }
  std::vector<std::int64_t> times;
  for (int round = 0; round < 100; ++round) {
    for (std::size_t i = 0; i < crowd.size(); i += 50) crowd[i].send("a");
    const auto begin_at = std::chrono::steady_clock::now();
    Client c = client();
    EXPECT_EQ(c.ask(request("GET", "/n")).status, 200);
    times.push_back(
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin_at).count());
  }
  std::sort(times.begin(), times.end());
  RecordProperty("median_us", std::to_string(times[50]));
  std::printf("a new connection beside 500 slow ones: median %lld us, worst %lld us\n",
              static_cast<long long>(times[50]), static_cast<long long>(times[99]));
}

TEST_F(Front, WhenFullTheOldestIdleConnectionGoes) {
  begin({.connections_max = 5});
  Client busy = client();
  busy.send(request("GET", "/never"));
  echo_.wait_for_kept(1);
  std::vector<Client> idle;
  for (int i = 0; i < 4; ++i) {
    idle.push_back(client());
    EXPECT_EQ(idle.back().ask(request("GET", "/i")).status, 200);
  }
  Client extra = client();
  EXPECT_EQ(extra.ask(request("GET", "/new")).status, 200);
  EXPECT_TRUE(idle.front().closed());
  EXPECT_EQ(idle.back().ask(request("GET", "/still")).status, 200);
  echo_.answer_kept();
  EXPECT_EQ(busy.receive().body, "kept") << "a request under way is never thrown out";
  EXPECT_EQ(front_->counters().evicted, 1U);
}

TEST_F(Front, ASlowReaderHoldsNobodyUpAndIsDropped) {
  begin({.write_stall = milliseconds(300)});
  Client slow = client();
  const int small = 4096;
  setsockopt(slow.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  slow.send(request("GET", "/big"));
  Client c = client();
  EXPECT_EQ(c.ask(request("GET", "/n")).status, 200);
  Client whole = client();
  EXPECT_EQ(whole.ask(request("GET", "/big")).body.size(), 8'000'000U);
  while (front_->counters().timed_out == 0) ASSERT_EQ(c.ask(request("GET", "/n")).status, 200);
}

// Takes some bytes again and again, so that it never stalls: what it owes is a rate.
TEST_F(Front, ATricklingReaderIsDroppedToo) {
  begin({.body_grace = milliseconds(300), .body_bytes_per_s = 100'000'000});
  Client slow = client();
  const int small = 4096;
  setsockopt(slow.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  slow.send(request("GET", "/big"));
  Client c = client();
  std::size_t taken = 0;
  char buffer[512];
  while (front_->counters().timed_out == 0) {
    const ssize_t got = recv(slow.fd(), buffer, sizeof buffer, 0);
    ASSERT_GT(got, 0);
    ASSERT_EQ(c.ask(request("GET", "/n")).status, 200);
    taken += static_cast<std::size_t>(got);
    ASSERT_LT(taken, 8'000'000U) << "the whole answer was handed out";
  }
}

TEST_F(Front, DrainFinishesWhatRuns) {
  begin();
  Client busy = client();
  busy.send(request("GET", "/never"));
  echo_.wait_for_kept(1);
  Client idle = client();
  EXPECT_EQ(idle.ask(request("GET", "/i")).status, 200);
  std::mutex mutex;
  std::condition_variable changed;
  bool drained = false;
  ASSERT_TRUE(loop_.post([&] {
    front_->drain(clock_.now().mono + std::chrono::seconds(60), [&] {
      const std::lock_guard lock(mutex);
      drained = true;
      changed.notify_all();
    });
  }));
  EXPECT_TRUE(idle.closed());
  echo_.answer_kept();
  const Reply last = busy.receive();
  EXPECT_EQ(last.body, "kept");
  EXPECT_EQ(last.field("connection"), "close");
  EXPECT_TRUE(busy.closed());
  ::shutdown(busy.fd(), SHUT_RDWR);
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return drained; }));
  EXPECT_ANY_THROW(client()) << "nobody listens any more";
}

TEST_F(Front, UnixSocketWithMode) {
  const test::TempDir dir;
  const std::string path = dir.file("s");
  begin({}, "unix:" + path + "?mode=0600");
  struct stat facts {};
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
  EXPECT_FALSE(open_listeners("unix:" + path).ok()) << "somebody listens there";
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  path.copy(place.sun_path, sizeof place.sun_path - 1);
  ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&place), sizeof place), 0);
  const std::string ask = request("GET", "/peer", "Connection: close\r\n");
  ASSERT_EQ(write(fd, ask.data(), ask.size()), static_cast<ssize_t>(ask.size()));
  std::string all;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(fd, buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
  close(fd);
  EXPECT_TRUE(all.ends_with("unix")) << all;
}

TEST(Listeners, BadSpecificationsNameTheSetting) {
  for (const char* spec :
       {"", "unix:relative", "unix:/tmp/x?mode=9", "unix:/tmp/x?owner=me", "nonsense", "127.0.0.1:99999", "systemd"}) {
    const auto opened = open_listeners(spec);
    ASSERT_FALSE(opened.ok()) << spec;
    EXPECT_NE(opened.error().what.find("EVERUP_LISTEN"), std::string::npos);
  }
  const test::TempDir dir;
  const std::string file = dir.write("file", "x");
  EXPECT_FALSE(open_listeners("unix:" + file).ok()) << "not a socket";
  EXPECT_EQ(open_listeners("127.0.0.1:0 [::1]:0")->size(), 2U);
}

}  // namespace
}  // namespace everup::api
