#include "checker/deliverability.h"

#include <algorithm>

#include "checker/mail_records.h"
#include "checker/mail_sender.h"
#include "core/complaints.h"
#include "net/resolver.h"

namespace everup::checker {
namespace {

using Level = MailFinding::Level;

constexpr int kWeakRsaBits = 1024, kGoodRsaBits = 2048;
constexpr std::int64_t kShortAgeS = 86'400;

std::string txt_line(const std::string& name, const std::string& value) { return name + ". TXT \"" + value + "\""; }

bool judge_mx(MailSubject& subject) {
  const auto* answer = subject.facts.find(subject.question.domain, net::RecordType::kMx);
  if (answer == nullptr) return false;
  const std::string& domain = subject.question.domain;
  if (answer->ok()) {
    const bool null_mx = answer->mx.size() == 1 && answer->mx.front().host.empty();
    if (null_mx)
      subject.add("mx", Level::kWarning, "MX is \".\": " + domain + " takes no mail",
                  "Bounces and answers cannot come back; receivers may refuse such senders (RFC 7505, 4.2).",
                  domain + ". MX 10 mx." + domain + ".");
    else
      subject.add("mx", Level::kGood,
                  std::to_string(answer->mx.size()) + " mail hosts, first " + printable(answer->mx.front().host, 253),
                  "Bounces and answers can come back.");
    return true;
  }
  if (!is_void(*answer)) return subject.unknown("mx", *answer);
  if (answer->no_data)
    subject.add("mx", Level::kAdvice, "no MX record",
                "Mail goes to the domain's own addresses, if it has any (RFC 5321, 5.1).",
                domain + ". MX 10 mx." + domain + ".");
  else
    subject.add("mx", Level::kProblem, domain + " does not exist",
                "Receivers refuse mail of a domain that is not in the DNS.");
  return true;
}

std::string spf_proposal(const MailQuestion& question) {
  if (!question.address) return txt_line(question.mail_from, "v=spf1 mx -all");
  const char* family = question.address->v4() ? "ip4:" : "ip6:";
  return txt_line(question.mail_from, "v=spf1 mx " + std::string(family) + question.address->host() + " -all");
}

void tell_spf(MailSubject& subject, const SpfVerdict& verdict) {
  const std::string address = subject.question.address->host();
  const std::string by = verdict.matched.empty() ? "" : " by \"" + verdict.matched + "\"";
  const std::string result(word(verdict.result));
  const auto tell = [&](Level level, const char* means, bool publish) {
    const std::string why = verdict.why.empty() ? "" : ": " + verdict.why;
    subject.add("spf", level, address + " gets \"" + result + "\"" + by + why, means,
                publish ? spf_proposal(subject.question) : "");
  };
  switch (verdict.result) {
    case SpfResult::kPass:
      return tell(Level::kGood, "The domain says that this address may send for it.", false);
    case SpfResult::kFail:
      return tell(Level::kProblem, "The domain says that this address may not send for it: mail is refused.", true);
    case SpfResult::kSoftFail:
      return tell(Level::kWarning, "The domain doubts this address: mail is often taken for spam.", true);
    case SpfResult::kNeutral:
      return tell(Level::kWarning, "The domain says nothing about this address, which helps nobody.", true);
    case SpfResult::kNone:
      return tell(Level::kWarning, "Anybody may send in the domain's name; large receivers ask for SPF.", true);
    case SpfResult::kTempError:
      return tell(Level::kUnknown, "A name server did not answer: receivers would try later.", false);
    case SpfResult::kPermError:
      return tell(Level::kProblem, "Receivers cannot evaluate the record and treat it as broken.", false);
  }
}

void tell_spf_cost(MailSubject& subject, int cost) {
  const std::string count = (cost == kSpfCostMax ? "at least " : "") + std::to_string(cost);
  const std::string found = count + " of at most 10 lookups";
  if (cost > kSpfLookupsMax)
    return subject.add("spf", Level::kProblem, found,
                       "For addresses that match late in the record, receivers give up with a permanent error "
                       "(RFC 7208, 4.6.4).",
                       "fewer include:, a, mx, ptr and exists terms, or networks (ip4:, ip6:) in their place");
  subject.add("spf", cost == kSpfLookupsMax ? Level::kAdvice : Level::kGood, found,
              "Receivers stop at ten terms that look something up; more would break the record.");
}

bool judge_spf(MailSubject& subject) {
  const MailQuestion& question = subject.question;
  const auto found = find_spf(question.mail_from, subject.facts);
  if (!found) return false;
  bool known = true;
  subject.view.spf_record = printable(found->text, 1000);
  if (question.address) {
    const std::string sender = "postmaster@" + question.mail_from;
    subject.view.spf =
        check_spf({*question.address, sender, question.helo.empty() ? "unknown" : question.helo}, subject.facts);
    known = subject.view.spf.has_value();
  }
  const auto cost = found->trouble == SpfResult::kNeutral ? spf_cost(question.mail_from, subject.facts) : 0;
  if (!known || !cost) return false;
  subject.view.spf_cost = *cost;
  if (question.address) tell_spf(subject, *subject.view.spf);
  if (!question.address && found->trouble != SpfResult::kNeutral)
    subject.add("spf", found->trouble == SpfResult::kTempError ? Level::kUnknown : Level::kWarning, found->why,
                "Receivers cannot tell who may send for the domain.", spf_proposal(question));
  if (found->trouble != SpfResult::kNeutral) return true;
  const auto record = parse_spf(found->text);
  if (!record) {
    if (!question.address)
      subject.add("spf", Level::kProblem, record.error().what, "Receivers treat the record as broken.");
    return true;
  }
  tell_spf_cost(subject, *cost);
  const auto open = std::find_if(record->terms.begin(), record->terms.end(), [](const SpfTerm& term) {
    return term.mechanism == SpfTerm::Mechanism::kAll && term.qualifier == '+';
  });
  if (open != record->terms.end())
    subject.add("spf", Level::kProblem, "\"" + open->text + "\" lets every address pass",
                "Anybody may send in the domain's name, with SPF's blessing.", "\"-all\" or \"~all\" at the end");
  return true;
}

void tell_key(MailSubject& subject, const std::string& name, const DkimKey& key) {
  const auto tell = [&](Level level, const std::string& found, const char* means, const char* publish = "") {
    subject.add("dkim", level, name + ": " + found, means, publish);
  };
  if (key.revoked)
    return tell(Level::kProblem, "the key is revoked (p= is empty)", "Signatures with this selector fail.");
  if (key.algorithm == DkimKey::Algorithm::kOther)
    return tell(Level::kProblem, "an algorithm that receivers do not know", "Signatures with this selector fail.",
                "k=rsa with 2048 bits");
  subject.dkim_usable = true;
  if (key.algorithm == DkimKey::Algorithm::kEd25519)
    return tell(Level::kAdvice, "an Ed25519 key", "Not every receiver reads RFC 8463: sign with RSA beside it.");
  const std::string bits = "RSA, " + std::to_string(key.bits) + " bits";
  if (key.bits < kWeakRsaBits) {
    subject.dkim_usable = false;
    return tell(Level::kProblem, bits, "Receivers ignore keys below 1024 bits (RFC 8301).", "a key of 2048 bits");
  }
  if (key.sha1_only)
    return tell(Level::kProblem, bits + ", for SHA-1 only", "Receivers refuse SHA-1 (RFC 8301).", "no h=, or h=sha256");
  if (key.testing)
    return tell(Level::kWarning, bits + ", marked as a test (t=y)", "Receivers may treat signed mail as unsigned.",
                "the record without t=y");
  if (key.bits < kGoodRsaBits)
    return tell(Level::kAdvice, bits, "Accepted everywhere, but short today.", "a key of 2048 bits");
  tell(Level::kGood, bits, "Receivers can verify signatures with this selector.");
}

bool judge_dkim(MailSubject& subject) {
  bool known = true;
  for (const std::string& selector : subject.question.selectors) {
    const std::string name = selector + "._domainkey." + subject.question.domain;
    const auto* answer = subject.facts.find(name, net::RecordType::kTxt);
    if (answer == nullptr) {
      known = false;
    } else if (is_void(*answer)) {
      subject.add("dkim", Level::kProblem, name + ": no key", "Signatures with this selector cannot be verified.",
                  txt_line(name, "v=DKIM1; k=rsa; p=…"));
    } else if (!answer->ok()) {
      subject.unknown("dkim", *answer);
    } else if (answer->texts.size() != 1) {
      subject.add("dkim", Level::kProblem, name + ": " + std::to_string(answer->texts.size()) + " TXT records",
                  "Which of them receivers take is undefined (RFC 6376, 3.6.2.2).", "one record");
    } else {
      const auto key = parse_dkim(answer->texts.front());
      if (key)
        tell_key(subject, name, *key);
      else
        subject.add("dkim", Level::kProblem, name + ": " + key.error().what,
                    "Signatures with this selector cannot be verified.", txt_line(name, "v=DKIM1; k=rsa; p=…"));
    }
  }
  if (subject.question.selectors.empty())
    subject.add("dkim", Level::kAdvice, "no selector was given",
                "The key's name is in the DKIM-Signature header of a mail of yours, as s=.");
  return known;
}

void tell_policy(MailSubject& subject, const StsPolicy& policy, const net::Records& mx) {
  const std::string mode(word(policy.mode));
  for (const net::MxHost& host : mx.mx) {
    if (policy.mode == StsPolicy::Mode::kNone || host.host.empty() || policy.covers(host.host)) continue;
    const bool enforced = policy.mode == StsPolicy::Mode::kEnforce;
    return subject.add(
        "mta_sts", enforced ? Level::kProblem : Level::kWarning,
        "the policy does not name the mail host " + printable(host.host, 253),
        enforced ? "Senders that obey the policy do not deliver there."
                 : "Senders would not deliver there if the policy were enforced.",
        "the line \"mx: " + printable(host.host, 253) + "\" in the policy, and a new id in the TXT record");
  }
  if (policy.mode != StsPolicy::Mode::kEnforce)
    return subject.add("mta_sts", Level::kAdvice, "mode " + mode, "Nobody is held to TLS yet.",
                       "\"mode: enforce\" when TLS reports show no failures");
  if (policy.max_age_s < kShortAgeS)
    return subject.add("mta_sts", Level::kAdvice, "max_age is " + std::to_string(policy.max_age_s) + " s",
                       "Senders forget the policy within a day, and an attacker waits (RFC 8461, 3.2).",
                       "\"max_age: 604800\" or more");
  subject.add("mta_sts", Level::kGood, "mode enforce, every mail host is named",
              "Senders deliver over TLS with a valid certificate or not at all.");
}

bool judge_sts(MailSubject& subject) {
  const std::string& domain = subject.question.domain;
  const std::string name = "_mta-sts." + domain;
  const auto* mx = subject.facts.find(domain, net::RecordType::kMx);
  const auto* answer = subject.facts.find(name, net::RecordType::kTxt);
  if (answer == nullptr || mx == nullptr) return false;
  if (!answer->ok() && !is_void(*answer)) return subject.unknown("mta_sts", *answer);
  std::vector<std::string> records;
  std::copy_if(answer->texts.begin(), answer->texts.end(), std::back_inserter(records),
               [](const std::string& txt) { return txt.starts_with("v=STSv1"); });
  const std::string publish =
      txt_line(name, "v=STSv1; id=20260101") + " and https://mta-sts." + domain + "/.well-known/mta-sts.txt";
  if (records.size() != 1) {
    subject.add("mta_sts", records.empty() ? Level::kAdvice : Level::kWarning,
                records.empty() ? "no record" : std::to_string(records.size()) + " records, which counts as none",
                "TLS between mail servers can be stripped by whoever stands between them.", publish);
    return true;
  }
  const auto id = parse_sts_id(records.front());
  if (!id) {
    subject.add("mta_sts", Level::kWarning, id.error().what, "Senders take it for no record.", publish);
    return true;
  }
  subject.file.wanted = true;
  if (!subject.file.fetched) return false;
  const auto policy = parse_sts_policy(subject.file.body);
  if (!subject.file.trouble.empty() || !policy) {
    const std::string why = subject.file.trouble.empty() ? policy.error().what : subject.file.trouble;
    subject.add("mta_sts", subject.file.ours ? Level::kUnknown : Level::kWarning, "the policy file: " + why,
                "Senders that know no older policy deliver as if there were none.",
                subject.file.ours ? "" : "https://mta-sts." + domain + "/.well-known/mta-sts.txt");
    return true;
  }
  tell_policy(subject, *policy, *mx);
  return true;
}

bool judge_tls_rpt(MailSubject& subject) {
  const std::string name = "_smtp._tls." + subject.question.domain;
  const auto* answer = subject.facts.find(name, net::RecordType::kTxt);
  if (answer == nullptr) return false;
  if (!answer->ok() && !is_void(*answer)) return subject.unknown("tls_rpt", *answer);
  const std::string publish = txt_line(name, "v=TLSRPTv1; rua=mailto:tls-reports@" + subject.question.domain);
  std::vector<std::string> records;
  std::copy_if(answer->texts.begin(), answer->texts.end(), std::back_inserter(records),
               [](const std::string& txt) { return txt.starts_with("v=TLSRPTv1"); });
  if (records.size() != 1) {
    subject.add("tls_rpt", records.empty() ? Level::kAdvice : Level::kWarning,
                records.empty() ? "no record" : std::to_string(records.size()) + " records, which counts as none",
                "Nobody tells you when TLS to your mail hosts fails.", publish);
    return true;
  }
  const auto places = parse_tls_rpt(records.front());
  if (places)
    subject.add("tls_rpt", Level::kGood, "reports go to " + places->front(), "You are told when TLS to you fails.");
  else
    subject.add("tls_rpt", Level::kWarning, places.error().what, "Senders take it for no record.", publish);
  return true;
}

Verdict worst(const std::vector<MailFinding>& findings) {
  const auto has = [&](Level level) {
    return std::any_of(findings.begin(), findings.end(), [&](const MailFinding& one) { return one.level == level; });
  };
  if (has(Level::kProblem)) return Verdict::kDown;
  if (has(Level::kWarning)) return Verdict::kDegraded;
  return has(Level::kUnknown) ? Verdict::kInconclusive : Verdict::kUp;
}

}  // namespace

void MailSubject::add(std::string check, Level level, std::string found, std::string means, std::string publish) {
  view.findings.push_back({std::move(check), level, printable(found, 600), std::move(means), std::move(publish)});
}

bool MailSubject::unknown(std::string check, const net::Records& answer) {
  add(std::move(check), Level::kUnknown, "no answer: " + answer.detail,
      "The name servers did not say; receivers that hear the same try later.");
  return true;
}

std::string_view word(MailFinding::Level level) {
  switch (level) {
    case Level::kGood:
      return "good";
    case Level::kAdvice:
      return "advice";
    case Level::kWarning:
      return "warning";
    case Level::kProblem:
      return "problem";
    case Level::kUnknown:
      return "unknown";
  }
  return "unknown";
}

FieldErrors check_mail_question(MailQuestion& question) {
  Complaints complaints;
  const auto name = [&](std::string& text, const std::string& pointer, std::string_view what) {
    auto ascii = net::ascii_name(text);
    const bool fine = ascii.ok() && !net::Address::parse_any_spelling(*ascii);
    complaints.need(fine, pointer, "invalid_name", "must be " + std::string(what));
    if (fine) text = *std::move(ascii);
  };
  name(question.domain, "#/domain", "the domain behind the @, like example.com");
  if (question.mail_from.empty()) question.mail_from = question.domain;
  name(question.mail_from, "#/mail_from", "the domain of the envelope's sender, like bounces.example.com");
  if (!question.helo.empty()) name(question.helo, "#/helo", "the host name that the sending server says");
  complaints.need(question.selectors.size() <= MailQuestion::kSelectorsMax, "#/selectors", "too_many",
                  "must be at most 5 selectors");
  complaints.need(question.zones.size() <= MailQuestion::kZonesMax, "#/dnsbl", "too_many", "must be at most 10 zones");
  for (std::size_t i = 0; i < std::min(question.selectors.size(), MailQuestion::kSelectorsMax); ++i)
    name(question.selectors[i], "#/selectors/" + std::to_string(i), "a selector: the s= of a DKIM-Signature header");
  for (std::size_t i = 0; i < std::min(question.zones.size(), MailQuestion::kZonesMax); ++i)
    name(question.zones[i], "#/dnsbl/" + std::to_string(i), "a block list's zone, like zen.spamhaus.org");
  return complaints.take();
}

std::optional<MailView> judge_mail(const MailQuestion& question, DnsFacts& facts, StsFile& file) {
  MailView view;
  view.question = question;
  MailSubject subject{question, facts, file, view, false};
  bool known = true;  // every part is judged each time, so that questions go out together
  known = judge_mx(subject) && known;
  known = judge_spf(subject) && known;
  known = judge_dkim(subject) && known;
  known = judge_dmarc(subject) && known;
  known = judge_sts(subject) && known;
  known = judge_tls_rpt(subject) && known;
  if (question.address) known = judge_sender(subject) && known;
  if (!known) return std::nullopt;
  view.verdict = worst(view.findings);
  view.questions = facts.questions();
  return view;
}

}  // namespace everup::checker
