// What the alerter tells about itself, as a plain snapshot: /metrics and /readyz print it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace everup {

struct DeliveryStats {
  // Messages by kind of channel ("email") and result ("sent", "failed", "retried", "gone").
  std::map<std::pair<std::string, std::string>, std::uint64_t> deliveries;
  std::uint64_t outbox_errors = 0;
  int held = 0;        // claimed and not yet settled
  std::string relays;  // "ok", or what is wrong with them, in English
};

}  // namespace everup
