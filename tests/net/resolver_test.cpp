#include "net/resolver.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>
#include <set>

#include "net/clock.h"
#include "tests/net/dns_server.h"

namespace everup::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kOk = 0, kServfail = 2, kNxdomain = 3, kRefused = 5;
constexpr int kTypeA = 1, kTypeAaaa = 28;
using Replies = std::vector<std::string>;

// The machine's clock, and on top of it what a test adds: the resolver's timers go by it, so that nobody has to wait.
class ShiftedClock final : public Clock {
 public:
  Now now() const override {
    Now now = frozen ? *frozen : real_.now();
    now.mono = now.mono + shift;
    return now;
  }
  void freeze() { frozen = real_.now(); }
  std::chrono::nanoseconds shift{0};
  std::optional<Now> frozen;

 private:
  SystemClock real_;
};

std::vector<std::string> hosts(const std::vector<Address>& addresses) {
  std::vector<std::string> out;
  for (const Address& address : addresses) out.push_back(address.host());
  return out;
}

class ResolverTest : public testing::Test {
 protected:
  ResolverOptions options_for(const DnsServer& server) {
    ResolverOptions options;
    options.servers = {server.address()};
    options.hosts_file = "";
    options.try_timeout = milliseconds(200);
    return options;
  }
  Instant in(std::chrono::nanoseconds wait) { return clock.now().mono + wait; }

  void pass(std::chrono::nanoseconds time) {
    clock.shift += time;
    loop.run_once(milliseconds(0));
  }

  // Runs the loop until `done`; a bound far beyond any healthy run keeps a broken one from hanging.
  template <class Condition>
  bool run_until(Condition done) {
    const SystemClock real;
    const Instant end = real.now().mono + seconds(60);
    while (!done() && real.now().mono < end) loop.run_once(milliseconds(20));
    return done();
  }
  Resolution resolve(Resolver& resolver, std::string_view name, IpVersion version = IpVersion::kAny,
                     std::chrono::nanoseconds within = seconds(30)) {
    std::optional<Resolution> result;
    const Query query = resolver.resolve(name, version, in(within), [&](Resolution&& got) { result = std::move(got); });
    EXPECT_FALSE(result) << "called from inside resolve()";
    EXPECT_TRUE(run_until([&] { return result.has_value(); })) << name;
    EXPECT_FALSE(query.pending());
    return result.value_or(Resolution{});
  }

  ShiftedClock clock;
  Loop loop{clock};
};

// A server that knows good*.test and answers every other name as told.
DnsServer::Script good_and(std::function<Replies(const DnsQuery&)> others) {
  return [others](const DnsQuery& query) -> Replies {
    if (!query.name.starts_with("good")) return others(query);
    if (query.type == kTypeA) return {reply(query, kOk, {a(query.name, "192.0.2.1")})};
    return {reply(query, kOk, {a(query.name, "2001:db8::1")})};
  };
}
Replies silence(const DnsQuery&) { return {}; }

TEST_F(ResolverTest, BothFamiliesInParallel) {
  DnsServer server(loop, good_and(silence));
  Resolver resolver(loop, options_for(server));
  const Resolution got = resolve(resolver, "Good.TEST.");
  EXPECT_TRUE(got.ok()) << got.detail;
  EXPECT_EQ(got.name, "good.test");
  EXPECT_THAT(hosts(got.v4), ElementsAre("192.0.2.1"));
  EXPECT_THAT(hosts(got.v6), ElementsAre("2001:db8::1"));
  EXPECT_EQ(got.ttl, seconds(60));
  EXPECT_FALSE(got.cached);
  EXPECT_EQ(server.asked("good.test"), 2);
}

TEST_F(ResolverTest, OneFamilyWhenOneIsWanted) {
  DnsServer server(loop, good_and(silence));
  Resolver resolver(loop, options_for(server));
  const Resolution four = resolve(resolver, "good.test", IpVersion::k4);
  EXPECT_THAT(hosts(four.v4), ElementsAre("192.0.2.1"));
  EXPECT_THAT(four.v6, IsEmpty());
  EXPECT_EQ(server.asked("good.test", kTypeAaaa), 0);
  const Resolution six = resolve(resolver, "good.test", IpVersion::k6);
  EXPECT_THAT(six.v4, IsEmpty());
  EXPECT_THAT(hosts(six.v6), ElementsAre("2001:db8::1"));
}

