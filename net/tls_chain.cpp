#include "net/tls_chain.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "net/address.h"
#include "net/certificate.h"
#include "net/digest.h"
#include "net/handle.h"
#include "net/tls_library.h"
#include "net/tls_verify.h"

namespace everup::net {

namespace {

constexpr std::size_t kOtherNamesMax = 10;  // of certificates that are not the leaf

using StoreContext = Handle<X509_STORE_CTX, X509_STORE_CTX_free>;
void free_stack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using Stack = Handle<STACK_OF(X509), free_stack>;

CertificateRef parse(const std::string& der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  return CertificateRef(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
}

std::vector<CertificateRef> parse_all(const std::vector<std::string>& der) {
  std::vector<CertificateRef> out;
  for (const std::string& one : der) {
    if (out.size() == TlsReport::kChainMax) break;
    if (CertificateRef certificate = parse(one)) out.push_back(std::move(certificate));
  }
  ERR_clear_error();
  return out;
}

// "prime256v1" is what OpenSSL calls it.
std::string curve_name(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) return {};
  const std::string text(name.data(), size);
  if (text == "prime256v1") return "P-256";
  if (text == "secp384r1") return "P-384";
  if (text == "secp521r1") return "P-521";
  return printable(text, 40);
}

void describe_key(X509* certificate, TlsCertificate& out) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes);
  if (size > 0) {
    out.key_sha256 =
        hex(sha256(std::string_view(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size))));
  }
  OPENSSL_free(bytes);
  if (key == nullptr) return;
  const char* type = EVP_PKEY_get0_type_name(key);
  out.key_type = type == nullptr ? "unknown" : type;
  if (out.key_type == "ED25519") out.key_type = "Ed25519";
  if (out.key_type == "ED448") out.key_type = "Ed448";
  if (out.key_type == "EC") out.key_type += " " + curve_name(key);
  out.key_bits = EVP_PKEY_get_bits(key);
}

TlsCertificate describe(X509* certificate, bool leaf) {
  CertificateFacts facts = facts_of(certificate);
  TlsCertificate out;
  out.subject = std::move(facts.subject), out.issuer = std::move(facts.issuer);
  out.sha256 = std::move(facts.sha256);
  out.names = std::move(facts.names);
  if (!leaf && out.names.size() > kOtherNamesMax) out.names.resize(kOtherNamesMax);
  out.not_before = facts.not_before, out.not_after = facts.not_after;
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  out.serial = hex(std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
                                    static_cast<std::size_t>(std::clamp(ASN1_STRING_length(serial), 0, 64))));
  describe_key(certificate, out);
  int digest = NID_undef;
  const int signature = X509_get_signature_nid(certificate);
  out.signature = OBJ_nid2ln(signature) == nullptr ? "unknown" : OBJ_nid2ln(signature);
  if (X509_get_signature_info(certificate, &digest, nullptr, nullptr, nullptr) == 1) {
    out.sha1_or_md5 = digest == NID_sha1 || digest == NID_md5;
  }
  out.self_issued = X509_name_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
  return out;
}

std::string trust_detail(X509_STORE_CTX* context, int error) {
  std::string text = X509_verify_cert_error_string(error);
  X509* culprit = X509_STORE_CTX_get_current_cert(context);
  if (culprit == nullptr) return text;
  const CertificateFacts known = facts_of(culprit);
  if (error == X509_V_ERR_CERT_HAS_EXPIRED) text += " on " + rfc3339(known.not_after);
  if (error == X509_V_ERR_CERT_NOT_YET_VALID) text += " before " + rfc3339(known.not_before);
  return text + " (" + known.subject + (X509_STORE_CTX_get_error_depth(context) > 0 ? ", in the chain)" : ")");
}

TlsOpinion trust_of(const std::vector<CertificateRef>& chain, const TrustStore& trust, WallTime now) {
  const StoreContext context(X509_STORE_CTX_new());
  const Stack untrusted(sk_X509_new_null());
  bool ready = context && untrusted;
  for (const CertificateRef& one : chain) ready = ready && sk_X509_push(untrusted.get(), one.get()) > 0;
  ready = ready && X509_STORE_CTX_init(context.get(), trust.native(), chain.front().get(), untrusted.get()) == 1 &&
          X509_STORE_CTX_set_default(context.get(), "ssl_server") == 1;
  if (!ready) return {Cause::kOwnResources, "out of memory"};
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), now.ms / 1000);
  if (X509_verify_cert(context.get()) == 1) return {};
  const int error = X509_STORE_CTX_get_error(context.get());
  return {certificate_cause(error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error),
          printable(trust_detail(context.get(), error), 200)};
}

TlsOpinion hostname_of(X509* leaf, std::string_view host) {
  bool good = false;
  if (const auto address = Address::parse(host)) {
    good = X509_check_ip(leaf, address->bytes.data(), address->v4() ? 4 : 16, 0) == 1;
  } else {
    good = X509_check_host(leaf, host.data(), host.size(),
                           X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
  }
  if (good) return {};
  const CertificateFacts known = facts_of(leaf);
  std::string text = "the certificate is not for " + std::string(host);
  text += known.names.empty() ? " (it has no names)" : ", but for " + known.names.front();
  if (known.names.size() > 1) text += " and " + std::to_string(known.names.size() - 1) + " more";
  return {Cause::kTlsWrongHost, printable(text, 200)};
}

}  // namespace

std::vector<TlsCertificate> describe_chain(const std::vector<std::string>& der) {
  const TlsScope scope;
  std::vector<TlsCertificate> out;
  for (const CertificateRef& one : parse_all(der)) out.push_back(describe(one.get(), out.empty()));
  ERR_clear_error();
  return out;
}

ChainOpinions judge_chain(const std::vector<std::string>& der, const TrustStore& trust, std::string_view host,
                          WallTime now) {
  const TlsScope scope;
  const std::vector<CertificateRef> chain = parse_all(der);
  if (chain.empty()) {
    const TlsOpinion unreadable{Cause::kTlsInvalidCertificate, "the certificate cannot be read"};
    return {unreadable, unreadable};
  }
  ChainOpinions out{trust_of(chain, trust, now), hostname_of(chain.front().get(), host)};
  ERR_clear_error();
  return out;
}

}  // namespace everup::net
