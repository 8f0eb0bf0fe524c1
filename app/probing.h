// What every prober of this process shares: address policy, resolver settings, probe settings, and a maker per loop
// thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/settings.h"
#include "checker/make_probe.h"
#include "core/result.h"
#include "core/target.h"
#include "net/address_policy.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace everup::app {

// Immutable after make(), but for the policy's own addresses; any thread.
class Probing {
 public:
  // kInvalid names the setting. Tries a prober once, so that a bad CA file is known before anything starts.
  static Result<std::unique_ptr<Probing>> make(const Settings& settings, const std::string& base_url);

  // On the thread of `loop`; resolver included. Must die before the loop does.
  Result<std::unique_ptr<checker::ProbeMaker>> maker(net::Loop& loop) const;
  // The same for strangers at the browser tools: by EVERUP_PUBLIC_TOOLS_ALLOW_TARGETS.
  Result<std::unique_ptr<checker::ProbeMaker>> public_maker(net::Loop& loop) const;
  const net::AddressPolicy& public_policy() const { return public_policy_; }
  // A sentence when the target is an address literal that the policy refuses (SHAPES 6).
  std::optional<std::string> refusal(const Target& target) const;
  // For names, on a loop of the caller's.
  const net::AddressPolicy& policy() const { return policy_; }
  const net::ResolverOptions& resolver() const { return resolver_; }
  Status reread_own_addresses();
  // Before the first maker(): where probes of heartbeats ask. Both outlive the probes.
  void ask_heartbeats_of(HeartbeatSource* source, const Zones* zones) {
    probe_.heartbeats = source;
    probe_.zones = zones;
  }

 private:
  Probing(net::AllowList allow, net::AllowList public_allow)
      : policy_(std::move(allow)), public_policy_(std::move(public_allow)) {}
  net::AddressPolicy policy_, public_policy_;
  net::ResolverOptions resolver_;
  checker::ProbeSettings probe_;
};

// EVERUP_EHLO_NAME, else this host's full name if it knows one without asking anybody, else empty.
std::string ehlo_name_of(const Settings& settings);
// EVERUP_DNSBL_ZONES.
std::vector<std::string> dnsbl_zones_of(const Settings& settings);

}  // namespace everup::app
