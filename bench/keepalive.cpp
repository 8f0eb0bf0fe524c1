// bench/keepalive: how many answers a second one URL of a running Everup gives over keep-alive connections, how many of
// them are 304 with the ETag, and how long a fresh connection waits while others idle or trickle.
//
//   keepalive http://127.0.0.1:8080/badge/TOKEN/uptime/30d.svg [--connections 32] [--seconds 5] [--idle 500] [--etag]

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/process.h"

namespace everup::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::string path = "/";
  std::uint16_t port = 80;
  int connections = 32, seconds = 5, idle = 0;
  bool etag = false;
};

Options parse_options(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::atoi(argv[++i]) : (give_up(word + " needs a number"), 0); };
    if (word == "--connections")
      o.connections = number();
    else if (word == "--seconds")
      o.seconds = number();
    else if (word == "--idle")
      o.idle = number();
    else if (word == "--etag")
      o.etag = true;
    else if (word.starts_with("http://127.0.0.1:")) {
      const auto slash = word.find('/', 17);
      o.port = static_cast<std::uint16_t>(std::atoi(word.substr(17, slash - 17).c_str()));
      o.path = slash == std::string::npos ? "/" : word.substr(slash);
    } else
      give_up("usage: keepalive http://127.0.0.1:PORT/path [--connections N] [--seconds S] [--idle N] [--etag]");
  }
  return o;
}

int dial(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) give_up("cannot connect");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

void say(int fd, const std::string& text) {
  if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) give_up("short write");
}

// Length of the complete answer at the front of `bytes`, or nothing.
std::optional<std::size_t> whole_answer(const std::string& bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  std::size_t body = 0;
  if (bytes.compare(9, 3, "304") != 0) {
    const auto at = bytes.find("Content-Length: ");
    if (at == std::string::npos || at > end) give_up("an answer without Content-Length");
    body = std::strtoul(bytes.c_str() + at + 16, nullptr, 10);
  }
  return bytes.size() >= end + 4 + body ? std::optional(end + 4 + body) : std::nullopt;
}

std::string ask_once(int fd, const std::string& request) {
  say(fd, request);
  std::string bytes;
  std::array<char, 65536> buffer{};
  while (!whole_answer(bytes)) {
    const auto got = read(fd, buffer.data(), buffer.size());
    if (got <= 0) give_up("the connection was closed");
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

std::string etag_of(const std::string& answer) {
  const auto at = answer.find("ETag: ");
  if (at == std::string::npos) give_up("no ETag in the answer");
  return answer.substr(at + 6, answer.find("\r\n", at) - at - 6);
}

struct Counted {
  std::int64_t answers = 0;
  std::map<std::string, std::int64_t> by_status;
};

Counted hammer(const Options& o, const std::string& request) {
  const int epoll = epoll_create1(0);
  std::map<int, std::string> connections;
  for (int i = 0; i < o.connections; ++i) {
    const int fd = dial(o.port);
    epoll_event event{EPOLLIN, {.fd = fd}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    connections[fd];
    say(fd, request);
  }
  Counted counted;
  std::array<epoll_event, 64> events{};
  std::array<char, 65536> buffer{};
  const auto end = SteadyClock::now() + std::chrono::seconds(o.seconds);
  while (SteadyClock::now() < end) {
    const int n = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 1000);
    for (int i = 0; i < n; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      auto& bytes = connections[fd];
      const auto got = read(fd, buffer.data(), buffer.size());
      if (got <= 0) give_up("the connection was closed");
      bytes.append(buffer.data(), static_cast<std::size_t>(got));
      while (const auto length = whole_answer(bytes)) {
        ++counted.answers;
        ++counted.by_status[bytes.substr(9, 3)];
        bytes.erase(0, *length);
        say(fd, request);
      }
    }
  }
  for (const auto& [fd, bytes] : connections) close(fd);
  close(epoll);
  return counted;
}

// Fresh connections, one after the other, beside `idle` ones of which half trickle half a head.
double fresh_p99_ms(const Options& o, const std::string& request) {
  std::vector<int> idle;
  for (int i = 0; i < o.idle; ++i) {
    idle.push_back(dial(o.port));
    if (i % 2 == 0) say(idle.back(), "GET / HTTP/1.1\r\nHo");
  }
  std::vector<double> times;
  for (int i = 0; i < 500; ++i) {
    const auto start = SteadyClock::now();
    const int fd = dial(o.port);
    ask_once(fd, request);
    times.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count());
    close(fd);
  }
  for (const int fd : idle) close(fd);
  std::sort(times.begin(), times.end());
  return times[times.size() * 99 / 100];
}

}  // namespace
}  // namespace everup::bench

int main(int argc, char** argv) {
  using namespace everup::bench;
  const auto o = parse_options(argc, argv);
  std::string request = "GET " + o.path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  if (o.etag) {
    const int fd = dial(o.port);
    const auto tag = etag_of(ask_once(fd, request));
    close(fd);
    request.insert(request.size() - 2, "If-None-Match: " + tag + "\r\n");
  }
  const auto counted = hammer(o, request);
  fmt::print("{:.0f} answers/s over {} connections", static_cast<double>(counted.answers) / o.seconds, o.connections);
  for (const auto& [status, count] : counted.by_status) fmt::print(", {} × {}", count, status);
  fmt::print("\nfresh connection beside {} idle or trickling ones: p99 {:.2f} ms\n", o.idle, fresh_p99_ms(o, request));
}
