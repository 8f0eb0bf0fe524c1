// See api/dispatcher.h.
#include "api/dispatcher.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "api/audit.h"
#include "api/auth.h"
#include "api/cache_policy.h"
#include "api/cors.h"
#include "api/parameters.h"
#include "api/problem.h"
#include "api/status_address.h"
#include "net/digest.h"
#include "reports/status_page.h"

namespace everup::api {
namespace {

constexpr std::size_t kPathBytesMax = 1024;
constexpr std::uint64_t kStrangersBodyMax = 64 * 1024;
constexpr std::string_view kUnmatched = "(none)";
constexpr std::string_view kAllMethods = "GET, HEAD, POST, PATCH, DELETE, OPTIONS";

bool is_get(const HttpRequest& request) { return request.method == "GET" || request.method == "HEAD"; }

bool cached_class(CacheClass cache) {
  switch (cache) {
    case CacheClass::kBadge:
    case CacheClass::kStatusBadge:
    case CacheClass::kReport:
    case CacheClass::kStatusPage:
      return true;
    case CacheClass::kPrivate:
    case CacheClass::kDocument:
    case CacheClass::kNever:
      return false;
  }
  return false;
}

std::string_view media_type(const std::string& content_type) {
  return trim(std::string_view(content_type).substr(0, content_type.find(';')));
}

bool valid_idempotency_key(std::string_view key) {
  return !key.empty() && key.size() <= db::IdempotencyStore::kKeyBytesMax &&
         std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// POSTs that make or change something and whose answer may be stored: not a key's text, not what a probe said.
bool keeps_answers(const Route& route) {
  return route.method == "POST" && route.scope == Scope::kWrite && !route.pattern.ends_with("/check") &&
         !route.pattern.ends_with("/test");
}

// A job sends its log as it is: whatever coding and type its client wrote above it.
bool takes_any_body(const Route& route) {
  return route.pattern.starts_with("/heartbeat/") || route.pattern.starts_with("/ping/");
}

// What is kept, in place of an answer that failed. A status page says so: its readers look for what is true now.
HttpResponse kept_answer(const Route& route, const HttpResponse& kept) {
  HttpResponse response = kept;
  if (route.cache != CacheClass::kStatusPage || !response.content_type.starts_with("text/html")) return response;
  response.body = reports::marked_stale(std::move(response.body));
  response.etag.clear();
  response.set("Cache-Control", "public, max-age=5");
  return response;
}

// Behind a password: nobody else's.
bool is_private(const HttpResponse& response) {
  const std::string* control = response.find("Cache-Control");
  return control != nullptr && control->starts_with("private");
}

}  // namespace

std::string pack_answer(const HttpResponse& response) {
  const std::string* location = response.find("Location");
  return response.content_type + "\n" + response.etag + "\n" + (location != nullptr ? *location : "") + "\n" +
         response.body;
}

HttpResponse unpack_answer(int status, std::string_view text) {
  std::array<std::string_view, 3> lines;
  for (auto& line : lines) {
    const auto end = std::min(text.find('\n'), text.size());
    line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  HttpResponse response;
  response.status = status;
  response.content_type = lines[0];
  response.etag = lines[1];
  if (!lines[2].empty()) response.set("Location", std::string(lines[2]));
  response.body = text;
  response.set("Idempotent-Replayed", "true");
  return response;
}

Dispatcher::Dispatcher(House& house, net::Loop& loop, HandlerPool& pool, DispatcherSettings settings)
    : house_(house),
      loop_(loop),
      pool_(pool),
      settings_(std::move(settings)),
      server_(routes()),
      limiter_(settings_.rate_limit),
      id_prefix_("req_" + net::random_token().substr(0, 12)) {}

HeadVerdict Dispatcher::judge_head(const HttpRequest& head) {
  std::string path;
  if (!normalise_path(head.path, &path)) return {};
  const PathMatch match = match_path(head.method, path);
  if (match.route == nullptr) return {kStrangersBodyMax, {}};
  const HeadVerdict verdict{std::max<std::uint64_t>(match.route->body_bytes_max, 1024), {}};
  // A stranger could else park megabytes here with each of his connections: without a key nobody's body is waited for.
  if (head.content_length <= kStrangersBodyMax || !wanted_scope(match.route->scope)) return verdict;
  const auto token = bearer_token(head);
  if (token && db::plausible_key(*token, *house_.options.vault)) return verdict;
  const std::string* cookies = head.find("cookie");
  if (cookies != nullptr && cookies->find("everup") != std::string::npos) return verdict;  // judged with the request
  return {0, {401, "unauthorized", "a body of more than 64 KiB is read only with a valid key"}};
}

HttpResponse Dispatcher::on_refusal(const Refusal& refusal) {
  HttpResponse response = problem(refusal.status, refusal.code, refusal.detail);
  if (refusal.status == 401) response.set("WWW-Authenticate", "Bearer realm=\"everup\"");
  if (refusal.status == 405) response.set("Allow", std::string(kAllMethods));
  finish_problem(&response, new_request_id(HttpRequest{}));
  response.close = true;
  house_.metrics.count(kUnmatched, "", refusal.status, 0);
  return response;
}

std::string Dispatcher::new_request_id(const HttpRequest& request) {
  if (const std::string* given = request.find("x-request-id");
      given != nullptr && !given->empty() && given->size() <= 64) {
    const bool plain = std::all_of(given->begin(), given->end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
             c == '.' || c == ':';
    });
    if (plain) return *given;
  }
  std::array<char, 24> number{};
  std::snprintf(number.data(), number.size(), "%08llx", static_cast<unsigned long long>(next_id_++));
  return id_prefix_ + number.data();
}

void Dispatcher::on_request(HttpRequest&& request, const Peer& peer, Reply reply) {
  auto x = std::make_shared<Exchange>();
  x->request = std::move(request);
  x->started = loop_.now().mono;
  x->now = loop_.now().wall;
  x->reply = std::move(reply);
  x->request_id = new_request_id(x->request);
  x->client = client_of(peer, x->request, settings_.trusted);
  if (auto refusal = judge(*x, peer)) return finish(x, *std::move(refusal));
  if (answer_from_cache(x)) return;
  if (x->route->where == Where::kLoop) return run(x);
  enqueue(x);
}

std::optional<HttpResponse> Dispatcher::judge(Exchange& x, const Peer& peer) {
  if (x.request.path.size() > kPathBytesMax || !normalise_path(x.request.path, &x.path)) {
    return problem(400, "bad_path", "the path has a broken escape, or more than 1024 bytes");
  }
  if (auto page = path_on_domain(x.request.host, x.path, house_.options.base_url)) x.path = *std::move(page);
  const bool everything = x.path == "*";
  const PathMatch match = match_path(x.request.method, x.path);
  x.route = match.route;
  x.is_public = match.is_public;
  if (peer.metrics_listener) {
    x.client.direct_loopback = true;  // who may reach that listener may read
    if (x.path != "/metrics" && x.path != "/healthz" && x.path != "/readyz")
      return problem(404, "not_found", "nothing is here");
  }
  if (x.request.method == "OPTIONS" && (everything || !match.allow.empty())) {
    return preflight(settings_.cors_origins, x.request, x.is_public, everything ? kAllMethods : match.allow);
  }
  if (match.allow.empty()) return problem(404, "not_found", "nothing is here");
  if (match.route == nullptr) {
    HttpResponse response =
        problem(405, "method_not_allowed", x.request.method + " is not allowed here; allowed are " + match.allow);
    response.set("Allow", match.allow);
    return response;
  }
  if (auto refusal = judge_key(x)) return refusal;
  return judge_body(x);
}

std::optional<HttpResponse> Dispatcher::judge_key(Exchange& x) {
  if (x.route->scope == Scope::kDoor && !is_safe_method(x.request.method) &&
      from_foreign_page(x.request, site_of(x.request, x.client, house_.options.base_url), settings_.cors_origins)) {
    return problem(403, "csrf", "this is sent from a page of ours, or by a program");
  }
  if (!wanted_scope(x.route->scope)) return std::nullopt;
  // A stranger's form, or somebody's whose browser adds a cookie to it: without the proof of our own page he is nobody.
  if (x.route->scope == Scope::kOpen && x.request.find("authorization") == nullptr &&
      x.request.find("x-csrf-token") == nullptr) {
    return std::nullopt;
  }
  const auto token = bearer_token(x.request);
  if (!token && x.request.find("authorization") == nullptr) {  // a key is believed before a cookie
    const Site site = site_of(x.request, x.client, house_.options.base_url);
    if (auto cookie = session_cookie(x.request, site)) return judge_cookie(x, site, *std::move(cookie));
  }
  if (!token) return unauthorized(x.request.find("authorization") != nullptr);
  if (!db::plausible_key(*token, *house_.options.vault)) return unauthorized(true);
  x.key_digest = house_.options.vault->digest(*token);
  return judge_rate(x);
}

std::optional<HttpResponse> Dispatcher::judge_cookie(Exchange& x, const Site& site, std::string&& token) {
  if (!db::plausible_session(token) || house_.options.people.persons == nullptr) return session_ended();
  if (!is_safe_method(x.request.method) && (!from_our_page(x.request, site, settings_.cors_origins) ||
                                            !csrf_fits(x.request, token, *house_.options.vault))) {
    return problem(403, "csrf", "a change by cookie wants X-CSRF-Token and comes from a page of ours");
  }
  x.session_token = std::move(token);
  x.key_digest = house_.options.vault->digest(x.session_token);
  return judge_rate(x);
}

std::optional<HttpResponse> Dispatcher::judge_rate(Exchange& x) {
  x.rate = limiter_.take(x.key_digest, x.started);
  x.rated = true;
  if (!x.rate.allowed)
    return problem(429, "rate_limited",
                   "at most " + std::to_string(limiter_.limit().requests) + " requests in " +
                       std::to_string(limiter_.limit().window_s) + " s");
  return std::nullopt;
}

std::optional<HttpResponse> Dispatcher::judge_body(const Exchange& x) const {
  if (takes_any_body(*x.route)) return std::nullopt;
  if (const std::string* coding = x.request.find("content-encoding");
      coding != nullptr && !iequals(*coding, "identity")) {
    return problem(415, "unsupported_encoding", "request bodies are read uncompressed");
  }
  if (x.route->body_bytes_max == 0) {
    // An empty object is what many clients send with an action.
    if (x.request.body.empty() || (x.request.method == "POST" && trim(x.request.body) == "{}")) return std::nullopt;
    return problem(400, "body_not_allowed", x.request.method + " takes no body here");
  }
  if (x.route->scope == Scope::kPublic) return std::nullopt;  // forms of pages and one-click mail readers
  const std::string* type = x.request.find("content-type");
  const auto given = type == nullptr ? std::string_view() : media_type(*type);
  if (x.route->scope == Scope::kDoor && !x.route->pattern.starts_with("/api/")) {  // a page's form
    if (iequals(given, "application/x-www-form-urlencoded")) return std::nullopt;
    return problem(415, "unsupported_media_type", "this is sent by the form of its page");
  }
  const bool patch = x.request.method == "PATCH";
  if (iequals(given, x.route->media) || (patch && iequals(given, "application/merge-patch+json"))) return std::nullopt;
  HttpResponse response = problem(415, "unsupported_media_type",
                                  patch ? "send Content-Type: application/merge-patch+json or application/json"
                                        : "send Content-Type: " + std::string(x.route->media));
  response.set(patch ? "Accept-Patch" : "Accept-Post",
               patch ? "application/merge-patch+json, application/json" : std::string(x.route->media));
  return response;
}

bool Dispatcher::answer_from_cache(const ExchangePtr& x) {
  if (!cached_class(x->route->cache) || !is_get(x->request)) return false;
  x->cache_key = x->path + "?" + x->request.query;
  PublicCache::Look look = cache_.find(x->cache_key, x->started);
  if (look.kept != nullptr && !look.refresh) {
    finish(x, HttpResponse(*look.kept), true);
    return true;
  }
  x->kept = std::move(look.kept);
  return false;
}

void Dispatcher::enqueue(const ExchangePtr& x) {
  HandlerPool::Job job;
  job.run = [this, x] { run(x); };
  job.expired = [this, x] { busy(x, "no handler was free in time"); };
  job.start_before = x->started + house_.options.handler_deadline;
  if (!pool_.submit(std::move(job))) busy(x, "the queue of requests is full");
}

void Dispatcher::busy(const ExchangePtr& x, std::string_view why) {
  HttpResponse response = problem(503, "overloaded", why);
  if (!x->cache_key.empty()) return publish(x, std::move(response));
  finish(x, std::move(response));
}

void Dispatcher::run(const ExchangePtr& x) {
  Answer result = answer(*x);
  if (auto* later = std::get_if<Later>(&result)) return begin_later(x, std::move(*later));
  auto& response = std::get<HttpResponse>(result);
  if (!x->cache_key.empty()) return publish(x, std::move(response));
  finish(x, std::move(response));
}

Answer Dispatcher::answer(Exchange& x) {
  std::optional<Caller> caller;
  if (auto refusal = authorise(x, &caller)) return *std::move(refusal);
  if (caller && keeps_answers(*x.route)) {
    if (auto kept = begin_idempotent(x, *caller)) return *std::move(kept);
  }
  Call call;
  call.request = &x.request;
  call.caller = caller;
  call.client = x.client;
  call.request_id = x.request_id;
  call.now = x.now;
  call.house = &house_;
  if (caller && is_audited(*x.route) && house_.options.people.members != nullptr) begin_audit(x, call);
  Answer result = server_.handle(x.request, x.path, x.request.body, call);
  if (x.audit && !call.audit_before.empty()) x.audit->before = std::move(call.audit_before);
  if (const auto* response = std::get_if<HttpResponse>(&result)) settle(x, *response);
  return result;
}

void Dispatcher::settle(Exchange& x, const HttpResponse& response) {
  if (x.audit) end_audit(x, response);
  if (x.idempotent) end_idempotent(x, *x.caller, response);
}

void Dispatcher::begin_audit(Exchange& x, const Call& call) {
  x.caller = call.caller;
  x.audit = audit_row(call, *x.route, x.path);
  const Route* reader = reader_of(*x.route);
  if (reader == nullptr) return;
  const auto id = reader->pattern.find("{id}");
  HttpRequest request;
  request.method = "GET";
  request.host = x.request.host;
  request.path = id == std::string_view::npos ? x.path : x.path.substr(0, x.path.find('/', id));
  Call look = call;
  look.request = &request;
  Answer former = server_.handle(request, request.path, {}, look);
  if (auto* response = std::get_if<HttpResponse>(&former); response != nullptr && response->status == 200)
    x.audit->before = std::move(response->body);
}

void Dispatcher::end_audit(Exchange& x, const HttpResponse& response) {
  db::AuditRow row = *std::move(x.audit);
  x.audit.reset();
  if (response.status < 200 || response.status >= 300) return;
  row.after = response.body;
  if (const std::string id = id_in(row.before); !id.empty())
    row.object = id;
  else if (const std::string made = id_in(row.after); !made.empty())
    row.object = made;
  keep_difference(&row.before, &row.after);
  const Status noted = house_.options.people.members->note(x.caller->account, std::move(row));
  if (!noted.ok()) house_.log(x.request_id, "audit log: " + noted.error().what);
}

std::optional<HttpResponse> Dispatcher::authorise(const Exchange& x, std::optional<Caller>* caller) {
  const auto wanted = wanted_scope(x.route->scope);
  if (!wanted) return std::nullopt;
  if (!x.session_token.empty()) return authorise_person(x, *wanted, caller);
  if (x.route->scope == Scope::kOpen && x.key_digest.empty()) return std::nullopt;
  auto identity = house_.keys.find(x.key_digest, x.started);
  if (!identity) {
    const auto token = bearer_token(x.request);
    auto found = house_.accounts().find_key(token ? *token : std::string_view());
    if (!found.ok()) {
      house_.log(x.request_id, found.error().what);
      return problem_of(found.error());
    }
    if (!found->has_value()) return unauthorized(true);
    identity = **found;
    house_.keys.put(x.key_digest, *identity, x.started);
  }
  if (x.route->scope == Scope::kPerson) return problem(403, "forbidden", "this needs a person who is signed in");
  if (!db::allows(identity->scope, *wanted)) return forbidden(*wanted);
  *caller = Caller{identity->account, identity->key, identity->scope, {}};
  return std::nullopt;
}

// Asked anew for each request: who is signed out, demoted or removed is so at once, on every node.
std::optional<HttpResponse> Dispatcher::authorise_person(const Exchange& x, db::Scope wanted,
                                                         std::optional<Caller>* caller) {
  auto found = house_.options.people.persons->find_session(x.session_token);
  if (!found.ok()) {
    house_.log(x.request_id, found.error().what);
    return problem_of(found.error());
  }
  if (!found->has_value()) return session_ended();
  const db::Scope scope = db::scope_of((*found)->role);
  if (!db::allows(scope, wanted)) return forbidden(wanted);
  *caller = Caller{(*found)->account, KeyId{}, scope, **found};
  return std::nullopt;
}

std::optional<HttpResponse> Dispatcher::begin_idempotent(Exchange& x, const Caller& caller) {
  const std::string* key = x.request.find("idempotency-key");
  if (key == nullptr) return std::nullopt;
  if (!valid_idempotency_key(*key)) return problem(400, "bad_idempotency_key", "has 1 to 255 visible ASCII characters");
  const std::string route = x.request.method + " " + x.path;
  const auto hash = house_.options.vault->digest(x.request.query + "\n" + x.request.body);
  const auto begun = house_.idempotency().begin(caller.account, *key, route, hash);
  if (!begun.ok()) {
    house_.log(x.request_id, begun.error().what);
    return problem_of(begun.error());
  }
  switch (begun->kind) {
    case db::IdempotencyAnswer::Kind::kFirst:
      x.idempotent = true;
      x.caller = caller;
      return std::nullopt;
    case db::IdempotencyAnswer::Kind::kReplay:
      return unpack_answer(begun->status, begun->response);
    case db::IdempotencyAnswer::Kind::kInProgress: {
      HttpResponse response = problem(409, "idempotency_in_progress", "the first request with this key still runs");
      response.set("Retry-After", "1");
      return response;
    }
    case db::IdempotencyAnswer::Kind::kMismatch:
      return problem(422, "idempotency_mismatch", "this key was used for another route or body");
  }
  return std::nullopt;
}

void Dispatcher::end_idempotent(const Exchange& x, const Caller& caller, const HttpResponse& response) {
  const std::string& key = *x.request.find("idempotency-key");
  const std::string packed = pack_answer(response);
  const bool keep = response.status < 500 && packed.size() <= db::IdempotencyStore::kResponseBytesMax;
  const Status ended = keep ? house_.idempotency().finish(caller.account, key, response.status, packed)
                            : house_.idempotency().abandon(caller.account, key);
  if (!ended.ok()) house_.log(x.request_id, ended.error().what);
}

void Dispatcher::begin_later(const ExchangePtr& x, Later&& later) {
  if (laters_.fetch_add(1) >= kLatersMax)
    return finish_later(x, problem(503, "overloaded", "too many answers wait already"));
  const bool posted = loop_.post([this, x, later = std::move(later)] {
    later.begin(loop_, [this, x](HttpResponse&& response) { finish_later(x, std::move(response)); });
  });
  if (!posted) finish_later(x, problem(503, "overloaded", "too busy"));
}

// An answer that is kept under its Idempotency-Key, or audited, is stored on a handler thread. When none is free the
// key stays in progress and gives itself free after a minute (idempotency_store.h).
void Dispatcher::finish_later(const ExchangePtr& x, HttpResponse&& response) {
  laters_.fetch_sub(1);
  if (!x->idempotent && !x->audit) return finish(x, std::move(response));
  auto kept = std::make_shared<HttpResponse>(std::move(response));
  const auto out = [this, x, kept] { finish(x, std::move(*kept)); };
  const bool taken = house_.on_pool(
      [this, x, kept, out] {
        settle(*x, *kept);
        out();
      },
      out);
  if (!taken) out();
}

// A public answer: on the loop's thread into the cache, and out. When the handler failed, what was kept is better than
// nothing.
void Dispatcher::publish(const ExchangePtr& x, HttpResponse&& response) {
  decorate_shared(*x, &response);
  auto shared = std::make_shared<const HttpResponse>(std::move(response));
  const bool posted = loop_.post([this, x, shared] {
    if (is_private(*shared)) {
      cache_.forget(x->cache_key);
      return finish(x, HttpResponse(*shared), true);
    }
    if (shared->status < 500) {
      // 400s depend on the query alone and cost no query: not kept.
      if (shared->status != 400) cache_.put(x->cache_key, shared, loop_.now().mono);
      return finish(x, HttpResponse(*shared), true);
    }
    cache_.failed(x->cache_key);
    if (x->kept != nullptr) return finish(x, kept_answer(*x->route, *x->kept), true);
    finish(x, HttpResponse(*shared), true);
  });
  if (!posted) finish(x, HttpResponse(*shared), true);
}

// What does not depend on who asks.
void Dispatcher::decorate_shared(const Exchange& x, HttpResponse* response) const {
  add_cors(settings_.cors_origins, x.request, x.is_public, response);
  apply_cache_policy(x.route == nullptr ? CacheClass::kNever : x.route->cache, response);
}

void Dispatcher::finish(const ExchangePtr& x, HttpResponse&& response, bool decorated) {
  if (!decorated) decorate_shared(*x, &response);
  finish_problem(&response, x->request_id);
  if (x->rated) add_rate_fields(limiter_.limit(), x->rate, &response);
  if (x->route != nullptr) {
    if (const int age = shared_max_age_s(x->route->cache); age > 0 && response.status == 200) {
      response.set("Expires", http_date(x->now + std::chrono::seconds(age)));
    }
  }
  response.set("X-Request-Id", x->request_id);
  negotiate(x->request, &response);
  const auto seconds = std::chrono::duration<double>(loop_.clock().now().mono - x->started).count();
  house_.metrics.count(x->route == nullptr ? kUnmatched : x->route->pattern,
                       x->route == nullptr ? std::string_view() : x->route->method, response.status, seconds);
  x->reply(std::move(response));
}

}  // namespace everup::api
