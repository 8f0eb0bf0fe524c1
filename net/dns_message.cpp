#include "net/dns_message.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <strings.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <optional>

#include "core/outcome.h"
#include "net/address.h"

namespace everup::net {

namespace {

constexpr std::size_t kTextMax = 4096;
constexpr std::size_t kAliasesMax = 16;
constexpr int kCaa = 257;  // RFC 8659; older than glibc's table

int wire_type(DnsType type) {
  switch (type) {
    case DnsType::kA:
      return ns_t_a;
    case DnsType::kAaaa:
      return ns_t_aaaa;
    case DnsType::kCname:
      return ns_t_cname;
    case DnsType::kMx:
      return ns_t_mx;
    case DnsType::kNs:
      return ns_t_ns;
    case DnsType::kTxt:
      return ns_t_txt;
    case DnsType::kSoa:
      return ns_t_soa;
    case DnsType::kCaa:
      return kCaa;
    case DnsType::kSrv:
      return ns_t_srv;
    case DnsType::kPtr:
      return ns_t_ptr;
  }
  assertion_failed("a type of the table", __FILE__, __LINE__);
}

Error corrupt(const char* what) { return {ErrorCode::kCorrupt, std::string("DNS answer: ") + what}; }

std::string wanted_name(std::string_view name, DnsType type) {
  if (type == DnsType::kPtr) {
    if (const auto address = Address::parse(name)) return reverse_name(*address);
  }
  return std::string(name);
}

// The bytes of one record with the message around them, for names that point backwards. Every take… is bounded.
class Rdata {
 public:
  Rdata(const ns_msg& message, const ns_rr& record)
      : begin_(ns_msg_base(message)),
        end_(ns_msg_end(message)),
        at_(ns_rr_rdata(record)),
        limit_(at_ + ns_rr_rdlen(record)) {}
  bool good() const { return good_; }
  std::size_t left() const { return static_cast<std::size_t>(limit_ - at_); }
  unsigned number(std::size_t bytes) {
    if (left() < bytes) return fail();
    unsigned value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8U | *at_++;
    return value;
  }
  std::string name() {
    std::array<char, NS_MAXDNAME> text{};
    const int used = ns_name_uncompress(begin_, end_, at_, text.data(), text.size());
    if (used < 0 || static_cast<std::size_t>(used) > left()) return fail(), std::string();
    at_ += used;
    return text[0] == '\0' ? "." : std::string(text.data());
  }
  std::string bytes(std::size_t count) {
    if (left() < count) return fail(), std::string();
    const std::string out(reinterpret_cast<const char*>(at_), count);
    at_ += count;
    return out;
  }

