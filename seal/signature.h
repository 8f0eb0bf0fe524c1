// Ed25519 signatures (RFC 8032) and the base64 that keys and signatures are written in. Pure but for
// make_signing_pair(), which draws from the system's randomness; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace everup::seal {

struct SigningPair {
  std::string public_key;  // 32 bytes
  std::string secret_key;  // 64 bytes, libsodium's form: seed and public key; seal it wherever it rests
};
SigningPair make_signing_pair();
std::string sign(std::string_view secret_key, std::string_view bytes);  // 64 bytes
// False for a wrong signature and for keys and signatures of another length.
bool verifies(std::string_view public_key, std::string_view bytes, std::string_view signature);

std::string base64(std::string_view bytes);                     // RFC 4648, padded
std::optional<std::string> from_base64(std::string_view text);  // strict; padding may be left out
std::string hex(std::string_view bytes);                        // small letters
std::optional<std::string> from_hex(std::string_view text);

}  // namespace everup::seal
