#include "alerts/relay_verdict.h"

#include <algorithm>
#include <array>

#include "alerts/safe_text.h"

namespace everup::alerts {
namespace {

constexpr RelayVerdict kRelayAway{AttemptResult::kRetry, RelayFault::kAway, true};
constexpr RelayVerdict kRelayLogin{AttemptResult::kRetry, RelayFault::kLogin, true};
constexpr RelayVerdict kRelayQuota{AttemptResult::kRetry, RelayFault::kQuota, true};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// Replies that speak of the relay or of our account there, wherever they come.
bool about_login(int code) { return code == 530 || code == 534 || code == 535 || code == 538; }
bool about_quota(std::string_view enhanced) { return enhanced == "5.4.5" || enhanced == "4.4.5"; }

RelayVerdict judge_temporary(MailStage stage, int code, std::string_view enhanced) {
  const bool own_trouble = code == 421 || code == 454 || enhanced.starts_with("4.3.") || stage < MailStage::kFrom;
  return own_trouble ? kRelayAway : RelayVerdict{AttemptResult::kRetry, RelayFault::kNone, false};
}

RelayVerdict judge_permanent(MailStage stage, const RelayReply& reply, std::string_view enhanced) {
  const std::string words = lower_ascii(reply.lines);
  const bool relaying = has(words, "relay") && (has(words, "denied") || has(words, "not permitted") ||
                                                has(words, "prohibited") || has(words, "not allowed"));
  if (stage < MailStage::kRecipient || relaying || enhanced.starts_with("5.3.")) return kRelayAway;
  if (stage == MailStage::kRecipient) return {AttemptResult::kFailed, RelayFault::kNone, false};
  return {AttemptResult::kFailed, RelayFault::kNone, true};  // the message: another relay may think otherwise
}

RelayVerdict judge_reply(MailStage stage, const RelayReply& reply) {
  const std::string_view enhanced = enhanced_of(reply.lines);
  if (about_quota(enhanced)) return kRelayQuota;
  if (about_login(reply.code) || (stage == MailStage::kAuth && reply.code >= 500)) return kRelayLogin;
  if (reply.code >= 500) return judge_permanent(stage, reply, enhanced);
  return judge_temporary(stage, reply.code, enhanced);
}

std::string_view first_word(std::string_view text) {
  const auto start = text.find_first_not_of(" <[(");
  if (start == std::string_view::npos) return {};
  text.remove_prefix(start);
  return text.substr(0, text.find_first_of(" >])|,;"));
}

}  // namespace

std::string_view slug(MailStage stage) {
  static constexpr std::array<std::string_view, 9> kNames{"CONNECT", "BANNER", "EHLO", "STARTTLS", "AUTH",
                                                          "MAIL",    "RCPT",   "DATA", "DOT"};
  return kNames.at(static_cast<std::size_t>(stage));
}

RelayVerdict judge(WireEnd end, MailStage stage, const RelayReply& reply) {
  switch (end) {
    case WireEnd::kFine:
      return {AttemptResult::kSent, RelayFault::kNone, false};
    case WireEnd::kLogin:
      return reply.code == 421 || reply.code == 454 ? kRelayAway : kRelayLogin;
    case WireEnd::kNoName:
    case WireEnd::kRefused:
    case WireEnd::kTimeout:
    case WireEnd::kTls:
    case WireEnd::kNoTlsOffered:
      return kRelayAway;
    case WireEnd::kLost:
    case WireEnd::kBabble:
      return reply.code >= 400 ? judge_reply(stage, reply) : kRelayAway;
  }
  return kRelayAway;
}

std::string_view enhanced_of(std::string_view lines) {
  if (lines.size() < 9 || (lines[3] != ' ' && lines[3] != '-')) return {};
  const std::string_view word = lines.substr(4, lines.substr(4).find_first_of(" |"));
  const bool shaped = word.size() >= 5 && word.size() <= 9 && word[1] == '.' &&
                      std::count(word.begin(), word.end(), '.') == 2 &&
                      word.find_first_not_of("0123456789.") == std::string_view::npos;
  return shaped ? word : std::string_view();
}

std::string queue_id_of(std::string_view final_reply) {
  const std::string words = lower_ascii(final_reply);
  for (const std::string_view mark :
       {"queued as ", " id=", "queued mail for delivery ", "message accepted for delivery "})
    if (const auto at = words.find(mark); at != std::string::npos)
      return one_line(first_word(final_reply.substr(at + mark.size())), 100);
  // "250 2.0.0 OK  1700000000 ab12-20020a056a00… - gsmtp", "250 Ok 0100018f…-000000" (SES)
  const auto ok = words.find("ok ");
  if (ok == std::string::npos) return {};
  std::string_view rest = final_reply.substr(ok + 3);
  if (rest.find(" - gsmtp") != std::string_view::npos) {
    const auto start = rest.find_first_not_of(' ');
    const auto space = start == std::string_view::npos ? start : rest.find(' ', start);
    return space == std::string_view::npos ? std::string() : one_line(first_word(rest.substr(space)), 100);
  }
  const std::string_view word = first_word(rest);
  return word.size() >= 20 && word == rest.substr(rest.find_first_not_of(' ')) ? one_line(word, 100) : std::string();
}

}  // namespace everup::alerts
