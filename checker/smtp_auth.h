// What a mail client says in AUTH (RFC 4954): PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), XOAUTH2. Pure; everything
// that comes out of here but smtp_challenge_text() is secret and goes onto the wire only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/kind_settings.h"

namespace everup::checker {

std::string_view smtp_mechanism_name(SmtpAuth::Mechanism mechanism);  // "PLAIN"; empty for kAny
// The initial response, base64; empty: the mechanism has none.
std::string smtp_first_response(SmtpAuth::Mechanism mechanism, const SmtpAuth& auth);
// The line that answers the `number`th challenge (from 0), whose text is `challenge`; nullopt: none belongs there, or
// it cannot be read.
std::optional<std::string> smtp_answer(SmtpAuth::Mechanism mechanism, const SmtpAuth& auth, int number,
                                       std::string_view challenge);
// A challenge decoded for people, printable, at most 300 bytes.
std::string smtp_challenge_text(std::string_view challenge);

}  // namespace everup::checker
