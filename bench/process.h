// Child processes and what /proc says of them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace everup::bench {

[[noreturn]] void give_up(const std::string& what);  // message on stderr, exit 1

// Starts argv[0] with the extra environment; stdout and stderr go to `log`.
pid_t spawn(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment,
            const std::string& log);
void stop(pid_t pid, int signal);                             // and waits
std::string output_of(const std::vector<std::string>& argv);  // stdout; gives up when the command fails

// CPU seconds (user + system) of the process with all its threads; of a whole tree with the children that ended
// included.
double cpu_seconds(pid_t pid);
double tree_cpu_seconds(pid_t root);
std::vector<pid_t> children_of(pid_t pid);
std::int64_t rss_bytes(pid_t pid);
int thread_count(pid_t pid);
int fd_count(pid_t pid);
std::uint16_t free_port();

}  // namespace everup::bench
