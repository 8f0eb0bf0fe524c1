#include "net/reach.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace everup::net {
namespace {

// -1: it cannot even be tried.
int begin_connect(const Address& address) {
  sockaddr_storage storage{};
  const socklen_t length = address.to_sockaddr(storage);
  const int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0 || errno == EINPROGRESS) return fd;
  close(fd);
  return -1;
}

bool connected(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

}  // namespace

std::vector<bool> reachable(const std::vector<Address>& addresses, milliseconds within, const Clock& clock) {
  std::vector<bool> answers(addresses.size(), false);
  std::vector<pollfd> waiting;
  for (std::size_t i = 0; i < std::min(addresses.size(), kReachMax); ++i)
    waiting.push_back({begin_connect(addresses[i]), POLLOUT, 0});  // poll() passes over -1
  const Instant deadline = clock.now().mono + within;
  const auto open = [](const pollfd& one) { return one.fd >= 0; };
  while (std::any_of(waiting.begin(), waiting.end(), open)) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - clock.now().mono).count();
    if (left <= 0 || (poll(waiting.data(), waiting.size(), static_cast<int>(left)) < 0 && errno != EINTR)) break;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
      answers[i] = connected(waiting[i].fd);
      close(waiting[i].fd);
      waiting[i].fd = -1;
    }
  }
  for (const pollfd& one : waiting) {
    if (one.fd >= 0) close(one.fd);
  }
  return answers;
}

}  // namespace everup::net