TEST_F(ResolverTest, LiteralsNeedNoServer) {
  DnsServer server(loop, silence);
  Resolver resolver(loop, options_for(server));
  for (const char* text :
       {"127.0.0.1", "2130706433", "0x7f.1", "127.0.0.1.", "0177.0.0.1", "１２７.0.0.1", "127。0。0。1"}) {
    const Resolution got = resolve(resolver, text);
    EXPECT_TRUE(got.ok()) << text << ": " << got.detail;
    EXPECT_THAT(hosts(got.v4), ElementsAre("127.0.0.1")) << text;
  }
  EXPECT_THAT(hosts(resolve(resolver, "2001:DB8::1").v6), ElementsAre("2001:db8::1"));
  const Resolution wrong = resolve(resolver, "2001:db8::1", IpVersion::k4);
  EXPECT_EQ(wrong.failure, LookupFailure::kNameError);
  EXPECT_EQ(wrong.detail, "2001:db8::1 has no IPv4 address");
  EXPECT_TRUE(server.log.empty());
}

TEST_F(ResolverTest, WhatIsNoNameIsANameError) {
  DnsServer server(loop, silence);
  Resolver resolver(loop, options_for(server));
  for (const std::string& text :
       {std::string(), std::string("."), std::string("a..b"), std::string("a b.test"), std::string("1.2.3.4.5"),
        std::string("256.256.256.256"), std::string("x.0x1g1.1"), std::string("\xff\xfe.test"),
        std::string(64, 'a') + ".test", std::string("a\0b.test", 8), std::string(300, 'a'), std::string("fe80::1%lo"),
        std::string("[::1]")}) {
    const Resolution got = resolve(resolver, text);
    EXPECT_EQ(got.failure, LookupFailure::kNameError) << text;
    EXPECT_FALSE(got.detail.empty()) << text;
  }
  EXPECT_TRUE(server.log.empty());
}

TEST_F(ResolverTest, InternationalNames) {
  DnsServer server(loop,
                   [](const DnsQuery& query) -> Replies { return {reply(query, kOk, {a(query.name, "192.0.2.7")})}; });
  Resolver resolver(loop, options_for(server));
  const Resolution got = resolve(resolver, "Straße.test", IpVersion::k4);
  EXPECT_EQ(got.name, "xn--strae-oqa.test");
  EXPECT_EQ(server.asked("xn--strae-oqa.test"), 1);
}

TEST_F(ResolverTest, NxdomainAndNodataAreNameErrors) {
  DnsServer server(loop, [](const DnsQuery& query) -> Replies {
    return {reply(query, query.name.starts_with("none") ? kNxdomain : kOk)};
  });
  Resolver resolver(loop, options_for(server));
  const Resolution none = resolve(resolver, "none.test");
  EXPECT_EQ(none.failure, LookupFailure::kNameError);
  EXPECT_EQ(none.detail, "there is no such name: none.test (NXDOMAIN)");
  const Resolution empty = resolve(resolver, "empty.test");
  EXPECT_EQ(empty.failure, LookupFailure::kNameError);
  EXPECT_EQ(empty.detail, "empty.test has no address (NODATA)");
  EXPECT_EQ(resolver.stats().failures[static_cast<int>(LookupFailure::kNameError)], 2U);
  EXPECT_EQ(resolver.stats().controls, 0U);
}

// The family that answers is enough; the other one gets 50 ms.
TEST_F(ResolverTest, OneDeadFamilyDoesNotHoldTheOther) {
  DnsServer server(loop, [](const DnsQuery& query) -> Replies {
    if (query.type == kTypeAaaa) return {};
    return {reply(query, kOk, {a(query.name, "192.0.2.9")})};
  });
  Resolver resolver(loop, options_for(server));
  const Resolution got = resolve(resolver, "half.test");
  EXPECT_TRUE(got.ok());
  EXPECT_THAT(hosts(got.v4), ElementsAre("192.0.2.9"));
  EXPECT_THAT(got.v6, IsEmpty());
  const Resolution again = resolve(resolver, "half.test");  // half of it from the cache
  EXPECT_TRUE(again.ok());
  EXPECT_EQ(server.asked("half.test", kTypeA), 1);
}

TEST_F(ResolverTest, ServfailIsTheNamesWhenOthersAreAnswered) {
  DnsServer server(loop, good_and([](const DnsQuery& query) -> Replies { return {reply(query, kServfail)}; }));
  Resolver resolver(loop, options_for(server));
  EXPECT_TRUE(resolve(resolver, "good.test").ok());
  const Resolution got = resolve(resolver, "bad.test");
  EXPECT_EQ(got.failure, LookupFailure::kServerFailure) << got.detail;
  EXPECT_EQ(got.detail, "the name servers of bad.test fail (SERVFAIL)");
}

