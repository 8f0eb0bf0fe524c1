// Trusted roots. Loading Debian's bundle costs about 25 ms, so it is done once per loop thread and every verification
// of that thread shares the store; a monitor's own roots (options.ca) make a second store that shares the parsed
// certificates of the first.
//
// TrustStore is immutable after construction (but for the SSL_CTX it keeps); hold it by shared_ptr. One thread per
// store (OpenSSL locks it, two threads would contend). Limits: kPemBytesMax of roots for one monitor, kStoresMax such
// stores kept (the longest unused goes first).
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/result.h"

struct ssl_ctx_st;
struct x509_store_st;

namespace everup::net {

class TrustStore {
 public:
  static constexpr std::size_t kPemBytesMax = 64 * 1024;

  // The system's roots, and those of `extra_file` (PEM) unless it is empty. kInvalid names the file; kUnavailable: no
  // system roots.
  static Result<std::shared_ptr<const TrustStore>> system(const std::string& extra_file);
  static Result<std::shared_ptr<const TrustStore>> none();  // trusts nobody
  // These roots and those of `pem` (one certificate at least).
  Result<std::shared_ptr<const TrustStore>> with(std::string_view pem) const;
  ~TrustStore();
  TrustStore(const TrustStore&) = delete;
  TrustStore& operator=(const TrustStore&) = delete;

  x509_store_st* native() const { return store_; }
  std::size_t size() const;  // certificates
  // The SSL_CTX of all streams that trust this store (net/tls_stream): made by `maker` at the first call, freed with the
  // store. Null: out of memory.
  ssl_ctx_st* context(ssl_ctx_st* (*maker)(x509_store_st*)) const;

 private:
  explicit TrustStore(x509_store_st* store) : store_(store) {}
  static std::unique_ptr<TrustStore> make();
  x509_store_st* store_;
  mutable ssl_ctx_st* context_ = nullptr;
};

class TrustStores {
 public:
  static constexpr std::size_t kStoresMax = 64;

  explicit TrustStores(std::shared_ptr<const TrustStore> base) : base_(std::move(base)) {}
  const std::shared_ptr<const TrustStore>& base() const { return base_; }
  // The base with these roots; the base itself when `pem` is empty. kInvalid when it holds no readable certificate.
  Result<std::shared_ptr<const TrustStore>> with(const std::string& pem);
  std::size_t kept() const { return kept_.size(); }

 private:
  struct Entry {
    std::string digest;
    std::shared_ptr<const TrustStore> store;
  };
  std::shared_ptr<const TrustStore> base_;
  std::list<Entry> kept_;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_digest_;
};

}  // namespace everup::net
