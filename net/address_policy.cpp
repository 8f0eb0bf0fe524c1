#include "net/address_policy.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "net/digest.h"
#include "net/fd.h"
#include "net/handle.h"

namespace everup::net {
namespace {

constexpr std::size_t kInterfaceAddressesMax = 1024;  // of a family, without netlink

struct Range {
  Cidr cidr;
  Reach reach;
};

Range range(const char* text, Reach reach) {
  auto cidr = Cidr::parse(text);
  EVERUP_ASSERT(cidr.ok());
  return {*cidr, reach};
}

// The IANA special-purpose registries and what clouds put beside them. The first match decides, so metadata comes
// first.
const std::vector<Range>& v4_ranges() {
  static const std::vector<Range> ranges{
      range("169.254.169.254/32", Reach::kMetadata),  // AWS, GCP, Azure, DigitalOcean, OpenStack
      range("169.254.170.0/24", Reach::kMetadata),    // AWS task and pod credentials
      range("100.100.100.200/32", Reach::kMetadata),  // Alibaba
      range("168.63.129.16/32", Reach::kMetadata),    // Azure's host agent, inside public space
      range("192.0.0.192/32", Reach::kMetadata),      // Oracle
      range("0.0.0.0/8", Reach::kSpecial),            // connect() to 0.0.0.0 reaches 127.0.0.1
      range("10.0.0.0/8", Reach::kPrivate),          range("100.64.0.0/10", Reach::kPrivate),
      range("127.0.0.0/8", Reach::kLoopback),        range("169.254.0.0/16", Reach::kLinkLocal),
      range("172.16.0.0/12", Reach::kPrivate),       range("192.0.0.0/24", Reach::kSpecial),
      range("192.0.2.0/24", Reach::kSpecial),        range("192.88.99.0/24", Reach::kSpecial),
      range("192.168.0.0/16", Reach::kPrivate),      range("198.18.0.0/15", Reach::kSpecial),
      range("198.51.100.0/24", Reach::kSpecial),     range("203.0.113.0/24", Reach::kSpecial),
      range("224.0.0.0/4", Reach::kSpecial),         range("240.0.0.0/4", Reach::kSpecial),
  };
  return ranges;
}

const std::vector<Range>& v6_ranges() {
  static const std::vector<Range> ranges{
      range("fd00:ec2::254/128", Reach::kMetadata),  // AWS
      range("fd00:ec2::23/128", Reach::kMetadata),   // AWS pod identity
      range("fd20:ce::254/128", Reach::kMetadata),   // GCP
      range("::/128", Reach::kSpecial),              // connect() to :: reaches ::1
      range("::1/128", Reach::kLoopback),
      range("100::/64", Reach::kSpecial),
      range("2001:2::/48", Reach::kSpecial),
      range("2001:10::/28", Reach::kSpecial),
      range("2001:20::/28", Reach::kSpecial),
      range("2001:db8::/32", Reach::kSpecial),
      range("3fff::/20", Reach::kSpecial),
      range("5f00::/16", Reach::kSpecial),
      range("fc00::/7", Reach::kPrivate),
      range("fe80::/10", Reach::kLinkLocal),
      range("fec0::/10", Reach::kSpecial),
      range("ff00::/8", Reach::kSpecial),
      range("2000::/3", Reach::kPublic),
  };
  return ranges;
}

Reach plain_reach(const Address& address) {
  for (const Range& known : address.v4() ? v4_ranges() : v6_ranges()) {
    if (known.cidr.contains(address)) return known.reach;
  }
  return address.v4() ? Reach::kPublic : Reach::kSpecial;
}

bool starts_with(const Address& address, std::initializer_list<std::uint8_t> bytes) {
  return std::equal(bytes.begin(), bytes.end(), address.bytes.begin());
}

Address inside(const Address& address, std::array<std::size_t, 4> at, std::uint8_t flip = 0) {
  Address out;
  for (std::size_t i = 0; i < 4; ++i) out.bytes[i] = address.bytes[at[i]] ^ flip;
  out.port = address.port;
  return out;
}
Address last_four(const Address& address) { return inside(address, {12, 13, 14, 15}); }

// ::ffff:a.b.c.d is not carried anywhere: the kernel speaks IPv4 to a.b.c.d, so it *is* that address.
bool mapped(const Address& address) {
  return !address.v4() && starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff});
}

Address without_port(Address address) { return address.with_port(0); }

