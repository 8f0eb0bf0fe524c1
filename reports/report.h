// A monitor's public report: ledger in, model and HTML out. Pure; any thread; no I/O, no clock: `now` is an argument.
//
// Every window ends at the monitor's settled time (RULES B 5), so no minute shown is ever taken back; only `state`
// speaks of now. Days are calendar days of the report's zone. Figures, strip, list of downs come from one timeline, so
// they always agree. The page tells name, states and figures; the target only when its owner opened it (SHAPES 16).
// Limits: kDays days in the strip, kDownsMax downs in the list (the newest; the page tells how many it leaves out).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/calendar.h"
#include "core/ledger.h"
#include "core/standing.h"
#include "core/time.h"
#include "core/zone.h"
#include "reports/chart.h"

namespace everup::reports {

inline constexpr int kDays = 90;
inline constexpr std::size_t kDownsMax = 200;

// The windows that pages offer, shortest first.
inline constexpr std::array<std::string_view, 5> kReportWindows{"24h", "7d", "30d", "90d", "365d"};

// Addresses of a report's pages: `base` is "/report/{token}"; `query` stands at the end of each ("?tz=Europe%2FPrague"
// or empty). An empty base: no links.
struct ReportLinks {
  std::string base, query;
  std::string to(std::string_view page) const;                             // of a period, "2026-11"; "" : the overview
  std::string file(std::string_view page, std::string_view suffix) const;  // "…/2026-11.json": never has the query
};

struct ReportInput {
  std::string name;
  std::optional<std::string> target;  // only with public.show_target
  State state = State::kUnknown;      // now: the last settled one, or paused, maintenance
  std::optional<WallTime> since;      // of that state
  std::optional<WallTime> suspect_since;
  LedgerInput ledger;                        // with spans of the last 366 days at least
  std::optional<std::int64_t> glitches_90d;  // suspicions that ended without settling; nullopt: not counted
  std::int64_t corrections = 0;              // numbered corrections of shown time (RULES B 6)
  const Zone* zone = nullptr;                // never null; lives longer than the call
  WallTime now;
  std::string badge_url;  // "/badge/{token}/uptime/90d.svg"; empty: no badge on the page
  std::string version;    // of Everup, for the foot; may be empty
  ReportLinks links;
  std::optional<LatencyChart> chart;  // of the last 24 hours; nullopt: too many looks, or not asked
};

struct WindowFigures {
  std::string name;  // "24h"
  Span span;
  Tally tally;
  Uptime uptime;
};
struct DayFigures {
  Date date;
  Span span;  // clipped to the report's end
  Tally tally;
  Uptime uptime;
};
struct Down {
  Span span;  // first down instant … last one (of this window); unknown time between two downs does not end it
  bool open = false;         // still down where the report ends
  bool before = false;       // began before the window
  std::int64_t down_ms = 0;  // its down milliseconds only
  Reason reason;             // of its first span
};
struct ReportModel {
  ReportInput input;
  WallTime as_of;                      // where every window ends
  std::vector<WindowFigures> windows;  // 24h 7d 30d 90d 365d
  std::vector<DayFigures> days;        // kDays, oldest first, the last holds as_of
  Timeline timeline;                   // of the longest window
  std::vector<Down> downs;             // of the 365-day window, newest first, at most kDownsMax
  std::size_t downs_left_out = 0;
};
ReportModel report_model(ReportInput input);

// The whole page, UTF-8, without JavaScript. Send it with kReportCsp.
std::string overview_html(const ReportModel& model);
// A short page in the same dress for 404 and 410: no monitor's fact in it.
std::string missing_report_html(bool gone);

inline constexpr std::string_view kReportType = "text/html; charset=utf-8";
inline constexpr std::string_view kReportCsp =
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

// "9 min 55 s", "1 h 0 min 3 s", "2 d 4 h 0 min 0 s"; milliseconds are rounded up to the second.
std::string duration_text(std::int64_t ms);
// What a reason says to a reader: the cause's or the gap's English; "" for none.
std::string reason_text(const Reason& reason);

}  // namespace everup::reports
