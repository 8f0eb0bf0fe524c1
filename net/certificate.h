// What a certificate says about itself, read from OpenSSL's X509 into plain values.
//
// CertificateRef keeps a reference to a parsed certificate: taking one in a handshake costs nothing, the text is made
// only when somebody wants it. Values; one thread at a time per object. Limits: 100 names, each text at most 300
// printable bytes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/outcome.h"
#include "core/time.h"

struct x509_st;
struct asn1_string_st;

namespace everup::net {

struct CertificateFree {
  void operator()(x509_st* certificate) const noexcept;
};
using CertificateRef = std::unique_ptr<x509_st, CertificateFree>;
CertificateRef share(x509_st* certificate);  // one more reference

// An ASN.1 time, UTC; nullopt when it is malformed or outside the years 1 … 9999.
std::optional<WallTime> wall_time(const asn1_string_st* time);
std::optional<WallTime> not_after(const x509_st* certificate);
std::string der_of(x509_st* certificate);  // empty: out of memory

// The modulus of an RSA public key in bits, from SubjectPublicKeyInfo or PKCS#1 (DKIM keys come as either); nullopt: it
// is no RSA key. At most 4 KiB are read.
std::optional<int> rsa_key_bits(std::string_view der);

// Subject, issuer, names, sha256 and dates of `leaf`. chain_not_after is the leaf's; verify_error is left empty: the
// caller knows both.
CertificateFacts facts_of(x509_st* leaf);

}  // namespace everup::net
