// What a route is, and the table of all of them (routes.cpp, the whole URL map on one page). Handlers are plain
// functions of a Call; they run on the pool when they touch PostgreSQL, else on the front's loop. One table drives the
// router, authorisation, caches, body caps, metrics and the comparison with openapi.yaml.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/http_message.h"
#include "api/http_response.h"
#include "api/peer.h"
#include "core/ids.h"
#include "core/time.h"
#include "db/account_store.h"
#include "db/person_store.h"

namespace everup::net {
class Loop;
}

namespace everup::api {

struct House;  // api/house.h: what handlers work with

// kDoor: no key, but never shared or cached, and cookies are set there (sign-in, set-up). kPerson: somebody signed in
// by cookie, whatever his role; a key is not enough. kOpen: anybody; a key that is sent must be good for writing.
enum class Scope : std::uint8_t { kPublic, kMetrics, kDoor, kPerson, kOpen, kRead, kWrite, kAdmin };
// Where the answer may be kept (cache_policy.h).
enum class CacheClass : std::uint8_t { kPrivate, kBadge, kStatusBadge, kReport, kStatusPage, kDocument, kNever };
enum class Where : std::uint8_t { kLoop, kPool };

struct Caller {
  AccountId account;
  KeyId key;
  db::Scope scope = db::Scope::kRead;
  db::SignedIn person;  // of a caller by cookie; else its user is 0
  bool by_cookie() const { return static_cast<bool>(person.user); }
};

// One request as a handler sees it: already authorised, its path matched, its query split and decoded by the router.
struct Call {
  const HttpRequest* request = nullptr;
  std::vector<std::string> path;                           // values of {…} in order
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  std::string body;
  std::optional<Caller> caller;  // set unless the route is public
  Client client;
  std::string request_id;
  WallTime now;
  House* house = nullptr;
  std::string audit_before;  // JSON of what a handler changed, where no GET of the path shows it
  const std::string* parameter(std::string_view name) const {
    for (const auto& [key, value] : query) {
      if (key == name) return &value;
    }
    return nullptr;
  }
};
// Whose call it is; of routes that are not public.
inline AccountId account(const Call& call) { return call.caller->account; }

// An answer that needs time and no thread: `begin` runs on the front's loop and calls `reply` once.
struct Later {
  std::function<void(net::Loop&, std::function<void(HttpResponse&&)> reply)> begin;
};
using Answer = std::variant<HttpResponse, Later>;

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/api/v1/monitors/{id}"
  Scope scope;
  CacheClass cache;
  Where where;
  std::uint64_t body_bytes_max;  // 0: takes no body
  // Query parameters it knows, separated by spaces; "*": judges them itself.
  std::string_view parameters;
  Answer (*handler)(Call&);
  std::string_view media = "application/json";  // of a POST's body
};

const std::vector<Route>& routes();

// The routes whose pattern fits a normalised path, whatever the method; HEAD is served by GET.
struct PathMatch {
  const Route* route = nullptr;  // null: no such path, or not with this method (see allow)
  std::string allow;             // "GET, HEAD, POST"; empty: no such path
  bool is_public = true;
};
PathMatch match_path(std::string_view method, std::string_view path);
// Does `path` fit `pattern`? Values of {…} are never empty and hold no '/'.
bool fits(std::string_view pattern, std::string_view path);

}  // namespace everup::api
