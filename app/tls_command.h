// `everup tls HOST[:port]`: everything worth knowing about a TLS server, once, now (INTERFACE 3).
#pragma once

#include <string>

#include "app/settings.h"
#include "core/outcome.h"

namespace everup::app {

struct TlsWords {
  std::string target;    // HOST, HOST:port or a tls:// URL
  std::string starttls;  // smtp lmtp imap pop3 ftp xmpp ldap postgres; its usual port when none is given
  std::string server_name;
  bool heartbleed = true;  // --no-heartbleed
  bool json = false;
  bool policy = false;
  double timeout_s = 30;
};

// Prints on stdout; the exit code is `check`'s: 0 up, 1 degraded, 2 down, 3 inconclusive or bad usage.
int run_tls(const TlsWords& words, const Settings& settings);

// What is printed without --json: a line as `check` has it, then the report.
std::string tls_text(const Outcome& outcome);

}  // namespace everup::app
