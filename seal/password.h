// Password hashes: argon2id (19 MiB, 2 passes, 1 lane: OWASP's minimum) as PHC strings. At most kAtOnce hashes run at a
// time, whoever asks; others wait. Any thread. The only includer of libsodium is this folder.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace everup::seal {

inline constexpr std::size_t kPasswordBytesMin = 8, kPasswordBytesMax = 256;
inline constexpr int kAtOnce = 2;

// kInvalid names the allowed length; NUL bytes are allowed.
Result<std::string> hash_password(std::string_view password);
// False for a wrong password and for a string that is no PHC string.
bool password_matches(const std::string& phc, std::string_view password);
// True when the string was made with other costs: hash again after a successful sign-in.
bool needs_rehash(const std::string& phc);

}  // namespace everup::seal
