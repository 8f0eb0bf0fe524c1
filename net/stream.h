// A TCP connection that can become TLS in place: non-blocking bytes, for the dialogues that libcurl does not speak
// (SMTP, STARTTLS of all kinds, TCP checks, Heartbleed). One callback tells what happened; everything else is asked.
//
//   connect() → kConnected → write(), received() → kReceived … → secure() → kSecured → … → close() or destruction
//
// The socket is made here, so errno survives: our own exhaustion (EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL) and
// our own network (EACCES, EPERM, ENETUNREACH) are causes of ours, never the target's (RULES, issue 2). The address
// policy is asked once more before connect(2).
//
// Ownership and thread: one loop, its thread; the loop and what the options point to outlive the stream. Destroying or
// closing it ends all callbacks. The listener is never called from inside connect(), write() or secure(), and may do
// anything in it, destroying the stream included. Limits: kReadAheadMax unread and kWriteMax unsent bytes; whoever does
// not consume is not read for. No timer of its own: the owner has the deadline. One edge-triggered registration serves
// a whole dialogue, so that it costs no epoll_ctl between connect and close. Known weakness: a FIN without close_notify
// is told as kClosed, as one with it (mail servers do that; a dialogue has its own sign of completeness).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/outcome.h"
#include "core/time.h"
#include "net/address.h"
#include "net/address_policy.h"
#include "net/loop.h"
#include "net/tls_store.h"

namespace everup::net {

class TlsTicket;  // what a server gave to come back with; net/tls_stream.h

struct StreamTls {
  std::shared_ptr<const TrustStore> trust;  // null: not verified; the certificate is remembered all the same
  bool enforce = true;  // false: a verification error is told (certificate()->verify_error), the dialogue goes on
  std::string host;     // to verify, and SNI unless it is an address; must not be empty when trust is set
  bool send_sni = true;
  std::string alpn;                         // one protocol; empty: none
  bool want_ticket = false;                 // ask for one: ticket()
  std::shared_ptr<const TlsTicket> resume;  // come back with this one: TlsFacts::resumed
};

// What a secured stream says about itself.
struct TlsFacts {
  std::string version, cipher, alpn;  // "TLSv1.3", "TLS_AES_256_GCM_SHA384", ""
  std::optional<CertificateFacts> certificate;
  Cause verification = Cause::kOk;  // kOk, or the kTls… cause of the first error
  bool stapled = false;             // an OCSP staple came
  bool resumed = false;             // it was an abbreviated handshake; then there is no certificate
};

enum class StreamEvent : std::uint8_t {
  kConnected,
  kReceived,  // received() has grown
  kSent,  // everything is with the kernel, after a write() that left something (unsent() > 0); else it does not come
  kSecured,
  kClosed,  // the peer closed its side in order (TCP FIN or TLS close_notify); what was received is still there
  kFailed,  // failure() says why; nothing more comes
};

struct StreamFailure {
  Cause cause = Cause::kInternal;  // kConnectRefused, kConnectTimeout (ETIMEDOUT), kConnectReset (reset, at any time),
                                   // kHostUnreachable, kNetworkUnreachable, kAddressRefused, kOwnResources,
                                   // kOwnNetwork, kTlsHandshake, kTlsReset, kTlsExpired … kTlsInvalidCertificate
  std::string detail;              // English, printable
  int errno_value = 0;             // 0: not the system's
  int tls_alert = -1;              // received alert, -1: none
};

class Stream {
 public:
  static constexpr std::size_t kReadAheadMax = 64 * 1024;
  static constexpr std::size_t kWriteMax = 256 * 1024;
  static constexpr std::chrono::seconds kLingerMax{5};
  using OnEvent = std::function<void(StreamEvent)>;

  Stream(Loop& loop, OnEvent on_event);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Once. `policy` null: none (RULES D 7). Failures come as kFailed.
  void connect(const Address& address, const AddressPolicy* policy);
  // After kConnected, not in a handshake; `bytes` are copied. False: nothing was taken, because kWriteMax would be
  // exceeded or the stream has failed.
  [[nodiscard]] bool write(std::string_view bytes);
  std::size_t unsent() const;
  // What arrived and was not consumed. Valid until the next call that is not const.
  std::string_view received() const;
  void consume(std::size_t bytes);
  // TLS as a client from here on, once; nothing unsent may be left. Then kSecured or kFailed. Plain bytes that came
  // before our hello fail it: with kStartTlsInjection when anything was said before (RFC 3207 section 6), else with
  // kTlsHandshake (a server that speaks plain where TLS was expected).
  void secure(const StreamTls& tls);
  // Ends in order: what is unsent goes first, then close_notify and FIN; no callback afterwards. Never blocks: what the
  // kernel does not take at once goes on in the background, at most kLingerMax.
  void close();

  bool secured() const;
  const StreamFailure& failure() const;  // after kFailed
  // After kSecured, and after a refused certificate. The text of the certificate is made at the first call; who only
  // wants the date takes it alone.
  const TlsFacts& tls() const;
  std::optional<WallTime> leaf_not_after() const;
  static constexpr int kChainMax = 10;
  std::vector<std::string> chain() const;  // after kSecured: the certificates as they were sent, DER, leaf first
  // After kSecured with want_ticket, and in TLS 1.3 after the server's next bytes; null: none came (yet).
  std::shared_ptr<const TlsTicket> ticket() const;
  // Before connect(): what was received is overwritten as soon as it is consumed or dropped, and lies in one buffer
  // that never moves. For bytes that nobody may keep; plain streams only.
  void wipe_received();
  std::optional<Address> local() const;  // after kConnected
  const Address& peer() const;
  // Milliseconds precise: when connect() was called, connected, secured; Instant{} when not reached.
  struct Times {
    Instant started, connected, secured;
  };
  const Times& times() const;

 private:
  class Inner;
  std::shared_ptr<Inner> inner_;  // shared with the callback that runs just now
};

}  // namespace everup::net
