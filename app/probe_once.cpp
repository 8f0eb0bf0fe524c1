#include "app/probe_once.h"

#include <fmt/format.h>

#include <optional>

#include "app/commands.h"
#include "app/database.h"
#include "app/probing.h"
#include "checker/make_probe.h"
#include "net/address_policy.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace everup::app {
namespace {

// A loop with its resolver and probes, for one look.
struct OneLook {
  static Result<std::unique_ptr<OneLook>> make(const Settings& settings) {
    auto allow = net::AllowList::parse(settings.text("ALLOW_TARGETS"));
    if (!allow) return allow.error();
    auto servers = net::parse_dns_servers(settings.text("DNS_SERVERS"));
    if (!servers) return servers.error();
    net::ResolverOptions options;
    options.servers = *std::move(servers);
    auto out = std::make_unique<OneLook>(*std::move(allow), options);
    checker::ProbeSettings probe_settings;
    probe_settings.user_agent =
        settings.text("USER_AGENT").empty() ? fmt::format("Everup/{}", version()) : settings.text("USER_AGENT");
    probe_settings.ca_file = settings.text("CA_FILE");
    probe_settings.ehlo_name = ehlo_name_of(settings);
    probe_settings.dnsbl_zones = dnsbl_zones_of(settings);
    auto probes = checker::Probes::make(out->loop, out->resolver, out->policy, probe_settings);
    if (!probes) return probes.error();
    out->probes = *std::move(probes);
    return out;
  }
  OneLook(net::AllowList allow, const net::ResolverOptions& options)
      : policy(std::move(allow)), loop(system_clock()), resolver(loop, options) {}
  Instant after(milliseconds time) { return loop.clock().now().mono + time; }

  const net::AddressPolicy policy;
  net::Loop loop;
  net::Resolver resolver;
  std::unique_ptr<checker::Probes> probes;  // last: it uses the others
};

}  // namespace

Result<Outcome> probe_once(const CheckPlan& plan, const Settings& settings, bool strict_policy, bool want_evidence,
                           checker::Live* live) {
  auto look = OneLook::make(settings);
  if (!look) return look.error();
  net::Loop& loop = (*look)->loop;
  std::optional<Outcome> outcome;
  const checker::Question question{&plan, (*look)->after(milliseconds(plan.timeout_ms)), strict_policy, want_evidence,
                                   live};
  const auto probe = (*look)->probes->start(question, [&](Outcome&& said) {
    outcome.emplace(std::move(said));
    loop.stop();
  });
  loop.run();
  EVERUP_ASSERT(outcome.has_value());
  return std::move(*outcome);
}

Result<checker::MailView> view_once(const checker::MailQuestion& question, const Settings& settings, bool strict_policy,
                                    milliseconds timeout) {
  auto look = OneLook::make(settings);
  if (!look) return look.error();
  net::Loop& loop = (*look)->loop;
  std::optional<checker::MailView> view;
  const auto probe =
      (*look)->probes->view(question, (*look)->after(timeout), strict_policy, [&](checker::MailView&& said) {
        view.emplace(std::move(said));
        loop.stop();
      });
  loop.run();
  EVERUP_ASSERT(view.has_value());
  return std::move(*view);
}

}  // namespace everup::app
