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
// not consume is not read for. No timer of its own: the owner has the deadline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/outcome.h"
#include "core/time.h"
#include "net/address.h"
#include "net/address_policy.h"
#include "net/loop.h"
#include "net/tls_store.h"

namespace everup::net {

struct StreamTls {
  std::shared_ptr<const TrustStore> trust;  // null: not verified; the certificate is remembered all the same
  bool enforce = true;  // false: a verification error is told (certificate()->verify_error), the dialogue goes on
  std::string host;     // to verify, and SNI unless it is an address; must not be empty when trust is set
  bool send_sni = true;
  std::string alpn;  // one protocol; empty: none
};

// What a secured stream says about itself.
struct TlsFacts {
  std::string version, cipher, alpn;  // "TLSv1.3", "TLS_AES_256_GCM_SHA384", ""
  std::optional<CertificateFacts> certificate;
  Cause verification = Cause::kOk;  // kOk, or the kTls… cause of the first error
  bool stapled = false;             // an OCSP staple came
};

enum class StreamEvent : std::uint8_t {
  kConnected,
  kReceived,  // received() has grown
  kSent,      // everything written is with the kernel
  kSecured,
  kClosed,  // the peer closed its side in order (TCP FIN or TLS close_notify); what was received is still there
  kFailed,  // failure() says why; nothing more comes
};

struct StreamFailure {
  Cause cause = Cause::kInternal;  // kConnectRefused, kConnectTimeout (ETIMEDOUT), kConnectReset (reset, at any time),
                                   // kHostUnreachable, kNetworkUnreachable, kAddressRefused, kOwnResources,
                                   // kOwnNetwork, kTlsHandshake, kTlsReset, kTlsExpired … kTlsInvalidCertificate
  std::string detail;   // English, printable
  int errno_value = 0;  // 0: not the system's
  int tls_alert = -1;   // received alert, -1: none
};

class Stream {
 public:
  static constexpr std::size_t kReadAheadMax = 64 * 1024;
  static constexpr std::size_t kWriteMax = 256 * 1024;
  using OnEvent = std::function<void(StreamEvent)>;

  Stream(Loop& loop, OnEvent on_event);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Once. `policy` null: none (RULES D 7). Failures come as kFailed.
  void connect(const Address& address, const AddressPolicy* policy);
  // After kConnected; `bytes` are copied. False: kWriteMax would be exceeded, nothing was taken.
  [[nodiscard]] bool write(std::string_view bytes);
  // What arrived and was not consumed. Valid until the next call that is not const.
  std::string_view received() const;
  void consume(std::size_t bytes);
  // TLS as a client from here on; nothing unsent and nothing unread may be left (kFailed with kStartTlsInjection when
  // something is unread: RFC 3207 section 6). Then kSecured or kFailed.
  void secure(const StreamTls& tls);
  // Ends in order: what is unsent goes first, then close_notify and FIN; no callback afterwards. Never blocks.
  void close();

  bool secured() const;
  const StreamFailure& failure() const;  // after kFailed
  const TlsFacts& tls() const;           // after kSecured, and after a refused certificate
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
