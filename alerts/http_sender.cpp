#include "alerts/http_sender.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "alerts/safe_text.h"
#include "core/target.h"

namespace everup::alerts {
namespace {

HttpReply failure(Cause cause, std::string detail) {
  HttpReply reply;
  reply.cause = cause;
  reply.detail = one_line(detail, 300);
  return reply;
}

// Takes away what the policy denies; nothing left: the words of the refusal.
std::string keep_allowed(const net::AddressPolicy* policy, const std::string& host, net::Resolution& found) {
  if (policy == nullptr) return {};
  std::string refusal;
  for (auto* addresses : {&found.v6, &found.v4}) {
    std::erase_if(*addresses, [&](const net::Address& address) {
      const net::Ruling ruling = policy->judge(address);
      if (!ruling.allowed) refusal = policy->refusal(host, address, ruling);
      return !ruling.allowed;
    });
  }
  return found.v4.empty() && found.v6.empty() ? refusal : std::string();
}

std::optional<milliseconds> retry_after_of(const std::string& head) {
  const std::string lower = lower_ascii(head);
  const auto at = lower.find("\nretry-after:");
  if (at == std::string::npos) return std::nullopt;
  const auto start = lower.find_first_not_of(" \t", at + 13);
  if (start == std::string::npos) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, code] = std::from_chars(lower.data() + start, lower.data() + lower.size(), seconds);
  const bool whole = code == std::errc() && (*end == '\r' || *end == '\n') && seconds >= 0;
  return whole ? std::optional(milliseconds(std::min<std::int64_t>(seconds, 86'400) * 1000)) : std::nullopt;
}

}  // namespace

HttpSender::HttpSender(const Clock& clock, const HttpSettings& settings)
    : settings_(settings), loop_(clock), resolver_(loop_, settings.resolver) {}

HttpSender::~HttpSender() { transfer_.reset(); }

Result<std::unique_ptr<HttpSender>> HttpSender::make(const Clock& clock, const HttpSettings& settings) {
  std::unique_ptr<HttpSender> sender(new HttpSender(clock, settings));
  auto multi = net::CurlMulti::make(sender->loop_, settings.user_agent);
  if (!multi) return multi.error();
  sender->multi_ = *std::move(multi);
  auto trust = net::TrustStore::system(settings.ca_file);
  if (!trust) return trust.error();
  sender->trust_ = *std::move(trust);
  return sender;
}

void HttpSender::on_transfer_end(net::CurlTransfer&) { done_ = true; }

bool HttpSender::turn_until_done(Instant deadline) {
  while (!done_ && !stop_.load()) {
    const auto left = deadline - loop_.clock().now().mono;
    if (left.count() <= 0) return false;
    loop_.run_once(std::min(std::chrono::duration_cast<milliseconds>(left) + milliseconds(1), milliseconds(1000)));
  }
  return done_;
}

HttpReply HttpSender::reply() const {
  HttpReply reply;
  const net::TransferResult& result = transfer_->result();
  reply.cause = result.cause;
  reply.detail = one_line(result.detail.empty() ? std::string(facts(result.cause).english) : result.detail, 300);
  reply.status = result.status;
  reply.body = transfer_->body();
  if (result.cause == Cause::kOk) reply.retry_after = retry_after_of(transfer_->head());
  return reply;
}

HttpReply HttpSender::post(const std::string& url, const std::vector<HttpHeader>& headers, const std::string& body) {
  const auto target = parse_target(url);
  if (!target || !target->web())
    return failure(Cause::kAddressRefused, target ? "only http and https are possible" : target.error().what);
  loop_.run_once(milliseconds(0));  // the loop's idea of now is as old as the last post
  const Instant deadline = loop_.clock().now().mono + settings_.limit;
  net::Resolution found;
  done_ = false;
  const net::Query query = resolver_.resolve(target->host, IpVersion::kAny, deadline, [&](net::Resolution&& answer) {
    found = std::move(answer);
    done_ = true;
  });
  if (!turn_until_done(deadline)) return failure(Cause::kDnsUnavailable, "no answer from the DNS in time");
  if (!found.ok()) return failure(Cause::kDnsFailure, found.detail);
  if (const std::string refusal = keep_allowed(settings_.policy, target->host, found); !refusal.empty())
    return failure(Cause::kAddressRefused, refusal);

  const std::string canonical = target->url();
  net::TransferRequest request;
  request.method = "POST";
  request.url = canonical;
  request.host = target->host;
  request.port = target->port;
  request.tls = target->kind == Kind::kHttps;
  if (!found.v4.empty()) request.v4 = found.v4.front().with_port(target->port);
  if (!found.v6.empty()) request.v6 = found.v6.front().with_port(target->port);
  request.headers = headers;
  request.body = body;
  request.trust = trust_;
  request.policy = settings_.policy;
  transfer_ = multi_->acquire();
  done_ = false;
  if (!transfer_ || !transfer_->start(request, *this)) return failure(Cause::kInternal, "out of memory");
  const bool ended = turn_until_done(deadline);
  if (!ended) transfer_->abort(Cause::kHttpTimeout);
  HttpReply answer =
      ended ? reply() : failure(Cause::kHttpTimeout, stop_.load() ? "Everup stops" : "no answer in time");
  transfer_.reset();
  return answer;
}

void HttpSender::stop() {
  stop_.store(true);
  loop_.stop();
}

}  // namespace everup::alerts
