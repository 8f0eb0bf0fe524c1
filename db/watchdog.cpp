// See watchdog.h. Lock order: the mutex alone; no system call that can block is made under it.
#include "db/watchdog.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace everup::db {
namespace {
constexpr std::uint64_t kWakeId = 0;

void set_timer(int timer, milliseconds after) {
  itimerspec when{};
  when.it_value.tv_sec = after.count() / 1000;
  when.it_value.tv_nsec = (after.count() % 1000) * 1'000'000;
  EVERUP_ASSERT(timerfd_settime(timer, 0, &when, nullptr) == 0);
}
}  // namespace

struct Watchdog::State {
  int epoll = -1, wake = -1;
  std::mutex mutex;
  std::unordered_map<std::uint64_t, Leash*> leashes;
  std::uint64_t last_id = kWakeId;
  bool ending = false;
  std::thread thread;
};

std::shared_ptr<Watchdog> Watchdog::shared() {
  static std::mutex mutex;
  static std::weak_ptr<Watchdog> one;
  std::lock_guard lock(mutex);
  std::shared_ptr<Watchdog> dog = one.lock();
  if (!dog) one = dog = std::shared_ptr<Watchdog>(new Watchdog());
  return dog;
}

Watchdog::Watchdog() : state_(std::make_unique<State>()) {
  state_->epoll = epoll_create1(EPOLL_CLOEXEC);
  state_->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (state_->epoll < 0 || state_->wake < 0) return;  // leash() answers kExhausted
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeId;
  EVERUP_ASSERT(epoll_ctl(state_->epoll, EPOLL_CTL_ADD, state_->wake, &event) == 0);
  state_->thread = std::thread([this] { watch(); });
}

Watchdog::~Watchdog() {
  if (state_->thread.joinable()) {
    {
      std::lock_guard lock(state_->mutex);
      state_->ending = true;
    }
    const std::uint64_t one = 1;
    EVERUP_ASSERT(write(state_->wake, &one, sizeof one) == sizeof one);
    state_->thread.join();
  }
  if (state_->epoll >= 0) close(state_->epoll);
  if (state_->wake >= 0) close(state_->wake);
}

void Watchdog::watch() {
  std::array<epoll_event, 64> events;
  for (;;) {
    const int count = epoll_wait(state_->epoll, events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno == EINTR) continue;
    EVERUP_ASSERT(count >= 0);
    std::lock_guard lock(state_->mutex);
    if (state_->ending) return;
    for (int i = 0; i < count; ++i) {
      const auto found = state_->leashes.find(events[static_cast<std::size_t>(i)].data.u64);
      if (found == state_->leashes.end()) continue;
      std::uint64_t expirations = 0;
      if (read(found->second->timer_, &expirations, sizeof expirations) != sizeof expirations)
        continue;                                   // disarmed meanwhile
      shutdown(found->second->socket_, SHUT_RDWR);  // the peer may be gone already: then there is nothing to end
      found->second->shut_ = true;
    }
  }
}

Result<std::unique_ptr<Watchdog::Leash>> Watchdog::leash(int socket) {
  std::unique_ptr<Leash> leash(new Leash());
  leash->timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  leash->socket_ = fcntl(socket, F_DUPFD_CLOEXEC, 3);
  if (leash->timer_ < 0 || leash->socket_ < 0 || state_->epoll < 0) {
    return Error{ErrorCode::kExhausted, "database watchdog: no descriptors left"};
  }
  std::lock_guard lock(state_->mutex);
  if (state_->leashes.size() >= kLeashesMax)
    return Error{ErrorCode::kExhausted, "database watchdog: too many sessions"};
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = ++state_->last_id;
  if (epoll_ctl(state_->epoll, EPOLL_CTL_ADD, leash->timer_, &event) != 0) {
    return Error{ErrorCode::kExhausted, "database watchdog: epoll refuses another timer"};
  }
  leash->id_ = state_->last_id;
  leash->dog_ = shared_from_this();
  state_->leashes.emplace(leash->id_, leash.get());
  return leash;
}

Watchdog::Leash::~Leash() {
  if (dog_) {
    std::lock_guard lock(dog_->state_->mutex);
    dog_->state_->leashes.erase(id_);
    epoll_ctl(dog_->state_->epoll, EPOLL_CTL_DEL, timer_, nullptr);
  }
  if (timer_ >= 0) close(timer_);
  if (socket_ >= 0) close(socket_);
}

void Watchdog::Leash::arm(milliseconds after) {
  std::lock_guard lock(dog_->state_->mutex);
  shut_ = false;
  set_timer(timer_, std::max(after, milliseconds(1)));  // zero would disarm
}

bool Watchdog::Leash::disarm() {
  std::lock_guard lock(dog_->state_->mutex);
  set_timer(timer_, milliseconds(0));
  return shut_;
}

}  // namespace everup::db
