// See email.h.
#include "db/email.h"

#include <algorithm>

#include "core/utf8.h"

namespace everup::db {

std::string lowered_email(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

bool plausible_email(const std::string& email) {
  const auto at = email.find('@');
  const bool clean =
      std::none_of(email.begin(), email.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 127; });
  return clean && utf8_characters(email).has_value() && email.size() <= kEmailBytesMax && at != std::string::npos &&
         at > 0 && at + 1 < email.size() && email.find('@', at + 1) == std::string::npos;
}

}  // namespace everup::db
