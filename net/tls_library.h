// A small view of OpenSSL for handshakes. OpenSSL 3.0 walks over every algorithm of its provider for each certificate
// (all 60 decoders, in pairs) and for each SSL_CTX (all 57 groups), and libcurl makes an SSL_CTX per transfer: together
// about 80 us of a handshake. This view offers the same code of the default provider, but of the decoders only those
// that read a certificate's public key, of the key types only those of TLS, of the groups only those that OpenSSL's
// own default list offers to a server. Nothing that a handshake could use is missing, and nothing is skipped or kept
// from one handshake to the next (docs/decisions/0005).
//
// Ownership: one per process, made once, never freed, as OpenSSL's own default context; any thread. A TlsScope makes
// it the calling thread's default until it goes; scopes nest. Known weakness: providers that openssl.cnf adds are not
// seen in here (its ssl_conf section is).
#pragma once

struct ossl_lib_ctx_st;

namespace everup::net {

// Can the view be made? False: OpenSSL is out of memory. Call it once before the first scope.
bool tls_library_ready();

class TlsScope {
 public:
  TlsScope();
  ~TlsScope();
  TlsScope(const TlsScope&) = delete;
  TlsScope& operator=(const TlsScope&) = delete;

 private:
  ossl_lib_ctx_st* before_;
};

}  // namespace everup::net
