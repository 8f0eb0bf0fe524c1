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

Result<Outcome> probe_once(const CheckPlan& plan, const Settings& settings, bool strict_policy, bool want_evidence,
                           checker::Live* live) {
  auto allow = net::AllowList::parse(settings.text("ALLOW_TARGETS"));
  if (!allow) return allow.error();
  auto servers = net::parse_dns_servers(settings.text("DNS_SERVERS"));
  if (!servers) return servers.error();
  const net::AddressPolicy policy(*std::move(allow));
  net::Loop loop(system_clock());
  net::ResolverOptions resolver_options;
  resolver_options.servers = *std::move(servers);
  net::Resolver resolver(loop, resolver_options);
  checker::ProbeSettings probe_settings;
  probe_settings.user_agent =
      settings.text("USER_AGENT").empty() ? fmt::format("Everup/{}", version()) : settings.text("USER_AGENT");
  probe_settings.ca_file = settings.text("CA_FILE");
  probe_settings.ehlo_name = ehlo_name_of(settings);
  auto probes = checker::Probes::make(loop, resolver, policy, probe_settings);
  if (!probes) return probes.error();

  std::optional<Outcome> outcome;
  const checker::Question question{&plan, loop.clock().now().mono + milliseconds(plan.timeout_ms), strict_policy,
                                   want_evidence, live};
  const auto probe = (*probes)->start(question, [&](Outcome&& said) {
    outcome.emplace(std::move(said));
    loop.stop();
  });
  loop.run();
  EVERUP_ASSERT(outcome.has_value());
  return std::move(*outcome);
}

}  // namespace everup::app
