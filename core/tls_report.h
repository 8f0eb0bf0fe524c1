// What one look at a TLS server found: the answer of `everup tls`, of the TLS test and of a monitor's evidence
// (INTERFACE 5). Pure data; JSON is db/tls_report_json. Every text is printable and capped.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/kind_settings.h"
#include "core/outcome.h"
#include "core/time.h"

namespace everup {

inline constexpr std::size_t kTlsVersions = 5;  // of TlsVersion
std::string_view slug(TlsVersion version);      // "ssl3", "tls1_0" … "tls1_3"
std::string_view english(TlsVersion version);   // "SSL 3.0", "TLS 1.0" … "TLS 1.3"
std::string_view slug(TlsPrelude prelude);      // "none", "smtp" … "postgres"

struct TlsCertificate {
  std::string subject, issuer, serial, sha256;  // serial and sha256: lower-case hex
  std::string key_sha256;                       // of the public key (SubjectPublicKeyInfo)
  std::vector<std::string> names;               // SANs: at most 100 of the leaf, 10 of the others
  WallTime not_before, not_after;
  std::string key_type;   // "RSA", "EC P-256", "Ed25519" …
  int key_bits = 0;       // security of RSA and DSA is told by it
  std::string signature;  // "sha256WithRSAEncryption"
  bool sha1_or_md5 = false, self_issued = false;
  bool operator==(const TlsCertificate&) const = default;
};

enum class TlsOffer : std::uint8_t { kUnknown, kOffered, kRefused };
std::string_view slug(TlsOffer offer);

struct TlsProtocol {
  TlsOffer offer = TlsOffer::kUnknown;
  std::string cipher;  // what the server chose of all suites; empty: not known
  bool operator==(const TlsProtocol&) const = default;
};

// One opinion: kOk, or the kTls… cause with its words. Absent where it was not asked (verify_tls off, no certificate).
struct TlsOpinion {
  Cause cause = Cause::kOk;
  std::string detail;
  bool operator==(const TlsOpinion&) const = default;
};

struct HeartbleedReport {
  enum class Verdict : std::uint8_t { kNotAsked, kVulnerable, kNotVulnerable, kInconclusive };
  // What came on the wire while it was asked: never a byte of it, only what it was.
  struct Seen {
    int connection = 0;  // 1 …
    int at_ms = 0;       // since its ClientHello
    int type = 0;        // 20 … 24
    int length = 0;
    int alert = -1;
    bool operator==(const Seen&) const = default;
  };
  static constexpr std::size_t kSeenMax = 64;

  Verdict verdict = Verdict::kNotAsked;
  std::string reason;       // slug: "over_read_proved", "within_bounds", "no_extension", "deadline" …
  std::string detail;       // English
  std::string version;      // the negotiated one of the deciding connection: "TLS 1.2"
  bool extension = false;   // the server offered the heartbeat extension
  bool remembered = false;  // an earlier look of this process asked
  int connections = 0;
  std::int32_t ms = 0;     // all of it
  std::vector<Seen> seen;  // at most kSeenMax
  bool operator==(const HeartbleedReport&) const = default;
};
std::string_view slug(HeartbleedReport::Verdict verdict);

enum class TlsSeverity : std::uint8_t { kInfo, kMinor, kMajor, kCritical };
std::string_view slug(TlsSeverity severity);

struct TlsFinding {
  std::string id;  // "tls1_0_offered"
  TlsSeverity severity = TlsSeverity::kInfo;
  std::string text;  // what it means
  std::string fix;   // what to do about it
  bool operator==(const TlsFinding&) const = default;
};

struct StrictTransport {  // RFC 6797
  std::int64_t max_age_s = 0;
  bool include_subdomains = false, preload = false;
  bool operator==(const StrictTransport&) const = default;
};

// Against Mozilla's recommended configurations: `deviations` empty means that nothing of what was seen contradicts it.
struct TlsProfile {
  bool asked = false;
  std::vector<std::string> deviations;
  bool operator==(const TlsProfile&) const = default;
};

struct TlsReport {
  struct Step {
    std::string name;  // "DNS", "CONNECT", "STARTTLS", "HANDSHAKE" …
    std::int32_t ms = 0;
    std::string text;
    bool operator==(const Step&) const = default;
  };
  static constexpr std::size_t kStepsMax = 40;
  static constexpr std::size_t kChainMax = 10;

  std::string host, address;  // what was asked, and "192.0.2.7:443"
  TlsPrelude starttls = TlsPrelude::kNone;
  std::array<TlsProtocol, kTlsVersions> protocols;  // by TlsVersion
  std::string version, cipher, alpn;                // negotiated: "TLSv1.3", "TLS_AES_256_GCM_SHA384", "http/1.1"
  std::vector<TlsCertificate> chain;                // leaf first, as the server sent it, at most kChainMax
  std::optional<WallTime> leaf_not_after, chain_not_after;
  std::optional<TlsOpinion> trust, hostname;
  std::optional<bool> stapled, resumed;
  bool https = false;  // it answered HTTP
  std::optional<StrictTransport> hsts;
  std::string weak_cipher;  // one that nobody should accept and the server does; empty: none, or not asked
  bool weak_asked = false;
  HeartbleedReport heartbleed;
  std::vector<std::string> changed;  // since the look before: "serial", "issuer", "key"
  std::vector<TlsFinding> findings;  // worst first
  std::string grade;  // "A+", "A", "B", "C", "F", "T" (not trusted); empty: no handshake, nothing to grade
  std::vector<std::string> grade_reasons;
  TlsProfile modern, intermediate;
  std::vector<Step> steps;

  TlsProtocol& protocol(TlsVersion version_asked) { return protocols[static_cast<std::size_t>(version_asked)]; }
  const TlsProtocol& protocol(TlsVersion version_asked) const {
    return protocols[static_cast<std::size_t>(version_asked)];
  }
  bool operator==(const TlsReport&) const = default;
};

}  // namespace everup
