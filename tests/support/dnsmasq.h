// A real dnsmasq on a free loopback port. It binds its port itself, UDP and TCP, and another suite may have taken one
// of them meanwhile: then it tries another. Dies with this object.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/ports.h"
#include "tests/support/process.h"

namespace everup::test {

class Dnsmasq {
 public:
  // `more`: "--host-record=a.test,192.0.2.1", "--address=/gone.test/", …
  explicit Dnsmasq(const std::vector<std::string>& more) {
    for (int attempt = 0; attempt < 20; ++attempt) {
      port_ = free_port("127.0.0.1", SOCK_DGRAM);
      std::vector<std::string> words{"dnsmasq",
                                     "--no-daemon",
                                     "--no-resolv",
                                     "--no-hosts",
                                     "--conf-file=/dev/null",
                                     "--log-facility=-",
                                     "--log-queries",
                                     "--listen-address=127.0.0.1",
                                     "--bind-interfaces",
                                     "--port=" + std::to_string(port_)};
      words.insert(words.end(), more.begin(), more.end());
      child_ = std::make_unique<Child>(words);
      if (child_->wait_for_output("started, version")) return;
    }
    throw std::runtime_error("dnsmasq: " + child_->output());
  }
  std::uint16_t port() const { return port_; }
  std::string log() const { return child_->output(); }

 private:
  std::uint16_t port_ = 0;
  std::unique_ptr<Child> child_;
};

}  // namespace everup::test
