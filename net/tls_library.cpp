#include "net/tls_library.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <string.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace everup::net {

namespace {

// Certificates, key exchanges, and HMAC, which TLS 1.2 asks for as a key type.
constexpr std::array<std::string_view, 10> kKeyTypes = {"RSA",    "RSA-PSS", "EC",      "DSA",   "DH",
                                                        "X25519", "X448",    "ED25519", "ED448", "HMAC"};
constexpr std::array<std::string_view, 6> kCertificateKeys = {"RSA", "RSA-PSS", "EC", "DSA", "ED25519", "ED448"};
// ssl/t1_lib.c, supported_groups_default, by the provider's names.
constexpr std::array<std::string_view, 10> kGroups = {"x25519",    "secp256r1", "x448",      "secp521r1", "secp384r1",
                                                      "ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"};

// `names` is "RSA:rsaEncryption:1.2.840…": the first one is what the provider calls it.
template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& wanted, const char* names) {
  const std::string_view all(names);
  const std::string_view first = all.substr(0, all.find(':'));
  return std::any_of(wanted.begin(), wanted.end(), [&](std::string_view name) {
    return name.size() == first.size() && strncasecmp(name.data(), first.data(), name.size()) == 0;
  });
}

class Library {
 public:
  static Library& the() {
    static auto* const library = new Library;  // never freed: keys of any thread may point into it
    return *library;
  }
  OSSL_LIB_CTX* context() const { return context_; }

 private:
  Library() {
    whole_ = OSSL_LIB_CTX_new();
    provider_ = whole_ != nullptr ? OSSL_PROVIDER_load(whole_, "default") : nullptr;
    if (provider_ == nullptr) return;
    pick(OSSL_OP_KEYMGMT, key_types_,
         [](const OSSL_ALGORITHM& algorithm) { return one_of(kKeyTypes, algorithm.algorithm_names); });
    pick(OSSL_OP_DECODER, decoders_, [](const OSSL_ALGORITHM& algorithm) {
      const char* traits = algorithm.property_definition;
      return traits != nullptr && strstr(traits, "input=der") != nullptr &&
             strstr(traits, "structure=SubjectPublicKeyInfo") != nullptr &&
             one_of(kCertificateKeys, algorithm.algorithm_names);
    });
    OSSL_LIB_CTX* small = OSSL_LIB_CTX_new();
    if (small == nullptr) return;
    active_ = this;
    if (OSSL_PROVIDER_add_builtin(small, "everup-tls", &Library::on_init) == 1 &&
        OSSL_PROVIDER_load(small, "everup-tls") != nullptr) {
      context_ = small;
    }
    ERR_clear_error();
  }

  template <class F>
  void pick(int operation, std::vector<OSSL_ALGORITHM>& into, F&& wanted) {
    int no_store = 0;
    const OSSL_ALGORITHM* all = OSSL_PROVIDER_query_operation(provider_, operation, &no_store);
    for (; all != nullptr && all->algorithm_names != nullptr; ++all) {
      if (wanted(*all)) into.push_back(*all);
    }
    into.push_back(OSSL_ALGORITHM{});
  }

  static int on_init(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** out,
                     void** context) noexcept {
    static const OSSL_DISPATCH kTable[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(&Library::on_query)},
        {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, reinterpret_cast<void (*)()>(&Library::on_capabilities)},
        {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, reinterpret_cast<void (*)()>(&Library::on_gettable)},
        {OSSL_FUNC_PROVIDER_GET_PARAMS, reinterpret_cast<void (*)()>(&Library::on_params)},
        {0, nullptr}};
    *out = kTable;
    *context = OSSL_PROVIDER_get0_provider_ctx(active_->provider_);  // the algorithms are the default provider's own
    return 1;
  }
  static const OSSL_ALGORITHM* on_query(void*, int operation, int* no_store) noexcept {
    if (operation == OSSL_OP_KEYMGMT || operation == OSSL_OP_DECODER) {
      *no_store = 0;
      return operation == OSSL_OP_KEYMGMT ? active_->key_types_.data() : active_->decoders_.data();
    }
    return OSSL_PROVIDER_query_operation(active_->provider_, operation, no_store);
  }
  struct Listener {
    OSSL_CALLBACK* tell;
    void* argument;
  };
  static int on_capabilities(void*, const char* capability, OSSL_CALLBACK* tell, void* argument) noexcept {
    if (strcasecmp(capability, "TLS-GROUP") != 0) {
      return OSSL_PROVIDER_get_capabilities(active_->provider_, capability, tell, argument);
    }
    Listener listener{tell, argument};
    return OSSL_PROVIDER_get_capabilities(active_->provider_, capability, &Library::on_group, &listener);
  }
  static int on_group(const OSSL_PARAM traits[], void* listener) noexcept {
    const auto& to = *static_cast<const Listener*>(listener);
    const OSSL_PARAM* name = OSSL_PARAM_locate_const(traits, OSSL_CAPABILITY_TLS_GROUP_NAME);
    if (name == nullptr || name->data_type != OSSL_PARAM_UTF8_STRING) return to.tell(traits, to.argument);
    return one_of(kGroups, static_cast<const char*>(name->data)) ? to.tell(traits, to.argument) : 1;
  }
  static const OSSL_PARAM* on_gettable(void*) noexcept { return OSSL_PROVIDER_gettable_params(active_->provider_); }
  static int on_params(void*, OSSL_PARAM params[]) noexcept {
    return OSSL_PROVIDER_get_params(active_->provider_, params);
  }

  inline static const Library* active_ = nullptr;
  OSSL_LIB_CTX* whole_ = nullptr;
  OSSL_LIB_CTX* context_ = nullptr;
  OSSL_PROVIDER* provider_ = nullptr;
  std::vector<OSSL_ALGORITHM> key_types_, decoders_;
};

}  // namespace

bool tls_library_ready() { return Library::the().context() != nullptr; }

TlsScope::TlsScope() : before_(OSSL_LIB_CTX_set0_default(Library::the().context())) {}

TlsScope::~TlsScope() { OSSL_LIB_CTX_set0_default(before_); }

}  // namespace everup::net
