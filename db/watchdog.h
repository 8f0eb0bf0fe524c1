// A frozen PostgreSQL ignores every timeout setting of its client (RULES A 8, DESIGN 15), so every use of a connection
// has a deadline of ours: this thread holds a dup of the connection's socket and shuts it down when the deadline
// passes; libpq then sees end of file and exec, COPY and COMMIT return.
//
// One thread per process, shared by all sessions, started with the first and joined with the last. arm() and disarm()
// cost a mutex and, when the earliest deadline changes, a wake-up. At most kArmedMax uses at once.
#pragma once

#include <cstdint>
#include <memory>

#include "core/time.h"

namespace everup::db {

class Watchdog {
 public:
  static constexpr std::size_t kArmedMax = 1024;
  // The process's one; lives as long as somebody holds it. Any thread.
  static std::shared_ptr<Watchdog> shared();
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Shuts `socket` (the caller's dup, open until disarm) `after` from now. Any thread.
  std::uint64_t arm(int socket, milliseconds after);
  // True: the deadline had passed and the socket was shut. After it returns the socket is not touched any more.
  bool disarm(std::uint64_t ticket);

 private:
  Watchdog();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace everup::db
