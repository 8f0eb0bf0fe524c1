// Whose fault is an errno of connect(2), send(2) or recv(2)? One table for libcurl's sockets and our own streams: what
// the kernel says about our own side is never told as an outage (faults 1.3). Pure.
#pragma once

#include "core/outcome.h"

namespace everup::net {

// kConnectRefused, kConnectTimeout, kConnectReset, kHostUnreachable: the far side's. kNetworkUnreachable,
// kOwnResources, kOwnNetwork: ours; so is every number that is not known here.
Cause socket_cause(int error);

}  // namespace everup::net
