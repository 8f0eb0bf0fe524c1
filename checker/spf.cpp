#include "checker/spf.h"

#include <algorithm>

#include "core/outcome.h"
#include "net/dns_message.h"

namespace everup::checker {
namespace {

using M = SpfTerm::Mechanism;

constexpr std::size_t kNamesMax = 10;  // of an MX or PTR answer
constexpr std::size_t kNameMax = 253;

SpfVerdict ended(SpfResult result, std::string why) { return {result, "", std::move(why), 0, 0}; }

// An expanded name that is too long loses labels from its left (RFC 7208, 7.3).
std::string shortened(std::string name) {
  while (name.size() > kNameMax && name.find('.') != std::string::npos) name.erase(0, name.find('.') + 1);
  return name_key(name);
}

bool within(const net::Address& address, const net::Address& network, int prefix) {
  if (address.family != network.family) return false;
  for (int bit = 0; bit < prefix; ++bit) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    const int mask = 0x80 >> (bit % 8);
    if ((address.bytes[byte] & mask) != (network.bytes[byte] & mask)) return false;
  }
  return true;
}

bool looks_up(M mechanism) { return mechanism != M::kAll && mechanism != M::kIp4 && mechanism != M::kIp6; }

SpfResult result_of(char qualifier) {
  switch (qualifier) {
    case '-':
      return SpfResult::kFail;
    case '~':
      return SpfResult::kSoftFail;
    case '?':
      return SpfResult::kNeutral;
    default:
      return SpfResult::kPass;
  }
}

class Evaluation {
 public:
  Evaluation(const SpfQuestion& question, DnsFacts& facts) : question_(question), facts_(facts) {}

  // nullopt: an answer is not there yet. Recursion is bounded by the lookups that it costs.
  std::optional<SpfVerdict> check(const std::string& domain) {
    const auto found = find_spf(domain, facts_);
    if (!found) return std::nullopt;
    if (found->trouble != SpfResult::kNeutral) return ended(found->trouble, found->why);
    const auto record = parse_spf(found->text);
    if (!record) return ended(SpfResult::kPermError, domain + ": " + record.error().what);
    for (const SpfTerm& term : record->terms) {
      trouble_.reset();
      if (looks_up(term.mechanism) && !count()) return trouble_;
      const auto hit = matches(term, domain);
      if (!hit) return trouble_;  // nullopt: not yet
      if (!*hit) continue;
      SpfVerdict verdict{result_of(term.qualifier), term.text, "", 0, 0};
      if (!inner_.empty()) verdict.matched += ", " + std::exchange(inner_, {});
      return verdict;
    }
    if (record->redirect.empty()) return ended(SpfResult::kNeutral, "no term matches");
    return redirected(*record, domain);
  }
  int lookups() const { return lookups_; }
  int voids() const { return voids_; }

 private:
  std::optional<SpfVerdict> redirected(const SpfRecord& record, const std::string& domain) {
    if (!count()) return trouble_;
    auto verdict = check(expanded(record.redirect, domain));
    if (verdict && verdict->result == SpfResult::kNone) {
      verdict->result = SpfResult::kPermError;
      verdict->why = "redirect=" + record.redirect + " leads to a domain without SPF";
    }
    return verdict;
  }
  // The syntax was checked by parse_spf().
  std::string expanded(const std::string& spec, const std::string& domain) const {
    if (spec.empty()) return domain;
    auto name = expand_spf(spec, {question_, domain});
    return name ? shortened(*std::move(name)) : std::string();
  }
  bool count() {
    if (++lookups_ <= kSpfLookupsMax) return true;
    trouble_ = ended(SpfResult::kPermError, "more than 10 terms look something up (RFC 7208, 4.6.4)");
    return false;
  }
  // Null: not yet, or `trouble_` says why never.
  const net::Records* ask(const std::string& name, net::RecordType type) {
    const net::Records* answer = facts_.find(name, type);
    if (answer == nullptr) return nullptr;
    if (!answer->ok() && !is_void(*answer)) {
      trouble_ = ended(SpfResult::kTempError, name + ": " + answer->detail);
      return nullptr;
    }
    if (is_void(*answer) && ++voids_ > kSpfVoidsMax) {
      trouble_ =
          ended(SpfResult::kPermError, "more than 2 lookups found nothing (RFC 7208, 4.6.4), the last was " + name);
      return nullptr;
    }
    return answer;
  }
  net::RecordType family() const { return question_.address.v4() ? net::RecordType::kA : net::RecordType::kAaaa; }

  std::optional<bool> address_matches(const std::string& name, const SpfTerm& term) {
    const net::Records* answer = ask(name, family());
    if (answer == nullptr) return std::nullopt;
    const int prefix = question_.address.v4() ? term.prefix4 : term.prefix6;
    return std::any_of(answer->addresses.begin(), answer->addresses.end(),
                       [&](const net::Address& one) { return within(question_.address, one, prefix); });
  }

