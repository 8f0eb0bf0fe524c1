// See pg_tools.h. stdin is a socket, so that a tool that ends early is an error of send() and no SIGPIPE.
#include "db/pg_tools.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>

#include "db/process_start.h"

extern char** environ;

namespace everup::db {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::size_t kWordsMax = 4096;
constexpr milliseconds kExitPatience{60'000};

struct Descriptors {
  int in = -1, out = -1, err = -1;
};

// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void become_tool(const Descriptors& ends, pid_t parent, char** argv, char** env) {
  if (dup2(ends.in, 0) < 0 || dup2(ends.out, 1) < 0 || dup2(ends.err, 2) < 0) _exit(126);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent) _exit(126);
  execve(argv[0], argv, env);
  _exit(127);
}

std::vector<std::string> full_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> lines;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string line(*entry);
    if (!added.contains(line.substr(0, line.find('=')))) lines.push_back(line);
  }
  for (const auto& [name, value] : added) lines.push_back(name + "=" + value);
  return lines;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// One run of one tool.
class ToolRun {
 public:
  explicit ToolRun(const ToolPlan& plan) : plan_(plan) {}
  ~ToolRun() {
    if (started_.pid > 0) {  // given up
      kill(started_.pid, SIGKILL);
      waitpid(started_.pid, nullptr, 0);
    }
    for (const int fd : {ours_.in, ours_.out, ours_.err, started_.pidfd}) {
      if (fd >= 0) close(fd);
    }
  }
  ToolRun(const ToolRun&) = delete;
  ToolRun& operator=(const ToolRun&) = delete;

  Status run() {
    if (Status status = start(); !status) return status;
    while (ours_.out >= 0 || ours_.err >= 0) {
      if (Status status = turn(); !status) return status;
    }
    return finish();
  }

 private:
  Error fail(ErrorCode code, const std::string& what) const {
    return {code, std::filesystem::path(plan_.argv[0]).filename().string() + ": " + what};
  }
  Status start();
  Status turn();
  Status give();
  Status take();
  void listen();
  Status finish();

  const ToolPlan& plan_;
  Descriptors ours_;
  Started started_;
  std::string waiting_;  // for its stdin
  std::string words_;    // of its stderr
};

Status ToolRun::start() {
  std::array<int, 2> in{-1, -1}, out{-1, -1}, err{-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in.data()) != 0 || pipe2(out.data(), O_CLOEXEC) != 0 ||
      pipe2(err.data(), O_CLOEXEC) != 0) {
    const Error error = fail(ErrorCode::kExhausted, std::strerror(errno));
    for (const int fd : {in[0], in[1], out[0], out[1], err[0], err[1]}) {
      if (fd >= 0) close(fd);
    }
    return error;
  }
  std::vector<std::string> words = plan_.argv, lines = full_environment(plan_.environment);
  std::vector<char*> argv = pointers(words), env = pointers(lines);
  const pid_t parent = getpid(), pid = fork();
  if (pid == 0) become_tool({in[1], out[1], err[1]}, parent, argv.data(), env.data());
  const int saved = errno;
  for (const int fd : {in[1], out[1], err[1]}) close(fd);
  ours_ = {in[0], out[0], err[0]};
  if (pid < 0) return fail(ErrorCode::kExhausted, std::string("fork: ") + std::strerror(saved));
  started_.pid = pid;
  started_.pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (started_.pidfd < 0) return fail(ErrorCode::kExhausted, std::string("pidfd_open: ") + std::strerror(errno));
  if (!plan_.input) close(std::exchange(ours_.in, -1));
  return ok();
}

// Moves what can be moved, or waits until something can.
Status ToolRun::turn() {
  std::array<pollfd, 3> entries{pollfd{ours_.in, POLLOUT, 0}, pollfd{ours_.out, POLLIN, 0},
                                pollfd{ours_.err, POLLIN, 0}};
  const int ready = poll(entries.data(), entries.size(), static_cast<int>(plan_.silence.count()));
  if (ready < 0 && errno == EINTR) return ok();
  if (ready < 0) return fail(ErrorCode::kInternal, std::string("poll: ") + std::strerror(errno));
  if (ready == 0)
    return fail(ErrorCode::kTimeout, "silent for " + std::to_string(plan_.silence.count() / 1000) + " s; given up");
  if (entries[2].revents != 0) listen();
  if (entries[1].revents != 0) {
    if (Status status = take(); !status) return status;
  }
  return entries[0].revents != 0 ? give() : ok();
}

