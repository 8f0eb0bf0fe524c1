// Root is left before the first byte from the network is read (RULES A 9, SHAPES 12).
#pragma once

#include <string>

#include "core/result.h"

namespace everup::app {

bool is_root();
// Changes the whole process to the user (its groups too); nothing when not root or when user is "root".
Status become(const std::string& user);
// As root: becomes the owner of `data_dir`, so that a command works beside a running serve.
Status become_owner_of(const std::string& data_dir);
// Makes the directory and, as root, hands it to the user.
Status prepare_data_dir(const std::string& data_dir, const std::string& user);
// As root /var/lib/everup, else $XDG_DATA_HOME/everup or ~/.local/share/everup.
Result<std::string> default_data_dir();

}  // namespace everup::app
