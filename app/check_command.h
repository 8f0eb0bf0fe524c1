// `everup check TARGET…`: one probe now, no database, in monitoring-plugins form (SHAPES 3).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/settings.h"
#include "core/outcome.h"

namespace everup::app {

struct CheckOptions {
  std::vector<std::string> targets;
  std::optional<double> warn_s, crit_s;  // seconds, as check_http's -w and -c
  double timeout_s = 0;  // 0: the kind's default, 10 s, of mail 40 s
  bool json = false;
  bool policy = false;  // apply the address policy, as the service would
};

// Prints one line a target on stdout; the exit code is the worst in the order 2, 1, 3, 0.
int run_check(const CheckOptions& options, const Settings& settings);

// "HTTP OK - 200 in 0.123 s | time=0.123s;1;3;0;10 …"
std::string plugin_line(const std::string& service, const Outcome& outcome, const CheckOptions& options);
int exit_code_of(Verdict verdict);
int worse_exit(int a, int b);

}  // namespace everup::app
