// Handlers about mail domains as a whole (mail_tests.cpp) and about relaying (relay_tests.cpp); the table of routes has
// them. As all handlers: any handler thread.
#pragma once

#include "api/routes.h"

namespace everup::api {

Answer create_mail_test(Call& call);
Answer mail_form(Call& call);
Answer post_mail_form(Call& call);
Answer create_relay_test(Call& call);

}  // namespace everup::api
