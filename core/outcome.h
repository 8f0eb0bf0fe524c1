// What one look said. A probe reports a Cause; the one table here maps cause → number, verdict, phase, slug, English.
// Numbers are stored and never reused: tests/core/outcome_numbers.txt is the committed list.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "core/transcript.h"

namespace everup {

enum class Verdict : std::int16_t { kUp = 1, kDegraded = 2, kDown = 3, kInconclusive = 4 };
enum class Phase : std::int16_t {
  kNone = 0,
  kDns = 1,
  kConnect = 2,
  kTls = 3,
  kRequest = 4,
  kWait = 5,
  kTransfer = 6,
  kAssert = 7
};
enum class Trigger : std::int16_t { kSlot = 1, kConfirm = 2, kCreated = 3, kManual = 4 };
// How a slot ends without a look (one row), or a stretch of them (a gap row). SHAPES 17.
enum class GapReason : std::int16_t {
  kOverload = 1,
  kRestart = 2,
  kLeaseLost = 3,
  kClock = 4,
  kBlind = 5,
  kSpoolFull = 6,
  kPoison = 7
};

enum class Cause : std::int16_t {
  kOk = 1,
  // name resolution
  kDnsFailure = 10,      // NXDOMAIN, NODATA, or SERVFAIL/silence while the servers answer others: down
  kDnsUnavailable = 11,  // our resolvers answer nothing at all: inconclusive
  kAddressRefused = 12,  // address policy: inconclusive
  // connection
  kConnectRefused = 20,
  kConnectTimeout = 21,
  kConnectReset = 22,
  kHostUnreachable = 23,
  kNetworkUnreachable = 24 /* ours: inconclusive */,
  // TLS
  kTlsHandshake = 30,
  kTlsTimeout = 31,
  kTlsExpired = 32,
  kTlsNotYetValid = 33,
  kTlsWrongHost = 34,
  kTlsUnknownIssuer = 35,
  kTlsSelfSigned = 36,
  kTlsRevoked = 37,
  kTlsInvalidCertificate = 38,
  // HTTP
  kHttpStatus = 50,
  kHttpTimeout = 51 /* no answer in time */,
  kHttpTransferTimeout = 52 /* answer began, did not end */,
  kHttpProtocol = 53 /* not HTTP, or broken */,
  kHttpEmptyReply = 54,
  kHttpReset = 55,
  kHttpHeadTooLarge = 56,
  kHttpTooManyRedirects = 57,
  kHttpRedirectInvalid = 58,
  kHttpEncoding = 59 /* bad or unknown content encoding */,
  kHttpTruncated = 60,
  // expectations
  kBodyMissing = 70,
  kBodyForbidden = 71,
  kBodyRegex = 72,
  kJsonMismatch = 73,
  kHeaderMismatch = 74,
  kTooSlow = 75,
  kCertificateExpiring = 76,
  kHttpVersion = 77,
  kNotCompressed = 78,
  kBodyTooLarge = 79 /* undecided within the body cap */,
  // ours: always inconclusive
  kOwnResources = 100,
  kOwnNetwork = 101,
  kShutdown = 102,
  kInternal = 103,
  kEgressBlocked = 104 /* our network lets no connection to this port out */,
  kPingForbidden = 105 /* ICMP sockets */,
  // SMTP, and what is spoken before TLS
  kSmtpTimeout = 110 /* no reply in time */,
  kSmtpProtocol = 111 /* not a reply of RFC 5321 */,
  kSmtpBannerRejected = 112 /* 521, 554 */,
  kSmtpUnavailable = 113 /* 421 at any point */,
  kSmtpGreylisted = 114 /* 450, 451 at RCPT: degraded */,
  kSmtpTemporary = 115 /* another 4xx: degraded */,
  kSmtpRejected = 116 /* another 5xx */,
  kSmtpMailbox = 117 /* no such mailbox */,
  kSmtpRelayDenied = 118,
  kSmtpAuthFailed = 119,
  kSmtpAuthUnavailable = 120 /* no mechanism we may use */,
  kStartTlsUnavailable = 121 /* not offered */,
  kStartTlsRefused = 122 /* 454, 501 … */,
  kStartTlsInjection = 123 /* plaintext after it: CVE-2011-0411 */,
  kSmtpPregreet = 124 /* the server took us for an early talker */,
  kSmtpConnectionLost = 125,
  kSmtpCapability = 126 /* a wanted one is not offered */,
  kSmtpTarpit = 127 /* banner slower than the limit: degraded */,
  kSmtpNullMx = 128 /* the domain takes no mail, RFC 7505 */,
  kSmtpMxPartial = 129 /* some hosts failed: degraded */,
  // TLS
  kTlsVersion = 130 /* an older one than wanted is offered */,
  kTlsHeartbleed = 131 /* proved: degraded, down when expected */,
  kTlsReset = 132 /* connection lost in the handshake */,
  // TCP, DNS, ping, heartbeat
  kTcpTimeout = 140 /* the wanted text did not come */,
  kTcpClosed = 141 /* closed before it came */,
  kTcpMissing = 142,
  kDnsRcode = 150,
  kDnsValues = 151,
  kDnsTimeout = 152 /* the named server is silent */,
  kDnsMalformed = 153,
  kPingLost = 160 /* no answer */,
  kPingPartial = 161 /* fewer than wanted */,
  kHeartbeatLate = 170 /* within its grace: degraded */,
  kHeartbeatMissing = 171,
  kHeartbeatFailed = 172 /* it said so */,
};

struct CauseFacts {
  Cause cause;
  Verdict verdict;  // when it breaks `expect`; a broken `warn` is kDegraded instead (Outcome::verdict holds the result)
  Phase phase;      // where it belongs by default
  std::string_view slug;     // API: "connect_refused"
  std::string_view english;  // "connection refused"
};
const CauseFacts& facts(Cause cause);
const std::vector<CauseFacts>& all_causes();
std::optional<Cause> cause_from_number(std::int16_t number);
std::string_view slug(Verdict verdict);
std::string_view slug(Phase phase);
std::string_view slug(Trigger trigger);
std::string_view slug(GapReason reason);

// Microseconds spent in each phase, summed over redirects. -1: the phase was not reached.
struct Timings {
  std::int32_t dns_us = -1, connect_us = -1, tls_us = -1, wait_us = -1, transfer_us = -1;
  std::int32_t total_us = 0;
  bool operator==(const Timings&) const = default;
};

struct TlsReport;  // core/tls_report.h

struct CertificateFacts {
  std::string subject, issuer, sha256;  // sha256: lower-case hex of the leaf
  std::vector<std::string> names;       // SANs, at most 100
  WallTime not_before, not_after;       // of the leaf
  WallTime chain_not_after;             // earliest in the chain presented
  std::string verify_error;             // empty: verified
  bool operator==(const CertificateFacts&) const = default;
};

// Kept for failing looks (RULES B 13) and shown to people: every text is printable and capped.
struct Evidence {
  std::string address;                       // "192.0.2.7:443"
  std::vector<std::string> addresses_tried;  // at most 16
  std::vector<std::string> hops;             // "301 https://…" at most 16
  std::string head;                          // at most 8 KiB of it
  std::string body_excerpt;                  // first 2 KiB of the decoded body
  std::optional<CertificateFacts> certificate;
  Transcript transcript;
  std::shared_ptr<const TlsReport> tls;  // of a look at a TLS server
};

struct Outcome {
  Cause cause = Cause::kInternal;
  Verdict verdict = Verdict::kInconclusive;
  Phase phase = Phase::kNone;
  Timings timings;
  std::int32_t code = 0;                          // HTTP status of the last answer; 0: none
  std::string detail;                             // printable, at most 200 bytes; empty when ok
  std::unique_ptr<Evidence> evidence;             // may be null when ok
  std::optional<WallTime> certificate_not_after;  // leaf, when TLS was spoken
};

// An outcome of this cause with the table's verdict and phase.
Outcome outcome_of(Cause cause, std::string detail = {});

// Any bytes → valid UTF-8 without NUL, C0/C1 or bidi controls (shown as \xNN or \u{…}), at most `bytes_max` bytes, cut
// at a character.
std::string printable(std::string_view bytes, std::size_t bytes_max);

}  // namespace everup
