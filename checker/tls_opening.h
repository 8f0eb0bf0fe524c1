// A connection to one address, past whatever is spoken before TLS: what every TLS question begins with.
//
// Owned by one asker, used on the loop's thread; the place outlives it. Events come from the loop, never from inside
// the constructor; the asker may destroy the opening in any of them. No timer: the asker has the deadline. Limits: as
// net/stream.h and checker/starttls_prelude.h.
#pragma once

#include <functional>
#include <string>

#include "checker/live.h"
#include "checker/starttls_prelude.h"
#include "core/tls_report.h"
#include "net/address.h"
#include "net/stream.h"

namespace everup::checker {

// Where a TLS question goes. Shared by all connections of one look.
struct TlsPlace {
  net::Loop* loop = nullptr;
  net::Address address;
  const net::AddressPolicy* policy = nullptr;  // null: none
  TlsPrelude prelude = TlsPrelude::kNone;
  std::string our_name = "localhost";          // EHLO
  std::string host;                            // XMPP's `to`
  std::string server_name;                     // SNI; empty: an address was asked
  Instant started;                             // of the look, for transcripts
  std::function<void(TranscriptLine&&)> line;  // of the prelude; may be empty

  std::int32_t ms_since_start(Instant now) const {
    return static_cast<std::int32_t>((now - started).count() / 1'000'000);
  }
};

class TlsOpening {
 public:
  enum class Event : std::uint8_t {
    kReady,  // TLS may begin: stream().secure() or raw bytes
    kReceived,
    kSent,
    kSecured,
    kClosed,
    kFailed,  // cause() and detail() say why; nothing more comes
  };
  using OnEvent = std::function<void(Event)>;

  // `wiping`: what is received is overwritten once it is consumed (net::Stream::wipe_received).
  TlsOpening(const TlsPlace& place, OnEvent on_event, bool wiping = false);

  net::Stream& stream() { return stream_; }
  bool ready() const { return ready_; }
  bool connected() const { return connected_; }
  Cause cause() const { return cause_; }
  const std::string& detail() const { return detail_; }
  Instant connected_at() const { return stream_.times().connected; }
  Instant ready_at() const { return ready_at_; }

 private:
  void on_stream(net::StreamEvent event);
  void talk();
  void pass(Event event);
  void fail(Cause cause, std::string detail);
  void tell_lines();

  const TlsPlace& place_;
  OnEvent on_event_;
  StartTlsPrelude prelude_;
  net::Stream stream_;
  bool connected_ = false, ready_ = false;
  Instant ready_at_;
  Cause cause_ = Cause::kOk;
  std::string detail_;
};

}  // namespace everup::checker
