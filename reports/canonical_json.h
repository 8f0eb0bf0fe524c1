// JSON as one sequence of bytes (RFC 8785, JCS): members sorted by UTF-16 code units, no blanks, numbers as ECMAScript
// prints them, strings with the fewest escapes. What is signed is such a text. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace everup::reports {

// Any JSON text → its canonical bytes. kInvalid: not JSON (RFC 8259), broken UTF-8, a member twice, a number that a
// double cannot hold, or nested deeper than kDepthMax.
Result<std::string> canonical_json(std::string_view text);
inline constexpr int kDepthMax = 32;

// Of a canonical object: the same without its member `name`, and that member's canonical text; kInvalid when `text` is
// no object or has no such member.
struct Detached {
  std::string rest, member;
};
Result<Detached> detached(std::string_view text, const std::string& name);
// The reverse: canonical bytes of the object with one more member.
Result<std::string> attached(std::string_view object, const std::string& name, std::string_view member);

// A double as ECMAScript's Number::toString prints it (finite).
std::string ecmascript_number(double value);

}  // namespace everup::reports
