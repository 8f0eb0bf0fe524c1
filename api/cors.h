// Cross-origin decisions, pure: exact origins, echoed, with credentials and Vary; never "*" with credentials, never
// "null", no suffixes. Public resources (badges, reports) are "*" without credentials.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http_response.h"
#include "core/result.h"

namespace everup::api {

// EVERUP_CORS_ORIGINS: origins separated by spaces or commas, each "scheme://host[:port]" and nothing more (no path, no
// "*", no "null").
Result<std::vector<std::string>> parse_origins(std::string_view text);
// The Origin field equals one of the list, byte by byte (browsers send it lower-case, without default ports).
bool origin_allowed(const std::vector<std::string>& allowed, std::string_view origin);
// Adds Access-Control-* and Vary to an answer of the API, or "*" to one of the public surface.
void add_cors(const std::vector<std::string>& allowed, const HttpRequest& request, bool is_public,
              HttpResponse* response);
// The answer to a preflight: 204 whatever the origin, with permission only for an allowed one. `methods`: "GET, POST".
HttpResponse preflight(const std::vector<std::string>& allowed, const HttpRequest& request, bool is_public,
                       std::string_view methods);

}  // namespace everup::api
