// The TLS of one net::Stream: OpenSSL between two byte buffers, no descriptor and no clock. The stream feeds what the
// socket gave and sends what take_out() holds.
//
//   begin → feed(raw) → handshake() … kDone → feed(raw) → read(into) …, write(plain), end() → out()
//
// One SSL_CTX per trust store (of one loop thread) and one for all streams without one: a stream makes an SSL only.
// Chain, name and staple are judged by TlsVerifier, as for libcurl's transfers. Everything runs inside the small view
// of OpenSSL (docs/decisions/0005). Sessions are resumed for who brings a ticket only: a resumed one shows no
// certificate.
//
// Owned by one stream, used on its loop's thread; nothing throws out of OpenSSL's callbacks. Limits: the stream feeds
// at most what it may hold; one record is 16 KiB.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/stream.h"
#include "net/tls_verify.h"

struct ssl_st;
struct ssl_session_st;

namespace everup::net {

// Immutable; resumed from by streams of the same thread.
class TlsTicket {
 public:
  explicit TlsTicket(ssl_session_st* session) : session_(session) {}
  ~TlsTicket();
  TlsTicket(const TlsTicket&) = delete;
  TlsTicket& operator=(const TlsTicket&) = delete;
  ssl_session_st* native() const { return session_; }

 private:
  ssl_session_st* session_;
};

class TlsSession {
 public:
  enum class Step : std::uint8_t { kMore, kDone, kClosed, kFailed };

  // Null: OpenSSL is out of memory.
  static std::unique_ptr<TlsSession> begin(const StreamTls& tls);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  void feed(std::string_view raw) { in_.append(raw); }
  void feed_end() { in_ended_ = true; }
  std::size_t unread() const { return in_.size() - in_at_; }  // raw bytes that OpenSSL has not taken

  Step handshake();                               // kMore, kDone or kFailed
  Step read(std::string& into, std::size_t max);  // kMore: everything that came, or `max` bytes, is in `into`
  bool write(std::string_view plain);             // false: failed
  void end();                                     // close_notify

  std::string& out() { return out_; }                        // raw bytes for the socket; the stream takes them off
  const StreamFailure& failure() const { return failure_; }  // after kFailed; errno_value is the stream's to fill
  TlsFacts facts() const;
  std::optional<WallTime> leaf_not_after() const { return verifier_.leaf_not_after(); }
  std::vector<std::string> chain() const;
  std::shared_ptr<const TlsTicket> ticket() const;

 private:
  TlsSession() = default;
  struct Bio;  // OpenSSL's way to our buffers
  bool set_up(const StreamTls& tls);
  Step failed();
  bool cut() const;

  ssl_st* ssl_ = nullptr;
  TlsVerifier verifier_;
  std::string host_, in_, out_;
  std::size_t in_at_ = 0;
  bool in_ended_ = false, done_ = false, broken_ = false, enforce_ = true;
  StreamFailure failure_;
};

}  // namespace everup::net
