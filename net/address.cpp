#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace everup::net {
namespace {

constexpr std::size_t kTextMax = 64;  // longer than any address text

bool digit(char c) { return c >= '0' && c <= '9'; }
bool hex_digit(char c) { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// A whole number in `base`, digits only; nullopt: empty, anything else, or above `max`.
std::optional<std::uint64_t> number(std::string_view text, int base, std::uint64_t max) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || value > max) return std::nullopt;
  return value;
}

bool hexadecimal(std::string_view part) {
  return part.size() >= 2 && part[0] == '0' && (part[1] == 'x' || part[1] == 'X');
}

// One part as inet_aton and browsers read it: 0x… hexadecimal, 0… octal, else decimal; "0x" alone is 0.
std::optional<std::uint64_t> aton_part(std::string_view part) {
  constexpr std::uint64_t kMax = 0xffffffff;
  if (hexadecimal(part)) return part.size() == 2 ? 0 : number(part.substr(2), 16, kMax);
  if (part.size() > 1 && part[0] == '0') return number(part.substr(1), 8, kMax);
  return number(part, 10, kMax);
}

// 1 … 4 parts; all but the last are bytes, the last fills the rest.
std::optional<std::uint32_t> parse_aton(std::string_view text) {
  std::uint64_t high = 0;
  for (int parts = 0; parts < 4; ++parts) {
    const std::size_t dot = text.find('.');
    const auto value = aton_part(text.substr(0, dot));
    if (!value) return std::nullopt;
    const int rest_bits = 32 - 8 * parts;
    if (dot == std::string_view::npos) {
      if (*value >= std::uint64_t{1} << rest_bits) return std::nullopt;
      return static_cast<std::uint32_t>(high | *value);
    }
    if (*value > 255) return std::nullopt;
    high |= *value << (rest_bits - 8);
    text.remove_prefix(dot + 1);
  }
  return std::nullopt;
}

bool bits_equal(const Address& a, const Address& b, int bits) {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (!std::equal(a.bytes.begin(), a.bytes.begin() + static_cast<std::ptrdiff_t>(whole), b.bytes.begin())) return false;
  const int rest = bits % 8;
  return rest == 0 || (a.bytes[whole] ^ b.bytes[whole]) >> (8 - rest) == 0;
}

Address masked(Address address, int prefix) {
  for (int bit = prefix; bit < address.bits(); ++bit) {
    address.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(0x80 >> bit % 8));
  }
  return address;
}

}  // namespace

