// See api/auth.h.
#include "api/auth.h"

#include "api/problem.h"

namespace everup::api {

std::optional<std::string_view> bearer_token(const HttpRequest& request) {
  const std::string* value = request.find("authorization");
  if (value == nullptr) return std::nullopt;
  const std::string_view text = *value;
  const auto space = text.find(' ');
  if (space == std::string_view::npos || !iequals(text.substr(0, space), "Bearer")) return std::nullopt;
  const auto token = trim(text.substr(space + 1));
  if (token.empty() || token.size() > 256) return std::nullopt;
  return token;
}

HttpResponse unauthorized(bool had_token) {
  HttpResponse response =
      problem(401, "unauthorized",
              had_token ? "the key is unknown, expired or revoked" : "send Authorization: Bearer everup_…");
  response.set("WWW-Authenticate",
               had_token ? "Bearer realm=\"everup\", error=\"invalid_token\"" : "Bearer realm=\"everup\"");
  return response;
}

HttpResponse session_ended() {
  HttpResponse response = problem(401, "unauthorized", "the session has ended; sign in again");
  response.set("WWW-Authenticate", "Bearer realm=\"everup\"");
  return response;
}

HttpResponse forbidden(db::Scope wanted) {
  const std::string scope(db::name(wanted));
  HttpResponse response = problem(403, "forbidden", "this needs a key of scope " + scope + ", or a role that has it");
  response.set("WWW-Authenticate", "Bearer realm=\"everup\", error=\"insufficient_scope\", scope=\"" + scope + "\"");
  return response;
}

std::optional<db::Scope> wanted_scope(Scope scope) {
  switch (scope) {
    case Scope::kPublic:
    case Scope::kMetrics:
    case Scope::kDoor:
      return std::nullopt;
    case Scope::kPerson:
    case Scope::kRead:
      return db::Scope::kRead;
    case Scope::kOpen:
    case Scope::kWrite:
      return db::Scope::kWrite;
    case Scope::kAdmin:
      return db::Scope::kAdmin;
  }
  return db::Scope::kAdmin;
}

std::optional<db::Identity> KeyCache::find(const std::string& digest, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(digest);
  if (found == entries_.end() || found->second.until < now) return std::nullopt;
  return found->second.identity;
}

void KeyCache::put(const std::string& digest, const db::Identity& identity, Instant now) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= kEntriesMax)
    std::erase_if(entries_, [now](const auto& entry) { return entry.second.until < now; });
  if (entries_.size() >= kEntriesMax) return;  // it is a cache: not remembering is only slower
  entries_[digest] = {identity, now + kFresh};
}

}  // namespace everup::api
