// Sealing what is too long for memory: XChaCha20-Poly1305 in pieces, each authenticated in its place, the last one
// marked, so that nothing can be changed, moved, left out or cut off unseen (libsodium's secretstream).
//
// Layout: "EVERUPS1" | header (24 bytes) | pieces, each: length of the sealed bytes (4, big-endian) | sealed bytes
// (17 more than the plain ones). A piece has at most 64 KiB of plain bytes. Owned by one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"
#include "seal/box.h"

namespace everup::seal {

class StreamSealer {
 public:
  explicit StreamSealer(const KeyBytes& key);
  ~StreamSealer();
  StreamSealer(StreamSealer&&) noexcept;
  StreamSealer& operator=(StreamSealer&&) noexcept;
  // What to write now; may be empty, since pieces are filled first.
  std::string add(std::string_view plain);
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class StreamOpener {
 public:
  explicit StreamOpener(const KeyBytes& key);
  ~StreamOpener();
  // The plain bytes that are complete. kCorrupt: not such a stream, changed, or another key's.
  Result<std::string> add(std::string_view sealed);
  Status finish();  // kCorrupt: it was cut off

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace everup::seal
