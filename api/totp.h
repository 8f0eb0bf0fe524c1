// One-time codes of an authenticator (RFC 6238: SHA-1, six digits, steps of 30 s) and the QR code that enrols one. The
// only includer of liboath and of the QR code generator is totp.cpp. Pure but for random bytes; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace everup::api {

inline constexpr std::size_t kTotpSecretBytes = 20;

std::string new_totp_secret();                     // bytes
std::string totp_base32(std::string_view secret);  // RFC 4648, as people type it
std::string totp_code(std::string_view secret, std::int64_t step);
inline std::int64_t totp_step(WallTime t) { return t.ms / 30'000; }
// The step whose code this is, at most one before or after now; nullopt: none of them.
std::optional<std::int64_t> matching_step(std::string_view secret, std::string_view code, WallTime now);

// otpauth://totp/Everup:ann@example.org?secret=…&issuer=Everup
std::string totp_uri(std::string_view secret, std::string_view email);
// Black on white with its quiet zone, one path; nothing of the text is written into it.
std::string qr_svg(const std::string& text);

// Ten codes for who has lost the authenticator: 16 base32 digits in fours, 80 random bits each.
std::vector<std::string> new_recovery_codes();
// Without hyphens and spaces, small letters: what is hashed.
std::string plain_recovery_code(std::string_view text);

}  // namespace everup::api
