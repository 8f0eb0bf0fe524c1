#include "alerts/mail_dialogue.h"

#include "alerts/safe_text.h"

namespace everup::alerts {
namespace {

constexpr std::size_t kReplyKept = 500;

// The line of 1 MB is heard in pieces; only what begins with three digits is a reply.
int code_of(std::string_view line) {
  int code = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    if (i >= line.size() || line[i] < '0' || line[i] > '9') return 0;
    code = code * 10 + (line[i] - '0');
  }
  return code;
}

bool begins(const std::string& lower, std::string_view verb) { return lower.starts_with(verb); }

}  // namespace

void MailDialogue::keep(char mark, std::string_view text) {
  if (lines_.size() < kLinesMax) lines_.push_back(std::string(1, mark) + " " + one_line(text, kLineBytesMax));
}

void MailDialogue::at(MailStage stage) {
  stage_ = stage;
  reply_ = {};
  reply_ended_ = false;
}

void MailDialogue::said(std::string_view command) {
  const std::string verb = lower_ascii(command.substr(0, 12));
  if (begins(verb, "auth ")) {
    in_auth_ = true;
    at(MailStage::kAuth);
    const std::string_view mechanism = command.substr(5, command.substr(5).find_first_of(" \r\n"));
    return keep('>', "AUTH " + std::string(mechanism) + " ****");
  }
  const bool mail_begins = begins(verb, "mail from:");
  if (in_auth_ && !mail_begins && !begins(verb, "quit")) return keep('>', "****");
  in_auth_ = false;
  if (begins(verb, "ehlo") || begins(verb, "helo")) at(MailStage::kHello);
  if (begins(verb, "starttls")) at(MailStage::kTls);
  if (mail_begins) at(MailStage::kFrom);
  if (begins(verb, "rcpt to:")) {
    at(MailStage::kRecipient);
    recipients_.emplace_back();
  }
  if (begins(verb, "data")) at(MailStage::kData);
  if (begins(verb, "quit")) leaving_ = true;
  keep('>', command);
}

void MailDialogue::sent_body() {
  if (stage_ == MailStage::kBody) return;
  at(MailStage::kBody);
  keep('>', "(the mail)");
}

void MailDialogue::heard(std::string_view line) {
  ++heard_lines_;
  heard_bytes_ += line.size();
  if (too_much()) return;
  keep('<', line);
  if (leaving_) return;
  if (stage_ == MailStage::kConnect) at(MailStage::kGreeting);
  const int code = code_of(line);
  if (code == 0) return;
  if (reply_ended_) reply_ = {};
  reply_.code = code;
  if (reply_.lines.size() < kReplyKept) {
    if (!reply_.lines.empty()) reply_.lines += '|';
    reply_.lines += one_line(line, kLineBytesMax);
  }
  reply_ended_ = line.size() < 4 || line[3] != '-';
  if (in_auth_ && reply_ended_ && code != 334) in_auth_ = false;
  if (stage_ == MailStage::kRecipient && !recipients_.empty()) recipients_.back() = reply_;
}

void MailDialogue::noted(std::string_view text) {
  constexpr std::string_view kSecured = "SSL connection using ";
  if (text.starts_with(kSecured)) {
    text.remove_prefix(kSecured.size());
    tls_ = one_line(text.substr(0, text.find(' ')), 20);
    keep('*', text);
  }
}

}  // namespace everup::alerts
