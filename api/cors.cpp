// See api/cors.h; the Fetch standard, section 3.2.
#include "api/cors.h"

#include <algorithm>
#include <cctype>

namespace everup::api {
namespace {

constexpr std::string_view kExposed =
    "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, Idempotent-Replayed";
constexpr std::string_view kRequestFields =
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-CSRF-Token, X-Request-Id";

bool valid_origin(std::string_view origin) {
  const bool https = origin.starts_with("https://");
  if (!https && !origin.starts_with("http://")) return false;
  const auto rest = origin.substr(https ? 8 : 7);
  const bool plain = std::all_of(rest.begin(), rest.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':' || c == '[' || c == ']';
  });
  if (rest.empty() || !plain || rest.back() == '.' || rest.back() == ':') return false;
  // A browser leaves the default port out, so an entry with it would never match.
  return !rest.ends_with(https ? ":443" : ":80");
}

}  // namespace

Result<std::vector<std::string>> parse_origins(std::string_view text) {
  std::vector<std::string> origins;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find_first_of(" ,\n\t", at), text.size());
    if (const auto origin = text.substr(at, end - at); !origin.empty()) {
      if (!valid_origin(origin)) {
        return Error{ErrorCode::kInvalid,
                     "'" + std::string(origin) +
                         "' is not an origin: write https://host or https://host:port, lower case, no default "
                         "port, no path, no *"};
      }
      origins.emplace_back(origin);
    }
    at = end + 1;
  }
  if (origins.size() > 100) return Error{ErrorCode::kInvalid, "at most 100 origins"};
  return origins;
}

bool origin_allowed(const std::vector<std::string>& allowed, std::string_view origin) {
  return std::find(allowed.begin(), allowed.end(), origin) != allowed.end();
}

void add_cors(const std::vector<std::string>& allowed, const HttpRequest& request, bool is_public,
              HttpResponse* response) {
  if (is_public) {
    response->set("Access-Control-Allow-Origin", "*");
    return;
  }
  response->append("Vary", "Origin");
  const std::string* origin = request.find("origin");
  if (origin == nullptr || !origin_allowed(allowed, *origin)) return;
  response->set("Access-Control-Allow-Origin", *origin);
  response->set("Access-Control-Allow-Credentials", "true");
  response->set("Access-Control-Expose-Headers", std::string(kExposed));
}

HttpResponse preflight(const std::vector<std::string>& allowed, const HttpRequest& request, bool is_public,
                       std::string_view methods) {
  HttpResponse response;
  response.status = 204;
  response.set("Allow", std::string(methods));
  const std::string* origin = request.find("origin");
  const bool asks = origin != nullptr && request.find("access-control-request-method") != nullptr;
  if (asks && (is_public || origin_allowed(allowed, *origin))) {
    response.set("Access-Control-Allow-Methods", std::string(methods));
    response.set("Access-Control-Allow-Headers", std::string(kRequestFields));
    response.set("Access-Control-Max-Age", "600");
  }
  return response;
}

}  // namespace everup::api
