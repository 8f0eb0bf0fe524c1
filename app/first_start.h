// What a person is told when there is no account yet (SHAPES 14); and unattended set-up by EVERUP_OWNER_EMAIL and
// _PASSWORD_FILE.
#pragma once

#include <string>

#include "app/foundation.h"
#include "app/settings.h"
#include "core/result.h"

namespace everup::app {

// The first account (its admin keys may read /metrics), or none yet: then the one-time link to /setup/… is told, on a
// terminal by printing it, else by the path of a file. Never prints a key or a password.
Result<AccountId> first_start(const Settings& settings, const Foundation& foundation, const std::string& base_url);

// Removes DATA_DIR/setup-link: there is an account, the link is dead.
void forget_setup_link(const std::string& data_dir);

}  // namespace everup::app
