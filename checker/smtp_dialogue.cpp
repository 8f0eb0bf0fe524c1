#include "checker/smtp_dialogue.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <utility>

#include "checker/smtp_auth.h"

namespace everup::checker {

namespace {

constexpr std::size_t kCapabilitiesMax = 100, kCapabilityBytesMax = 256, kFindingsMax = 20;

bool contains(std::string_view text, std::string_view lower_case_word) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; };
  return std::search(text.begin(), text.end(), lower_case_word.begin(), lower_case_word.end(), same) != text.end();
}

bool any_line(const SmtpReply& reply, std::initializer_list<std::string_view> words) {
  return std::any_of(reply.lines.begin(), reply.lines.end(), [&](const std::string& line) {
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return contains(line, word); });
  });
}

bool ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
}

std::string_view keyword_of(std::string_view capability) {
  return capability.substr(0, capability.find_first_of(" ="));
}

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Postscreen, Exim and others tell whom they caught talking before his turn.
bool pregreet(const SmtpReply& reply) {
  return reply.category() == 5 && any_line(reply, {"pregreet", "spoke too early", "synchronization error",
                                                   "protocol error", "early talker", "before greeting"});
}

std::string reply_words(const SmtpReply& reply) {
  std::string text = std::to_string(reply.code);
  for (const std::string& line : reply.lines) {
    if (text.size() > 200) break;
    if (!line.empty()) text += " " + line;
  }
  return text;
}

}  // namespace

SmtpPlan smtp_plan(const SmtpOptions& options, bool implicit_tls, std::uint16_t port) {
  SmtpPlan plan;
  plan.implicit_tls = implicit_tls;
  plan.starttls = options.starttls.value_or(port == 587 ? StartTls::kRequire : StartTls::kTry);
  plan.from = options.from;
  plan.to = options.to;
  plan.auth = options.auth;
  const SmtpStop usual = !options.to.empty()          ? SmtpStop::kRcpt
                         : !options.auth.user.empty() ? SmtpStop::kAuth
                                                      : SmtpStop::kEhlo;
  plan.stop = options.stop_after.value_or(usual);
  plan.ehlo = options.ehlo;
  return plan;
}

bool smtp_verifies(const SmtpOptions& options, bool implicit_tls, std::uint16_t port) {
  const bool required =
      options.starttls.value_or(port == 587 ? StartTls::kRequire : StartTls::kTry) == StartTls::kRequire;
  return options.verify_tls.value_or(implicit_tls || required);
}

std::string_view slug(SmtpStep step) {
  switch (step) {
    case SmtpStep::kConnect:
      return slug(SmtpStop::kConnect);
    case SmtpStep::kBanner:
      return slug(SmtpStop::kBanner);
    case SmtpStep::kFirstEhlo:
      return slug(SmtpStop::kFirstEhlo);
    case SmtpStep::kTls:
      return slug(SmtpStop::kTls);
    case SmtpStep::kEhlo:
      return slug(SmtpStop::kEhlo);
    case SmtpStep::kAuth:
      return slug(SmtpStop::kAuth);
    case SmtpStep::kMail:
      return slug(SmtpStop::kMail);
    case SmtpStep::kRcpt:
      return slug(SmtpStop::kRcpt);
    case SmtpStep::kData:
      return slug(SmtpStop::kData);
    case SmtpStep::kReset:
      return "RSET";
    case SmtpStep::kQuit:
      return "QUIT";
  }
  return "unknown";
}

SmtpDialogue::SmtpDialogue(SmtpPlan plan) : plan_(std::move(plan)) {}

// ---- speaking ----------------------------------------------------------------------------------------------

void SmtpDialogue::enter(State state, SmtpStep step) {
  state_ = state;
  step_ = step;
  need_ = Need::kReply;
  if (step < SmtpStep::kReset) verdict_.stopped_at = step;
}

void SmtpDialogue::say(const std::string& command, std::string shown) {
  speech_.step = step_;
  speech_.bytes += command + "\r\n";
  speech_.shown.push_back(shown.empty() ? command : std::move(shown));
  ++owed_;
}

