// Ids as text and as shards. Both are stored or printed for ever: neither alphabet nor hash may change.
#include "core/ids.h"

#include <array>

#include "core/result.h"

namespace everup {

namespace {

constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kLength = 13;

int digit_of(char c) {
  const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto at = kDigits.find(lower);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string base32_of(std::int64_t value) {
  EVERUP_ASSERT(value >= 0);
  std::string text(kLength, '0');
  auto rest = static_cast<std::uint64_t>(value);
  for (std::size_t i = kLength; i-- > 0; rest >>= 5) text[i] = kDigits[rest & 31];
  return text;
}

std::optional<std::int64_t> base32_value(std::string_view text) {
  if (text.size() != kLength) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kLength; ++i) {
    const int digit = digit_of(text[i]);
    if (digit < 0 || (i == 0 && digit > 7)) return std::nullopt;  // 13 digits are 65 bits; a value has 63
    value = value << 5 | static_cast<std::uint64_t>(digit);
  }
  return static_cast<std::int64_t>(value);
}

Shard shard_of(MonitorId id) {
  auto x = static_cast<std::uint64_t>(id.value) + 0x9e3779b97f4a7c15ULL;  // splitmix64's finalizer
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<Shard>((x ^ (x >> 31)) >> 56);
}

}  // namespace everup
