// See process_start.h.
#include "db/process_start.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace everup::db {
namespace {

struct ChildView {
  char** argv;
  const char* directory;
  int log;
  int death_signal;
  bool drop;
  unsigned uid, gid;
  pid_t parent;
};

// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void become(const ChildView& view) {
  setsid();
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, 0) < 0 || dup2(view.log, 1) < 0 || dup2(view.log, 2) < 0) _exit(126);
  if (view.drop && (setgroups(0, nullptr) != 0 || setresgid(view.gid, view.gid, view.gid) != 0 ||
                    setresuid(view.uid, view.uid, view.uid) != 0)) {
    _exit(126);
  }
  if (chdir(view.directory) != 0) _exit(126);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  if (view.death_signal != 0) {
    if (prctl(PR_SET_PDEATHSIG, view.death_signal) != 0 || getppid() != view.parent) _exit(126);
  }
  execv(view.argv[0], view.argv);
  _exit(127);
}

}  // namespace

Result<Started> start_process(const StartPlan& plan) {
  const int log = open(plan.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (log < 0) return Error{ErrorCode::kInvalid, plan.log + ": " + std::strerror(errno)};
  std::vector<std::string> words = plan.argv;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ChildView view{argv.data(), plan.directory.c_str(), log, plan.death_signal, plan.run_as.has_value(), 0, 0, getpid()};
  if (plan.run_as) view.uid = plan.run_as->uid, view.gid = plan.run_as->gid;
  const pid_t pid = fork();
  if (pid == 0) become(view);
  const int saved = errno;
  close(log);
  if (pid < 0) return Error{ErrorCode::kExhausted, "fork: " + std::string(std::strerror(saved))};
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    const Error error{ErrorCode::kExhausted, "pidfd_open: " + std::string(std::strerror(errno))};
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return error;
  }
  return Started{pid, pidfd};
}

std::optional<int> wait_exit(const Started& process, milliseconds wait) {
  pollfd entry{process.pidfd, POLLIN, 0};
  int ready = 0;
  do {
    ready = poll(&entry, 1, static_cast<int>(wait.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return std::nullopt;
  int status = 0;
  if (waitpid(process.pid, &status, 0) != process.pid) return std::nullopt;
  return status;
}

void pause_for(milliseconds wait) { poll(nullptr, 0, static_cast<int>(wait.count())); }

}  // namespace everup::db