SmtpDialogue::Speech SmtpDialogue::take_speech() { return std::exchange(speech_, Speech{}); }

void SmtpDialogue::connected(bool tls) {
  tls_ = tls;
  if (plan_.stop == SmtpStop::kConnect) {
    judged_ = true;
    return over();
  }
  enter(State::kBanner, SmtpStep::kBanner);
  owed_ = 1;
}

void SmtpDialogue::hello() {
  enter(State::kEhlo, tls_ || plan_.implicit_tls ? SmtpStep::kEhlo : SmtpStep::kFirstEhlo);
  say("EHLO " + plan_.ehlo);
}

void SmtpDialogue::after(SmtpStop done) {
  if (plan_.stop <= done) return farewell();
  switch (done) {
    case SmtpStop::kConnect:
    case SmtpStop::kBanner:
      return hello();
    case SmtpStop::kFirstEhlo:
      return begin_tls();
    case SmtpStop::kTls:
      if (tls_ && !plan_.implicit_tls) return hello();
      verdict_.stopped_at = step_ = SmtpStep::kEhlo;
      return after(SmtpStop::kEhlo);
    case SmtpStop::kEhlo:
      return plan_.auth.user.empty() ? after(SmtpStop::kAuth) : begin_auth();
    case SmtpStop::kAuth:
      return begin_mail();
    case SmtpStop::kMail:
      return plan_.to.empty() ? farewell() : next_recipient();
    case SmtpStop::kRcpt:
      enter(State::kData, SmtpStep::kData);
      return say("DATA");
    case SmtpStop::kData:
      return farewell();
  }
}

// RSET first when a sender was named; both in one segment where the server takes that (RFC 2920: QUIT comes last).
void SmtpDialogue::farewell() {
  judged_ = true;
  if (all_said_) return enter(State::kReset, SmtpStep::kReset);
  const bool reset = sender_named_ && state_ != State::kMessage;
  if (reset) {
    enter(State::kReset, SmtpStep::kReset);
    say("RSET");
    sender_named_ = false;
    if (!offers("PIPELINING")) return;
  } else {
    enter(State::kQuit, SmtpStep::kQuit);
  }
  say("QUIT");
}

void SmtpDialogue::over() {
  state_ = State::kOver;
  need_ = Need::kOver;
}

void SmtpDialogue::remark(std::string text) {
  if (findings_.size() < kFindingsMax) findings_.push_back(printable(text, 300));
}

std::vector<std::string> SmtpDialogue::take_new_findings() {
  std::vector<std::string> fresh(findings_.begin() + static_cast<std::ptrdiff_t>(findings_told_), findings_.end());
  findings_told_ = findings_.size();
  return fresh;
}

// ---- hearing -----------------------------------------------------------------------------------------------

