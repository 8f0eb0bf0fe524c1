// A public status page: what its account shows of its monitors, incidents and maintenance; model and HTML. Pure; any
// thread; no I/O, no clock. Figures, strips and days come from one timeline a monitor, as in reports (report.h). What
// was not watched is shown as such and never as working.
//
// Limits: kIncidentsMax past incidents on the front page, kWindowsMax times of maintenance, kHandlesMax monitors whose
// days answer the pointer (a page with more would be megabytes).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ledger.h"
#include "core/status_page.h"
#include "core/time.h"
#include "core/zone.h"
#include "reports/period.h"
#include "reports/report.h"

namespace everup::reports {

struct StatusUpdate {
  std::string id;
  WallTime at;
  std::string stage;  // investigating, identified, monitoring; empty: said nothing
  std::string text;
};
struct StatusIncident {
  std::string id;             // "inc_…"
  std::string monitor, name;  // as the page calls it
  std::string cause;          // English, of the one table of causes; no detail, no target
  WallTime started_at, confirmed_at;
  std::optional<WallTime> ended_at, acknowledged_at;
  std::vector<StatusUpdate> updates;  // oldest first
  // investigating, identified, monitoring, resolved
  std::string stage() const;
  WallTime changed_at() const;
};
struct StatusMaintenance {
  std::string id;  // of this one time: stable while it keeps its start
  std::string name;
  Span span;
  std::int32_t version = 1;
  WallTime created_at, saved_at;
  std::vector<std::string> monitors, names;
};
struct StatusRow {
  std::string id, name;
  std::string report;  // address of its report; empty: none
  WallTime created_at;
  State state = State::kUnknown;
  std::optional<WallTime> since, suspect_since;
  LedgerInput ledger;
};
struct StatusGroup {
  std::string name;
  std::vector<StatusRow> rows;
};
struct StatusInput {
  StatusPage page;
  std::string base;  // of links: "/status/shop", "" on a domain of its own
  std::string url;   // where the page is, absolute
  std::vector<StatusGroup> groups;
  std::vector<StatusIncident> incidents;       // newest first
  std::vector<StatusMaintenance> maintenance;  // soonest first, not over yet
  std::string window;                          // "90d"
  const Zone* zone = nullptr;                  // never null
  WallTime now;
  std::string version;  // of Everup; may be empty
};

// When an incident of the page last changed, or the page was made: what feeds call "updated".
WallTime changed_at(const StatusInput& input);

// The state of the page as a whole: the worst of its monitors; paused ones count only where there are no others.
enum class Overall : std::uint8_t { kEmpty, kUp, kMaintenance, kUnknown, kDegraded, kSomeDown, kAllDown };
Overall overall_of(const std::vector<StatusGroup>& groups);
State state_of(const std::vector<StatusRow>& rows);  // of a group

inline constexpr std::size_t kIncidentsMax = 50, kWindowsMax = 20, kHandlesMax = 40;

// Whole pages, UTF-8, without JavaScript. Send them with kStatusCsp.
std::string status_html(const StatusInput& input);
std::string status_month_html(const StatusInput& input, const Period& month);
// `incident` is one of input.incidents.
std::string status_incident_html(const StatusInput& input, const StatusIncident& incident);
// Asks for the password; `error`: a key of status_words.cpp, empty at first.
std::string status_locked_html(const StatusPage& page, std::string_view action, std::string_view error);
// No page's fact in it.
std::string missing_status_html();
std::string unavailable_status_html();

// A page that could not be renewed says so: put in where the template left room. No change to other text.
std::string marked_stale(std::string html);

inline constexpr std::string_view kStatusCsp =
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'";

}  // namespace everup::reports
