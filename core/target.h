// Targets are URLs; the scheme is the kind (INTERFACE 2, SHAPES 30). Parsing is strict: what we cannot say back, we
// refuse.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace everup {

// Fixed numbers, stored; never reuse one. Every one of them has a probe (checker/make_probe.h).
enum class Kind : std::int16_t {
  kHttp = 1,
  kHttps = 2,
  kSmtp = 3,
  kSmtps = 4,
  kTls = 5,
  kTcp = 6,
  kDns = 7,
  kPing = 8,
  kHeartbeat = 9
};
std::string_view slug(Kind kind);

struct Target {
  Kind kind = Kind::kHttps;
  std::string host;        // lower case, without brackets; a name (A-label or U-label as typed) or an address literal;
                           // of a dns target the name that is asked for; of a heartbeat
                           // a word of its owner's that nobody is asked for, or empty
  std::uint16_t port = 0;  // 0 for ping, dns and heartbeat only
  std::string path;        // http and https: "/" at least, includes the query, no fragment; others: empty

  bool operator==(const Target&) const = default;
  bool web() const { return kind == Kind::kHttp || kind == Kind::kHttps; }
  bool default_port() const;
  std::string authority() const;  // host[:port] as a Host header wants it, IPv6 in brackets
  std::string url() const;        // canonical, parse_target(url()) == *this
  std::string origin() const;     // scheme://authority
};

// A target whose query says options (INTERFACE 2): "smtp://mx.example.com?starttls=require", "dns://a.example?type=MX".
// Names and values are percent-decoded; what they may be is judged where options are. For http and https the query
// belongs to the target and there are none.
struct TargetWithOptions {
  Target target;
  std::vector<std::pair<std::string, std::string>> options;  // at most 16
};

// At most 2048 bytes. Errors name the pointer "#/target" and what is allowed; user info is refused with a hint to
// options.auth; control characters, spaces and backslashes are refused. A bare host or host:port is guessed by its
// port: 25, 587 and 2525 are smtp, 465 smtps, 80 http, all else https. dns:NAME, dns://SERVER/NAME and icmp:// are
// taken too. Schemes of SHAPES 30 that are reserved give code "unsupported_scheme".
Result<TargetWithOptions> parse_target_with_options(std::string_view text);
// The same without options: a query of anything but http and https is refused.
Result<Target> parse_target(std::string_view text);
// RFC 3986 section 5.2, for redirects: `location` against `base`; only http and https come out.
Result<Target> resolve_reference(const Target& base, std::string_view location);

// The field error of an Error of the two functions above: pointer "#/target", its code ("unsupported_scheme",
// "user_info", "invalid_host", "invalid_port", "invalid_target") and what is allowed.
FieldError target_error(const Error& error);

}  // namespace everup
