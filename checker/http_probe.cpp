#include "checker/http_probe.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <utility>

#include "checker/address_finder.h"

namespace everup::checker {

namespace {

constexpr std::size_t kHeadShownMax = 8 * 1024;
constexpr std::size_t kBodyShownMax = 2 * 1024;
constexpr std::size_t kTriedMax = 16;

void add(std::int32_t& sum, std::int64_t us) {
  sum = std::max<std::int32_t>(sum, 0) + static_cast<std::int32_t>(std::clamp<std::int64_t>(us, 0, 70'000'000));
}

std::int64_t us_between(Instant from, Instant to) { return (to - from).count() / 1000; }

// Headers that say nothing about who asks.
bool harmless(const HttpHeader& header) {
  static constexpr std::array<const char*, 5> kNames = {"accept", "accept-language", "user-agent", "cache-control",
                                                        "content-type"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](const char* name) { return strcasecmp(header.name.c_str(), name) == 0; });
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool asks_for(IpVersion version, net::Family family) {
  return version == IpVersion::kAny || (version == IpVersion::k4) == (family == net::Family::kV4);
}

Cause timeout_cause(Phase phase) {
  if (phase == Phase::kConnect) return Cause::kConnectTimeout;
  if (phase == Phase::kTls) return Cause::kTlsTimeout;
  return phase == Phase::kWait ? Cause::kHttpTimeout : Cause::kHttpTransferTimeout;
}

}  // namespace

HttpProbe::HttpProbe(const HttpShared& shared, const Question& question, Done done)
    : shared_(shared),
      question_(question),
      done_(std::move(done)),
      settings_(settings_of<HttpSettings>(*question.plan)),
      started_(shared.loop.clock().now().mono) {
  hop_started_ = started_;
  begin();
}

HttpProbe::~HttpProbe() { shared_.loop.cancel(timer_); }

// Nothing ends in here: what is wrong at once is told in the next turn of the loop.
void HttpProbe::begin() {
  method_ = settings().options.method;
  auto target = parse_target(question_.plan->url);
  if (!target.ok()) return end_soon(Cause::kInternal, "target: " + target.error().what);
  target_ = std::move(*target);
  if (target_.kind != Kind::kHttp && target_.kind != Kind::kHttps)
    return end_soon(Cause::kInternal, "not an HTTP target");
  if (settings().options.verify_tls) {
    auto trust = shared_.trust.with(settings().options.ca_pem);
    if (!trust.ok()) return end_soon(Cause::kInternal, trust.error().what);
    trust_ = *trust;
  }
  url_ = target_.url();
  arm(question_.deadline);
  resolve();
}

void HttpProbe::end_soon(Cause cause, std::string detail) {
  if (timer_) shared_.loop.cancel(timer_);
  timer_ = shared_.loop.at(shared_.loop.now().mono, [this, cause, text = std::move(detail)] {
    timer_ = {};
    end(cause, text);
  });
}

void HttpProbe::arm(Instant when) {
  if (timer_ && armed_ == when) return;
  armed_ = when;
  if (timer_) shared_.loop.cancel(timer_);
  timer_ = shared_.loop.at(when, [this] { on_timer(); });
}

// ---- finding addresses
// ------------------------------------------------------------------------------------------------------------------

void HttpProbe::resolve() {
  if (connect_literal()) return;
  resolving_ = true;
  query_ = shared_.resolver.resolve(target_.host, settings().options.ip_version, question_.deadline,
                                    [this](net::Resolution&& resolution) { on_resolved(std::move(resolution)); });
}

// An address needs no resolver. False: it is a name, or an address that may not be asked: those take the long way.
bool HttpProbe::connect_literal() {
  const auto literal = net::Address::parse(target_.host);
  if (!literal || !asks_for(settings().options.ip_version, literal->family)) return false;
  if (question_.strict_policy && !shared_.policy.judge(*literal, from_public_).allowed) return false;
  add(timings_.dns_us, 0);
  v4_.clear(), v6_.clear();
  (literal->v4() ? v4_ : v6_).push_back(*literal);
  pair_ = 0;
  has_failed_ = false;
  if (!begin_transfer()) end_soon(Cause::kOwnResources, "libcurl: out of memory");
  return true;
}

void HttpProbe::on_resolved(net::Resolution&& resolution) {
  resolving_ = false;
  add(timings_.dns_us, us_between(hop_started_, shared_.loop.clock().now().mono));
  if (!resolution.ok()) return end(cause_of(resolution.failure), resolution.detail);
  if (question_.strict_policy) {
    if (auto refusal = keep_allowed(shared_.policy, target_.host, resolution, from_public_); !refusal.empty())
      return end(Cause::kAddressRefused, std::move(refusal));
  }
  v4_ = std::move(resolution.v4), v6_ = std::move(resolution.v6);
  pair_ = 0;
  has_failed_ = false;
  connect_next();
}

// ---- asking
// -----------------------------------------------------------------------------------------------------------------------------

net::TransferRequest HttpProbe::request_of(std::size_t pair) const {
  const HttpOptions& options = settings().options;
  net::TransferRequest request;
  request.method = method_;
  request.url = url_;
  request.host = target_.host;
  request.port = target_.port;
  request.tls = target_.kind == Kind::kHttps;
  if (pair < v4_.size()) request.v4 = v4_[pair];
  if (pair < v6_.size()) request.v6 = v6_[pair];
  request.headers =
      at_home_ ? std::span<const HttpHeader>(options.headers) : std::span<const HttpHeader>(foreign_headers_);
  if (send_body_) request.body = options.body;
  if (at_home_) request.auth = &options.auth;
  request.http_version = options.http_version;
  request.trust = trust_;
  request.policy = question_.strict_policy ? &shared_.policy : nullptr;
  request.from_public_redirect = from_public_;
  const bool all = wants_body(settings().expect) || wants_body(settings().warn);
  request.body_keep = all ? net::kBodyBytesMax : kBodyShownMax;
  return request;
}

void HttpProbe::connect_next() {
  if (!begin_transfer()) end(Cause::kOwnResources, "libcurl: out of memory");
}

bool HttpProbe::begin_transfer() {
  if (!transfer_) transfer_ = shared_.multi.acquire();
  transfer_started_ = shared_.loop.clock().now().mono;
  if (!transfer_ || !transfer_->start(request_of(pair_), *this)) return false;
  const std::size_t pairs = std::min(std::max(v4_.size(), v6_.size()), kPairsMax);
  const std::size_t left = pairs - pair_;
  const auto remaining = question_.deadline - transfer_started_;
  arm(left <= 1 ? question_.deadline : transfer_started_ + remaining / static_cast<std::int64_t>(left));
  return true;
}

void HttpProbe::book_transfer() {
  const net::TransferResult& result = transfer_->result();
  const std::int64_t all = us_between(transfer_started_, shared_.loop.clock().now().mono);
  const net::TransferTimes& at = result.times;
  const bool tls = target_.kind == Kind::kHttps;
  const std::int64_t ready = tls ? at.secured : at.connected;
  add(timings_.connect_us, at.connected > 0 ? at.connected : all);
  if (at.connected > 0 && tls) add(timings_.tls_us, (ready > 0 ? ready : all) - at.connected);
  if (ready > 0) add(timings_.wait_us, (at.first_byte > 0 ? at.first_byte : all) - ready);
  if (at.first_byte > 0) add(timings_.transfer_us, all - at.first_byte);
  for (const net::Address& address : transfer_->tried()) {
    if (tried_.size() < kTriedMax && std::find(tried_.begin(), tried_.end(), address) == tried_.end())
      tried_.push_back(address);
  }
}

void HttpProbe::on_transfer_end(net::CurlTransfer&) {
  book_transfer();
  const net::TransferResult& result = transfer_->result();
  if (result.cause == Cause::kOk) {
    if (redirected()) return;
    return judge();
  }
  if (!connect_failure(result.cause)) return end(result.cause, result.detail);
  // The far side's word weighs more than our own trouble: of several failures the first that is not inconclusive is
  // told.
  const bool telling = facts(result.cause).verdict == Verdict::kDown;
  if (!has_failed_ || (telling && failed_.verdict != Verdict::kDown)) failed_ = outcome_of(result.cause, result.detail);
  has_failed_ = true;
  ++pair_;
  const bool more = pair_ < std::min(std::max(v4_.size(), v6_.size()), kPairsMax);
  if (more && shared_.loop.clock().now().mono < question_.deadline) return connect_next();
  end(failed_.cause, failed_.detail);
}

void HttpProbe::on_timer() {
  timer_ = {};
  if (shared_.loop.now().mono >= question_.deadline) return on_deadline();
  // This pair's share of the time is over: whoever connected meanwhile goes on, else the next pair has its turn.
  if (resolving_ || transfer_->phase() != Phase::kConnect) return arm(question_.deadline);
  transfer_->abort(Cause::kConnectTimeout);
  on_transfer_end(*transfer_);
}

void HttpProbe::on_deadline() {
  const std::string after = " after " + std::to_string((us_between(started_, question_.deadline) + 500) / 1000) + " ms";
  if (resolving_) {
    add(timings_.dns_us, us_between(hop_started_, shared_.loop.now().mono));
    return end(Cause::kDnsUnavailable, "no answer from the name servers" + after);
  }
  const Cause cause = timeout_cause(transfer_->phase());
  transfer_->abort(cause);
  book_transfer();
  // Addresses that failed with an answer of their own say more than the last one's silence.
  if (cause == Cause::kConnectTimeout && has_failed_ && failed_.verdict == Verdict::kDown)
    return end(failed_.cause, failed_.detail);
  end(cause, std::string(facts(cause).english) + after);
}

// ---- redirects
// --------------------------------------------------------------------------------------------------------------------------

// True when the look goes on elsewhere, or ended because it cannot.
bool HttpProbe::redirected() {
  const HttpOptions& options = settings().options;
  const int status = transfer_->result().status;
  if (!options.follow_redirects || !is_redirect(status)) return false;
  const auto values = header_values(transfer_->head(), "location");
  if (values.empty()) return false;
  follow(std::string(values.front()));
  return true;
}

void HttpProbe::follow(const std::string& location) {
  const int status = transfer_->result().status;
  auto next = resolve_reference(target_, location);
  const std::string shown = next.ok() ? next->url() : location;
  if (hops_.size() < kTriedMax) hops_.push_back(std::to_string(status) + " " + printable(shown, 500));
  if (!next.ok())
    return end(Cause::kHttpRedirectInvalid,
               std::to_string(status) + " to " + printable(location, 100) + ": " + next.error().what);
  if (++redirects_ > settings().options.max_redirects) {
    return end(Cause::kHttpTooManyRedirects, "more than " + std::to_string(settings().options.max_redirects) +
                                                 " redirects, the last to " + printable(shown, 120));
  }
  // RFC 9110, 15.4: 303 asks with GET, 301 and 302 turn a POST into one, 307 and 308 change nothing.
  if ((status == 303 && method_ != "HEAD") || ((status == 301 || status == 302) && method_ == "POST")) {
    method_ = "GET";
    send_body_ = false;
  }
  const auto& peer = transfer_->result().peer;
  if (!peer || net::classify(*peer) == net::Reach::kPublic) from_public_ = true;
  if (!move_to(std::move(*next))) return end(Cause::kInternal, "redirect: no way to go on");
  hop_started_ = shared_.loop.clock().now().mono;
  resolve();
}

bool HttpProbe::move_to(Target next) {
  if (next.origin() != target_.origin() && at_home_) {
    at_home_ = false;
    for (const HttpHeader& header : settings().options.headers) {
      if (harmless(header)) foreign_headers_.push_back(header);
    }
  }
  target_ = std::move(next);
  url_ = target_.url();
  return target_.kind == Kind::kHttp || target_.kind == Kind::kHttps;
}

// ---- judging
// ----------------------------------------------------------------------------------------------------------------------------

void HttpProbe::judge() {
  const net::TransferResult& result = transfer_->result();
  HttpAnswer answer;
  answer.status = result.status;
  answer.http_version = result.http_version;
  answer.head = transfer_->head();
  answer.body = transfer_->body();
  answer.body_capped = result.body_capped;
  answer.total_us = elapsed_us();
  answer.certificate_not_after = transfer_->tls().leaf_not_after();
  answer.now = shared_.loop.now().wall;
  judge_look(answer);
}

void HttpProbe::judge_look(const HttpAnswer& answer) {
  if (settings().options.http_version == HttpVersion::k2 && answer.http_version != 20) {
    return end(Cause::kHttpVersion, "asked with HTTP version 2, answered with 1.1");
  }
  if (auto broken = first_broken(settings().expect, answer, "200-299", shared_.patterns))
    return end(broken->cause, std::move(broken->detail));
  Outcome outcome;
  if (auto broken = first_broken(settings().warn, answer, "", shared_.patterns)) {
    outcome = outcome_of(broken->cause, std::move(broken->detail));
    outcome.verdict = Verdict::kDegraded;
  } else {
    outcome = outcome_of(Cause::kOk);
  }
  finish(std::move(outcome));
}

void HttpProbe::end(Cause cause, std::string detail) {
  finish(outcome_of(cause, detail.empty() ? std::string(facts(cause).english) : printable(detail, 200)));
}

std::int32_t HttpProbe::elapsed_us() const {
  return static_cast<std::int32_t>(
      std::clamp<std::int64_t>(us_between(started_, shared_.loop.clock().now().mono), 0, INT32_MAX));
}

// `done_` may destroy this probe: it is the last thing that happens.
void HttpProbe::finish(Outcome&& outcome) {
  if (timer_) shared_.loop.cancel(std::exchange(timer_, {}));
  query_.cancel();
  timings_.total_us = elapsed_us();
  outcome.timings = timings_;
  if (transfer_) {
    outcome.code = transfer_->result().status;
    outcome.certificate_not_after = transfer_->tls().leaf_not_after();
  }
  if (question_.want_evidence || outcome.verdict != Verdict::kUp) outcome.evidence = evidence();
  transfer_.reset();
  const Done done = std::move(done_);
  done(std::move(outcome));
}

std::unique_ptr<Evidence> HttpProbe::evidence() const {
  auto result = std::make_unique<Evidence>();
  result->hops = hops_;
  for (const net::Address& address : tried_) result->addresses_tried.push_back(address.text());
  if (!transfer_) return result;
  if (const auto& peer = transfer_->result().peer) result->address = peer->text();
  if (result->address.empty() && !tried_.empty()) result->address = tried_.back().text();
  result->head = printable(transfer_->head(), kHeadShownMax);
  result->body_excerpt = printable(std::string_view(transfer_->body()).substr(0, kBodyShownMax), kBodyShownMax);
  if (transfer_->tls().seen()) result->certificate = transfer_->tls().facts();
  return result;
}

}  // namespace everup::checker