TEST_F(ResolverTest, ServfailForEverythingIsOurTrouble) {
  DnsServer server(loop, [](const DnsQuery& query) -> Replies { return {reply(query, kServfail)}; });
  Resolver resolver(loop, options_for(server));
  const Resolution got = resolve(resolver, "bad.test");
  EXPECT_EQ(got.failure, LookupFailure::kUnavailable);
  EXPECT_THAT(got.detail, HasSubstr("our DNS servers do not work (SERVFAIL for bad.test"));
  EXPECT_EQ(resolver.stats().controls, 1U);
}

// The uplink dies behind a forwarder: it answered a moment ago, now it fails for all names. None of them may be called
// down.
TEST_F(ResolverTest, AForwarderThatLostItsUplinkMakesNobodyDown) {
  bool uplink = true;
  DnsServer server(loop, [&](const DnsQuery& query) -> Replies {
    if (!uplink) return {reply(query, kServfail)};
    return {reply(query, kOk, {a(query.name, query.type == kTypeA ? "192.0.2.1" : "2001:db8::1")})};
  });
  Resolver resolver(loop, options_for(server));
  for (const char* name : {"a.test", "b.test", "c.test"}) EXPECT_TRUE(resolve(resolver, name).ok());
  uplink = false;
  for (const char* name : {"d.test", "e.test", "f.test"})
    EXPECT_EQ(resolve(resolver, name).failure, LookupFailure::kUnavailable) << name;
}

TEST_F(ResolverTest, RefusedIsJudgedLikeServfail) {
  DnsServer server(loop, good_and([](const DnsQuery& query) -> Replies {
                     return {query.name == "." ? reply(query, kOk) : reply(query, kRefused)};
                   }));
  Resolver resolver(loop, options_for(server));
  const Resolution got = resolve(resolver, "refused.test");  // nothing was ever answered: the control question decides
  EXPECT_EQ(got.failure, LookupFailure::kServerFailure);
  EXPECT_THAT(got.detail, HasSubstr("REFUSED"));
}

TEST_F(ResolverTest, SilenceForOneNameIsTheNames) {
  DnsServer server(loop, good_and(silence));
  Resolver resolver(loop, options_for(server));
  EXPECT_TRUE(resolve(resolver, "good.test").ok());
  const Resolution got = resolve(resolver, "hang.test");
  EXPECT_EQ(got.failure, LookupFailure::kServerFailure) << got.detail;
  EXPECT_GE(server.asked("hang.test"), 2);  // it was asked more than once
}

TEST_F(ResolverTest, SilenceForEverythingIsOurTrouble) {
  DnsServer server(loop, silence);
  Resolver resolver(loop, options_for(server));
  const Resolution got = resolve(resolver, "hang.test");
  EXPECT_EQ(got.failure, LookupFailure::kUnavailable) << got.detail;
}

// Servers that die just after they answered: the answer of a second ago is no evidence for a question asked now.
TEST_F(ResolverTest, ServersThatDiedASecondAgoAreOurTrouble) {
  bool alive = true;
  DnsServer server(loop, [&](const DnsQuery& query) -> Replies {
    if (!alive) return {};
    return {reply(query, kOk, {a(query.name, query.type == kTypeA ? "192.0.2.1" : "2001:db8::1")})};
  });
  Resolver resolver(loop, options_for(server));
  EXPECT_TRUE(resolve(resolver, "good.test").ok());
  alive = false;
  EXPECT_EQ(resolve(resolver, "other.test").failure, LookupFailure::kUnavailable);
}

TEST_F(ResolverTest, NobodyAtTheServersAddressIsOurTrouble) {
  Address gone;
  { gone = DnsServer(loop, silence).address(); }
  ResolverOptions options;
  options.servers = {gone};
  options.hosts_file = "";
  Resolver resolver(loop, options);
  const Resolution got = resolve(resolver, "any.test");
  EXPECT_EQ(got.failure, LookupFailure::kUnavailable);
  EXPECT_THAT(got.detail, HasSubstr("nobody answers at the servers' addresses"));
}

TEST_F(ResolverTest, ASecondServerHelpsOut) {
  DnsServer dead(loop, silence), alive(loop, good_and(silence));
  ResolverOptions options = options_for(dead);
  options.servers.push_back(alive.address());
  Resolver resolver(loop, options);
  EXPECT_THAT(hosts(resolve(resolver, "good.test", IpVersion::k4).v4), ElementsAre("192.0.2.1"));
}

