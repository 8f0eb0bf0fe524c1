// Real servers and tools as children of a test. The child dies with the thread that started it (PDEATHSIG) and with
// this object (SIGKILL after `stop_signal` and two seconds), so start children from the test's main thread. A thread of
// ours drains its stdout and stderr (merged), so a talkative child never blocks; at most 4 MiB are kept. Waiting is on
// events: output, exit or a deadline.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

extern char** environ;

namespace everup::test {

class Child {
 public:
  struct Options {
    std::map<std::string, std::string> environment;  // added to ours
    std::vector<int> keep_fds;                       // inherited under the same numbers
    std::string directory;                           // empty: ours
    int stop_signal = SIGTERM;                       // sent by the destructor first
    int run_as = -1;                                 // user id to change to (and the same group id); -1: stay
  };

  explicit Child(std::vector<std::string> argv) : Child(std::move(argv), Options{}) {}
  Child(std::vector<std::string> argv, Options options) : options_(std::move(options)) { start(std::move(argv)); }
  ~Child() {
    if (!wait(std::chrono::milliseconds(0))) {
      signal(options_.stop_signal);
      if (!wait(std::chrono::seconds(2))) {
        signal(SIGKILL);
        wait(std::chrono::seconds(30));
      }
    }
    if (input_ >= 0) close(input_);
    // A grandchild may still hold the pipe: wake the reader instead of waiting for its end.
    if (const char byte = 0; write(wake_[1], &byte, 1) != 1) std::abort();
    reader_.join();
    close(output_), close(pidfd_), close(wake_[0]), close(wake_[1]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) {
    if (!status_) kill(pid_, number);
  }
  // The exit status (128 + signal number when killed), or nothing when it still runs at the deadline.
  std::optional<int> wait(std::chrono::milliseconds limit = std::chrono::seconds(60)) {
    if (status_) return status_;
    pollfd entry{pidfd_, POLLIN, 0};
    if (poll(&entry, 1, static_cast<int>(limit.count())) <= 0) return std::nullopt;
    int raw = 0;
    if (waitpid(pid_, &raw, 0) != pid_) return std::nullopt;
    status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    return status_;
  }
  // True as soon as `text` was printed; false when output ended or the deadline passed without it.
  bool wait_for_output(const std::string& text, std::chrono::milliseconds limit = std::chrono::seconds(60)) {
    std::unique_lock lock(mutex_);
    const auto there = [&] { return text_.find(text) != std::string::npos; };
    changed_.wait_for(lock, limit, [&] { return there() || ended_; });
    return there();
  }
  // All output until its end (or the deadline).
  std::string all_output(std::chrono::milliseconds limit = std::chrono::seconds(60)) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [&] { return ended_; });
    return text_;
  }
  std::string output() const {
    std::lock_guard lock(mutex_);
    return text_;
  }
  bool type(const std::string& text) const {  // to the child's stdin
    return write(input_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }
  void close_input() {
    if (input_ >= 0) close(std::exchange(input_, -1));
  }

 private:
  static constexpr std::size_t kOutputMax = 4u << 20;

  void start(std::vector<std::string> argv) {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(wake_, O_CLOEXEC) != 0) fail("pipe2");
    std::vector<std::string> variables;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string text = *entry;
      if (!options_.environment.contains(text.substr(0, text.find('=')))) variables.push_back(text);
    }
    for (const auto& [name, value] : options_.environment) variables.push_back(name + "=" + value);
    const auto pointers = [](std::vector<std::string>& list) {
      std::vector<char*> result;
      for (std::string& entry : list) result.push_back(entry.data());
      result.push_back(nullptr);
      return result;
    };
    std::vector<char*> arguments = pointers(argv), variable_pointers = pointers(variables);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) fail("fork");
    if (pid_ == 0) become(in[0], out[1], parent, arguments.data(), variable_pointers.data());
    close(in[0]), close(out[1]);
    input_ = in[1], output_ = out[0];
    pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    if (pidfd_ < 0) fail("pidfd_open");
    reader_ = std::thread([this] { drain(); });
  }
  // Between fork and exec: async-signal-safe calls only.
  [[noreturn]] void become(int in, int out, pid_t parent, char** argv, char** variables) const {
    const bool fine = dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2;
    for (const int fd : options_.keep_fds) fcntl(fd, F_SETFD, 0);
    if (!options_.directory.empty() && chdir(options_.directory.c_str()) != 0) _exit(126);
    if (options_.run_as >= 0) {
      const auto id = static_cast<unsigned>(options_.run_as);
      if (setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0) _exit(126);
    }
    ::signal(SIGPIPE, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!fine || getppid() != parent) _exit(126);
    execvpe(argv[0], argv, variables);
    _exit(127);
  }
  void drain() {
    for (char buffer[8192];;) {
      pollfd entries[2] = {{output_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
      if (poll(entries, 2, -1) < 0) break;
      if (entries[0].revents == 0) break;  // woken: the object goes
      const ssize_t got = read(output_, buffer, sizeof buffer);
      if (got <= 0) break;
      std::lock_guard lock(mutex_);
      if (text_.size() < kOutputMax) text_.append(buffer, static_cast<std::size_t>(got));
      changed_.notify_all();
    }
    std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  [[noreturn]] static void fail(const char* what) { throw std::runtime_error(std::string("child process: ") + what); }

  Options options_;
  pid_t pid_ = -1;
  int pidfd_ = -1, input_ = -1, output_ = -1;
  int wake_[2] = {-1, -1};
  std::optional<int> status_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  bool ended_ = false;
  std::thread reader_;
};

// Runs a tool to its end; throws with its output when it fails.
inline std::string run_tool(std::vector<std::string> argv, Child::Options options = {}) {
  const std::string name = argv.at(0) + " " + (argv.size() > 1 ? argv[1] : "");
  Child child(std::move(argv), std::move(options));
  child.close_input();
  const auto status = child.wait(std::chrono::seconds(120));
  std::string text = child.all_output(std::chrono::seconds(5));
  if (status != 0) throw std::runtime_error(name + " failed: " + text);
  return text;
}

}  // namespace everup::test
