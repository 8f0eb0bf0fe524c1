#include "checker/starttls_prelude.h"

#include <strings.h>

#include <algorithm>
#include <utility>

#include "core/result.h"

namespace everup::checker {

namespace {

constexpr std::string_view kXmppTls = "urn:ietf:params:xml:ns:xmpp-tls";
// ExtendedRequest, message 1, name 1.3.6.1.4.1.1466.20037.
constexpr std::string_view kLdapStartTls(
    "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
    "1.3.6.1.4.1.1466.20037",
    31);
constexpr std::string_view kPostgresSsl("\x00\x00\x00\x08\x04\xd2\x16\x2f", 8);

bool begins_with(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && strncasecmp(text.data(), word.data(), word.size()) == 0;
}

int reply_code(std::string_view line) {
  if (line.size() < 3) return 0;
  const auto digit = [&](std::size_t at) { return line[at] >= '0' && line[at] <= '9' ? line[at] - '0' : -1000; };
  const int code = digit(0) * 100 + digit(1) * 10 + digit(2);
  const bool ends = line.size() == 3 || line[3] == ' ' || line[3] == '-';
  return code >= 100 && code <= 599 && ends ? code : 0;
}

// For what goes into an XML attribute; hosts hold nothing worse than these.
std::string xml_attribute(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&' || c == '<' || c == '>' || c == '\'' || c == '"' || static_cast<unsigned char>(c) < 0x20) continue;
    out += c;
  }
  return out;
}

}  // namespace

