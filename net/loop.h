// The event loop: descriptors (epoll, level-triggered), timers, and functions posted from other threads. One thread
// runs it.
//
// A turn is: wait; read the clock once; run what other threads posted; serve descriptors; fire timers that are due.
// now() is the same for everything that happens in one turn. A turn that has lasted kTurnBudget ends: the descriptors
// and timers that it did not come to have their turn next, before any that became ready later, so that many heavy
// callbacks at once delay nobody by more than the budget and one of them. Every callback may watch, modify or unwatch
// any descriptor, add or cancel any timer, post and stop, its own included; an event that waits in the same batch for a
// descriptor that was unwatched meanwhile (or closed and re-opened under the same number) is not delivered. Callbacks
// must not throw and must not block: the longest turn is noted for metrics.
//
// Nothing is allocated per event. Deadlines have a resolution of 1 ms (epoll's), rounded up: a timer never fires early.
//
// Thread: post(), stop(), longest_turn() and last_turn() may be called from any thread, all else only from the loop's
// thread (or before run()). The clock and every watched descriptor outlive the loop's use of them; the loop owns
// neither. Whatever is still posted or pending when the loop is destroyed is dropped, not run.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "net/fd.h"
#include "net/timer_heap.h"

namespace everup::net {

class Loop {
 public:
  using OnEvents = std::function<void(std::uint32_t events)>;  // EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP
  using Task = std::function<void()>;
  static constexpr std::size_t kPostsMax = 65'536;
  static constexpr std::chrono::milliseconds kTurnBudget{10};

  // Aborts when the kernel gives no epoll or event descriptor: at start-up nothing can go on without.
  explicit Loop(const Clock& clock, std::size_t posts_max = kPostsMax);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // `fd` is watched until unwatch() and at most once. Errors: kExhausted (ENOSPC, ENOMEM), kInvalid (not pollable, bad
  // descriptor).
  Status watch(int fd, std::uint32_t events, OnEvents on_events);
  // Other events for a watched descriptor; its callback stays. An `fd` that is not watched is kNotFound.
  Status modify(int fd, std::uint32_t events);
  // Call it before close(). Not watched: nothing happens.
  void unwatch(int fd);
  // The same without asking the kernel, for a descriptor that the caller closes at once: its last close takes it out of
  // the epoll set.
  void forget(int fd);
  bool watched(int fd) const;

  // `task` runs once, in the first turn whose now() is at or after `when`; never from inside at().
  TimerId at(Instant when, Task task);
  // False: it has run already, or was cancelled; an id is never reused.
  bool cancel(TimerId id);

  // Runs `task` on the loop's thread, in order of posting. False: posts_max tasks wait already; the task is dropped,
  // the caller decides.
  [[nodiscard]] bool post(Task task);

  // Until stop(). A stop() that came before ends it after one turn.
  void run();
  void stop();
  // One turn that waits at most `max_wait` (tests, one-shot commands). True if anything ran.
  bool run_once(std::chrono::milliseconds max_wait);

  Now now() const { return now_; }
  const Clock& clock() const { return clock_; }
  std::size_t timers() const { return timers_.size(); }

  // The longest time from the end of one wait to the begin of the next since the last call: what a slow callback costs
  // all others.
  std::chrono::nanoseconds take_longest_turn() { return std::chrono::nanoseconds(longest_turn_ns_.exchange(0)); }
  // When the latest turn began or ended: a watchdog compares it with its own clock. A loop with nothing to do turns at
  // least every second.
  Instant last_turn() const { return Instant{last_turn_ns_.load(std::memory_order_relaxed)}; }

 private:
  struct Watch {
    OnEvents on_events;
    std::uint32_t generation = 0;  // odd while watched
    std::uint32_t events = 0;
  };
  static constexpr std::size_t kEventsPerTurn = 256;
  struct Event {
    int fd;
    std::uint32_t generation, events;
  };
  bool turn(std::chrono::milliseconds max_wait);
  void wait(std::chrono::milliseconds max_wait);
  bool serve_events();
  bool budget_spent() const { return clock_.now().mono - now_.mono >= kTurnBudget; }
  int wait_ms(std::chrono::milliseconds max_wait) const;
  bool run_posts();
  bool serve(int fd, std::uint32_t generation, std::uint32_t events);
  bool fire_timers();
  void wake();
  void drain_wakeups();

  const Clock& clock_;
  const std::size_t posts_max_;
  Fd epoll_, wakeup_;
  Now now_;
  std::vector<Watch> watches_;  // indexed by descriptor
  std::array<Event, kEventsPerTurn> events_{};
  std::size_t events_at_ = 0, events_end_ = 0;  // what the latest wait brought and is not served yet
  TimerHeap timers_;
  std::vector<Task> tasks_;  // indexed by timer slot
  std::mutex mutex_;
  std::vector<Task> posts_;    // guarded by mutex_
  std::vector<Task> running_;  // keeps its capacity between turns
  std::atomic<bool> stop_{false};
  std::atomic<std::int64_t> longest_turn_ns_{0}, last_turn_ns_{0};
};

}  // namespace everup::net
