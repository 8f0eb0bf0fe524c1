// One probe on a loop of its own, for the command line.
#pragma once

#include "app/settings.h"
#include "checker/deliverability.h"
#include "checker/live.h"
#include "core/monitor.h"
#include "core/outcome.h"
#include "core/result.h"

namespace everup::app {

// Blocks until the probe's outcome, at most its timeout. `strict_policy` false: a person at his shell may ask his own
// machine.
Result<Outcome> probe_once(const CheckPlan& plan, const Settings& settings, bool strict_policy, bool want_evidence,
                           checker::Live* live = nullptr);

// The same for a domain's deliverability.
Result<checker::MailView> view_once(const checker::MailQuestion& question, const Settings& settings, bool strict_policy,
                                    milliseconds timeout);

}  // namespace everup::app