TEST_F(ResolverTest, ADeadlineIsKeptWhateverTheServersDo) {
  clock.freeze();
  loop.run_once(milliseconds(0));
  DnsServer server(loop, silence);
  Resolver resolver(loop, options_for(server));
  std::optional<Resolution> got;
  const Query query = resolver.resolve("hang.test", IpVersion::kAny, in(milliseconds(30)),
                                       [&](Resolution&& told) { got = std::move(told); });
  pass(milliseconds(30) - std::chrono::nanoseconds(1));
  EXPECT_FALSE(got);
  pass(std::chrono::nanoseconds(1));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->failure, LookupFailure::kDeadline);
  EXPECT_EQ(got->detail, "no answer about hang.test before the deadline");
  EXPECT_EQ(resolve(resolver, "hang2.test", IpVersion::kAny, seconds(-1)).failure, LookupFailure::kDeadline);
}

// 200 ms are too short for tries and ticks, yet the servers are asked about another name in time: this silence is the
// name's.
TEST_F(ResolverTest, AShortDeadlineStillFindsOutWhoseFaultItIs) {
  clock.freeze();
  loop.run_once(milliseconds(0));
  DnsServer server(loop, [](const DnsQuery& query) -> Replies {
    if (query.name == ".") return {reply(query, kOk)};
    return {};
  });
  Resolver resolver(loop, options_for(server));
  std::optional<Resolution> got;
  const Query query = resolver.resolve("hang.test", IpVersion::k4, in(milliseconds(200)),
                                       [&](Resolution&& told) { got = std::move(told); });
  pass(milliseconds(100));
  EXPECT_TRUE(run_until([&] { return server.asked(".") == 1; }));
  EXPECT_TRUE(run_until([&] { return resolver.stats().controls_good == 1; }));
  EXPECT_FALSE(got);
  pass(milliseconds(100));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->failure, LookupFailure::kServerFailure) << got->detail;
}

// However long the caller would wait, and whatever c-ares does: one question ends after question_max.
TEST_F(ResolverTest, AQuestionEndsAfterItsOwnMaximum) {
  clock.freeze();
  loop.run_once(milliseconds(0));
  DnsServer server(loop, silence);
  ResolverOptions options = options_for(server);
  options.try_timeout = seconds(50);
  Resolver resolver(loop, options);
  std::optional<Resolution> got;
  const Query query =
      resolver.resolve("hang.test", IpVersion::k4, in(seconds(60)), [&](Resolution&& told) { got = std::move(told); });
  for (int i = 0; i < 49; ++i) pass(milliseconds(100));
  EXPECT_FALSE(got);
  pass(milliseconds(100));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->failure, LookupFailure::kUnavailable);
  EXPECT_EQ(resolver.stats().in_flight, 0U);
}

TEST_F(ResolverTest, AShortDeadlineWithLivingServersIsTheNames) {
  DnsServer server(loop, good_and(silence));
  Resolver resolver(loop, options_for(server));
  std::optional<Resolution> bad;
  bool ended = false;
  const Query query = resolver.resolve("hang.test", IpVersion::k4, in(seconds(20)), [&](Resolution&& got) {
    bad = std::move(got);
    ended = true;
  });
  EXPECT_TRUE(resolve(resolver, "good.test").ok());  // asked and answered while the other one waits
  pass(seconds(21));
  EXPECT_TRUE(run_until([&] { return ended; }));
  EXPECT_EQ(bad->failure, LookupFailure::kServerFailure) << bad->detail;
}

TEST_F(ResolverTest, CacheKeepsWhatTheTtlAllows) {
  std::uint32_t ttl = 100'000;
  DnsServer server(
      loop, [&](const DnsQuery& query) -> Replies { return {reply(query, kOk, {a(query.name, "192.0.2.1", ttl)})}; });
  Resolver resolver(loop, options_for(server));
  EXPECT_EQ(resolve(resolver, "long.test", IpVersion::k4).ttl, seconds(300));
  pass(seconds(290));
  const Resolution cached = resolve(resolver, "long.test", IpVersion::k4);
  EXPECT_TRUE(cached.cached);
  EXPECT_LE(cached.ttl, seconds(10));
  EXPECT_THAT(hosts(cached.v4), ElementsAre("192.0.2.1"));
  EXPECT_EQ(server.asked("long.test"), 1);
  EXPECT_EQ(resolver.stats().cache_hits, 1U);
  pass(seconds(11));
  EXPECT_FALSE(resolve(resolver, "long.test", IpVersion::k4).cached);
  ttl = 0;
  EXPECT_EQ(resolve(resolver, "zero.test", IpVersion::k4).ttl, seconds(1));
  pass(seconds(2));
  EXPECT_FALSE(resolve(resolver, "zero.test", IpVersion::k4).cached);
  resolver.clear_cache();
  EXPECT_EQ(resolver.stats().cached, 0U);
}

