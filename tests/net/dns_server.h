// A DNS server of a few lines, on the test's own loop, with every fault a test needs: it answers what its script says,
// or nothing.
#pragma once

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/fd.h"
#include "net/loop.h"

namespace everup::net {

struct DnsQuery {
  std::string raw;   // header and question
  std::string name;  // "a.test"; "." is the root
  int type = 0;      // 1 A, 2 NS, 5 CNAME, 28 AAAA
  bool tcp = false;
};

struct DnsRecord {
  std::string name;
  int type;
  std::uint32_t ttl;
  std::string data;
};

inline std::string be16(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }
inline std::string wire_name(const std::string& name) {
  std::string out;
  for (std::size_t at = 0; name != "." && at < name.size();) {
    const std::size_t end = std::min(name.find('.', at), name.size());
    out += static_cast<char>(end - at) + name.substr(at, end - at);
    at = end + 1;
  }
  return out + '\0';
}
inline DnsRecord a(const std::string& name, const std::string& address, std::uint32_t ttl = 60) {
  const Address parsed = Address::parse(address).value_or(Address{});
  const std::size_t size = parsed.v4() ? 4 : 16;
  return {name, parsed.v4() ? 1 : 28, ttl, std::string(reinterpret_cast<const char*>(parsed.bytes.data()), size)};
}
inline DnsRecord cname(const std::string& name, const std::string& to, std::uint32_t ttl = 60) {
  return {name, 5, ttl, wire_name(to)};
}

inline std::string reply(const DnsQuery& query, int rcode, const std::vector<DnsRecord>& records = {},
                         bool truncated = false) {
  std::string out = query.raw.substr(0, 2);
  out += static_cast<char>(truncated ? 0x87 : 0x85);
  out += static_cast<char>(0x80 | rcode);
  out += be16(1) + be16(static_cast<unsigned>(records.size())) + be16(0) + be16(0) + query.raw.substr(12);
  for (const DnsRecord& record : records) {
    out += wire_name(record.name) + be16(static_cast<unsigned>(record.type)) + be16(1);
    out += be16(record.ttl >> 16) + be16(record.ttl & 0xffff) + be16(static_cast<unsigned>(record.data.size())) +
           record.data;
  }
  return out;
}

class DnsServer {
 public:
  using Script = std::function<std::vector<std::string>(const DnsQuery&)>;  // the messages to send back

  DnsServer(Loop& loop, Script script) : loop_(loop), script_(std::move(script)) {
    // UDP and TCP on one port: another try when the second half is taken.
    for (int tries = 0; tries < 100 && !tcp_; ++tries) {
      udp_ = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      address_ = bound(udp_, 0);
      Fd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      if (bound(tcp, address_.port).port == address_.port && ::listen(tcp.value(), 8) == 0) tcp_ = std::move(tcp);
    }
    EXPECT_TRUE(tcp_);
    EXPECT_TRUE(loop_.watch(udp_.value(), EPOLLIN, [this](std::uint32_t) { on_udp(); }).ok());
    EXPECT_TRUE(loop_.watch(tcp_.value(), EPOLLIN, [this](std::uint32_t) { on_accept(); }).ok());
  }
  ~DnsServer() {
    loop_.unwatch(udp_.value());
    loop_.unwatch(tcp_.value());
    for (const auto& [fd, held] : connections_) loop_.unwatch(fd);
  }
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  const Address& address() const { return address_; }
  int asked(const std::string& name, int type = 0) const {
    int count = 0;
    for (const DnsQuery& query : log) count += query.name == name && (type == 0 || query.type == type);
    return count;
  }
  std::vector<DnsQuery> log;
  std::vector<std::uint16_t> ports;  // the asker's, by datagram

 private:
  static Address bound(const Fd& fd, std::uint16_t port) {
    sockaddr_storage storage;
    const socklen_t length = Address::from_v4(0x7f000001, port).to_sockaddr(storage);
    if (::bind(fd.value(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) return {};
    socklen_t size = sizeof storage;
    EXPECT_EQ(::getsockname(fd.value(), reinterpret_cast<sockaddr*>(&storage), &size), 0);
    return Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage)).value_or(Address{});
  }

  std::vector<std::string> answer(const std::string& message, bool tcp) {
    DnsQuery query{message, {}, 0, tcp};
    std::size_t at = 12;
    while (at < message.size() && message[at] != 0) {
      const auto length = static_cast<std::size_t>(message[at]);
      query.name += (query.name.empty() ? "" : ".") + message.substr(at + 1, length);
      at += length + 1;
    }
    if (query.name.empty()) query.name = ".";
    query.type = static_cast<unsigned char>(message.at(at + 2));
    query.raw.resize(at + 5);
    log.push_back(query);
    return script_(query);
  }
  void on_udp() {
    char bytes[4096];
    sockaddr_storage from;
    socklen_t length = sizeof from;
    const ssize_t got = ::recvfrom(udp_.value(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (got < 12) return;
    ports.push_back(Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&from)).value_or(Address{}).port);
    for (const std::string& each : answer(std::string(bytes, static_cast<std::size_t>(got)), false)) {
      ::sendto(udp_.value(), each.data(), each.size(), 0, reinterpret_cast<const sockaddr*>(&from), length);
    }
  }
  void on_accept() {
    Fd connection(::accept4(tcp_.value(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!connection) return;
    const int fd = connection.value();
    connections_[fd] = std::move(connection);
    EXPECT_TRUE(loop_.watch(fd, EPOLLIN, [this, fd](std::uint32_t) { on_tcp(fd); }).ok());
  }
  void on_tcp(int fd) {
    char bytes[4096];
    const ssize_t got = ::read(fd, bytes, sizeof bytes);  // the asker's message comes in one piece on loopback
    if (got < 14) {
      loop_.unwatch(fd);
      connections_.erase(fd);
      return;
    }
    for (const std::string& each : answer(std::string(bytes + 2, static_cast<std::size_t>(got) - 2), true)) {
      const std::string framed = be16(static_cast<unsigned>(each.size())) + each;
      EXPECT_EQ(::write(fd, framed.data(), framed.size()), static_cast<ssize_t>(framed.size()));
    }
  }

  Loop& loop_;
  Script script_;
  Fd udp_, tcp_;
  Address address_;
  std::map<int, Fd> connections_;
};

}  // namespace everup::net
