// `everup smtp HOST[:port]`: one mail dialogue, shown line by line as it happens, in swaks' marks and words, each line
// with what it means. Exit codes as `everup check` (SHAPES 3). No database, no address policy unless asked (RULES D 7).
#pragma once

#include <string>
#include <vector>

#include "app/settings.h"

namespace everup::app {

struct SmtpCommand {
  std::string host;  // HOST, HOST:port, [v6]:port or a smtp:// or smtps:// URL
  std::string from, ehlo;
  std::vector<std::string> to;
  std::string tls;  // require, try, never, implicit; empty: by the port
  std::string auth, auth_user, auth_password_file;
  std::string stop_after;
  std::string ip_version = "any";
  double timeout_s = 40;
  bool send = false, json = false, policy = false, brief = false;
  bool mx = false;  // `host` is a mail domain: every host of its MX is asked, one line each
};
int run_smtp(const SmtpCommand& command, const Settings& settings);

}  // namespace everup::app
