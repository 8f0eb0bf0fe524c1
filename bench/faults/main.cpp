// faults: the fault bench.
//
//   faults list
//   faults run NAME… | --all [--short] [--json] [--everup PATH] [--minutes N] [--seed N]
//
// Exit code 0: every finding held; 1: one did not, or a case broke off; 2: usage.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "bench/faults/fault.h"

namespace everup::bench {
namespace {

constexpr const char* kUsage =
    "usage: faults list | faults run NAME...|--all [--short] [--json] [--everup PATH] [--minutes N] [--seed N]\n";

std::vector<const Case*>& registry() {
  static std::vector<const Case*> cases;
  return cases;
}

std::vector<const Case*> sorted_cases() {
  auto cases = registry();
  std::sort(cases.begin(), cases.end(), [](const Case* a, const Case* b) {
    return a->point != b->point ? a->point < b->point : std::strcmp(a->name, b->name) < 0;
  });
  return cases;
}

struct Command {
  Options options;
  std::vector<std::string> names;
  bool all = false;
};

[[noreturn]] void usage() {
  fmt::print(stderr, "{}", kUsage);
  std::exit(2);
}

long positive(const char* text) {
  char* end = nullptr;
  const long number = std::strtol(text, &end, 10);
  if (*end != '\0' || number < 1) usage();
  return number;
}

Command parse(int argc, char** argv) {
  Command command;
  command.options.everup = EVERUP_BINARY;
  const auto value = [&](int& i) { return ++i < argc ? argv[i] : (usage(), nullptr); };
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--all") {
      command.all = true;
    } else if (word == "--short") {
      command.options.brief = true;
    } else if (word == "--json") {
      command.options.json = true;
    } else if (word == "--everup") {
      command.options.everup = std::filesystem::absolute(value(i));
    } else if (word == "--minutes") {
      command.options.minutes = static_cast<int>(positive(value(i)));
    } else if (word == "--seed") {
      command.options.seed = static_cast<std::uint64_t>(positive(value(i)));
    } else if (word.starts_with("-")) {
      usage();
    } else {
      command.names.push_back(word);
    }
  }
  if (command.all == !command.names.empty()) usage();
  return command;
}

void list() {
  for (const Case* entry : sorted_cases()) fmt::print("{:2d}  {:<28} {}\n", entry->point, entry->name, entry->about);
}

// True when everything held.
bool run_case(const Case& entry, const Options& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  Run run(options, entry.name);
  if (!options.json) fmt::print("{}  ({}) {}\n", entry.name, entry.point, entry.about);
  std::fflush(stdout);
  try {
    entry.run(run);
  } catch (const std::exception& broken) {
    run.found({"the case itself", std::string("broke off: ") + broken.what(), "it ends", false});
  }
  auto findings = run.findings();
  if (findings.empty()) {
    run.found({"the case itself", "no finding", "at least one", false});
    findings = run.findings();
  }
  run.note(fmt::format("{:.0f} s", std::chrono::duration<double>(Clock::now() - start).count()));
  return std::all_of(findings.begin(), findings.end(), [](const Finding& finding) { return finding.held; });
}

int run_all(const Command& command) {
  std::vector<const Case*> chosen;
  for (const Case* entry : sorted_cases()) {
    const bool named = std::find(command.names.begin(), command.names.end(), entry->name) != command.names.end();
    if (command.all || named) chosen.push_back(entry);
  }
  if (chosen.empty() || (!command.all && chosen.size() != command.names.size())) {
    fmt::print(stderr, "faults: no such case; see `faults list`\n");
    return 2;
  }
  int failed = 0;
  for (const Case* entry : chosen) failed += run_case(*entry, command.options) ? 0 : 1;
  fmt::print(stderr, "{} of {} cases held\n", chosen.size() - static_cast<std::size_t>(failed), chosen.size());
  return failed == 0 ? 0 : 1;
}

}  // namespace

Case::Case(const char* its_name, int its_point, const char* its_about, Function its_run)
    : name(its_name), point(its_point), about(its_about), run(its_run) {
  registry().push_back(this);
}

void Run::found(Finding finding) {
  const std::lock_guard lock(mutex_);
  if (options_.json) {
    const nlohmann::ordered_json line{{"case", name_},
                                      {"injected", finding.injected},
                                      {"counted", finding.counted},
                                      {"bar", finding.bar},
                                      {"held", finding.held}};
    fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("  {}  {}: {} (bar: {})\n", finding.held ? "held" : "NOT HELD", finding.injected, finding.counted,
               finding.bar);
  }
  std::fflush(stdout);
  findings_.push_back(std::move(finding));
}

void Run::note(const std::string& what) {
  const std::lock_guard lock(mutex_);
  fmt::print(stderr, "    {}: {}\n", name_, what);
}

std::vector<Finding> Run::findings() const {
  const std::lock_guard lock(mutex_);
  return findings_;
}

}  // namespace everup::bench

int main(int argc, char** argv) {
  using namespace everup::bench;
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "list" && argc == 2) {
    list();
    return 0;
  }
  if (verb != "run") usage();
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;  // thousands of connections; what a case needs less of, it limits itself
  setrlimit(RLIMIT_NOFILE, &files);
  return run_all(parse(argc, argv));
}
