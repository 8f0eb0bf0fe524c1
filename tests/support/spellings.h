// Refused addresses by the hundred, and every way to write one that libcurl, inet_aton() or a browser reads.
#pragma once

#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "net/address.h"

namespace everup::test {

namespace spelling {

template <class... Numbers>
std::string spell(const char* format, Numbers... numbers) {
  char text[120];
  std::snprintf(text, sizeof text, format, numbers...);  // NOLINT: the formats are the literals below
  return text;
}

inline std::vector<std::string> of_v4(std::uint32_t ip) {
  const std::uint32_t a = ip >> 24, b = ip >> 16 & 255, c = ip >> 8 & 255, d = ip & 255;
  return {spell("%u.%u.%u.%u", a, b, c, d),
          spell("%u.%u.%u.%u.", a, b, c, d),
          spell("%u", ip),
          spell("0x%x", ip),
          spell("0X%08X", ip),
          spell("0%o", ip),
          spell("00000000000%o", ip),
          spell("%u.%u", a, ip & 0xffffff),
          spell("%u.%u.%u", a, b, ip & 0xffff),
          spell("0x%x.0x%x.0x%x.0x%x", a, b, c, d),
          spell("0%o.0%o.0%o.0%o", a, b, c, d),
          spell("0%o.%u.0x%x.%u", a, b, c, d),
          spell("%%%02x%%%02x.%u.%u.%u", '0' + a / 100 % 10, '0' + a / 10 % 10, b, c, d),
          spell("user@%u.%u.%u.%u", a, b, c, d),
          spell("user:word@%u.%u.%u.%u", a, b, c, d),
          spell("8.8.4.4@%u.%u.%u.%u", a, b, c, d),
          spell("8.8.4.4\\@%u.%u.%u.%u", a, b, c, d),
          spell("8.8.4.4%%40%u.%u.%u.%u", a, b, c, d),
          spell("8.8.4.4#@%u.%u.%u.%u", a, b, c, d),
          spell("%u\xe3\x80\x82%u\xe3\x80\x82%u\xe3\x80\x82%u", a, b, c, d),  // ideographic full stops
          spell("\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.%u.%u.%u", b, c, d)};   // full-width 127
}

// IPv6 addresses that are, or carry, the IPv4 address.
inline std::vector<std::string> around_v4(std::uint32_t ip) {
  const std::uint32_t a = ip >> 24, b = ip >> 16 & 255, c = ip >> 8 & 255, d = ip & 255, high = ip >> 16,
                      low = ip & 0xffff;
  return {spell("::ffff:%u.%u.%u.%u", a, b, c, d),
          spell("::ffff:%x:%x", high, low),
          spell("0:0:0:0:0:FFFF:%X:%X", high, low),
          spell("::%u.%u.%u.%u", a, b, c, d),
          spell("::ffff:0:%u.%u.%u.%u", a, b, c, d),
          spell("64:ff9b::%u.%u.%u.%u", a, b, c, d),
          spell("64:ff9b:1::%x:%x", high, low),
          spell("2002:%x:%x::1", high, low),
          spell("2001:0:%x:%x:0:1:f7f7:f7f7", high, low),
          spell("2001:0:808:808:0:1:%x:%x", high ^ 0xffff, low ^ 0xffff),
          spell("2a00:1450::5efe:%u.%u.%u.%u", a, b, c, d),
          spell("2a00:1450::200:5efe:%x:%x", high, low)};
}

// One of each refused network, and a neighbour by chance, so that no list of exact values would pass.
inline std::vector<std::uint32_t> refused_v4() {
  std::mt19937 random(7);
  std::vector<std::uint32_t> out;
  for (const std::uint32_t base : {0x7f000001U, 0x0a000001U, 0xac100001U, 0xc0a80101U, 0xa9fea9feU, 0x64400001U,
                                   0x00000000U, 0xc0000001U, 0xc6120001U, 0xe0000001U, 0xf0000001U, 0x646464c8U}) {
    out.push_back(base);
    if (base != 0x646464c8U) out.push_back(base ^ (random() & 0xff));
  }
  return out;
}

}  // namespace spelling

// Literals that a name server can give (no zones, no octal).
inline std::vector<std::string> refused_addresses() {
  std::vector<std::string> out = {"::",          "::1",    "fe80::1",    "fc00::1", "fd00:ec2::254", "fec0::1",
                                  "2001:db8::1", "100::1", "2001:10::1", "3fff::1", "5f00::1",       "4000::1"};
  for (const std::uint32_t ip : spelling::refused_v4()) {
    out.push_back(net::Address::from_v4(ip).host());
    for (const std::string& text : spelling::around_v4(ip)) {
      // What is public IPv6 on the outside is only refused when the inside is: all of refused_v4() are.
      if (net::Address::parse(text)) out.push_back(text);
    }
  }
  return out;
}

// Hosts as somebody would write them into a URL.
inline std::vector<std::string> refused_hosts() {
  std::vector<std::string> out = refused_addresses();
  for (const std::uint32_t ip : spelling::refused_v4()) {
    for (const std::string& text : spelling::of_v4(ip)) out.push_back(text);
  }
  for (const char* zone : {"%25lo", "%lo", "%251", "%1", "%25eth0", "%25"}) {
    for (const char* address : {"fe80::1", "::1", "::ffff:127.0.0.1", "fe80::5efe:127.0.0.1"})
      out.push_back(std::string(address) + zone);
  }
  return out;
}

}  // namespace everup::test
