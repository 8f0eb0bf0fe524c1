// Answers that go on, over real sockets: frames as they are given, readers who are slow, gone or many, pings, age, the
// end; and the same through nginx with buffering and gzip on.
#include <gtest/gtest.h>
#include <zlib.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "api/http_front.h"
#include "api/problem.h"
#include "api/subscription.h"
#include "net/clock.h"
#include "net/limits.h"
#include "net/loop.h"
#include "tests/api/client.h"
#include "tests/support/nginx.h"

namespace everup::api {
namespace {

using test::Client;
using test::Reply;
using test::request;

std::size_t threads_now() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) ++count;
  return count;
}

// Every GET of /stream is a subscription that the test feeds.
class Feed final : public FrontApp {
 public:
  HeadVerdict judge_head(const HttpRequest&) override { return {0, {}}; }
  void on_request(HttpRequest&& r, const Peer&, Reply reply) override {
    StreamPlan plan;
    plan.ping = ": ping\n\n";
    plan.farewell = "event: restart\ndata:\n\n";
    plan.begin = [this](std::shared_ptr<Subscription> to) {
      const std::lock_guard lock(mutex_);
      open_.push_back(std::move(to));
      changed_.notify_all();
    };
    plan.closed = [this] {
      const std::lock_guard lock(mutex_);
      ++closed_;
      changed_.notify_all();
    };
    HttpResponse response = stream_answer(r.path == "/page" ? "text/html" : "text/event-stream", std::move(plan));
    response.body = "first\n\n";
    reply(std::move(response));
  }
  HttpResponse on_refusal(const Refusal& refusal) override {
    return problem(refusal.status, refusal.code, refusal.detail);
  }
  std::vector<std::shared_ptr<Subscription>> wait_for_open(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [&] { return open_.size() >= count; });
    return open_;
  }
  std::size_t wait_for_closed(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [&] { return closed_ >= count; });
    return closed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Subscription>> open_;
  std::size_t closed_ = 0;
};

class Streams : public testing::Test {
 protected:
  void begin(FrontLimits limits = {}) {
    auto listeners = open_listeners("127.0.0.1:0");
    ASSERT_TRUE(listeners.ok()) << listeners.error().what;
    const std::string url = listeners->front().url;
    port_ = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    front_ = std::make_unique<HttpFront>(loop_, feed_, *TrustedProxies::parse("127.0.0.0/8"), limits);
    ASSERT_TRUE(front_->listen(std::move(listeners->front())).ok());
    thread_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
    front_.reset();
  }
  // What is read until `end` stands in it, or the connection ends.
  static std::string read_until(Client& client, const std::string& end) {
    while (client.rest().find(end) == std::string::npos && client.more()) {
    }
    return client.rest();
  }
  Client ask(const std::string& bytes = request("GET", "/stream")) {
    Client client(port_);
    client.send(bytes);
    return client;
  }

  net::SystemClock clock_;
  net::Loop loop_{clock_};
  Feed feed_;
  std::unique_ptr<HttpFront> front_;
  std::thread thread_;
  std::uint16_t port_ = 0;
};

TEST_F(Streams, FramesComeAsTheyAreGiven) {
  begin();
  Client client = ask();
  const std::string head = read_until(client, "first\n\n\r\n");
  EXPECT_NE(head.find("HTTP/1.1 200 OK\r\n"), std::string::npos);
  EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_NE(head.find("X-Accel-Buffering: no\r\n"), std::string::npos);
  EXPECT_NE(head.find("Cache-Control: no-store, no-transform\r\n"), std::string::npos);
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n7\r\nfirst\n\n\r\n"));
  const auto to = feed_.wait_for_open(1).at(0);
  for (const std::string text : {"one", "two", "three"}) {  // each is read before the next is given
    EXPECT_TRUE(to->send(text));
    EXPECT_TRUE(read_until(client, text + "\r\n").ends_with(text + "\r\n"));
  }
  to->end();
  EXPECT_TRUE(read_until(client, "0\r\n\r\n").ends_with("0\r\n\r\n"));
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(feed_.wait_for_closed(1), 1u);
  EXPECT_FALSE(to->send("too late"));
}

