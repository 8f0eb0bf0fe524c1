// Everything that leaves by HTTP: webhooks (Standard Webhooks 1.0), Slack, PagerDuty Events v2, templates. Says what is
// posted and what an answer means; http_sender.h posts.
//
// Signature: webhook-id is the message's, the same over retries; webhook-timestamp the attempt's; webhook-signature
// "v1,<base64 HMAC-SHA256>" over "id.timestamp.body", one for each secret ("whsec_…", two separated by a space while
// one is being replaced).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "alerts/http_sender.h"
#include "alerts/turn.h"
#include "core/alert.h"
#include "core/clock.h"
#include "core/zone.h"

namespace everup::alerts {

inline constexpr std::string_view kPagerdutyUrl = "https://events.pagerduty.com/v2/enqueue";

struct Post {
  std::string url;
  std::vector<HttpHeader> headers;
  std::string body;
};

// "v1,…" for each secret; kInvalid: a secret is not "whsec_" and base64 of 24 … 64 bytes.
Result<std::string> webhook_signature(std::string_view secrets, std::string_view id, WallTime at,
                                      std::string_view body);
// One for each thing that is posted (PagerDuty has several). kInvalid: the channel cannot be used as it stands.
Result<std::vector<Post>> posts_of(const Message& message, WallTime now, const Zone* zone);
// What an answer means to this kind of channel.
AttemptResult judge_answer(ChannelKind kind, const HttpReply& reply);

// Blocks at most HttpSettings::limit a post. `zone` may be null.
Turn deliver_by_http(const Message& message, HttpSender& sender, const Clock& clock, const Zone* zone);

}  // namespace everup::alerts
