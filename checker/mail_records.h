// What a domain publishes about its mail beside SPF: DKIM keys (RFC 6376), DMARC (RFC 7489), MTA-STS (RFC 8461) and
// TLS-RPT (RFC 8460). Readers of foreign text: kInvalid says in words what is wrong.
//
// Pure; any thread. Limits: 64 tags a record, 100 hosts a policy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace everup::checker {

// "v=DMARC1; p=none" → names in lower case, values without spaces around them. kInvalid: a tag without "=" or twice.
using TagList = std::vector<std::pair<std::string, std::string>>;
Result<TagList> parse_tags(std::string_view text);

struct DkimKey {
  enum class Algorithm : std::uint8_t { kRsa, kEd25519, kOther };
  Algorithm algorithm = Algorithm::kRsa;
  int bits = 0;  // of kRsa
  bool revoked = false;
  bool testing = false;  // t=y
  bool sha1_only = false;
};
Result<DkimKey> parse_dkim(std::string_view txt);

struct Dmarc {
  enum class Policy : std::uint8_t { kNone, kQuarantine, kReject };
  Policy policy = Policy::kNone;
  std::optional<Policy> subdomains;  // sp=
  bool strict_spf = false, strict_dkim = false;
  bool reports = false;  // rua= names somebody
  int percent = 100;
  char psd = 'u';  // y, n, u: what the domain says of itself for the walk to the organisational domain
};
bool is_dmarc(std::string_view txt);
Result<Dmarc> parse_dmarc(std::string_view txt);
std::string_view word(Dmarc::Policy policy);

struct StsPolicy {
  enum class Mode : std::uint8_t { kNone, kTesting, kEnforce };
  Mode mode = Mode::kNone;
  std::int64_t max_age_s = 0;
  std::vector<std::string> hosts;  // "mx.example.com", "*.example.com"
  bool covers(std::string_view host) const;
};
// The TXT record's id.
Result<std::string> parse_sts_id(std::string_view txt);
Result<StsPolicy> parse_sts_policy(std::string_view body);
std::string_view word(StsPolicy::Mode mode);

// Where reports about TLS go: mailto: and https: URIs.
Result<std::vector<std::string>> parse_tls_rpt(std::string_view txt);

}  // namespace everup::checker
