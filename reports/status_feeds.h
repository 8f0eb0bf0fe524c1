// A status page for programs: Atom (RFC 4287), RSS 2.0, iCalendar (RFC 5545), and the public JSON of Statuspage v2,
// which many readers know. Everything comes from the model of the page, so they agree with it. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "reports/status_page.h"

namespace everup::reports {

inline constexpr std::size_t kEntriesMax = 50;  // of a feed, newest first

std::string status_atom(const StatusInput& input);
std::string status_rss(const StatusInput& input);
std::string status_calendar(const StatusInput& input);

// The files under /api/v2/.
enum class V2File : std::uint8_t {
  kSummary,
  kStatus,
  kComponents,
  kIncidents,
  kUnresolved,
  kMaintenances,
  kUpcoming,
  kActive
};
std::string status_v2_json(const StatusInput& input, V2File file);

inline constexpr std::string_view kAtomType = "application/atom+xml; charset=utf-8";
inline constexpr std::string_view kRssType = "application/rss+xml; charset=utf-8";
inline constexpr std::string_view kCalendarType = "text/calendar; charset=utf-8";

}  // namespace everup::reports
