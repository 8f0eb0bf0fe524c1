// Judges targets given by name while they are saved (SHAPES 6): a monitor that could only ever be refused at run time
// is told to its owner at once, with the words of the policy.
//
// All names of one request are one judgement with one deadline: kAtOnceMax lookups in flight, each name and family
// asked once. A name is refused when it has addresses and every one of them is refused. A name that does not resolve,
// or not in time, is accepted: the policy stands again at every connect, this gate only spares its owner the surprise.
//
// Owned by Api; loop thread only; nothing blocks. Loop, policy and resolver settings outlive it. Destroying it drops
// what is under way without calling back.
// Limits: kPatience for a judgement, kAtOnceMax lookups of one judgement; judgements are bounded by whoever asks
// (Dispatcher::kLatersMax). Known weakness: it says what the name is now; an owner of a zone may change it a second
// later.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/monitor.h"
#include "core/time.h"
#include "net/address_policy.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace everup::api {

class NameGate {
 public:
  static constexpr milliseconds kPatience{2'000};
  static constexpr std::size_t kAtOnceMax = 256;

  struct Name {
    std::string host;
    IpVersion version = IpVersion::kAny;
    auto operator<=>(const Name&) const = default;
  };
  using Refusals = std::map<Name, std::string>;  // what is refused, and why

  NameGate(net::Loop& loop, const net::AddressPolicy& policy, const net::ResolverOptions& options);
  ~NameGate();
  NameGate(const NameGate&) = delete;
  NameGate& operator=(const NameGate&) = delete;

  // `done` is called once, later than this call returns. Address literals and duplicates among `names` are left out.
  void judge(std::vector<Name> names, std::function<void(Refusals&&)> done);

 private:
  struct Judgement {
    std::vector<Name> names;
    std::vector<net::Query> queries;  // as many as were asked
    std::size_t answered = 0;
    Instant deadline;
    Refusals refusals;
    std::function<void(Refusals&&)> done;
  };
  void ask_more(std::uint64_t number);
  void on_answer(std::uint64_t number, std::size_t index, const net::Resolution& resolution);
  void end(std::uint64_t number);

  net::Loop& loop_;
  const net::AddressPolicy& policy_;
  net::Resolver resolver_;
  std::map<std::uint64_t, Judgement> judgements_;
  std::uint64_t next_number_ = 1;
};

}  // namespace everup::api
