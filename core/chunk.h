// One hour of one monitor's looks in one region as bytes, and back: what cold storage keeps instead of rows.
//
// Layout (version 1): version | number of rows | which columns are stored | each such column | texts | CRC-32C of all
// that stands before it, little-endian. Numbers are LEB128 varints, signed ones zigzag. A column that is the usual
// value in every row is not stored; another one is stored as runs, or as Rice-coded differences from a base or from the
// row before, whichever is smallest. Slots are counted from the row before, starts from their slot, phases in the
// logarithmic steps of LatencyHistogram, the total in steps from what the phases add up to. Everything but phases and
// total comes back exactly; those within 1/128 of themselves.
//
// Pure; any thread. Limits: kChunkRowsMax rows, kChunkDetailMax bytes a text; the decoder believes nothing, allocates
// at most what the row limit allows, and answers kCorrupt to any bytes that the encoder would not have written so.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace everup {

inline constexpr std::size_t kChunkRowsMax = 65'536;
inline constexpr std::size_t kChunkDetailMax = 1'024;

// A look, or a slot that was missed; the columns of the table `results`, which says what they mean.
struct ChunkRow {
  WallTime slot_at;  // within the hour
  std::int32_t look = 0;
  std::int32_t start_ms = 0;  // against the slot
  // dns, connect, tls, wait, transfer, total in µs; −1: not reached.
  std::array<std::int32_t, 6> phase_us{-1, -1, -1, -1, -1, -1};
  std::int32_t revision = 1, covered = 1, code = 0;
  std::int16_t verdict = 0, cause = 0, phase = 0, trigger = 0;
  std::string detail;  // empty: none
  bool operator==(const ChunkRow&) const = default;
};

// Rows in any order; they come back ordered by slot and look. kInvalid: a row outside the hour, two with one key, a
// negative number where none can be, more than the limits.
Result<std::string> pack_chunk(WallTime hour, std::vector<ChunkRow> rows);
Result<std::vector<ChunkRow>> unpack_chunk(WallTime hour, std::string_view bytes);

// The value that `us` comes back as: itself up to 128, beyond that within 1/128; −1 stays −1.
std::int32_t stored_latency_us(std::int32_t us);

}  // namespace everup
