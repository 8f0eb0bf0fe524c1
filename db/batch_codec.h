// A batch as bytes: what the spool keeps. Versioned, little-endian, varints with zigzag; about 35 bytes an uneventful
// observation.
//
// Format 1. A newer binary reads every older format (RULES A 3); a format it does not know is kErrorCode::kCorrupt,
// never a guess. Decoding trusts nothing: every count and length is checked against what is left, so a record whose CRC
// happens to fit cannot make it allocate or read beyond its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"
#include "db/batch.h"

namespace everup::db {

inline constexpr std::uint32_t kBatchFormat = 1;
inline constexpr std::size_t kEvidenceBytesMax = 256 * 1024;  // JSON of one look's evidence
inline constexpr std::size_t kBatchBytesMax = 60 * 1024 * 1024;

std::string encode_batch(const Batch& batch);
// kCorrupt with the byte offset when it is not what encode_batch writes. `seq` comes from the record's head, not from
// here.
Result<Batch> decode_batch(std::string_view bytes);

}  // namespace everup::db
