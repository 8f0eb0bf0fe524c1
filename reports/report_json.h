// Reports as JSON: figures beside the spans that they are made of, so that anybody can compute them again
// (docs/VERIFY.md is the stranger's page). Canonical bytes (RFC 8785), ready to be signed. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "reports/period_report.h"
#include "reports/report.h"

namespace everup::reports {

inline constexpr std::string_view kReportFormat = "everup-report-1";
inline constexpr int kFormula = 1;  // of the figures: docs/VERIFY.md; never changes its meaning

// A closed month's place in its chain.
struct ChainLink {
  std::int64_t chain = 1;   // a change of the report's zone begins another
  std::int64_t number = 1;  // of the month in it
  std::string previous;     // SHA-256 of the closed month before, hex; empty: the first
};

// The figures of some time, as they stand in a report.
std::string figures_json(const Tally& tally, const Uptime& uptime);
std::string period_json(const PeriodModel& model, const std::optional<ChainLink>& link = std::nullopt);
// The rolling windows, with the spans of the longest one.
std::string overview_json(const ReportModel& model, const std::string& monitor_id);

}  // namespace everup::reports
