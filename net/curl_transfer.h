// One HTTP exchange by libcurl: one request to one address (or one of each family, racing), no redirects, no name
// resolution, a connection of its own. The object is a pooled easy handle whose options are kept from one exchange to
// the next; CurlMulti lends it (Lease).
//
// Pinning (RULES D 1): libcurl never resolves. One family: CONNECT_TO "::ADDR:". Two: CONNECT_TO "::pin:" and RESOLVE,
// which race (200 ms); in that mode the resolver is refused, so a forgotten pin fails instead of asking the DNS. Every
// socket passes the address policy once more in the open-socket callback, the last gate.
//
// The slists given to libcurl are nodes of our own over strings that live in this object, because it keeps pointers and
// copies nothing; so an exchange to the same place allocates nothing for its options.
//
// Thread: the loop's. start() once per lease-and-end; the listener is called once, never from inside start(), and may
// start() again or give the lease back there. Every text_view in the request must live until then. Limits: head 64 KiB
// (all heads of one exchange with trailers), body 1 MiB decoded and 4 MiB raw (256 KiB when it is
// coded: a decoder can be kept busy without giving anything) in 100 000 pieces, 8 MiB on the wire (chunk extensions and
// frames of HTTP/2 are neither head nor body; all three raw limits are looked at every 400 KiB), one content coding at
// most (nested codings multiply), 4 addresses remembered.
//
// Known weaknesses: a single header line above 100 KiB ends in libcurl's "out of memory", told as a head that is too
// large; a digest's two requests share one set of timings, the second one's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/monitor.h"
#include "core/outcome.h"
#include "core/time.h"
#include "net/address.h"
#include "net/address_policy.h"
#include "net/tls_store.h"
#include "net/tls_verify.h"

namespace everup::net {

class CurlMulti;
class CurlTransfer;

inline constexpr std::size_t kHeadBytesMax = 64 * 1024;
inline constexpr std::size_t kBodyBytesMax = 1024 * 1024;      // decoded
inline constexpr std::size_t kRawBytesMax = 4 * 1024 * 1024;   // as received
inline constexpr std::size_t kCodedBytesMax = 256 * 1024;      // as received, compressed
inline constexpr std::size_t kBodyPiecesMax = 100'000;         // as libcurl hands it over: chunks, at least
inline constexpr std::size_t kWireBytesMax = 8 * 1024 * 1024;  // with everything around it

struct TransferRequest {
  std::string_view method = "GET";
  std::string_view url;    // absolute, http or https, canonical (Target::url())
  std::string_view host;   // of the URL, without brackets
  std::uint16_t port = 0;  // of the URL
  bool tls = false;
  std::optional<Address> v4, v6;  // where to connect; at least one
  std::span<const HttpHeader> headers;
  std::string_view body;
  const HttpAuth* auth = nullptr;  // null or kNone: none
  HttpVersion http_version = HttpVersion::kAny;
  std::shared_ptr<const TrustStore> trust;  // null: the certificate is not verified
  const AddressPolicy* policy = nullptr;    // null: no policy (RULES D 7)
  bool from_public_redirect = false;
  std::size_t body_keep = 2048;  // bytes of the decoded body kept, at most kBodyBytesMax
};

// µs since start(), 0: not reached.
struct TransferTimes {
  std::int64_t connected = 0, secured = 0, first_byte = 0;
};

struct TransferResult {
  Cause cause = Cause::kInternal;  // kOk: a complete answer, or as much of it as the body cap allows
  std::string detail;              // English; empty when kOk
  int status = 0;
  int http_version = 0;      // 10, 11, 20; 0: unknown
  bool body_capped = false;  // the body went on beyond kBodyBytesMax
  TransferTimes times;
  std::optional<Address> peer;  // whom we were connected to
};

class TransferListener {
 public:
  virtual ~TransferListener() = default;
  virtual void on_transfer_end(CurlTransfer& transfer) = 0;
};

class CurlTransfer {
 public:
  explicit CurlTransfer(CurlMulti& multi);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;
  bool usable() const { return easy_ != nullptr; }
  bool poolable() const { return !digest_; }  // a digest's nonce stays in the handle: never for somebody else

