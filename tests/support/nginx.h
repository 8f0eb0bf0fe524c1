// nginx on a listening socket that the test made: ready before it starts. One worker, everything below the test's
// TempDir.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "tests/support/ports.h"
#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::test {

class Nginx {
 public:
  // `server` goes into one server block that listens on the port ("listen ADDRESS:PORT OPTIONS" is added), `beside`
  // next to it (upstreams, log formats).
  Nginx(const TempDir& dir, const std::string& server, const std::string& listen_options = {},
        const std::string& address = "127.0.0.1", const std::string& beside = {})
      : listener_(address, 1024) {
    const std::string place =
        (address.find(':') == std::string::npos ? address : "[" + address + "]") + ":" + std::to_string(port());
    const std::string name = "nginx-" + std::to_string(port());
    const std::string configuration = dir.write(
        name + ".conf", "daemon off; worker_processes 1; pid " + dir.file(name + ".pid") +
                            "; error_log stderr notice;\nevents { worker_connections 1024; }\nhttp { access_log off; "
                            "client_body_temp_path " +
                            dir.file(name + ".body") + "; proxy_temp_path " + dir.file(name + ".proxy") +
                            "; fastcgi_temp_path " + dir.file(name + ".fastcgi") + "; uwsgi_temp_path " +
                            dir.file(name + ".uwsgi") + "; scgi_temp_path " + dir.file(name + ".scgi") + ";\n" +
                            beside + "\nserver { listen " + place + " " + listen_options + ";\n" + server + "\n} }\n");
    Child::Options options;
    options.keep_fds = {listener_.fd()};
    options.environment["NGINX"] = std::to_string(listener_.fd()) + ";";
    options.stop_signal = SIGQUIT;
    child_ = std::make_unique<Child>(
        std::vector<std::string>{"nginx", "-c", configuration, "-p", dir.path(), "-e", "stderr"}, std::move(options));
    if (!child_->wait_for_output("start worker process ")) throw std::runtime_error("nginx: " + child_->output());
  }
  std::uint16_t port() const { return listener_.port(); }
  Child& child() { return *child_; }

 private:
  Listener listener_;
  std::unique_ptr<Child> child_;
};

}  // namespace everup::test
