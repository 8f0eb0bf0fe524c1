// A name server on a thread of its own (UDP and no more), which answers by a function of the test's, late or not at
// all, while a whole service asks it. The scripts of tests/net/dns_server.h run on the test's own loop instead.
//
// The function is called on the server's thread. At most 65 536 answers wait for their time.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/address.h"
#include "tests/support/ports.h"

namespace everup::test {

struct NameAnswer {
  int rcode = 0;                       // 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED
  std::vector<std::string> addresses;  // those of the family that was asked for are given
  int after_ms = 0;                    // negative: never
  std::uint32_t ttl = 0;
};

class NameServer {
 public:
  using Script = std::function<NameAnswer(const std::string& name)>;

  explicit NameServer(Script script, const std::string& address = "127.0.0.1", std::uint16_t port = 0)
      : script_(std::move(script)),
        socket_(address, SOCK_DGRAM, port),
        address_(address),
        stop_(eventfd(0, EFD_CLOEXEC)),
        thread_([this] { serve(); }) {}
  ~NameServer() {
    const std::uint64_t one = 1;
    if (write(stop_, &one, sizeof one) != static_cast<ssize_t>(sizeof one)) std::abort();
    thread_.join();
    close(stop_);
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  std::string place() const { return address_ + ":" + std::to_string(socket_.port()); }
  std::uint16_t port() const { return socket_.port(); }
  std::int64_t asked() const { return asked_; }
  void silence(bool on) { silent_ = on; }  // nothing is answered any more, whatever the script says

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Waiting {
    std::string message;
    sockaddr_storage to{};
    socklen_t length = 0;
  };

  void serve() {
    for (;;) {
      int wait = -1;
      if (!late_.empty()) {
        const auto left = late_.begin()->first - std::chrono::steady_clock::now();
        wait = static_cast<int>(std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(left).count()));
      }
      pollfd entries[2] = {{socket_.fd(), POLLIN, 0}, {stop_, POLLIN, 0}};
      if (poll(entries, 2, wait) < 0 || entries[1].revents != 0) return;
      if (entries[0].revents != 0) take();
      while (!late_.empty() && late_.begin()->first <= std::chrono::steady_clock::now()) {
        send(late_.begin()->second);
        late_.erase(late_.begin());
      }
    }
  }
  void take() {
    char bytes[4096];
    Waiting query;
    query.length = sizeof query.to;
    const ssize_t got =
        recvfrom(socket_.fd(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&query.to), &query.length);
    if (got < 17) return;
    const std::string message(bytes, static_cast<std::size_t>(got));
    std::string name;
    std::size_t at = 12;
    while (at < message.size() && message[at] != 0) {
      const auto length = static_cast<std::size_t>(static_cast<unsigned char>(message[at]));
      name += (name.empty() ? "" : ".") + message.substr(at + 1, length);
      at += length + 1;
    }
    if (at + 5 > message.size()) return;
    ++asked_;
    const int type = static_cast<unsigned char>(message[at + 2]);
    const NameAnswer answer = script_(name);
    if (silent_ || answer.after_ms < 0 || late_.size() >= 65'536) return;
    query.message = reply(message.substr(0, at + 5), name, type, answer);
    late_.emplace(std::chrono::steady_clock::now() + std::chrono::milliseconds(answer.after_ms), std::move(query));
  }
  void send(const Waiting& answer) {
    sendto(socket_.fd(), answer.message.data(), answer.message.size(), 0, reinterpret_cast<const sockaddr*>(&answer.to),
           answer.length);
  }
  static std::string be16(std::size_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }
  // The root's servers (type 2) are answered with one, as control questions want it.
  static std::string reply(const std::string& question, const std::string& name, int type, const NameAnswer& answer) {
    std::vector<std::string> records;
    for (const std::string& text : answer.addresses) {
      const auto address = net::Address::parse(text);
      if (!address || type != (address->v4() ? 1 : 28)) continue;
      records.emplace_back(reinterpret_cast<const char*>(address->bytes.data()), address->v4() ? 4 : 16);
    }
    if (type == 2 && name.empty() && answer.rcode == 0) records.emplace_back("\1a\0", 3);
    std::string out = question.substr(0, 2) + '\x85' + static_cast<char>(0x80 | answer.rcode) + be16(1) +
                      be16(records.size()) + be16(0) + be16(0) + question.substr(12);
    for (const std::string& data : records)
      out += "\xc0\x0c" + be16(static_cast<std::size_t>(type)) + be16(1) + be16(0) + be16(answer.ttl) +
             be16(data.size()) + data;
    return out;
  }

  Script script_;
  BoundSocket socket_;
  std::string address_;
  int stop_;
  std::atomic<std::int64_t> asked_{0};
  std::atomic<bool> silent_{false};
  std::multimap<Time, Waiting> late_;
  std::thread thread_;
};

}  // namespace everup::test
