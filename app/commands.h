// The commands that work on this machine's data directory or database, one function each; main.cpp parses, these do.
// Each returns the process's exit code: 0 done, 1 failed, 2 usage, 78 configuration (SHAPES 3).
#pragma once

#include <string>

#include "app/settings.h"

namespace everup::app {

inline constexpr int kDone = 0, kFailed = 1, kUsage = 2, kConfiguration = 78;

struct ServeOptions {
  std::string roles = "api,checker,alerter,keeper";
};
int run_serve(const Settings& settings, const ServeOptions& options);

struct AccountCreate {
  std::string email, name, password_file;  // "-": standard input; empty: no password yet
};
int account_create(const Settings& settings, const AccountCreate& create, bool json);

struct KeyCreate {
  std::string name, account, scope = "write", expires;  // expires: "90d"; account: id or owner's e-mail
};
int key_create(const Settings& settings, const KeyCreate& create, bool json);

int run_migrate(const Settings& settings);
int run_doctor(const Settings& settings, bool quick, bool json);
int config_check(const Settings& settings, bool json);

const char* version();

}  // namespace everup::app
