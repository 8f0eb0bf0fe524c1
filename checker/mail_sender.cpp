// DMARC with its walk to the organisational domain, and what receivers ask about the sending address.
#include "checker/mail_sender.h"

#include <algorithm>

#include "checker/mail_records.h"
#include "net/dns_message.h"

namespace everup::checker {
namespace {

using Level = MailFinding::Level;

constexpr std::size_t kWalkMax = 8;  // questions of one walk
constexpr std::size_t kNamesMax = 10;

std::string parent_of(const std::string& name) {
  const std::size_t dot = name.find('.');
  return dot == std::string::npos ? "" : name.substr(dot + 1);
}
std::size_t labels_of(const std::string& name) {
  return name.empty() ? 0 : static_cast<std::size_t>(std::count(name.begin(), name.end(), '.')) + 1;
}

struct DmarcAt {
  std::string name, text;
  Dmarc record;
};
struct Walk {
  std::vector<DmarcAt> found;  // lowest name first
  std::string wrong;           // what stands at a name and is no record
  const net::Records* silent = nullptr;
  std::string organisation;
};

// draft-ietf-dmarc-dmarcbis, 4.10: the name itself, then its parents; above eight labels it jumps to seven.
bool walk_up(const std::string& domain, DnsFacts& facts, Walk& walk) {
  bool known = true;
  std::string name = domain;
  for (std::size_t asked = 0; asked < kWalkMax && !name.empty(); ++asked) {
    const auto* answer = facts.find("_dmarc." + name, net::RecordType::kTxt);
    if (answer == nullptr) {
      known = false;
    } else if (!answer->ok() && !is_void(*answer)) {
      walk.silent = answer;
    } else {
      std::vector<std::string> records;
      std::copy_if(answer->texts.begin(), answer->texts.end(), std::back_inserter(records), is_dmarc);
      if (records.size() > 1) walk.wrong = name + " has " + std::to_string(records.size()) + " DMARC records";
      const auto record = records.size() == 1 ? parse_dmarc(records.front()) : Result<Dmarc>(Error{});
      if (record) walk.found.push_back({name, records.front(), *record});
      if (records.size() == 1 && !record) walk.wrong = name + ": " + record.error().what;
    }
    const bool jumps = name == domain && labels_of(name) > kWalkMax;
    name = parent_of(name);
    while (jumps && labels_of(name) >= kWalkMax) name = parent_of(name);
  }
  walk.organisation = walk.found.empty() ? domain : walk.found.back().name;
  for (const DmarcAt& one : walk.found) {
    if (one.record.psd == 'n') {
      walk.organisation = one.name;
      break;
    }
    if (one.record.psd != 'y' || one.name == domain) continue;
    std::string below = domain;  // one label below the public suffix
    while (labels_of(below) > labels_of(one.name) + 1) below = parent_of(below);
    walk.organisation = below;
    break;
  }
  return known;
}

void tell_dmarc(MailSubject& subject, const DmarcAt& at, bool own) {
  const Dmarc& record = at.record;
  const auto policy = own ? record.policy : record.subdomains.value_or(record.policy);
  const std::string where = own ? "" : ", from " + at.name;
  const std::string found = "policy " + std::string(word(policy)) + where;
  if (policy == Dmarc::Policy::kNone)
    subject.add("dmarc", Level::kAdvice, found, "Receivers report, but deliver forged mail too.",
                "p=quarantine, then p=reject, when the reports show only your own servers");
  else if (record.percent < 100)
    subject.add("dmarc", Level::kAdvice, found + ", for " + std::to_string(record.percent) + " % of mail",
                "The rest of forged mail gets the next milder treatment.", "the record without pct=");
  else
    subject.add("dmarc", Level::kGood, found, "Forged mail is kept from the inbox.");
  if (!record.reports)
    subject.add("dmarc", Level::kAdvice, "nobody gets reports (no rua=)", "You do not see who sends in your name.",
                "rua=mailto:dmarc-reports@" + subject.question.domain);
}

// RFC 7489, 3.1: DMARC passes by SPF or by DKIM, with a domain that belongs to the From: header's.
bool judge_alignment(MailSubject& subject, const Walk& walk, const Dmarc& record) {
  if (!subject.question.address) return true;
  Walk other;
  if (!walk_up(subject.question.mail_from, subject.facts, other)) return false;
  const bool same = subject.question.mail_from == subject.question.domain;
  const bool aligned = same || (!record.strict_spf && other.organisation == walk.organisation);
  const bool passes = subject.view.spf && subject.view.spf->result == SpfResult::kPass;
  if (passes && aligned)
    subject.add("alignment", Level::kGood, "SPF passes for " + subject.question.mail_from + ", which is aligned",
                "DMARC passes, also without a DKIM signature.");
  else if (subject.dkim_usable)
    subject.add(
        "alignment", Level::kAdvice,
        passes ? "SPF passes for " + subject.question.mail_from + ", which is not aligned" : "SPF does not pass",
        "DMARC passes by the DKIM signature alone; forwarders that change the mail break it.");
  else
    subject.add(
        "alignment", Level::kProblem,
        passes ? subject.question.mail_from + " does not belong to " + subject.question.domain
               : "neither SPF passes nor is there a usable DKIM key",
        "DMARC fails: receivers do what the policy says.",
        "an envelope sender below " + walk.organisation + ", or a DKIM signature with d=" + subject.question.domain);
  return true;
}

// Names of the address, and whether one of them leads back to it.
bool judge_ptr(MailSubject& subject) {
  const net::Address& address = *subject.question.address;
  const std::string where = net::reverse_name(address);
  const auto* answer = subject.facts.find(where, net::RecordType::kPtr);
  if (answer == nullptr) return false;
  const std::string publish = where + ". PTR mail." + subject.question.domain + ". (by whoever owns the network)";
  if (!answer->ok() && !is_void(*answer)) return subject.unknown("ptr", *answer);
  if (answer->texts.empty()) {
    subject.add("ptr", Level::kProblem, address.host() + " has no name",
                "Many receivers refuse mail from addresses without a PTR record.", publish);
    return true;
  }
  const std::vector<std::string> names = answer->texts;
  bool known = true;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesMax); ++i) {
    const auto* forward = subject.facts.find(names[i], address.v4() ? net::RecordType::kA : net::RecordType::kAaaa);
    if (forward == nullptr) {
      known = false;
      continue;
    }
    const auto& found = forward->addresses;
    if (std::none_of(found.begin(), found.end(), [&](const auto& one) { return one.same_host(address); })) continue;
    subject.add("ptr", Level::kGood, address.host() + " is " + names[i] + ", and " + names[i] + " is " + address.host(),
                "Name and address confirm each other, as receivers ask for.");
    return true;
  }
  if (!known) return false;
  subject.add("ptr", Level::kProblem, names.front() + " does not lead back to " + address.host(),
              "Large receivers refuse mail when name and address do not confirm each other.",
              printable(names.front(), 253) + (address.v4() ? ". A " : ". AAAA ") + address.host());
  return true;
}

