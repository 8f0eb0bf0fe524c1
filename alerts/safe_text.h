// What may stand in a header, an address or a link. Names, causes and replies come from strangers; here they become one
// printable line, so no CR, LF, NUL, U+2028 or bidi mark ever reaches a mail header, an SMTP command or an HTTP field.
// Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace everup::alerts {

// One line of valid UTF-8 in at most `most` bytes (at least 4), "…" where it was cut: what alters the display becomes a
// space, broken bytes U+FFFD, runs of spaces one, the ends are trimmed.
std::string one_line(std::string_view text, std::size_t most);
// The same for a mail header: "=?" is broken up too, because readers decode encoded words wherever they meet them, and
// what they decode may be a line break. One byte more for each.
std::string header_line(std::string_view text, std::size_t most);

// An address that we hand to a relay: printable ASCII without spaces, quotes, angles or commas, one @, a host of labels
// behind it; at most 254 bytes, 64 before the @. (Addresses beyond ASCII need SMTPUTF8, which few relays offer.)
bool is_mail_address(std::string_view text);
// "alerts@example.com" or "Everup <alerts@example.com>" → the address; empty when it is neither.
std::string_view address_part(std::string_view text);
// The name before it, without quotes; empty when there is none.
std::string name_part(std::string_view text);
// What stands between the angles of a Message-ID: letters, digits, ".-_+=" around one @; at most 250 bytes.
bool is_message_id(std::string_view text);
// An absolute http or https URL in printable ASCII that may stand between angles and in an attribute; 2 000 bytes.
bool is_link(std::string_view text);
bool is_header_name(std::string_view text);   // RFC 9110 token, at most 64 bytes
bool is_header_value(std::string_view text);  // printable ASCII and spaces, at most 2 000 bytes
// The host of an absolute http or https URL with its port as written, for showing; empty when there is none.
std::string shown_host(std::string_view url);
std::string lower_ascii(std::string_view text);

}  // namespace everup::alerts