TEST_F(ResolverTest, NegativeAnswersAreKeptFiveSecondsFailuresNotAtAll) {
  DnsServer server(loop, good_and([](const DnsQuery& query) -> Replies {
                     return {reply(query, query.name == "none.test" ? kNxdomain : kServfail)};
                   }));
  Resolver resolver(loop, options_for(server));
  EXPECT_EQ(resolve(resolver, "none.test", IpVersion::k4).ttl, seconds(5));
  pass(seconds(4));
  EXPECT_TRUE(resolve(resolver, "none.test", IpVersion::k4).cached);
  pass(seconds(2));
  EXPECT_FALSE(resolve(resolver, "none.test", IpVersion::k4).cached);
  resolve(resolver, "bad.test", IpVersion::k4);
  EXPECT_FALSE(resolve(resolver, "bad.test", IpVersion::k4).cached);
}

TEST_F(ResolverTest, TheCacheHasALimit) {
  DnsServer server(loop, good_and(silence));
  ResolverOptions options = options_for(server);
  options.cache_max = 3;
  Resolver resolver(loop, options);
  for (const char* name : {"good1.test", "good2.test", "good3.test"}) resolve(resolver, name, IpVersion::k4);
  EXPECT_TRUE(resolve(resolver, "good1.test", IpVersion::k4).cached);
  resolve(resolver, "good4.test", IpVersion::k4);  // pushes out good2, the least recently used
  EXPECT_EQ(resolver.stats().cached, 3U);
  EXPECT_TRUE(resolve(resolver, "good1.test", IpVersion::k4).cached);
  EXPECT_FALSE(resolve(resolver, "good2.test", IpVersion::k4).cached);
}

TEST_F(ResolverTest, EqualQuestionsAreAskedOnce) {
  DnsServer server(loop, good_and(silence));
  Resolver resolver(loop, options_for(server));
  int answers = 0;
  std::vector<Query> queries;
  for (int i = 0; i < 50; ++i) {
    queries.push_back(
        resolver.resolve("good.test", IpVersion::k4, in(seconds(30)), [&](Resolution&& got) { answers += got.ok(); }));
  }
  EXPECT_TRUE(run_until([&] { return answers == 50; }));
  EXPECT_EQ(server.asked("good.test"), 1);
}

TEST_F(ResolverTest, ManyNamesQueueBehindTheLimit) {
  DnsServer server(loop, good_and(silence));
  ResolverOptions options = options_for(server);
  options.in_flight_max = 7;
  Resolver resolver(loop, options);
  int answers = 0;
  std::size_t most = 0;
  std::vector<Query> queries;
  for (int i = 0; i < 1000; ++i) {
    queries.push_back(
        resolver.resolve("good" + std::to_string(i) + ".test", IpVersion::kAny, in(seconds(60)), [&](Resolution&& got) {
          answers += got.ok();
          most = std::max(most, resolver.stats().in_flight);
        }));
  }
  EXPECT_GT(resolver.stats().waiting, 0U);
  EXPECT_TRUE(run_until([&] { return answers == 1000; }));
  EXPECT_LE(most, 7U);
  EXPECT_EQ(resolver.stats().waiting, 0U);
  std::set<std::uint16_t> ports(server.ports.begin(), server.ports.end());
  EXPECT_GE(ports.size(), 4U);  // 2 000 questions, a fresh port after 256
}

TEST_F(ResolverTest, AFullQueueIsOurTrouble) {
  DnsServer server(loop, silence);
  ResolverOptions options = options_for(server);
  options.in_flight_max = 1;
  options.waiting_max = 1;
  Resolver resolver(loop, options);
  std::vector<LookupFailure> failures;
  std::vector<Query> queries;
  for (const char* name : {"a.test", "b.test", "c.test"}) {
    queries.push_back(resolver.resolve(name, IpVersion::k4, in(seconds(30)),
                                       [&](Resolution&& got) { failures.push_back(got.failure); }));
  }
  EXPECT_TRUE(run_until([&] { return !failures.empty(); }));
  EXPECT_THAT(failures, ElementsAre(LookupFailure::kUnavailable));
}