bool judge_helo(MailSubject& subject) {
  const std::string& helo = subject.question.helo;
  const net::Address& address = *subject.question.address;
  if (helo.empty()) return true;
  const auto* answer = subject.facts.find(helo, address.v4() ? net::RecordType::kA : net::RecordType::kAaaa);
  if (answer == nullptr) return false;
  if (!answer->ok() && !is_void(*answer)) return subject.unknown("helo", *answer);
  const auto& found = answer->addresses;
  const bool fits = std::any_of(found.begin(), found.end(), [&](const auto& one) { return one.same_host(address); });
  if (fits)
    subject.add("helo", Level::kGood, helo + " is " + address.host(), "The server says its own name.");
  else
    subject.add("helo", Level::kWarning, helo + (found.empty() ? " has no such address" : " is another address"),
                "Receivers hold a false HELO name against a sender (RFC 5321, 4.1.4).",
                helo + (address.v4() ? ". A " : ". AAAA ") + address.host());
  return true;
}

// What the codes of refusal mean, as the large lists use them.
const char* refusal_of(std::uint8_t last) {
  switch (last) {
    case 252:
      return "the zone's name is misspelled";
    case 254:
      return "the list does not answer public or open resolvers";
    case 255:
      return "too many questions come from our resolver";
    default:
      return "the question was refused";
  }
}