void SmtpDialogue::hear(SmtpReply&& reply, std::string_view waiting) {
  if (state_ == State::kOver) return;
  --owed_;
  if (!judged_) {
    verdict_.code = reply.code;
    verdict_.enhanced = step_ > SmtpStep::kEhlo ? reply.enhanced : std::string();
    const std::string where(slug(step_));
    if (!reply.enhanced_fits() && step_ > SmtpStep::kEhlo)
      remark(where + ": the enhanced code " + reply.enhanced + " contradicts " + std::to_string(reply.code));
    if (reply.bare_lf) remark(where + ": a line ends with LF alone");
    if (reply.eight_bit) remark(where + ": bytes beyond ASCII in a reply");
    if (reply.control) remark(where + ": control bytes in a reply");
  }
  const SmtpStep heard_at = step_;
  if (reply.code == 421 && state_ != State::kQuit) {
    if (!judged_) stop_here(Cause::kSmtpUnavailable, reply);
    speech_ = {};
    return over();
  }
  switch (state_) {
    case State::kBanner:
      on_banner(reply);
      break;
    case State::kEhlo:
      on_ehlo(reply);
      break;
    case State::kHelo:
      on_helo(reply);
      break;
    case State::kStartTls:
      on_starttls(reply);
      break;
    case State::kAuth:
      on_auth(reply);
      break;
    case State::kMail:
      on_mail(reply);
      break;
    case State::kRcpt:
      on_rcpt(reply);
      break;
    case State::kData:
      on_data(reply);
      break;
    case State::kMessage:
      on_message(reply);
      break;
    case State::kReset:
      if (owed_ > 1) break;  // of a group that was judged before its end
      enter(State::kQuit, SmtpStep::kQuit);
      if (owed_ == 0) say("QUIT");
      break;
    case State::kQuit:
      return over();
    case State::kConnect:
    case State::kHandshake:
    case State::kOver:
      return fail(Cause::kSmtpProtocol, "a reply where none belongs: " + reply_words(reply));
  }
  if (waiting.empty() || need_ == Need::kOver) return;
  if (need_ == Need::kSecure) {
    speech_ = {};
    return fail(Cause::kStartTlsInjection, "plain text behind the answer to STARTTLS: " + std::string(waiting));
  }
  // What was said before its turn: 421 may come at any time (RFC 5321, 3.8), everything else has no command.
  if (judged_ || !has_speech()) return;
  speech_ = {};
  owed_ = 1;
  verdict_.stopped_at = step_ = heard_at;
  if (waiting.substr(0, 3) == "421") return;
  fail(Cause::kSmtpProtocol, "a reply came before its command: " + std::string(waiting));
}

void SmtpDialogue::fail(Cause cause, const std::string& detail) {
  if (!judged_) {
    judged_ = true;
    verdict_.cause = cause;
    verdict_.detail = printable(std::string(slug(step_)) + ": " + detail, 200);
  }
  speech_ = {};
  over();
}

void SmtpDialogue::stop_here(Cause cause, const SmtpReply& reply, std::string_view words) {
  if (!judged_) {
    verdict_.cause = cause;
    const std::string told = words.empty() ? reply_words(reply) : std::string(words) + " (" + reply_words(reply) + ")";
    verdict_.detail = printable(std::string(slug(step_)) + ": " + told, 200);
  }
  farewell();
}

// A reply that is neither success nor failure where one of them is due.
bool SmtpDialogue::told_off(const SmtpReply& reply) {
  if (reply.category() == 4 || reply.category() == 5) {
    stop_here(cause_of(reply), reply);
    return true;
  }
  return false;
}

Cause SmtpDialogue::cause_of(const SmtpReply& reply) const {
  const bool recipient = state_ == State::kRcpt;
  if (reply.category() == 4) {
    const bool grey = any_line(reply, {"greylist", "graylist", "grey-list", "gray-list"});
    return grey || (recipient && (reply.code == 450 || reply.code == 451)) ? Cause::kSmtpGreylisted
                                                                           : Cause::kSmtpTemporary;
  }
  if (!recipient) return Cause::kSmtpRejected;
  if (any_line(reply, {"relay"})) return Cause::kSmtpRelayDenied;
  const std::string_view subject = std::string_view(reply.enhanced).substr(0, 4);
  const bool unknown = subject.empty() ? reply.code == 550 || reply.code == 551 || reply.code == 553
                                       : subject == "5.1." || reply.enhanced == "5.2.1";
  return unknown ? Cause::kSmtpMailbox : Cause::kSmtpRejected;
}

void SmtpDialogue::on_banner(const SmtpReply& reply) {
  if (reply.code == 220) return after(SmtpStop::kBanner);
  if (pregreet(reply)) return stop_here(Cause::kSmtpPregreet, reply);
  if (reply.category() == 5) return stop_here(Cause::kSmtpBannerRejected, reply);
  if (reply.category() == 4) return stop_here(Cause::kSmtpTemporary, reply);
  stop_here(Cause::kSmtpProtocol, reply, "a greeting begins with 220");
}