// Which network an operator would open for this address: a /24 or a /64 around a private one, else the address alone.
std::string network_to_open(const Address& address, Reach reach) {
  if (starts_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}) && !address.v4()) return "64:ff9b::/96";
  const int prefix = reach != Reach::kPrivate ? address.bits() : address.v4() ? 24 : 64;
  Cidr cidr{without_port(address), prefix};
  std::fill(cidr.base.bytes.begin() + prefix / 8, cidr.base.bytes.end(), std::uint8_t{0});
  return prefix == address.bits() ? address.host() : cidr.text();
}

std::vector<Address> sorted_hosts(std::vector<Address> addresses) {
  for (Address& address : addresses) address.port = 0;
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

// Where netlink is forbidden (systemd's RestrictAddressFamilies): the older ways, an ioctl for IPv4 and a file for
// IPv6.
Result<std::vector<Address>> interface_addresses_without_netlink() {
  const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  std::vector<ifreq> entries(kInterfaceAddressesMax);
  ifconf list{};
  list.ifc_len = static_cast<int>(entries.size() * sizeof(ifreq));
  list.ifc_req = entries.data();
  if (!any || ::ioctl(any.value(), SIOCGIFCONF, &list) != 0) {
    return Error{ErrorCode::kUnavailable, std::string("the addresses of the interfaces: ") + std::strerror(errno)};
  }
  entries.resize(static_cast<std::size_t>(list.ifc_len) / sizeof(ifreq));
  std::vector<Address> out;
  for (const ifreq& entry : entries) {
    if (const auto address = Address::from_sockaddr(&entry.ifr_addr)) out.push_back(*address);
  }
  std::ifstream in("/proc/net/if_inet6");  // absent: no IPv6
  for (std::string line; out.size() < 2 * kInterfaceAddressesMax && std::getline(in, line);) {
    const auto raw = from_hex(std::string_view(line).substr(0, 32));
    if (!raw || raw->size() != 16) continue;
    std::array<std::uint8_t, 16> bytes;
    std::copy(raw->begin(), raw->end(), bytes.begin());
    out.push_back(Address::from_v6(bytes));
  }
  return out;
}

Result<std::vector<Address>> interface_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return interface_addresses_without_netlink();
  const Handle<ifaddrs, ::freeifaddrs> owned(list);
  std::vector<Address> out;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (const auto address = Address::from_sockaddr(entry->ifa_addr)) out.push_back(*address);
  }
  return out;
}

bool separator(char c) { return c == ' ' || c == ',' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

std::string_view slug(Reach reach) {
  switch (reach) {
    case Reach::kPublic:
      return "public";
    case Reach::kPrivate:
      return "private";
    case Reach::kLoopback:
      return "loopback";
    case Reach::kLinkLocal:
      return "link_local";
    case Reach::kMetadata:
      return "metadata";
    case Reach::kOwn:
      return "own";
    case Reach::kSpecial:
      return "special";
  }
  return "special";
}

std::string_view english(Reach reach) {
  switch (reach) {
    case Reach::kPublic:
      return "a public address";
    case Reach::kPrivate:
      return "a private address";
    case Reach::kLoopback:
      return "a loopback address";
    case Reach::kLinkLocal:
      return "a link-local address";
    case Reach::kMetadata:
      return "a cloud metadata address";
    case Reach::kOwn:
      return "an address of this machine or of its own services";
    case Reach::kSpecial:
      return "a special-purpose address";
  }
  return "a special-purpose address";
}

std::vector<Address> embedded(const Address& address) {
  if (address.v4()) return {};
  const auto& b = address.bytes;
  std::vector<Address> out;
  if (starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0})) {
    // mapped ::ffff:a.b.c.d, translated ::ffff:0:a.b.c.d, compatible ::a.b.c.d (:: and ::1 are themselves)
    const std::uint32_t middle =
        std::uint32_t{b[8]} << 24 | std::uint32_t{b[9]} << 16 | std::uint32_t{b[10]} << 8 | b[11];
    const bool zero_or_one = middle == 0 && b[12] == 0 && b[13] == 0 && b[14] == 0 && b[15] <= 1;
    if (!zero_or_one && (middle == 0 || middle == 0xffff || middle == 0xffff0000)) out.push_back(last_four(address));
  }
  if (starts_with(address, {0, 0x64, 0xff, 0x9b}))
    out.push_back(last_four(address));  // NAT64, well-known and local /96
  if (starts_with(address, {0, 0x64, 0xff, 0x9b, 0, 1}))
    out.push_back(inside(address, {6, 7, 9, 10}));                                       // local /48 (RFC 6052)
  if (starts_with(address, {0x20, 0x02})) out.push_back(inside(address, {2, 3, 4, 5}));  // 6to4
  if (starts_with(address, {0x20, 0x01, 0, 0})) {                                        // Teredo: server, client
    out.push_back(inside(address, {4, 5, 6, 7}));
    out.push_back(inside(address, {12, 13, 14, 15}, 0xff));
  }
  const bool isatap = (b[8] & 0xfc) == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe;  // with any u and g bit
  if (isatap) out.push_back(last_four(address));
  return out;
}

