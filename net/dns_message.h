// DNS messages (RFC 1035, 6891): one question out, the answer in, its records as text. Parsing is glibc's
// (ns_initparse, ns_parserr, dn_expand), which bounds every pointer; nothing here reads past the message.
//
// Pure bytes; any thread. Limits: a message has at most 65 535 bytes, kRecordsMax records are kept, each text at most 4
// KiB.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/kind_settings.h"
#include "core/result.h"
#include "net/address.h"

namespace everup::net {

inline constexpr std::size_t kRecordsMax = 200;
inline constexpr std::uint16_t kUdpPayload = 1232;  // what we say we take (DNS flag day 2020)

struct ResourceRecord {
  std::string name;  // without the trailing dot
  std::uint32_t ttl = 0;
  std::string value;  // presentation: "192.0.2.1", "10 mx.example.com", "v=spf1 -all" (strings joined, RFC 7208 3.3), …
};

struct DnsReply {
  std::uint16_t id = 0;
  int rcode = 0;
  bool authoritative = false, truncated = false, recursion_available = false;
  std::vector<ResourceRecord> records;  // of the type that was asked for, in the answer section
  std::vector<std::string> aliases;     // CNAMEs followed on the way, at most 16
};

std::string_view rcode_name(
    int rcode);  // "NXDOMAIN"; "RCODE 12" is written by the caller for unknown ones (empty here)
std::string_view type_name(DnsType type);
// "1.2.0.192.in-addr.arpa", or 32 nibbles and "ip6.arpa": where the address's PTR records are.
std::string reverse_name(const Address& address);

// `name` in A-labels; an address literal with kPtr is asked as in-addr.arpa or ip6.arpa. kInvalid: not a name.
Result<std::string> dns_question(std::uint16_t id, std::string_view name, DnsType type);
// kCorrupt: malformed, not an answer, or to another question. The id is the caller's to compare.
Result<DnsReply> dns_reply(std::string_view message, std::string_view name, DnsType type);

}  // namespace everup::net
