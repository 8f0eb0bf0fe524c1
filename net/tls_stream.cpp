#include "net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include <algorithm>
#include <array>

#include "net/address.h"
#include "net/tls_library.h"

namespace everup::net {

// A BIO over the session's buffers. C callbacks: a failed allocation is told as a failed write, nothing is thrown.
struct TlsSession::Bio {
  static TlsSession& of(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int size) noexcept {
    TlsSession& self = of(bio);
    BIO_clear_retry_flags(bio);
    const std::size_t count = std::min(self.unread(), static_cast<std::size_t>(std::max(size, 0)));
    if (count == 0) {
      if (!self.in_ended_) BIO_set_retry_read(bio);
      return self.in_ended_ ? 0 : -1;
    }
    memcpy(into, self.in_.data() + self.in_at_, count);
    self.in_at_ += count;
    if (self.unread() == 0) self.in_.clear(), self.in_at_ = 0;
    return static_cast<int>(count);
  }
  static int write(BIO* bio, const char* bytes, int size) noexcept {
    try {
      of(bio).out_.append(bytes, static_cast<std::size_t>(std::max(size, 0)));
    } catch (...) {
      return -1;
    }
    return size;
  }
  static long control(BIO* bio, int command, long, void*) noexcept {
    if (command == BIO_CTRL_EOF) return of(bio).in_ended_ && of(bio).unread() == 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const kMethod = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "everup stream");
      if (made == nullptr) return made;
      BIO_meth_set_read(made, &Bio::read);
      BIO_meth_set_write(made, &Bio::write);
      BIO_meth_set_ctrl(made, &Bio::control);
      return made;
    }();
    return kMethod;
  }
};

namespace {

SSL_CTX* make_context(X509_STORE* store) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return nullptr;
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
  if (TlsVerifier::install_shared(context, store)) return context;
  SSL_CTX_free(context);
  return nullptr;
}

SSL_CTX* context_of(const TrustStore* trust) {
  if (trust != nullptr) return trust->context(&make_context);
  static SSL_CTX* const without = make_context(nullptr);  // never freed: streams of any thread may use it
  return without;
}

// RFC 6066, section 3: a name without its trailing dot, never an address.
std::string server_name(const std::string& host) {
  if (host.empty() || Address::parse(host)) return {};
  return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

}  // namespace

std::unique_ptr<TlsSession> TlsSession::begin(const StreamTls& tls) {
  if (!tls_library_ready()) return nullptr;
  const TlsScope scope;
  std::unique_ptr<TlsSession> session(new TlsSession);
  if (session->set_up(tls)) return session;
  ERR_clear_error();
  return nullptr;
}

TlsSession::~TlsSession() {
  const TlsScope scope;
  SSL_free(ssl_);
}

bool TlsSession::set_up(const StreamTls& tls) {
  host_ = tls.host.ends_with('.') ? tls.host.substr(0, tls.host.size() - 1) : tls.host;
  enforce_ = tls.enforce && tls.trust != nullptr;
  SSL_CTX* context = context_of(tls.trust.get());
  if (context == nullptr || (ssl_ = SSL_new(context)) == nullptr) return false;
  verifier_.begin(tls.trust, host_);
  verifier_.tolerate(!enforce_);
  BIO* bio = Bio::method() != nullptr ? BIO_new(Bio::method()) : nullptr;
  if (bio == nullptr || !verifier_.attach(ssl_)) {
    BIO_free(bio);
    return false;
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_connect_state(ssl_);
  SSL_set_verify(ssl_, enforce_ ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (tls.want_ticket || tls.resume) SSL_clear_options(ssl_, SSL_OP_NO_TICKET);
  if (tls.resume && SSL_set_session(ssl_, tls.resume->native()) != 1) ERR_clear_error();
  const std::string name = tls.send_sni ? server_name(host_) : std::string();
  if (!name.empty() && SSL_set_tlsext_host_name(ssl_, name.c_str()) != 1) return false;
  if (tls.alpn.empty()) return true;
  const std::string wire = static_cast<char>(std::min<std::size_t>(tls.alpn.size(), 255)) + tls.alpn.substr(0, 255);
  return SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(wire.data()),
                             static_cast<unsigned>(wire.size())) == 0;
}

TlsSession::Step TlsSession::handshake() {
  const TlsScope scope;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    done_ = true;
    return Step::kDone;
  }
  return SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ ? Step::kMore : failed();
}

