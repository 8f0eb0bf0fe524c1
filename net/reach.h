// Who answers a TCP connect: a question to sentinels, which tell whether our own line is alive. Nothing is sent beyond
// the handshake. Blocks; any thread.
#pragma once

#include <vector>

#include "core/clock.h"
#include "core/time.h"
#include "net/address.h"

namespace everup::net {

inline constexpr std::size_t kReachMax = 32;  // addresses at a time; what is more counts as silent

// All at once; true for each that took the connection within `within`. A refusal is no answer: anybody on the way may
// send one.
std::vector<bool> reachable(const std::vector<Address>& addresses, milliseconds within, const Clock& clock);

}  // namespace everup::net
