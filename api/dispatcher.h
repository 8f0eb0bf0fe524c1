// Between the front and the handlers: finds the route, judges what can be judged without a database (path, content
// type, key grammar, rate limit), answers from the public cache, sends the rest to a handler thread, and puts on every
// answer what all answers have.
//
// Owned by Api. on_request() runs on the front's loop; run() on a handler thread (or the loop, for routes that touch
// nothing); finish() on either. Limits: kLatersMax answers under way that need no thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/handler_pool.h"
#include "api/house.h"
#include "api/http_front.h"
#include "api/http_server.h"
#include "api/public_cache.h"
#include "api/rate_limit.h"
#include "api/routes.h"
#include "db/member_store.h"
#include "net/loop.h"

namespace everup::api {

struct DispatcherSettings {
  TrustedProxies trusted;
  std::vector<std::string> cors_origins;
  RateLimit rate_limit;
};

class Dispatcher final : public FrontApp {
 public:
  static constexpr int kLatersMax = 128;
  Dispatcher(House& house, net::Loop& loop, HandlerPool& pool, DispatcherSettings settings);

  HeadVerdict judge_head(const HttpRequest& head) override;
  void on_request(HttpRequest&& request, const Peer& peer, Reply reply) override;
  HttpResponse on_refusal(const Refusal& refusal) override;

 private:
  // One request on its way to its answer; shared by the jobs that carry it.
  struct Exchange {
    HttpRequest request;
    std::string path;  // normalised
    Client client;
    const Route* route = nullptr;
    bool is_public = false;
    std::string request_id;
    Instant started;
    WallTime now;
    Reply reply;
    RateVerdict rate;
    bool rated = false;
    std::string key_digest;
    std::string session_token;                 // of a request by cookie; else empty
    std::string cache_key;                     // not empty: the answer goes into the public cache
    std::shared_ptr<const HttpResponse> kept;  // what to answer when the handler cannot
    bool idempotent = false;                   // this request owns its Idempotency-Key
    std::optional<Caller> caller;              // of a request that owns one, or is audited
    std::optional<db::AuditRow> audit;         // what is known of the change before it is made
  };
  using ExchangePtr = std::shared_ptr<Exchange>;

  std::string new_request_id(const HttpRequest& request);
  std::optional<HttpResponse> judge(Exchange& x, const Peer& peer);
  std::optional<HttpResponse> judge_body(const Exchange& x) const;
  std::optional<HttpResponse> judge_key(Exchange& x);
  std::optional<HttpResponse> judge_cookie(Exchange& x, const Site& site, std::string&& token);
  std::optional<HttpResponse> judge_rate(Exchange& x);
  bool answer_from_cache(const ExchangePtr& x);
  void enqueue(const ExchangePtr& x);
  void busy(const ExchangePtr& x, std::string_view why);
  void run(const ExchangePtr& x);
  Answer answer(Exchange& x);
  std::optional<HttpResponse> authorise(const Exchange& x, std::optional<Caller>* caller);
  std::optional<HttpResponse> authorise_person(const Exchange& x, db::Scope wanted, std::optional<Caller>* caller);
  void begin_audit(Exchange& x, const Call& call);
  void end_audit(Exchange& x, const HttpResponse& response);
  // What is stored of an answer before it goes out; on a handler thread.
  void settle(Exchange& x, const HttpResponse& response);
  std::optional<HttpResponse> begin_idempotent(Exchange& x, const Caller& caller);
  void end_idempotent(const Exchange& x, const Caller& caller, const HttpResponse& response);
  void begin_later(const ExchangePtr& x, Later&& later);
  void finish_later(const ExchangePtr& x, HttpResponse&& response);
  void publish(const ExchangePtr& x, HttpResponse&& response);
  void decorate_shared(const Exchange& x, HttpResponse* response) const;
  void finish(const ExchangePtr& x, HttpResponse&& response, bool decorated = false);

  House& house_;
  net::Loop& loop_;
  HandlerPool& pool_;
  DispatcherSettings settings_;
  HttpServer server_;
  RateLimiter limiter_;
  PublicCache cache_;
  std::atomic<int> laters_{0};
  std::string id_prefix_;
  std::uint64_t next_id_ = 1;
};

// A stored answer under an Idempotency-Key, as text and back.
std::string pack_answer(const HttpResponse& response);
HttpResponse unpack_answer(int status, std::string_view text);

}  // namespace everup::api
