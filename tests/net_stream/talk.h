// One loop and one stream whose events are written down: what the suites of plain and secured streams share.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "net/clock.h"
#include "net/loop.h"
#include "net/stream.h"

namespace everup::net::test {

class Talk {
 public:
  Talk() : loop_(clock_), stream_(std::make_unique<Stream>(loop_, [this](StreamEvent event) { on(event); })) {}

  void connect(std::uint16_t port, const std::string& host = "127.0.0.1", const AddressPolicy* policy = nullptr) {
    stream_->connect(*Address::parse(host, port), policy);
    EXPECT_EQ(events_, "") << "told from inside connect()";
  }
  template <class F>
  bool turn_until(F&& reached) {
    const Instant limit = clock_.now().mono + std::chrono::seconds(30);
    while (!reached() && clock_.now().mono < limit) loop_.run_once(std::chrono::milliseconds(100));
    return reached();
  }
  // Until `what` was told: C connected, R received, S sent, T secured, E peer closed, F failed.
  bool until(char what) {
    return turn_until([&] { return events_.find(what) != std::string::npos; });
  }
  bool until_received(const std::string& text) {
    return turn_until([&] { return stream_->received().find(text) != std::string_view::npos; });
  }
  std::string take() {
    std::string text(stream_->received());
    stream_->consume(text.size());
    return text;
  }
  // Turns that must bring nothing more.
  void drain(int turns = 5) {
    for (int i = 0; i < turns; ++i) loop_.run_once(std::chrono::milliseconds(1));
  }

  Stream& stream() { return *stream_; }
  const std::string& events() const { return events_; }
  void forget() { events_.clear(); }
  void destroy() { stream_.reset(); }
  bool alive() const { return stream_ != nullptr; }
  Loop& loop() { return loop_; }
  std::function<void(StreamEvent)> then;  // after it was written down

 private:
  void on(StreamEvent event) {
    events_ += letter(event);
    if (then) then(event);
  }
  static char letter(StreamEvent event) {
    switch (event) {
      case StreamEvent::kConnected:
        return 'C';
      case StreamEvent::kReceived:
        return 'R';
      case StreamEvent::kSent:
        return 'S';
      case StreamEvent::kSecured:
        return 'T';
      case StreamEvent::kClosed:
        return 'E';
      case StreamEvent::kFailed:
        return 'F';
    }
    return '?';
  }

  SystemClock clock_;
  Loop loop_;
  std::string events_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace everup::net::test
