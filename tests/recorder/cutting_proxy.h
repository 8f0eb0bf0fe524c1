// A unix-socket proxy before PostgreSQL that can cut a connection right after the server has answered a COMMIT, without
// passing the answer on: the commit in doubt, made certain. One thread; waits on events only.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace everup::db::test {

class CuttingProxy {
 public:
  CuttingProxy(const std::string& listen_path, std::string upstream_path) : upstream_(std::move(upstream_path)) {
    listener_ = bound_socket(listen_path);
    wake_ = eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { run(); });
  }
  ~CuttingProxy() {
    const std::uint64_t one = 1;
    if (write(wake_, &one, sizeof one) != sizeof one) std::abort();
    thread_.join();
    close(wake_);
    close(listener_);
  }
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  // Every COMMIT from now on loses its answer, `count` times.
  void cut_commits(int count) { to_cut_ = count; }
  int cuts() const { return cuts_; }

 private:
  struct Pair {
    int client = -1, server = -1;
    bool cutting = false;  // the next answer of the server ends the connection
  };

  static sockaddr_un address(const std::string& path) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() >= sizeof at.sun_path) throw std::runtime_error("path too long: " + path);
    path.copy(at.sun_path, path.size());
    return at;
  }
  static int bound_socket(const std::string& path) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un at = address(path);
    if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || listen(fd, 16) != 0) {
      throw std::runtime_error("cannot listen on " + path);
    }
    return fd;
  }

  void accept_one() {
    Pair pair;
    pair.client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    pair.server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un at = address(upstream_);
    if (pair.client < 0 || connect(pair.server, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
      end(pair);
      return;
    }
    pairs_.push_back(pair);
  }
  static void end(Pair& pair) {
    if (pair.client >= 0) close(pair.client);
    if (pair.server >= 0) close(pair.server);
    pair.client = pair.server = -1;
  }
  // False: that side is gone.
  static bool pass(int from, int to, std::string& seen) {
    std::array<char, 65536> bytes{};
    const ssize_t got = read(from, bytes.data(), bytes.size());
    if (got <= 0) return false;
    seen.assign(bytes.data(), static_cast<std::size_t>(got));
    for (std::size_t done = 0; done < seen.size();) {
      const ssize_t sent = send(to, seen.data() + done, seen.size() - done, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      done += static_cast<std::size_t>(sent);
    }
    return true;
  }
  void from_client(Pair& pair) {
    std::string seen;
    if (!pass(pair.client, pair.server, seen)) return end(pair);
    const std::string_view commit(
        "Q\0\0\0\x0b"
        "COMMIT\0",
        12);  // a simple query, as libpqxx sends it
    if (seen.find(commit) == std::string::npos || to_cut_ <= 0) return;
    --to_cut_;
    pair.cutting = true;
  }
  void from_server(Pair& pair) {
    if (pair.cutting) {
      std::array<char, 4096> dropped{};
      if (read(pair.server, dropped.data(), dropped.size()) > 0) ++cuts_;
      return end(pair);
    }
    std::string seen;
    if (!pass(pair.server, pair.client, seen)) end(pair);
  }

  void run() {
    for (;;) {
      std::vector<pollfd> fds{{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const Pair& pair : pairs_) fds.push_back({pair.client, POLLIN, 0}), fds.push_back({pair.server, POLLIN, 0});
      poll(fds.data(), fds.size(), -1);
      if (fds[0].revents != 0) break;
      std::size_t i = 2;
      for (Pair& pair : pairs_) {
        if (fds[i].revents != 0) from_client(pair);
        if (pair.server >= 0 && fds[i + 1].revents != 0) from_server(pair);
        i += 2;
      }
      pairs_.remove_if([](const Pair& pair) { return pair.client < 0; });
      if (fds[1].revents != 0) accept_one();
    }
    for (Pair& pair : pairs_) end(pair);
  }

  const std::string upstream_;
  int listener_ = -1, wake_ = -1;
  std::list<Pair> pairs_;
  std::atomic<int> to_cut_{0}, cuts_{0};
  std::thread thread_;
};

}  // namespace everup::db::test
