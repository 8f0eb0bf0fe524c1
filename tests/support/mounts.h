// Disks of a test's own: a function runs on a thread inside a fresh mount namespace, where small file systems may be
// mounted and filled; nobody else sees them and they vanish with it. Threads and processes that it
// starts live there too. Needs root, as ./test has.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace everup::test {

inline void in_own_mounts(const std::function<void()>& body) {
  std::exception_ptr thrown;
  std::thread thread([&] {
    try {
      if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        throw std::runtime_error("unshare(CLONE_NEWNS) failed: root is needed");
      }
      body();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

// A file system of `bytes` at `path`; only inside in_own_mounts().
class SmallDisk {
 public:
  SmallDisk(std::string path, std::int64_t bytes, const std::string& more = {}) : path_(std::move(path)) {
    const std::string options = "size=" + std::to_string(bytes) + more;
    if ((mkdir(path_.c_str(), 0755) != 0 && errno != EEXIST) ||
        mount("everup-test", path_.c_str(), "tmpfs", MS_NOSUID, options.c_str()) != 0) {
      throw std::runtime_error("cannot mount a tmpfs at " + path_);
    }
  }
  ~SmallDisk() { umount2(path_.c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::string& path() const { return path_; }
  // Takes all the room that is left.
  void fill() const {
    const int fd = open(ballast().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) throw std::runtime_error("cannot make " + ballast());
    for (std::size_t piece = 1 << 16; piece > 0;) {
      const std::string bytes(piece, 'x');
      if (write(fd, bytes.data(), bytes.size()) <= 0) piece /= 2;
    }
    close(fd);
  }
  void relieve() const {
    if (unlink(ballast().c_str()) != 0) throw std::runtime_error("cannot remove " + ballast());
  }

 private:
  std::string ballast() const { return path_ + "/ballast"; }
  std::string path_;
};

}  // namespace everup::test
