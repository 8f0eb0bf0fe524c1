// nginx on loopback as the target of bench/load: one plain or TLS port on every address of 127.0.0.0/8, a log line a
// request.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <string>

namespace everup::bench {

struct NginxOptions {
  std::string directory;  // for configuration, log and certificates
  std::uint16_t port = 0;
  bool https = false;
  std::string names = "DNS:localhost,IP:127.0.0.1";  // of the certificate, as openssl writes them
};

// Owned child; SIGTERM and wait on destruction. Log: "<unix seconds.ms of the request's start> <path>".
class TargetNginx {
 public:
  explicit TargetNginx(const NginxOptions& options);  // exits the bench with a message when nginx does not come up
  ~TargetNginx();
  TargetNginx(const TargetNginx&) = delete;
  TargetNginx& operator=(const TargetNginx&) = delete;
  std::string log_path() const { return options_.directory + "/access.log"; }
  std::string ca_path() const { return options_.directory + "/ca.pem"; }
  pid_t pid() const { return pid_; }

 private:
  NginxOptions options_;
  pid_t pid_ = -1;
};

}  // namespace everup::bench