  // False: libcurl is out of memory; the listener will not be called.
  bool start(const TransferRequest& request, TransferListener& listener);
  // Ends a running exchange without calling the listener; result() then tells how far it came, with `cause` as the
  // reason. The connection is closed at once.
  void abort(Cause cause);
  bool running() const { return running_; }
  TransferTimes times() const;  // also while running
  // What is still open: kConnect, kTls, kWait or kTransfer.
  Phase phase() const;

  const TransferResult& result() const { return result_; }
  const std::string& head() const { return head_; }  // the last answer's, raw, with its status line
  const std::string& body() const { return body_; }  // what was kept
  const TlsVerifier& tls() const { return tls_; }
  std::span<const Address> tried() const { return {tried_.data(), tried_count_}; }

 private:
  friend class CurlMulti;
  struct Node;  // a curl_slist over a string of ours

  void set_fixed_options();
  bool set_target(const TransferRequest& request);
  void set_pins(const TransferRequest& request);
  void set_rare(const TransferRequest& request);
  void set_method(const TransferRequest& request);
  void set_auth(const HttpAuth* auth);
  void set_headers(std::span<const HttpHeader> headers, bool without_type);
  void reset_state();
  void finish(int curl_code);                  // from CurlMulti: result_ is filled
  void stop(Cause cause, std::string detail);  // a callback of ours ends the exchange; the first reason stays
  void tell();                                 // calls the listener
  void note_handshake();                       // from libcurl: TCP is connected, TLS begins
  void note_peer();
  void judge_code(int curl_code);
  void judge_connect();
  void judge_tls(int curl_code);
  void judge_receive(int curl_code);
  void say(Cause cause, std::string detail = {});
  std::string curl_words(int curl_code) const;
  int system_error() const;

  struct Callbacks;  // libcurl's C callbacks: noexcept trampolines
  bool take_head(std::string_view line);
  bool take_body(std::string_view bytes);
  int open_socket(const Address& address, int type, int protocol);  // -1: refused or failed, remembered
  bool count_codings(std::string_view line);
  std::optional<std::size_t> connected_socket() const;  // index into tried_
  bool take_progress(std::int64_t received);

  CurlMulti& multi_;
  void* easy_ = nullptr;   // CURL*
  void* share_ = nullptr;  // CURLSH*: DNS only, one per handle (RULES D 1)
  TransferListener* listener_ = nullptr;
  bool running_ = false;
  bool rare_ = false;  // options beyond a plain GET are set in the handle
  bool digest_ = false;
  bool two_families_ = false;
  long version_set_ = -1;
  int verify_set_ = -1;
  int at_once_set_ = -1;  // TCP_NODELAY

  // What the running exchange saw.
  TransferResult result_;
  std::string head_, body_;
  std::size_t head_bytes_ = 0, body_bytes_ = 0, body_pieces_ = 0, body_keep_ = 0;
  int codings_ = 0;
  bool head_ended_ = false;     // the empty line after it came
  std::uint32_t progress_ = 0;  // calls: at most 400 KiB were read for each
  Cause stop_ = Cause::kOk;     // why a callback of ours stopped libcurl
  std::string stop_detail_;
  int own_error_ = 0;  // errno of a socket that could not be made
  int sockets_ = 0;
  std::array<Address, 4> tried_{};
  std::array<int, 4> tried_sockets_{};
  std::size_t tried_count_ = 0;
  Instant started_;
  std::int64_t handshake_us_ = 0;  // when TLS began: libcurl tells that TCP is connected only after the handshake
  TlsVerifier tls_;
  bool secure_ = false;
  std::string_view host_;
  const AddressPolicy* policy_ = nullptr;
  bool from_public_redirect_ = false;

  // What the handle points at; kept between exchanges.
  std::string url_;
  std::uint16_t pinned_port_ = 0;
  std::unique_ptr<Node> connect_to_, unpin_, pin_;
  std::unique_ptr<Node> agent_, codings_taken_;  // in every request that does not name them itself
  std::vector<std::unique_ptr<Node>> headers_;
  std::array<char, 256> error_text_{};
};

}  // namespace everup::net
