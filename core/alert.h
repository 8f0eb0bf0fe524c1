// What is said to whom: an alert, the channel it leaves by, and the outbox between the floor that decides (db/) and the
// one that delivers (alerts/). An alert is stored in the transaction that stores its reason; a message is one or
// several alerts for one channel; an attempt is one try to hand a message over, and its words are the proof. Pure data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "core/time.h"

namespace everup {

struct ChannelTag {
  static constexpr std::string_view kPrefix = "chn_";
};
struct PolicyTag {
  static constexpr std::string_view kPrefix = "pol_";
};
using ChannelId = Id<ChannelTag>;
using PolicyId = Id<PolicyTag>;

// Numbers are stored and never reused.
enum class ChannelKind : std::int16_t { kEmail = 1, kWebhook = 2, kSlack = 3, kPagerduty = 4, kTemplate = 5 };
enum class AlertKind : std::int16_t {
  kDown = 1,
  kUp = 2,
  kDegraded = 3,
  kUnknown = 4,      // nobody could look for ten minutes and three slots
  kCertificate = 5,  // it ends soon
  kSecurity = 6,
  kFlapping = 7,
  kReminder = 8,  // still down, nobody acknowledged
  kTest = 9,
  kOurselves = 10,  // Everup itself is blind
};

// "down", "email" … as the API, policies, metrics and messages say it; stable, for programs.
std::string_view slug(AlertKind kind);
std::string_view slug(ChannelKind kind);

// How far people are with an outage, as they say it in an update. kNone: the update says nothing of that.
enum class IncidentStage : std::int16_t { kNone = 0, kInvestigating = 1, kIdentified = 2, kMonitoring = 3 };
std::string_view slug(IncidentStage stage);  // "" for kNone
std::optional<IncidentStage> incident_stage(std::string_view slug);

// Everything that a message says of one alert, in words that may be shown: printable, capped.
struct Alert {
  AlertKind kind = AlertKind::kDown;
  std::string monitor_id, monitor_name;  // empty: about no monitor
  std::string target;                    // as its owner wrote it
  std::string incident_id;               // empty: none
  std::string cause, cause_english;      // slug and words: "connect_refused", "connection refused"
  std::string detail;                    // at most 200 bytes
  WallTime started_at;                   // first failing look; of kCertificate: its end
  std::optional<WallTime> confirmed_at;
  std::optional<WallTime> ended_at;                       // over (also of a kDown told together with its kUp)
  std::vector<std::string> evidence;                      // lines, at most 40 of 200 bytes
  std::string incident_url, report_url, acknowledge_url;  // empty: no link
  std::vector<std::string> also_held;  // names of monitors whose own alerts wait for this one (dependencies)
};

// A place where people are told. Secrets are open here; they are sealed at rest and never returned by the API.
struct Channel {
  ChannelId id;
  AccountId account;
  std::string name;
  ChannelKind kind = ChannelKind::kEmail;
  std::string to;                              // e-mail address
  std::string url;                             // webhook, slack, template
  std::string secret;                          // webhook: "whsec_" + base64; pagerduty: the routing key
  std::map<std::string, std::string> headers;  // template
  std::string body;                            // template: text with {{name}} fields
  std::string timezone = "UTC";
  std::string unsubscribe_url;  // e-mail; empty: none
  bool enabled = true;
};

// One message to be handed over now.
struct Message {
  std::string id;  // of the delivery that leads it: opaque, given back to Outbox::finish, stable over retries
  Channel channel;
  std::vector<Alert> alerts;      // one; two when a DOWN and its UP leave together; more: a digest
  std::string message_id;         // without <>: stored before the first attempt, the same for every one
  std::string thread_message_id;  // of the incident's first mail to this channel; empty: this is it
  int attempt = 1;                // counts from 1
  WallTime created_at;            // of the oldest alert
};

enum class AttemptResult : std::int16_t {
  kSent = 1,
  kRetry = 2,        // later, by the table
  kFailed = 3,       // never: the recipient or the message is refused
  kChannelGone = 4,  // webhook 410: the channel is switched off
};
struct Attempt {
  WallTime at;
  std::string relay;     // "smtp://relay.example:587", or the webhook's host
  std::string reply;     // the last words of the other side, printable, at most 500 bytes
  std::string tls;       // "TLSv1.3"; empty: none
  std::string queue_id;  // as the reply tells it; may be empty
  AttemptResult result = AttemptResult::kRetry;
};

// The courier's side of the outbox. Every call blocks at most 5 s and answers kUnavailable then; several couriers on
// several machines are safe (claims are leases).
class Outbox {
 public:
  virtual ~Outbox() = default;
  // Turns what happened since the last call into messages that are due (policies, steps, holds, digests).
  virtual Status fan_out() = 0;
  // At most `most` messages that are due, leased to the caller for `lease`; grouped as they should leave. Accounts take
  // turns; those in `busy` are passed over: the caller holds enough of theirs.
  virtual Result<std::vector<Message>> claim(int most, milliseconds lease, const std::vector<AccountId>& busy) = 0;
  // What came of one message: all attempts of this turn, oldest first (relay A refused, relay B took it). The last
  // one's result decides; `retry_at` with kRetry. Idempotent.
  virtual Status finish(const Message& message, const std::vector<Attempt>& attempts,
                        std::optional<WallTime> retry_at) = 0;
  // Waits for a hint that something is due, at most `wait`.
  virtual Status wait(milliseconds wait) = 0;
};

}  // namespace everup
