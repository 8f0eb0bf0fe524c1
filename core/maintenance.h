// Maintenance windows: when one is, as spans of UTC. A window happens once, or repeats by a subset of RFC 5545's RRULE:
// FREQ=DAILY, WEEKLY or MONTHLY with INTERVAL, BYDAY (nth ones for MONTHLY: 2TU, -1FR), BYMONTHDAY (MONTHLY; negative
// ones count from the end), COUNT or UNTIL. Weeks begin on Monday. Pure; values; any thread.
//
// A repeated window begins at the same local time: where a zone skips it, at the end of the gap; where it happens
// twice, at the first. It lasts as long as the first one did, in real time. Windows that overlap are booked once: that
// is the ledger's (core/ledger.h), not this file's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/calendar.h"
#include "core/result.h"
#include "core/time.h"
#include "core/zone.h"

namespace everup {

struct Recurrence {
  enum class Every : std::uint8_t { kDay, kWeek, kMonth };
  struct Weekday {
    int weekday = 0;  // 0: Sunday … 6
    int nth = 0;      // 0: every one of them; 1 … 5, -1 … -5: of the month
    bool operator==(const Weekday&) const = default;
  };
  Every every = Every::kWeek;
  int interval = 1;               // 1 … 400
  std::vector<Weekday> by_day;    // at most 14; empty: the day of the first one
  std::vector<int> by_month_day;  // at most 31; 1 … 31, -1 … -31
  std::optional<int> count;       // 1 … 10 000, the first included
  std::optional<WallTime> until;  // the last one begins at or before it
  bool operator==(const Recurrence&) const = default;
};
// "FREQ=WEEKLY;BYDAY=SU", with or without "RRULE:" before it, any case. UNTIL without a time is that whole day in
// `zone`, without 'Z' local time. kInvalid: one sentence that names the part and what is allowed.
Result<Recurrence> parse_rrule(std::string_view text, const Zone& zone);

struct MaintenanceRule {
  WallTime starts_at;      // of the first one
  milliseconds length{0};  // of each
  std::optional<Recurrence> repeats;
  const Zone* zone = nullptr;  // with `repeats`
};

inline constexpr milliseconds kMaintenanceMin{60'000}, kMaintenanceMax{366 * kDayMs}, kRepeatedMax{31 * kDayMs};

// Does the rule itself give a window on the day of starts_at? (A start beside its rule would be a window nobody meant.)
bool starts_by_its_rule(const MaintenanceRule& rule);
// Those that overlap `window`, ascending, at most `most`, as they are (not clipped to it).
std::vector<Span> occurrences(const MaintenanceRule& rule, Span window, std::size_t most);

}  // namespace everup
