#include "checker/mail_records.h"

#include <algorithm>
#include <charconv>

#include "checker/dns_facts.h"
#include "checker/words.h"
#include "core/outcome.h"
#include "net/certificate.h"
#include "net/digest.h"

namespace everup::checker {
namespace {

constexpr std::size_t kTagsMax = 64, kHostsMax = 100;
constexpr std::size_t kEd25519Bytes = 32;
constexpr std::int64_t kMaxAgeMax = 31'557'600;  // RFC 8461, 3.2: a year

Error wrong(std::string what) { return {ErrorCode::kInvalid, std::move(what)}; }

const std::string* value_of(const TagList& tags, std::string_view name) {
  const auto found = std::find_if(tags.begin(), tags.end(), [&](const auto& tag) { return tag.first == name; });
  return found == tags.end() ? nullptr : &found->second;
}

// Calls `each` with every trimmed piece; false from it ends the walk.
template <class F>
void split(std::string_view text, char by, F&& each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(by), text.size());
    if (!each(trimmed(text.substr(0, end)))) return;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool lists(const std::string* value, std::string_view word, char by) {
  bool found = false;
  if (value != nullptr) {
    split(*value, by, [&](std::string_view one) {
      found = found || name_key(one) == word;
      return true;
    });
  }
  return found;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && value >= 0 ? std::optional(value) : std::nullopt;
}

std::optional<Dmarc::Policy> policy_of(std::string_view value) {
  const std::string word = name_key(value);
  if (word == "none") return Dmarc::Policy::kNone;
  if (word == "quarantine") return Dmarc::Policy::kQuarantine;
  if (word == "reject") return Dmarc::Policy::kReject;
  return std::nullopt;
}

// The version comes first, spelled exactly (RFC 7489, 6.4; RFC 8461, 3.1; RFC 8460, 3).
Result<TagList> versioned(std::string_view txt, std::string_view version) {
  auto tags = parse_tags(txt);
  if (!tags) return tags;
  if (tags->empty() || tags->front().first != "v" || tags->front().second != version)
    return wrong("it does not begin with v=" + std::string(version));
  return tags;
}

bool report_uri(std::string_view uri) {
  const std::string key = name_key(uri);
  return key.starts_with("mailto:") || key.starts_with("https:");
}

}  // namespace

Result<TagList> parse_tags(std::string_view text) {
  TagList tags;
  Status status = ok();
  split(text, ';', [&](std::string_view one) {
    if (one.empty()) return true;
    const std::size_t equals = one.find('=');
    const std::string name = name_key(trimmed(one.substr(0, equals)));
    if (equals == std::string_view::npos || name.empty())
      status = wrong(in_quotes(one) + " is no name=value");
    else if (value_of(tags, name) != nullptr)
      status = wrong(in_quotes(name) + " is there twice");
    else if (tags.size() == kTagsMax)
      status = wrong("more than 64 tags");
    else
      tags.emplace_back(name, trimmed(one.substr(equals + 1)));
    return status.ok();
  });
  if (!status) return status.error();
  return tags;
}

Result<DkimKey> parse_dkim(std::string_view txt) {
  const auto tags = parse_tags(txt);
  if (!tags) return tags.error();
  const std::string* version = value_of(*tags, "v");
  if (version != nullptr && (*version != "DKIM1" || tags->front().first != "v"))
    return wrong("v=DKIM1 does not come first");
  const std::string* data = value_of(*tags, "p");
  if (data == nullptr) return wrong("it has no p=, so it is no key");
  DkimKey key;
  const std::string* algorithm = value_of(*tags, "k");
  if (algorithm != nullptr && name_key(*algorithm) != "rsa")
    key.algorithm = name_key(*algorithm) == "ed25519" ? DkimKey::Algorithm::kEd25519 : DkimKey::Algorithm::kOther;
  key.testing = lists(value_of(*tags, "t"), "y", ':');
  const std::string* hashes = value_of(*tags, "h");
  key.sha1_only = hashes != nullptr && !hashes->empty() && !lists(hashes, "sha256", ':');
  const std::string* service = value_of(*tags, "s");
  if (service != nullptr && !lists(service, "*", ':') && !lists(service, "email", ':'))
    return wrong("s=" + printable(*service, 50) + " is not for mail");
  std::string base64;
  std::copy_if(data->begin(), data->end(), std::back_inserter(base64),
               [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; });
  key.revoked = base64.empty();
  if (key.revoked) return key;
  const auto bytes = net::from_base64(base64);
  if (!bytes) return wrong("p= is no base64");
  if (key.algorithm == DkimKey::Algorithm::kEd25519 && bytes->size() != kEd25519Bytes)
    return wrong("p= is no Ed25519 key: it has " + std::to_string(bytes->size()) + " bytes, not 32 (RFC 8463)");
  if (key.algorithm == DkimKey::Algorithm::kRsa) {
    const auto bits = net::rsa_key_bits(*bytes);
    if (!bits) return wrong("p= is no RSA key");
    key.bits = *bits;
  }
  return key;
}

bool is_dmarc(std::string_view txt) {
  const std::size_t end = std::min(txt.find(';'), txt.size());
  const auto tags = parse_tags(txt.substr(0, end));
  return tags.ok() && tags->size() == 1 && tags->front() == std::pair<std::string, std::string>("v", "DMARC1");
}

Result<Dmarc> parse_dmarc(std::string_view txt) {
  const auto tags = versioned(txt, "DMARC1");
  if (!tags) return tags.error();
  Dmarc record;
  const std::string* reports = value_of(*tags, "rua");
  record.reports = reports != nullptr && !reports->empty();
  const std::string* policy = value_of(*tags, "p");
  const auto read = policy == nullptr ? std::nullopt : policy_of(*policy);
  // RFC 7489, 6.6.3: with somebody to report to, a missing or odd policy is none.
  if (!read && !record.reports)
    return wrong(policy == nullptr ? "it has no p="
                                   : "p=" + printable(*policy, 50) + " is not none, quarantine or reject");
  record.policy = read.value_or(Dmarc::Policy::kNone);
  if (const std::string* sub = value_of(*tags, "sp"); sub != nullptr) record.subdomains = policy_of(*sub);
  const std::string* spf = value_of(*tags, "aspf");
  const std::string* dkim = value_of(*tags, "adkim");
  record.strict_spf = spf != nullptr && name_key(*spf) == "s";
  record.strict_dkim = dkim != nullptr && name_key(*dkim) == "s";
  if (const std::string* percent = value_of(*tags, "pct"); percent != nullptr)
    record.percent = static_cast<int>(std::min<std::int64_t>(number(*percent).value_or(100), 100));
  if (const std::string* psd = value_of(*tags, "psd"); psd != nullptr && (*psd == "y" || *psd == "n"))
    record.psd = psd->front();
  return record;
}

std::string_view word(Dmarc::Policy policy) {
  switch (policy) {
    case Dmarc::Policy::kNone:
      return "none";
    case Dmarc::Policy::kQuarantine:
      return "quarantine";
    case Dmarc::Policy::kReject:
      return "reject";
  }
  return "none";
}

Result<std::string> parse_sts_id(std::string_view txt) {
  const auto tags = versioned(txt, "STSv1");
  if (!tags) return tags.error();
  const std::string* id = value_of(*tags, "id");
  const bool fine =
      id != nullptr && !id->empty() && id->size() <= 32 && std::all_of(id->begin(), id->end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      });
  if (!fine) return wrong("its id= is not 1 to 32 letters and digits");
  return *id;
}