void SmtpDialogue::take_capabilities(const SmtpReply& reply) {
  const std::vector<std::string> before = std::exchange(capabilities_, {});
  for (std::size_t i = 1; i < reply.lines.size() && capabilities_.size() < kCapabilitiesMax; ++i) {
    std::string_view line = reply.lines[i];
    while (line.ends_with(' ')) line.remove_suffix(1);
    if (!line.empty()) capabilities_.push_back(printable(line, kCapabilityBytesMax));
  }
  if (!tls_ || plan_.implicit_tls) return;
  const auto missing = [](const std::vector<std::string>& there, const std::string& one) {
    return std::none_of(there.begin(), there.end(),
                        [&](const std::string& other) { return same_word(keyword_of(other), keyword_of(one)); });
  };
  for (const std::string& one : before)
    if (missing(capabilities_, one)) remark("after TLS no longer offered: " + one);
  for (const std::string& one : capabilities_)
    if (missing(before, one)) remark("offered after TLS only: " + one);
}

void SmtpDialogue::on_ehlo(const SmtpReply& reply) {
  if (reply.code == 250) {
    extended_ = true;
    take_capabilities(reply);
    return after(step_ == SmtpStep::kFirstEhlo ? SmtpStop::kFirstEhlo : SmtpStop::kEhlo);
  }
  if (pregreet(reply)) return stop_here(Cause::kSmtpPregreet, reply);
  if (reply.code == 500 || reply.code == 502) {  // RFC 5321, 3.2: a server of the old kind
    remark("EHLO is unknown here, HELO was said instead");
    capabilities_.clear();
    enter(State::kHelo, step_);
    return say("HELO " + plan_.ehlo);
  }
  if (!told_off(reply)) stop_here(Cause::kSmtpProtocol, reply, "EHLO is answered with 250");
}

void SmtpDialogue::on_helo(const SmtpReply& reply) {
  if (reply.code == 250) return after(step_ == SmtpStep::kFirstEhlo ? SmtpStop::kFirstEhlo : SmtpStop::kEhlo);
  if (!told_off(reply)) stop_here(Cause::kSmtpProtocol, reply, "HELO is answered with 250");
}

bool SmtpDialogue::offers(std::string_view keyword) const {
  return std::any_of(capabilities_.begin(), capabilities_.end(),
                     [&](const std::string& line) { return same_word(keyword_of(line), keyword); });
}

// ---- TLS ---------------------------------------------------------------------------------------------------

void SmtpDialogue::begin_tls() {
  if (plan_.starttls == StartTls::kNever || tls_) return after(SmtpStop::kTls);
  step_ = SmtpStep::kTls;
  if (offers("STARTTLS")) {
    enter(State::kStartTls, SmtpStep::kTls);
    return say("STARTTLS");
  }
  if (plan_.starttls == StartTls::kTry) {
    remark("STARTTLS is not offered: the dialogue goes on in clear");
    return after(SmtpStop::kTls);
  }
  verdict_.cause = Cause::kStartTlsUnavailable;
  verdict_.stopped_at = SmtpStep::kTls;
  verdict_.detail = "TLS: STARTTLS is required, but not offered";
  farewell();
}

void SmtpDialogue::on_starttls(const SmtpReply& reply) {
  if (reply.code == 220) {
    state_ = State::kHandshake;
    need_ = Need::kSecure;
    return;
  }
  if (plan_.starttls == StartTls::kRequire) return stop_here(Cause::kStartTlsRefused, reply);
  remark("STARTTLS was offered and refused, the dialogue goes on in clear: " + reply_words(reply));
  verdict_.code = 250;  // EHLO's, which stands
  after(SmtpStop::kTls);
}

void SmtpDialogue::secured() {
  tls_ = true;
  after(SmtpStop::kTls);
}

// ---- AUTH --------------------------------------------------------------------------------------------------