TEST_F(ResolverTest, ACancelledQueryIsNeverTold) {
  DnsServer server(loop, good_and(silence));
  Resolver resolver(loop, options_for(server));
  int told = 0;
  Query cancelled = resolver.resolve("good1.test", IpVersion::kAny, in(seconds(30)), [&](Resolution&&) { ++told; });
  EXPECT_TRUE(cancelled.pending());
  cancelled.cancel();
  EXPECT_FALSE(cancelled.pending());
  {
    const Query dropped =
        resolver.resolve("good2.test", IpVersion::kAny, in(seconds(30)), [&](Resolution&&) { ++told; });
  }
  Query replaced = resolver.resolve("127.0.0.1", IpVersion::kAny, in(seconds(30)), [&](Resolution&&) { ++told; });
  replaced = Query();
  EXPECT_TRUE(resolve(resolver, "good3.test").ok());
  EXPECT_EQ(told, 0);
  EXPECT_EQ(loop.timers(), 1U);  // the channel's tick and nothing else
}

TEST_F(ResolverTest, CallbacksMayAskAndCancel) {
  DnsServer server(loop, good_and(silence));
  Resolver resolver(loop, options_for(server));
  std::string said;
  Query first, second, third;
  second = resolver.resolve("good.test", IpVersion::k4, in(seconds(30)), [&](Resolution&&) {
    said += '2';
    third.cancel();
    first = resolver.resolve("good.test", IpVersion::k4, in(seconds(30)),
                             [&](Resolution&& got) { said += got.cached ? 'c' : 'n'; });
  });
  third = resolver.resolve("good.test", IpVersion::k4, in(seconds(30)), [&](Resolution&&) { said += '3'; });
  EXPECT_TRUE(run_until([&] { return said.size() >= 2; }));
  EXPECT_EQ(said, "2c");
}

TEST_F(ResolverTest, DestroyingTheResolverDropsItsQueries) {
  DnsServer server(loop, silence);
  auto resolver = std::make_unique<Resolver>(loop, options_for(server));
  int told = 0;
  Query waiting = resolver->resolve("a.test", IpVersion::kAny, in(seconds(30)), [&](Resolution&&) { ++told; });
  Query ready = resolver->resolve("127.0.0.1", IpVersion::kAny, in(seconds(30)), [&](Resolution&&) { ++told; });
  loop.run_once(milliseconds(0));
  EXPECT_EQ(told, 1);
  resolver.reset();
  EXPECT_FALSE(waiting.pending());
  EXPECT_EQ(loop.timers(), 0U);
  loop.run_once(milliseconds(0));
  EXPECT_EQ(told, 1);
}

TEST_F(ResolverTest, ShutdownCancelsWithAWord) {
  DnsServer server(loop, silence);
  Resolver resolver(loop, options_for(server));
  std::vector<LookupFailure> failures;
  const auto note = [&](Resolution&& got) { failures.push_back(got.failure); };
  const Query one = resolver.resolve("a.test", IpVersion::kAny, in(seconds(30)), note);
  resolver.shutdown();
  const Query two = resolver.resolve("b.test", IpVersion::kAny, in(seconds(30)), note);
  EXPECT_TRUE(failures.empty());
  loop.run_once(milliseconds(0));
  EXPECT_THAT(failures, ElementsAre(LookupFailure::kCancelled, LookupFailure::kCancelled));
}

TEST_F(ResolverTest, TruncatedAnswersComeByTcp) {
  DnsServer server(loop, [](const DnsQuery& query) -> Replies {
    if (!query.tcp) return {reply(query, kOk, {}, true)};
    std::vector<DnsRecord> many;
    for (int i = 1; i <= 100; ++i) many.push_back(a(query.name, "192.0.2." + std::to_string(i)));
    return {reply(query, kOk, many)};
  });
  Resolver resolver(loop, options_for(server));
  const Resolution got = resolve(resolver, "big.test", IpVersion::k4);
  EXPECT_TRUE(got.ok()) << got.detail;
  EXPECT_EQ(got.v4.size(), 32U);
  EXPECT_EQ(got.v4.front().host(), "192.0.2.1");
}

TEST_F(ResolverTest, ForgedAnswersAreIgnored) {
  DnsServer server(loop, [](const DnsQuery& query) -> Replies {
    std::string wrong_id = reply(query, kOk, {a(query.name, "203.0.113.66")});
    wrong_id[0] = static_cast<char>(wrong_id[0] ^ 1);
    DnsQuery other = query;
    other.raw.replace(12, other.raw.size() - 12, wire_name("evil.test") + be16(kTypeA) + be16(1));
    const std::string wrong_question = reply(other, kOk, {a("evil.test", "203.0.113.66")});
    return {wrong_id, wrong_question, "x", std::string(12, '\0'), reply(query, kOk, {a(query.name, "192.0.2.1")})};
  });
  Resolver resolver(loop, options_for(server));
  EXPECT_THAT(hosts(resolve(resolver, "victim.test", IpVersion::k4).v4), ElementsAre("192.0.2.1"));
}

