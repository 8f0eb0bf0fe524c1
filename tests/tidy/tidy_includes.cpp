// The stairwell of the house and the homes of foreign headers, as tables: a change of them is a change of the design
// (docs/ARCHITECTURE.md) and belongs into a decision record.
#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "tests/tidy/tidy_rules.h"

namespace everup::tidy {
namespace {

struct Floor {
  std::string_view name;
  std::vector<std::string_view> below;  // what it may include beside itself
};
const std::vector<Floor>& floors() {
  static const std::vector<Floor> kFloors{
      {"core", {}},
      {"net", {"core"}},
      {"db", {"core"}},
      {"zone", {"core"}},
      {"seal", {"core"}},
      {"badges", {"core"}},
      {"reports", {"core"}},
      {"checker", {"core", "net"}},
      {"scheduler", {"core", "net", "checker"}},
      {"alerts", {"core", "net"}},
      {"api", {"core", "net", "db", "badges", "reports", "checker"}},
      {"app", {"core", "net", "db", "zone", "seal", "badges", "reports", "checker", "scheduler", "alerts", "api"}},
  };
  return kFloors;
}

struct Home {
  std::string_view header;         // beginning of the included name
  std::vector<const char*> homes;  // fnmatch patterns of paths
};
const std::vector<Home>& homes() {
  static const std::vector<Home> kHomes{
      {"curl/", {"net/curl_*.cpp", "alerts/relay.cpp"}},
      {"ares", {"net/resolver.cpp"}},
      {"idn2.h", {"net/resolver.cpp"}},
      {"openssl/", {"net/tls*.cpp", "net/certificate.cpp", "net/digest.cpp"}},
      {"pqxx/", {"db/*.cpp"}},
      {"libpq-fe.h", {"db/*.cpp"}},
      {"httplib.h", {"api/http_server.cpp"}},
      {"nlohmann/", {"[!c]*/*_json.cpp", "checker/*_json.cpp", "db/json_reader.h", "app/*.cpp", "app/answer.h"}},
      {"sodium", {"seal/*.cpp"}},
      {"re2/", {"checker/pattern.cpp"}},
      {"gmime/", {"alerts/mail_message.cpp"}},
      {"kainjow/", {"reports/page_template.cpp"}},
      {"spdlog/sinks/", {"app/log.cpp"}},
      {"spdlog/", {"[!c]*/*.cpp", "checker/*.cpp"}},
      {"fmt/", {"[!c]*/*.cpp", "checker/*.cpp"}},
      {"yaml-cpp/", {"app/*.cpp"}},
      {"CLI/", {"app/*.cpp", "app/words.h"}},
      {"prometheus/", {"api/metrics.cpp"}},
      {"zlib.h", {"api/encoding.cpp"}},
      {"brotli/", {"api/encoding.cpp"}},
      {"liboath/", {"api/totp.cpp"}},
      {"qrcodegen", {"api/totp.cpp"}},
      {"systemd/", {"app/*.cpp"}},
      {"date/", {"zone/*.cpp"}},
      {"gtest/", {}},
      {"gmock/", {}},
      {"benchmark/", {}},
  };
  return kHomes;
}

// POSIX and Linux headers, and C++'s <foo.h>-less ones are those without a dot.
bool system_header(std::string_view name) {
  static const std::vector<std::string_view> kFolders{"sys/", "netinet/", "arpa/", "linux/", "net/if", "netdb.h"};
  static const std::set<std::string_view> kNames{
      "fcntl.h",  "unistd.h",  "signal.h", "poll.h",   "errno.h",   "pwd.h",     "grp.h",    "time.h",    "stdlib.h",
      "string.h", "strings.h", "stdio.h",  "dirent.h", "fnmatch.h", "getopt.h",  "limits.h", "malloc.h",  "netdb.h",
      "resolv.h", "sched.h",   "spawn.h",  "stdint.h", "syslog.h",  "termios.h", "ftw.h",    "pthread.h", "ifaddrs.h",
      "glob.h",   "pty.h",     "utime.h",  "wait.h",   "endian.h",  "stddef.h"};
  if (name.find('.') == std::string_view::npos && name.find('/') == std::string_view::npos) return true;
  if (kNames.contains(name)) return true;
  return std::any_of(kFolders.begin(), kFolders.end(), [name](std::string_view f) { return name.starts_with(f); });
}

std::string_view folder_of(std::string_view path) { return path.substr(0, path.find('/')); }

const Floor* floor_named(std::string_view name) {
  for (const Floor& floor : floors())
    if (floor.name == name) return &floor;
  return nullptr;
}

// "" or what is wrong with including the quoted `name` from `path`.
std::string own_header_fault(const std::string& path, const std::string& name) {
  const std::string_view from = folder_of(path);
  const std::string_view to = folder_of(name);
  if (name.find('/') == std::string::npos)
    return "\"" + name + "\": own headers are included by their path from the root";
  const Floor* floor = floor_named(from);
  if (floor == nullptr || from == to || to == "generated") return {};
  if (std::find(floor->below.begin(), floor->below.end(), to) != floor->below.end()) return {};
  return std::string(from) + "/ may not include " + std::string(to) + "/ (\"" + name +
         "\"): includes go down the stairs";
}

std::string foreign_header_fault(const std::string& path, const std::string& name) {
  const std::string_view from = folder_of(path);
  if (floor_named(from) == nullptr) return {};  // tests, bench and fuzzers may use anything
  for (const Home& home : homes()) {
    if (!name.starts_with(home.header)) continue;
    const bool home_here = std::any_of(home.homes.begin(), home.homes.end(), [&path](const char* pattern) {
      return fnmatch(pattern, path.c_str(), FNM_PATHNAME) == 0;
    });
    return home_here ? std::string() : "<" + name + "> is not at home here";
  }
  if (!system_header(name)) return "<" + name + "> has no home yet: give it one in tests/tidy/tidy_includes.cpp";
  if (from == "core" && name.find('.') != std::string::npos) return "<" + name + ">: core is standard C++ only";
  return {};
}

}  // namespace

Complaints check_includes(const File& file) {
  Complaints out;
  std::istringstream lines(file.text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (!line.starts_with("#include ")) continue;
    const char closing = line[9] == '"' ? '"' : '>';
    const auto end = line.find(closing, 10);
    if (end == std::string::npos) continue;
    const std::string name = line.substr(10, end - 10);
    const std::string fault =
        closing == '"' ? own_header_fault(file.path, name) : foreign_header_fault(file.path, name);
    if (!fault.empty()) out.push_back({file.path, number, fault});
  }
  return out;
}

}  // namespace everup::tidy
