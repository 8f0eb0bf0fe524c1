// From the outbox to the world. One thread asks the outbox what is due (fan out, claim) and settles what it would not
// take at once; a few workers deliver, each with connections of its own.
//
//  * A message is let go only when finish() was taken: one that failed for lack of a database is tried again as long as
//    the courier runs. What dies with the process comes back when its lease ends, with the same Message-ID.
//  * One message of a channel at a time, in the order of claiming; when one has to wait, those behind it about the same
//    incident wait too: an UP never overtakes its DOWN.
//  * An account has at most half of the workers, and at most kOfAccountMax messages are held of it; whose account has
//    the fewest workers is next: a storm or slow webhooks of one account delay nobody else.
//  * What waited for a worker until its lease is nearly over is left to the next claim.
//
// start() makes the threads, stop() ends them within its limit: what is being delivered is finished while there is
// time, then cut off. Everything in CourierSettings outlives the courier. Limits: kHeldMax messages at a time, of which
// the threads are the only buffers; every call of the outbox blocks at most 5 s.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "alerts/http_sender.h"
#include "alerts/mailer.h"
#include "core/alert.h"
#include "core/clock.h"
#include "core/zone.h"

namespace everup::alerts {

struct CourierSettings {
  MailSettings mail;
  HttpSettings http;
  int workers = 4;                 // 1 … 32
  milliseconds lease{180'000};     // longer than the longest turn (mail: 90 s and the goodbyes)
  milliseconds turn_max{150'000};  // so much of a lease must be left when a message is begun
  milliseconds pause{1'000};       // between two questions when nothing is due
};

struct CourierCounts {
  struct OfKind {
    std::uint64_t sent = 0, failed = 0, retried = 0, gone = 0;
  };
  std::array<OfKind, 6> by_kind{};  // by ChannelKind's number
  std::uint64_t claimed = 0;
  std::uint64_t outbox_errors = 0;      // fan_out, claim, wait
  std::uint64_t finishes_repeated = 0;  // finish() that had to be tried again
  std::uint64_t finishes_refused = 0;   // the outbox did not want to hear of it any more
  std::uint64_t let_go = 0;             // waited too long for a worker
  int held = 0;                         // now: waiting, being delivered, or not yet settled
};

class Courier {
 public:
  Courier(Outbox& outbox, const Clock& clock, const Zones& zones, CourierSettings settings);
  ~Courier();  // stops with a limit of 0
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  // kInvalid: settings; kExhausted: no threads. Once.
  Status start();
  // Any thread, any number of times. Nothing new is begun; what runs has `limit` to end, then it is cut off, which
  // takes at most 1 s more for mail, and what calls of the outbox are under way (5 s each).
  void stop(milliseconds limit);

  CourierCounts counts() const;            // any thread
  std::vector<RelayState> relays() const;  // any thread

 private:
  struct Item {
    Message message;
    Instant begin_before;
    bool running = false;
  };
  struct Unsettled {
    Message message;
    std::vector<Attempt> attempts;
    std::optional<WallTime> retry_at;
  };
  using Items = std::list<Item>;

  void dispatch();
  void work();
  bool ask();  // true: something was claimed
  void give_back();
  void settle_again();
  Items::iterator runnable();
  void end_stale();
  void carry_out(const Message& message, Mailer& mailer, std::unique_ptr<HttpSender>& sender);
  Turn deliver(const Message& message, Mailer& mailer, std::unique_ptr<HttpSender>& sender);
  void settle(const Message& message, Turn turn);
  bool finish(const Unsettled& one);
  void hold_back(const Message& message, WallTime until);
  void count(const Message& message, AttemptResult result);
  double jitter();
  void pause(bool until_room);
  std::vector<AccountId> holding(int at_least) const;  // accounts of so many items; under mutex_
  int held() const { return static_cast<int>(items_.size() + unsettled_.size()); }  // under mutex_

  Outbox& outbox_;
  const Clock& clock_;
  const Zones& zones_;
  const CourierSettings settings_;
  RelayRoster roster_;
  std::atomic<bool> stopping_{false}, cut_off_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_.
  Items items_;
  std::list<Unsettled> unsettled_;
  CourierCounts counts_;
  std::vector<HttpSender*> senders_;
  std::mt19937 random_{std::random_device{}()};
  int running_threads_ = 0;

  std::mutex joining_;
  std::vector<std::thread> threads_;  // guarded by joining_
};

}  // namespace everup::alerts
