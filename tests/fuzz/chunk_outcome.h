// What the reader of chunks makes of any bytes: nothing, or rows that are packed and read again to the same rows. The
// checksum is put right, else no changed byte would ever get further than it. Aborts when it does not hold. Shared by
// the fuzzer and the replay of its corpus.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include "core/chunk.h"
#include "core/crc32c.h"

namespace everup::fuzz {

inline bool chunk_outcome(std::string_view body) {
  const WallTime hour{473'000 * kHourMs};
  static_cast<void>(unpack_chunk(hour, body).ok());
  std::string bytes(body);
  const std::uint32_t crc = crc32c(body);
  for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(static_cast<unsigned char>(crc >> shift));
  const auto rows = unpack_chunk(hour, bytes);
  if (!rows) return false;
  if (rows->empty() || rows->size() > kChunkRowsMax) std::abort();
  const auto packed = pack_chunk(hour, *rows);
  if (!packed) std::abort();
  const auto again = unpack_chunk(hour, *packed);
  if (!again || *again != *rows) std::abort();
  return true;
}

}  // namespace everup::fuzz
