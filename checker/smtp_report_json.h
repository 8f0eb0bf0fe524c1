// A mail test as JSON (INTERFACE 5 "SMTP test"): what `everup smtp --json` prints and the live page's `done` event
// carries. Pure; everything in a report is printable already.
#pragma once

#include <string>

#include "checker/smtp_probe.h"

namespace everup::checker {

std::string smtp_report_json(const SmtpReport& report);
// One transcript entry, one step: the live page's `line` and `step` events.
std::string transcript_line_json(const TranscriptLine& line);
std::string smtp_step_json(const SmtpReport::Step& step);

}  // namespace everup::checker
