// See box.h. XChaCha20's 24-byte nonce may be random for the life of a key. The key id is the first 4 bytes of a
// keyed-hash of a fixed text, so it tells nothing about the key.
#include "seal/box.h"

#include <sodium.h>

#include <algorithm>

#include "seal/bytes.h"
#include "seal/sodium_start.h"

namespace everup::seal {
namespace {
constexpr char kVersion = 1;
constexpr std::size_t kIdBytes = 4;
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kHeadBytes = 1 + kIdBytes + kNonceBytes;
constexpr std::size_t kKeysMax = 16;
static_assert(kKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

std::string id_of(const KeyBytes& key) {
  static constexpr std::string_view kText = "everup key id";
  std::array<unsigned char, crypto_generichash_BYTES_MIN> hash{};
  crypto_generichash(hash.data(), hash.size(), bytes(kText), kText.size(), key.data(), key.size());
  return {reinterpret_cast<const char*>(hash.data()), kIdBytes};
}

std::string hex(std::string_view raw) {
  std::string text(raw.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes(raw), raw.size());
  text.pop_back();
  return text;
}
}  // namespace

void start_sodium() {
  static const int started = sodium_init();
  EVERUP_ASSERT(started >= 0);
}

struct Box::Keys {
  struct One {
    std::string id;
    KeyBytes key;
  };
  std::vector<One> list;
  ~Keys() {
    for (One& one : list) sodium_memzero(one.key.data(), one.key.size());
  }
};

Box::Box(const std::vector<KeyBytes>& keys) {
  start_sodium();
  EVERUP_ASSERT(!keys.empty() && keys.size() <= kKeysMax);
  auto kept = std::make_shared<Keys>();
  kept->list.reserve(keys.size());
  for (const KeyBytes& key : keys) kept->list.push_back({id_of(key), key});
  keys_ = std::move(kept);
}

std::string Box::seal(std::string_view plain, std::string_view context) const {
  const Keys::One& key = keys_->list.front();
  std::string out;
  out.reserve(kHeadBytes + plain.size() + kTagBytes);
  out += kVersion;
  out += key.id;
  out += random_bytes(kNonceBytes);
  out.resize(kHeadBytes + plain.size() + kTagBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes(out) + kHeadBytes, nullptr, bytes(plain), plain.size(),
                                             bytes(context), context.size(), nullptr, bytes(out) + 1 + kIdBytes,
                                             key.key.data());
  return out;
}

Result<std::string> Box::open(std::string_view sealed, std::string_view context) const {
  if (sealed.size() < kHeadBytes + kTagBytes || sealed[0] != kVersion) {
    return Error{ErrorCode::kCorrupt, "sealed secret: truncated or of an unknown version"};
  }
  const std::string_view id = sealed.substr(1, kIdBytes), nonce = sealed.substr(1 + kIdBytes, kNonceBytes);
  const std::string_view cipher = sealed.substr(kHeadBytes);
  const auto key =
      std::find_if(keys_->list.begin(), keys_->list.end(), [&](const Keys::One& one) { return one.id == id; });
  if (key == keys_->list.end()) {
    return Error{ErrorCode::kNotFound,
                 "sealed secret: it was sealed with key " + hex(id) + ", which is not ours (EVERUP_SECRET_KEY)"};
  }
  std::string plain(cipher.size() - kTagBytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes(plain), nullptr, nullptr, bytes(cipher), cipher.size(),
                                                 bytes(context), context.size(), bytes(nonce), key->key.data()) != 0) {
    return Error{ErrorCode::kCorrupt, "sealed secret: changed, or it belongs elsewhere"};
  }
  return plain;
}

std::string Box::key_id() const { return hex(keys_->list.front().id); }

std::string sha256(std::string_view text) {
  start_sodium();
  std::string out(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(bytes(out), bytes(text), text.size());
  return out;
}

std::string random_bytes(std::size_t count) {
  start_sodium();
  std::string out(count, '\0');
  randombytes_buf(out.data(), out.size());
  return out;
}

}  // namespace everup::seal
