// Ephemeral loopback ports for tests that run side by side. Listener holds a socket that listens already: hand its
// descriptor to a server (keep_fds; nginx takes it by the variable NGINX="fd;"), then there is neither a race for the
// port nor a wait for the start. free_port() only names a port nobody held a moment ago: for servers that must bind
// themselves.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

namespace everup::test {

// A socket bound to an ephemeral port of `address` (IPv4 or IPv6 literal), and its port. Port 0 asks the kernel to
// choose.
class BoundSocket {
 public:
  explicit BoundSocket(const std::string& address = "127.0.0.1", int type = SOCK_STREAM, std::uint16_t port = 0) {
    sockaddr_storage place{};
    socklen_t length = 0;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&place);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&place);
    if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
      v4->sin_family = AF_INET, v4->sin_port = htons(port), length = sizeof *v4;
    } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
      v6->sin6_family = AF_INET6, v6->sin6_port = htons(port), length = sizeof *v6;
    } else {
      throw std::runtime_error("not an address: " + address);
    }
    fd_ = socket(place.ss_family, type | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd_ < 0 || setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd_, reinterpret_cast<sockaddr*>(&place), length) != 0 ||
        getsockname(fd_, reinterpret_cast<sockaddr*>(&place), &length) != 0) {
      if (fd_ >= 0) close(fd_);
      throw std::runtime_error("cannot bind " + address);
    }
    port_ = ntohs(place.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
  }
  ~BoundSocket() {
    if (fd_ >= 0) close(fd_);
  }
  BoundSocket(BoundSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), port_(other.port_) {}
  BoundSocket& operator=(BoundSocket&&) = delete;

  int fd() const { return fd_; }
  std::uint16_t port() const { return port_; }

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

class Listener : public BoundSocket {
 public:
  explicit Listener(const std::string& address = "127.0.0.1", int backlog = 128, std::uint16_t port = 0)
      : BoundSocket(address, SOCK_STREAM, port) {
    if (listen(fd(), backlog) != 0) throw std::runtime_error("cannot listen on " + address);
  }
};

// Below the range from which the kernel takes ports of outgoing connections: what another suite connects from can never
// take it before the server binds, nor while a server that is stopped and started again is away.
inline std::uint16_t free_port(const std::string& address = "127.0.0.1", int type = SOCK_STREAM) {
  static std::mt19937 random(std::random_device{}());
  std::uniform_int_distribution<int> below_ephemeral(12'000, 32'000);
  for (int attempt = 0; attempt < 200; ++attempt) {
    const auto port = static_cast<std::uint16_t>(below_ephemeral(random));
    try {
      return BoundSocket(address, type, port).port();
    } catch (const std::runtime_error&) {
      continue;  // taken: the next one
    }
  }
  throw std::runtime_error("no free port on " + address);
}

// True once a TCP connection to the port succeeds.
inline bool wait_until_accepts(const std::string& address, std::uint16_t port,
                               std::chrono::milliseconds limit = std::chrono::seconds(60)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < end) {
    sockaddr_in place{};
    place.sin_family = AF_INET, place.sin_port = htons(port);
    if (inet_pton(AF_INET, address.c_str(), &place.sin_addr) != 1) return false;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&place), sizeof place) == 0;
    if (fd >= 0) close(fd);
    if (connected) return true;
    poll(nullptr, 0, 10);
  }
  return false;
}

}  // namespace everup::test
