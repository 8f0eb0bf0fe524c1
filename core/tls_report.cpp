// The words of core/tls_report.h.
#include "core/tls_report.h"

#include "core/result.h"

namespace everup {

std::string_view slug(TlsVersion version) {
  switch (version) {
    case TlsVersion::kSsl3:
      return "ssl3";
    case TlsVersion::k1_0:
      return "tls1_0";
    case TlsVersion::k1_1:
      return "tls1_1";
    case TlsVersion::k1_2:
      return "tls1_2";
    case TlsVersion::k1_3:
      return "tls1_3";
  }
  assertion_failed("a TLS version", __FILE__, __LINE__);
}

std::string_view english(TlsVersion version) {
  switch (version) {
    case TlsVersion::kSsl3:
      return "SSL 3.0";
    case TlsVersion::k1_0:
      return "TLS 1.0";
    case TlsVersion::k1_1:
      return "TLS 1.1";
    case TlsVersion::k1_2:
      return "TLS 1.2";
    case TlsVersion::k1_3:
      return "TLS 1.3";
  }
  assertion_failed("a TLS version", __FILE__, __LINE__);
}

std::string_view slug(TlsPrelude prelude) {
  switch (prelude) {
    case TlsPrelude::kNone:
      return "none";
    case TlsPrelude::kSmtp:
      return "smtp";
    case TlsPrelude::kLmtp:
      return "lmtp";
    case TlsPrelude::kImap:
      return "imap";
    case TlsPrelude::kPop3:
      return "pop3";
    case TlsPrelude::kFtp:
      return "ftp";
    case TlsPrelude::kXmpp:
      return "xmpp";
    case TlsPrelude::kLdap:
      return "ldap";
    case TlsPrelude::kPostgres:
      return "postgres";
  }
  assertion_failed("a prelude", __FILE__, __LINE__);
}

std::string_view slug(TlsOffer offer) {
  switch (offer) {
    case TlsOffer::kUnknown:
      return "unknown";
    case TlsOffer::kOffered:
      return "offered";
    case TlsOffer::kRefused:
      return "refused";
  }
  assertion_failed("an offer", __FILE__, __LINE__);
}

std::string_view slug(HeartbleedReport::Verdict verdict) {
  switch (verdict) {
    case HeartbleedReport::Verdict::kNotAsked:
      return "not_asked";
    case HeartbleedReport::Verdict::kVulnerable:
      return "vulnerable";
    case HeartbleedReport::Verdict::kNotVulnerable:
      return "not_vulnerable";
    case HeartbleedReport::Verdict::kInconclusive:
      return "inconclusive";
  }
  assertion_failed("a Heartbleed verdict", __FILE__, __LINE__);
}

std::string_view slug(TlsSeverity severity) {
  switch (severity) {
    case TlsSeverity::kInfo:
      return "info";
    case TlsSeverity::kMinor:
      return "minor";
    case TlsSeverity::kMajor:
      return "major";
    case TlsSeverity::kCritical:
      return "critical";
  }
  assertion_failed("a severity", __FILE__, __LINE__);
}

}  // namespace everup
