// Random tokens as text, from the kernel. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace everup::db {

// `digits` base32 digits of five random bits each (core/ids.h's alphabet); 26 hold a token's 128 bits, 32 an API key's
// 160.
std::string random_base32(std::size_t digits);
// The first `digits` digits of `bytes` in base32.
std::string base32_prefix(std::string_view bytes, std::size_t digits);

}  // namespace everup::db