TEST_F(ResolverTest, AliasesAreFollowedAndTheirTtlCounts) {
  DnsServer server(loop, [](const DnsQuery& query) -> Replies {
    if (query.name == "loop.test")
      return {reply(query, kOk, {cname("loop.test", "pool.test"), cname("pool.test", "loop.test")})};
    return {reply(query, kOk, {cname(query.name, "real.test", 7), a("real.test", "192.0.2.5", 90)})};
  });
  Resolver resolver(loop, options_for(server));
  const Resolution got = resolve(resolver, "alias.test", IpVersion::k4);
  EXPECT_THAT(hosts(got.v4), ElementsAre("192.0.2.5"));
  EXPECT_EQ(got.ttl, seconds(7));
  const Resolution round = resolve(resolver, "loop.test", IpVersion::k4);
  EXPECT_EQ(round.failure, LookupFailure::kNameError) << round.detail;
}

TEST_F(ResolverTest, HostsFileAndLocalhostComeFirst) {
  DnsServer server(loop, good_and(silence));
  const std::string path = testing::TempDir() + "everup_hosts_" + std::to_string(::getpid());
  std::ofstream(path)
      << "# a comment\n192.0.2.44 Box.test box # more\n2001:db8::44\tbox.test.\nfe80::1%eth0 zone.test\nnonsense\n";
  ResolverOptions options = options_for(server);
  options.hosts_file = path;
  Resolver resolver(loop, options);
  const Resolution got = resolve(resolver, "box.test");
  EXPECT_THAT(hosts(got.v4), ElementsAre("192.0.2.44"));
  EXPECT_THAT(hosts(got.v6), ElementsAre("2001:db8::44"));
  EXPECT_TRUE(got.cached);
  EXPECT_THAT(hosts(resolve(resolver, "box").v4), ElementsAre("192.0.2.44"));
  EXPECT_THAT(hosts(resolve(resolver, "a.localhost").v6), ElementsAre("::1"));
  EXPECT_TRUE(server.log.empty());
  std::ofstream(path) << "192.0.2.45 box.test newer\n";
  pass(seconds(2));
  EXPECT_THAT(hosts(resolve(resolver, "box.test", IpVersion::k4).v4), ElementsAre("192.0.2.45"));
  std::remove(path.c_str());
  pass(seconds(2));
  EXPECT_EQ(resolve(resolver, "good.test", IpVersion::k4).v4.size(), 1U);
}

TEST_F(ResolverTest, OnlySingleLabelsUseTheSearchList) {
  DnsServer server(loop, [](const DnsQuery& query) -> Replies {
    if (query.name == "intranet.corp.test") return {reply(query, kOk, {a(query.name, "192.0.2.8")})};
    return {reply(query, kNxdomain)};
  });
  const std::string path = testing::TempDir() + "everup_resolv_" + std::to_string(::getpid());
  std::ofstream(path) << "search corp.test\nnameserver 192.0.2.53\n";
  ResolverOptions options = options_for(server);
  options.resolv_conf = path;
  Resolver resolver(loop, options);
  EXPECT_THAT(hosts(resolve(resolver, "intranet", IpVersion::k4).v4), ElementsAre("192.0.2.8"));
  EXPECT_EQ(resolve(resolver, "a.intranet", IpVersion::k4).failure, LookupFailure::kNameError);
  EXPECT_EQ(server.asked("a.intranet.corp.test"), 0);
  std::remove(path.c_str());
}

// No descriptor left: that is our trouble, although the servers answered a moment ago and would answer now.
TEST_F(ResolverTest, NoDescriptorIsOurTrouble) {
  DnsServer server(loop,
                   [](const DnsQuery& query) -> Replies { return {reply(query, kOk, {a(query.name, "192.0.2.1")})}; });
  Resolver resolver(loop, options_for(server));
  // Once with descriptors: c-ares closes its socket again, and UBSan, which needs descriptors of its own, has seen the
  // types it checks.
  EXPECT_TRUE(resolve(resolver, "warm.test", IpVersion::k4).ok());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const Fd lowest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(lowest.value());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Resolution got = resolve(resolver, "a.test", IpVersion::k4);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(got.failure, LookupFailure::kUnavailable);
  EXPECT_EQ(got.detail, "cannot ask about a.test: Too many open files");
  EXPECT_TRUE(resolve(resolver, "b.test", IpVersion::k4).ok());
}