TEST_F(Streams, OldClientsReadToTheEndAndHeadHasNone) {
  begin();
  Client old = ask("GET /stream HTTP/1.0\r\nHost: a\r\n\r\n");
  read_until(old, "first\n\n");
  feed_.wait_for_open(1).at(0)->send("more");
  feed_.wait_for_open(1).at(0)->end();
  EXPECT_TRUE(old.closed());
  EXPECT_EQ(old.rest().find("chunked"), std::string::npos);
  EXPECT_TRUE(old.rest().ends_with("\r\n\r\nfirst\n\nmore"));

  Client head(port_);
  EXPECT_EQ(head.ask(request("HEAD", "/stream"), true).field("transfer-encoding"), "chunked");
  EXPECT_EQ(head.ask(request("HEAD", "/stream"), true).status, 200) << "nothing followed, nothing was begun";
  EXPECT_EQ(feed_.wait_for_open(1).size(), 1u);
}

TEST_F(Streams, WhoGoesAwayIsTold) {
  begin();
  {
    const Client client = ask();
    feed_.wait_for_open(1);
  }
  EXPECT_EQ(feed_.wait_for_closed(1), 1u);
  EXPECT_FALSE(feed_.wait_for_open(1).at(0)->send("nobody"));
}

TEST_F(Streams, ASlowReaderIsDroppedAndOthersAreNot) {
  begin();
  const Client slow = ask();
  const auto to_slow = feed_.wait_for_open(1).at(0);
  Client good = ask();
  const auto to_good = feed_.wait_for_open(2).at(1);
  const std::string frame(8'000, 'x');
  std::size_t given = 0;
  while (to_slow->send(frame)) {  // what the kernel's buffers take, and 64 KiB
    to_good->send(frame);
    given += frame.size();
    std::size_t read = good.rest().size();
    while (good.rest().size() < read + frame.size()) ASSERT_TRUE(good.more());
    ASSERT_LT(given, 64'000'000U);
  }
  EXPECT_EQ(feed_.wait_for_closed(1), 1u);
  EXPECT_EQ(front_->counters().streams_dropped, 1u);
  EXPECT_TRUE(to_good->send("still here"));
  read_until(good, "still here");
}

TEST_F(Streams, AFrameThatIsTooLargeEndsIt) {
  begin();
  Client client = ask();
  EXPECT_FALSE(feed_.wait_for_open(1).at(0)->send(std::string(Subscription::kFrameBytesMax + 1, 'x')));
  EXPECT_TRUE(client.closed());
}

TEST_F(Streams, AThousandReadersNeedNoThread) {
  ASSERT_TRUE(net::raise_descriptor_limit().ok());
  begin();
  const std::size_t before = threads_now();
  std::vector<Client> clients;
  constexpr std::size_t kMany = 1'000;
  for (std::size_t i = 0; i < kMany; ++i) clients.push_back(ask());
  const auto all = feed_.wait_for_open(kMany);
  ASSERT_EQ(all.size(), kMany);
  EXPECT_EQ(threads_now(), before);
  EXPECT_EQ(front_->counters().streams, kMany);
  for (int round = 0; round < 3; ++round) {
    const std::string frame = event_frame(std::to_string(round), "flip", "{}");
    for (const auto& to : all) EXPECT_TRUE(to->send(frame));
    for (Client& client : clients) ASSERT_NE(read_until(client, frame).find(frame), std::string::npos);
  }
  clients.clear();
  EXPECT_EQ(feed_.wait_for_closed(kMany), kMany);
  EXPECT_EQ(front_->counters().streams, 0u);
}

TEST_F(Streams, TheyAreLimited) {
  FrontLimits limits;
  limits.streams_max = 2;
  begin(limits);
  const Client one = ask(), two = ask();
  feed_.wait_for_open(2);
  Client three = ask();
  const Reply refused = three.receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.field("retry-after"), "5");
  EXPECT_EQ(feed_.wait_for_open(2).size(), 2u);
}