Status ToolRun::give() {
  if (waiting_.empty()) {
    auto piece = plan_.input();
    if (!piece) return piece.error();
    waiting_ = *std::move(piece);
  }
  if (waiting_.empty()) {
    close(std::exchange(ours_.in, -1));
    return ok();
  }
  const ssize_t sent = send(ours_.in, waiting_.data(), waiting_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) {
    waiting_.erase(0, static_cast<std::size_t>(sent));
  } else if (errno != EAGAIN && errno != EINTR) {
    close(std::exchange(ours_.in, -1));  // it wants no more; its exit tells why
  }
  return ok();
}

Status ToolRun::take() {
  std::array<char, kPieceBytes> buffer{};
  const ssize_t got = read(ours_.out, buffer.data(), buffer.size());
  if (got > 0) return plan_.output ? plan_.output({buffer.data(), static_cast<std::size_t>(got)}) : ok();
  if (got == 0 || errno != EINTR) close(std::exchange(ours_.out, -1));
  return ok();
}

void ToolRun::listen() {
  std::array<char, 4096> buffer{};
  const ssize_t got = read(ours_.err, buffer.data(), buffer.size());
  if (got > 0) {
    words_.append(buffer.data(), static_cast<std::size_t>(got));
    if (words_.size() > kWordsMax) words_.erase(0, words_.size() - kWordsMax);
  } else if (got == 0 || errno != EINTR) {
    close(std::exchange(ours_.err, -1));
  }
}

Status ToolRun::finish() {
  const auto status = wait_exit(started_, kExitPatience);
  if (!status) return fail(ErrorCode::kTimeout, "does not end");
  started_.pid = -1;
  if (*status == 0) return ok();
  while (!words_.empty() && words_.back() == '\n') words_.pop_back();
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == 127) return fail(ErrorCode::kNotFound, "cannot be started");
  return fail(ErrorCode::kUnavailable, words_.empty() ? "failed without a word" : words_);
}

std::vector<std::string> tool_directories(int server_major) {
  std::vector<std::string> out;
  if (const char* set = std::getenv("EVERUP_PG_BINDIR"); set != nullptr && *set != '\0') out.emplace_back(set);
  const std::string base = "/usr/lib/postgresql";
  std::vector<int> versions;
  std::error_code ignored;  // no such directory: no candidates from it
  for (const auto& entry : std::filesystem::directory_iterator(base, ignored)) {
    const std::string text = entry.path().filename().string();
    if (!text.empty() && text.size() < 4 && text.find_first_not_of("0123456789") == std::string::npos)
      versions.push_back(std::stoi(text));
  }
  std::sort(versions.rbegin(), versions.rend());
  // The same version first: a newer pg_restore writes settings that an older server does not know.
  std::stable_partition(versions.begin(), versions.end(), [&](int version) { return version == server_major; });
  for (const int version : versions) out.push_back(base + "/" + std::to_string(version) + "/bin");
  const char* path = std::getenv("PATH");
  std::istringstream words(path != nullptr ? path : "");
  for (std::string word; std::getline(words, word, ':');) {
    if (word.starts_with('/')) out.push_back(word);
  }
  return out;
}

}  // namespace

Status run_tool(const ToolPlan& plan) { return ToolRun(plan).run(); }

Result<std::string> find_pg_tool(const std::string& name, int server_major) {
  for (const std::string& directory : tool_directories(server_major)) {
    const std::string path = directory + "/" + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return Error{ErrorCode::kNotFound,
               name + " is not installed; apt-get install --no-install-recommends postgresql-client"};
}

Result<std::map<std::string, std::string>> connection_environment(const std::string& url) {
  char* why = nullptr;
  PQconninfoOption* options = PQconninfoParse(url.c_str(), &why);
  if (options == nullptr) {
    std::string text = why != nullptr ? why : "out of memory";
    PQfreemem(why);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return Error{ErrorCode::kInvalid, "database URL: " + text};
  }
  std::map<std::string, std::string> out;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->envvar != nullptr && option->val != nullptr && *option->val != '\0') out[option->envvar] = option->val;
  }
  PQconninfoFree(options);
  return out;
}

}  // namespace everup::db
