// One raw ClientHello and what a server says to it: does it take this version, these suites? OpenSSL of Debian 12
// refuses to ask that itself.
//
// Owned by one asker, used on the loop's thread; the place outlives it. Ends once, never from inside the constructor;
// destroying it cancels. Limits: as checker/tls_records.h; the deadline bounds everything.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "checker/tls_opening.h"
#include "checker/tls_records.h"

namespace everup::checker {

struct HelloAnswer {
  enum class End : std::uint8_t {
    kAnswered,  // a ServerHello
    kAlert,     // refused with words
    kClosed,    // refused without
    kSilence,
    kNotTls,
    kUnreachable,  // no connection, or STARTTLS failed
  };
  End end = End::kUnreachable;
  std::uint16_t version = 0, suite = 0;
  int alert = -1;
  std::vector<std::string> chain;  // DER; of versions up to 1.2
};

class TlsHelloProbe {
 public:
  using Done = std::function<void(HelloAnswer&&)>;

  TlsHelloProbe(const TlsPlace& place, HelloAsk ask, Instant deadline, Done done);
  ~TlsHelloProbe();
  TlsHelloProbe(const TlsHelloProbe&) = delete;
  TlsHelloProbe& operator=(const TlsHelloProbe&) = delete;

 private:
  void on_event(TlsOpening::Event event);
  void read();
  void on_handshake(std::string_view body);
  void end(HelloAnswer::End how);

  const TlsPlace& place_;
  const HelloAsk ask_;
  Done done_;
  net::TimerId timer_{};
  FlightReader flight_;
  HelloAnswer answer_;
  std::unique_ptr<TlsOpening> opening_;
};

}  // namespace everup::checker
