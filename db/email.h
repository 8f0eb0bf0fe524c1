// E-mail addresses as sign-in names: small letters, and plausible. Pure; any thread. Weakness: only ASCII letters are
// lowered, and nobody proves here that mail reaches the address.
#pragma once

#include <string>

namespace everup::db {

inline constexpr std::size_t kEmailBytesMax = 254;

std::string lowered_email(std::string text);
// One @ with something on both sides, no white space or control bytes, at most 254 bytes.
bool plausible_email(const std::string& email);

}  // namespace everup::db