// dnsmasq as a child on a free port, for an answer that no test wrote.
class Dnsmasq {
 public:
  explicit Dnsmasq(std::uint16_t port) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);
    const std::string port_flag = "--port=" + std::to_string(port);
    ::execl("/usr/sbin/dnsmasq", "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--no-resolv",
            "--no-hosts", "--user=", "--listen-address=127.0.0.1", "--bind-interfaces", port_flag.c_str(),
            "--local-ttl=42", "--local=/test/", "--host-record=real.test,192.0.2.10,2001:db8::10",
            "--cname=alias.test,real.test", nullptr);
    ::_exit(127);
  }
  ~Dnsmasq() {
    if (ended()) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  // True when it gave up, e.g. because another suite took its port.
  bool ended() {
    if (!ended_) ended_ = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
    return ended_;
  }
  Dnsmasq(const Dnsmasq&) = delete;
  Dnsmasq& operator=(const Dnsmasq&) = delete;

 private:
  pid_t pid_;
  bool ended_ = false;
};

TEST_F(ResolverTest, ARealServer) {
  ResolverOptions options;
  options.hosts_file = "";
  std::optional<Dnsmasq> server;
  std::optional<Resolver> resolver;
  Resolution got;
  for (int attempt = 0; attempt < 20; ++attempt) {
    { options.servers = {DnsServer(loop, silence).address()}; }  // a port that was free a moment ago
    server.emplace(options.servers[0].port);
    resolver.emplace(loop, options);
    // Until it listens the resolver says "unavailable" at once; no sleep is needed.
    ASSERT_TRUE(run_until([&] {
      got = resolve(*resolver, "alias.test");
      return got.failure != LookupFailure::kUnavailable || server->ended();
    }));
    if (!server->ended()) break;
  }
  EXPECT_TRUE(got.ok()) << got.detail;
  EXPECT_THAT(hosts(got.v4), ElementsAre("192.0.2.10"));
  EXPECT_THAT(hosts(got.v6), ElementsAre("2001:db8::10"));
  EXPECT_EQ(got.ttl, seconds(42));
  EXPECT_EQ(resolve(*resolver, "none.test").failure, LookupFailure::kNameError);
  const Resolution refused = resolve(*resolver, "outside.example");
  EXPECT_EQ(refused.failure, LookupFailure::kServerFailure) << refused.detail;  // REFUSED, while others are answered
}

TEST(AsciiNameTest, MapsAndRefuses) {
  EXPECT_EQ(*ascii_name("Example.COM."), "example.com");
  EXPECT_EQ(*ascii_name("_dmarc.Example.com"), "_dmarc.example.com");
  EXPECT_EQ(*ascii_name("BÜCHER.example"), "xn--bcher-kva.example");
  EXPECT_EQ(*ascii_name("例え。テスト"), "xn--r8jz45g.xn--zckzah");
  EXPECT_EQ(ascii_name("a..b").error().what, "\"a..b\" is not a host name: a part between two dots is empty");
  EXPECT_FALSE(ascii_name("a/b").ok());
  EXPECT_FALSE(ascii_name("a\u202eb.test").ok());
  EXPECT_TRUE(ascii_name(std::string(63, 'a') + '.' + std::string(63, 'b') + '.' + std::string(63, 'c') + '.' +
                         std::string(61, 'd'))
                  .ok());
  EXPECT_FALSE(ascii_name(std::string(63, 'a') + '.' + std::string(63, 'b') + '.' + std::string(63, 'c') + '.' +
                          std::string(62, 'd'))
                   .ok());
}

TEST(DnsServersTest, ParsesAndNamesTheBadWord) {
  const auto two = parse_dns_servers(" 192.0.2.53, [2001:db8::53]:5353\n");
  ASSERT_TRUE(two.ok());
  ASSERT_EQ(two->size(), 2U);
  EXPECT_EQ((*two)[0].text(), "192.0.2.53:53");
  EXPECT_EQ((*two)[1].text(), "[2001:db8::53]:5353");
  EXPECT_TRUE(parse_dns_servers("")->empty());
  EXPECT_THAT(parse_dns_servers("dns.example").error().what,
              HasSubstr("EVERUP_DNS_SERVERS: \"dns.example\" is not a server"));
  EXPECT_FALSE(parse_dns_servers("1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 1.1.1.9").ok());
}

}  // namespace
}  // namespace everup::net
