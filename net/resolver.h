// Names to addresses: c-ares in the loop, a TTL cache, one deadline per question. Nothing here blocks and no thread is
// made.
//
// A name goes this way: address literal in any spelling → IDNA (A-labels) → localhost and the hosts file → cache →
// c-ares. A and AAAA are asked in parallel; the answer is given when both are in, or `resolution_delay` after the first
// that brought addresses (RFC 8305, section 3). Equal questions in flight are asked once. Names without a dot use the
// system's search list, all others are asked as they stand.
//
// What a failure means (RULES B 11, SHAPES 13). A name error is the target's. Silence, SERVFAIL or REFUSED is the
// target's only when the same servers gave a good answer for something else *after* this question was asked: an answer
// from another lookup, or from the control questions `. NS` and the last name that was answered, which go out when
// trouble begins. Else the servers are our trouble. (This is stricter than "within 30 s": with three looks 10 s apart,
// servers that died a second ago would still make false outages.)
//
// Thread and ownership: one Resolver per Loop, used on its thread only; the loop outlives it. Destroying a Query
// cancels it; destroying the Resolver drops all queries without calling back. Callbacks come on the loop's thread,
// once, never from inside resolve(), and may do anything but destroy the Resolver.
//
// Limits: cache_max names, in_flight_max questions at the servers, waiting_max behind them (more: kUnavailable), 32
// addresses a family, 5 s a question. Known weaknesses: c-ares asks from one port per server for up to 256 questions
// (then a fresh one); no 0x20, no DNSSEC; the control questions may be answered from the cache of a forwarder whose
// uplink is gone.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/monitor.h"
#include "core/result.h"
#include "core/time.h"
#include "net/address.h"
#include "net/loop.h"

namespace everup::net {

enum class LookupFailure : std::uint8_t {
  kNone,
  kNameError,      // NXDOMAIN, NODATA, or not a name at all: the target's (down)
  kServerFailure,  // SERVFAIL, REFUSED or silence for this name while the servers answer others: the target's (down)
  kUnavailable,    // the servers answer nothing, or our own limits are reached: ours (inconclusive)
  kDeadline,       // the caller's deadline came before anything could be said: inconclusive
  kCancelled,      // the resolver shut down (Resolver::shutdown)
};
std::string_view slug(LookupFailure failure);

struct Resolution {
  LookupFailure failure = LookupFailure::kNone;
  std::string detail;           // English, printable; empty when addresses were found
  std::string name;             // what was asked: A-labels, lower case, no trailing dot
  std::vector<Address> v4, v6;  // in the servers' order, port 0; not both empty when failure is kNone
  std::chrono::seconds ttl{0};  // how long this may be kept: 1 … 300 s
  bool cached = false;          // no server was asked: cache, hosts file or literal
  bool ok() const { return failure == LookupFailure::kNone; }
};

struct ResolverOptions {
  std::vector<Address> servers;                  // empty: the system's (/etc/resolv.conf, re-read when it changes)
  std::string hosts_file = "/etc/hosts";         // empty: none
  std::string resolv_conf = "/etc/resolv.conf";  // read by c-ares: servers (port 53) and search list
  std::size_t cache_max = 100'000;               // names × families
  std::size_t in_flight_max = 4'000;
  std::size_t waiting_max = 100'000;
  std::chrono::milliseconds question_max{5'000};  // at most so long for one question, all servers and tries together
  std::chrono::milliseconds resolution_delay{50};
  std::chrono::milliseconds try_timeout{1'000};  // first packet; doubles with each round over the servers
  int tries = 3;
};
// "192.0.2.53 [2001:db8::53]:5353": EVERUP_DNS_SERVERS, separated by spaces, commas or lines; at most 8. Empty text: no
// servers.
Result<std::vector<Address>> parse_dns_servers(std::string_view text);

// "straße.example" → "xn--strae-oqa.example": IDNA 2008 with UTS 46 mapping, lower case, no trailing dot, labels of 1 …
// 63 bytes of letters, digits, hyphen and underscore, at most 253 bytes. The error says what is wrong.
Result<std::string> ascii_name(std::string_view name);

struct ResolverStats {
  std::uint64_t resolved = 0;    // resolve() calls
  std::uint64_t cache_hits = 0;  // of them answered without asking
  std::uint64_t questions = 0;   // put to the servers, control questions not counted
  std::uint64_t controls = 0, controls_good = 0;
  std::uint64_t failures[6] = {};  // by LookupFailure
  std::size_t in_flight = 0, waiting = 0, cached = 0;
};

class ResolverState;
struct PendingQuery;

// A question that waits for its answer. Movable; destroying or cancelling it means that its callback is never called.
class Query {
 public:
  Query() = default;
  explicit Query(std::shared_ptr<PendingQuery> pending);
  Query(Query&&) noexcept = default;
  Query& operator=(Query&& other) noexcept;
  ~Query();
  void cancel();
  bool pending() const;

 private:
  std::shared_ptr<PendingQuery> pending_;
};

class Resolver {
 public:
  using OnResolved = std::function<void(Resolution&&)>;

  explicit Resolver(Loop& loop, ResolverOptions options = {});
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // `deadline` is absolute; the callback comes at most 1 ms of loop time after it.
  [[nodiscard]] Query resolve(std::string_view name, IpVersion version, Instant deadline, OnResolved on_resolved);
  // Ends every query with kCancelled in the next turn; resolve() afterwards too.
  void shutdown();
  void clear_cache();
  ResolverStats stats() const;
  // As it was made with, for whoever asks the same servers something else (net/dns_records).
  const ResolverOptions& options() const;
  // Whom it asks, in order, with their ports; empty: nobody is configured.
  std::vector<Address> servers();

 private:
  std::shared_ptr<ResolverState> state_;
};

}  // namespace everup::net
