// `everup mail DOMAIN`: would mail of this domain be believed? What was found, what it means, what to publish. Exit
// codes as `everup check` (SHAPES 3): 0 nothing stands against it, 1 warnings, 2 problems, 3 not known or wrong usage.
// No database, no address policy unless asked (RULES D 7).
#pragma once

#include <string>
#include <vector>

#include "app/settings.h"

namespace everup::app {

struct MailCommand {
  std::string domain, address, mail_from, helo;
  std::vector<std::string> selectors, zones;
  double timeout_s = 20;
  bool json = false, policy = false;
};
int run_mail(const MailCommand& command, const Settings& settings);

}  // namespace everup::app
