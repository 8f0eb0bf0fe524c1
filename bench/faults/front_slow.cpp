// Slow strangers: two thousand connections that send their head or body a byte a second, or take their answer so, while
// others want to be served; and the cap of connections per address. Runs in a network namespace of its own.

#include <fmt/format.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "bench/faults/house.h"
#include "tests/api/client.h"
#include "tests/support/netns.h"

namespace everup::bench {
namespace {

using test::Client;

sockaddr_in place_of(const std::string& address, std::uint16_t port) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &place.sin_addr) != 1) throw std::runtime_error("bad address " + address);
  return place;
}

int dial(const std::string& to, std::uint16_t port, const std::string& from = {}, int receive_bytes = 0) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::runtime_error("socket");
  if (receive_bytes > 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  const auto target = place_of(to, port);
  const auto source = place_of(from.empty() ? "127.0.0.1" : from, 0);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0 ||
      connect(fd, reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0) {
    close(fd);
    throw std::runtime_error("cannot connect to " + to);
  }
  return fd;
}

bool gone(int fd) {
  char byte = 0;
  const ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN);
}

// One slow connection; opened again whenever it was closed.
struct Drip {
  enum class Kind { kHead, kBody, kRead };
  Kind kind;
  int fd = -1;
  std::int64_t opened_ms = 0;
};

class Crowd {
 public:
  Crowd(std::uint16_t port, int count) : port_(port) {
    constexpr std::array kKinds{Drip::Kind::kHead, Drip::Kind::kBody, Drip::Kind::kRead};
    for (int i = 0; i < count; ++i) drips_.push_back({kKinds[static_cast<std::size_t>(i) % kKinds.size()]});
    for (Drip& drip : drips_) open(drip);
    thread_ = std::thread([this] {
      while (!ends_) {
        step();
        wait_ms(500);
      }
    });
  }
  ~Crowd() {
    ends_ = true;
    thread_.join();
    for (const Drip& drip : drips_) close(drip.fd);
  }
  std::int64_t oldest_head_ms() const { return oldest_[0]; }
  std::int64_t oldest_body_ms() const { return oldest_[1]; }
  int closed() const { return closed_; }

