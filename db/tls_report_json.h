// The JSON of a TLS test (INTERFACE 5): what `everup tls --json`, /tls_tests and a monitor's evidence show. Pure.
#pragma once

#include <string>

#include "core/outcome.h"
#include "core/tls_report.h"

namespace everup::db {

// {"host", "address", "starttls", "protocols", "negotiated", "chain", "trust", "hostname", "heartbleed", "findings", …}
std::string tls_report_json(const TlsReport& report);
// The same behind "verdict", "cause", "detail" and "latency_ms" of the look. A look that saw no server has no report:
// then these four only.
std::string tls_test_json(const Outcome& outcome);

}  // namespace everup::db
