#include "checker/make_probe.h"

#include <utility>

#include "checker/address_finder.h"
#include "checker/deliverability_probe.h"
#include "checker/dns_probe.h"
#include "checker/heartbeat_probe.h"
#include "checker/http_expectation.h"
#include "checker/http_probe.h"
#include "checker/mx_probe.h"
#include "checker/ping_probe.h"
#include "checker/smtp_probe.h"
#include "checker/tcp_probe.h"
#include "checker/tls_probe.h"
#include "net/curl_multi.h"
#include "net/tls_store.h"

namespace everup::checker {

// Order matters: the multi goes last, after nothing can start on it any more.
struct Probes::Shared {
  std::unique_ptr<net::CurlMulti> multi;
  net::TrustStores trust;
  Patterns patterns;
  HttpShared http;
  SmtpShared smtp;
  TlsShared tls;
  Places places;
  HeartbeatAsking heartbeat;
  net::RecordResolver records;
  std::vector<std::string> dnsbl_zones;

  Shared(net::Loop& loop, net::Resolver& resolver, const net::AddressPolicy& policy,
         std::unique_ptr<net::CurlMulti> curl, std::shared_ptr<const net::TrustStore> roots,
         const ProbeSettings& settings)
      : multi(std::move(curl)),
        trust(std::move(roots)),
        http{loop, resolver, policy, *multi, trust, patterns},
        smtp{loop, resolver, policy, trust, settings.ehlo_name},
        tls{loop, resolver, policy, trust, settings.ehlo_name, settings.user_agent, {}},
        places{loop, resolver, policy},
        heartbeat{loop, settings.heartbeats, settings.zones},
        records(loop, resolver.options()),
        dnsbl_zones(settings.dnsbl_zones) {}
};

Probes::Probes(std::unique_ptr<Shared> shared) : shared_(std::move(shared)) {}
Probes::~Probes() = default;

Result<std::unique_ptr<Probes>> Probes::make(net::Loop& loop, net::Resolver& resolver, const net::AddressPolicy& policy,
                                             ProbeSettings settings) {
  auto roots = net::TrustStore::system(settings.ca_file);
  if (!roots.ok()) return roots.error();
  auto multi = net::CurlMulti::make(loop, settings.user_agent);
  if (!multi.ok()) return multi.error();
  return std::unique_ptr<Probes>(
      new Probes(std::make_unique<Shared>(loop, resolver, policy, std::move(*multi), *roots, settings)));
}

std::unique_ptr<Probe> Probes::start(const Question& question, Done done) {
  const Kind kind = question.plan->kind;
  switch (kind) {
    case Kind::kHttp:
    case Kind::kHttps:
      return std::make_unique<HttpProbe>(shared_->http, question, std::move(done));
    case Kind::kSmtp:
    case Kind::kSmtps:
      if (settings_of<SmtpSettings>(*question.plan)->options.mx)
        return std::make_unique<MxProbe>(shared_->smtp, shared_->records, question, std::move(done));
      return std::make_unique<SmtpProbe>(shared_->smtp, question, std::move(done));
    case Kind::kTls:
      return std::make_unique<TlsProbe>(shared_->tls, question, std::move(done));
    case Kind::kTcp:
      return std::make_unique<TcpProbe>(shared_->places, shared_->trust, question, std::move(done));
    case Kind::kDns:
      return std::make_unique<DnsProbe>(shared_->places, question, std::move(done));
    case Kind::kPing:
      return std::make_unique<PingProbe>(shared_->places, question, std::move(done));
    case Kind::kHeartbeat:
      return std::make_unique<HeartbeatProbe>(shared_->heartbeat, question, std::move(done));
  }
  assertion_failed("a kind of the table", __FILE__, __LINE__);
}

std::unique_ptr<Probe> Probes::view(const MailQuestion& question, Instant deadline, bool strict_policy, Viewed viewed) {
  MailQuestion asked = question;
  if (asked.zones.empty()) asked.zones = shared_->dnsbl_zones;
  return std::make_unique<DeliverabilityProbe>(shared_->http, shared_->records, asked, deadline, strict_policy,
                                               std::move(viewed));
}

}  // namespace everup::checker
