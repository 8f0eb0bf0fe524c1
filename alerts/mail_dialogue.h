// An SMTP dialogue as it is overheard from the mail client: who said what, how far it came, and what each recipient was
// told. Passwords never come in here: what follows AUTH is masked. Pure; one object per hand-over.
//
// Limits: kLinesMax lines of kLineBytesMax bytes are kept, kReplyLinesMax and kReplyBytesMax of the relay's are heard;
// a relay that says more is told off (too_much()).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/relay_verdict.h"

namespace everup::alerts {

class MailDialogue {
 public:
  static constexpr std::size_t kLinesMax = 200, kLineBytesMax = 300;
  static constexpr std::size_t kReplyLinesMax = 400, kReplyBytesMax = 64 * 1024;

  void said(std::string_view command);  // by us, with its line end
  void sent_body();                     // a piece of the mail went out
  void heard(std::string_view line);    // by the relay, with its line end
  void noted(std::string_view text);    // by the client itself: connections, TLS

  MailStage stage() const { return stage_; }
  // The relay's last answer at this stage (what comes after QUIT says nothing about the mail); code 0: none came yet.
  const RelayReply& reply() const { return reply_; }
  // Of each RCPT, in order; those that were never asked are missing.
  const std::vector<RelayReply>& recipients() const { return recipients_; }
  const std::string& tls() const { return tls_; }  // "TLSv1.3" of a handshake in this dialogue; empty: none
  bool too_much() const { return heard_lines_ > kReplyLinesMax || heard_bytes_ > kReplyBytesMax; }
  // "< 250 2.0.0 Ok", "> MAIL FROM:<…>", "* TLSv1.3"
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  void keep(char mark, std::string_view text);
  void at(MailStage stage);

  MailStage stage_ = MailStage::kConnect;
  RelayReply reply_;
  bool reply_ended_ = false, in_auth_ = false, leaving_ = false;
  std::vector<RelayReply> recipients_;
  std::string tls_;
  std::vector<std::string> lines_;
  std::size_t heard_lines_ = 0, heard_bytes_ = 0;
};

}  // namespace everup::alerts
