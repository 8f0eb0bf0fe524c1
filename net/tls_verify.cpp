#include "net/tls_verify.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "net/address.h"
#include "net/handle.h"

namespace everup::net {

namespace {

constexpr int kChainMax = 20;  // certificates looked at for the chain's earliest expiry

Cause cause_of(int error) {
  switch (error) {
    case X509_V_OK:
      return Cause::kOk;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return Cause::kTlsExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Cause::kTlsNotYetValid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Cause::kTlsWrongHost;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      return Cause::kTlsUnknownIssuer;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return Cause::kTlsSelfSigned;
    case X509_V_ERR_CERT_REVOKED:
      return Cause::kTlsRevoked;
    default:
      return Cause::kTlsInvalidCertificate;
  }
}

using OcspResponse = Handle<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using OcspBasic = Handle<OCSP_BASICRESP, OCSP_BASICRESP_free>;
using OcspId = Handle<OCSP_CERTID, OCSP_CERTID_free>;

OcspResponse staple_of(SSL* ssl) {
  const unsigned char* bytes = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);
  return OcspResponse(bytes != nullptr && size > 0 ? d2i_OCSP_RESPONSE(nullptr, &bytes, size) : nullptr);
}

// Does `answer` call the leaf of `chain` revoked?
bool names_revoked(OCSP_BASICRESP* answer, STACK_OF(X509) * chain) {
  if (sk_X509_num(chain) < 2) return false;
  int status = -1, reason = 0;
  ASN1_GENERALIZEDTIME *revoked_at = nullptr, *this_update = nullptr, *next_update = nullptr;
  for (const EVP_MD* digest : {EVP_sha1(), EVP_sha256()}) {
    const OcspId id(OCSP_cert_to_id(digest, sk_X509_value(chain, 0), sk_X509_value(chain, 1)));
    if (id && OCSP_resp_find_status(answer, id.get(), &status, &reason, &revoked_at, &this_update, &next_update) == 1) {
      return status == V_OCSP_CERTSTATUS_REVOKED;
    }
  }
  return false;
}

using Security = int (*)(const SSL*, const SSL_CTX*, int, int, int, void*, void*);

Security default_security() {
  static const Security rules = [] {
    const Handle<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_client_method()));
    EVERUP_ASSERT(context);
    return SSL_CTX_get_security_callback(context.get());
  }();
  return rules;
}

}  // namespace

void TlsVerifier::begin(std::shared_ptr<const TrustStore> trust, std::string_view host) {
  clear();
  trust_ = std::move(trust);
  host_ = host;
}

void TlsVerifier::clear() {
  trust_.reset();
  leaf_.reset(), culprit_.reset();
  leaf_not_after_.reset(), chain_not_after_.reset();
  cause_ = Cause::kOk;
  error_ = 0, error_depth_ = 0;
  why_ = nullptr;
  messages_ = records_ = 0;
}

bool TlsVerifier::install(void* ssl_ctx) noexcept {
  auto* context = static_cast<SSL_CTX*>(ssl_ctx);
  SSL_CTX_set_cert_verify_callback(context, &TlsVerifier::on_verify, this);
  SSL_CTX_set_msg_callback(context, &TlsVerifier::on_message);
  SSL_CTX_set_msg_callback_arg(context, this);
  SSL_CTX_set_security_callback(context, &TlsVerifier::on_security);
  SSL_CTX_set0_security_ex_data(context, this);
  if (!trust_) return true;
  SSL_CTX_set1_cert_store(context, trust_->native());
  return SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp) == 1 &&
         SSL_CTX_set_tlsext_status_cb(context, &TlsVerifier::on_status) == 1 &&
         SSL_CTX_set_tlsext_status_arg(context, this) == 1;
}

int TlsVerifier::on_verify(x509_store_ctx_st* context, void* self) noexcept {
  try {
    return static_cast<TlsVerifier*>(self)->judge(context) ? 1 : 0;
  } catch (...) {  // nothing here throws but a failed allocation: refuse, as an invalid certificate
    static_cast<TlsVerifier*>(self)->cause_ = Cause::kOwnResources;
    X509_STORE_CTX_set_error(context, X509_V_ERR_OUT_OF_MEM);
    return 0;
  }
}

void TlsVerifier::refuse(Cause cause, const char* why) noexcept {
  if (cause_ != Cause::kOk) return;
  cause_ = cause;
  why_ = why;
}

// Nobody can be told to stop from in here, but the input can end: what is wanted next is not there.
void TlsVerifier::cut_off(ssl_st* ssl, Cause cause, const char* why) noexcept {
  refuse(cause, why);
  if (BIO* nothing = BIO_new(BIO_s_null())) SSL_set0_rbio(ssl, nothing);
}

void TlsVerifier::on_message(int sent, int, int type, const void*, std::size_t, ssl_st* ssl, void* self) noexcept {
  auto& verifier = *static_cast<TlsVerifier*>(self);
  if (sent != 0) return;
  if (type == SSL3_RT_HANDSHAKE && ++verifier.messages_ == kMessagesMax)
    verifier.cut_off(ssl, Cause::kTlsHandshake, "the server sends handshake messages without end");
  if (type == SSL3_RT_HEADER && ++verifier.records_ == kRecordsMax)
    verifier.cut_off(ssl, Cause::kHttpProtocol, "the server sends without end and says nothing");
}

