// Listening sockets from EVERUP_LISTEN: "host:port", "[v6]:port", "unix:/path?mode=0660&group=www-data", "systemd".
// Opened before root is left, handed to the front afterwards. Several are separated by spaces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "net/fd.h"

namespace everup::api {

struct Listener {
  net::Fd fd;             // bound, listening, non-blocking, close-on-exec
  std::string url;        // "http://127.0.0.1:8080", with the port the kernel chose for 0; "unix:/path"
  std::string unix_path;  // removed when the front closes it; empty for TCP and systemd's sockets
  bool metrics_only = false;
};

// Errors name the setting's part that is wrong and the system's reason. systemd: LISTEN_PID must be this process, 1 …
// 16 LISTEN_FDS. A stale unix socket file (nobody answers) is replaced; anything else at that path is an error.
Result<std::vector<Listener>> open_listeners(std::string_view specs);
// For sockets that are open already (tests, systemd).
Result<Listener> adopt_listener(net::Fd fd);

}  // namespace everup::api