bool SmtpDialogue::offers_mechanism(std::string_view name) const {
  for (const std::string& line : capabilities_) {
    if (!same_word(keyword_of(line), "AUTH")) continue;
    std::string_view rest = std::string_view(line).substr(4);  // "AUTH PLAIN LOGIN", and the old "AUTH=LOGIN"
    while (!rest.empty()) {
      const std::size_t begin = rest.find_first_not_of(" =");
      if (begin == std::string_view::npos) break;
      rest.remove_prefix(begin);
      const std::size_t end = std::min(rest.find_first_of(" ="), rest.size());
      if (same_word(rest.substr(0, end), name)) return true;
      rest.remove_prefix(end);
    }
  }
  return false;
}

SmtpAuth::Mechanism SmtpDialogue::mechanism() const {
  using Mechanism = SmtpAuth::Mechanism;
  if (plan_.auth.mechanism != Mechanism::kAny) {
    return offers_mechanism(smtp_mechanism_name(plan_.auth.mechanism)) ? plan_.auth.mechanism : Mechanism::kAny;
  }
  // Inside TLS the simplest; in clear (when that is allowed) the one that keeps the password.
  const std::array<Mechanism, 3> order = tls_ ? std::array{Mechanism::kPlain, Mechanism::kLogin, Mechanism::kCramMd5}
                                              : std::array{Mechanism::kCramMd5, Mechanism::kPlain, Mechanism::kLogin};
  for (const Mechanism one : order)
    if (offers_mechanism(smtp_mechanism_name(one))) return one;
  return Mechanism::kAny;
}

void SmtpDialogue::begin_auth() {
  const auto refuse = [this](const std::string& why) {
    verdict_.stopped_at = step_ = SmtpStep::kAuth;
    verdict_.cause = Cause::kSmtpAuthUnavailable;
    verdict_.detail = "AUTH: " + why;
    farewell();
  };
  if (!tls_ && !plan_.auth.allow_clear) return refuse("credentials are not sent without TLS");
  mechanism_ = mechanism();
  if (mechanism_ == SmtpAuth::Mechanism::kAny) {
    return refuse(offers("AUTH") ? "no mechanism that we may use is offered" : "AUTH is not offered");
  }
  enter(State::kAuth, SmtpStep::kAuth);
  const std::string name(smtp_mechanism_name(mechanism_));
  const std::string first = smtp_first_response(mechanism_, plan_.auth);
  const bool fits = !first.empty() && name.size() + first.size() + 8 <= 512;  // RFC 4954: else after the challenge
  say("AUTH " + name + (fits ? " " + first : ""), "AUTH " + name + (fits ? " ***" : ""));
}

void SmtpDialogue::on_auth(const SmtpReply& reply) {
  if (reply.code == 235) return after(SmtpStop::kAuth);
  if (reply.code == 334) return answer_challenge(reply);
  switch (reply.code) {
    case 504:  // mechanism unknown
    case 530:  // STARTTLS first
    case 534:  // mechanism too weak
    case 538:  // encryption required
      return stop_here(Cause::kSmtpAuthUnavailable, reply);
    default:
      break;
  }
  if (reply.category() == 5 || reply.code == 432) return stop_here(Cause::kSmtpAuthFailed, reply);
  if (reply.category() == 4) return stop_here(Cause::kSmtpTemporary, reply);
  stop_here(Cause::kSmtpProtocol, reply, "AUTH is answered with 235 or 334");
}

void SmtpDialogue::answer_challenge(const SmtpReply& reply) {
  const auto answer = smtp_answer(mechanism_, plan_.auth, challenges_++, reply.text());
  if (answer) return say(*answer, "***");
  if (mechanism_ == SmtpAuth::Mechanism::kXoauth2 && challenges_ == 1) {  // the error as JSON; then it refuses
    remark("AUTH: the server says why: " + smtp_challenge_text(reply.text()));
    return say("", "(an empty line)");
  }
  verdict_.cause = Cause::kSmtpProtocol;
  verdict_.detail = printable("AUTH: a challenge that does not belong here: " + reply_words(reply), 200);
  judged_ = true;
  say("*");  // RFC 4954: cancels; what comes is 501, then we take our leave
}

// ---- the envelope ------------------------------------------------------------------------------------------

