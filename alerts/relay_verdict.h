// What a hand-over to a relay came to, judged from the dialogue alone. The question behind it: whose fault was it?
//
//  * the relay's (refused, silent, no TLS, 421, wrong password, quota, "relaying denied"): the next relay is asked at
//  once
//    and this one rests;
//  * the recipient's (5xx at RCPT): a bounce, no relay will do better;
//  * nobody's yet (4xx at RCPT or DATA: greylisting): later, by the table;
//  * unknown (the answer to the last dot never came): sent again with the same Message-ID.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/alert.h"

namespace everup::alerts {

// How far the dialogue came: the last thing that was said to the relay.
enum class MailStage : std::uint8_t {
  kConnect,
  kGreeting,
  kHello,
  kTls,
  kAuth,
  kFrom,
  kRecipient,
  kData,
  kBody,
};
std::string_view slug(MailStage stage);  // "RCPT"

// How the transfer itself ended.
enum class WireEnd : std::uint8_t { kFine, kNoName, kRefused, kTimeout, kTls, kNoTlsOffered, kLogin, kLost, kBabble };

enum class RelayFault : std::uint8_t {
  kNone,
  kAway,   // refused, timeout, lost, TLS trouble, 421: rests 15 s, then longer
  kLogin,  // 535 and kin: rests 15 min; somebody must look
  kQuota,  // 550 5.4.5: rests an hour
};

struct RelayReply {
  int code = 0;       // 0: none came
  std::string lines;  // as printed, "|" between lines
};

struct RelayVerdict {
  AttemptResult result = AttemptResult::kRetry;
  RelayFault fault = RelayFault::kNone;
  bool next_relay = false;  // another one may do better now
};

// `reply` is the last answer that belongs to `stage`.
RelayVerdict judge(WireEnd end, MailStage stage, const RelayReply& reply);
// "4.5.1" at the begin of what follows the code; empty when there is none.
std::string_view enhanced_of(std::string_view lines);
// "Ok: queued as 4bXy…" → "4bXy…", as Postfix, Exim, Sendmail, Exchange, SES and Gmail tell it; empty when it does not.
std::string queue_id_of(std::string_view final_reply);

}  // namespace everup::alerts
