// A webhook receiver over a plain socket: keeps whole requests and answers what the test says.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "alerts/safe_text.h"
#include "tests/support/fake_server.h"

namespace everup::alerts::test {

struct Received {
  std::string path;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class Receiver {
 public:
  // The answer to the nth request (from 0): status line and fields ("200 OK\r\nRetry-After: 5"); empty: none ever.
  using Answer = std::function<std::string(const Received& request, int number)>;

  explicit Receiver(Answer answer = nullptr)
      : answer_(std::move(answer)), server_([this](everup::test::FakeConnection& c) { serve(c); }) {}
  std::string url(const std::string& path = "/hook") const {
    return "http://127.0.0.1:" + std::to_string(server_.port()) + path;
  }
  std::uint16_t port() const { return server_.port(); }
  int connections() const { return server_.accepted(); }
  std::vector<Received> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // Once there are `count` of them; what there is after a minute.
  std::vector<Received> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::minutes(1), [&] { return requests_.size() >= count; });
    return requests_;
  }

 private:
  static Received parsed(const std::string& head) {
    Received request;
    const auto space = head.find(' ');
    request.path = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
    for (std::size_t start = head.find("\r\n") + 2; start < head.size();) {
      const auto end = head.find("\r\n", start);
      const std::string line = head.substr(start, end - start);
      if (line.empty()) break;
      const auto colon = line.find(':');
      request.headers[lower_ascii(line.substr(0, colon))] = line.substr(line.find_first_not_of(' ', colon + 1));
      start = end + 2;
    }
    return request;
  }
  void serve(everup::test::FakeConnection& connection) {
    std::string text = connection.read_request();
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) return;
    Received request = parsed(text.substr(0, end + 2));
    request.body = text.substr(end + 4);
    const std::size_t length = std::stoul("0" + request.headers["content-length"]);
    while (request.body.size() < length) {
      const std::string some = connection.read_some();
      if (some.empty()) return;
      request.body += some;
    }
    int number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = static_cast<int>(requests_.size());
      requests_.push_back(request);
      changed_.notify_all();
    }
    const std::string answer = answer_ ? answer_(request, number) : "204 No Content";
    if (answer.empty()) return connection.wait_for_close();
    connection.send("HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  }

  Answer answer_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Received> requests_;
  everup::test::FakeServer server_;
};

}  // namespace everup::alerts::test
