// See password.h. Weakness: the wait for one of the kAtOnce places is not fair and has no deadline; sign-in limits its
// own callers.
#include "seal/password.h"

#include <sodium.h>

#include <array>
#include <semaphore>

#include "seal/sodium_start.h"

namespace everup::seal {
namespace {
constexpr unsigned long long kPasses = 2;
constexpr std::size_t kMemoryBytes = 19u << 20;

std::counting_semaphore<kAtOnce>& places() {
  static std::counting_semaphore<kAtOnce> one(kAtOnce);
  return one;
}
struct Place {
  Place() { places().acquire(); }
  ~Place() { places().release(); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
};
}  // namespace

Result<std::string> hash_password(std::string_view password) {
  start_sodium();
  if (password.size() < kPasswordBytesMin || password.size() > kPasswordBytesMax) {
    return Error{ErrorCode::kInvalid,
                 "password: 8 to 256 bytes are allowed, these are " + std::to_string(password.size())};
  }
  std::array<char, crypto_pwhash_argon2id_STRBYTES> phc{};
  const Place place;
  if (crypto_pwhash_argon2id_str(phc.data(), password.data(), password.size(), kPasses, kMemoryBytes) != 0) {
    return Error{ErrorCode::kExhausted, "password: not enough memory to hash it"};
  }
  return std::string(phc.data());
}

bool password_matches(const std::string& phc, std::string_view password) {
  start_sodium();
  if (phc.size() >= crypto_pwhash_argon2id_STRBYTES || !phc.starts_with(crypto_pwhash_argon2id_STRPREFIX)) return false;
  if (password.size() > kPasswordBytesMax) return false;
  const Place place;
  return crypto_pwhash_argon2id_str_verify(phc.c_str(), password.data(), password.size()) == 0;
}

bool needs_rehash(const std::string& phc) {
  start_sodium();
  return crypto_pwhash_argon2id_str_needs_rehash(phc.c_str(), kPasses, kMemoryBytes) != 0;
}

}  // namespace everup::seal
