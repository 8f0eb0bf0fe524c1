// CRC-32C (Castagnoli, RFC 3720 B.4): what guards every record of the spool and every chunk. Pure; table driven, eight
// bytes a step.
#pragma once

#include <cstdint>
#include <string_view>

namespace everup {

// `seed` is the CRC of what came before (0 at the start): crc32c(b, crc32c(a)) == crc32c(a + b).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace everup
