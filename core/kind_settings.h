// What a monitor of each kind may be told (`options`) and what it demands (`expect`, `warn`): INTERFACE 5, SHAPES 4, 8,
// 10, 17. Pure data with the defaults that users meet; ranges and grammar are judged by validate() (core/monitor.h),
// JSON is db/monitor_json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/target.h"

namespace everup {

enum class IpVersion : std::uint8_t { kAny, k4, k6 };

// ---- web servers ------------------------------------------------------------------------------------------
struct HttpAuth {
  enum class Type : std::uint8_t { kNone, kBasic, kDigest, kBearer };
  Type type = Type::kNone;
  std::string user;
  std::string secret;  // password or token; write-only in the API, sealed at rest
  bool operator==(const HttpAuth&) const = default;
};

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

// ---- mail servers -----------------------------------------------------------------------------------------
enum class StartTls : std::uint8_t { kTry, kRequire, kNever };
// In the order of the dialogue; a dialogue that stops at one has done everything up to it (SHAPES 8, swaks' words).
enum class SmtpStop : std::uint8_t { kConnect, kBanner, kFirstEhlo, kTls, kEhlo, kAuth, kMail, kRcpt, kData };
std::string_view slug(SmtpStop stop);  // "CONNECT" … "FIRST-EHLO" … "DATA"
std::optional<SmtpStop> smtp_stop_from(std::string_view slug);

struct SmtpAuth {
  enum class Mechanism : std::uint8_t { kAny, kPlain, kLogin, kCramMd5, kXoauth2 };  // kAny: the best one offered
  Mechanism mechanism = Mechanism::kAny;
  std::string user, secret;  // secret: password, or token for XOAUTH2; write-only, sealed at rest
  bool allow_clear = false;  // send it without TLS
  bool operator==(const SmtpAuth&) const = default;
};

struct SmtpOptions {
  std::optional<StartTls> starttls;    // absent: kRequire on 587, else kTry (kNever and smtps exclude each other)
  std::optional<bool> verify_tls;      // absent: true for smtps and 587 or starttls=require, else false
  std::string ehlo;                    // empty: EVERUP_EHLO_NAME, else this host's FQDN
  std::string from;                    // mailbox; empty: <>
  std::vector<std::string> to;         // at most 10 mailboxes
  SmtpAuth auth;                       // user empty: none
  std::optional<SmtpStop> stop_after;  // absent: kRcpt when `to` is given, kAuth when a user is, else kEhlo
  IpVersion ip_version = IpVersion::kAny;
  bool mx = false;  // the host is a mail domain: look up its MX and ask each
  std::string ca_pem;
  bool operator==(const SmtpOptions&) const = default;
};

struct SmtpExpect {
  std::vector<std::string> capabilities;  // at most 20 EHLO keywords that must be offered
  std::optional<int> certificate_days_min, latency_ms_max;
  bool operator==(const SmtpExpect&) const = default;
};

struct SmtpSettings {
  SmtpOptions options;
  SmtpExpect expect, warn;
  bool operator==(const SmtpSettings&) const = default;
};

// ---- TLS --------------------------------------------------------------------------------------------------
enum class TlsVersion : std::uint8_t { kSsl3, k1_0, k1_1, k1_2, k1_3 };
// What is spoken before the handshake.
enum class TlsPrelude : std::uint8_t { kNone, kSmtp, kLmtp, kImap, kPop3, kFtp, kXmpp, kLdap, kPostgres };
enum class HeartbleedAsk : std::uint8_t { kDaily, kEvery, kOff };

struct TlsOptions {
  TlsPrelude starttls = TlsPrelude::kNone;
  HeartbleedAsk heartbleed = HeartbleedAsk::kDaily;
  bool verify_tls = true;
  bool versions = true;     // also ask which protocol versions are offered
  std::string server_name;  // SNI and the name to verify; empty: the target's host
  IpVersion ip_version = IpVersion::kAny;
  std::string ca_pem;
  bool operator==(const TlsOptions&) const = default;
};

struct TlsExpect {
  std::optional<int> certificate_days_min, latency_ms_max;
  std::optional<TlsVersion> min_version;  // no older version is offered
  bool not_vulnerable = false;            // "heartbleed": "not_vulnerable"
  bool operator==(const TlsExpect&) const = default;
};

struct TlsSettings {
  TlsOptions options;
  TlsExpect expect, warn;
  bool operator==(const TlsSettings&) const = default;
};

// ---- TCP, DNS, ping, heartbeat ----------------------------------------------------------------------------
struct TcpOptions {
  std::string send;  // at most 4 KiB, as it stands
  bool tls = false, verify_tls = true;
  IpVersion ip_version = IpVersion::kAny;
  std::string ca_pem;
  bool operator==(const TcpOptions&) const = default;
};
struct TcpExpect {
  std::string contains;  // within the first 64 KiB that arrive
  std::optional<int> certificate_days_min, latency_ms_max;
  bool operator==(const TcpExpect&) const = default;
};
struct TcpSettings {
  TcpOptions options;
  TcpExpect expect, warn;
  bool operator==(const TcpSettings&) const = default;
};

enum class DnsType : std::uint8_t { kA, kAaaa, kCname, kMx, kNs, kTxt, kSoa, kCaa, kSrv, kPtr };
struct DnsOptions {
  DnsType type = DnsType::kA;
  std::string server;  // address[:port]; empty: ours. A name is resolved first.
  bool tcp = false;    // at once, not only after truncation
  bool operator==(const DnsOptions&) const = default;
};
struct DnsExpect {
  std::vector<std::string> values;  // at most 20; the answer holds all of them, in any order
  std::string rcode;                // "NOERROR" …; empty in `expect` means NOERROR with an answer
  std::optional<int> latency_ms_max;
  bool operator==(const DnsExpect&) const = default;
};
struct DnsSettings {
  DnsOptions options;
  DnsExpect expect, warn;
  bool operator==(const DnsSettings&) const = default;
};

struct PingOptions {
  int count = 1;  // 1 … 10 echo requests, 200 ms apart; one answer is enough
  IpVersion ip_version = IpVersion::kAny;
  bool operator==(const PingOptions&) const = default;
};
struct PingExpect {
  std::optional<int> latency_ms_max, loss_percent_max;
  bool operator==(const PingExpect&) const = default;
};
struct PingSettings {
  PingOptions options;
  PingExpect expect, warn;
  bool operator==(const PingSettings&) const = default;
};

struct HeartbeatOptions {
  int period_s = 86'400;  // 30 … 31 536 000; ignored when cron is set
  std::string cron;       // five fields, vixie's grammar
  std::string timezone = "UTC";
  int grace_s = 3'600;  // 0 … 31 536 000
  bool operator==(const HeartbeatOptions&) const = default;
};
struct HeartbeatSettings {
  HeartbeatOptions options;
  bool operator==(const HeartbeatSettings&) const = default;
};

using KindSettings =
    std::variant<HttpSettings, SmtpSettings, TlsSettings, TcpSettings, DnsSettings, PingSettings, HeartbeatSettings>;
// The defaults of this kind: the alternative that belongs to it.
KindSettings default_settings(Kind kind);
int default_timeout_ms(Kind kind);  // a slow greeting is no outage: 40 s for mail, else 10 s

}  // namespace everup
