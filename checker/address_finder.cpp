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
  const auto take = [&](const net::Address& address) {
    const net::Ruling ruling = places_.policy.judge(address);
    if (ruling.allowed || !strict_) {
      out.addresses.push_back(address.with_port(port_));
    } else if (out.detail.empty()) {
      out.detail = places_.policy.refusal(host_, address, ruling);
    }
  };
  for (std::size_t i = 0; i < std::max(resolution.v4.size(), resolution.v6.size()); ++i) {
    if (i < resolution.v6.size()) take(resolution.v6[i]);
    if (i < resolution.v4.size()) take(resolution.v4[i]);
  }
  if (out.addresses.empty()) {
    out.cause = Cause::kAddressRefused;
  } else {
    out.detail.clear();
  }
  return out;
}

}  // namespace everup::checker
