// What db/ needs of seal/ and may not include (floors do not include each other): app/ fills it with seal::Box and
// seal::sha256.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace everup::db {

struct Vault {
  // Authenticated encryption bound to `context`; bytes in, bytes out. Any thread.
  std::function<std::string(std::string_view plain, std::string_view context)> seal;
  std::function<Result<std::string>(std::string_view sealed, std::string_view context)> open;
  // SHA-256, 32 bytes.
  std::function<std::string(std::string_view bytes)> digest;
};

}  // namespace everup::db
