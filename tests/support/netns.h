// A network of a test's own: a function runs on a thread inside a fresh network namespace, where lo is up and nothing
// else exists. Addresses, routes and packet filters made there (ip, nft) touch nobody and vanish with it. Needs root,
// as ./test has. OtherNetwork is a second one, for what must lie at the far end of a line.
#pragma once

#include <sched.h>

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/process.h"

namespace everup::test {

inline void in_own_network(const std::function<void()>& body) {
  std::exception_ptr thrown;
  std::thread thread([&] {
    try {
      if (unshare(CLONE_NEWNET) != 0) throw std::runtime_error("unshare(CLONE_NEWNET) failed: root is needed");
      run_tool({"ip", "link", "set", "lo", "up"});
      body();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

inline void ip_command(const std::string& words) { run_tool({"sh", "-c", "ip " + words}); }

// Kept by a sleeping child; start it on a thread that lives as long as this object.
class OtherNetwork {
 public:
  OtherNetwork() : holder_({"unshare", "-n", "sh", "-c", "ip link set lo up && echo there && exec sleep infinity"}) {
    if (!holder_.wait_for_output("there")) throw std::runtime_error("no second network: " + holder_.output());
  }
  std::string pid() const { return std::to_string(holder_.pid()); }  // for `ip link set … netns PID`
  // A command line that runs over there.
  std::vector<std::string> command(std::vector<std::string> argv) const {
    argv.insert(argv.begin(), {"nsenter", "--net=/proc/" + pid() + "/ns/net"});
    return argv;
  }
  // Runs `body` on a thread over there: sockets it makes stay there, threads it starts too. Children of it end with it.
  void inside(const std::function<void()>& body) const {
    std::exception_ptr thrown;
    std::thread thread([&] {
      try {
        const int fd = open(("/proc/" + pid() + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
        const bool there = fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
        if (fd >= 0) close(fd);
        if (!there) throw std::runtime_error("setns failed: root is needed");
        body();
      } catch (...) {
        thrown = std::current_exception();
      }
    });
    thread.join();
    if (thrown) std::rethrow_exception(thrown);
  }

 private:
  Child holder_;
};

}  // namespace everup::test
