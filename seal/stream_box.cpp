#include "seal/stream_box.h"

#include <sodium.h>

#include <algorithm>

#include "seal/bytes.h"
#include "seal/sodium_start.h"

namespace everup::seal {
namespace {

constexpr std::string_view kMagic = "EVERUPS1";
constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::size_t kSealedMax = kPieceBytes + crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr std::size_t kHeaderBytes = crypto_secretstream_xchacha20poly1305_HEADERBYTES;
static_assert(kKeyBytes == crypto_secretstream_xchacha20poly1305_KEYBYTES);

Error corrupt(const char* what) { return {ErrorCode::kCorrupt, std::string("sealed stream: ") + what}; }

}  // namespace

struct StreamSealer::State {
  crypto_secretstream_xchacha20poly1305_state stream;
  std::string plain, head;

  std::string piece(std::string_view text, unsigned char tag) {
    std::string sealed(text.size() + crypto_secretstream_xchacha20poly1305_ABYTES, '\0');
    crypto_secretstream_xchacha20poly1305_push(&stream, bytes(sealed), nullptr, bytes(text), text.size(), nullptr, 0,
                                               tag);
    std::string out = std::exchange(head, {});
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(sealed.size() >> shift & 0xff);
    return out + sealed;
  }
  ~State() { sodium_memzero(&stream, sizeof stream); }
};

StreamSealer::StreamSealer(const KeyBytes& key) : state_(std::make_unique<State>()) {
  start_sodium();
  std::string header(kHeaderBytes, '\0');
  crypto_secretstream_xchacha20poly1305_init_push(&state_->stream, bytes(header), key.data());
  state_->head = std::string(kMagic) + header;
}
StreamSealer::~StreamSealer() = default;
StreamSealer::StreamSealer(StreamSealer&&) noexcept = default;
StreamSealer& StreamSealer::operator=(StreamSealer&&) noexcept = default;

std::string StreamSealer::add(std::string_view plain) {
  std::string out;
  state_->plain += plain;
  std::size_t at = 0;
  // The last piece is not known to be the last before finish(): a full one waits until more comes.
  for (; state_->plain.size() - at > kPieceBytes; at += kPieceBytes) {
    out += state_->piece(std::string_view(state_->plain).substr(at, kPieceBytes),
                         crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
  }
  state_->plain.erase(0, at);
  return out;
}

std::string StreamSealer::finish() {
  return state_->piece(std::exchange(state_->plain, {}), crypto_secretstream_xchacha20poly1305_TAG_FINAL);
}

struct StreamOpener::State {
  KeyBytes key{};
  crypto_secretstream_xchacha20poly1305_state stream;
  std::string waiting;
  bool begun = false, ended = false;

  // Takes one piece off `waiting` from `at` on; false: it is not complete yet.
  Result<bool> piece(std::size_t& at, std::string& out) {
    if (waiting.size() - at < 4) return false;
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(waiting[at + i]);
    if (ended) return corrupt("more after its end");
    if (length < crypto_secretstream_xchacha20poly1305_ABYTES || length > kSealedMax) return corrupt("changed");
    if (waiting.size() - at - 4 < length) return false;
    std::string plain(length - crypto_secretstream_xchacha20poly1305_ABYTES, '\0');
    unsigned char tag = 0;
    if (crypto_secretstream_xchacha20poly1305_pull(&stream, bytes(plain), nullptr, &tag,
                                                   bytes(std::string_view(waiting).substr(at + 4)), length, nullptr,
                                                   0) != 0) {
      return corrupt("changed, or sealed with another key");
    }
    ended = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    at += 4 + length;
    out += plain;
    return true;
  }
  ~State() {
    sodium_memzero(&stream, sizeof stream);
    sodium_memzero(key.data(), key.size());
  }
};

StreamOpener::StreamOpener(const KeyBytes& key) : state_(std::make_unique<State>()) {
  start_sodium();
  state_->key = key;
}
StreamOpener::~StreamOpener() = default;

Result<std::string> StreamOpener::add(std::string_view sealed) {
  State& state = *state_;
  state.waiting += sealed;
  std::size_t at = 0;
  if (!state.begun) {
    if (state.waiting.size() < kMagic.size() + kHeaderBytes) return std::string();
    if (!state.waiting.starts_with(kMagic)) return corrupt("it does not begin like one");
    if (crypto_secretstream_xchacha20poly1305_init_pull(
            &state.stream, bytes(std::string_view(state.waiting).substr(kMagic.size())), state.key.data()) != 0) {
      return corrupt("changed");
    }
    state.begun = true;
    at = kMagic.size() + kHeaderBytes;
  }
  std::string out;
  for (;;) {
    const auto more = state.piece(at, out);
    if (!more) return more.error();
    if (!*more) break;
  }
  state.waiting.erase(0, at);
  return out;
}

Status StreamOpener::finish() { return state_->ended && state_->waiting.empty() ? ok() : Status(corrupt("cut off")); }

}  // namespace everup::seal
