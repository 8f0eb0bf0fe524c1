// An HTTP target that keeps its own log: every request with the microsecond of its arrival and the monitor it came
// from (the last part of its path, "/m/17"). Answers by a function that the case gives, so that it can fail for some
// and hang for others.
//
// One thread of its own serves all connections with epoll; one request a connection. It may listen on every address of
// 127.0.0.0/8 ("0.0.0.0"), so that monitors have different hosts. Limits: 4 KiB a request head, 50 000 connections.
// Log: in memory, 16 bytes a request.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench/lateness.h"
#include "tests/support/ports.h"

namespace everup::bench {

struct Reply {
  enum class Kind { kAnswer, kHang, kReset };  // hang: reads on and never answers
  Kind kind = Kind::kAnswer;
  int status = 200;
  std::string body = "fine\n";
};

class CountingTarget {
 public:
  // Called on the target's thread: the monitor's number and how many requests it made before.
  using Answer = std::function<Reply(int monitor, std::int64_t before)>;

  explicit CountingTarget(Answer answer = {}, const std::string& address = "0.0.0.0", std::uint16_t port = 0);
  ~CountingTarget();
  CountingTarget(const CountingTarget&) = delete;
  CountingTarget& operator=(const CountingTarget&) = delete;

  // 250 addresses of 127.1.0.0/16 by number; a whole host's monitors share one.
  std::string url(int monitor, int host = -1) const;
  std::uint16_t port() const { return listener_.port(); }
  std::vector<Arrival> arrivals() const;
  std::size_t requests() const;

 private:
  void serve();
  void accept_all();
  void read_from(int fd);
  void drop(int fd);

  Answer answer_;
  test::Listener listener_;
  int epoll_ = -1, wake_ = -1;
  std::map<int, std::string> heads_;  // by descriptor
  std::map<int, std::int64_t> before_;
  mutable std::mutex mutex_;
  std::vector<Arrival> arrivals_;
  std::thread thread_;
};

}  // namespace everup::bench
