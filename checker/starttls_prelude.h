// What is spoken before a handshake where TLS begins inside another protocol: the shortest dialogue that leads to it.
// A machine over bytes; the driver owns socket and clock.
//
//   SMTP RFC 3207 · LMTP RFC 2033 · IMAP RFC 3501 6.2.1 · POP3 RFC 2595 · FTP RFC 4217 · XMPP RFC 6120 5 ·
//   LDAP RFC 4511 4.14 · PostgreSQL's SSLRequest
//
// After the server's last word not one byte may follow before our ClientHello: what does was not protected and would be
// taken for what comes under TLS (CVE-2011-0411); that is kStartTlsInjection.
//
// Pure; one thread. Limits: lines of kLineMax bytes, kLinesMax of them, kXmlMax bytes of XMPP; beyond them it is not
// the protocol. Known weakness: XMPP is looked through for the elements, not parsed as XML.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/kind_settings.h"
#include "core/outcome.h"
#include "core/transcript.h"

namespace everup::checker {

class StartTlsPrelude {
 public:
  static constexpr std::size_t kLineMax = 2048, kXmlMax = 16 * 1024;
  static constexpr int kLinesMax = 64;

  // `our_name` for EHLO and LHLO, `host` for XMPP's stream. kNone is ready at once.
  StartTlsPrelude(TlsPrelude kind, std::string our_name, std::string host);

  enum class State { kTalking, kReady, kFailed };
  State state() const { return state_; }
  Cause cause() const { return cause_; }                 // after kFailed
  const std::string& detail() const { return detail_; }  // after kFailed, printable

  // What to send now (after the connection stands, then after each on_bytes); handing it over forgets it.
  std::string to_send();
  // Takes from the front of `received`; returns the bytes taken.
  std::size_t on_bytes(std::string_view received);
  // Lines of the dialogue since the last call, for transcripts (at_ms is left 0).
  std::vector<TranscriptLine> take_lines();

 private:
  enum class Step { kGreeting, kHello, kAnswer };  // what the server has to say next
  void on_line(std::string_view line);
  void on_mail_line(std::string_view line);  // SMTP, LMTP, FTP: three digits
  void on_reply(int code, std::string_view line);
  void on_imap_line(std::string_view line);
  void on_pop3_line(std::string_view line);
  std::size_t on_xmpp(std::string_view received);
  std::size_t on_ldap(std::string_view received);
  std::size_t on_postgres(std::string_view received);
  void say(Step next, std::string text, std::string_view shown = {});
  void note_in(std::string_view text);
  void ready() { state_ = State::kReady; }
  void fail(Cause cause, std::string detail);
  std::string hello_command() const;
  bool by_lines() const;

  const TlsPrelude kind_;
  const std::string our_name_, host_;
  State state_ = State::kTalking;
  Step step_ = Step::kGreeting;
  Cause cause_ = Cause::kOk;
  std::string detail_, out_;
  bool offered_ = false;  // STARTTLS stood in the EHLO answer
  int code_ = 0;          // of a reply of several lines that goes on
  int lines_in_ = 0;
  std::vector<TranscriptLine> lines_;
};

}  // namespace everup::checker
