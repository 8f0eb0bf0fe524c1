#include "bench/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace everup::bench {
namespace {

struct StatLine {
  pid_t parent = 0;
  double own_s = 0, ended_children_s = 0;
};

StatLine stat_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto end = text.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream fields(text.substr(end + 2));
  std::vector<std::string> words;
  for (std::string word; fields >> word;) words.push_back(word);
  if (words.size() < 15) return {};
  const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto ticks = [&](std::size_t i) { return std::strtod(words[i].c_str(), nullptr) * tick; };
  return {static_cast<pid_t>(std::atoi(words[1].c_str())), ticks(11) + ticks(12), ticks(13) + ticks(14)};
}

std::string status_field(pid_t pid, const std::string& name) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":")) return line.substr(name.size() + 1);
  }
  return "0";
}

}  // namespace

void give_up(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::exit(1);
}

pid_t spawn(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment,
            const std::string& log) {
  std::vector<char*> arguments;
  for (const auto& word : argv) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) give_up("fork failed");
  if (pid > 0) return pid;
  const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  dup2(fd, 1);
  dup2(fd, 2);
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

void stop(pid_t pid, int signal) {
  if (pid <= 0) return;
  kill(pid, signal);
  int status = 0;
  waitpid(pid, &status, 0);
}

std::string output_of(const std::vector<std::string>& argv) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) give_up("pipe failed");
  std::vector<char*> arguments;
  for (const auto& word : argv) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], 1);
    close(ends[0]);
    close(ends[1]);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[1]);
  std::string text;
  std::array<char, 65536> buffer{};
  for (ssize_t n = 0; (n = read(ends[0], buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) give_up(argv[0] + " failed");
  return text;
}

double cpu_seconds(pid_t pid) { return stat_of(pid).own_s; }

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> out;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto child = static_cast<pid_t>(std::stol(name));
    if (stat_of(child).parent == pid) out.push_back(child);
  }
  return out;
}

double tree_cpu_seconds(pid_t root) {
  const auto line = stat_of(root);
  double sum = line.own_s + line.ended_children_s;
  for (const pid_t child : children_of(root)) sum += tree_cpu_seconds(child);
  return sum;
}

std::int64_t rss_bytes(pid_t pid) { return std::strtoll(status_field(pid, "VmRSS").c_str(), nullptr, 10) * 1024; }
int thread_count(pid_t pid) { return std::atoi(status_field(pid, "Threads").c_str()); }

int fd_count(pid_t pid) {
  std::error_code gone;
  int count = 0;
  for (std::filesystem::directory_iterator entry("/proc/" + std::to_string(pid) + "/fd", gone), end;
       !gone && entry != end; entry.increment(gone)) {
    ++count;
  }
  return count;
}

std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    give_up("no free port");
  }
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace everup::bench
