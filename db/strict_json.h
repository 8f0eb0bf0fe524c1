// What nlohmann's parser lets pass and we do not: duplicate fields and deep nesting. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace everup::db {

inline constexpr std::size_t kJsonDepthMax = 32;
inline constexpr std::size_t kFieldErrorsMax = 100;

// Adds an error unless there are kFieldErrorsMax already.
void complain(FieldErrors& errors, std::string pointer, std::string code, std::string detail);
// One step of a JSON pointer (RFC 6901), cut to 100 bytes.
std::string pointer_step(const std::string& key);
// Reads the text once without keeping it. `syntax`: it is no JSON, too deep, or no object at its top.
void check_json(std::string_view text, FieldErrors& errors, bool& syntax);

}  // namespace everup::db