std::string Address::host() const {
  if (v4()) {  // in every look: inet_ntop() would ask printf
    std::array<char, INET_ADDRSTRLEN> text;
    char* end = text.data();
    for (std::size_t i = 0; i < 4; ++i) {
      if (i > 0) *end++ = '.';
      end = std::to_chars(end, text.data() + text.size(), bytes[i]).ptr;
    }
    return {text.data(), end};
  }
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

std::string Address::text() const {
  if (port == 0) return host();
  return (v4() ? host() : '[' + host() + ']') + ':' + std::to_string(port);
}

Address Address::from_v4(std::uint32_t host_order, std::uint16_t port) {
  Address address;
  for (std::size_t i = 0; i < 4; ++i) address.bytes[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  address.port = port;
  return address;
}

Address Address::from_v6(const std::array<std::uint8_t, 16>& bytes, std::uint16_t port) {
  return {bytes, port, Family::kV6};
}

std::optional<Address> Address::parse(std::string_view host, std::uint16_t port) {
  if (host.empty() || host.size() >= kTextMax || host.find('\0') != std::string_view::npos) return std::nullopt;
  char text[kTextMax] = "";
  std::copy(host.begin(), host.end(), text);
  Address address;
  address.port = port;
  if (::inet_pton(AF_INET, text, address.bytes.data()) == 1) return address;
  address.family = Family::kV6;
  if (::inet_pton(AF_INET6, text, address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::optional<Address> Address::parse_any_spelling(std::string_view host, std::uint16_t port) {
  if (auto strict = parse(host, port)) return strict;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (const auto v4 = parse_aton(host)) return from_v4(*v4, port);
  return std::nullopt;
}

std::optional<Address> Address::parse_endpoint(std::string_view text, std::uint16_t default_port) {
  if (auto bare = parse(text, default_port)) return bare;
  const std::size_t colon = text.rfind(':');
  const bool bracket = text.starts_with('[');
  if (bracket && text.ends_with(']')) {
    const auto inside = parse(text.substr(1, text.size() - 2), default_port);
    return inside && !inside->v4() ? inside : std::nullopt;
  }
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = number(text.substr(colon + 1), 10, 65535);
  std::string_view host = text.substr(0, colon);
  if (bracket) {
    if (!host.ends_with(']')) return std::nullopt;
    host = host.substr(1, host.size() - 2);
  }
  if (!port || *port == 0) return std::nullopt;
  const auto address = parse(host, static_cast<std::uint16_t>(*port));
  return address && address->v4() != bracket ? address : std::nullopt;
}

socklen_t Address::to_sockaddr(sockaddr_storage& storage) const {
  storage = {};
  if (v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, bytes.data(), 4);
    std::memcpy(&storage, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port);
  std::memcpy(&in6.sin6_addr, bytes.data(), 16);
  std::memcpy(&storage, &in6, sizeof in6);
  return sizeof in6;
}

std::optional<Address> Address::from_sockaddr(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  Address out;
  if (address->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof in);
    std::memcpy(out.bytes.data(), &in.sin_addr, 4);
    out.port = ntohs(in.sin_port);
    return out;
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in6;
  std::memcpy(&in6, address, sizeof in6);
  std::memcpy(out.bytes.data(), &in6.sin6_addr, 16);
  out.port = ntohs(in6.sin6_port);
  out.family = Family::kV6;
  return out;
}

bool ends_in_number(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::size_t dot = host.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (last.empty()) return false;
  if (std::all_of(last.begin(), last.end(), digit)) return true;
  return hexadecimal(last) && std::all_of(last.begin() + 2, last.end(), hex_digit);
}

bool Cidr::contains(const Address& address) const {
  return address.family == base.family && bits_equal(address, base, prefix);
}

std::string Cidr::text() const { return base.host() + '/' + std::to_string(prefix); }

Result<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto base = Address::parse(text.substr(0, slash));
  const std::string quoted = '"' + std::string(text.substr(0, kTextMax)) + '"';
  if (!base) {
    return Error{ErrorCode::kInvalid, quoted + " is not a network: write it like 10.0.0.0/8, fd00::/8 or 192.0.2.1"};
  }
  if (slash == std::string_view::npos) return Cidr{*base, base->bits()};
  const auto prefix = number(text.substr(slash + 1), 10, static_cast<std::uint64_t>(base->bits()));
  if (!prefix) {
    return Error{ErrorCode::kInvalid, quoted + ": the prefix length must be 0 to " + std::to_string(base->bits())};
  }
  const Cidr cidr{masked(*base, static_cast<int>(*prefix)), static_cast<int>(*prefix)};
  if (cidr.base != *base) {
    return Error{ErrorCode::kInvalid, quoted + " has bits beyond its prefix; the network is " + cidr.text()};
  }
  return cidr;
}

}  // namespace everup::net

std::size_t std::hash<everup::net::Address>::operator()(const everup::net::Address& address) const noexcept {
  std::uint64_t halves[2];
  std::memcpy(halves, address.bytes.data(), sizeof halves);
  const std::uint64_t tail = std::uint64_t{address.port} << 8 | static_cast<std::uint64_t>(address.family);
  std::uint64_t mixed = halves[0] * 0x9e3779b97f4a7c15ULL;
  mixed = (mixed ^ mixed >> 29 ^ halves[1]) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ mixed >> 32 ^ tail) * 0x94d049bb133111ebULL;
  return static_cast<std::size_t>(mixed ^ mixed >> 31);
}
