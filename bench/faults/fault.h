// The frame of the fault bench: a case registers itself, injects its fault into real parts and says what it counted.
//
//   namespace {
//   void database_stopped(Run& run) {
//     House house(run);
//     …
//     run.found({"PostgreSQL stopped for 60 s", "p99 lateness 212 ms", "<= 1000 ms", p99 <= 1000});
//   }
//   const Case kStopped{"database-stopped", 1, "PostgreSQL is away for a minute", database_stopped};
//   }  // namespace
//
// Why a program and not a test: these cases take minutes and measure time; their short forms are tests. Counts come
// from SQL and from the targets' own logs, never from what everup says of itself.
//
// Thread: run() is called on the main thread, one case after the other; found() and note() may be called from any
// thread. A case that throws has not held, and the next one runs. Files beside this one are built without being listed
// anywhere.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace everup::bench {

struct Options {
  std::string everup;      // path of the binary under test
  bool brief = false;      // --short: the form that fits into minutes
  bool json = false;       // --json: one line a finding on stdout
  int minutes = 30;        // --minutes: of the soak
  std::uint64_t seed = 1;  // --seed: of everything random
};

struct Finding {
  std::string injected, counted, bar;
  bool held = false;
};

// One run of one case.
class Run {
 public:
  Run(const Options& options, std::string name) : options_(options), name_(std::move(name)) {}
  const Options& options() const { return options_; }
  void found(Finding finding);         // printed at once
  void note(const std::string& what);  // progress, on stderr
  std::vector<Finding> findings() const;

 private:
  const Options& options_;
  const std::string name_;
  mutable std::mutex mutex_;
  std::vector<Finding> findings_;
};

// Registers itself; keep it in a constant of namespace scope. Names are unique, small letters and hyphens.
struct Case {
  using Function = void (*)(Run&);
  Case(const char* its_name, int its_point, const char* its_about, Function its_run);
  const char* name;
  int point;          // of issue 3; from 21 on of issue 6
  const char* about;  // one sentence
  Function run;
};

}  // namespace everup::bench