TlsSession::Step TlsSession::read(std::string& into, std::size_t max) {
  const TlsScope scope;
  std::array<char, 16 * 1024> buffer;
  while (into.size() < max) {
    ERR_clear_error();
    const int wanted = static_cast<int>(std::min(buffer.size(), max - into.size()));
    const int got = SSL_read(ssl_, buffer.data(), wanted);
    if (got > 0) {
      into.append(buffer.data(), static_cast<std::size_t>(got));
      verifier_.count_anew();
      continue;
    }
    switch (SSL_get_error(ssl_, got)) {
      case SSL_ERROR_WANT_READ:
        return Step::kMore;
      case SSL_ERROR_ZERO_RETURN:
        return Step::kClosed;
      default:
        // A FIN without close_notify: the field does it, and every dialogue has its own sign of completeness.
        if (cut()) return broken_ = true, Step::kClosed;
        return failed();
    }
  }
  return Step::kMore;
}

bool TlsSession::write(std::string_view plain) {
  const TlsScope scope;
  ERR_clear_error();
  if (plain.empty()) return true;
  const int result = SSL_write(ssl_, plain.data(), static_cast<int>(plain.size()));
  if (result > 0) return true;
  failed();
  return false;
}

void TlsSession::end() {
  if (!done_ || broken_) return;
  const TlsScope scope;
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

// Did OpenSSL stop because the bytes stopped?
bool TlsSession::cut() const {
  const unsigned long error = ERR_peek_last_error();
  return in_ended_ && (error == 0 || ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

TlsSession::Step TlsSession::failed() {
  broken_ = true;
  const unsigned long error = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(error);
  if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
    failure_.tls_alert = reason - SSL_AD_REASON_OFFSET;
  }
  const char* words = ERR_reason_error_string(error);
  const bool lost = cut();
  ERR_clear_error();
  if (verifier_.cause() != Cause::kOk && !done_) {
    failure_.cause = verifier_.cause();
    failure_.detail = verifier_.detail();
    return Step::kFailed;
  }
  failure_.cause = lost ? Cause::kTlsReset : Cause::kTlsHandshake;
  failure_.detail = lost               ? "the connection was closed in the handshake"
                    : words != nullptr ? std::string("TLS: ") + words
                                       : std::string("TLS: broken");
  return Step::kFailed;
}

TlsFacts TlsSession::facts() const {
  TlsFacts facts;
  if (done_) {
    facts.resumed = SSL_session_reused(ssl_) == 1;
    facts.version = SSL_get_version(ssl_);
    facts.cipher = SSL_get_cipher_name(ssl_);
    const unsigned char* alpn = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &alpn, &size);
    if (size > 0) facts.alpn = printable(std::string_view(reinterpret_cast<const char*>(alpn), size), 255);
  }
  const unsigned char* staple = nullptr;
  facts.stapled = SSL_get_tlsext_status_ocsp_resp(ssl_, &staple) > 0;
  facts.verification = verifier_.cause();
  if (verifier_.seen()) facts.certificate = verifier_.facts();
  return facts;
}

std::vector<std::string> TlsSession::chain() const {
  std::vector<std::string> result;
  const STACK_OF(X509)* sent = done_ ? SSL_get_peer_cert_chain(ssl_) : nullptr;
  for (int i = 0; i < sk_X509_num(sent) && i < Stream::kChainMax; ++i) result.push_back(der_of(sk_X509_value(sent, i)));
  return result;
}

// A copy: OpenSSL spoils the original when its connection ends without close_notify.
std::shared_ptr<const TlsTicket> TlsSession::ticket() const {
  const TlsScope scope;
  const SSL_SESSION* session = done_ ? SSL_get0_session(ssl_) : nullptr;
  if (session == nullptr || SSL_SESSION_is_resumable(session) != 1) return nullptr;
  SSL_SESSION* copy = SSL_SESSION_dup(session);
  return copy == nullptr ? nullptr : std::make_shared<const TlsTicket>(copy);
}

TlsTicket::~TlsTicket() {
  const TlsScope scope;
  SSL_SESSION_free(session_);
}

}  // namespace everup::net
