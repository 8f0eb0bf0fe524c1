// The bounds of what each kind besides the web may be told. Mailboxes are those of RFC 5321 4.1.2 without quoted
// strings, with UTF-8 as RFC 6531 allows.
#include <algorithm>
#include <array>

#include "core/complaints.h"
#include "core/cron.h"
#include "core/host.h"
#include "core/utf8.h"

namespace everup {

namespace {

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// An EHLO name, a server name: a host name or an address literal in brackets.
bool domain(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) return text.size() <= 64 && no_controls(text);
  return canonical_host(text).ok();
}

bool local_part(std::string_view text) {
  constexpr std::string_view kAtom = "!#$%&'*+-/=?^_`{|}~.";
  if (text.empty() || text.size() > 64 || text.front() == '.' || text.back() == '.') return false;
  if (text.find("..") != std::string_view::npos || !utf8_characters(text)) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return letter_or_digit(c) || static_cast<unsigned char>(c) >= 0x80 || kAtom.find(c) != std::string_view::npos;
  });
}

bool mailbox(std::string_view text) {
  const auto at = text.rfind('@');
  return at != std::string_view::npos && text.size() <= 254 && local_part(text.substr(0, at)) &&
         domain(text.substr(at + 1));
}

void certificate_days(const std::optional<int>& days, const std::string& at, Complaints& complaints) {
  if (days) complaints.range(*days, 0, 825, at + "/certificate_days_min");
}
void latency(const std::optional<int>& ms, const std::string& at, Complaints& complaints) {
  if (ms) complaints.range(*ms, 1, 60'000, at + "/latency_ms_max");
}

void check_smtp_auth(const SmtpAuth& auth, Complaints& complaints) {
  complaints.need(auth.user.size() <= 256 && no_controls(auth.user), "#/options/auth/user", "invalid_user",
                  "at most 256 bytes without control characters");
  const bool token = auth.mechanism == SmtpAuth::Mechanism::kXoauth2;
  const std::string at = token ? "#/options/auth/token" : "#/options/auth/password";
  complaints.need(auth.secret.size() <= 2048 && no_controls(auth.secret), at, "invalid_secret",
                  "at most 2048 bytes without control characters");
}

void check_smtp_expect(const SmtpExpect& expect, const std::string& at, Complaints& complaints) {
  complaints.need(expect.capabilities.size() <= 20, at + "/capabilities", "too_many", "at most 20 keywords");
  for (std::size_t i = 0; i < expect.capabilities.size(); ++i) {
    const std::string& word = expect.capabilities[i];
    const bool good = !word.empty() && word.size() <= 40 && std::all_of(word.begin(), word.end(), [](char c) {
      return letter_or_digit(c) || c == '-' || c == ' ';
    });
    complaints.need(good, at + "/capabilities/" + std::to_string(i), "invalid_keyword",
                    "must be an EHLO keyword such as STARTTLS, or one with its parameter such as AUTH PLAIN");
  }
  certificate_days(expect.certificate_days_min, at, complaints);
  latency(expect.latency_ms_max, at, complaints);
}

}  // namespace

void check_ca(const std::string& pem, Complaints& complaints) {
  complaints.need(pem.size() <= 64 * 1024, "#/options/ca", "too_long", "at most 64 KiB");
  complaints.need(pem.empty() || pem.find("-----BEGIN CERTIFICATE-----") != std::string::npos, "#/options/ca",
                  "invalid_pem", "must be certificates in PEM form (-----BEGIN CERTIFICATE-----)");
}

void check_settings(const SmtpSettings& settings, const Target& target, Complaints& complaints) {
  const SmtpOptions& o = settings.options;
  complaints.need(target.kind == Kind::kSmtp || !o.starttls, "#/options/starttls", "not_allowed",
                  "smtps:// speaks TLS from the first byte; STARTTLS belongs to smtp://");
  complaints.need(o.ehlo.empty() || domain(o.ehlo), "#/options/ehlo", "invalid_host",
                  "must be a host name, or an address literal in brackets (RFC 5321 4.1.1.1)");
  complaints.need(o.from.empty() || mailbox(o.from), "#/options/from", "invalid_mailbox",
                  "must be a mailbox such as monitor@example.com; empty for the null sender <>");
  complaints.need(o.to.size() <= 10, "#/options/to", "too_many", "at most 10 recipients");
  for (std::size_t i = 0; i < o.to.size(); ++i) {
    complaints.need(mailbox(o.to[i]), "#/options/to/" + std::to_string(i), "invalid_mailbox",
                    "must be a mailbox such as postmaster@example.com");
  }
  const bool wants_recipient = o.stop_after && *o.stop_after >= SmtpStop::kRcpt;
  complaints.need(!wants_recipient || !o.to.empty(), "#/options/to", "required",
                  "a dialogue up to RCPT or DATA needs a recipient");
  complaints.need(o.stop_after != SmtpStop::kAuth || !o.auth.user.empty(), "#/options/auth", "required",
                  "a dialogue up to AUTH needs a user");
  check_smtp_auth(o.auth, complaints);
  check_ca(o.ca_pem, complaints);
  check_smtp_expect(settings.expect, "#/expect", complaints);
  check_smtp_expect(settings.warn, "#/warn", complaints);
}

