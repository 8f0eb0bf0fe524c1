// What a person is told when there is no account yet (SHAPES 14); and unattended set-up by EVERUP_OWNER_EMAIL and
// _PASSWORD_FILE.
#pragma once

#include <string>

#include "app/foundation.h"
#include "app/settings.h"
#include "core/result.h"

namespace everup::app {

// The first account (its admin keys may read /metrics), or none yet. Never prints a key or a password.
Result<AccountId> first_start(const Settings& settings, const Foundation& foundation, const std::string& base_url);

}  // namespace everup::app
