// The honest ledger: spans in, milliseconds out. Integers only; no mean of percentages anywhere (DESIGN 5, RULES B).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/standing.h"
#include "core/time.h"

namespace everup {

struct LedgerSpan {
  Span span;
  State state = State::kUnknown;
  Reason reason;
  bool operator==(const LedgerSpan&) const = default;
};
// Ascending, half-open, no gap and no overlap; neighbours differ in state or reason.
using Timeline = std::vector<LedgerSpan>;

// All that is stored of one monitor and that a window needs. `spans`: per region, as stored; the open one has to =
// WallTime{INT64_MAX}.
struct LedgerInput {
  struct RegionSpans {
    Region region = kLocalRegion;
    std::vector<LedgerSpan> spans;  // ascending; may leave holes (unknown) and may be empty
    WallTime observed_through;      // the shard's mark: every slot before it is settled, covered, missed or in a gap
    std::optional<WallTime> pending_since;
  };
  MonitorId id;
  WallTime created_at;
  std::optional<WallTime> first_look;  // start of the first look ever
  std::vector<RegionSpans> regions;
  std::vector<Span> paused, maintenance;  // from the configuration's history; open ones end at INT64_MAX; may overlap
  std::vector<Span> blind;                // gaps that override observations (RULES B 4)
  std::int64_t interval_ms = 60000, timeout_ms = 10000;
  Patience confirm;  // how long a suspicion may take: horizon_of() with patience
};

// first_look, at the latest created_at + interval (SHAPES 20): before it everything is kBeforeCreation.
WallTime origin_of(const LedgerInput& input);

// RULES B 5: the earliest of now, the marks, the suspicions — but a mark or a suspicion older than the horizon no
// longer holds time back (that time is unknown then: timeline_of says so).
WallTime settled_until(const LedgerInput& input, WallTime now);

// The merged timeline of `window`, clipped to it, complete: paused > maintenance > blind (unknown) > regions merged by
// majority (k regions with data: down if at least ⌈(k+1)/2⌉ say down, unknown if k = 0, degraded if any of the others
// is; never adds up seconds). Stale marks: unknown from the first slot after the mark. Stale suspicions: unknown from
// their first look. Never looks past `now`: a window that ends later is cut there, one that begins later is empty.
Timeline timeline_of(const LedgerInput& input, Span window, WallTime now);

struct Tally {
  std::int64_t up_ms = 0, degraded_ms = 0, down_ms = 0, unknown_ms = 0, maintenance_ms = 0, paused_ms = 0,
               before_creation_ms = 0;
  std::int64_t incidents =
      0;  // maximal runs of down in the window, unknown or maintenance between two downs not separating them
  std::int64_t longest_down_ms = 0;  // of one incident: its down milliseconds
  bool operator==(const Tally&) const = default;
  std::int64_t total_ms() const;  // equals the window's length exactly
};
Tally tally(const Timeline& timeline);
Tally operator+(
    const Tally& a,
    const Tally& b);  // adjacent windows: milliseconds add, incidents do too (an approximation named in reports)

// A percentage in thousandths (99.982 % = 99982), floored; nullopt when nothing was judged.
struct Uptime {
  std::optional<std::int64_t> uptime, worst, best, coverage;  // worst: unknown counts as down; best: as up
  std::string display;  // "99.982%", "100%" only if down = 0, "0%" only if up = 0, "<0.001%", "n/a"
};
Uptime uptime_of(const Tally& tally);
// "99.98%": `decimals` 0…3, floored, never up to 100; nullopt: thousandths with trailing zeros cut to two decimals.
std::string display_percent(const Tally& tally, std::optional<int> decimals = std::nullopt);
std::int64_t round_up_to_second_ms(std::int64_t ms);

// Rolling: "24h", "7d", "30d", "90d", "365d" → n × 86 400 000 ms; nullopt otherwise.
std::optional<std::int64_t> rolling_window_ms(std::string_view name);
// [to − n, to) with to = settled_until cut to the second (SHAPES 20).
Span rolling_window(const LedgerInput& input, std::int64_t length_ms, WallTime now);

}  // namespace everup
