#include "alerts/webhook.h"

#include <algorithm>
#include <array>
#include <utility>

#include "alerts/payload_json.h"
#include "alerts/safe_text.h"
#include "core/target.h"
#include "net/digest.h"

namespace everup::alerts {
namespace {

constexpr std::size_t kHeadersMax = 20, kBodyMax = 64 * 1024;

Error wrong(std::string what) { return {ErrorCode::kInvalid, std::move(what)}; }

// Fields that are ours or libcurl's: another value would make two requests of one.
bool reserved(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kReserved{
      "host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "expect", "trailer", "keep-alive"};
  const std::string lower = lower_ascii(name);
  return lower.starts_with("proxy-") || std::find(kReserved.begin(), kReserved.end(), lower) != kReserved.end();
}

Post json_post(std::string url, std::string body) {
  return {std::move(url), {{"Content-Type", "application/json"}}, std::move(body)};
}

Result<std::vector<Post>> webhook_post(const Message& message, WallTime now) {
  Post post = json_post(message.channel.url, webhook_payload(message));
  auto signature = webhook_signature(message.channel.secret, message.id, now, post.body);
  if (!signature) return signature.error();
  post.headers.push_back({"webhook-id", message.id});
  post.headers.push_back({"webhook-timestamp", std::to_string(now.ms / 1000)});
  post.headers.push_back({"webhook-signature", *std::move(signature)});
  return std::vector<Post>{std::move(post)};
}

Result<std::vector<Post>> template_post(const Message& message, const Zone* zone) {
  const Channel& channel = message.channel;
  if (channel.headers.size() > kHeadersMax) return wrong("at most 20 headers are allowed");
  const Escape escape = escape_of(channel);
  Post post;
  post.url = fill_template(channel.url, message, zone, Escape::kUrl);
  post.body = fill_template(channel.body, message, zone, escape);
  if (post.body.size() > kBodyMax) return wrong("the body would be longer than 64 KiB");
  bool typed = false;
  for (const auto& [name, value] : channel.headers) {
    if (!is_header_name(name) || !is_header_value(value) || reserved(name))
      return wrong("the header " + one_line(name, 64) + " cannot be sent");
    typed = typed || lower_ascii(name) == "content-type";
    post.headers.push_back({name, value});
  }
  if (!typed)
    post.headers.push_back(
        {"Content-Type", escape == Escape::kJson ? "application/json" : "text/plain; charset=utf-8"});
  return std::vector<Post>{std::move(post)};
}

Result<std::vector<Post>> pagerduty_posts(const Message& message) {
  const std::string& key = message.channel.secret;
  if (!is_header_name(key)) return wrong("the routing key is missing or is not one");
  std::vector<Post> posts;
  for (std::string& event : pagerduty_events(message))
    posts.push_back(
        json_post(message.channel.url.empty() ? std::string(kPagerdutyUrl) : message.channel.url, std::move(event)));
  return posts;
}

std::string words_of_reply(const HttpReply& reply) {
  if (reply.cause != Cause::kOk) return one_line(reply.detail, 500);
  std::string words = "HTTP " + std::to_string(reply.status);
  const std::string body = one_line(reply.body, 300);
  return body.empty() ? words : words + ": " + body;
}

Attempt attempt_of(const Message& message, const std::string& url, const HttpReply& reply, WallTime now) {
  Attempt attempt;
  attempt.at = now;
  attempt.relay = shown_host(url);
  attempt.reply = words_of_reply(reply);
  attempt.result = judge_answer(message.channel.kind, reply);
  return attempt;
}

Turn refused(const Message& message, const std::string& what, WallTime now) {
  Turn turn;
  turn.attempts.push_back({now, shown_host(message.channel.url), one_line(what, 500), {}, {}, AttemptResult::kFailed});
  return turn;
}

}  // namespace

Result<std::string> webhook_signature(std::string_view secrets, std::string_view id, WallTime at,
                                      std::string_view body) {
  constexpr std::string_view kPrefix = "whsec_";
  const std::string signed_text = std::string(id) + "." + std::to_string(at.ms / 1000) + "." + std::string(body);
  std::string signatures;
  for (int count = 0; count < 2 && !secrets.empty(); ++count) {
    const std::string_view secret = secrets.substr(0, secrets.find(' '));
    secrets.remove_prefix(std::min(secrets.size(), secret.size() + 1));
    const auto key = secret.starts_with(kPrefix) ? net::from_base64(secret.substr(kPrefix.size())) : std::nullopt;
    if (!key || key->size() < 24 || key->size() > 64)
      return wrong("the webhook's secret is not one: whsec_ and base64");
    const net::Sha256 digest = net::hmac_sha256(*key, signed_text);
    signatures += (signatures.empty() ? "v1," : " v1,") + net::base64(net::bytes_of(digest));
  }
  if (signatures.empty()) return wrong("the webhook has no secret");
  return signatures;
}

Result<std::vector<Post>> posts_of(const Message& message, WallTime now, const Zone* zone) {
  if (message.alerts.empty()) return wrong("there is nothing to tell");
  switch (message.channel.kind) {
    case ChannelKind::kEmail:
      return wrong("a mail address takes no HTTP");
    case ChannelKind::kWebhook:
      return webhook_post(message, now);
    case ChannelKind::kSlack:
      return std::vector<Post>{json_post(message.channel.url, slack_payload(message, zone))};
    case ChannelKind::kPagerduty:
      return pagerduty_posts(message);
    case ChannelKind::kTemplate:
      return template_post(message, zone);
  }
  return wrong("a channel of an unknown kind");
}

AttemptResult judge_answer(ChannelKind kind, const HttpReply& reply) {
  if (reply.cause == Cause::kAddressRefused) return AttemptResult::kFailed;
  if (reply.cause != Cause::kOk) return AttemptResult::kRetry;
  if (reply.status >= 200 && reply.status < 300) return AttemptResult::kSent;
  if (reply.status == 410) return AttemptResult::kChannelGone;
  // A webhook's owner may repair it: its table goes on. Services say 4xx about the message or the key, and mean it.
  const bool ask_again = reply.status == 408 || reply.status == 425 || reply.status == 429 || reply.status >= 500;
  const bool final_answer = kind != ChannelKind::kWebhook && reply.status >= 400 && !ask_again;
  return final_answer ? AttemptResult::kFailed : AttemptResult::kRetry;
}

Turn deliver_by_http(const Message& message, HttpSender& sender, const Clock& clock, const Zone* zone) {
  const auto posts = posts_of(message, clock.now().wall, zone);
  if (!posts) return refused(message, posts.error().what, clock.now().wall);
  Turn turn;
  for (const Post& post : *posts) {
    const HttpReply reply = sender.post(post.url, post.headers, post.body);
    turn.attempts.push_back(attempt_of(message, post.url, reply, clock.now().wall));
    if (turn.attempts.back().result == AttemptResult::kSent) continue;
    turn.not_before = reply.retry_after;
    break;
  }
  return turn;
}

}  // namespace everup::alerts
