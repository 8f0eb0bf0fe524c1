#include "net/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>

#include "core/result.h"

namespace everup::net {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kCrockford = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kTokenBytes = 16;
constexpr std::size_t kTokenChars = 26;  // 25 × 5 bits and one of 3

const std::uint8_t* bytes(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }
std::uint32_t byte_at(std::string_view text, std::size_t i) { return static_cast<std::uint8_t>(text[i]); }

// `bits` bits at a time, the first bits first; the last digit is filled with zero bits.
std::string encode(std::string_view in, std::string_view alphabet, int bits) {
  std::string out;
  out.reserve(in.size() * 8 / static_cast<std::size_t>(bits) + 1);
  std::uint32_t pending = 0;
  int have = 0;
  const std::uint32_t mask = (1U << bits) - 1;
  for (std::size_t i = 0; i < in.size(); ++i) {
    pending = (pending << 8 | byte_at(in, i)) & 0xffff;
    for (have += 8; have >= bits; have -= bits) out += alphabet[pending >> (have - bits) & mask];
  }
  if (have > 0) out += alphabet[pending << (bits - have) & mask];
  return out;
}

std::optional<std::string> decode(std::string_view in, std::string_view alphabet, int bits) {
  std::string out;
  std::uint32_t pending = 0;
  int have = 0;
  for (const char c : in) {
    const std::size_t digit = alphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    pending = (pending << bits | static_cast<std::uint32_t>(digit)) & 0xffff;
    have += bits;
    if (have >= 8) out += static_cast<char>(static_cast<std::uint8_t>(pending >> (have -= 8)));
  }
  // A whole unused digit, or unused bits that are not zero: not what encode() writes.
  if (have >= bits || (pending & ((1U << have) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace

Sha256 sha256(std::string_view data) {
  Sha256 out;
  unsigned int size = 0;
  EVERUP_ASSERT(EVP_Digest(data.data(), data.size(), out.data(), &size, EVP_sha256(), nullptr) == 1 &&
                size == out.size());
  return out;
}

Sha256 hmac_sha256(std::string_view key, std::string_view data) {
  Sha256 out;
  unsigned int size = 0;
  EVERUP_ASSERT(key.size() <= 0x7fffffff);
  const auto* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes(data), data.size(), out.data(), &size);
  EVERUP_ASSERT(done != nullptr && size == out.size());
  return out;
}

std::string hmac_md5(std::string_view key, std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  EVERUP_ASSERT(key.size() <= 0x7fffffff);
  const auto* done =
      HMAC(EVP_md5(), key.data(), static_cast<int>(key.size()), bytes(data), data.size(), out.data(), &size);
  EVERUP_ASSERT(done != nullptr && size == 16);
  return {reinterpret_cast<const char*>(out.data()), size};
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view bytes_of(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string hex(std::string_view data) { return encode(data, kHex, 4); }
std::string hex(const Sha256& digest) { return hex(bytes_of(digest)); }

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  return decode(lower, kHex, 4);
}

std::string base64(std::string_view data) {
  std::string out = encode(data, kBase64, 6);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int pads = 0; pads < 2 && text.ends_with('='); ++pads) text.remove_suffix(1);
  return decode(text, kBase64, 6);
}

std::string base64url(std::string_view data) { return encode(data, kBase64Url, 6); }
std::optional<std::string> from_base64url(std::string_view text) { return decode(text, kBase64Url, 6); }

void random_bytes(std::span<std::uint8_t> out) {
  EVERUP_ASSERT(out.size() <= 0x7fffffff && RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  random_bytes(std::span(reinterpret_cast<std::uint8_t*>(out.data()), out.size()));
  return out;
}

std::string random_token() { return encode(random_bytes(kTokenBytes), kCrockford, 5); }

bool is_token(std::string_view text) {
  return text.size() == kTokenChars && text.find_first_not_of(kCrockford) == std::string_view::npos;
}

}  // namespace everup::net
