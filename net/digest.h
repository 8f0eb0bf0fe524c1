// Digests, encodings and random bytes (OpenSSL behind it). Pure but for random_*, which abort when the system gives no
// randomness: a token that can be guessed is worse than none. Thread: any.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace everup::net {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);
std::string hmac_md5(std::string_view key, std::string_view bytes);  // 16 bytes; CRAM-MD5 asks for it, nothing else may
// Equal in the same time wherever they differ; lengths may be told apart.
bool equal_constant_time(std::string_view a, std::string_view b);
std::string_view bytes_of(const Sha256& digest);

std::string hex(std::string_view bytes);  // lower case
std::string hex(const Sha256& digest);
std::optional<std::string> from_hex(std::string_view text);  // either case; nullopt: odd length or not hex

// RFC 4648 section 4, padded. Decoding is strict: padding required, no white space, unused bits zero.
std::string base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);
// RFC 4648 section 5, unpadded.
std::string base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

void random_bytes(std::span<std::uint8_t> out);
std::string random_bytes(std::size_t count);
// 128 random bits as 26 characters of Crockford's base32, lower case: badge and report tokens, set-up links.
std::string random_token();
// Has the shape of a token; whether there is one, the database says.
bool is_token(std::string_view text);

}  // namespace everup::net
