// What signing in needs from outside: the store of people, and password hashing (its home is seal/, which api/ does not
// include). Filled by app/. Without a store nobody can sign in: keys alone work.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace everup::db {
class MemberStore;
class PersonStore;
}

namespace everup::api {

struct PeopleOptions {
  db::PersonStore* persons = nullptr;
  db::MemberStore* members = nullptr;  // there when persons is
  // PHC strings; kInvalid names the length that is allowed. Any thread; may take 0.1 s.
  std::function<Result<std::string>(std::string_view password)> hash_password;
  std::function<bool(const std::string& phc, std::string_view password)> password_matches;
  std::function<bool(const std::string& phc)> needs_rehash;
};

}  // namespace everup::api
