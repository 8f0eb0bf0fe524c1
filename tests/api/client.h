// A blunt HTTP client for tests: raw bytes over a real socket, answers cut by Content-Length, every wait with a
// deadline.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace everup::test {

struct Reply {
  int status = 0;                             // 0: the peer closed without an answer
  std::map<std::string, std::string> fields;  // lower-case names
  std::string body;
  std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
};

class Client {
 public:
  explicit Client(std::uint16_t port, const std::string& address = "127.0.0.1") {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET, place.sin_port = htons(port);
    inet_pton(AF_INET, address.c_str(), &place.sin_addr);
    if (fd_ < 0 || connect(fd_, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0) {
      if (fd_ >= 0) close(fd_);
      throw std::runtime_error("cannot connect");
    }
  }
  ~Client() {
    if (fd_ >= 0) close(fd_);
  }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)), rest_(std::move(other.rest_)) {}
  Client& operator=(Client&&) = delete;

  int fd() const { return fd_; }
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // False: closed or nothing within the limit.
  bool more(std::chrono::milliseconds limit = std::chrono::seconds(60)) {
    pollfd entry{fd_, POLLIN, 0};
    if (poll(&entry, 1, static_cast<int>(limit.count())) <= 0) return false;
    char buffer[16384];
    const ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    rest_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }
  bool closed(std::chrono::milliseconds limit = std::chrono::seconds(60)) {
    while (more(limit)) {
    }
    pollfd entry{fd_, POLLIN, 0};
    char byte = 0;
    return poll(&entry, 1, 0) > 0 && recv(fd_, &byte, 1, MSG_PEEK) <= 0;
  }
  Reply receive(bool head = false) {
    std::size_t end = 0;
    while ((end = rest_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return {};
    }
    Reply reply = parse(rest_.substr(0, end + 2));
    rest_.erase(0, end + 4);
    const bool bodiless = head || reply.status == 204 || reply.status == 304 || reply.status < 200;
    const std::size_t length = bodiless ? 0 : std::strtoul(reply.field("content-length").c_str(), nullptr, 10);
    while (rest_.size() < length && more()) {
    }
    reply.body = rest_.substr(0, length);
    rest_.erase(0, length);
    return reply;
  }
  Reply ask(std::string_view bytes, bool head = false) {
    send(bytes);
    return receive(head);
  }
  const std::string& rest() const { return rest_; }

 private:
  static Reply parse(const std::string& head) {
    Reply reply;
    reply.status = std::atoi(head.c_str() + 9);
    std::size_t at = head.find("\r\n") + 2;
    while (at < head.size()) {
      const std::size_t end = head.find("\r\n", at);
      const std::string line = head.substr(at, end - at);
      at = end + 2;
      const std::size_t colon = line.find(": ");
      std::string name = line.substr(0, colon);
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      reply.fields[name] = colon == std::string::npos ? "" : line.substr(colon + 2);
    }
    return reply;
  }
  int fd_ = -1;
  std::string rest_;
};

inline std::string request(const std::string& method, const std::string& target, const std::string& fields = "",
                           const std::string& body = "") {
  std::string out = method + " " + target + " HTTP/1.1\r\nHost: test\r\n" + fields;
  if (!body.empty()) out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return out + "\r\n" + body;
}

}  // namespace everup::test