 private:
  void open(Drip& drip) {
    drip.fd = dial("127.0.0.1", port_, {}, drip.kind == Drip::Kind::kRead ? 2048 : 0);
    drip.opened_ms = wall_ms();
    static constexpr std::array<std::string_view, 3> kFirst{
        "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
        "POST /api/v1/monitors HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{",
        "GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"};
    const auto bytes = kFirst[static_cast<std::size_t>(drip.kind)];
    (void)send(drip.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void step() {
    for (Drip& drip : drips_) {
      if (drip.kind == Drip::Kind::kRead) {
        char byte = 0;
        const ssize_t got = recv(drip.fd, &byte, 1, MSG_DONTWAIT);
        if (got > 0 || (got < 0 && errno == EAGAIN)) continue;
      } else {
        // An answer (408) that arrives is the end as well.
        char byte = 0;
        const bool told = recv(drip.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0;
        if (!told && send(drip.fd, "a", 1, MSG_NOSIGNAL) == 1) continue;
        auto& oldest = oldest_[static_cast<std::size_t>(drip.kind)];
        oldest = std::max<std::int64_t>(oldest, wall_ms() - drip.opened_ms);
      }
      close(drip.fd);
      ++closed_;
      open(drip);
    }
  }

  std::uint16_t port_;
  std::vector<Drip> drips_;
  std::array<std::atomic<std::int64_t>, 3> oldest_{};
  std::atomic<int> closed_{0};
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

struct Served {
  std::vector<double> ms;
  int failed = 0;
};

// New connections and a kept one, answered on the loop and by a handler with the database behind it.
void serve_healthy(House& house, std::int64_t until_ms, Served* out, std::int64_t* rss_max) {
  const std::string authorization = "Authorization: Bearer " + house.service().key() + "\r\n";
  for (int i = 0; wall_ms() < until_ms; ++i) {
    const auto start = std::chrono::steady_clock::now();
    Client client(house.service().port());
    const bool simple = i % 2 == 0;
    const auto answer = client.ask(
        test::request("GET", simple ? "/healthz" : "/api/v1/monitors?limit=10", simple ? "" : authorization));
    out->ms.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    out->failed += answer.status == 200 ? 0 : 1;
    *rss_max = std::max(*rss_max, house.usage().rss_bytes);
    wait_ms(20);
  }
}

void slow(Run& run) {
  test::in_own_network([&] {
    House house(run);
    const int connections = run.options().brief ? 500 : 2000;
    const std::int64_t seconds = run.options().brief ? 20 : 60;
    Served before, during;
    std::int64_t rss = 0, rss_max = 0;
    serve_healthy(house, wall_ms() + 5000, &before, &rss);
    std::int64_t oldest_head = 0, oldest_body = 0;
    int closed = 0;
    {
      Crowd crowd(house.service().port(), connections);
      serve_healthy(house, wall_ms() + seconds * 1000, &during, &rss_max);
      oldest_head = crowd.oldest_head_ms();
      oldest_body = crowd.oldest_body_ms();
      closed = crowd.closed();
    }
    const std::string what = fmt::format("{} slow connections for {} s: heads, bodies, readers", connections, seconds);
    const double p99 = quantile(during.ms, 0.99);
    run.found({what,
               fmt::format("{} healthy requests: p50 {:.1f}, p99 {:.1f} ms (before: {:.1f}), {} failed",
                           during.ms.size(), quantile(during.ms, 0.5), p99, quantile(before.ms, 0.99), during.failed),
               "p99 <= 250 ms, none failed", p99 <= 250 && during.failed == 0 && during.ms.size() > 50});
    const double each = static_cast<double>(rss_max - rss) / connections / 1024;
    run.found({what, fmt::format("RSS {:+} KiB at most, {:.1f} KiB a connection", (rss_max - rss) / 1024, each),
               "<= 64 KiB a connection", each <= 64});
    run.found(
        {what,
         fmt::format("{} closed; a head lived {:.1f} s at most, a body {:.1f} s", closed,
                     static_cast<double>(oldest_head) / 1000, static_cast<double>(oldest_body) / 1000),
         "some; a head 10 s, a body below 1 KiB/s 10 s (and 2 s of sweep and of our own look)",
         closed > 0 && oldest_head > 9000 && oldest_head <= 12'500 && oldest_body > 9000 && oldest_body <= 12'500});
  });
}

int stay_open(const std::string& to, std::uint16_t port, const std::string& from, int count) {
  std::vector<int> fds;
  for (int i = 0; i < count; ++i) fds.push_back(dial(to, port, from));
  // The front judges when it accepts, in order: when the last one is answered or closed, all are judged.
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
  int open = 0;
  for (const int fd : fds) {
    (void)send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    std::array<char, 4096> buffer{};
    open += recv(fd, buffer.data(), buffer.size(), 0) > 0 && !gone(fd) ? 1 : 0;
  }
  for (const int fd : fds) close(fd);
  return open;
}

void address_cap(Run& run) {
  test::in_own_network([&] {
    for (const char* address : {"198.51.100.1", "198.51.100.8", "198.51.100.9"}) {
      test::ip_command(std::string("address add ") + address + "/32 dev lo");
    }
    House house(run, {{"EVERUP_TRUSTED_PROXIES", "127.0.0.0/8 198.51.100.8"}}, false);
    house.service().also_listen("198.51.100.1");
    house.start();
    const auto port = house.service().port();
    const int stranger = stay_open("198.51.100.1", port, "198.51.100.9", 30);
    run.found({"30 connections from one foreign address", fmt::format("{} served", stranger), "20", stranger == 20});
    const int proxy = stay_open("198.51.100.1", port, "198.51.100.8", 60);
    run.found({"60 from a trusted proxy", fmt::format("{} served", proxy), "60", proxy == 60});
    const int loopback = stay_open("127.0.0.1", port, "127.0.0.1", 60);
    run.found({"60 from loopback", fmt::format("{} served", loopback), "60", loopback == 60});
    const int again = stay_open("198.51.100.1", port, "198.51.100.9", 20);
    run.found({"20 from the foreign address, afterwards", fmt::format("{} served", again), "20", again == 20});
  });
}

const Case kSlow{"front-slow", 6, "Two thousand slow connections: others are served in time, each costs little.", slow};
const Case kCap{"front-address-cap", 6, "Twenty connections an address, but not for loopback and trusted proxies.",
                address_cap};

}  // namespace
}  // namespace everup::bench