TEST_F(Streams, QuietOnesArePingedAndOldOnesEnd) {
  FrontLimits limits;
  limits.stream_ping = milliseconds(40);
  begin(limits);
  Client client = ask();
  const std::string ping = "8\r\n: ping\n\n\r\n";
  EXPECT_TRUE(read_until(client, ping + ping).ends_with(ping + ping));
}

TEST_F(Streams, OldOnesEndWithTheirFarewell) {
  FrontLimits limits;
  limits.stream_age = milliseconds(40);
  begin(limits);
  Client client = ask();
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(client.rest().ends_with("event: restart\ndata:\n\n\r\n0\r\n\r\n")) << client.rest();
  EXPECT_EQ(feed_.wait_for_closed(1), 1u);
}

TEST_F(Streams, ShuttingDownEndsThem) {
  begin();
  Client client = ask();
  const auto to = feed_.wait_for_open(1).at(0);
  EXPECT_TRUE(to->send("last words\n\n"));
  ASSERT_TRUE(
      loop_.post([this] { front_->drain(loop_.now().mono + std::chrono::seconds(60), [this] { loop_.stop(); }); }));
  EXPECT_TRUE(client.closed());
  EXPECT_NE(client.rest().find("last words"), std::string::npos);
  EXPECT_TRUE(client.rest().ends_with("event: restart\ndata:\n\n\r\n0\r\n\r\n"));
  thread_.join();
}

TEST(EventFrame, IsAsTheStandardSays) {
  EXPECT_EQ(event_frame("7", "line", "{\"a\":1}"), "id: 7\nevent: line\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(event_frame("", "", "two\nlines"), "data: two\ndata: lines\n\n");
}

// A body as it comes through a proxy: chunks put together, gzip undone as far as it goes.
std::string unpacked(const std::string& raw) {
  const auto head_end = raw.find("\r\n\r\n");
  if (head_end == std::string::npos) return {};
  std::string body;
  for (std::size_t at = head_end + 4; at < raw.size();) {
    const auto line = raw.find("\r\n", at);
    if (line == std::string::npos) break;
    const std::size_t size = std::strtoul(raw.c_str() + at, nullptr, 16);
    body += raw.substr(line + 2, size);
    at = line + 2 + size + 2;
  }
  if (raw.find("Content-Encoding: gzip") == std::string::npos) return body;
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, 31), Z_OK);
  std::string out(1 << 16, '\0');
  z.next_in = reinterpret_cast<Bytef*>(body.data()), z.avail_in = static_cast<uInt>(body.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data()), z.avail_out = static_cast<uInt>(out.size());
  (void)inflate(&z, Z_SYNC_FLUSH);
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}

TEST_F(Streams, NginxWithBufferingAndGzipPassesThemOnAtOnce) {
  begin();
  const test::TempDir dir;
  const test::Nginx nginx(dir,
                          "gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any; proxy_buffering "
                          "on; location / { proxy_pass http://127.0.0.1:" +
                              std::to_string(port_) + "; proxy_http_version 1.1; proxy_set_header Connection \"\"; }");
  std::size_t count = 0;
  for (const std::string path : {"/stream", "/page"}) {
    Client client(nginx.port());
    client.send(request("GET", path, "Accept-Encoding: gzip\r\n"));
    ++count;
    const auto to = feed_.wait_for_open(count).at(count - 1);
    const auto wait_for = [&](const std::string& text) {
      while (unpacked(client.rest()).find(text) == std::string::npos) {
        if (!client.more()) return false;
      }
      return true;
    };
    EXPECT_TRUE(wait_for("first")) << path;
    for (const std::string text : {"one", "two", "three"}) {  // each is read before the next is given
      EXPECT_TRUE(to->send(text));
      ASSERT_TRUE(wait_for(text)) << path << " " << client.rest();
    }
    EXPECT_NE(client.rest().find("Content-Encoding: gzip"), std::string::npos) << "the case is about gzip";
  }
  EXPECT_EQ(feed_.wait_for_closed(2), 2u) << "nginx tells us that its clients left";
}

}  // namespace
}  // namespace everup::api
