// What a report means: weak points with what to do about them, worst first; a grade with its reasons; and the
// comparison with Mozilla's recommended configurations "modern" and "intermediate" (version 5.7 of its guidelines).
// Pure.
//
// Grades: F something is broken today (Heartbleed, SSL 3.0, no encryption or authentication) · C a major weakness ·
// B a minor one · A nothing of the kind · A+ the same with HSTS for at least 180 days · T the certificate is not
// trusted or for another name, whatever the rest is. Known weakness: judged is what was asked; not every suite is.
#pragma once

#include "core/time.h"
#include "core/tls_report.h"

namespace everup::checker {

// Fills findings, grade, grade_reasons, modern and intermediate.
void judge_tls_report(TlsReport& report, WallTime now);

}  // namespace everup::checker
