// One TLS handshake seen from the side: installs our trust store and our questions into the SSL_CTX that libcurl made,
// judges chain, name and stapled revocation inside the handshake, and remembers what the certificate was, also when it
// was refused.
//
// OpenSSL checks the name (X509_VERIFY_PARAM), so that a wrong host is an error of its own; names come from the
// subject's alternative names only (RFC 9525), never from its common name. libcurl's own name check is off; that is
// safe only because this one is on. A staple counts only when it says "revoked" and its signature holds (RULES D 9); a
// missing, old or broken staple is no verdict.
//
// A server may not keep OpenSSL busy: it loops inside one call as long as handshake messages come (hello requests,
// renegotiations, tickets, key updates), and a Diffie-Hellman group of 8192 bits costs 0.3 s. So a connection has at
// most kMessagesMax handshake messages from the server (then its input is cut off), groups have at most kDhBitsMax,
// chains at most kDepthMax authorities.
//
// Owned by one transfer, which outlives the SSL_CTX; used on its loop's thread. The callbacks are C callbacks: nothing
// throws. Known weakness: no CRL and no OCSP request of our own; a server that does not staple is never seen as
// revoked.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/outcome.h"
#include "net/certificate.h"
#include "net/tls_store.h"

struct ssl_st;
struct ssl_ctx_st;
struct x509_store_ctx_st;

namespace everup::net {

class TlsVerifier {
 public:
  static constexpr int kMessagesMax = 64;  // an ordinary handshake has 4 to 10
  static constexpr int kRecordsMax = 160;  // without content in one call of libcurl's, which reads at most 100 times
  static constexpr int kDhBitsMax = 4096;
  static constexpr int kDepthMax = 10;  // authorities between leaf and root: each is a signature to check

  // `trust` null: nothing is verified, the certificate is only remembered. `host` as in the URL, an address literal
  // without brackets; it must live until the handshake is done.
  void begin(std::shared_ptr<const TrustStore> trust, std::string_view host);
  // From CURLOPT_SSL_CTX_FUNCTION. False: OpenSSL is out of memory.
  bool install(void* ssl_ctx) noexcept;
  // Content came, or libcurl is back from a call: records are counted anew.
  void count_anew() { records_ = 0; }
  bool cut_off() const { return why_ != nullptr; }
  // Forgets everything (keeps no certificate alive in the pool).
  void clear();

  // kOk, or one of the kTls… causes of a certificate.
  Cause cause() const { return cause_; }
  std::string detail() const;  // English, for a cause that is not kOk
  bool seen() const { return leaf_ != nullptr; }
  std::optional<WallTime> leaf_not_after() const { return leaf_not_after_; }
  CertificateFacts facts() const;  // only when seen()

 private:
  static int on_verify(x509_store_ctx_st* context, void* self) noexcept;
  static int on_status(ssl_st* ssl, void* self) noexcept;
  static void on_message(int sent, int version, int type, const void* bytes, std::size_t size, ssl_st* ssl,
                         void* self) noexcept;
  static int on_security(const ssl_st* ssl, const ssl_ctx_st* context, int what, int bits, int id, void* other,
                         void* self) noexcept;
  void refuse(Cause cause, const char* why) noexcept;
  void cut_off(ssl_st* ssl, Cause cause, const char* why) noexcept;
  bool judge(x509_store_ctx_st* context);
  bool ask_for_name(x509_store_ctx_st* context) const;
  void remember(x509_store_ctx_st* context);
  bool revoked(ssl_st* ssl);

  std::shared_ptr<const TrustStore> trust_;
  std::string_view host_;
  Cause cause_ = Cause::kOk;
  long error_ = 0;             // X509_V_ERR_…
  const char* why_ = nullptr;  // of a handshake that we ended
  int messages_ = 0, records_ = 0;
  int error_depth_ = 0;
  CertificateRef leaf_, culprit_;
  std::optional<WallTime> leaf_not_after_, chain_not_after_;
};

}  // namespace everup::net
