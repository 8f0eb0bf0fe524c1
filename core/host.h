// The host part of a target: a name or an address literal, in the one spelling in which it is stored.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace everup {

// A name: lower case, labels of 1 … 63 characters, at most 253 bytes, ASCII letters, digits, hyphen, underscore, or
// UTF-8 letters (IDNA is the resolver's job); one trailing dot is dropped. Or four decimal numbers. Other spellings of
// IPv4 (127.1, 0x7f.1, 2130706433, 0177.0.0.1) and characters that IDNA would turn into dots or ASCII are refused,
// because programs disagree about what they mean. `what` of an error begins with "invalid_host: ".
Result<std::string> canonical_host(std::string_view text);
// An IPv6 address without brackets or zone → RFC 5952's spelling.
Result<std::string> canonical_ipv6(std::string_view text);

}  // namespace everup
