// TLS servers as nobody would run them: certificates with any number of names, chains of any length, handshakes in any
// pace, HTTP/2 frames in any order. OpenSSL on memory buffers over a FakeConnection, so every byte goes out when the
// test wants it to, and nothing waits longer than its server lives. Thread: a context may serve many threads.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_server.h"

namespace everup::test {

template <class T, void (*Free)(T*)>
struct OpensslFree {
  void operator()(T* it) const { Free(it); }
};
using TlsKey = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY, EVP_PKEY_free>>;
using TlsCertificate = std::unique_ptr<X509, OpensslFree<X509, X509_free>>;
using TlsContext = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX, SSL_CTX_free>>;

inline void openssl_must(bool fine, const char* what) {
  if (!fine) throw std::runtime_error(std::string("openssl: ") + what);
}

// Keys of one kind are made once: what is tested is the client.
inline TlsKey p256_key() { return TlsKey(EVP_EC_gen("P-256")); }

struct Issuer {
  X509* certificate = nullptr;
  EVP_PKEY* key = nullptr;
};

// A certificate for `common_name`, valid for a day; `names` as subjectAltName, none: an authority.
inline TlsCertificate make_certificate(const std::string& common_name, EVP_PKEY* key, Issuer issuer,
                                       const std::vector<std::string>& names) {
  static std::atomic<long> serial{1};
  TlsCertificate made(X509_new());
  X509* out = made.get();
  openssl_must(X509_set_version(out, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(out), ++serial) == 1, "serial");
  X509_gmtime_adj(X509_getm_notBefore(out), -3600);
  X509_gmtime_adj(X509_getm_notAfter(out), 86400);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(out), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  X509_set_issuer_name(out, X509_get_subject_name(issuer.certificate != nullptr ? issuer.certificate : out));
  X509_set_pubkey(out, key);
  if (names.empty()) {
    BASIC_CONSTRAINTS authority{};
    authority.ca = 1;
    openssl_must(X509_add1_ext_i2d(out, NID_basic_constraints, &authority, 1, X509V3_ADD_DEFAULT) == 1, "authority");
  } else {
    GENERAL_NAMES* list = GENERAL_NAMES_new();
    for (const std::string& name : names) {
      GENERAL_NAME* entry = GENERAL_NAME_new();
      ASN1_IA5STRING* text = ASN1_IA5STRING_new();
      ASN1_STRING_set(text, name.data(), static_cast<int>(name.size()));
      GENERAL_NAME_set0_value(entry, GEN_DNS, text);
      sk_GENERAL_NAME_push(list, entry);
    }
    const int added = X509_add1_ext_i2d(out, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT);
    GENERAL_NAMES_free(list);
    openssl_must(added == 1, "names");
  }
  openssl_must(X509_sign(out, issuer.key != nullptr ? issuer.key : key, EVP_sha256()) > 0, "sign");
  return made;
}

// A root of a test's own, and server contexts below it.
class HostileCa {
 public:
  HostileCa() : key_(p256_key()), root_(make_certificate("Everup hostile root", key_.get(), {}, {})) {}

  std::string pem() const {
    const std::unique_ptr<BIO, OpensslFree<BIO, BIO_vfree>> out(BIO_new(BIO_s_mem()));
    openssl_must(PEM_write_bio_X509(out.get(), root_.get()) == 1, "pem");
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    return std::string(bytes, static_cast<std::size_t>(size));
  }
  // A server with an RSA key for one name, that speaks TLS 1.2 and insists on a Diffie-Hellman group of its own making,
  // `bits` wide.
  TlsContext diffie_hellman(const std::string& name, int bits) const {
    TlsContext out(SSL_CTX_new(TLS_server_method()));
    const TlsKey key(EVP_RSA_gen(2048U));
    const TlsCertificate leaf = make_certificate(name, key.get(), {root_.get(), key_.get()}, {name});
    openssl_must(SSL_CTX_use_certificate(out.get(), leaf.get()) == 1, "leaf");
    openssl_must(SSL_CTX_use_PrivateKey(out.get(), key.get()) == 1, "key");
    SSL_CTX_set_max_proto_version(out.get(), TLS1_2_VERSION);
    SSL_CTX_set_security_level(out.get(), 0);
    openssl_must(SSL_CTX_set_cipher_list(out.get(), "DHE-RSA-AES128-GCM-SHA256") == 1, "cipher");
    openssl_must(SSL_CTX_set0_tmp_dh_pkey(out.get(), odd_group(bits)) == 1, "group");
    return out;
  }
  // A server for `names`; `between` authorities stand between root and leaf, `strangers` certificates that nobody needs
  // come with the chain.
  TlsContext context(const std::vector<std::string>& names, int between = 0, int strangers = 0) const {
    TlsContext out(SSL_CTX_new(TLS_server_method()));
    openssl_must(out != nullptr, "context");
    SSL_CTX_set_num_tickets(out.get(), 2);
    std::vector<TlsKey> keys;
    std::vector<TlsCertificate> chain;
    Issuer issuer{root_.get(), key_.get()};
    for (int i = 0; i < between; ++i) {
      keys.push_back(p256_key());
      chain.push_back(make_certificate("Between " + std::to_string(i), keys.back().get(), issuer, {}));
      issuer = {chain.back().get(), keys.back().get()};
    }
    const TlsKey leaf_key = p256_key();
    const TlsCertificate leaf = make_certificate("shop.test", leaf_key.get(), issuer, names);
    openssl_must(SSL_CTX_use_certificate(out.get(), leaf.get()) == 1, "leaf");
    openssl_must(SSL_CTX_use_PrivateKey(out.get(), leaf_key.get()) == 1, "key");
    for (auto link = chain.rbegin(); link != chain.rend(); ++link) SSL_CTX_add1_chain_cert(out.get(), link->get());
    const TlsKey stranger_key = p256_key();
    for (int i = 0; i < strangers; ++i) {
      const TlsCertificate stranger = make_certificate("Stranger", stranger_key.get(), {}, {});
      SSL_CTX_add1_chain_cert(out.get(), stranger.get());
    }
    return out;
  }

