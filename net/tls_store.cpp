#include "net/tls_store.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "net/certificate.h"
#include "net/digest.h"
#include "net/handle.h"

namespace everup::net {

namespace {

using Bio = Handle<BIO, BIO_free_all>;

// A duplicate is not an error; everything else is.
bool add(X509_STORE* store, X509* certificate) {
  if (X509_STORE_add_cert(store, certificate) == 1) return true;
  const bool duplicate = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_CERT_ALREADY_IN_HASH_TABLE;
  ERR_clear_error();
  return duplicate;
}

// How many certificates were read; -1 when something in it is broken.
int add_all(X509_STORE* store, BIO* in) {
  int count = 0;
  for (;; ++count) {
    const CertificateRef certificate(PEM_read_bio_X509_AUX(in, nullptr, nullptr, nullptr));
    if (!certificate) break;
    if (!add(store, certificate.get())) return -1;
  }
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  return at_end || error == 0 ? count : -1;
}

}  // namespace

TrustStore::~TrustStore() {
  SSL_CTX_free(context_);
  X509_STORE_free(store_);
}

ssl_ctx_st* TrustStore::context(ssl_ctx_st* (*maker)(x509_store_st*)) const {
  if (context_ == nullptr) context_ = maker(store_);
  return context_;
}

std::unique_ptr<TrustStore> TrustStore::make() {
  X509_STORE* store = X509_STORE_new();
  if (store == nullptr) return nullptr;
  // As libcurl and browsers do: a root we trust ends the search, and a certificate named as a root is one, self-signed
  // or not.
  X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  return std::unique_ptr<TrustStore>(new TrustStore(store));
}

Result<std::shared_ptr<const TrustStore>> TrustStore::none() {
  auto store = make();
  if (!store) return Error{ErrorCode::kExhausted, "trust store: out of memory"};
  return std::shared_ptr<const TrustStore>(std::move(store));
}

Result<std::shared_ptr<const TrustStore>> TrustStore::system(const std::string& extra_file) {
  auto store = make();
  if (!store) return Error{ErrorCode::kExhausted, "trust store: out of memory"};
  // The bundle only: the directory beside it would be searched, with a stat, in every failing verification.
  const char* bundle = getenv(X509_get_default_cert_file_env());
  for (const char* path : {bundle, "/etc/ssl/certs/ca-certificates.crt", X509_get_default_cert_file()}) {
    if (path == nullptr || store->size() > 0) continue;
    const Bio in(BIO_new_file(path, "r"));
    if (in) add_all(store->store_, in.get());
    ERR_clear_error();
  }
  if (!extra_file.empty()) {
    const Bio in(BIO_new_file(extra_file.c_str(), "r"));
    ERR_clear_error();
    if (!in) return Error{ErrorCode::kInvalid, "EVERUP_CA_FILE: cannot read " + extra_file};
    if (add_all(store->store_, in.get()) <= 0) {
      return Error{ErrorCode::kInvalid,
                   "EVERUP_CA_FILE: " + extra_file + " must hold PEM certificates and nothing broken"};
    }
  }
  return std::shared_ptr<const TrustStore>(std::move(store));
}

Result<std::shared_ptr<const TrustStore>> TrustStore::with(std::string_view pem) const {
  if (pem.size() > kPemBytesMax) return Error{ErrorCode::kInvalid, "options.ca: larger than 64 KiB"};
  auto store = make();
  const Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!store || !in) return Error{ErrorCode::kExhausted, "trust store: out of memory"};
  if (add_all(store->store_, in.get()) <= 0) {
    return Error{ErrorCode::kInvalid, "options.ca: must hold PEM certificates and nothing broken"};
  }
  const STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(store_);
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    X509* certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
    if (certificate != nullptr && !add(store->store_, certificate)) {
      return Error{ErrorCode::kExhausted, "trust store: out of memory"};
    }
  }
  return std::shared_ptr<const TrustStore>(std::move(store));
}

std::size_t TrustStore::size() const {
  const int count = sk_X509_OBJECT_num(X509_STORE_get0_objects(store_));
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

Result<std::shared_ptr<const TrustStore>> TrustStores::with(const std::string& pem) {
  if (pem.empty()) return base_;
  const Sha256 sum = sha256(pem);
  std::string digest(bytes_of(sum));
  if (const auto found = by_digest_.find(digest); found != by_digest_.end()) {
    kept_.splice(kept_.begin(), kept_, found->second);
    return kept_.front().store;
  }
  auto store = base_->with(pem);
  if (!store.ok()) return store;
  if (kept_.size() >= kStoresMax) {
    by_digest_.erase(kept_.back().digest);
    kept_.pop_back();
  }
  kept_.push_front(Entry{digest, *store});
  by_digest_.emplace(std::move(digest), kept_.begin());
  return store;
}

}  // namespace everup::net
