// Who is asking: the connection's other end, or the client that a trusted proxy names (EVERUP_TRUSTED_PROXIES, SHAPES
// 7). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_message.h"
#include "core/result.h"
#include "net/address.h"

namespace everup::api {

class TrustedProxies {
 public:
  // CIDRs and the word `unix`, separated by spaces or commas.
  static Result<TrustedProxies> parse(std::string_view text);
  bool trusts(const net::Address& address) const;
  bool trusts_unix() const { return unix_; }

 private:
  std::vector<net::Cidr> networks_;
  bool unix_ = false;
};

struct Peer {
  std::optional<net::Address> address;  // nullopt: a unix socket
  bool metrics_listener = false;        // came in by EVERUP_METRICS_LISTEN
  bool loopback() const;                // unix sockets count
};

struct Client {
  std::optional<net::Address> address;  // nullopt: unix socket without a forwarded address
  bool https = false;
  bool direct_loopback = false;  // a loopback peer that sent no X-Forwarded-For, Forwarded or Via
};
// From a trusted peer the rightmost untrusted entry of X-Forwarded-For is the client and X-Forwarded-Proto the scheme;
// from any other peer these fields mean nothing.
Client client_of(const Peer& peer, const HttpRequest& request, const TrustedProxies& trusted);

}  // namespace everup::api
