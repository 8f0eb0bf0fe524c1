#include "checker/address_finder.h"

#include <algorithm>
#include <utility>

namespace everup::checker {

Cause cause_of(net::LookupFailure failure) {
  switch (failure) {
    case net::LookupFailure::kNone:
      return Cause::kOk;
    case net::LookupFailure::kNameError:
    case net::LookupFailure::kServerFailure:
      return Cause::kDnsFailure;
    case net::LookupFailure::kUnavailable:
    case net::LookupFailure::kDeadline:
      return Cause::kDnsUnavailable;
    case net::LookupFailure::kCancelled:
      return Cause::kShutdown;
  }
  return Cause::kInternal;
}

bool connect_failure(Cause cause) {
  return cause == Cause::kConnectRefused || cause == Cause::kConnectTimeout || cause == Cause::kConnectReset ||
         cause == Cause::kHostUnreachable || cause == Cause::kNetworkUnreachable || cause == Cause::kOwnNetwork;
}

std::string keep_allowed(const net::AddressPolicy& policy, std::string_view host, net::Resolution& resolution,
                         bool from_public_redirect) {
  std::string refusal;
  const auto denied = [&](const net::Address& address) {
    const net::Ruling ruling = policy.judge(address, from_public_redirect);
    if (!ruling.allowed && refusal.empty()) refusal = policy.refusal(host, address, ruling, from_public_redirect);
    return !ruling.allowed;
  };
  std::erase_if(resolution.v4, denied);
  std::erase_if(resolution.v6, denied);
  return resolution.v4.empty() && resolution.v6.empty() ? refusal : std::string();
}

void AddressFinder::start(std::string_view host, std::uint16_t port, IpVersion version, bool strict, Instant deadline,
                          Found found) {
  host_ = std::string(host);
  port_ = port;
  strict_ = strict;
  query_ = places_.resolver.resolve(
      host_, version, deadline,
      [this, found = std::move(found)](net::Resolution&& resolution) { found(judged(std::move(resolution))); });
}

FoundAddresses AddressFinder::judged(net::Resolution&& resolution) const {
  FoundAddresses out;
  if (!resolution.ok()) {
    out.cause = cause_of(resolution.failure);
    out.detail = std::move(resolution.detail);
    return out;
  }
  if (strict_) out.detail = keep_allowed(places_.policy, host_, resolution);
  if (!out.detail.empty()) {
    out.cause = Cause::kAddressRefused;
    return out;
  }
  for (std::size_t i = 0; i < std::max(resolution.v4.size(), resolution.v6.size()); ++i) {
    if (i < resolution.v6.size()) out.addresses.push_back(resolution.v6[i].with_port(port_));
    if (i < resolution.v4.size()) out.addresses.push_back(resolution.v4[i].with_port(port_));
  }
  return out;
}

}  // namespace everup::checker
