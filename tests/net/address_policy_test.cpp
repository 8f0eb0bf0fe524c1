#include "net/address_policy.h"

#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <random>

#include "net/digest.h"

namespace everup::net {
namespace {

Address address(std::string_view text) {
  const auto parsed = Address::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Address{});
}
AllowList allow(std::string_view text) {
  auto list = AllowList::parse(text);
  EXPECT_TRUE(list.ok()) << text;
  return *list;
}
AddressPolicy policy(std::string_view text) { return AddressPolicy(allow(text), std::vector<Address>{}); }

const char* const kDenied[] = {
    "0.0.0.0",    "0.1.2.3",         "10.0.0.0",        "10.255.255.255",  "100.64.0.0",  "100.127.255.255",
    "127.0.0.1",  "127.255.255.255", "169.254.0.1",     "169.254.169.254", "172.16.0.0",  "172.31.255.255",
    "192.0.0.1",  "192.0.0.192",     "192.0.2.1",       "192.88.99.1",     "192.168.0.0", "192.168.255.255",
    "198.18.0.0", "198.19.255.255",  "198.51.100.7",    "203.0.113.7",     "224.0.0.1",   "239.255.255.255",
    "240.0.0.1",  "255.255.255.255", "100.100.100.200", "168.63.129.16"};
const char* const kDenied6[] = {
    "::",         "::1",        "::2",           "100::1",      "2001:2::1",        "2001:2:0:ffff::", "2001:10::1",
    "2001:1f::1", "2001:20::1", "2001:2f::1",    "2001:db8::1", "3fff::1",          "3fff:fff::1",     "5f00::1",
    "fc00::1",    "fdff::1",    "fd00:ec2::254", "fe80::1",     "febf::1",          "fec0::1",         "feff::1",
    "ff02::1",    "4000::1",    "1fff::1",       "8000::1",     "64:ff9b::808:808", "64:ff9b:1::1",    "0:0:0:1::1"};
const char* const kPublic[] = {
    "1.1.1.1",         "8.8.8.8",    "9.255.255.255",   "11.0.0.0",     "100.63.255.255",  "100.128.0.0",
    "126.255.255.255", "128.0.0.1",  "169.253.255.255", "169.255.0.0",  "172.15.255.255",  "172.32.0.0",
    "192.0.1.0",       "192.0.3.0",  "192.88.98.1",     "192.88.100.1", "192.167.255.255", "192.169.0.0",
    "198.17.255.255",  "198.20.0.0", "198.51.99.1",     "203.0.112.1",  "203.0.114.1",     "223.255.255.255"};
const char* const kPublic6[] = {
    "2606:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001::1", "2001:1::1", "2001:30::1",
    "2001:db9::1",     "3fff:1000::1",         "3ffe::1",           "2000::1",   "2003::1"};

TEST(AddressPolicyTest, TheWholeDenyListAndItsNeighbours) {
  const AddressPolicy none = policy("");
  for (const char* text : kDenied) EXPECT_FALSE(none.judge(address(text)).allowed) << text;
  for (const char* text : kDenied6) EXPECT_FALSE(none.judge(address(text)).allowed) << text;
  for (const char* text : kPublic) EXPECT_TRUE(none.judge(address(text)).allowed) << text;
  for (const char* text : kPublic6) EXPECT_TRUE(none.judge(address(text)).allowed) << text;
}

TEST(AddressPolicyTest, Reaches) {
  const std::pair<const char*, Reach> cases[] = {{"8.8.8.8", Reach::kPublic},
                                                 {"192.168.1.1", Reach::kPrivate},
                                                 {"100.64.1.1", Reach::kPrivate},
                                                 {"fd12::1", Reach::kPrivate},
                                                 {"127.0.0.53", Reach::kLoopback},
                                                 {"::1", Reach::kLoopback},
                                                 {"169.254.1.1", Reach::kLinkLocal},
                                                 {"fe80::1", Reach::kLinkLocal},
                                                 {"169.254.169.254", Reach::kMetadata},
                                                 {"100.100.100.200", Reach::kMetadata},
                                                 {"fd00:ec2::254", Reach::kMetadata},
                                                 {"0.0.0.0", Reach::kSpecial},
                                                 {"::", Reach::kSpecial},
                                                 {"::ffff:10.0.0.1", Reach::kPrivate},
                                                 {"::ffff:8.8.8.8", Reach::kPublic},
                                                 {"2002:a00:1::", Reach::kPrivate},
                                                 {"2002:808:808::1", Reach::kPublic},
                                                 {"::10.0.0.1", Reach::kPrivate}};
  for (const auto& [text, reach] : cases) EXPECT_EQ(classify(address(text)), reach) << text;
}

std::string spell(const char* format, std::uint32_t a, std::uint32_t b = 0, std::uint32_t c = 0, std::uint32_t d = 0) {
  char text[80];
  std::snprintf(text, sizeof text, format, a, b, c, d);  // NOLINT: the formats are the literals below
  return text;
}

// Every way to write or to wrap an IPv4 address that we know of.
std::vector<std::string> spellings(std::uint32_t ip) {
  const std::uint32_t a = ip >> 24, b = ip >> 16 & 255, c = ip >> 8 & 255, d = ip & 255, high = ip >> 16,
                      low = ip & 0xffff;
  return {spell("%u.%u.%u.%u", a, b, c, d),
          spell("%u.%u.%u.%u.", a, b, c, d),
          spell("%u", ip),
          spell("0x%x", ip),
          spell("0X%08X", ip),
          spell("0%o", ip),
          spell("%u.%u", a, ip & 0xffffff),
          spell("%u.%u.%u", a, b, low),
          spell("0x%x.0x%x.0x%x.0x%x", a, b, c, d),
          spell("0%o.0%o.0%o.0%o", a, b, c, d),
          spell("0%o.%u.0x%x.%u", a, b, c, d),
          spell("0x%x.%u", a, ip & 0xffffff),
          spell("::ffff:%u.%u.%u.%u", a, b, c, d),
          spell("::ffff:%x:%x", high, low),
          spell("0:0:0:0:0:ffff:%x:%x", high, low),
          spell("::FFFF:%X:%X", high, low)};
}
std::vector<std::string> wrappings(std::uint32_t ip) {
  const std::uint32_t a = ip >> 24, b = ip >> 16 & 255, c = ip >> 8 & 255, d = ip & 255, high = ip >> 16,
                      low = ip & 0xffff;
  return {spell("::%u.%u.%u.%u", a, b, c, d),
          spell("::ffff:0:%u.%u.%u.%u", a, b, c, d),
          spell("64:ff9b::%u.%u.%u.%u", a, b, c, d),
          spell("64:ff9b:1::%x:%x", high, low),
          spell("64:ff9b:1:%x:%x:%x::", high, low >> 8, (low & 255) << 8),
          spell("2002:%x:%x::1", high, low),
          spell("2002:%x:%x:1:2:3:4:5", high, low),
          spell("2001:0:%x:%x:0:1:f7f7:f7f7", high, low),
          spell("2001:0:808:808:0:1:%x:%x", high ^ 0xffff, low ^ 0xffff),
          spell("2a00:1450::5efe:%u.%u.%u.%u", a, b, c, d),
          spell("2a00:1450::200:5efe:%u.%u.%u.%u", a, b, c, d),
          spell("2a00:1450:1:2:300:5efe:%x:%x", high, low),
          spell("fe80::5efe:%u.%u.%u.%u", a, b, c, d)};
}

std::uint32_t value_of(const Address& v4) {
  return std::uint32_t{v4.bytes[0]} << 24 | std::uint32_t{v4.bytes[1]} << 16 | std::uint32_t{v4.bytes[2]} << 8 |
         v4.bytes[3];
}

TEST(AddressPolicyTest, EverySpellingIsTheSameAddress) {
  const AddressPolicy none = policy("");
  std::mt19937 random(53);
  for (int i = 0; i < 3000; ++i) {
    const auto ip = static_cast<std::uint32_t>(random());
    const Reach reach = classify(Address::from_v4(ip));
    for (const std::string& text : spellings(ip)) {
      const auto parsed = Address::parse_any_spelling(text);
      ASSERT_TRUE(parsed) << text;
      ASSERT_EQ(classify(*parsed), reach) << text;
      ASSERT_EQ(none.judge(*parsed).allowed, reach == Reach::kPublic) << text;
    }
  }
}

TEST(AddressPolicyTest, ADeniedInsideDeniesEveryOutside) {
  const AddressPolicy none = policy("");
  std::mt19937 random(54);
  std::size_t tried = 0;
  for (const char* text : kDenied) {
    for (int i = 0; i < 40; ++i) {
      // Some address of the same /30, so that no list of exact values passes.
      const std::uint32_t ip = value_of(address(text)) ^ (i == 0 ? 0 : random() & 3);
      const Address plain = Address::from_v4(ip);
      if (none.judge(plain).allowed) continue;  // 168.63.129.17 is an ordinary address
      for (const auto& list : {spellings(ip), wrappings(ip)}) {
        for (const std::string& spelled : list) {
          const auto parsed = Address::parse_any_spelling(spelled);
          ASSERT_TRUE(parsed) << spelled;
          ASSERT_FALSE(none.judge(*parsed).allowed) << spelled << " of " << plain.host();
          ++tried;
        }
      }
    }
  }
  EXPECT_GT(tried, 20'000U);
}

TEST(AddressPolicyTest, APublicInsideKeepsPublicOutsidesPublic) {
  const AddressPolicy none = policy("");
  for (const char* text : kPublic) {
    const std::uint32_t ip = value_of(address(text)), high = ip >> 16, low = ip & 0xffff;
    EXPECT_TRUE(none.judge(address(spell("2002:%x:%x::1", high, low))).allowed) << text;
    EXPECT_TRUE(none.judge(address(spell("2a00:1450::5efe:%x:%x", high, low))).allowed) << text;
    EXPECT_TRUE(none.judge(address(spell("2001:0:%x:%x:0:1:f7f7:f7f7", high, low))).allowed) << text;
    EXPECT_FALSE(none.judge(address(spell("64:ff9b::%x:%x", high, low))).allowed) << text;
    EXPECT_FALSE(none.judge(address(spell("::%x:%x", high, low))).allowed) << text;
  }
}

TEST(AddressPolicyTest, Nat64OpensByItsNetworkButNotForAPrivateInside) {
  const AddressPolicy nat64 = policy("64:ff9b::/96");
  EXPECT_TRUE(nat64.judge(address("64:ff9b::8.8.8.8")).allowed);
  EXPECT_FALSE(nat64.judge(address("64:ff9b::10.0.0.1")).allowed);
  EXPECT_FALSE(nat64.judge(address("64:ff9b::169.254.169.254")).allowed);
}

TEST(AddressPolicyTest, WordsAndNetworksOpenWhatTheySay) {
  const AddressPolicy lan = policy("private");
  for (const char* text : {"10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(lan.judge(address(text)).allowed) << text;
  }
  for (const char* text :
       {"127.0.0.1", "::1", "169.254.1.1", "fe80::1", "100.100.100.200", "fd00:ec2::254", "0.0.0.0", "198.18.0.1"}) {
    EXPECT_FALSE(lan.judge(address(text)).allowed) << text;
  }
  const AddressPolicy local = policy("loopback");
  EXPECT_TRUE(local.judge(address("127.5.0.1")).allowed);
  EXPECT_TRUE(local.judge(address("::1")).allowed);
  EXPECT_FALSE(local.judge(address("0.0.0.0")).allowed);
  EXPECT_FALSE(local.judge(address("::")).allowed);
  const AddressPolicy both = policy("192.168.1.0/24, 169.254.0.0/16\n loopback");
  EXPECT_TRUE(both.judge(address("192.168.1.7")).allowed);
  EXPECT_FALSE(both.judge(address("192.168.2.7")).allowed);
  EXPECT_TRUE(both.judge(address("169.254.169.254")).allowed);
  EXPECT_TRUE(both.judge(address("127.0.0.1")).allowed);
}

TEST(AddressPolicyTest, APublicRedirectOpensNothing) {
  const AddressPolicy open = policy("private loopback 169.254.0.0/16");
  for (const char* text : {"10.0.0.1", "127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(open.judge(address(text)).allowed) << text;
    EXPECT_FALSE(open.judge(address(text), true).allowed) << text;
  }
  EXPECT_TRUE(open.judge(address("8.8.8.8"), true).allowed);
}

TEST(AddressPolicyTest, OwnAndProtectedAddressesAreDenied) {
  AddressPolicy own(allow(""), {address("8.8.4.4"), address("2606:4700::1111")});
  EXPECT_FALSE(own.judge(address("8.8.4.4").with_port(443)).allowed);
  EXPECT_EQ(own.judge(address("8.8.4.4")).reach, Reach::kOwn);
  EXPECT_FALSE(own.judge(address("2606:4700::1111")).allowed);
  EXPECT_FALSE(own.judge(address("::ffff:8.8.4.4")).allowed);
  EXPECT_FALSE(own.judge(address("2002:808:404::1")).allowed);
  EXPECT_TRUE(own.judge(address("8.8.4.5")).allowed);
  own.protect({address("8.8.4.5").with_port(5432)});
  EXPECT_FALSE(own.judge(address("8.8.4.5").with_port(80)).allowed);
  const AddressPolicy opened(allow("8.8.4.4"), {address("8.8.4.4")});
  EXPECT_TRUE(opened.judge(address("8.8.4.4")).allowed);
  EXPECT_FALSE(opened.judge(address("8.8.4.4"), true).allowed);
}

TEST(AddressPolicyTest, ReadsTheMachinesAddresses) {
  AddressPolicy real(allow("127.0.0.0/8"));
  EXPECT_TRUE(real.reread_own_addresses().ok());
  EXPECT_TRUE(real.judge(address("127.0.0.1")).allowed);  // own, and opened
}

// systemd's RestrictAddressFamilies without AF_NETLINK, as a filter in a child: getifaddrs() fails there, the older
// ways do not.
bool forbid_netlink() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(code), code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(AddressPolicyTest, ReadsTheMachinesAddressesWithoutNetlink) {
  const pid_t child = ::fork();
  if (child == 0) {
    ifaddrs* list = nullptr;
    if (!forbid_netlink()) ::_exit(1);
    if (::getifaddrs(&list) == 0) ::_exit(2);
    AddressPolicy policy(allow(""));
    ::_exit(policy.reread_own_addresses().ok() ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(AddressPolicyTest, RefusalsNameTheWayOut) {
  const AddressPolicy none = policy("");
  const auto said = [&](const char* host, const char* text, bool redirect = false, bool show = true) {
    const Address at = address(text);
    return none.refusal(host, at, none.judge(at, redirect), redirect, show);
  };
  EXPECT_EQ(said("intranet.lan", "192.168.1.10"),
            "intranet.lan is 192.168.1.10, a private address; this Everup watches public addresses only. Its operator "
            "can allow it: "
            "EVERUP_ALLOW_TARGETS=private (or 192.168.1.0/24), then restart");
  EXPECT_EQ(said("intranet.lan", "192.168.1.10", false, false),
            "intranet.lan is a private address; this Everup watches public addresses only. Its operator can allow it: "
            "EVERUP_ALLOW_TARGETS=private, then restart");
  EXPECT_EQ(said("127.0.0.1", "127.0.0.1"),
            "127.0.0.1 is a loopback address; this Everup watches public addresses only. Its operator can allow it: "
            "EVERUP_ALLOW_TARGETS=loopback (or 127.0.0.1), then restart");
  EXPECT_EQ(said("m.example", "169.254.169.254"),
            "m.example is 169.254.169.254, a cloud metadata address; this Everup watches public addresses only. Its "
            "operator can allow "
            "it: EVERUP_ALLOW_TARGETS=169.254.169.254, then restart");
  EXPECT_EQ(said("six.example", "2002:a00:1::1"),
            "six.example is 2002:a00:1::1, an address that carries 10.0.0.1, a private address; this Everup watches "
            "public addresses "
            "only. Its operator can allow it: EVERUP_ALLOW_TARGETS=private (or 10.0.0.0/24), then restart");
  EXPECT_EQ(
      said("h.example", "10.0.0.1", true),
      "h.example is 10.0.0.1, a private address; a redirect from a public address may lead to public addresses only");
  EXPECT_NE(said("n.example", "64:ff9b::8.8.8.8").find("EVERUP_ALLOW_TARGETS=64:ff9b::/96, then"), std::string::npos);
}

TEST(AllowListTest, ErrorsNameTheWord) {
  EXPECT_EQ(AllowList::parse("private lan").error().what,
            "EVERUP_ALLOW_TARGETS: \"lan\" is not a network: write it like 10.0.0.0/8, fd00::/8 or 192.0.2.1; allowed "
            "are networks, "
            "addresses and the words private and loopback");
  EXPECT_NE(AllowList::parse("10.0.0.1/8", "EVERUP_X").error().what.find("EVERUP_X: \"10.0.0.1/8\""),
            std::string::npos);
  EXPECT_FALSE(AllowList::parse("Private").ok());
  EXPECT_TRUE(AllowList::parse(" ,\n\t ").ok());
  std::string many;
  for (int i = 0; i <= 1000; ++i) many += "10.0." + std::to_string(i / 256) + '.' + std::to_string(i % 256) + ' ';
  EXPECT_FALSE(AllowList::parse(many).ok());
}

}  // namespace
}  // namespace everup::net
