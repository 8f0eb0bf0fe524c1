// A server of a test's own, a thread per connection, that misbehaves as the test's function says. Waiting inside it
// ends at once when the server goes, so a "never answers" costs a test nothing.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/ports.h"

namespace everup::test {

class FakeConnection {
 public:
  FakeConnection(int fd, int stop) : fd_(fd), stop_(stop) {}
  ~FakeConnection() {
    if (fd_ >= 0) close(fd_);
  }
  FakeConnection(const FakeConnection&) = delete;
  FakeConnection& operator=(const FakeConnection&) = delete;

  // The request's head (at most 64 KiB), and as much of a body as came with it; empty when the peer left or the server
  // goes.
  std::string read_request() {
    std::string text;
    for (char buffer[4096]; text.find("\r\n\r\n") == std::string::npos && text.size() < 65536;) {
      if (!ready(POLLIN, -1)) return {};
      const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) return {};
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }
  // What came, whatever it is; empty when the peer left or the server goes.
  std::string read_some() {
    char buffer[16384];
    const ssize_t got = ready(POLLIN, -1) ? recv(fd_, buffer, sizeof buffer, 0) : 0;
    return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
  }
  // False when the peer left or the server goes.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      if (!ready(POLLOUT, -1)) return false;
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // True after `ms`; false when the server goes first. A peer that leaves is not noticed here.
  bool pause(int ms) {
    pollfd entry{stop_, POLLIN, 0};
    return poll(&entry, 1, ms) == 0;
  }
  // Until the peer closes, or the server goes.
  void wait_for_close() {
    for (char buffer[4096]; ready(POLLIN, -1) && recv(fd_, buffer, sizeof buffer, 0) > 0;) continue;
  }
  // RST instead of FIN.
  void reset() {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(std::exchange(fd_, -1));
  }
  int fd() const { return fd_; }

 private:
  bool ready(short events, int ms) {
    pollfd entries[2] = {{fd_, events, 0}, {stop_, POLLIN, 0}};
    return poll(entries, 2, ms) > 0 && entries[1].revents == 0;
  }
  int fd_, stop_;
};

class FakeServer {
 public:
  using Handler = std::function<void(FakeConnection&)>;

  explicit FakeServer(Handler handler, const std::string& address = "127.0.0.1", std::uint16_t port = 0)
      : handler_(std::move(handler)),
        listener_(address, 128, port),
        stop_(eventfd(0, EFD_CLOEXEC)),
        acceptor_([this] { accept_all(); }) {}
  ~FakeServer() {
    const std::uint64_t one = 1;
    if (write(stop_, &one, sizeof one) != static_cast<ssize_t>(sizeof one)) std::abort();
    acceptor_.join();
    for (Served& connection : connections_) connection.thread.join();
    close(stop_);
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::uint16_t port() const { return listener_.port(); }
  int accepted() const { return accepted_; }

 private:
  void accept_all() {
    for (;;) {
      pollfd entries[2] = {{listener_.fd(), POLLIN, 0}, {stop_, POLLIN, 0}};
      if (poll(entries, 2, -1) < 0 || entries[1].revents != 0) return;
      const int fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++accepted_;
      reap();
      Served& served = connections_.emplace_back();
      served.thread = std::thread([this, fd, &served] {
        {
          FakeConnection connection(fd, stop_);
          handler_(connection);
        }
        served.ended = true;
      });
    }
  }

  // Threads whose connection is over: a server may serve for hours.
  void reap() {
    for (auto it = connections_.begin(); it != connections_.end();) {
      if (!it->ended) {
        ++it;
        continue;
      }
      it->thread.join();
      it = connections_.erase(it);
    }
  }

  struct Served {
    std::thread thread;
    std::atomic<bool> ended{false};
  };
  Handler handler_;
  Listener listener_;
  int stop_;
  std::atomic<int> accepted_{0};
  std::list<Served> connections_;  // touched by the acceptor, and by the destructor after it ended
  std::thread acceptor_;
};

}  // namespace everup::test
