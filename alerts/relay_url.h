// EVERUP_SMTP_RELAYS (SHAPES 19): URLs separated by spaces or lines, in order of preference.
//
//   smtp://alerts%40example.com@smtp.gmail.com:587?starttls=require&password_file=/etc/everup/gmail&per_day=500
//
// smtp (port 587 when none is said) or smtps (465). `starttls`: require (default), try (never with a user: a password
// goes out protected or not at all), never (only to loopback). `auth`: any (default; PLAIN or LOGIN), plain, login,
// xoauth2 (then password_file holds the access token). `cert_file` and `key_file`: a client certificate. `ehlo`: the
// name we greet with. Passwords stand in files only. Pure: files are read when a connection is made. At most 16 relays.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace everup::alerts {

enum class StartTls : std::uint8_t { kRequire, kTry, kNever };
enum class RelayAuth : std::uint8_t { kAny, kPlain, kLogin, kXoauth2 };

struct RelayUrl {
  std::string host;  // canonical, IPv6 without brackets
  std::uint16_t port = 587;
  bool implicit_tls = false;  // smtps
  StartTls starttls = StartTls::kRequire;
  std::string user;  // empty: no AUTH
  RelayAuth auth = RelayAuth::kAny;
  std::string password_file, cert_file, key_file;  // empty: none
  std::string ehlo;                                // empty: the sender's domain
  int per_day = 0;                                 // mails; 0: no limit

  std::string shown() const;  // "smtp://smtp.gmail.com:587": without user and files
};

inline constexpr std::size_t kRelaysMax = 16;

// Empty text: no relays. kInvalid names the setting, the relay by its number, the option and what is allowed; it never
// repeats a password that stood where none may stand.
Result<std::vector<RelayUrl>> parse_relays(std::string_view text, const std::string& setting = "EVERUP_SMTP_RELAYS");

}  // namespace everup::alerts
