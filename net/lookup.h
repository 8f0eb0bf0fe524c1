// What a Resolver is made of: questions in flight, who waits for them, and what silence means. No c-ares here
// (dns_channel.h) and no parsing (resolver.cpp). One thread, one loop; see resolver.h for the rules.
#pragma once

#include <array>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/dns_channel.h"
#include "net/hosts_file.h"
#include "net/name_cache.h"
#include "net/resolver.h"

namespace everup::net {

// One caller's question about one name: up to two families. Shared by its Query and by what it waits for.
struct PendingQuery {
  std::weak_ptr<ResolverState> state;  // gone: nothing will be called any more
  Resolver::OnResolved on_resolved;    // empty: answered or cancelled
  Resolution resolution;
  bool waits_v4 = false, waits_v6 = false;
  LookupFailure worst = LookupFailure::kNone;  // of the families that brought nothing
  TimerId deadline, delay, doubt;
};

class ResolverState : public std::enable_shared_from_this<ResolverState> {
 public:
  ResolverState(Loop& loop, ResolverOptions options);
  ~ResolverState();

  Query resolve(std::string_view name, IpVersion version, Instant deadline, Resolver::OnResolved on_resolved);
  void cancel(PendingQuery& query);
  void shutdown();
  void clear_cache() { cache_.clear(); }
  ResolverStats stats() const;
  const ResolverOptions& options() const { return options_; }
  std::vector<Address> servers() { return channel_.servers(); }

 private:
  using Waiter = std::shared_ptr<PendingQuery>;
  enum class Stage : std::uint8_t { kWaiting, kAsked, kSuspected };
  // One name and family at the servers; everybody who wants it waits for the same one.
  struct Question {
    std::uint64_t id;
    std::string name, key;
    Family family;
    Stage stage = Stage::kWaiting;
    Instant started;
    std::string words;  // what the servers said, once suspected
    std::vector<std::weak_ptr<PendingQuery>> waiters;
  };
  using Questions = std::list<Question>;

  void begin(const Waiter& query, std::string_view name, IpVersion version, Instant deadline);
  bool answer_without_asking(const Waiter& query, IpVersion version);
  void want(const Waiter& query, Family family);
  void start_waiting();
  void ask(Questions::iterator question);
  void on_answer(std::uint64_t id, DnsAnswer&& answer);
  bool on_tick();
  void on_deadline(const Waiter& query);
  void on_doubt(const Waiter& query);
  void suspect(Questions::iterator question, std::string words);
  void settle(Questions::iterator question, Finding finding);
  Finding verdict_on(const Question& question) const;

  void start_control();
  void end_control();
  void judge_suspects(bool all);
  bool control_allowed() const;
  void note_good(const std::string& name);
  bool good_since(Instant when, const std::string& except) const;

  void accept(const Waiter& query, Family family, const Finding& finding, std::chrono::seconds ttl);
  void arm_delay(const Waiter& query);
  void fail(const Waiter& query, LookupFailure failure, std::string detail);
  void finish(const Waiter& query);
  void finish_later(const Waiter& query);
  void run_ready();
  bool waits(const PendingQuery& query) const { return query.waits_v4 || query.waits_v6; }
  Instant now() const { return loop_.now().mono; }

  Loop& loop_;
  const ResolverOptions options_;
  NameCache cache_;
  HostsFile hosts_;
  Questions waiting_, in_flight_;  // in order of their start; iterators survive the move from one to the other
  std::unordered_map<std::string_view, Questions::iterator> by_key_;
  std::unordered_map<std::uint64_t, Questions::iterator> by_id_;
  std::uint64_t next_id_ = 1;
  std::vector<Waiter> ready_;  // answered, to be told in the next turn
  TimerId ready_timer_;
  bool shut_ = false;
  ResolverStats stats_;

  struct Good {
    std::string name;
    Instant at;
  };
  std::array<Good, 2> good_;                                 // the last two names that got a good answer, latest first
  std::unordered_map<std::uint64_t, std::string> controls_;  // control questions of this round, by id
  std::optional<Instant> control_started_;
  DnsChannel channel_;  // last: destroyed first
};

}  // namespace everup::net
