// A datagram socket connected to one address: for DNS over UDP and for unprivileged ICMP echo (ping(7) calls them "ping
// sockets"). Connected, so that the kernel drops what others send and tells ICMP errors.
//
// Values; the descriptor is the caller's and non-blocking. The address policy is asked before connect(2). errno becomes
// a cause as for streams: our own exhaustion is never the target's fault.
#pragma once

#include <string>

#include "core/outcome.h"
#include "net/address.h"
#include "net/address_policy.h"
#include "net/fd.h"

namespace everup::net {

enum class Datagram : std::uint8_t { kUdp, kIcmpEcho };

struct OpenedDatagram {
  Fd fd;                     // set when cause is kOk
  Cause cause = Cause::kOk;  // kPingForbidden: the system lets this group open no ping sockets
  std::string detail;
};

// `policy` null: none (RULES D 7). The port of `peer` counts for kUdp only.
OpenedDatagram open_datagram(Datagram kind, const Address& peer, const AddressPolicy* policy);
// What errno of send(2) or recv(2) on such a socket means: kConnectRefused for an ICMP "port unreachable", …
Cause datagram_cause(int error);

}  // namespace everup::net
