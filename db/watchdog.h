// A frozen PostgreSQL ignores every timeout setting of its client (RULES A 8, DESIGN 15), so every use of a connection
// has a deadline of ours: this thread holds a dup of the connection's socket and shuts it down when the deadline
// passes; libpq then sees end of file and exec, COPY and COMMIT return.
//
// One thread per process, shared by all sessions, started with the first leash and joined with the last. A leash is a
// timer descriptor in the thread's epoll set: arming and disarming are one system call each, and no clock is read. At
// most kLeashesMax at once.
#pragma once

#include <cstdint>
#include <memory>

#include "core/result.h"
#include "core/time.h"

namespace everup::db {

class Watchdog : public std::enable_shared_from_this<Watchdog> {
 public:
  static constexpr std::size_t kLeashesMax = 4096;
  // The process's one; lives as long as somebody holds it or a leash of it. Any thread.
  static std::shared_ptr<Watchdog> shared();
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Holds a dup of one connection's socket. Used by one thread at a time.
  class Leash {
   public:
    ~Leash();
    Leash(const Leash&) = delete;
    Leash& operator=(const Leash&) = delete;
    void arm(milliseconds after);  // from now; a former arming is replaced
    bool disarm();                 // true: the deadline had passed and the socket was shut

   private:
    friend class Watchdog;
    Leash() = default;
    std::shared_ptr<Watchdog> dog_;
    std::uint64_t id_ = 0;
    int timer_ = -1, socket_ = -1;
    bool shut_ = false;  // under the watchdog's mutex
  };
  // kExhausted: too many, or no descriptors left.
  Result<std::unique_ptr<Leash>> leash(int socket);

 private:
  Watchdog();
  void watch();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace everup::db
