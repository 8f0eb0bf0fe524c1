#include "net/address.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace everup::net {
namespace {

TEST(AddressTest, StrictParsingPrintsBack) {
  for (const char* text : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1",
                           "2001:db8:0:1:1:1:1:1", "::ffff:192.0.2.1", "64:ff9b::c000:201", "1:2:3:4:5:6:7:8"}) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->host(), text);
  }
  EXPECT_EQ(Address::parse("2001:DB8:0:0:0:0:0:1")->host(), "2001:db8::1");
}

TEST(AddressTest, StrictParsingRefuses) {
  for (std::string_view text : {"",
                                " ",
                                "1",
                                "1.2",
                                "1.2.3",
                                "1.2.3.4.5",
                                "1.2.3.256",
                                "01.2.3.4",
                                "0x1.2.3.4",
                                "1.2.3.4 ",
                                " 1.2.3.4",
                                "1.2.3.4.",
                                "a.b.c.d",
                                "fe80::1%eth0",
                                "fe80::1%25lo",
                                "[::1]",
                                ":",
                                ":::",
                                "1::2::3",
                                "12345::",
                                "::1.2.3",
                                "g::",
                                "1.2.3.4:80",
                                "\xef\xbc\x91.2.3.4",
                                "2001:db8::1/64",
                                "::ffff:192.168.1.256"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
  EXPECT_FALSE(Address::parse(std::string_view("1.2.3.4\0.example", 16)));
  EXPECT_FALSE(Address::parse(std::string(1000, '1')));
}

TEST(AddressTest, AnySpellingReadsWhatBrowsersRead) {
  for (const char* text :
       {"127.0.0.1", "2130706433", "0x7f000001", "017700000001", "0x7f.1", "127.1", "127.0.1", "0177.0.0.1",
        "0x7f.0x0.0x0.0x1", "127.0.0.1.", "0X7F.0.0.1", "00000000177.0.0.1", "0x7f.0.1", "127.0x000000000001"}) {
    const auto address = Address::parse_any_spelling(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->host(), "127.0.0.1") << text;
  }
  EXPECT_EQ(Address::parse_any_spelling("0x")->host(), "0.0.0.0");
  for (const char* text : {"4294967296", "256.1", "1.2.3.4.5", "1.256.1.1", "127.0.0.65536", "08", "1..2", ".1",
                           "1.2.3.", "0xg", "-1", "+1", "1e3", "", ".", "127.0.0.1..", "example.com"}) {
    if (std::string_view(text) == "1.2.3.") continue;  // = 1.2.3, a short form
    EXPECT_FALSE(Address::parse_any_spelling(text)) << text;
  }
}

TEST(AddressTest, EndsInNumber) {
  for (const char* text : {"1", "a.1", "a.0x1f", "1.2.3.4", "1.2.3.4.", "a.0x", "a.09"})
    EXPECT_TRUE(ends_in_number(text)) << text;
  for (const char* text : {"", ".", "a", "1.a", "a.0xg", "a.1b", "example.com.", "1..", "x0"})
    EXPECT_FALSE(ends_in_number(text)) << text;
}

TEST(AddressTest, Endpoints) {
  EXPECT_EQ(Address::parse_endpoint("192.0.2.1", 53)->text(), "192.0.2.1:53");
  EXPECT_EQ(Address::parse_endpoint("192.0.2.1:5353", 53)->text(), "192.0.2.1:5353");
  EXPECT_EQ(Address::parse_endpoint("2001:db8::1", 53)->text(), "[2001:db8::1]:53");
  EXPECT_EQ(Address::parse_endpoint("[2001:db8::1]", 53)->text(), "[2001:db8::1]:53");
  EXPECT_EQ(Address::parse_endpoint("[2001:db8::1]:5353", 53)->text(), "[2001:db8::1]:5353");
  for (const char* text :
       {"", ":", ":53", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:-1", "[192.0.2.1]:53", "[192.0.2.1]",
        "[::1", "::1]:5", "[]:5", "[", "]", "[]", "host:53", "192.0.2.1:5x", "[::1]x:5"}) {
    EXPECT_FALSE(Address::parse_endpoint(text, 53)) << text;
  }
}

TEST(AddressTest, SockaddrAndBack) {
  for (const char* text : {"192.0.2.1:443", "[2001:db8::1]:65535"}) {
    const auto address = *Address::parse_endpoint(text, 1);
    sockaddr_storage storage;
    const socklen_t length = address.to_sockaddr(storage);
    EXPECT_EQ(length, address.v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    EXPECT_EQ(Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage)), address);
  }
  sockaddr other{};
  other.sa_family = AF_UNIX;
  EXPECT_FALSE(Address::from_sockaddr(&other));
  EXPECT_FALSE(Address::from_sockaddr(nullptr));
}

TEST(AddressTest, HashAndHostComparison) {
  std::unordered_set<Address> seen;
  for (std::uint32_t i = 0; i < 10'000; ++i) seen.insert(Address::from_v4(i, 80));
  EXPECT_EQ(seen.size(), 10'000U);
  EXPECT_TRUE(seen.contains(Address::from_v4(77, 80)));
  EXPECT_FALSE(seen.contains(Address::from_v4(77, 81)));
  EXPECT_TRUE(Address::from_v4(77, 80).same_host(Address::from_v4(77, 81)));
}

TEST(CidrTest, ContainsToTheBit) {
  struct Case {
    const char* network;
    const char* first;
    const char* last;
    const char* before;
    const char* after;
  };
  for (const Case& c : {Case{"100.64.0.0/10", "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"},
                        Case{"192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.6", "192.0.2.8"},
                        Case{"198.18.0.0/15", "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"},
                        Case{"2001:10::/28", "2001:10::", "2001:1f:ffff::", "2001:f:ffff::", "2001:20::"},
                        Case{"fc00::/7", "fc00::", "fdff:ffff::", "fbff:ffff::", "fe00::"}}) {
    const auto cidr = Cidr::parse(c.network);
    ASSERT_TRUE(cidr.ok()) << c.network;
    EXPECT_TRUE(cidr->contains(*Address::parse(c.first, 80)));
    EXPECT_TRUE(cidr->contains(*Address::parse(c.last)));
    EXPECT_FALSE(cidr->contains(*Address::parse(c.before)));
    EXPECT_FALSE(cidr->contains(*Address::parse(c.after)));
  }
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains(*Address::parse("8.8.8.8")));
  EXPECT_FALSE(Cidr::parse("0.0.0.0/0")->contains(*Address::parse("::")));
  EXPECT_FALSE(Cidr::parse("::/0")->contains(*Address::parse("0.0.0.0")));
}

TEST(CidrTest, ErrorsSayWhatIsAllowed) {
  EXPECT_EQ(Cidr::parse("192.168.1.10/24").error().what,
            "\"192.168.1.10/24\" has bits beyond its prefix; the network is 192.168.1.0/24");
  EXPECT_EQ(Cidr::parse("10.0.0.0/33").error().what, "\"10.0.0.0/33\": the prefix length must be 0 to 32");
  EXPECT_EQ(Cidr::parse("fd00::/129").error().what, "\"fd00::/129\": the prefix length must be 0 to 128");
  EXPECT_EQ(Cidr::parse("lan").error().what,
            "\"lan\" is not a network: write it like 10.0.0.0/8, fd00::/8 or 192.0.2.1");
  for (const char* bad : {"", "/", "/8", "10/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/ 8"})
    EXPECT_FALSE(Cidr::parse(bad).ok()) << bad;
}

}  // namespace
}  // namespace everup::net
