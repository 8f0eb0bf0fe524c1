// A domain's deliverability as JSON: POST /mail_tests and `everup mail --json`.
#pragma once

#include <string>

#include "checker/deliverability.h"

namespace everup::checker {

std::string deliverability_json(const MailView& view);

}  // namespace everup::checker
