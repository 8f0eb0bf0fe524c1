// See api/rate_limit.h.
#include "api/rate_limit.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace everup::api {
namespace {

bool number(std::string_view text, std::int64_t* out) {
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, *out);
  return error == std::errc() && at == end;
}

}  // namespace

Result<RateLimit> parse_rate_limit(std::string_view text) {
  if (text == "0") return RateLimit{0, 60};
  const auto slash = text.find('/');
  RateLimit out;
  const bool fine = slash != std::string_view::npos && number(text.substr(0, slash), &out.requests) &&
                    number(text.substr(slash + 1), &out.window_s) && out.requests >= 1 && out.requests <= 1'000'000 &&
                    out.window_s >= 1 && out.window_s <= 86'400;
  if (!fine) return Error{ErrorCode::kInvalid, "EVERUP_RATE_LIMIT: write requests/seconds (600/60), or 0 for none"};
  return out;
}

RateVerdict RateLimiter::take(std::string_view key, Instant now) {
  if (limit_.requests == 0) return {};
  const auto length = std::chrono::seconds(limit_.window_s);
  auto found = windows_.find(std::string(key));
  if (found == windows_.end()) {
    if (windows_.size() >= kKeysMax) make_room(now);
    found = windows_.emplace(std::string(key), Window{now, 0}).first;
  }
  Window& window = found->second;
  if (now - window.begin >= length) window = {now, 0};
  const auto left = std::chrono::ceil<std::chrono::seconds>(length - (now - window.begin));
  RateVerdict verdict;
  verdict.reset_s = left.count();
  verdict.allowed = window.used < limit_.requests;
  if (verdict.allowed) ++window.used;
  verdict.remaining = limit_.requests - window.used;
  return verdict;
}

void RateLimiter::make_room(Instant now) {
  std::erase_if(windows_,
                [&](const auto& entry) { return now - entry.second.begin >= std::chrono::seconds(limit_.window_s); });
  if (windows_.size() < kKeysMax) return;
  // The older half goes, so that a flood of keys costs little per key.
  std::vector<Instant> begins;
  begins.reserve(windows_.size());
  for (const auto& [key, window] : windows_) begins.push_back(window.begin);
  const auto middle = begins.begin() + static_cast<std::ptrdiff_t>(begins.size() / 2);
  std::nth_element(begins.begin(), middle, begins.end());
  std::erase_if(windows_, [median = *middle](const auto& entry) { return entry.second.begin <= median; });
}

void add_rate_fields(const RateLimit& limit, const RateVerdict& verdict, HttpResponse* response) {
  if (limit.requests == 0) return;
  response->set("RateLimit-Policy",
                "\"default\";q=" + std::to_string(limit.requests) + ";w=" + std::to_string(limit.window_s));
  response->set("RateLimit",
                "\"default\";r=" + std::to_string(verdict.remaining) + ";t=" + std::to_string(verdict.reset_s));
  if (!verdict.allowed) response->set("Retry-After", std::to_string(std::max<std::int64_t>(1, verdict.reset_s)));
}

}  // namespace everup::api