// The library's own rules for its default level are those of sizes that are too small; here is the other end.
int TlsVerifier::on_security(const ssl_st* ssl, const ssl_ctx_st* context, int what, int bits, int id, void* other,
                             void* self) noexcept {
  if (what == SSL_SECOP_TMP_DH && other != nullptr && EVP_PKEY_get_bits(static_cast<EVP_PKEY*>(other)) > kDhBitsMax) {
    static_cast<TlsVerifier*>(self)->refuse(Cause::kTlsHandshake,
                                            "the server's Diffie-Hellman group has more than 4096 bits");
    return 0;
  }
  return default_security()(ssl, context, what, bits, id, other, nullptr);
}

bool TlsVerifier::judge(x509_store_ctx_st* context) {
  remember(context);
  if (!trust_) return true;
  if (!ask_for_name(context)) {
    X509_STORE_CTX_set_error(context, X509_V_ERR_OUT_OF_MEM);
  } else if (X509_verify_cert(context) == 1) {
    return true;
  }
  const int error = X509_STORE_CTX_get_error(context);
  error_ = error;
  error_depth_ = X509_STORE_CTX_get_error_depth(context);
  cause_ = error == X509_V_ERR_OUT_OF_MEM ? Cause::kOwnResources
                                          : cause_of(error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error);
  culprit_ = share(X509_STORE_CTX_get_current_cert(context));
  return false;
}

bool TlsVerifier::ask_for_name(x509_store_ctx_st* context) const {
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_depth(parameters, kDepthMax);
  if (const auto address = Address::parse(host_)) {
    return X509_VERIFY_PARAM_set1_ip(parameters, address->bytes.data(), address->v4() ? 4 : 16) == 1;
  }
  // What libcurl put into SNI is the A-label form without the trailing dot; without SNI only the host itself can be
  // meant.
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const char* sni = ssl != nullptr ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) : nullptr;
  const std::string_view name = sni != nullptr ? std::string_view(sni) : host_;
  if (name.empty()) return false;
  X509_VERIFY_PARAM_set_hostflags(parameters,
                                  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return X509_VERIFY_PARAM_set1_host(parameters, name.data(), name.size()) == 1;
}

void TlsVerifier::remember(x509_store_ctx_st* context) {
  leaf_ = share(X509_STORE_CTX_get0_cert(context));
  if (!leaf_) return;
  leaf_not_after_ = not_after(leaf_.get());
  chain_not_after_ = leaf_not_after_;
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_untrusted(context);
  for (int i = 0; i < sk_X509_num(chain) && i < kChainMax; ++i) {
    const auto end = not_after(sk_X509_value(chain, i));
    if (end && (!chain_not_after_ || *end < *chain_not_after_)) chain_not_after_ = end;
  }
}

int TlsVerifier::on_status(ssl_st* ssl, void* self) noexcept {
  auto& verifier = *static_cast<TlsVerifier*>(self);
  if (!verifier.revoked(ssl)) return 1;
  verifier.cause_ = Cause::kTlsRevoked;
  verifier.error_ = X509_V_ERR_CERT_REVOKED;
  verifier.culprit_ = share(verifier.leaf_.get());
  return 0;
}

bool TlsVerifier::revoked(ssl_st* ssl) {
  const OcspResponse response = staple_of(ssl);
  bool result = false;
  if (response && OCSP_response_status(response.get()) == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    const OcspBasic answer(OCSP_response_get1_basic(response.get()));
    STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
    result = answer && chain != nullptr && names_revoked(answer.get(), chain) &&
             OCSP_basic_verify(answer.get(), chain, trust_->native(), 0) == 1;
  }
  ERR_clear_error();  // what is wrong with a staple is no error of the handshake
  return result;
}

std::string TlsVerifier::detail() const {
  if (why_ != nullptr) return why_;
  std::string text = cause_ == Cause::kTlsRevoked ? "the server's own OCSP staple says: revoked"
                                                  : X509_verify_cert_error_string(error_);
  if (cause_ == Cause::kTlsWrongHost && leaf_) {
    text = "the certificate is not for " + std::string(host_);
    const CertificateFacts known = facts_of(leaf_.get());
    text += known.names.empty() ? " (it has no names)" : ", but for " + known.names.front();
    if (known.names.size() > 1) text += " and " + std::to_string(known.names.size() - 1) + " more";
  } else if (culprit_) {
    const CertificateFacts known = facts_of(culprit_.get());
    if (cause_ == Cause::kTlsExpired) text += " on " + rfc3339(known.not_after);
    if (cause_ == Cause::kTlsNotYetValid) text += " before " + rfc3339(known.not_before);
    text += " (" + known.subject + (error_depth_ > 0 ? ", in the chain" : "") + ")";
  }
  return printable(text, 200);
}

CertificateFacts TlsVerifier::facts() const {
  CertificateFacts result = facts_of(leaf_.get());
  if (chain_not_after_) result.chain_not_after = *chain_not_after_;
  if (!trust_) result.verify_error = "not verified: verify_tls is off";
  if (cause_ != Cause::kOk) result.verify_error = detail();
  return result;
}

}  // namespace everup::net
