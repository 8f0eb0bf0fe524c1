// See random_text.h.
#include "db/random_text.h"

#include <sys/random.h>

#include <cstdint>

#include "core/result.h"

namespace everup::db {

std::string base32_prefix(std::string_view bytes, std::size_t digits) {
  static constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
  EVERUP_ASSERT(bytes.size() * 8 >= digits * 5);
  std::string text;
  std::uint32_t window = 0;
  int bits = 0;
  for (std::size_t i = 0; text.size() < digits; ++i) {
    window = (window << 8 | static_cast<unsigned char>(bytes[i])) & 0xffff;
    for (bits += 8; bits >= 5 && text.size() < digits; bits -= 5) text += kDigits[window >> (bits - 5) & 31];
  }
  return text;
}

std::string random_base32(std::size_t digits) {
  std::string bytes((digits * 5 + 7) / 8, '\0');
  EVERUP_ASSERT(bytes.size() <= 256);  // so much getrandom gives at once
  EVERUP_ASSERT(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return base32_prefix(bytes, digits);
}

}  // namespace everup::db
