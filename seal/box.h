// The secret box: XChaCha20-Poly1305 with a random nonce and a context that is authenticated but not stored, so that a
// sealed text cannot be moved to another row. Layout: version 1 | key id (4 bytes) | nonce (24) | ciphertext and tag.
// Immutable; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace everup::seal {

inline constexpr std::size_t kKeyBytes = 32;
using KeyBytes = std::array<unsigned char, kKeyBytes>;

class Box {
 public:
  // The first key seals; all of them open (rotation). At least one, at most 16.
  explicit Box(const std::vector<KeyBytes>& keys);
  std::string seal(std::string_view plain, std::string_view context) const;
  // kCorrupt: changed, truncated or another context; kNotFound: sealed with a key we do not have (named by its id).
  Result<std::string> open(std::string_view sealed, std::string_view context) const;
  // 8 hex digits, derived from the key; safe to show.
  std::string key_id() const;

 private:
  struct Keys;  // wiped when destroyed
  std::shared_ptr<const Keys> keys_;
};

// 32 bytes.
std::string sha256(std::string_view bytes);
// Cryptographically random bytes.
std::string random_bytes(std::size_t count);

}  // namespace everup::seal
