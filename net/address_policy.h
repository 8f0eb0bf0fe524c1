// Whom we may connect to: the one choke point against a prober being used as a way into its own network (faults 2.1,
// SHAPES 6).
//
// Judge the numeric address, never the text: at save, after every resolution, and again in the open-socket callback of
// every connect. An IPv6 address that carries an IPv4 one (mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP)
// is denied when the inside is; IPv6 is otherwise public only inside 2000::/3. NAT64 networks with a public inside open
// with EVERUP_ALLOW_TARGETS=64:ff9b::/96. This machine's own addresses and those passed to protect() (database, relays)
// are denied too, even public ones, unless allowed.
//
// Thread: any; a mutex guards the snapshot of own addresses, everything else never changes.
// Known weakness: a NAT64 or 6rd prefix of the operator's own choice inside 2000::/3 cannot be known; deny it at the
// firewall.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "net/address.h"

namespace everup::net {

enum class Reach : std::uint8_t {
  kPublic,
  kPrivate,    // RFC 1918, 100.64/10, fc00::/7: opened by the word `private`
  kLoopback,   // 127/8, ::1: opened by the word `loopback`
  kLinkLocal,  // 169.254/16, fe80::/10: only by CIDR
  kMetadata,   // cloud metadata services, wherever they live: only by CIDR
  kOwn,        // an address of this machine, or a protected one: by CIDR, or by the word that opens its range
  kSpecial,    // everything else that is not the public Internet: only by CIDR
};
std::string_view slug(Reach reach);     // "private"
std::string_view english(Reach reach);  // "a private address"

// What an address is, after unwrapping, without regard to settings and to this machine.
Reach classify(const Address& address);
// The IPv4 addresses that `address` carries inside, at most 4; empty for an ordinary one.
std::vector<Address> embedded(const Address& address);

// What the operator opened. An error names the word and what is allowed.
struct AllowList {
  std::string setting = "EVERUP_ALLOW_TARGETS";  // its name, for refusals
  bool private_ranges = false, loopback = false;
  std::vector<Cidr> networks;  // at most kNetworksMax

  static constexpr std::size_t kNetworksMax = 1000;
  // Words separated by spaces, commas or lines: CIDRs, addresses, `private`, `loopback`.
  static Result<AllowList> parse(std::string_view text, std::string setting = "EVERUP_ALLOW_TARGETS");
  bool opens(const Address& address, Reach reach) const;
};

struct Ruling {
  bool allowed = false;
  Reach reach = Reach::kSpecial;
  Address judged;  // what decided: the address itself, or the one inside it
};

class AddressPolicy {
 public:
  explicit AddressPolicy(AllowList allow);                             // reads the machine's addresses
  AddressPolicy(AllowList allow, std::vector<Address> own_addresses);  // for tests: as if these were the machine's

  // `from_public_redirect`: a public address sent us here; then nothing but the public Internet is open, whatever the
  // settings say.
  Ruling judge(const Address& address, bool from_public_redirect = false) const;

  // "intranet.lan is 192.168.1.10, a private address; this Everup watches public addresses only. Its operator can allow
  // it: …". `show_address` false (open sign-up): the address and the network are left out. Only for a Ruling that is
  // not allowed.
  std::string refusal(std::string_view host, const Address& address, const Ruling& ruling,
                      bool from_public_redirect = false, bool show_address = true) const;

  // Reads the interfaces again (getifaddrs). Call it every 30 s or so: addresses come and go. An error keeps the former
  // snapshot.
  Status reread_own_addresses();
  // Further addresses that no target may have (database, relays); replaces the former list.
  void protect(std::vector<Address> addresses);
  const AllowList& allow() const { return allow_; }

 private:
  Ruling judge_one(const Address& address, bool from_public_redirect) const;
  bool own(const Address& address) const;

  const AllowList allow_;
  mutable std::mutex mutex_;
  std::vector<Address> own_, protected_;  // sorted, port 0; guarded by mutex_
};

}  // namespace everup::net
