#include "net/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace everup::net {
namespace {

constexpr std::size_t kTimersPerLook = 8;  // fired between two looks at the clock
constexpr std::chrono::milliseconds kIdleTurn{1'000};

std::uint64_t tag(int fd, std::uint32_t generation) {
  return std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd);
}

Error system_error(const char* what, int fd, int code) {
  const bool exhausted = code == ENOSPC || code == ENOMEM;
  return {exhausted ? ErrorCode::kExhausted : ErrorCode::kInvalid,
          std::string(what) + " descriptor " + std::to_string(fd) + ": " + std::strerror(code)};
}

}  // namespace

Loop::Loop(const Clock& clock, std::size_t posts_max)
    : clock_(clock),
      posts_max_(posts_max),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      now_(clock.now()) {
  EVERUP_ASSERT(epoll_ && wakeup_);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag(wakeup_.value(), 0);  // 0 is even: no watch has it
  EVERUP_ASSERT(::epoll_ctl(epoll_.value(), EPOLL_CTL_ADD, wakeup_.value(), &event) == 0);
  last_turn_ns_ = now_.mono.ns;
}

Loop::~Loop() = default;

Status Loop::watch(int fd, std::uint32_t events, OnEvents on_events) {
  if (fd < 0 || watched(fd)) return system_error("cannot watch", fd, fd < 0 ? EBADF : EEXIST);
  const auto index = static_cast<std::size_t>(fd);
  if (index >= watches_.size()) watches_.resize(index + 1);
  Watch& watch = watches_[index];
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag(fd, watch.generation + 1);
  if (::epoll_ctl(epoll_.value(), EPOLL_CTL_ADD, fd, &event) != 0) return system_error("cannot watch", fd, errno);
  ++watch.generation;
  watch.events = events;
  watch.on_events = std::move(on_events);
  return ok();
}

Status Loop::modify(int fd, std::uint32_t events) {
  if (!watched(fd)) return Error{ErrorCode::kNotFound, "descriptor " + std::to_string(fd) + " is not watched"};
  Watch& watch = watches_[static_cast<std::size_t>(fd)];
  if (watch.events == events) return ok();
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag(fd, watch.generation);
  if (::epoll_ctl(epoll_.value(), EPOLL_CTL_MOD, fd, &event) != 0) return system_error("cannot watch", fd, errno);
  watch.events = events;
  return ok();
}

void Loop::unwatch(int fd) {
  if (!watched(fd)) return;
  forget(fd);
  // A descriptor that was closed first has left the epoll set by itself (EBADF, ENOENT): nothing more to do.
  epoll_event unused{};
  ::epoll_ctl(epoll_.value(), EPOLL_CTL_DEL, fd, &unused);
}

void Loop::forget(int fd) {
  if (!watched(fd)) return;
  Watch& watch = watches_[static_cast<std::size_t>(fd)];
  ++watch.generation;
  // Its destructor may call us back: `watch` is not used after this.
  const OnEvents gone = std::exchange(watch.on_events, nullptr);
}

bool Loop::watched(int fd) const {
  const auto index = static_cast<std::size_t>(fd);
  return fd >= 0 && index < watches_.size() && (watches_[index].generation & 1) != 0;
}

TimerId Loop::at(Instant when, Task task) {
  const TimerId id = timers_.add(when);
  if (timers_.slots() > tasks_.size()) tasks_.resize(timers_.slots());
  tasks_[id.slot()] = std::move(task);
  return id;
}

bool Loop::cancel(TimerId id) {
  if (!timers_.cancel(id)) return false;
  const Task gone = std::exchange(tasks_[id.slot()], nullptr);
  return true;
}

bool Loop::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (posts_.size() >= posts_max_) return false;
    posts_.push_back(std::move(task));
    if (posts_.size() > 1) return true;  // somebody before us has woken the loop
  }
  wake();
  return true;
}

void Loop::run() {
  now_ = clock_.now();
  do {
    turn(kIdleTurn);
  } while (!stop_.exchange(false));
}

void Loop::stop() {
  stop_ = true;
  wake();
}

bool Loop::run_once(std::chrono::milliseconds max_wait) { return turn(max_wait); }

