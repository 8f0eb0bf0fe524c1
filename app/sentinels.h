// Asks the sentinels (EVERUP_SENTINELS) whether our own line is alive, for scheduler/sight.h: once a minute while all
// is well, so that it is known which of them answer at all; every second while looks wait for their word or we are
// blind. A sentinel has a vote while it has answered within the last ten minutes in which we saw.
//
// One thread of its own; stops within kPatience. Without sentinels it still looks whether names can be asked for.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "net/address.h"
#include "scheduler/sight.h"

namespace everup::app {

// "192.0.2.1:443 [2001:db8::1]:443", separated by spaces; port 443 where none is given. kInvalid names the word.
Result<std::vector<net::Address>> parse_sentinels(const std::string& text);
std::string family_words(std::uint8_t families);  // "IPv4 and IPv6"

// A time in which we were blind; `to` is empty while it lasts.
struct BlindTime {
  std::uint8_t families = 0;
  WallTime from;
  std::optional<WallTime> to;
};

struct SentinelOptions {
  std::vector<net::Address> addresses;
  scheduler::Sight* sight = nullptr;
  const Clock* clock = nullptr;
  std::function<Status(const BlindTime&)> store;  // asked again until it took it; blocks at most 5 s
  std::function<void(const std::string&)> say;
  milliseconds round{250};
};

class Sentinels {
 public:
  static constexpr milliseconds kPatience{1'500};  // for an answer
  explicit Sentinels(SentinelOptions options);     // what it points to outlives it
  ~Sentinels();
  Sentinels(const Sentinels&) = delete;
  Sentinels& operator=(const Sentinels&) = delete;

 private:
  void run();
  void ask(WallTime now);
  void note(const scheduler::Sight::Blindness& seen, WallTime now);
  void store();

  const SentinelOptions options_;
  // The thread's own.
  std::vector<std::optional<WallTime>> answered_;  // when each did last
  std::uint8_t families_ = 0;
  std::vector<BlindTime> unstored_;  // at most kUnstoredMax
  std::optional<BlindTime> blind_;
  WallTime asked_, next_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool ends_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace everup::app