  std::optional<bool> matches(const SpfTerm& term, const std::string& domain) {
    const std::string name = expanded(term.domain, domain);
    switch (term.mechanism) {
      case M::kAll:
        return true;
      case M::kIp4:
        return within(question_.address, term.network, term.prefix4) && question_.address.v4();
      case M::kIp6:
        return within(question_.address, term.network, term.prefix6) && !question_.address.v4();
      case M::kInclude:
        return included(name);
      case M::kA:
        return address_matches(name, term);
      case M::kMx:
        return mail_host(name, term);
      case M::kPtr:
        return backwards(name);
      case M::kExists: {
        const net::Records* answer = ask(name, net::RecordType::kA);
        if (answer == nullptr) return std::nullopt;
        return !answer->addresses.empty();
      }
    }
    return false;
  }
  // RFC 7208, 5.2: what an included record says, and what that means here.
  std::optional<bool> included(const std::string& name) {
    const auto inner = check(name);
    if (!inner) return std::nullopt;
    switch (inner->result) {
      case SpfResult::kPass:
        inner_ = inner->matched;
        return true;
      case SpfResult::kFail:
      case SpfResult::kSoftFail:
      case SpfResult::kNeutral:
        return false;
      case SpfResult::kTempError:
      case SpfResult::kPermError:
        trouble_ = *inner;
        return std::nullopt;
      case SpfResult::kNone:
        trouble_ = ended(SpfResult::kPermError, "include:" + name + " leads to a domain without SPF");
        return std::nullopt;
    }
    return false;
  }
  std::optional<bool> mail_host(const std::string& name, const SpfTerm& term) {
    const net::Records* answer = ask(name, net::RecordType::kMx);
    if (answer == nullptr) return std::nullopt;
    if (answer->mx.size() > kNamesMax) {
      trouble_ = ended(SpfResult::kPermError, name + " has more than 10 mail hosts (RFC 7208, 4.6.4)");
      return std::nullopt;
    }
    const std::vector<net::MxHost> hosts = answer->mx;
    for (const net::MxHost& host : hosts) {
      if (host.host.empty()) continue;
      const auto hit = address_matches(host.host, term);
      if (!hit || *hit) return hit;
    }
    return false;
  }
  // RFC 7208, 5.5: names of the address that lead back to it and lie in the domain; what fails is passed over.
  std::optional<bool> backwards(const std::string& name) {
    const net::Records* answer = facts_.find(net::reverse_name(question_.address), net::RecordType::kPtr);
    if (answer == nullptr) return std::nullopt;
    const std::vector<std::string> names(
        answer->texts.begin(),
        answer->texts.begin() + static_cast<std::ptrdiff_t>(std::min(answer->texts.size(), kNamesMax)));
    for (const std::string& one : names) {
      const std::string key = name_key(one);
      if (key != name && !key.ends_with("." + name)) continue;
      const net::Records* forward = facts_.find(key, family());
      if (forward == nullptr) return std::nullopt;
      const auto& found = forward->addresses;
      if (std::any_of(found.begin(), found.end(), [&](const auto& a) { return a.same_host(question_.address); }))
        return true;
    }
    return false;
  }

  const SpfQuestion& question_;
  DnsFacts& facts_;
  int lookups_ = 0, voids_ = 0;
  std::optional<SpfVerdict> trouble_;
  std::string inner_;  // what matched inside an include
};

// Counts a record's lookups and those of what it includes. `count` is at most kSpfCostMax.
bool add_cost(const std::string& domain, DnsFacts& facts, int& count) {
  const auto found = find_spf(domain, facts);
  if (!found) return false;
  const auto record = parse_spf(found->text);
  if (!record) return true;
  bool known = true, ends = false;
  const auto follow = [&](const std::string& spec) {
    if (count >= kSpfCostMax) return;
    ++count;
    if (spec.find('%') == std::string::npos && !add_cost(name_key(spec), facts, count)) known = false;
  };
  for (const SpfTerm& term : record->terms) {
    ends = ends || term.mechanism == M::kAll;
    if (term.mechanism == M::kInclude)
      follow(term.domain);
    else if (looks_up(term.mechanism) && count < kSpfCostMax)
      ++count;
  }
  if (!ends && !record->redirect.empty()) follow(record->redirect);
  return known;
}

}  // namespace

std::string_view word(SpfResult result) {
  switch (result) {
    case SpfResult::kNone:
      return "none";
    case SpfResult::kNeutral:
      return "neutral";
    case SpfResult::kPass:
      return "pass";
    case SpfResult::kFail:
      return "fail";
    case SpfResult::kSoftFail:
      return "softfail";
    case SpfResult::kTempError:
      return "temperror";
    case SpfResult::kPermError:
      return "permerror";
  }
  return "none";
}

std::optional<SpfFound> find_spf(std::string_view domain, DnsFacts& facts) {
  const net::Records* answer = facts.find(domain, net::RecordType::kTxt);
  if (answer == nullptr) return std::nullopt;
  const std::string name = printable(domain, 253);
  if (!answer->ok() && !is_void(*answer)) return SpfFound{SpfResult::kTempError, "", name + ": " + answer->detail};
  std::vector<std::string> records;
  std::copy_if(answer->texts.begin(), answer->texts.end(), std::back_inserter(records), is_spf);
  if (records.empty()) return SpfFound{SpfResult::kNone, "", name + " has no SPF record"};
  if (records.size() > 1)
    return SpfFound{SpfResult::kPermError, "", name + " has " + std::to_string(records.size()) + " SPF records"};
  return SpfFound{SpfResult::kNeutral, records.front(), ""};
}

std::optional<SpfVerdict> check_spf(const SpfQuestion& question, DnsFacts& facts) {
  const std::size_t at = question.sender.rfind('@');
  Evaluation evaluation(question, facts);
  auto verdict = evaluation.check(name_key(at == std::string::npos ? question.sender : question.sender.substr(at + 1)));
  if (!verdict) return std::nullopt;
  verdict->lookups = std::min(evaluation.lookups(), kSpfLookupsMax + 1);
  verdict->voids = evaluation.voids();
  return verdict;
}

std::optional<int> spf_cost(std::string_view domain, DnsFacts& facts) {
  int count = 0;
  return add_cost(name_key(domain), facts, count) ? std::optional(count) : std::nullopt;
}

}  // namespace everup::checker