bool judge_list(MailSubject& subject, const std::string& zone) {
  const net::Address& address = *subject.question.address;
  const std::string reversed = net::reverse_name(address);
  const std::string labels = reversed.substr(0, reversed.rfind('.', reversed.rfind('.') - 1));
  const std::string name = labels + "." + zone;
  const auto* answer = subject.facts.find(name, net::RecordType::kA);
  if (answer == nullptr) return false;
  if (!answer->ok() && !is_void(*answer)) return subject.unknown("dnsbl", *answer);
  if (answer->addresses.empty()) {
    subject.add("dnsbl", Level::kGood, "not on " + zone, "Receivers that ask this list have nothing against you.");
    return true;
  }
  const net::Address code = answer->addresses.front();
  const auto& bytes = code.bytes;
  if (bytes[0] == 127 && bytes[1] == 255 && bytes[2] == 255) {
    subject.add("dnsbl", Level::kUnknown, zone + " answers " + code.host() + ": " + refusal_of(bytes[3]),
                "This is an error of the question, not a listing: ask it by a resolver of your own.");
    return true;
  }
  if (bytes[0] != 127) {
    subject.add("dnsbl", Level::kUnknown, zone + " answers " + code.host(),
                "Lists answer in 127.0.0.0/8: the zone is parked or somebody changes its answers.");
    return true;
  }
  const auto* reason = subject.facts.find(name, net::RecordType::kTxt);
  if (reason == nullptr) return false;
  const std::string why = reason->texts.empty() ? "" : ": " + printable(reason->texts.front(), 300);
  subject.add("dnsbl", Level::kProblem, "listed on " + zone + " (" + code.host() + ")" + why,
              "Receivers that ask this list refuse or mark mail from " + address.host() + ".",
              "end what got it listed, then ask " + zone + " for removal");
  return true;
}

}  // namespace

bool judge_dmarc(MailSubject& subject) {
  const std::string& domain = subject.question.domain;
  Walk walk;
  if (!walk_up(domain, subject.facts, walk)) return false;
  subject.view.organisation = walk.organisation;
  const auto at = [&](const std::string& name) {
    return std::find_if(walk.found.begin(), walk.found.end(), [&](const DmarcAt& one) { return one.name == name; });
  };
  auto record = at(domain);
  if (record == walk.found.end()) record = at(walk.organisation);
  const std::string publish =
      "_dmarc." + domain + ". TXT \"v=DMARC1; p=none; rua=mailto:dmarc-reports@" + domain + "\"";
  if (!walk.wrong.empty())
    subject.add("dmarc", Level::kWarning, walk.wrong, "Receivers take it for no record.", publish);
  if (record == walk.found.end()) {
    if (walk.silent != nullptr) return subject.unknown("dmarc", *walk.silent);
    if (walk.wrong.empty())
      subject.add("dmarc", Level::kWarning, "no record",
                  "Anybody can forge the From: header; large receivers ask for "
                  "DMARC of whoever sends much.",
                  publish);
    return judge_alignment(subject, walk, Dmarc{});
  }
  subject.view.dmarc_record = printable(record->text, 1000);
  tell_dmarc(subject, *record, record->name == domain);
  return judge_alignment(subject, walk, record->record);
}

bool judge_sender(MailSubject& subject) {
  bool known = judge_ptr(subject);
  known = judge_helo(subject) && known;
  for (const std::string& zone : subject.question.zones) known = judge_list(subject, zone) && known;
  return known;
}

}  // namespace everup::checker