void check_settings(const TlsSettings& settings, const Target&, Complaints& complaints) {
  const TlsOptions& o = settings.options;
  complaints.need(o.server_name.empty() || canonical_host(o.server_name).ok(), "#/options/server_name", "invalid_host",
                  "must be a host name");
  check_ca(o.ca_pem, complaints);
  for (const auto& [expect, at] : {std::pair{&settings.expect, "#/expect"}, {&settings.warn, "#/warn"}}) {
    certificate_days(expect->certificate_days_min, at, complaints);
    latency(expect->latency_ms_max, at, complaints);
  }
  complaints.need(!settings.expect.not_vulnerable || o.heartbleed != HeartbleedAsk::kOff, "#/expect/heartbleed",
                  "conflict", "options.heartbleed is off");
}

void check_settings(const TcpSettings& settings, const Target&, Complaints& complaints) {
  complaints.need(settings.options.send.size() <= 4096, "#/options/send", "too_long", "at most 4 KiB");
  check_ca(settings.options.ca_pem, complaints);
  for (const auto& [expect, at] : {std::pair{&settings.expect, "#/expect"}, {&settings.warn, "#/warn"}}) {
    complaints.need(expect->contains.size() <= 1024, std::string(at) + "/contains", "too_long", "at most 1 KiB");
    certificate_days(expect->certificate_days_min, at, complaints);
    latency(expect->latency_ms_max, at, complaints);
    complaints.need(!expect->certificate_days_min || settings.options.tls, std::string(at) + "/certificate_days_min",
                    "not_allowed", "there is no certificate without options.tls");
  }
}

void check_settings(const DnsSettings& settings, const Target&, Complaints& complaints) {
  complaints.need(settings.options.server.size() <= 300 && no_controls(settings.options.server), "#/options/server",
                  "invalid_host", "must be a name server's address or name, with :port if it is not 53");
  constexpr std::array<std::string_view, 7> kCodes{"",         "NOERROR", "FORMERR", "SERVFAIL",
                                                   "NXDOMAIN", "NOTIMP",  "REFUSED"};
  for (const auto& [expect, at] : {std::pair{&settings.expect, "#/expect"}, {&settings.warn, "#/warn"}}) {
    const std::string here = at;
    complaints.need(std::find(kCodes.begin(), kCodes.end(), expect->rcode) != kCodes.end(), here + "/rcode",
                    "invalid_value", "must be NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP or REFUSED");
    complaints.need(expect->values.size() <= 20, here + "/values", "too_many", "at most 20 values");
    for (std::size_t i = 0; i < expect->values.size(); ++i) {
      const std::string& value = expect->values[i];
      complaints.need(!value.empty() && value.size() <= 1024 && no_controls(value),
                      here + "/values/" + std::to_string(i), "invalid_text",
                      "1 to 1024 bytes without control characters");
    }
    latency(expect->latency_ms_max, here, complaints);
  }
}

void check_settings(const PingSettings& settings, const Target&, Complaints& complaints) {
  complaints.range(settings.options.count, 1, 10, "#/options/count");
  for (const auto& [expect, at] : {std::pair{&settings.expect, "#/expect"}, {&settings.warn, "#/warn"}}) {
    latency(expect->latency_ms_max, at, complaints);
    if (expect->loss_percent_max) {
      complaints.range(*expect->loss_percent_max, 0, 99, std::string(at) + "/loss_percent_max");
    }
  }
}

void check_settings(const HeartbeatSettings& settings, const Target&, Complaints& complaints) {
  constexpr int kYear = 366 * 86'400;
  const HeartbeatOptions& o = settings.options;
  complaints.range(o.period_s, 30, kYear, "#/options/period_s");
  complaints.range(o.grace_s, 0, kYear, "#/options/grace_s");
  if (!o.cron.empty()) {
    const auto cron = Cron::parse(o.cron);
    complaints.need(cron.ok(), "#/options/cron", "invalid_cron", cron.ok() ? "" : cron.error().what);
  }
  complaints.need(o.timezone.size() <= 64 && !o.timezone.empty() && no_controls(o.timezone), "#/options/timezone",
                  "invalid_timezone", "must be a name of the IANA time zone database, such as Europe/Prague or UTC");
}

}  // namespace everup
