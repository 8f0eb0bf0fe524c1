#include "net/certificate.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <string>
#include <string_view>

#include "net/address.h"
#include "net/digest.h"
#include "net/handle.h"

namespace everup::net {

namespace {

constexpr std::size_t kTextBytesMax = 300;
constexpr int kNamesMax = 100;

using Bio = Handle<BIO, BIO_free_all>;

std::string name_text(const X509_NAME* name) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (!out ||
      X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB)) < 0)
    return {};
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return size > 0 ? printable(std::string_view(bytes, static_cast<std::size_t>(size)), kTextBytesMax) : std::string();
}

std::string_view view(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string address_text(std::string_view bytes) {
  std::array<std::uint8_t, 16> raw{};
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  for (std::size_t i = 0; i < bytes.size(); ++i) raw[i] = static_cast<std::uint8_t>(bytes[i]);
  if (bytes.size() == 16) return Address::from_v6(raw).host();
  Address address;
  address.bytes = raw;
  return address.host();
}

void free_names(GENERAL_NAMES* names) { GENERAL_NAMES_free(names); }

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> result;
  const Handle<GENERAL_NAMES, free_names> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!names) return result;
  const int count = sk_GENERAL_NAME_num(names.get());
  for (int i = 0; i < count && static_cast<int>(result.size()) < kNamesMax; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) result.push_back(printable(view(name->d.dNSName), kTextBytesMax));
    if (name->type == GEN_IPADD) result.push_back(address_text(view(name->d.iPAddress)));
  }
  return result;
}

using PublicKey = Handle<EVP_PKEY, EVP_PKEY_free>;

}  // namespace

std::optional<int> rsa_key_bits(std::string_view der) {
  constexpr std::size_t kKeyBytesMax = 4096;
  if (der.size() > kKeyBytesMax) return std::nullopt;
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto size = static_cast<long>(der.size());
  PublicKey key(d2i_PUBKEY(nullptr, &at, size));
  if (!key) {
    at = reinterpret_cast<const unsigned char*>(der.data());
    key.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
  }
  ERR_clear_error();
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) return std::nullopt;
  return EVP_PKEY_get_bits(key.get());
}

void CertificateFree::operator()(x509_st* certificate) const noexcept { X509_free(certificate); }

CertificateRef share(x509_st* certificate) {
  if (certificate == nullptr || X509_up_ref(certificate) != 1) return nullptr;
  return CertificateRef(certificate);
}

std::optional<WallTime> wall_time(const asn1_string_st* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(parts.tm_year + 1900),
                                         std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                         std::chrono::day(static_cast<unsigned>(parts.tm_mday)));
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = parts.tm_hour * 3600 + parts.tm_min * 60 + parts.tm_sec;
  return WallTime{days * kDayMs + seconds * 1000};
}

std::optional<WallTime> not_after(const x509_st* certificate) { return wall_time(X509_get0_notAfter(certificate)); }

std::string der_of(x509_st* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  std::string out(static_cast<std::size_t>(std::max(size, 0)), '\0');
  auto* into = reinterpret_cast<unsigned char*>(out.data());
  if (size > 0 && i2d_X509(certificate, &into) != size) out.clear();
  return out;
}

CertificateFacts facts_of(x509_st* leaf) {
  CertificateFacts facts;
  facts.subject = name_text(X509_get_subject_name(leaf));
  facts.issuer = name_text(X509_get_issuer_name(leaf));
  facts.names = names_of(leaf);
  facts.not_before = wall_time(X509_get0_notBefore(leaf)).value_or(WallTime{});
  facts.not_after = not_after(leaf).value_or(WallTime{});
  facts.chain_not_after = facts.not_after;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(leaf, EVP_sha256(), digest.data(), &size) == 1) {
    facts.sha256 = hex(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
  }
  return facts;
}

}  // namespace everup::net
