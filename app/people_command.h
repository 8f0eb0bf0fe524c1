// `everup setup-link` and `everup user …`: what an operator does about people at his shell. Each returns the process's
// exit code (commands.h).
#pragma once

#include <string>

#include "app/database.h"
#include "app/settings.h"

namespace everup::app {

struct UserWords {
  std::string account, email, role = "viewer", password_file;
};
int setup_link(const Settings& settings, bool json);
int user_add(const Settings& settings, const UserWords& words, bool json);
int user_list(const Settings& settings, const UserWords& words, bool json);
int user_remove(const Settings& settings, const UserWords& words);
int user_password(const Settings& settings, const UserWords& words);

// Of the password in the file's first line ("-": standard input), as seal/password.h; empty without a file.
Result<std::string> password_hash(const std::string& file);

// The path below the base URL that makes the first account; a link made before it is dead from now on.
Result<std::string> new_setup_path(const Operator& op);

}  // namespace everup::app