 private:
  // No prime, and of no known shape: a client must take long exponents for it.
  static EVP_PKEY* odd_group(int bits) {
    using Number = std::unique_ptr<BIGNUM, OpensslFree<BIGNUM, BN_free>>;
    const Number modulus(BN_new());
    openssl_must(BN_rand(modulus.get(), bits, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD) == 1, "modulus");
    std::vector<unsigned char> bytes(static_cast<std::size_t>(BN_num_bytes(modulus.get())));
    BN_bn2nativepad(modulus.get(), bytes.data(), static_cast<int>(bytes.size()));
    unsigned char generator = 2;
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_BN("p", bytes.data(), bytes.size()),
                               OSSL_PARAM_construct_BN("g", &generator, 1), OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr);
    EVP_PKEY* made = nullptr;
    const bool fine = EVP_PKEY_fromdata_init(context) == 1 &&
                      EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEY_PARAMETERS, parameters) == 1;
    EVP_PKEY_CTX_free(context);
    openssl_must(fine, "group");
    return made;
  }
  TlsKey key_;
  TlsCertificate root_;
};

// The server's end of one connection.
class TlsSide {
 public:
  TlsSide(FakeConnection& connection, SSL_CTX* context) : connection_(connection), ssl_(SSL_new(context)) {
    in_ = BIO_new(BIO_s_mem()), out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_accept_state(ssl_);
  }
  ~TlsSide() {
    SSL_free(ssl_);
    ERR_clear_error();
  }
  TlsSide(const TlsSide&) = delete;
  TlsSide& operator=(const TlsSide&) = delete;

  // `pause_ms` between two bytes of ours: a drip. False: the peer left, the server goes, or it is no TLS.
  bool handshake(int pause_ms = 0) {
    for (;;) {
      const int done = SSL_do_handshake(ssl_);
      const int why = SSL_get_error(ssl_, done);
      if (!flush(pause_ms)) return false;
      if (done == 1) return true;
      if (why != SSL_ERROR_WANT_READ || !feed()) return false;
    }
  }
  std::string read_request() {
    std::string text;
    for (char buffer[4096]; text.find("\r\n\r\n") == std::string::npos && text.size() < 65536;) {
      const int got = SSL_read(ssl_, buffer, sizeof buffer);
      if (got > 0) {
        text.append(buffer, static_cast<std::size_t>(got));
      } else if (SSL_get_error(ssl_, got) != SSL_ERROR_WANT_READ || !feed()) {
        return {};
      }
    }
    return text;
  }
  // Asks for a second handshake (TLS 1.2) and carries it out.
  bool renegotiate() {
    if (SSL_renegotiate(ssl_) != 1 || SSL_do_handshake(ssl_) != 1 || !flush()) return false;
    for (char buffer[4096]; SSL_renegotiate_pending(ssl_) == 1;) {
      const int got = SSL_read(ssl_, buffer, sizeof buffer);
      const int why = SSL_get_error(ssl_, got);
      if (!flush() || (got <= 0 && (why != SSL_ERROR_WANT_READ || !feed()))) return false;
    }
    return true;
  }
  // The client's preface and frames up to its request (RFC 9113, 3.4).
  bool read_h2_request() {
    std::string text;
    for (char buffer[4096]; text.size() < 65536;) {
      const int got = SSL_read(ssl_, buffer, sizeof buffer);
      if (got <= 0 && (SSL_get_error(ssl_, got) != SSL_ERROR_WANT_READ || !feed())) return false;
      if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
      for (std::size_t at = 24; at + 9 <= text.size();) {
        const auto byte = [&](std::size_t i) {
          return static_cast<std::size_t>(static_cast<unsigned char>(text[at + i]));
        };
        if (byte(3) == 1) return true;
        at += 9 + (byte(0) << 16 | byte(1) << 8 | byte(2));
      }
    }
    return false;
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const int sent = SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 65536)));
      if (sent <= 0 || !flush(0)) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  bool flush(int pause_ms = 0) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out_, &bytes);
    const std::string_view all(bytes, static_cast<std::size_t>(size));
    bool fine = true;
    for (std::size_t at = 0; fine && pause_ms > 0 && at < all.size(); ++at)
      fine = connection_.send(all.substr(at, 1)) && connection_.pause(pause_ms);
    if (fine && pause_ms == 0) fine = connection_.send(all);
    BIO_reset(out_);
    return fine;
  }
  SSL* ssl() { return ssl_; }

 private:
  bool feed() {
    const std::string bytes = connection_.read_some();
    return !bytes.empty() && BIO_write(in_, bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  FakeConnection& connection_;
  SSL* ssl_;
  BIO *in_, *out_;  // owned by ssl_
};

// HTTP/2 (RFC 9113), by hand.
inline std::string h2_frame(int type, int flags, int stream, std::string_view payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type), out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out.append(payload);
}
inline const std::string kH2Settings = h2_frame(4, 0, 0, "");
inline const std::string kH2Ok = "\x88";  // ":status: 200" from HPACK's static table

inline void offer_h2(SSL_CTX* context) {
  SSL_CTX_set_alpn_select_cb(
      context,
      [](SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char*, unsigned int, void*) {
        *chosen = reinterpret_cast<const unsigned char*>("h2"), *size = 2;
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
}

}  // namespace everup::test
