// The only thing of ours that a stranger's bytes reach: accepts, reads heads and bodies within limits, writes answers,
// closes. It knows HTTP/1.1 framing and nothing of monitors. One epoll loop, no thread per connection, nothing waits
// for a slow peer.
//
// Owned by api::Api; everything runs on the loop's thread but Reply, which may be called from any. One request at a
// time per connection: while one is worked on nothing more is read from it, so pipelining costs at most one read's
// worth (16 KiB) of memory. An answer may go on (api/subscription.h). Limits: FrontLimits. When the connections are
// full, the oldest one without a complete head is closed for the new one. Weakness: deadlines are looked at once a
// second (a quarter of the shortest, when that is less).
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/http_message.h"
#include "api/http_response.h"
#include "api/listener.h"
#include "api/peer.h"
#include "api/subscription.h"
#include "core/time.h"
#include "net/loop.h"

namespace everup::api {

struct FrontLimits {
  std::size_t connections_max = 4096;
  int per_address_max = 20;  // not for loopback, unix sockets and trusted proxies
  milliseconds head_deadline{10'000};
  milliseconds idle_deadline{75'000};  // between requests of one connection
  milliseconds body_grace{10'000};     // then at least body_bytes_per_s, of the request's body as of the answer
  std::int64_t body_bytes_per_s = 1024;
  milliseconds write_stall{30'000};       // no byte taken for so long
  milliseconds answer_deadline{120'000};  // from a complete request to its answer: our own bound
  milliseconds linger{2'000};
  std::size_t streams_max = 2048;    // answers that go on (subscription.h)
  milliseconds stream_ping{15'000};  // without a byte
  milliseconds stream_age{900'000};  // then it ends with its farewell
};

// What a request with a certain head may bring along: bytes of body, or already the reason for refusing it.
struct HeadVerdict {
  std::uint64_t body_bytes_max = 0;
  Refusal refusal;
};

// What the front asks of the house behind it; all on the loop's thread.
class FrontApp {
 public:
  using Reply = std::function<void(HttpResponse&&)>;
  virtual ~FrontApp() = default;
  virtual HeadVerdict judge_head(const HttpRequest& head) = 0;
  // `reply` is called at most once, from any thread; a peer that went away meanwhile is no error.
  virtual void on_request(HttpRequest&& request, const Peer& peer, Reply reply) = 0;
  virtual HttpResponse on_refusal(const Refusal& refusal) = 0;
};

struct FrontCounters {
  std::atomic<std::uint64_t> accepted{0}, refused_full{0}, refused_address{0}, evicted{0}, timed_out{0},
      bad_requests{0}, open{0}, streams{0}, streams_dropped{0};
};

class HttpFront {
 public:
  HttpFront(net::Loop& loop, FrontApp& app, TrustedProxies trusted, FrontLimits limits = {});
  ~HttpFront();
  HttpFront(const HttpFront&) = delete;
  HttpFront& operator=(const HttpFront&) = delete;

  Status listen(Listener&& listener);
  // No new connections; idle ones close at once, busy ones after their answer, streams with their farewell; `drained`
  // when none is left or at
  // `deadline`.
  void drain(Instant deadline, std::function<void()> drained);
  const FrontCounters& counters() const { return counters_; }

 private:
  enum class Phase : std::uint8_t { kReading, kAnswering, kWriting, kStreaming, kLingering };
  struct Connection;
  using ConnectionPtr = std::unique_ptr<Connection>;

  void accept_from(const Listener& listener);
  void admit(net::Fd fd, const Peer& peer);
  bool make_room();
  bool within_address_cap(const Peer& peer, std::uint64_t* key);
  void on_events(int fd, std::uint64_t serial, std::uint32_t events);
  Connection* find(int fd, std::uint64_t serial);
  void on_readable(Connection& c);
  void pump(Connection& c);
  bool parse_some(Connection& c);
  void on_head(Connection& c);
  void dispatch(Connection& c);
  void answer(int fd, std::uint64_t serial, HttpResponse&& response);
  void refuse(Connection& c, const Refusal& refusal);
  void begin_stream(Connection& c);
  void serve_stream(int fd, std::uint64_t serial);
  bool write_frames(Connection& c, Subscription::Turn&& turn);
  void end_stream(Connection& c);
  void sweep_stream(Connection& c, Instant now);
  void leave_stream(Connection& c);
  bool flush(Connection& c);
  void end_write(Connection& c);
  void linger(Connection& c);
  void watch_for(Connection& c);
  void set_phase(Connection& c, Phase phase);
  void close(Connection& c);
  void sweep();
  void sweep_one(Connection& c, Instant now);
  void schedule_sweep();
  void finish_drain();
  std::string_view date();

  net::Loop& loop_;
  FrontApp& app_;
  TrustedProxies trusted_;
  FrontLimits limits_;
  FrontCounters counters_;
  std::vector<Listener> listeners_;
  std::unordered_map<int, ConnectionPtr> connections_;
  std::unordered_map<std::uint64_t, int> per_address_;
  std::uint64_t next_serial_ = 1;
  std::array<char, 16 * 1024> chunk_{};
  net::TimerId sweep_timer_{};
  std::int64_t date_second_ = -1;
  std::string date_;
  bool draining_ = false;
  Instant drain_deadline_;
  std::function<void()> drained_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // replies that come later find out
};

}  // namespace everup::api
