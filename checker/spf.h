// SPF (RFC 7208): the record's grammar, and check_host() as a function of what name servers have said so far
// (checker/dns_facts.h).
//
// Evaluation follows the RFC to its limits: ten terms that look something up, two lookups that find nothing, ten names
// of an MX or PTR answer; beyond them it is a permanent error, as for a receiver. Beside the verdict on one address,
// spf_cost() walks the whole tree, because a record may pass for the address that was asked and break for the next one.
//
// Pure; any thread. Limits: 512 terms a record, kCostMax counted lookups. Known weakness: the macro `p` is "unknown",
// which RFC 7208 7.3 allows and asks not to be used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checker/dns_facts.h"
#include "core/result.h"
#include "net/address.h"

namespace everup::checker {

struct SpfTerm {
  enum class Mechanism : std::uint8_t { kAll, kInclude, kA, kMx, kPtr, kIp4, kIp6, kExists };
  char qualifier = '+';  // + - ~ ?
  Mechanism mechanism = Mechanism::kAll;
  std::string domain;    // with macros; empty: the domain that is evaluated
  net::Address network;  // of kIp4 and kIp6
  int prefix4 = 32, prefix6 = 128;
  std::string text;  // as it was published
};
struct SpfRecord {
  std::vector<SpfTerm> terms;
  std::string redirect;  // empty: none
};
// A TXT record is one of SPF's: "v=spf1" and a space or the end (RFC 7208, 4.5).
bool is_spf(std::string_view txt);
// kInvalid: what is wrong, in words; a receiver calls it a permanent error.
Result<SpfRecord> parse_spf(std::string_view txt);

enum class SpfResult : std::uint8_t { kNone, kNeutral, kPass, kFail, kSoftFail, kTempError, kPermError };
std::string_view word(SpfResult result);  // "pass", "softfail", …: as in Received-SPF

struct SpfQuestion {
  net::Address address;
  std::string sender;  // local@domain; the domain is what is checked
  std::string helo;
};
struct SpfVerdict {
  SpfResult result = SpfResult::kNone;
  std::string matched;  // "include:_spf.example.net, ip4:192.0.2.0/24"; empty: no term did
  std::string why;      // of kTempError, kPermError and kNone
  int lookups = 0, voids = 0;
};
inline constexpr int kSpfLookupsMax = 10, kSpfVoidsMax = 2, kSpfCostMax = 30;

// nullopt: not yet, ask what `facts` wants.
std::optional<SpfVerdict> check_spf(const SpfQuestion& question, DnsFacts& facts);
// How many lookups the domain's record costs a receiver at worst, at most kSpfCostMax. nullopt: not yet.
std::optional<int> spf_cost(std::string_view domain, DnsFacts& facts);
// The domain's record; `why` says what stands against it. nullopt: not yet.
struct SpfFound {
  SpfResult trouble = SpfResult::kNeutral;  // kNone, kTempError or kPermError; kNeutral: `text` is the record
  std::string text, why;
};
std::optional<SpfFound> find_spf(std::string_view domain, DnsFacts& facts);

// RFC 7208, 7; kInvalid when the text is no macro string.
struct SpfMacros {
  const SpfQuestion& question;
  std::string_view domain;
};
Result<std::string> expand_spf(std::string_view text, const SpfMacros& macros);

}  // namespace everup::checker