StartTlsPrelude::StartTlsPrelude(TlsPrelude kind, std::string our_name, std::string host)
    : kind_(kind), our_name_(std::move(our_name)), host_(std::move(host)) {
  switch (kind_) {
    case TlsPrelude::kNone:
      ready();
      break;
    case TlsPrelude::kSmtp:
    case TlsPrelude::kLmtp:
    case TlsPrelude::kImap:
    case TlsPrelude::kPop3:
    case TlsPrelude::kFtp:
      break;  // the server begins
    case TlsPrelude::kXmpp:
      say(Step::kHello, "<?xml version='1.0'?><stream:stream to='" + xml_attribute(host_) +
                            "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
      break;
    case TlsPrelude::kLdap:
      say(Step::kAnswer, std::string(kLdapStartTls), "extended request 1.3.6.1.4.1.1466.20037 (StartTLS)");
      break;
    case TlsPrelude::kPostgres:
      say(Step::kAnswer, std::string(kPostgresSsl), "SSLRequest");
      break;
  }
}

std::string StartTlsPrelude::to_send() { return std::exchange(out_, {}); }
std::vector<TranscriptLine> StartTlsPrelude::take_lines() { return std::exchange(lines_, {}); }

bool StartTlsPrelude::by_lines() const {
  return kind_ != TlsPrelude::kXmpp && kind_ != TlsPrelude::kLdap && kind_ != TlsPrelude::kPostgres;
}

std::size_t StartTlsPrelude::on_bytes(std::string_view received) {
  std::size_t taken = 0;
  while (state_ == State::kTalking && by_lines()) {
    const auto rest = received.substr(taken);
    const auto end = rest.find('\n');
    if (end > kLineMax && rest.size() > kLineMax) {  // npos too
      fail(Cause::kSmtpProtocol, "a line of more than " + std::to_string(kLineMax) + " bytes before STARTTLS");
    }
    if (end == std::string_view::npos || state_ != State::kTalking) break;
    auto line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    taken += end + 1;
    note_in(line);
    if (++lines_in_ > kLinesMax) {
      fail(Cause::kSmtpProtocol, "more than " + std::to_string(kLinesMax) + " lines before STARTTLS");
      break;
    }
    on_line(line);
  }
  if (state_ == State::kTalking && kind_ == TlsPrelude::kXmpp) taken = on_xmpp(received);
  if (state_ == State::kTalking && kind_ == TlsPrelude::kLdap) taken = on_ldap(received);
  if (state_ == State::kTalking && kind_ == TlsPrelude::kPostgres) taken = on_postgres(received);
  if (state_ == State::kReady && taken < received.size()) {
    fail(Cause::kStartTlsInjection, std::to_string(received.size() - taken) +
                                        " bytes in clear follow the server's word to begin TLS (CVE-2011-0411)");
  }
  return taken;
}

void StartTlsPrelude::on_line(std::string_view line) {
  switch (kind_) {
    case TlsPrelude::kSmtp:
    case TlsPrelude::kLmtp:
    case TlsPrelude::kFtp:
      return on_mail_line(line);
    case TlsPrelude::kImap:
      return on_imap_line(line);
    case TlsPrelude::kPop3:
      return on_pop3_line(line);
    case TlsPrelude::kNone:
    case TlsPrelude::kXmpp:
    case TlsPrelude::kLdap:
    case TlsPrelude::kPostgres:
      break;
  }
  assertion_failed("a prelude of lines", __FILE__, __LINE__);
}

void StartTlsPrelude::on_mail_line(std::string_view line) {
  const int code = reply_code(line);
  const bool goes_on = line.size() > 3 && line[3] == '-';
  // FTP lets any text stand between the first and the last line of a reply (RFC 959, 4.2).
  const bool between = kind_ == TlsPrelude::kFtp && code_ != 0 && code != code_;
  if (between) return;
  if (code == 0 || (code_ != 0 && code != code_)) {
    return fail(Cause::kSmtpProtocol, "not a reply: " + printable(line, 100));
  }
  if (step_ == Step::kHello && line.size() > 4 && begins_with(line.substr(4), "STARTTLS")) offered_ = true;
  code_ = goes_on ? code : 0;
  if (!goes_on) on_reply(code, line);
}

void StartTlsPrelude::on_reply(int code, std::string_view line) {
  const auto refuse = [&](Cause cause, const char* what) { fail(cause, what + printable(line, 120)); };
  if (code == 421) return refuse(Cause::kSmtpUnavailable, "");
  if (step_ == Step::kGreeting) {
    if (code != 220) return refuse(Cause::kSmtpBannerRejected, "greeting: ");
    if (kind_ == TlsPrelude::kFtp) return say(Step::kAnswer, "AUTH TLS\r\n");
    return say(Step::kHello, hello_command());
  }
  if (step_ == Step::kHello) {
    if (code != 250) return refuse(Cause::kStartTlsUnavailable, "EHLO was answered with: ");
    if (!offered_) return fail(Cause::kStartTlsUnavailable, "the server does not offer STARTTLS");
    return say(Step::kAnswer, "STARTTLS\r\n");
  }
  const int wanted = kind_ == TlsPrelude::kFtp ? 234 : 220;
  if (code != wanted) return refuse(Cause::kStartTlsRefused, "");
  ready();
}

std::string StartTlsPrelude::hello_command() const {
  return (kind_ == TlsPrelude::kLmtp ? "LHLO " : "EHLO ") + our_name_ + "\r\n";
}

void StartTlsPrelude::on_imap_line(std::string_view line) {
  if (step_ == Step::kGreeting) {
    if (begins_with(line, "* OK")) return say(Step::kAnswer, "e1 STARTTLS\r\n");
    const bool bye = begins_with(line, "* BYE");
    if (bye || begins_with(line, "* PREAUTH"))
      return fail(bye ? Cause::kSmtpBannerRejected : Cause::kStartTlsUnavailable, "greeting: " + printable(line, 120));
    return fail(Cause::kSmtpProtocol, "not an IMAP greeting: " + printable(line, 100));
  }
  if (begins_with(line, "* BYE")) return fail(Cause::kSmtpUnavailable, printable(line, 120));
  if (begins_with(line, "* ")) return;  // untagged: allowed at any time
  if (begins_with(line, "e1 OK")) return ready();
  fail(begins_with(line, "e1 ") ? Cause::kStartTlsRefused : Cause::kSmtpProtocol, printable(line, 120));
}

void StartTlsPrelude::on_pop3_line(std::string_view line) {
  const bool good = begins_with(line, "+OK");
  if (!good && !begins_with(line, "-ERR")) {
    return fail(Cause::kSmtpProtocol, "not a POP3 reply: " + printable(line, 100));
  }
  if (step_ == Step::kGreeting) {
    return good ? say(Step::kAnswer, "STLS\r\n") : fail(Cause::kSmtpBannerRejected, printable(line, 120));
  }
  return good ? ready() : fail(Cause::kStartTlsRefused, printable(line, 120));
}

std::size_t StartTlsPrelude::on_xmpp(std::string_view received) {
  const auto until = [&](std::string_view word) {
    const auto at = received.find(word);
    const auto end = at == std::string_view::npos ? at : received.find('>', at);
    return end == std::string_view::npos ? 0 : end + 1;
  };
  if (step_ == Step::kHello) {
    if (received.find("<stream:error") != std::string_view::npos) {
      fail(Cause::kStartTlsUnavailable, "stream error: " + printable(received, 120));
      return received.size();
    }
    if (const std::size_t end = std::max(until("</stream:features"), until("<stream:features/")); end != 0) {
      note_in(received.substr(0, end));
      if (received.substr(0, end).find(kXmppTls) == std::string_view::npos) {
        fail(Cause::kStartTlsUnavailable, "the stream's features do not name STARTTLS");
      } else {
        say(Step::kAnswer, "<starttls xmlns='" + std::string(kXmppTls) + "'/>");
      }
      return end;
    }
  } else {
    if (const std::size_t end = until("<proceed"); end != 0) {
      note_in(received.substr(0, end));
      ready();
      return end;
    }
    if (until("<failure") != 0) {
      fail(Cause::kStartTlsRefused, printable(received, 120));
      return received.size();
    }
  }
  const bool xml = received.empty() || received.front() == '<' || received.front() == ' ' || received.front() == '\r' ||
                   received.front() == '\n';
  if (!xml || received.size() > kXmlMax) fail(Cause::kSmtpProtocol, "not an XMPP stream: " + printable(received, 100));
  return 0;
}

// ExtendedResponse: 30 len · 02 01 01 · 78 len · 0a 01 result …, lengths of one byte or in BER's long form.
std::size_t StartTlsPrelude::on_ldap(std::string_view received) {
  const auto byte = [&](std::size_t at) {
    return at < received.size() ? static_cast<int>(static_cast<std::uint8_t>(received[at])) : -1;
  };
  const auto length_at = [&](std::size_t& at) -> long {
    const int first = byte(at++);
    if (first < 0x80) return first;
    long value = 0;
    const int more = first & 0x7f;
    if (more < 1 || more > 3) return -2;
    for (int i = 0; i < more; ++i) {
      if (byte(at) < 0) return -1;
      value = value << 8 | byte(at++);
    }
    return value;
  };
  if (received.empty()) return 0;
  if (byte(0) != 0x30) {
    fail(Cause::kSmtpProtocol, "not an LDAP message");
    return received.size();
  }
  std::size_t at = 1;
  const long whole = length_at(at);
  if (whole == -1) return 0;
  if (whole < 0 || whole > static_cast<long>(kLineMax)) {
    fail(Cause::kSmtpProtocol, "not an LDAP message of sensible size");
    return received.size();
  }
  const std::size_t end = at + static_cast<std::size_t>(whole);
  if (received.size() < end) return 0;
  const bool message_one = byte(at) == 2 && byte(at + 1) == 1 && byte(at + 2) == 1;
  at += 3;
  const bool response =
      message_one && byte(at++) == 0x78 && length_at(at) >= 3 && byte(at) == 0x0a && byte(at + 1) == 1;
  const int result = byte(at + 2);
  note_in("extended response, result " + std::to_string(response ? result : -1));
  if (!response || at + 3 > end) {
    fail(Cause::kSmtpProtocol, "not the answer to StartTLS");
  } else if (result != 0) {
    fail(Cause::kStartTlsRefused, "the LDAP server refuses StartTLS with result " + std::to_string(result));
  } else {
    ready();
  }
  return end;
}

std::size_t StartTlsPrelude::on_postgres(std::string_view received) {
  if (received.empty()) return 0;
  note_in(received.substr(0, 1));
  if (received.front() == 'S') {
    ready();
    return 1;
  }
  if (received.front() == 'N') {
    fail(Cause::kStartTlsUnavailable, "the PostgreSQL server has TLS switched off");
  } else {
    fail(Cause::kSmtpProtocol, "not an answer of PostgreSQL to SSLRequest");
  }
  return received.size();
}

void StartTlsPrelude::say(Step next, std::string text, std::string_view shown) {
  std::string_view line = shown.empty() ? std::string_view(text) : shown;
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  lines_.push_back({0, Direction::kOut, false, printable(line, 500)});
  out_ += text;
  step_ = next;
  lines_in_ = 0;
}

void StartTlsPrelude::note_in(std::string_view text) {
  lines_.push_back({0, Direction::kIn, false, printable(text, 500)});
}

void StartTlsPrelude::fail(Cause cause, std::string detail) {
  state_ = State::kFailed;
  cause_ = cause;
  detail_ = std::move(detail);
  out_.clear();
}

}  // namespace everup::checker
