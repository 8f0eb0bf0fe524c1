// A monitor as its owner defined it, and the bounds of that definition. Pure data: JSON is db/monitor_json, storage is
// db/monitor_store.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "core/standing.h"
#include "core/target.h"
#include "core/time.h"

namespace everup {

struct HttpAuth {
  enum class Type : std::uint8_t { kNone, kBasic, kDigest, kBearer };
  Type type = Type::kNone;
  std::string user;
  std::string secret;  // password or token; write-only in the API, sealed at rest
  bool operator==(const HttpAuth&) const = default;
};

enum class IpVersion : std::uint8_t { kAny, k4, k6 };  // `both` comes with its probe
enum class HttpVersion : std::uint8_t { kAny, k1_1, k2 };

struct HttpHeader {
  std::string name, value;
  bool operator==(const HttpHeader&) const = default;
  bool secret() const;  // Authorization, Cookie, *-Key, *-Token (any case): sealed at rest, write-only
};

struct HttpOptions {
  std::string method = "GET";  // GET HEAD POST PUT PATCH DELETE OPTIONS
  std::vector<HttpHeader>
      headers;       // ≤ 20, ≤ 4 KiB together; no Host, Content-Length, Transfer-Encoding, Connection, Proxy-*
  std::string body;  // ≤ 64 KiB
  HttpAuth auth;
  bool follow_redirects = true;
  int max_redirects = 5;  // 0 … 20
  bool verify_tls = true;
  IpVersion ip_version = IpVersion::kAny;
  HttpVersion http_version = HttpVersion::kAny;
  std::string ca_pem;  // options.ca: extra roots for this monitor, ≤ 64 KiB
  bool operator==(const HttpOptions&) const = default;
};

struct HeaderExpect {
  enum class Test : std::uint8_t { kEquals, kContains, kRegex, kAbsent };
  std::string name;
  Test test = Test::kEquals;
  std::string value;
  bool operator==(const HeaderExpect&) const = default;
};

struct JsonExpect {
  std::string path;    // "$.a.b[0]"
  std::string equals;  // the JSON text of the wanted value
  bool operator==(const JsonExpect&) const = default;
};

// The same keys serve `expect` (broken: down) and `warn` (broken: degraded). Empty or absent: not asked.
struct HttpExpect {
  std::string status;                                  // "200-299,301"; validated; empty in `expect` means 200-299
  std::string body_contains, body_absent, body_regex;  // ≤ 1 KiB each; regex in RE2's dialect
  std::vector<JsonExpect> json;                        // ≤ 10
  std::vector<HeaderExpect> header;                    // ≤ 10
  std::optional<int> latency_ms_max;                   // 1 … 60000
  std::optional<int> certificate_days_min;             // 0 … 825
  std::optional<HttpVersion> http_version;
  std::optional<bool> compressed;
  bool operator==(const HttpExpect&) const = default;
};
bool status_matches(const std::string& spec, int status);  // spec as above, already validated
bool valid_status_spec(const std::string& spec);

struct HttpSettings {
  HttpOptions options;
  HttpExpect expect, warn;
  bool operator==(const HttpSettings&) const = default;
};

struct PublicLinks {
  bool badge = true, report = true, show_target = false;
  bool operator==(const PublicLinks&) const = default;
};

// What a user may set. Defaults are what he gets.
struct MonitorDraft {
  std::string name;  // 1 … 100 characters; default: the host
  std::string slug;  // [a-z0-9-]{1,64}; default: from the name
  Target target;
  int interval_s = 60;     // 1 … 86400
  int timeout_ms = 10000;  // 100 … 60000
  Patience confirm;
  HttpSettings http;
  std::vector<std::string> tags;  // ≤ 20, each 1 … 50 of [A-Za-z0-9_.:-]
  bool paused = false;
  std::string timezone = "UTC";  // IANA name
  PublicLinks links;
  bool operator==(const MonitorDraft&) const = default;
};
// Everything but JSON shape: ranges, header grammar, method, status spec. `regex_ok` judges patterns (RE2 lives in
// checker/).
FieldErrors validate(const MonitorDraft& draft, bool (*regex_ok)(const std::string&, std::string* why));
std::string slug_from(const std::string& name);

struct Monitor : MonitorDraft {
  MonitorId id;
  AccountId account;
  std::int32_t revision = 1;
  std::string badge_token, report_token;  // 128 random bits, base32
  WallTime created_at, updated_at;
  bool operator==(const Monitor&) const = default;
};

// What the scheduler keeps of a monitor: a few hundred bytes, because a million of them must fit into 700 MB.
// `settings` is shared between monitors with equal options (null: all defaults).
struct CheckPlan {
  MonitorId id;
  AccountId account;
  std::int32_t revision = 1;
  std::int32_t interval_ms = 60000;
  std::int32_t timeout_ms = 10000;
  Patience confirm;
  bool paused = false;
  Kind kind = Kind::kHttps;
  std::string url;  // Target::url()
  std::shared_ptr<const HttpSettings> settings;
  WallTime revised_at;  // from when this revision holds
  WallTime created_at;
};

}  // namespace everup
