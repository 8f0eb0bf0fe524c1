// The tools of PostgreSQL that other programs are better left to: pg_dump and pg_restore, started with pipes.
//
// The connection is told by environment, never by an argument that `ps` shows. The child dies with the thread that
// started it (SIGTERM). Limits: `silence`, the longest time in which no byte moves; of stderr the last 4 KiB are kept.
// Thread: any, blocking.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace everup::db {

struct ToolPlan {
  std::vector<std::string> argv;                   // argv[0] is the path
  std::map<std::string, std::string> environment;  // added to ours
  // The next bytes for its stdin; empty: no more. Null: stdin is empty.
  std::function<Result<std::string>()> input;
  std::function<Status(std::string_view)> output;  // its stdout, piece by piece; null: dropped
  milliseconds silence{3'600'000};
};
// Until it ends. An error of a callback ends the tool and is returned; kUnavailable with the tool's last words when it
// failed; kTimeout.
Status run_tool(const ToolPlan& plan);

// pg_dump or pg_restore of the server's major version, else the newest that is installed. kNotFound has the apt line.
Result<std::string> find_pg_tool(const std::string& name, int server_major);

// A database URL as PGHOST, PGUSER, PGPASSWORD … kInvalid: it is no URL.
Result<std::map<std::string, std::string>> connection_environment(const std::string& url);

}  // namespace everup::db
