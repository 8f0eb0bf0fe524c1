// A status page as its owner defined it: what of an account's monitors everybody may see. Pure data; JSON is
// db/status_page_json, storage db/status_page_store, the page itself reports/status_page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "core/time.h"
#include "core/zone.h"

namespace everup {

struct StatusPageTag {
  static constexpr std::string_view kPrefix = "stp_";
};
using StatusPageId = Id<StatusPageTag>;

struct StatusPageMonitor {
  std::string monitor;  // "mon_…"; in a draft also "slug:…"
  std::string name;     // on the page; empty: the monitor's own
  bool operator==(const StatusPageMonitor&) const = default;
};
struct StatusPageGroup {
  std::string name;
  std::vector<StatusPageMonitor> monitors;
  bool operator==(const StatusPageGroup&) const = default;
};

struct StatusPageDraft {
  static constexpr std::size_t kGroupsMax = 50, kMonitorsMax = 200, kLogoBytesMax = 32 * 1024;
  std::string slug, name;
  std::string description;       // plain text; empty: none
  std::string url;               // where the name leads: http(s); empty: nowhere
  std::string domain;            // a name of the account's own that leads here; empty: none
  std::string timezone = "UTC";  // of days, months and times
  std::string language = "en";   // one of kLanguages
  std::string theme = "auto";    // auto, light, dark
  std::string accent;            // "#1a7f37"; empty: none
  std::string logo;              // data:image/png;base64,…; empty: none
  std::string window = "90d";    // of the figures, unless a reader asks for another
  bool noindex = false, published = true;
  std::vector<StatusPageGroup> groups;
  bool operator==(const StatusPageDraft&) const = default;
};
inline constexpr std::string_view kLanguages[] = {"en", "de", "fr", "cs"};

// Everything but JSON's shape and whether the monitors exist. `own_host`: the service's own name, which is nobody's
// domain; may be empty.
FieldErrors validate(const StatusPageDraft& draft, const Zones& zones, std::string_view own_host);
// Black or white, whichever stands out more on `accent` ("#rrggbb"): always at least 4.5 : 1 (WCAG 1.4.3).
std::string_view ink_on(std::string_view accent);

struct StatusPage : StatusPageDraft {  // monitors as ids
  StatusPageId id;
  AccountId account;
  std::string password_hash;  // PHC string; empty: open to everybody
  std::int32_t revision = 1;
  WallTime created_at, updated_at;
};

}  // namespace everup
