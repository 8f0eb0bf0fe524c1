#include "bench/faults/counting_target.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace everup::bench {
namespace {

constexpr std::size_t kHeadMax = 4096, kConnectionsMax = 50'000;

std::string text_of(const Reply& reply) {
  return fmt::format(
      "HTTP/1.1 {} Said\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", reply.status,
      reply.body.size(), reply.body);
}

}  // namespace

CountingTarget::CountingTarget(Answer answer, const std::string& address, std::uint16_t port)
    : answer_(std::move(answer)), listener_(address, 4096, port) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  for (const int fd : {listener_.fd(), wake_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) throw std::runtime_error("counting target: epoll_ctl");
  }
  thread_ = std::thread([this] { serve(); });
}

CountingTarget::~CountingTarget() {
  const std::uint64_t one = 1;
  if (write(wake_, &one, sizeof one) != static_cast<ssize_t>(sizeof one)) std::abort();
  thread_.join();
  for (const auto& [fd, head] : heads_) close(fd);
  close(epoll_);
  close(wake_);
}

std::string CountingTarget::url(int monitor, int host) const {
  const int n = host >= 0 ? host : monitor;
  return fmt::format("http://127.1.{}.{}:{}/m/{}", n / 250 % 250, n % 250 + 1, port(), monitor);
}

std::vector<Arrival> CountingTarget::arrivals() const {
  const std::lock_guard lock(mutex_);
  return arrivals_;
}

std::size_t CountingTarget::requests() const {
  const std::lock_guard lock(mutex_);
  return arrivals_.size();
}

void CountingTarget::serve() {
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == wake_) return;
      if (fd == listener_.fd()) {
        accept_all();
      } else {
        read_from(fd);
      }
    }
  }
}

void CountingTarget::accept_all() {
  const int fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (heads_.size() >= kConnectionsMax || epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    close(fd);
    return;
  }
  heads_[fd];
}

void CountingTarget::read_from(int fd) {
  std::array<char, kHeadMax> buffer{};
  const ssize_t got = read(fd, buffer.data(), buffer.size());
  std::string& head = heads_[fd];
  if (got <= 0 || head.size() + static_cast<std::size_t>(got) > kHeadMax) return drop(fd);
  const bool had_all = head.find("\r\n\r\n") != std::string::npos;
  head.append(buffer.data(), static_cast<std::size_t>(got));
  if (had_all || head.find("\r\n\r\n") == std::string::npos) return;  // hanging, or more to come
  const auto path_from = head.find(' ');
  const std::string path = head.substr(path_from + 1, head.find(' ', path_from + 1) - path_from - 1);
  const int monitor = monitor_in_path(path.c_str());
  {
    const std::lock_guard lock(mutex_);
    arrivals_.push_back({wall_us(), monitor});
  }
  const Reply reply = answer_ ? answer_(monitor, before_[monitor]++) : Reply{};
  if (reply.kind == Reply::Kind::kHang) return;
  if (reply.kind == Reply::Kind::kReset) {
    const linger reset{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return drop(fd);
  }
  const std::string text = text_of(reply);
  // Fits into an empty socket buffer; a short write is a broken answer, which the case will see.
  if (write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size())) shutdown(fd, SHUT_WR);
  drop(fd);
}

void CountingTarget::drop(int fd) {
  heads_.erase(fd);
  close(fd);
}

}  // namespace everup::bench
