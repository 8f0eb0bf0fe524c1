// How often a password may be guessed. Two buckets are asked before a hash is computed: the client's network (30 at
// once, then one in 30 s) and the e-mail address (5 at once, then one in 72 s: at most 55 in an hour). The address's
// bucket is one for all strangers and another one for each network from which the person signed in before, so that who
// guesses from elsewhere does not lock the owner out. A right password gives back what it took. At most kAtOnce
// passwords are looked at together: hashing is slow on purpose, and handler threads are few.
//
// Any thread. Limit: kEntriesMax buckets; when all are in use, those who have none wait. Weakness: the memory of a
// process; several nodes count apart, a restart forgets.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/time.h"

namespace everup::api {

// A bucket of `burst` that refills by one in `interval` (generic cell rate).
struct GuessRate {
  std::chrono::seconds interval;
  int burst;
};
inline constexpr GuessRate kNetworkRate{std::chrono::seconds(30), 30};
inline constexpr GuessRate kAddressRate{std::chrono::seconds(72), 5};

class SignInGate {
 public:
  static constexpr std::size_t kEntriesMax = 100'000;
  static constexpr int kAtOnce = 2;

  // nullopt: taken. Else how long to wait.
  std::optional<std::chrono::seconds> take_network(const std::string& network, Instant now);
  // `known`: the person signed in from `network` before.
  std::optional<std::chrono::seconds> take_address(const std::string& email, const std::string& network, bool known,
                                                   Instant now);
  // No password was looked at after all.
  void give_back(const std::string& email, const std::string& network, bool known);
  // The password was right: the network gets its place back, the address starts anew.
  void forgive(const std::string& email, const std::string& network, bool known);

  // A place among kAtOnce; false: all are taken.
  class Place {
   public:
    explicit Place(SignInGate& gate) : gate_(gate), taken_(gate.busy_.fetch_add(1) < kAtOnce) {}
    ~Place() { gate_.busy_.fetch_sub(1); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    explicit operator bool() const { return taken_; }

   private:
    SignInGate& gate_;
    bool taken_;
  };

 private:
  std::optional<std::chrono::seconds> take(const std::string& key, GuessRate rate, Instant now);

  std::atomic<int> busy_{0};
  std::mutex mutex_;
  std::unordered_map<std::string, Instant> full_at_;  // when the bucket is full again
};

}  // namespace everup::api
