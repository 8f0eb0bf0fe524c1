// See api/http_front.h. Phases of a connection:
//
//   kReading ──request complete──▶ kAnswering ──reply──▶ kWriting ──all sent──▶ kReading (keep-alive) or kLingering ──▶
//   closed
//
// A stream goes from kWriting (its head and first bytes) to kStreaming and from there to kLingering. While it streams
// the peer has nothing to say: what comes is dropped, and the end of what comes is the end of the stream.
//
// kLingering: our side is shut, what still comes is read and dropped for a moment, so that the answer is not destroyed
// by a reset.
#include "api/http_front.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

namespace everup::api {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr std::size_t kLingerBytesMax = 256 * 1024;
constexpr int kRequestsPerPump = 64;

std::uint64_t address_key(const net::Address& address) {
  std::uint64_t key = address.v4() ? 4 : 6;
  const std::size_t bytes = address.v4() ? 4 : 8;  // an IPv6 subscriber has a /64
  for (std::size_t i = 0; i < bytes; ++i) key = key * 257 + address.bytes[i];
  return key;
}

}  // namespace

struct HttpFront::Connection {
  net::Fd fd;
  std::uint64_t serial = 0;
  Peer peer;
  std::uint64_t address_key = 0;  // 0: not counted
  Phase phase = Phase::kReading;
  RequestReader reader;
  std::string input;  // read, not parsed yet (pipelining); at most one chunk
  std::string output;
  std::size_t sent = 0;
  WriteFacts facts;
  bool close_after = false;
  bool eof = false;
  std::uint32_t watched = 0;
  std::size_t lingered = 0;
  Instant since;  // begin of the present phase; of the head's first byte while a head comes
  Instant body_since;
  Instant progress;  // last byte written
  // Of an answer that goes on: admitted with `plan`, begun with `subscription`.
  std::shared_ptr<const StreamPlan> plan;
  std::shared_ptr<Subscription> subscription;
  bool stream_ended = false;  // nothing follows what is in `output`
};

HttpFront::HttpFront(net::Loop& loop, FrontApp& app, TrustedProxies trusted, FrontLimits limits)
    : loop_(loop), app_(app), trusted_(std::move(trusted)), limits_(limits) {}

HttpFront::~HttpFront() {
  *alive_ = false;
  loop_.cancel(sweep_timer_);
  for (const Listener& listener : listeners_) loop_.unwatch(listener.fd.value());
  for (const auto& [fd, connection] : connections_) {
    if (connection->subscription != nullptr) connection->subscription->detach();
    loop_.unwatch(fd);
  }
}

Status HttpFront::listen(Listener&& listener) {
  listeners_.push_back(std::move(listener));
  const std::size_t index = listeners_.size() - 1;
  if (!sweep_timer_) schedule_sweep();
  return loop_.watch(listeners_.back().fd.value(), EPOLLIN,
                     [this, index](std::uint32_t) { accept_from(listeners_[index]); });
}

void HttpFront::accept_from(const Listener& listener) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage place{};
    socklen_t length = sizeof place;
    net::Fd fd(::accept4(listener.fd.value(), reinterpret_cast<sockaddr*>(&place), &length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC));  // NOLINT
    if (!fd) {
      // Out of descriptors: give one back, or the listener would spin.
      if (errno == EMFILE || errno == ENFILE) make_room();
      return;
    }
    ++counters_.accepted;
    Peer peer{net::Address::from_sockaddr(reinterpret_cast<sockaddr*>(&place)), listener.metrics_only};  // NOLINT
    admit(std::move(fd), peer);
  }
}

bool HttpFront::within_address_cap(const Peer& peer, std::uint64_t* key) {
  *key = 0;
  if (peer.loopback() || trusted_.trusts(*peer.address)) return true;
  *key = address_key(*peer.address);
  const auto found = per_address_.find(*key);
  return found == per_address_.end() || found->second < limits_.per_address_max;
}