Result<StsPolicy> parse_sts_policy(std::string_view body) {
  StsPolicy policy;
  Status status = ok();
  bool version = false, mode = false, age = false;
  split(body, '\n', [&](std::string_view line) {
    const std::size_t colon = line.find(':');
    if (line.empty() || colon == std::string_view::npos) return true;  // unknown lines are passed over
    const std::string_view key = trimmed(line.substr(0, colon)), value = trimmed(line.substr(colon + 1));
    if (key == "version") version = value == "STSv1";
    if (key == "mode") {
      mode = value == "none" || value == "testing" || value == "enforce";
      policy.mode = value == "enforce"   ? StsPolicy::Mode::kEnforce
                    : value == "testing" ? StsPolicy::Mode::kTesting
                                         : StsPolicy::Mode::kNone;
    }
    if (key == "max_age") {
      const auto seconds = number(value);
      age = seconds && *seconds <= kMaxAgeMax;
      policy.max_age_s = seconds.value_or(0);
    }
    if (key == "mx" && policy.hosts.size() == kHostsMax) status = wrong("more than 100 mx lines");
    if (key == "mx") policy.hosts.push_back(name_key(value));
    return status.ok();
  });
  if (!status) return status.error();
  if (!version) return wrong("it has no line \"version: STSv1\"");
  if (!mode) return wrong("its mode is not enforce, testing or none");
  if (!age) return wrong("its max_age is not 0 to 31557600 seconds");
  if (policy.hosts.empty() && policy.mode != StsPolicy::Mode::kNone) return wrong("it names no mx");
  return policy;
}

// RFC 8461, 4.1: a wildcard stands for exactly the leftmost label.
bool StsPolicy::covers(std::string_view host) const {
  const std::string name = name_key(host);
  const std::size_t dot = name.find('.');
  const std::string wild = dot == std::string::npos ? "" : "*" + name.substr(dot);
  return std::any_of(hosts.begin(), hosts.end(), [&](const std::string& one) { return one == name || one == wild; });
}

std::string_view word(StsPolicy::Mode mode) {
  switch (mode) {
    case StsPolicy::Mode::kNone:
      return "none";
    case StsPolicy::Mode::kTesting:
      return "testing";
    case StsPolicy::Mode::kEnforce:
      return "enforce";
  }
  return "none";
}

Result<std::vector<std::string>> parse_tls_rpt(std::string_view txt) {
  const auto tags = versioned(txt, "TLSRPTv1");
  if (!tags) return tags.error();
  std::vector<std::string> places;
  const std::string* listed = value_of(*tags, "rua");
  if (listed != nullptr) {
    split(*listed, ',', [&](std::string_view one) {
      if (!one.empty()) places.push_back(printable(one, 300));
      return places.size() < kHostsMax;
    });
  }
  if (places.empty()) return wrong("its rua= names nobody");
  for (const std::string& place : places) {
    if (!report_uri(place)) return wrong(in_quotes(place) + " is neither mailto: nor https:");
  }
  return places;
}

}  // namespace everup::checker
