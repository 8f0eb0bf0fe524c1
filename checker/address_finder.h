// From a target's host to the addresses that may be asked: resolved, judged by the address policy, in the order in
// which they are tried. What is shared by probes that make one connection at a time (TCP, DNS, ping).
//
// Owned by one probe, on its loop's thread; what Places points to outlives it. `found` is called once, never from
// inside start(); destroying the finder cancels it. Limit: 32 addresses a family, as the resolver's. No timer of its
// own beyond the deadline that is given.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/monitor.h"
#include "core/outcome.h"
#include "net/address.h"
#include "net/address_policy.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace everup::checker {

struct Places {
  net::Loop& loop;
  net::Resolver& resolver;
  const net::AddressPolicy& policy;
};

struct FoundAddresses {
  // kOk: `addresses` is not empty; else kDnsFailure, kDnsUnavailable, kAddressRefused, kShutdown.
  Cause cause = Cause::kOk;
  std::string detail;
  std::vector<net::Address> addresses;  // IPv6 and IPv4 in turn (RFC 8305 section 4), with `port`
};

class AddressFinder {
 public:
  using Found = std::function<void(FoundAddresses&&)>;

  explicit AddressFinder(const Places& places) : places_(places) {}
  // `strict` false: no policy (RULES D 7).
  void start(std::string_view host, std::uint16_t port, IpVersion version, bool strict, Instant deadline, Found found);
  void cancel() { query_.cancel(); }

 private:
  FoundAddresses judged(net::Resolution&& resolution) const;

  Places places_;
  std::string host_;
  std::uint16_t port_ = 0;
  bool strict_ = true;
  net::Query query_;
};

// Takes away what the address policy denies. Empty: something is left; else the words that name the way out (SHAPES 6).
std::string keep_allowed(const net::AddressPolicy& policy, std::string_view host, net::Resolution& resolution,
                         bool from_public_redirect = false);
// What a failed lookup means for a monitor (RULES B 11).
Cause cause_of(net::LookupFailure failure);
// Where another address may still do: nobody has answered as the target would.
bool connect_failure(Cause cause);

}  // namespace everup::checker
