// The client's side of a mail dialogue as a pure machine: it is told what came, it says what to send next. No I/O, no
// clock: checker/smtp_probe drives it over a net::Stream, tests drive it with files of dialogues.
//
//   connected(tls) → need() … hear(reply) → need() … until kOver
//
// On entering a state it speaks, on hearing a reply it judges. States go in the order of SmtpStop; the dialogue ends
// after the wanted one, or at the first thing that is wrong, with good manners: RSET when a sender was named, then
// QUIT, and an answer to QUIT is waited for (RFC 5321, 4.1.1.10). After 421 nothing more is said; after a broken TLS
// negotiation neither.
//
// Nothing is said before the whole banner was heard, one command at a time (so that every answer has its time), but
// RSET and QUIT together where PIPELINING is offered; with `grouped` the whole envelope and the farewell together there
// (RFC 2920), as mail servers do: half the packets. A reply that comes before its command is a fault of its own, and
// plain text behind the 220 of STARTTLS is another (RFC 3207, section 6; CVE-2011-0411).
//
// STARTTLS: kTry goes on in clear when it is not offered or refused, kRequire does not; a handshake that fails is down
// in both, because a sender that begins it cannot deliver here. stop_after absent: RCPT with recipients, AUTH with
// credentials, else EHLO. AUTH happens only when credentials were given, and without TLS only when allowed. Secrets are
// in Speech::bytes only, never in Speech::shown, findings or details.
//
// Values; one thread. Limits: 10 recipients, 100 capabilities of 256 bytes, 3 challenges, 20 findings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checker/smtp_reply.h"
#include "core/kind_settings.h"
#include "core/outcome.h"

namespace everup::checker {

struct SmtpPlan {
  bool implicit_tls = false;
  StartTls starttls = StartTls::kTry;
  SmtpStop stop = SmtpStop::kEhlo;
  std::string ehlo;  // what we call ourselves: a name or an address literal in brackets
  std::string from;  // empty: <>
  std::vector<std::string> to;
  SmtpAuth auth;
  std::string message;  // for DATA: lines with CRLF, not dot-stuffed; its size goes into MAIL in any case
  bool grouped = false;  // MAIL, RCPT …, RSET and QUIT in one segment where the server takes that; never before DATA
};
// Options with the defaults of SHAPES 8 filled in; `ehlo` and `message` stay empty.
SmtpPlan smtp_plan(const SmtpOptions& options, bool implicit_tls, std::uint16_t port);
bool smtp_verifies(const SmtpOptions& options, bool implicit_tls, std::uint16_t port);

// Where a dialogue is; the first nine are those of SmtpStop under swaks' names.
enum class SmtpStep : std::uint8_t {
  kConnect,
  kBanner,
  kFirstEhlo,
  kTls,
  kEhlo,
  kAuth,
  kMail,
  kRcpt,
  kData,
  kReset,
  kQuit
};
std::string_view slug(SmtpStep step);  // "CONNECT" … "DATA", "RSET", "QUIT"

struct SmtpVerdict {
  Cause cause = Cause::kOk;
  std::string detail;                        // "RCPT: 550 5.1.1 no such user"; English, printable, at most 200 bytes
  SmtpStep stopped_at = SmtpStep::kConnect;  // the last step that was begun before the farewell
  int code = 0;                              // of the last reply that counted
  std::string enhanced;
};

class SmtpDialogue {
 public:
  enum class Need : std::uint8_t {
    kReply,   // the next reply; speech() is to be sent first when there is one
    kSecure,  // make the connection TLS, then secured()
    kOver,
  };
  struct Speech {
    SmtpStep step = SmtpStep::kBanner;
    std::string bytes;               // with CRLF
    std::vector<std::string> shown;  // line by line, secrets masked
  };

  explicit SmtpDialogue(SmtpPlan plan);

  void connected(bool tls);
  // `waiting`: plain bytes that came behind this reply and were not read yet.
  void hear(SmtpReply&& reply, std::string_view waiting);
  void secured();
  // Whatever ends it from outside: a connection lost, time over, bytes that are no reply, TLS that failed. What was
  // judged before stays (a lost farewell is no fault).
  void fail(Cause cause, const std::string& detail);

  Need need() const { return need_; }
  bool has_speech() const { return !speech_.bytes.empty(); }
  Speech take_speech();
  // The verdict stands: what follows is the farewell.
  bool judged() const { return judged_; }
  SmtpStep step() const { return step_; }
  const SmtpVerdict& verdict() const { return verdict_; }
  const SmtpPlan& plan() const { return plan_; }
  bool tls() const { return tls_; }
  // Of the last EHLO, as it was spelled; the first word is the keyword.
  const std::vector<std::string>& capabilities() const { return capabilities_; }
  bool offers(std::string_view keyword) const;
  const std::vector<std::string>& findings() const { return findings_; }  // what is odd, but no fault
  std::vector<std::string> take_new_findings();

 private:
  enum class State : std::uint8_t {
    kConnect,
    kBanner,
    kEhlo,
    kHelo,
    kStartTls,
    kHandshake,
    kAuth,
    kMail,
    kRcpt,
    kData,
    kMessage,
    kReset,
    kQuit,
    kOver
  };
  void enter(State state, SmtpStep step);
  void say(const std::string& command, std::string shown = {});
  void after(SmtpStop done);  // what comes behind it, or the farewell
  void farewell();
  void over();
  void stop_here(Cause cause, const SmtpReply& reply, std::string_view words = {});
  void remark(std::string text);

  void on_banner(const SmtpReply& reply);
  void on_ehlo(const SmtpReply& reply);
  void on_helo(const SmtpReply& reply);
  void on_starttls(const SmtpReply& reply);
  void on_auth(const SmtpReply& reply);
  void on_mail(const SmtpReply& reply);
  void on_rcpt(const SmtpReply& reply);
  void on_data(const SmtpReply& reply);
  void on_message(const SmtpReply& reply);

  void take_capabilities(const SmtpReply& reply);
  void hello();
  void begin_tls();
  void begin_auth();
  void begin_mail();
  void next_recipient();
  void say_group();
  void say_message();
  SmtpAuth::Mechanism mechanism() const;
  bool offers_mechanism(std::string_view name) const;
  void answer_challenge(const SmtpReply& reply);
  bool told_off(const SmtpReply& reply);
  Cause cause_of(const SmtpReply& reply) const;

  SmtpPlan plan_;
  State state_ = State::kConnect;
  SmtpStep step_ = SmtpStep::kConnect;
  Need need_ = Need::kOver;
  Speech speech_;
  SmtpVerdict verdict_;
  bool judged_ = false, tls_ = false, extended_ = false, sender_named_ = false;
  bool all_said_ = false;  // a group: what is still to come are answers
  int owed_ = 0;  // replies that are still to come for what was said
  std::vector<std::string> capabilities_, findings_;
  std::size_t findings_told_ = 0;
  std::size_t recipient_ = 0, accepted_ = 0;
  std::pair<int, std::string> worst_;  // code and enhanced code of the recipient that counts
  SmtpAuth::Mechanism mechanism_ = SmtpAuth::Mechanism::kAny;
  int challenges_ = 0;
};

}  // namespace everup::checker
