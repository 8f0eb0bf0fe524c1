#include "alerts/mailer.h"

#include <algorithm>
#include <utility>

#include "alerts/mail_message.h"
#include "alerts/safe_text.h"
#include "alerts/words.h"
#include "net/digest.h"

namespace everup::alerts {
namespace {

constexpr int kPatience = 3;  // attempts after which a "later" of one relay is asked of the next too

std::string domain_of(const std::string& from) {
  const std::string_view address = address_part(from);
  return std::string(address.substr(address.find('@') + 1));
}

bool urgent(const Message& message) {
  return std::any_of(message.alerts.begin(), message.alerts.end(), [](const Alert& alert) {
    return alert.kind == AlertKind::kDown || alert.kind == AlertKind::kOurselves;
  });
}

MailParts parts_of(const Message& message, const std::string& from, const Zone* zone) {
  const Words words = words_of(message, zone);
  MailParts parts;
  parts.from = from;
  parts.to = message.channel.to;
  parts.subject = words.subject;
  parts.text = text_of(words);
  parts.html = html_of(words);
  if (is_link(message.channel.unsubscribe_url)) parts.text += "No longer: " + message.channel.unsubscribe_url + "\n";
  parts.date = message.created_at;
  parts.offset_s = zone == nullptr ? 0 : zone->offset_s(message.created_at);
  parts.message_id = message.message_id;
  parts.thread_message_id = message.thread_message_id;
  parts.unsubscribe_url = message.channel.unsubscribe_url;
  if (!is_digest(message) && !message.alerts.empty()) parts.incident_id = message.alerts.front().incident_id;
  parts.event = is_digest(message) ? "digest" : std::string(slug(told_alert(message).kind));
  return parts;
}

RelayOptions options_of(const MailSettings& settings, const std::atomic<bool>* stop) {
  RelayOptions options;
  options.ca_file = settings.ca_file;
  options.ehlo = domain_of(settings.from);
  options.stop = stop;
  return options;
}

}  // namespace

std::string mail_from_fault(const std::string& from) {
  if (!address_part(from).empty()) return {};
  return "EVERUP_MAIL_FROM must be a mail address (alerts@example.com) or a name with one (Everup "
         "<alerts@example.com>)";
}

RelayRoster::RelayRoster(const std::vector<RelayUrl>& relays)
    : choice_([&relays] {
        std::vector<int> per_day;
        for (const RelayUrl& relay : relays) per_day.push_back(relay.per_day);
        return per_day;
      }()) {
  for (const RelayUrl& relay : relays) states_.push_back({relay.shown(), false, {}});
}

std::optional<std::size_t> RelayRoster::next(const std::vector<bool>& tried, bool urgent, Instant now) {
  const std::lock_guard lock(mutex_);
  return choice_.next(tried, urgent, now);
}

void RelayRoster::note(std::size_t relay, const RelayTry& one, Instant now) {
  const std::lock_guard lock(mutex_);
  if (one.verdict.fault != RelayFault::kNone) {
    choice_.bad(relay, one.verdict.fault, now);
    states_.at(relay).last_fault = one.words();
    return;
  }
  choice_.good(relay);
  states_.at(relay).last_fault.clear();
  if (one.verdict.result == AttemptResult::kSent) choice_.used(relay);
}

std::optional<milliseconds> RelayRoster::rest(bool urgent, Instant now) {
  const std::lock_guard lock(mutex_);
  return choice_.rest(urgent, now);
}

std::vector<RelayState> RelayRoster::states(Instant now) const {
  const std::lock_guard lock(mutex_);
  std::vector<RelayState> states = states_;
  for (std::size_t i = 0; i < states.size(); ++i) states[i].resting = choice_.rests(i, now);
  return states;
}

Mailer::Mailer(const MailSettings& settings, RelayRoster& roster, const Clock& clock, const Zones& zones,
               const std::atomic<bool>& stop)
    : settings_(settings), roster_(roster), clock_(clock), zones_(zones), stop_(stop), lines_(settings.relays.size()) {}

Attempt Mailer::own_words(const std::string& words, AttemptResult result) const {
  Attempt attempt;
  attempt.at = clock_.now().wall;
  attempt.reply = one_line(words, 500);
  attempt.result = result;
  return attempt;
}

Attempt Mailer::attempt(const RelayTry& one) const {
  Attempt attempt = own_words(one.words(), one.recipients.empty() ? one.verdict.result : one.recipients[0].result);
  attempt.relay = one.relay;
  attempt.tls = one.tls;
  attempt.queue_id = one.queue_id;
  return attempt;
}

RelayTry Mailer::hand_over(std::size_t relay, const Envelope& envelope, milliseconds limit) {
  Line& line = lines_.at(relay);
  if (!line.relay) line.relay = std::make_unique<Relay>(settings_.relays.at(relay), options_of(settings_, &stop_));
  RelayTry one = line.relay->hand_over(envelope, limit);
  line.used = clock_.now().mono;
  roster_.note(relay, one, line.used);
  return one;
}

void Mailer::try_relays(const Message& message, const Envelope& envelope, Turn& turn) {
  const Instant end = clock_.now().mono + settings_.turn_limit;
  std::vector<bool> tried(settings_.relays.size());
  bool relay_fault = false;
  while (!stop_.load()) {
    const Instant now = clock_.now().mono;
    const auto left = std::chrono::duration_cast<milliseconds>(end - now);
    const auto relay = left.count() > 0 ? roster_.next(tried, urgent(message), now) : std::nullopt;
    if (!relay) break;
    tried.at(*relay) = true;
    const RelayTry one = hand_over(*relay, envelope, std::min(left, settings_.relay_limit));
    turn.attempts.push_back(attempt(one));
    const RelayVerdict verdict = one.recipients.empty() ? one.verdict : one.recipients[0];
    relay_fault = relay_fault || verdict.fault != RelayFault::kNone;
    const bool patient = verdict.result == AttemptResult::kRetry && message.attempt < kPatience;
    if (verdict.result == AttemptResult::kSent ||
        (!verdict.next_relay && (patient || verdict.result == AttemptResult::kFailed)))
      return;
  }
  if (turn.attempts.empty()) return;
  // The message was refused by one relay while another could not be asked: that one may think otherwise later.
  if (relay_fault) turn.attempts.back().result = AttemptResult::kRetry;
}

Turn Mailer::deliver(const Message& message) {
  Turn turn;
  if (settings_.relays.empty()) {
    turn.attempts.push_back(own_words("no mail relay is configured: set EVERUP_SMTP_RELAYS", AttemptResult::kRetry));
    return turn;
  }
  if (message.alerts.empty()) {
    turn.attempts.push_back(own_words("there is nothing to tell", AttemptResult::kFailed));
    return turn;
  }
  const auto mail = compose(parts_of(message, settings_.from, zones_.find(message.channel.timezone)));
  if (!mail) {
    turn.attempts.push_back(own_words(mail.error().what, AttemptResult::kFailed));
    return turn;
  }
  try_relays(message, {std::string(address_part(settings_.from)), {message.channel.to}, *mail}, turn);
  if (turn.attempts.empty()) {
    std::string words = stop_.load() ? "Everup stops" : "every relay rests or has used up its day";
    for (const RelayState& state : roster_.states(clock_.now().mono))
      if (!state.last_fault.empty()) words += "; " + state.relay + ": " + state.last_fault;
    turn.attempts.push_back(own_words(words, AttemptResult::kRetry));
  }
  if (turn.attempts.back().result == AttemptResult::kRetry && !stop_.load())
    turn.not_before = roster_.rest(urgent(message), clock_.now().mono);
  return turn;
}

void Mailer::tidy() {
  const Instant now = clock_.now().mono;
  for (Line& line : lines_)
    if (line.relay && now - line.used > settings_.idle_connection) line.relay.reset();
}

Result<std::vector<RelayTry>> send_test(const MailSettings& settings, const std::string& to, const Clock& clock) {
  if (settings.relays.empty()) return Error{ErrorCode::kInvalid, "no mail relay is configured: set EVERUP_SMTP_RELAYS"};
  if (const std::string fault = mail_from_fault(settings.from); !fault.empty())
    return Error{ErrorCode::kInvalid, fault};
  std::vector<RelayTry> tries;
  for (const RelayUrl& url : settings.relays) {
    Message message;
    message.channel.to = to;
    message.channel.name = "everup doctor mail";
    message.alerts.emplace_back();
    message.alerts.back().kind = AlertKind::kTest;
    message.alerts.back().target = url.shown();
    message.created_at = clock.now().wall;
    message.message_id = "test." + net::random_token() + "@" + domain_of(settings.from);
    const auto mail = compose(parts_of(message, settings.from, nullptr));
    if (!mail) return mail.error();
    Relay relay(url, options_of(settings, nullptr));
    tries.push_back(relay.hand_over({std::string(address_part(settings.from)), {to}, *mail}, settings.relay_limit));
  }
  return tries;
}

}  // namespace everup::alerts
