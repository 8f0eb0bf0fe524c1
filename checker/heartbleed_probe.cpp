#include "checker/heartbleed_probe.h"

#include <algorithm>
#include <utility>

namespace everup::checker {

HeartbleedProbe::HeartbleedProbe(const TlsPlace& place, std::optional<bool> tls13, Instant deadline, Done done)
    : place_(place),
      started_(place.loop->clock().now().mono),
      deadline_(deadline),
      done_(std::move(done)),
      decision_(tls13, !place.server_name.empty()) {
  connect();
}

HeartbleedProbe::~HeartbleedProbe() { place_.loop->cancel(timer_); }

void HeartbleedProbe::connect() {
  const HeartbleedAttempt& attempt = decision_.attempt();
  segments_.clear();
  exchange_ = std::make_unique<HeartbleedExchange>(attempt, place_.server_name, HeartbleedRandom::make(attempt.beats));
  opening_ = std::make_unique<TlsOpening>(
      place_, [this](TlsOpening::Event event) { on_event(event); }, true);
  arm();
}

// The wait that begins now: kSilence, or a fair share of what is left.
void HeartbleedProbe::arm() {
  place_.loop->cancel(timer_);
  const auto left = deadline_ - now();
  const auto share = std::max(left / decision_.usual_left(), std::chrono::nanoseconds(0));
  timer_ = place_.loop->at(now() + std::min<std::chrono::nanoseconds>(share, kSilence), [this] {
    timer_ = {};
    on_timer();
  });
}

void HeartbleedProbe::on_event(TlsOpening::Event event) {
  switch (event) {
    case TlsOpening::Event::kReady:
      hello_at_ = now();
      segments_.push_back(exchange_->hello());
      arm();
      return send();
    case TlsOpening::Event::kReceived:
      return read();
    case TlsOpening::Event::kSent:
      return send();
    case TlsOpening::Event::kSecured:
      return;
    case TlsOpening::Event::kClosed:
    case TlsOpening::Event::kFailed:
      break;
  }
  if (opening_->ready()) {
    exchange_->on_close();
    return settle();
  }
  HeartbleedConnection connection = exchange_->take();
  connection.end = opening_->connected() ? HeartbleedEnd::kPrelude : HeartbleedEnd::kUnreachable;
  end_connection(std::move(connection));
}

void HeartbleedProbe::read() {
  net::Stream& stream = opening_->stream();
  const auto at_ms = static_cast<int>((now() - hello_at_).count() / 1'000'000);
  const std::size_t taken = exchange_->on_bytes(stream.received(), at_ms);
  stream.consume(taken);
  settle();
}

void HeartbleedProbe::settle() {
  if (exchange_->ended()) return end_connection(exchange_->take());
  if (auto segments = exchange_->to_send(); !segments.empty()) {
    segments_ = std::move(segments);
    arm();
    send();
  }
}

// A segment goes when the one before is with the kernel.
void HeartbleedProbe::send() {
  net::Stream& stream = opening_->stream();
  while (!segments_.empty() && stream.unsent() == 0) {
    const std::string segment = std::move(segments_.front());
    segments_.erase(segments_.begin());
    // What the server said before it left is read first; its end comes as an event.
    if (!stream.write(segment)) return segments_.clear();
  }
}

void HeartbleedProbe::on_timer() {
  // The last usual wait lasts until the deadline: its silence is an answer like that of the others.
  if (now() >= deadline_ && decision_.usual_left() > 1) {
    decision_.out_of_time();
    return end();
  }
  if (opening_->ready()) {
    exchange_->on_silence();
    return settle();
  }
  HeartbleedConnection connection = exchange_->take();
  connection.end = opening_->connected() ? HeartbleedEnd::kPrelude : HeartbleedEnd::kUnreachable;
  end_connection(std::move(connection));
}

void HeartbleedProbe::end_connection(HeartbleedConnection&& connection) {
  opening_->stream().close();
  if (!decision_.after(std::move(connection))) return end();
  if (now() >= deadline_) {
    decision_.out_of_time();
    return end();
  }
  connect();
}

void HeartbleedProbe::end() {
  place_.loop->cancel(timer_);
  timer_ = {};
  decision_.report().ms = static_cast<std::int32_t>((now() - started_).count() / 1'000'000);
  const Done done = std::move(done_);
  done(std::move(decision_.report()));
}

}  // namespace everup::checker
