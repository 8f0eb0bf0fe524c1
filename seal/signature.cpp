// See signature.h.
#include "seal/signature.h"

#include <sodium.h>

#include "core/result.h"
#include "seal/bytes.h"
#include "seal/sodium_start.h"

namespace everup::seal {
namespace {}  // namespace

SigningPair make_signing_pair() {
  start_sodium();
  SigningPair pair{std::string(crypto_sign_PUBLICKEYBYTES, '\0'), std::string(crypto_sign_SECRETKEYBYTES, '\0')};
  crypto_sign_keypair(bytes(pair.public_key), bytes(pair.secret_key));
  return pair;
}

std::string sign(std::string_view secret_key, std::string_view text) {
  start_sodium();
  EVERUP_ASSERT(secret_key.size() == crypto_sign_SECRETKEYBYTES);
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(bytes(signature), nullptr, bytes(text), text.size(), bytes(secret_key));
  return signature;
}

bool verifies(std::string_view public_key, std::string_view text, std::string_view signature) {
  start_sodium();
  return public_key.size() == crypto_sign_PUBLICKEYBYTES && signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(bytes(signature), bytes(text), text.size(), bytes(public_key)) == 0;
}

std::string base64(std::string_view text) {
  start_sodium();
  std::string out(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes(text), text.size(), sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();  // its closing zero
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  start_sodium();
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out(text.size(), '\0');
  std::size_t length = 0;
  const char* end = nullptr;
  const int status = sodium_base642bin(bytes(out), out.size(), text.data(), text.size(), nullptr, &length, &end,
                                       sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  if (status != 0 || end != text.data() + text.size()) return std::nullopt;
  out.resize(length);
  return out;
}

std::string hex(std::string_view text) {
  start_sodium();
  std::string out(text.size() * 2 + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), bytes(text), text.size());
  out.pop_back();
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  start_sodium();
  std::string out(text.size() / 2, '\0');
  std::size_t length = 0;
  const char* end = nullptr;
  const int status = sodium_hex2bin(bytes(out), out.size(), text.data(), text.size(), nullptr, &length, &end);
  if (status != 0 || text.size() % 2 != 0 || end != text.data() + text.size()) return std::nullopt;
  return out;
}

}  // namespace everup::seal