void SmtpDialogue::begin_mail() {
  enter(State::kMail, SmtpStep::kMail);
  const bool international =
      !ascii(plan_.from) || std::any_of(plan_.to.begin(), plan_.to.end(), [](const auto& one) { return !ascii(one); });
  if (international && !offers("SMTPUTF8")) {
    verdict_.cause = Cause::kSmtpCapability;
    verdict_.detail = "MAIL: an address beyond ASCII needs SMTPUTF8, which is not offered";
    return farewell();
  }
  std::string command = "MAIL FROM:<" + plan_.from + ">";
  if (offers("SIZE") && !plan_.message.empty()) command += " SIZE=" + std::to_string(plan_.message.size());
  if (international) command += " SMTPUTF8";
  say(command);
  if (plan_.grouped && plan_.stop <= SmtpStop::kRcpt && offers("PIPELINING")) say_group();
}

// What is judged decides nothing about what is said: after a refused MAIL the rest is refused too.
void SmtpDialogue::say_group() {
  all_said_ = true;
  if (plan_.stop == SmtpStop::kRcpt) {
    for (const std::string& whom : plan_.to) say("RCPT TO:<" + whom + ">");
  }
  say("RSET");
  say("QUIT");
}

void SmtpDialogue::on_mail(const SmtpReply& reply) {
  if (reply.code == 250) {
    sender_named_ = true;
    return after(SmtpStop::kMail);
  }
  if (!told_off(reply)) stop_here(Cause::kSmtpProtocol, reply, "MAIL is answered with 250");
}

void SmtpDialogue::next_recipient() {
  enter(State::kRcpt, SmtpStep::kRcpt);
  if (!all_said_) say("RCPT TO:<" + plan_.to[recipient_] + ">");
}

// All are asked; the worst answer counts, the first of equal ones.
void SmtpDialogue::on_rcpt(const SmtpReply& reply) {
  const bool fine = reply.code == 250 || reply.code == 251 || reply.code == 252;
  if (!fine && reply.category() != 4 && reply.category() != 5)
    return stop_here(Cause::kSmtpProtocol, reply, "RCPT is answered with 250");
  if (fine) {
    ++accepted_;
  } else {
    const Cause cause = cause_of(reply);
    const auto weight = [](Cause one) { return one == Cause::kOk ? 0 : facts(one).verdict == Verdict::kDown ? 2 : 1; };
    if (weight(cause) > weight(verdict_.cause)) {
      verdict_.cause = cause;
      worst_ = {reply.code, reply.enhanced};
      const std::string whom = plan_.to.size() > 1 ? " <" + plan_.to[recipient_] + ">" : "";
      verdict_.detail = printable("RCPT" + whom + ": " + reply_words(reply), 200);
    }
  }
  if (verdict_.cause != Cause::kOk) verdict_.code = worst_.first, verdict_.enhanced = worst_.second;
  if (++recipient_ < plan_.to.size()) return next_recipient();
  if (verdict_.cause != Cause::kOk) return farewell();
  after(SmtpStop::kRcpt);
}

// ---- the message -------------------------------------------------------------------------------------------

void SmtpDialogue::on_data(const SmtpReply& reply) {
  if (reply.code == 354) return say_message();
  if (!told_off(reply)) stop_here(Cause::kSmtpProtocol, reply, "DATA is answered with 354");
}

// RFC 5321, 4.5.2: a line that begins with a dot gets another one.
void SmtpDialogue::say_message() {
  enter(State::kMessage, SmtpStep::kData);
  speech_.step = step_;
  std::string_view rest = plan_.message;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string line = (rest.starts_with('.') ? "." : "") + std::string(rest.substr(0, end));
    speech_.bytes += line + "\r\n";
    speech_.shown.push_back(line);
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  say(".");
}

void SmtpDialogue::on_message(const SmtpReply& reply) {
  sender_named_ = false;  // whatever the answer, the transaction is over
  if (reply.code == 250) return after(SmtpStop::kData);
  if (!told_off(reply)) stop_here(Cause::kSmtpProtocol, reply, "a message is answered with 250");
}

}  // namespace everup::checker