Reach classify(const Address& address) {
  if (mapped(address)) return plain_reach(last_four(address));
  for (const Address& inner : embedded(address)) {
    const Reach reach = plain_reach(inner);
    if (reach != Reach::kPublic) return reach;
  }
  return plain_reach(address);
}

Result<AllowList> AllowList::parse(std::string_view text, std::string setting) {
  AllowList out;
  out.setting = std::move(setting);
  while (!text.empty()) {
    const auto end = static_cast<std::size_t>(std::find_if(text.begin(), text.end(), separator) - text.begin());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (word == "private" || word == "loopback") {
      (word == "private" ? out.private_ranges : out.loopback) = true;
      continue;
    }
    const auto network = Cidr::parse(word);
    if (!network) {
      return Error{ErrorCode::kInvalid, out.setting + ": " + network.error().what +
                                            "; allowed are networks, addresses and the words private and loopback"};
    }
    if (out.networks.size() >= kNetworksMax) {
      return Error{ErrorCode::kInvalid, out.setting + ": more than " + std::to_string(kNetworksMax) + " networks"};
    }
    out.networks.push_back(*network);
  }
  return out;
}

bool AllowList::opens(const Address& address, Reach reach) const {
  if (reach == Reach::kPrivate && private_ranges) return true;
  if (reach == Reach::kLoopback && loopback) return true;
  return std::any_of(networks.begin(), networks.end(), [&](const Cidr& network) { return network.contains(address); });
}

AddressPolicy::AddressPolicy(AllowList allow) : allow_(std::move(allow)) {
  // At start an unreadable list of interfaces is no reason to run without this protection.
  EVERUP_ASSERT(reread_own_addresses().ok());
}

AddressPolicy::AddressPolicy(AllowList allow, std::vector<Address> own_addresses)
    : allow_(std::move(allow)), own_(sorted_hosts(std::move(own_addresses))) {}

Status AddressPolicy::reread_own_addresses() {
  auto addresses = interface_addresses();
  if (!addresses) return addresses.error();
  std::vector<Address> sorted = sorted_hosts(*std::move(addresses));
  const std::lock_guard lock(mutex_);
  own_.swap(sorted);
  return ok();
}

void AddressPolicy::protect(std::vector<Address> addresses) {
  std::vector<Address> sorted = sorted_hosts(std::move(addresses));
  const std::lock_guard lock(mutex_);
  protected_.swap(sorted);
}

bool AddressPolicy::own(const Address& address) const {
  const Address host = without_port(address);
  const std::lock_guard lock(mutex_);
  return std::binary_search(own_.begin(), own_.end(), host) ||
         std::binary_search(protected_.begin(), protected_.end(), host);
}

Ruling AddressPolicy::judge_one(const Address& address, bool from_public_redirect) const {
  const Reach reach = plain_reach(address);
  const bool ours = own(address);
  const bool open = !from_public_redirect && allow_.opens(address, reach);
  const bool allowed = open || (reach == Reach::kPublic && !ours);
  return {allowed, ours && reach == Reach::kPublic ? Reach::kOwn : reach, address};
}

// The insides first: what is denied inside is denied outside, also when the outside was opened.
Ruling AddressPolicy::judge(const Address& address, bool from_public_redirect) const {
  for (const Address& inner : embedded(address)) {
    Ruling ruling = judge_one(inner, from_public_redirect);
    if (!ruling.allowed || mapped(address)) return ruling;
  }
  return judge_one(address, from_public_redirect);
}

std::string AddressPolicy::refusal(std::string_view host, const Address& address, const Ruling& ruling,
                                   bool from_public_redirect, bool show_address) const {
  std::string out = std::string(host) + " is ";
  if (show_address && host != address.host()) out += address.host() + ", ";
  if (show_address && !ruling.judged.same_host(address))
    out += "an address that carries " + ruling.judged.host() + ", ";
  out += english(ruling.reach);
  if (from_public_redirect) return out + "; a redirect from a public address may lead to public addresses only";
  out += "; this Everup watches public addresses only. Its operator can allow it: " + allow_.setting + '=';
  const std::string network = network_to_open(ruling.judged, ruling.reach);
  if (ruling.reach == Reach::kPrivate || ruling.reach == Reach::kLoopback) {
    out += slug(ruling.reach);
    if (show_address) out += " (or " + network + ')';
  } else {
    out += show_address ? network : "(its network)";
  }
  return out + ", then restart";
}

}  // namespace everup::net
