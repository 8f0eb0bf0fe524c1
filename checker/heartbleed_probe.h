// Heartbleed (CVE-2014-0160), asked: connections, waits and bytes around HeartbleedExchange and HeartbleedDecision.
//
// One byte of the server's memory may come with a vulnerable server's reply. It lives in the stream's one buffer, is
// never looked at, and is overwritten with the rest of the reply as soon as our own bytes in it are recognised
// (net::Stream::wipe_received).
//
// Owned by one asker, used on the loop's thread; the place outlives it. Ends once, never from inside the constructor;
// destroying it cancels. Limits: HeartbleedDecision::kConnectionsMax connections; kSilence a wait, or its share of what
// is left until the deadline.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checker/heartbleed_decision.h"
#include "checker/heartbleed_exchange.h"
#include "checker/tls_opening.h"

namespace everup::checker {

class HeartbleedProbe {
 public:
  static constexpr std::chrono::seconds kSilence{5};
  using Done = std::function<void(HeartbleedReport&&)>;

  // `tls13`: whether the server speaks it, when that is known.
  HeartbleedProbe(const TlsPlace& place, std::optional<bool> tls13, Instant deadline, Done done);
  ~HeartbleedProbe();
  HeartbleedProbe(const HeartbleedProbe&) = delete;
  HeartbleedProbe& operator=(const HeartbleedProbe&) = delete;

 private:
  void connect();
  void on_event(TlsOpening::Event event);
  void read();
  void send();
  void arm();
  void on_timer();
  void settle();
  void end_connection(HeartbleedConnection&& connection);
  void end();
  Instant now() const { return place_.loop->clock().now().mono; }

  const TlsPlace& place_;
  const Instant started_, deadline_;
  Done done_;
  HeartbleedDecision decision_;
  net::TimerId timer_{};
  Instant hello_at_;
  std::vector<std::string> segments_;
  std::unique_ptr<HeartbleedExchange> exchange_;
  std::unique_ptr<TlsOpening> opening_;
};

}  // namespace everup::checker
