// The one table of causes, the words of the small enums, and printable(). The table is in the order of the numbers; a
// test compares it with tests/core/outcome_numbers.txt in both directions.
#include "core/outcome.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

#include "core/result.h"
#include "core/utf8.h"

namespace everup {

namespace {

constexpr std::size_t kDetailMax = 200;

using C = Cause;
using P = Phase;
using V = Verdict;

constexpr CauseFacts kTable[] = {
    {C::kOk, V::kUp, P::kNone, "ok", "ok"},
    {C::kDnsFailure, V::kDown, P::kDns, "dns_failure", "no such name or no address in DNS"},
    {C::kDnsUnavailable, V::kInconclusive, P::kDns, "dns_unavailable", "our name servers do not answer"},
    {C::kAddressRefused, V::kInconclusive, P::kConnect, "address_refused", "the address is not allowed to be checked"},
    {C::kConnectRefused, V::kDown, P::kConnect, "connect_refused", "connection refused"},
    {C::kConnectTimeout, V::kDown, P::kConnect, "connect_timeout", "connection timed out"},
    {C::kConnectReset, V::kDown, P::kConnect, "connect_reset", "connection reset while connecting"},
    {C::kHostUnreachable, V::kDown, P::kConnect, "host_unreachable", "no route to host"},
    {C::kNetworkUnreachable, V::kInconclusive, P::kConnect, "network_unreachable", "network unreachable from here"},
    {C::kTlsHandshake, V::kDown, P::kTls, "tls_handshake", "TLS handshake failed"},
    {C::kTlsTimeout, V::kDown, P::kTls, "tls_timeout", "TLS handshake timed out"},
    {C::kTlsExpired, V::kDown, P::kTls, "tls_expired", "certificate has expired"},
    {C::kTlsNotYetValid, V::kDown, P::kTls, "tls_not_yet_valid", "certificate is not yet valid"},
    {C::kTlsWrongHost, V::kDown, P::kTls, "tls_wrong_host", "certificate is for another name"},
    {C::kTlsUnknownIssuer, V::kDown, P::kTls, "tls_unknown_issuer", "certificate issuer is not trusted"},
    {C::kTlsSelfSigned, V::kDown, P::kTls, "tls_self_signed", "certificate is self-signed"},
    {C::kTlsRevoked, V::kDown, P::kTls, "tls_revoked", "certificate has been revoked"},
    {C::kTlsInvalidCertificate, V::kDown, P::kTls, "tls_invalid_certificate", "certificate is invalid"},
    {C::kHttpStatus, V::kDown, P::kAssert, "http_status", "unexpected HTTP status"},
    {C::kHttpTimeout, V::kDown, P::kWait, "http_timeout", "no answer in time"},
    {C::kHttpTransferTimeout, V::kDown, P::kTransfer, "http_transfer_timeout", "the answer did not end in time"},
    {C::kHttpProtocol, V::kDown, P::kWait, "http_protocol", "the answer is not valid HTTP"},
    {C::kHttpEmptyReply, V::kDown, P::kWait, "http_empty_reply", "connection closed without an answer"},
    {C::kHttpReset, V::kDown, P::kWait, "http_reset", "connection reset"},
    {C::kHttpHeadTooLarge, V::kDown, P::kWait, "http_head_too_large", "the head of the answer is too large"},
    {C::kHttpTooManyRedirects, V::kDown, P::kWait, "http_too_many_redirects", "too many redirects"},
    {C::kHttpRedirectInvalid, V::kDown, P::kWait, "http_redirect_invalid",
     "redirect to something that is not a web address"},
    {C::kHttpEncoding, V::kDown, P::kTransfer, "http_encoding", "bad or unknown content encoding"},
    {C::kHttpTruncated, V::kDown, P::kTransfer, "http_truncated", "the answer is shorter than announced"},
    {C::kBodyMissing, V::kDown, P::kAssert, "body_missing", "expected text not found"},
    {C::kBodyForbidden, V::kDown, P::kAssert, "body_forbidden", "forbidden text found"},
    {C::kBodyRegex, V::kDown, P::kAssert, "body_regex", "the body does not match"},
    {C::kJsonMismatch, V::kDown, P::kAssert, "json_mismatch", "the JSON value is not the expected one"},
    {C::kHeaderMismatch, V::kDown, P::kAssert, "header_mismatch", "the header is not the expected one"},
    {C::kTooSlow, V::kDown, P::kAssert, "too_slow", "slower than allowed"},
    {C::kCertificateExpiring, V::kDown, P::kAssert, "certificate_expiring", "certificate expires soon"},
    {C::kHttpVersion, V::kDown, P::kAssert, "http_version", "another HTTP version than expected"},
    {C::kNotCompressed, V::kDown, P::kAssert, "not_compressed", "compression is not as expected"},
    {C::kBodyTooLarge, V::kDown, P::kAssert, "body_too_large", "the body is too large to decide"},
    {C::kOwnResources, V::kInconclusive, P::kNone, "own_resources", "our own resources were exhausted"},
    {C::kOwnNetwork, V::kInconclusive, P::kNone, "own_network", "our own network had trouble"},
    {C::kShutdown, V::kInconclusive, P::kNone, "shutdown", "we shut down during the check"},
    {C::kInternal, V::kInconclusive, P::kNone, "internal", "our own error"},
    {C::kEgressBlocked, V::kInconclusive, P::kConnect, "egress_blocked", "our network lets no such connection out"},
    {C::kPingForbidden, V::kInconclusive, P::kNone, "ping_forbidden", "the system forbids us to ping"},
    {C::kSmtpTimeout, V::kDown, P::kWait, "smtp_timeout", "no reply in time"},
    {C::kSmtpProtocol, V::kDown, P::kWait, "smtp_protocol", "the reply is not valid SMTP"},
    {C::kSmtpBannerRejected, V::kDown, P::kWait, "smtp_banner_rejected", "the server refused us in its greeting"},
    {C::kSmtpUnavailable, V::kDown, P::kWait, "smtp_unavailable", "the server closed its service (421)"},
    {C::kSmtpGreylisted, V::kDegraded, P::kWait, "smtp_greylisted", "greylisted: try again later"},
    {C::kSmtpTemporary, V::kDegraded, P::kWait, "smtp_temporary", "temporary failure (4xx)"},
    {C::kSmtpRejected, V::kDown, P::kWait, "smtp_rejected", "rejected (5xx)"},
    {C::kSmtpMailbox, V::kDown, P::kWait, "smtp_mailbox", "no such mailbox"},
    {C::kSmtpRelayDenied, V::kDown, P::kWait, "smtp_relay_denied", "relaying denied"},
    {C::kSmtpAuthFailed, V::kDown, P::kWait, "smtp_auth_failed", "authentication failed"},
    {C::kSmtpAuthUnavailable, V::kDown, P::kWait, "smtp_auth_unavailable", "no usable authentication offered"},
    {C::kStartTlsUnavailable, V::kDown, P::kTls, "starttls_unavailable", "STARTTLS is not offered"},
    {C::kStartTlsRefused, V::kDown, P::kTls, "starttls_refused", "STARTTLS was refused"},
    {C::kStartTlsInjection, V::kDown, P::kTls, "starttls_injection", "plaintext follows STARTTLS"},
    {C::kSmtpPregreet, V::kDown, P::kWait, "smtp_pregreet", "the server says that we spoke too early"},
    {C::kSmtpConnectionLost, V::kDown, P::kWait, "smtp_connection_lost", "the server closed the connection"},
    {C::kSmtpCapability, V::kDown, P::kAssert, "smtp_capability", "a wanted capability is not offered"},
    {C::kSmtpTarpit, V::kDegraded, P::kWait, "smtp_tarpit", "the greeting is held back"},
    {C::kSmtpNullMx, V::kDown, P::kDns, "smtp_null_mx", "the domain takes no mail (null MX)"},
    {C::kSmtpMxPartial, V::kDegraded, P::kWait, "smtp_mx_partial", "some of the mail hosts failed"},
    {C::kTlsVersion, V::kDown, P::kAssert, "tls_version", "an older TLS version than wanted is offered"},
    {C::kTlsHeartbleed, V::kDegraded, P::kAssert, "tls_heartbleed", "vulnerable to Heartbleed (CVE-2014-0160)"},
    {C::kTlsReset, V::kDown, P::kTls, "tls_reset", "connection lost in the TLS handshake"},
    {C::kTcpTimeout, V::kDown, P::kWait, "tcp_timeout", "the wanted text did not come in time"},
    {C::kTcpClosed, V::kDown, P::kWait, "tcp_closed", "connection closed before the wanted text came"},
    {C::kTcpMissing, V::kDown, P::kAssert, "tcp_missing", "the wanted text is not in the answer"},
    {C::kDnsRcode, V::kDown, P::kAssert, "dns_rcode", "another DNS response code than wanted"},
    {C::kDnsValues, V::kDown, P::kAssert, "dns_values", "the DNS answer is not the wanted one"},
    {C::kDnsTimeout, V::kDown, P::kWait, "dns_timeout", "the name server does not answer"},
    {C::kDnsMalformed, V::kDown, P::kWait, "dns_malformed", "the DNS answer is malformed"},
    {C::kPingLost, V::kDown, P::kWait, "ping_lost", "no echo reply"},
    {C::kPingPartial, V::kDegraded, P::kWait, "ping_partial", "some echo replies are missing"},
    {C::kHeartbeatLate, V::kDegraded, P::kWait, "heartbeat_late", "the heartbeat is late"},
    {C::kHeartbeatMissing, V::kDown, P::kWait, "heartbeat_missing", "the heartbeat is missing"},
    {C::kHeartbeatFailed, V::kDown, P::kAssert, "heartbeat_failed", "the job said that it failed"},
};

constexpr std::size_t kNumbers = 256;  // above every cause

const std::array<const CauseFacts*, kNumbers>& by_number() {
  static const auto index = [] {
    std::array<const CauseFacts*, kNumbers> made{};
    for (const auto& row : all_causes()) made.at(static_cast<std::size_t>(row.cause)) = &row;
    return made;
  }();
  return index;
}

// Bytes of printable ASCII at the front.
std::size_t plain_run(std::string_view bytes) {
  const auto odd = std::find_if(bytes.begin(), bytes.end(), [](char c) { return c < 0x20 || c == 0x7F; });
  return static_cast<std::size_t>(odd - bytes.begin());
}

std::string escaped(const char* format, unsigned value) {
  std::array<char, 16> text{};
  const int length = std::snprintf(text.data(), text.size(), format, value);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

const std::vector<CauseFacts>& all_causes() {
  static const std::vector<CauseFacts> table(std::begin(kTable), std::end(kTable));
  return table;
}

const CauseFacts& facts(Cause cause) {
  const auto number = static_cast<std::size_t>(cause);
  EVERUP_ASSERT(number < kNumbers && by_number()[number] != nullptr);
  return *by_number()[number];
}

std::optional<Cause> cause_from_number(std::int16_t number) {
  if (number < 0 || static_cast<std::size_t>(number) >= kNumbers) return std::nullopt;
  const CauseFacts* row = by_number()[static_cast<std::size_t>(number)];
  return row == nullptr ? std::nullopt : std::optional(row->cause);
}

std::string_view slug(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUp:
      return "up";
    case Verdict::kDegraded:
      return "degraded";
    case Verdict::kDown:
      return "down";
    case Verdict::kInconclusive:
      return "inconclusive";
  }
  assertion_failed("a verdict of the table", __FILE__, __LINE__);
}

std::string_view slug(Phase phase) {
  switch (phase) {
    case Phase::kNone:
      return "none";
    case Phase::kDns:
      return "dns";
    case Phase::kConnect:
      return "connect";
    case Phase::kTls:
      return "tls";
    case Phase::kRequest:
      return "request";
    case Phase::kWait:
      return "wait";
    case Phase::kTransfer:
      return "transfer";
    case Phase::kAssert:
      return "assert";
  }
  assertion_failed("a phase of the table", __FILE__, __LINE__);
}

std::string_view slug(Trigger trigger) {
  switch (trigger) {
    case Trigger::kSlot:
      return "slot";
    case Trigger::kConfirm:
      return "confirm";
    case Trigger::kCreated:
      return "created";
    case Trigger::kManual:
      return "manual";
  }
  assertion_failed("a trigger of the table", __FILE__, __LINE__);
}

std::string_view slug(GapReason reason) {
  switch (reason) {
    case GapReason::kOverload:
      return "overload";
    case GapReason::kRestart:
      return "restart";
    case GapReason::kLeaseLost:
      return "lease_lost";
    case GapReason::kClock:
      return "clock";
    case GapReason::kBlind:
      return "blind";
    case GapReason::kSpoolFull:
      return "spool_full";
    case GapReason::kPoison:
      return "poison";
  }
  assertion_failed("a gap reason of the table", __FILE__, __LINE__);
}

Outcome outcome_of(Cause cause, std::string detail) {
  const CauseFacts& row = facts(cause);
  Outcome outcome;
  outcome.cause = cause;
  outcome.verdict = row.verdict;
  outcome.phase = row.phase;
  if (cause != Cause::kOk) outcome.detail = printable(detail, kDetailMax);
  return outcome;
}

std::string printable(std::string_view bytes, std::size_t bytes_max) {
  std::string text;
  text.reserve(std::min(bytes.size(), bytes_max));
  while (!bytes.empty()) {
    if (const std::size_t run = std::min(plain_run(bytes), bytes_max - text.size()); run > 0) {
      text += bytes.substr(0, run);
      bytes.remove_prefix(run);
      continue;
    }
    char32_t code = 0;
    const std::size_t length = utf8_front(bytes, code);
    std::string piece;
    if (length == 0 || (length == 1 && alters_display(code))) {
      piece = escaped("\\x%02x", static_cast<unsigned char>(bytes.front()));
    } else if (alters_display(code)) {
      piece = escaped("\\u{%x}", code);
    } else {
      piece = bytes.substr(0, length);
    }
    if (text.size() + piece.size() > bytes_max) break;
    text += piece;
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return text;
}

}  // namespace everup