bool Loop::turn(std::chrono::milliseconds max_wait) {
  if (events_at_ == events_end_) wait(max_wait);
  now_ = clock_.now();
  last_turn_ns_.store(now_.mono.ns, std::memory_order_relaxed);

  bool ran = serve_events();
  ran |= fire_timers();

  const std::int64_t took = (clock_.now().mono - now_.mono).count();
  last_turn_ns_.store(now_.mono.ns + took, std::memory_order_relaxed);
  if (took > longest_turn_ns_.load(std::memory_order_relaxed)) longest_turn_ns_.store(took, std::memory_order_relaxed);
  return ran;
}

void Loop::wait(std::chrono::milliseconds max_wait) {
  std::array<epoll_event, kEventsPerTurn> events;
  const int timeout = stop_.load() ? 0 : wait_ms(max_wait);
  const int count = ::epoll_wait(epoll_.value(), events.data(), static_cast<int>(events.size()), timeout);
  EVERUP_ASSERT(count >= 0 || errno == EINTR);
  events_at_ = 0;
  events_end_ = static_cast<std::size_t>(std::max(count, 0));
  for (std::size_t i = 0; i < events_end_; ++i) {
    const std::uint64_t tagged = events[i].data.u64;
    events_[i] = {static_cast<int>(static_cast<std::uint32_t>(tagged)), static_cast<std::uint32_t>(tagged >> 32),
                  events[i].events};
  }
}

// What an interrupted turn left over waits in events_; a descriptor that was unwatched meanwhile is known by its
// generation.
bool Loop::serve_events() {
  bool ran = false;
  while (events_at_ < events_end_) {
    const Event event = events_[events_at_++];
    if (event.fd == wakeup_.value()) {
      drain_wakeups();  // first: a post that comes after run_posts() has taken the queue must wake us again
      ran |= run_posts();
    } else {
      ran |= serve(event.fd, event.generation, event.events);
    }
    if (budget_spent()) break;
  }
  return ran;
}

// Deadlines are compared with a fresh clock, because the turn that set them may have been a long one.
int Loop::wait_ms(std::chrono::milliseconds max_wait) const {
  std::chrono::nanoseconds wait = std::max(max_wait, std::chrono::milliseconds(0));
  if (const auto next = timers_.next()) wait = std::clamp(*next - clock_.now().mono, std::chrono::nanoseconds(0), wait);
  return static_cast<int>(std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(wait).count(), 60'000));
}

bool Loop::run_posts() {
  {
    const std::lock_guard lock(mutex_);
    if (posts_.empty()) return false;
    running_.swap(posts_);
  }
  for (Task& task : running_) {
    const Task mine = std::move(task);  // gone before the next one runs
    mine();
  }
  running_.clear();
  return true;
}

// The function is moved out while it runs: it may unwatch itself, and watches_ may grow under it.
bool Loop::serve(int fd, std::uint32_t generation, std::uint32_t events) {
  const auto index = static_cast<std::size_t>(fd);
  if (watches_[index].generation != generation) return false;  // unwatched, or watched anew, earlier in this batch
  OnEvents mine = std::move(watches_[index].on_events);
  mine(events);
  if (watches_[index].generation == generation) watches_[index].on_events = std::move(mine);
  return true;
}

// At most as many as waited when we began: a timer that arms itself anew for now() must not keep the descriptors
// waiting.
bool Loop::fire_timers() {
  bool ran = false;
  for (std::size_t left = timers_.size(), fired = 0; left > 0; --left, ++fired) {
    if (fired > 0 && fired % kTimersPerLook == 0 && budget_spent()) break;
    const auto due = timers_.pop(now_.mono);
    if (!due) break;
    const Task mine = std::exchange(tasks_[due->slot()], nullptr);
    mine();
    ran = true;
  }
  return ran;
}

void Loop::wake() {
  const std::uint64_t one = 1;
  // The only possible failure is a full counter, and then the loop is awake already.
  const ssize_t written = ::write(wakeup_.value(), &one, sizeof one);
  EVERUP_ASSERT(written == sizeof one || errno == EAGAIN);
}

void Loop::drain_wakeups() {
  std::uint64_t count = 0;
  const ssize_t got = ::read(wakeup_.value(), &count, sizeof count);
  EVERUP_ASSERT(got == sizeof count || errno == EAGAIN);
}

}  // namespace everup::net
