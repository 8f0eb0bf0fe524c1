// Numeric addresses and networks. Two ways to read one, and it matters which:
//  * parse() is strict: dotted quad without leading zeros, RFC 4291 text, no zone id. For settings and for what
//  resolvers say.
//  * parse_any_spelling() also reads what inet_aton() and browsers read (decimal, octal, hexadecimal, short forms, a
//  trailing dot):
//    for target hosts, so that no spelling of an address passes as a name.
// Values; no allocation except text. Printing is RFC 5952 (glibc's inet_ntop).
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace everup::net {

enum class Family : std::uint8_t { kV4 = 4, kV6 = 6 };

struct Address {
  std::array<std::uint8_t, 16> bytes{};  // network order; the first 4 for kV4, the rest 0 then
  std::uint16_t port = 0;                // host order; 0: not said
  Family family = Family::kV4;

  auto operator<=>(const Address&) const = default;
  bool same_host(const Address& other) const { return family == other.family && bytes == other.bytes; }
  Address with_port(std::uint16_t other) const {
    Address copy = *this;
    copy.port = other;
    return copy;
  }
  bool v4() const { return family == Family::kV4; }
  int bits() const { return v4() ? 32 : 128; }

  std::string host() const;  // "192.0.2.1", "2001:db8::1"
  std::string text() const;  // "192.0.2.1:443", "[2001:db8::1]:443"; without a port as host()

  static Address from_v4(std::uint32_t host_order, std::uint16_t port = 0);
  static Address from_v6(const std::array<std::uint8_t, 16>& bytes, std::uint16_t port = 0);
  static std::optional<Address> parse(std::string_view host, std::uint16_t port = 0);
  static std::optional<Address> parse_any_spelling(std::string_view host, std::uint16_t port = 0);
  // "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53"; ports 1 … 65535.
  static std::optional<Address> parse_endpoint(std::string_view text, std::uint16_t default_port);

  // Fills `storage`, returns the length for connect() and bind().
  socklen_t to_sockaddr(sockaddr_storage& storage) const;
  static std::optional<Address> from_sockaddr(const sockaddr* address);  // nullopt: neither AF_INET nor AF_INET6
};

// True for what the WHATWG URL standard calls "ends in a number": such a host is an address or a mistake, never a DNS
// name.
bool ends_in_number(std::string_view host);

struct Cidr {
  Address base;  // port 0, host bits 0
  int prefix = 0;

  bool operator==(const Cidr&) const = default;
  bool contains(const Address& address) const;  // the same family only; ports do not matter
  std::string text() const;                     // "10.0.0.0/8"
  // "10.0.0.0/8", "fd00::/8", or a bare address (/32, /128). Bits beyond the prefix are an error that names the right
  // network.
  static Result<Cidr> parse(std::string_view text);
};

}  // namespace everup::net

template <>
struct std::hash<everup::net::Address> {
  std::size_t operator()(const everup::net::Address& address) const noexcept;  // ports count
};
