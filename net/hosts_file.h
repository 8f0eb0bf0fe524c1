// /etc/hosts, read when it changes: looked at (stat) at most once a second, on the caller's turn. A missing or
// unreadable file is an empty one, as everywhere else on the system. At most kBytesMax of it are read and 32 addresses
// kept for a name. Owned by one resolver.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/time.h"
#include "net/address.h"

namespace everup::net {

// Tells whether a file may have become another one since the last question.
class FileWatch {
 public:
  explicit FileWatch(std::string path) : path_(std::move(path)) {}
  bool changed(Instant now);  // true at the first call
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool asked_ = false;
  Instant next_;
  struct stat seen_ {};
};

class HostsFile {
 public:
  static constexpr std::size_t kBytesMax = 4 * 1024 * 1024;
  static constexpr std::size_t kAddressesMax = 32;

  explicit HostsFile(std::string path) : watch_(std::move(path)) {}
  // The addresses of a lower-case name without trailing dot, in the file's order; null: not in it. Valid until the next
  // call.
  const std::vector<Address>* find(const std::string& name, Instant now);

 private:
  void read();
  void add_line(std::string_view line);

  FileWatch watch_;
  std::unordered_map<std::string, std::vector<Address>> names_;
};

}  // namespace everup::net
