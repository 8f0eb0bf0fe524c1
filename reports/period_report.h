// A year, month or day of a monitor: ledger in, model, HTML and CSV out. Pure; any thread; no clock: `now` is an
// argument. Everything on a page is cut from one timeline of its period. A period that is not over ends, for its
// figures, at the monitor's settled time. Limits: kDownsMax downs, kStretchesMax stretches of a day on the page (the
// files hold all), kSpansMax stretches at all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/period.h"
#include "reports/report.h"

namespace everup::reports {

inline constexpr std::size_t kStretchesMax = 500;
inline constexpr std::size_t kSpansMax = 200'000;

struct PeriodInput {
  Period period;
  std::string monitor_id, name;
  std::optional<std::string> target;  // only with public.show_target
  LedgerInput ledger;                 // with the spans of the period at least
  const Zone* zone = nullptr;         // never null; lives longer than the call
  WallTime now;
  std::string version;
  ReportLinks links;
  std::optional<LatencyChart> chart;  // of a day
};
struct PeriodPart {
  Period period;
  Span span;  // clipped to what is settled
  Tally tally;
  Uptime uptime;
};
struct PeriodModel {
  PeriodInput input;
  Span whole;             // the period in its zone
  Span seen;              // what of it the figures speak of: [whole.from, min(whole.to, settled))
  bool complete = false;  // seen is whole
  Tally tally;
  Uptime uptime;
  Timeline timeline;              // of seen
  std::vector<PeriodPart> parts;  // those that have begun, oldest first
  std::vector<Down> downs;
  std::size_t downs_left_out = 0;
  std::optional<Period> previous, next;
};
// nullopt: there is no such page: before the monitor was made, in the future, or a day that the zone skipped.
std::optional<PeriodModel> period_model(PeriodInput input);

// The whole page, UTF-8, without JavaScript. Send it with kReportCsp.
std::string period_html(const PeriodModel& model);
// RFC 4180. Of a year its months, of a month its days, of a day its stretches.
std::string period_csv(const PeriodModel& model);
// The days of the overview, in the same columns.
std::string overview_csv(const ReportModel& model);

inline constexpr std::string_view kCsvType = "text/csv; charset=utf-8; header=present";

}  // namespace everup::reports
