#include "core/kind_settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/result.h"

namespace everup {

namespace {

constexpr std::array<std::pair<SmtpStop, std::string_view>, 9> kStops{{{SmtpStop::kConnect, "CONNECT"},
                                                                       {SmtpStop::kBanner, "BANNER"},
                                                                       {SmtpStop::kFirstEhlo, "FIRST-EHLO"},
                                                                       {SmtpStop::kTls, "TLS"},
                                                                       {SmtpStop::kEhlo, "EHLO"},
                                                                       {SmtpStop::kAuth, "AUTH"},
                                                                       {SmtpStop::kMail, "MAIL"},
                                                                       {SmtpStop::kRcpt, "RCPT"},
                                                                       {SmtpStop::kData, "DATA"}}};

}  // namespace

std::string_view slug(SmtpStop stop) { return kStops.at(static_cast<std::size_t>(stop)).second; }

std::optional<SmtpStop> smtp_stop_from(std::string_view slug) {
  const auto found = std::find_if(kStops.begin(), kStops.end(), [&](const auto& one) { return one.second == slug; });
  return found == kStops.end() ? std::nullopt : std::optional(found->first);
}

KindSettings default_settings(Kind kind) {
  switch (kind) {
    case Kind::kHttp:
    case Kind::kHttps:
      return HttpSettings{};
    case Kind::kSmtp:
    case Kind::kSmtps:
      return SmtpSettings{};
    case Kind::kTls:
      return TlsSettings{};
    case Kind::kTcp:
      return TcpSettings{};
    case Kind::kDns:
      return DnsSettings{};
    case Kind::kPing:
      return PingSettings{};
    case Kind::kHeartbeat:
      return HeartbeatSettings{};
  }
  assertion_failed("a kind of the table", __FILE__, __LINE__);
}

int default_timeout_ms(Kind kind) { return kind == Kind::kSmtp || kind == Kind::kSmtps ? 40'000 : 10'000; }

}  // namespace everup
