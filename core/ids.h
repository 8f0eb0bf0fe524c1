// Strong ids. An id is a positive 63-bit number made by db::IdSource (41 bits of milliseconds, 10 of node, 12 of
// counter); people see it as a prefix and 13 base32 characters, so that no JSON reader loses digits above 2^53.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace everup {

template <class Tag>
struct Id {
  std::int64_t value = 0;  // 0: none
  auto operator<=>(const Id&) const = default;
  explicit operator bool() const { return value != 0; }
};

struct MonitorTag {
  static constexpr std::string_view kPrefix = "mon_";
};
struct AccountTag {
  static constexpr std::string_view kPrefix = "acc_";
};
struct UserTag {
  static constexpr std::string_view kPrefix = "usr_";
};
struct KeyTag {
  static constexpr std::string_view kPrefix = "key_";
};
struct CommandTag {
  static constexpr std::string_view kPrefix = "cmd_";
};

using MonitorId = Id<MonitorTag>;
using AccountId = Id<AccountTag>;
using UserId = Id<UserTag>;
using KeyId = Id<KeyTag>;
using CommandId = Id<CommandTag>;

// Crockford base32, lower case, exactly 13 digits.
std::string base32_of(std::int64_t value);
// Accepts exactly what base32_of prints (either case; i, l → 1 and o → 0 are refused: ids are copied, not dictated).
std::optional<std::int64_t> base32_value(std::string_view text);

template <class Tag>
std::string to_string(Id<Tag> id) {
  return std::string(Tag::kPrefix) + base32_of(id.value);
}

// "mon_…" → id; nothing else is accepted.
template <class Tag>
std::optional<Id<Tag>> parse_id(std::string_view text) {
  if (!text.starts_with(Tag::kPrefix)) return std::nullopt;
  const auto value = base32_value(text.substr(Tag::kPrefix.size()));
  if (!value || *value <= 0) return std::nullopt;
  return Id<Tag>{*value};
}

using Region = std::int16_t;  // 1 = local; 0 is never used
inline constexpr Region kLocalRegion = 1;
inline constexpr int kShards = 256;
using Shard = std::int16_t;    // 0 … kShards-1
Shard shard_of(MonitorId id);  // a fixed hash: it is stored in lease rows, so it can never change

}  // namespace everup

template <class Tag>
struct std::hash<everup::Id<Tag>> {
  std::size_t operator()(everup::Id<Tag> id) const noexcept {
    return static_cast<std::size_t>(static_cast<std::uint64_t>(id.value) * 0x9e3779b97f4a7c15ULL >> 7);
  }
};