void HttpFront::admit(net::Fd fd, const Peer& peer) {
  std::uint64_t key = 0;
  if (!within_address_cap(peer, &key)) {
    ++counters_.refused_address;
    return;  // closing is the answer: whoever does this does not read it
  }
  if (connections_.size() >= limits_.connections_max && !make_room()) {
    ++counters_.refused_full;
    return;
  }
  const int on = 1;
  if (peer.address) ::setsockopt(fd.value(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto connection = std::make_unique<Connection>();
  connection->serial = next_serial_++;
  connection->peer = peer;
  connection->address_key = key;
  connection->since = loop_.now().mono;
  connection->watched = EPOLLIN;
  const int number = fd.value();
  const auto serial = connection->serial;
  connection->fd = std::move(fd);
  if (!loop_.watch(number, EPOLLIN, [this, number, serial](std::uint32_t events) { on_events(number, serial, events); })
           .ok())
    return;
  if (key != 0) ++per_address_[key];
  connections_.emplace(number, std::move(connection));
  counters_.open = connections_.size();
}

bool HttpFront::make_room() {
  Connection* oldest = nullptr;
  for (const auto& [fd, connection] : connections_) {
    const bool idle = connection->phase == Phase::kLingering ||
                      (connection->phase == Phase::kReading && connection->reader.in_head());
    if (idle && (oldest == nullptr || connection->since < oldest->since)) oldest = connection.get();
  }
  if (oldest == nullptr) return false;
  ++counters_.evicted;
  close(*oldest);
  return true;
}

HttpFront::Connection* HttpFront::find(int fd, std::uint64_t serial) {
  const auto found = connections_.find(fd);
  return found != connections_.end() && found->second->serial == serial ? found->second.get() : nullptr;
}

void HttpFront::on_events(int fd, std::uint64_t serial, std::uint32_t events) {
  Connection* c = find(fd, serial);
  if (c == nullptr) return;
  if ((events & EPOLLERR) != 0 || ((events & EPOLLHUP) != 0 && (events & EPOLLIN) == 0)) return close(*c);
  if ((events & EPOLLOUT) != 0 && (c->phase == Phase::kWriting || c->phase == Phase::kStreaming)) {
    if (!flush(*c)) return;
    c = find(fd, serial);
    if (c == nullptr) return;
    pump(*c);
    c = find(fd, serial);
    if (c == nullptr) return;
  }
  if ((events & EPOLLIN) != 0) on_readable(*c);
}

void HttpFront::on_readable(Connection& c) {
  if (c.phase == Phase::kAnswering || c.phase == Phase::kWriting) return;
  const ssize_t got = ::recv(c.fd.value(), chunk_.data(), chunk_.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return close(c);
  if (c.phase == Phase::kLingering || c.phase == Phase::kStreaming) {
    c.lingered += static_cast<std::size_t>(got);
    if (got == 0 || c.lingered > kLingerBytesMax) close(c);
    return;
  }
  if (got == 0) return close(c);  // between requests, or in the middle of one: either way nothing to answer
  if (c.reader.untouched() && c.input.empty()) c.since = loop_.now().mono;
  c.input.append(chunk_.data(), static_cast<std::size_t>(got));
  pump(c);
}

// Answers what is complete, as long as each answer comes at once and the peer takes it.
void HttpFront::pump(Connection& c) {
  const int fd = c.fd.value();
  const auto serial = c.serial;
  for (int i = 0; i < kRequestsPerPump; ++i) {
    Connection* now = find(fd, serial);
    if (now == nullptr || now->phase != Phase::kReading || !parse_some(*now)) break;
  }
  Connection* now = find(fd, serial);
  if (now == nullptr) return;
  if (now->phase == Phase::kReading && !now->input.empty() && now->reader.untouched()) {
    // More than kRequestsPerPump in one read: others first.
    const bool posted = loop_.post([this, fd, serial, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.expired()) return;
      if (Connection* later = find(fd, serial)) pump(*later);
    });
    if (!posted) return close(*now);
  }
  watch_for(*now);
}

// One step of parsing; true when there may be another at once.
bool HttpFront::parse_some(Connection& c) {
  if (c.input.empty()) return false;
  const std::size_t used = c.reader.feed(c.input);
  c.input.erase(0, used);
  if (c.reader.refused()) {
    refuse(c, c.reader.refusal());
    return false;
  }
  if (c.reader.head_done()) on_head(c);
  if (c.reader.refused()) {
    refuse(c, c.reader.refusal());
    return false;
  }
  if (c.reader.complete()) {
    dispatch(c);
    return true;
  }
  return c.reader.in_body() && !c.input.empty();
}

void HttpFront::on_head(Connection& c) {
  const HeadVerdict verdict = app_.judge_head(c.reader.request());
  if (verdict.refusal.status != 0) return c.reader.refuse_head(verdict.refusal);
  c.reader.allow_body(verdict.body_bytes_max);
  if (!c.reader.in_body()) return;
  c.body_since = loop_.now().mono;
  if (!c.reader.request().expect_continue || !c.input.empty()) return;
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  // 25 bytes into an empty send buffer; a peer whose buffer is full would not have been read from.
  if (::send(c.fd.value(), kContinue.data(), kContinue.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(kContinue.size()))
    c.close_after = true;
}

void HttpFront::dispatch(Connection& c) {
  HttpRequest request = c.reader.take();
  c.facts = {request.method == "HEAD", request.http_1_0, request.keep_alive && !c.close_after && !draining_};
  set_phase(c, Phase::kAnswering);
  const int fd = c.fd.value();
  const auto serial = c.serial;
  net::Loop* loop = &loop_;
  const auto loop_thread = std::this_thread::get_id();
  app_.on_request(std::move(request), c.peer,
                  [this, fd, serial, loop, loop_thread, alive = std::weak_ptr<bool>(alive_)](HttpResponse&& response) {
                    if (std::this_thread::get_id() == loop_thread) {
                      if (!alive.expired()) answer(fd, serial, std::move(response));
                      return;
                    }
                    auto shared = std::make_shared<HttpResponse>(std::move(response));
                    // A full queue of posts loses the answer: the connection then ends at answer_deadline.
                    (void)loop->post([this, fd, serial, alive, shared] {
                      if (!alive.expired()) answer(fd, serial, std::move(*shared));
                    });
                  });
}

void HttpFront::answer(int fd, std::uint64_t serial, HttpResponse&& response) {
  Connection* c = find(fd, serial);
  if (c == nullptr || c->phase != Phase::kAnswering) return;
  if (response.stream != nullptr && !c->facts.head) {
    if (draining_ || counters_.streams >= limits_.streams_max) {
      response = app_.on_refusal({503, "overloaded", "too many streams are open already"});
      response.set("Retry-After", "5");
    } else {
      c->plan = response.stream;
      ++counters_.streams;
      response.close = true;
    }
  }
  if (draining_) response.close = true;
  c->close_after = c->close_after || response.close || !c->facts.keep_alive;
  response.close = c->close_after;
  c->output = serialise(response, c->facts, date());
  c->sent = 0;
  c->progress = loop_.now().mono;
  set_phase(*c, Phase::kWriting);
  if (!flush(*c)) return;
  c = find(fd, serial);
  if (c == nullptr) return;
  if (c->phase == Phase::kReading && !c->input.empty()) {
    // Called from inside pump() when the answer came at once: its loop goes on. Otherwise go on here.
    const bool posted = loop_.post([this, fd, serial, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.expired()) return;
      if (Connection* later = find(fd, serial)) pump(*later);
    });
    if (!posted) return close(*c);
  }
  watch_for(*c);
}

void HttpFront::refuse(Connection& c, const Refusal& refusal) {
  ++counters_.bad_requests;
  HttpResponse response = app_.on_refusal(refusal);
  c.facts = {false, false, false};
  c.input.clear();
  set_phase(c, Phase::kAnswering);
  answer(c.fd.value(), c.serial, std::move(response));
}

// False: the connection is gone.
bool HttpFront::flush(Connection& c) {
  while (c.sent < c.output.size()) {
    const ssize_t n = ::send(c.fd.value(), c.output.data() + c.sent, c.output.size() - c.sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      watch_for(c);
      return true;
    }
    if (n <= 0) {
      close(c);
      return false;
    }
    c.sent += static_cast<std::size_t>(n);
    c.progress = loop_.now().mono;
    if (c.subscription != nullptr) c.subscription->unsent(c.output.size() - c.sent);
  }
  const int fd = c.fd.value();
  const auto serial = c.serial;
  end_write(c);
  return find(fd, serial) != nullptr;
}

void HttpFront::end_write(Connection& c) {
  c.output.clear();
  if (c.output.capacity() > 64 * 1024) c.output.shrink_to_fit();
  c.sent = 0;
  if (c.phase == Phase::kStreaming && !c.stream_ended) return watch_for(c);
  if (c.phase == Phase::kWriting && c.plan != nullptr && !draining_) return begin_stream(c);
  if (c.close_after || draining_) return linger(c);
  set_phase(c, Phase::kReading);
}

void HttpFront::begin_stream(Connection& c) {
  set_phase(c, Phase::kStreaming);
  c.input.clear();
  c.subscription = std::make_shared<Subscription>(
      [this, loop = &loop_, fd = c.fd.value(), serial = c.serial, alive = std::weak_ptr<bool>(alive_)] {
        return loop->post([this, fd, serial, alive] {
          if (!alive.expired()) serve_stream(fd, serial);
        });
      });
  const auto plan = c.plan;
  const auto subscription = c.subscription;
  watch_for(c);
  if (plan->begin) plan->begin(subscription);
}

// What was given since the last time goes out, as far as the peer takes it. False: the connection is gone.
bool HttpFront::write_frames(Connection& c, Subscription::Turn&& turn) {
  c.output.erase(0, c.sent);
  c.sent = 0;
  if (c.facts.http_1_0) {
    c.output.append(turn.bytes);
  } else {
    add_chunk(&c.output, turn.bytes);
    if (turn.ended) c.output.append("0\r\n\r\n");
  }
  c.stream_ended = turn.ended;
  return (c.output.empty() && !c.stream_ended) || flush(c);
}

void HttpFront::serve_stream(int fd, std::uint64_t serial) {
  Connection* c = find(fd, serial);
  if (c == nullptr || c->phase != Phase::kStreaming || c->stream_ended) return;
  auto turn = c->subscription->take();
  if (turn.behind) {
    ++counters_.streams_dropped;
    return close(*c);
  }
  (void)write_frames(*c, std::move(turn));
}

// We end it, not who feeds it.
void HttpFront::end_stream(Connection& c) {
  auto turn = c.subscription->take();
  turn.bytes += c.plan->farewell;
  turn.ended = true;
  c.subscription->detach();
  (void)write_frames(c, std::move(turn));
}

// Nothing is given to it any more.
void HttpFront::leave_stream(Connection& c) {
  const auto plan = std::exchange(c.plan, nullptr);
  if (plan == nullptr) return;
  --counters_.streams;
  if (c.subscription == nullptr) return;
  c.subscription->detach();
  if (plan->closed) plan->closed();
}

void HttpFront::linger(Connection& c) {
  leave_stream(c);
  if (::shutdown(c.fd.value(), SHUT_WR) != 0) return close(c);
  set_phase(c, Phase::kLingering);
  c.input.clear();
  watch_for(c);
}

void HttpFront::watch_for(Connection& c) {
  std::uint32_t wanted = 0;
  switch (c.phase) {
    case Phase::kReading:
    case Phase::kLingering:
      wanted = EPOLLIN;
      break;
    case Phase::kAnswering:
      wanted = 0;
      break;
    case Phase::kWriting:
      wanted = EPOLLOUT;
      break;
    case Phase::kStreaming:
      wanted = EPOLLIN | (c.sent < c.output.size() ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
      break;
  }
  if (wanted == c.watched) return;
  if (!loop_.modify(c.fd.value(), wanted).ok()) return close(c);
  c.watched = wanted;
}

void HttpFront::set_phase(Connection& c, Phase phase) {
  c.phase = phase;
  c.since = loop_.now().mono;
}

void HttpFront::close(Connection& c) {
  if (c.address_key != 0) {
    const auto counted = per_address_.find(c.address_key);
    if (counted != per_address_.end() && --counted->second == 0) per_address_.erase(counted);
  }
  leave_stream(c);
  const int fd = c.fd.value();
  loop_.unwatch(fd);
  connections_.erase(fd);
  counters_.open = connections_.size();
  if (draining_ && connections_.empty()) finish_drain();
}

void HttpFront::schedule_sweep() {
  const milliseconds shortest =
      std::min({limits_.head_deadline, limits_.idle_deadline, limits_.body_grace, limits_.write_stall, limits_.linger,
                limits_.stream_ping, limits_.stream_age});
  const milliseconds every = std::clamp(shortest / 4, milliseconds(5), milliseconds(1000));
  sweep_timer_ = loop_.at(loop_.clock().now().mono + every, [this] {
    sweep();
    schedule_sweep();
  });
}

void HttpFront::sweep() {
  const Instant now = loop_.now().mono;
  std::vector<Connection*> all;
  all.reserve(connections_.size());
  for (const auto& [fd, connection] : connections_) all.push_back(connection.get());
  for (Connection* c : all) sweep_one(*c, now);
  if (draining_ && now >= drain_deadline_) finish_drain();
}

void HttpFront::sweep_one(Connection& c, Instant now) {
  const auto age = now - c.since;
  const auto owed = [&](Instant since) {
    return std::chrono::duration_cast<milliseconds>(now - since).count() * limits_.body_bytes_per_s / 1000;
  };
  bool late = false;
  switch (c.phase) {
    case Phase::kReading:
      if (c.reader.in_body()) {
        late = now - c.body_since > limits_.body_grace &&
               static_cast<std::int64_t>(c.reader.body_bytes()) < owed(c.body_since);
      } else {
        late = age > (c.reader.untouched() ? limits_.idle_deadline : limits_.head_deadline);
      }
      break;
    case Phase::kAnswering:
      late = age > limits_.answer_deadline;
      break;
    case Phase::kWriting:
      late = now - c.progress > limits_.write_stall ||
             (age > limits_.body_grace && static_cast<std::int64_t>(c.sent) < owed(c.since));
      break;
    case Phase::kStreaming:
      return sweep_stream(c, now);
    case Phase::kLingering:
      late = age > limits_.linger;
      break;
  }
  if (!late) return;
  if (c.phase == Phase::kLingering) return close(c);
  ++counters_.timed_out;
  if (c.phase == Phase::kReading && !c.reader.untouched()) {
    return refuse(c, {408, "request_timeout", "the head comes within 10 s, the body with 1 KiB/s at least"});
  }
  close(c);
}

void HttpFront::sweep_stream(Connection& c, Instant now) {
  if (c.sent < c.output.size()) {
    if (now - c.progress <= limits_.write_stall) return;
    ++counters_.streams_dropped;
    return close(c);
  }
  if (now - c.since > limits_.stream_age) return end_stream(c);
  const bool quiet = now - c.progress >= limits_.stream_ping && !c.plan->ping.empty();
  if (quiet && !write_frames(c, {c.plan->ping, false, false})) return;
  // A wake-up that found no room in the loop's queue is made good here.
  serve_stream(c.fd.value(), c.serial);
}

void HttpFront::drain(Instant deadline, std::function<void()> drained) {
  if (draining_) return;
  draining_ = true;
  drain_deadline_ = deadline;
  drained_ = std::move(drained);
  for (Listener& listener : listeners_) {
    loop_.unwatch(listener.fd.value());
    listener.fd.reset();
    if (!listener.unix_path.empty()) ::unlink(listener.unix_path.c_str());
  }
  std::vector<Connection*> idle, streams;
  for (const auto& [fd, connection] : connections_) {
    if (connection->phase == Phase::kReading && connection->reader.untouched()) idle.push_back(connection.get());
    if (connection->phase == Phase::kStreaming && !connection->stream_ended) streams.push_back(connection.get());
  }
  if (connections_.empty()) return finish_drain();
  for (Connection* c : idle) close(*c);
  for (Connection* c : streams) end_stream(*c);
}

void HttpFront::finish_drain() {
  if (auto drained = std::exchange(drained_, nullptr)) drained();
}

std::string_view HttpFront::date() {
  const std::int64_t second = loop_.now().wall.ms / 1000;
  if (second != date_second_) {
    date_second_ = second;
    date_ = http_date(loop_.now().wall);
  }
  return date_;
}

}  // namespace everup::api
