// Who calls, and may he: Bearer keys with scopes read < write < admin. Grammar is judged before any query; identities
// are remembered for one second, so that a busy dashboard is not one more query per request and a revoked key still
// ends within that second. KeyCache: any thread. Limit: kEntriesMax identities.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/http_response.h"
#include "api/routes.h"
#include "core/time.h"
#include "db/account_store.h"

namespace everup::api {

// The token of "Authorization: Bearer …" (scheme in any case); nullopt: no such field or another scheme.
std::optional<std::string_view> bearer_token(const HttpRequest& request);
// 401 with WWW-Authenticate (RFC 6750, 3): without a token only the scheme, with a wrong one error="invalid_token".
HttpResponse unauthorized(bool had_token);
// 401 for a cookie whose session is unknown, ended or too old.
HttpResponse session_ended();
HttpResponse forbidden(db::Scope wanted);
// kPublic, kMetrics and kDoor have none; kPerson reads, and wants a person besides (Dispatcher).
std::optional<db::Scope> wanted_scope(Scope scope);

class KeyCache {
 public:
  static constexpr std::size_t kEntriesMax = 10'000;
  static constexpr milliseconds kFresh{1'000};
  // `digest` names the key; only the digest is kept.
  std::optional<db::Identity> find(const std::string& digest, Instant now);
  void put(const std::string& digest, const db::Identity& identity, Instant now);

 private:
  struct Entry {
    db::Identity identity;
    Instant until;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace everup::api
