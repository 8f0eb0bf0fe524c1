// When to try again. Mail: 10 s, 30 s, 2, 5, 15, 30 min, then hourly until the message is 24 h old. Webhooks: the table
// of Standard Webhooks (5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 h). Each with up to 10 % more, so that what failed
// together does not come back together. Pure: the jitter is handed in.
#pragma once

#include <cstdint>
#include <optional>

#include "core/time.h"

namespace everup::alerts {

enum class RetryTable : std::uint8_t { kMail, kWebhook };

inline constexpr milliseconds kMailLifetime{24 * 3'600'000};

// After the `attempt`th try (from 1); nullopt: that was the last one.
std::optional<milliseconds> retry_delay(RetryTable table, int attempt);

struct RetryQuestion {
  RetryTable table = RetryTable::kMail;
  int attempt = 1;
  WallTime created_at, now;
  std::optional<milliseconds>
      asked_for;      // by the other side (Retry-After) or by our own relays' rest: at least so long
  double jitter = 0;  // 0 … 1
};
// nullopt: give up.
std::optional<WallTime> next_try(const RetryQuestion& question);

}  // namespace everup::alerts
