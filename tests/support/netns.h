// A network of a test's own: a function runs on a thread inside a fresh network namespace, where lo is up and nothing
// else exists. Addresses, routes and packet filters made there (ip, nft) touch nobody and vanish with it. Needs root,
// as ./test has.
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

}  // namespace everup::test