 private:
  unsigned fail() {
    good_ = false;
    at_ = limit_;
    return 0;
  }
  const unsigned char *begin_, *end_, *at_, *limit_;
  bool good_ = true;
};

std::string address_text(Rdata& data, Family family) {
  Address address;
  address.family = family;
  const std::string bytes = data.bytes(family == Family::kV4 ? 4 : 16);
  if (!data.good()) return {};
  std::memcpy(address.bytes.data(), bytes.data(), bytes.size());
  return address.host();
}

std::string strings_text(Rdata& data) {
  std::string out;
  while (data.good() && data.left() > 0) out += data.bytes(data.number(1));
  return out;
}

std::string soa_text(Rdata& data) {
  std::string out = data.name();
  out += " " + data.name();
  for (int i = 0; i < 5; ++i) out += " " + std::to_string(data.number(4));
  return out;
}

std::string caa_text(Rdata& data) {
  std::string out = std::to_string(data.number(1));
  out += " " + data.bytes(data.number(1));
  return out + " \"" + data.bytes(data.left()) + "\"";
}

std::string srv_text(Rdata& data) {
  std::string out;
  for (int i = 0; i < 3; ++i) out += std::to_string(data.number(2)) + " ";
  return out + data.name();
}

std::string value_of(Rdata& data, DnsType type) {
  switch (type) {
    case DnsType::kA:
      return address_text(data, Family::kV4);
    case DnsType::kAaaa:
      return address_text(data, Family::kV6);
    case DnsType::kCname:
    case DnsType::kNs:
    case DnsType::kPtr:
      return data.name();
    case DnsType::kMx: {
      const std::string preference = std::to_string(data.number(2));
      return preference + " " + data.name();
    }
    case DnsType::kTxt:
      return strings_text(data);
    case DnsType::kSoa:
      return soa_text(data);
    case DnsType::kCaa:
      return caa_text(data);
    case DnsType::kSrv:
      return srv_text(data);
  }
  assertion_failed("a type of the table", __FILE__, __LINE__);
}

// nullopt: a record's own bytes are wrong.
std::optional<bool> take_record(const ns_msg& message, const ns_rr& record, DnsType type, DnsReply& out) {
  Rdata data(message, record);
  if (ns_rr_class(record) != ns_c_in) return false;
  if (ns_rr_type(record) == ns_t_cname && type != DnsType::kCname) {
    const std::string alias = data.name();
    if (!data.good()) return std::nullopt;
    if (out.aliases.size() < kAliasesMax) out.aliases.push_back(printable(alias, 255));
    return false;
  }
  if (ns_rr_type(record) != wire_type(type)) return false;
  std::string value = value_of(data, type);
  if (!data.good() || data.left() != 0) return std::nullopt;
  out.records.push_back({printable(ns_rr_name(record), 255), ns_rr_ttl(record), printable(value, kTextMax)});
  return true;
}

}  // namespace

std::string reverse_name(const Address& address) {
  std::string out;
  std::array<char, 8> part{};
  if (address.v4()) {
    for (int i = 3; i >= 0; --i) out += std::to_string(address.bytes[static_cast<std::size_t>(i)]) + ".";
    return out + "in-addr.arpa";
  }
  for (int i = 15; i >= 0; --i) {
    const unsigned byte = address.bytes[static_cast<std::size_t>(i)];
    std::snprintf(part.data(), part.size(), "%x.%x.", byte & 15U, byte >> 4U);
    out += part.data();
  }
  return out + "ip6.arpa";
}

std::string_view rcode_name(int rcode) {
  constexpr std::array<std::string_view, 6> kNames{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  return rcode >= 0 && rcode < static_cast<int>(kNames.size()) ? kNames[static_cast<std::size_t>(rcode)]
                                                               : std::string_view{};
}

std::string_view type_name(DnsType type) {
  constexpr std::array<std::string_view, 10> kNames{"A",   "AAAA", "CNAME", "MX",  "NS",
                                                    "TXT", "SOA",  "CAA",   "SRV", "PTR"};
  return kNames.at(static_cast<std::size_t>(type));
}

Result<std::string> dns_question(std::uint16_t id, std::string_view name, DnsType type) {
  std::array<unsigned char, NS_MAXCDNAME> packed{};
  const std::string wanted = wanted_name(name, type);
  const int packed_ok = ns_name_pton(wanted.c_str(), packed.data(), packed.size());
  const unsigned char* after = packed.data();
  const bool good = packed_ok >= 0 && ns_name_skip(&after, packed.data() + packed.size()) == 0;
  const int length = good ? static_cast<int>(after - packed.data()) : -1;
  if (length < 0) return Error{ErrorCode::kInvalid, "not a DNS name: " + printable(wanted, 255)};
  std::string out;
  const auto number = [&out](unsigned value) {
    out += static_cast<char>(value >> 8U & 255U);
    out += static_cast<char>(value & 255U);
  };
  number(id);
  number(0x0100);  // a query, recursion desired
  for (const unsigned count : {1U, 0U, 0U, 1U}) number(count);
  out.append(reinterpret_cast<const char*>(packed.data()), static_cast<std::size_t>(length));
  number(static_cast<unsigned>(wire_type(type)));
  number(ns_c_in);
  out += '\0';  // EDNS: the root, OPT, our payload, no flags, no options
  number(ns_t_opt);
  number(kUdpPayload);
  number(0), number(0), number(0);
  return out;
}

Result<DnsReply> dns_reply(std::string_view bytes, std::string_view name, DnsType type) {
  ns_msg message;
  if (bytes.size() > NS_MAXMSG || ns_initparse(reinterpret_cast<const unsigned char*>(bytes.data()),
                                               static_cast<int>(bytes.size()), &message) < 0) {
    return corrupt("malformed");
  }
  if (ns_msg_getflag(message, ns_f_qr) == 0) return corrupt("a question, not an answer");
  ns_rr question;
  if (ns_msg_count(message, ns_s_qd) != 1 || ns_parserr(&message, ns_s_qd, 0, &question) < 0) {
    return corrupt("it does not repeat the question");
  }
  std::string wanted = wanted_name(name, type);
  if (wanted.size() > 1 && wanted.ends_with('.')) wanted.pop_back();
  if (strcasecmp(ns_rr_name(question), wanted.c_str()) != 0 || ns_rr_type(question) != wire_type(type)) {
    return corrupt("to another question");
  }
  DnsReply out;
  out.id = ns_msg_id(message);
  out.rcode = ns_msg_getflag(message, ns_f_rcode);
  out.authoritative = ns_msg_getflag(message, ns_f_aa) != 0;
  out.truncated = ns_msg_getflag(message, ns_f_tc) != 0;
  out.recursion_available = ns_msg_getflag(message, ns_f_ra) != 0;
  if (out.truncated) return out;  // what is there may be cut; it is asked again over TCP
  const int count = ns_msg_count(message, ns_s_an);
  for (int i = 0; i < count && out.records.size() < kRecordsMax; ++i) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, i, &record) < 0) return corrupt("a record is malformed");
    if (!take_record(message, record, type, out)) return corrupt("a record's data are malformed");
  }
  return out;
}

}  // namespace everup::net
