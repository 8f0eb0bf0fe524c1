// Starting the tools of PostgreSQL as another user. Internal to private_cluster.cpp.
//
// The child: setsid, stdin from /dev/null, stdout and stderr appended to a log, the user dropped, then PDEATHSIG (a
// change of user clears it), then getppid compared: the parent may have died before the signal was armed (RULES A 9).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "db/data_dir.h"

namespace everup::db {

struct StartPlan {
  std::vector<std::string> argv;  // argv[0] is the path
  std::optional<RunAs> run_as;    // nothing: stay who we are
  std::string log;                // appended to, made 0600
  std::string directory;          // the child's working directory
  int death_signal = 0;           // 0: none
};
// A running child: reaped by wait_exit or not at all.
struct Started {
  pid_t pid = -1;
  int pidfd = -1;  // the caller closes it
};
Result<Started> start_process(const StartPlan& plan);
// The wait status when it ended within `wait`; reaps it.
std::optional<int> wait_exit(const Started& process, milliseconds wait);
// Waits without using a clock or holding a core: a poll on nothing.
void pause_for(milliseconds wait);

}  // namespace everup::db
