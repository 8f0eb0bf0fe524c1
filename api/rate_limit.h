// EVERUP_RATE_LIMIT: so many requests in so many seconds per API key, told in RateLimit fields and answered 429 beyond.
// Public GETs have none. Counted over fixed windows that begin with a key's first request. One thread (the front's
// loop). Limit: kKeysMax keys; when full, ended windows go, then the older half.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/http_response.h"
#include "core/result.h"
#include "core/time.h"

namespace everup::api {

struct RateLimit {
  std::int64_t requests = 600;  // 0: none
  std::int64_t window_s = 60;
};
// "600/60" or "0".
Result<RateLimit> parse_rate_limit(std::string_view text);

struct RateVerdict {
  bool allowed = true;
  std::int64_t remaining = 0;
  std::int64_t reset_s = 0;
};

class RateLimiter {
 public:
  static constexpr std::size_t kKeysMax = 10'000;
  explicit RateLimiter(RateLimit limit) : limit_(limit) {}
  const RateLimit& limit() const { return limit_; }
  RateVerdict take(std::string_view key, Instant now);

 private:
  struct Window {
    Instant begin;
    std::int64_t used = 0;
  };
  void make_room(Instant now);
  RateLimit limit_;
  std::unordered_map<std::string, Window> windows_;
};

// RateLimit and RateLimit-Policy as the IETF draft's newest form; Retry-After on 429.
void add_rate_fields(const RateLimit& limit, const RateVerdict& verdict, HttpResponse* response);

}  // namespace everup::api
