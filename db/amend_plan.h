// What late evidence changes: two histories of spans in, one edit out. Pure; amender.cpp reads and writes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ledger.h"
#include "core/time.h"
#include "core/timeline.h"

namespace everup::db {

inline constexpr WallTime kOpenEnd{INT64_MAX};

struct Amendment {
  Span window;                     // from the first difference to `limit` (kOpenEnd: the open span is part of it)
  std::vector<LedgerSpan> before;  // clipped to the window
  std::vector<LedgerSpan> after;
};
// Compares only inside [from, limit); holes count as unknown without a reason. nullopt: they agree there.
std::optional<Amendment> plan_amendment(const std::vector<LedgerSpan>& stored,
                                        const std::vector<LedgerSpan>& recomputed, WallTime from, WallTime limit);
// What is stored of one monitor and region from `from` on, and what has to be decided about it.
struct LateEvidence {
  MonitorId monitor;
  WallTime from;                  // where the window begins: in the middle of a span, or where one begins
  std::vector<LedgerSpan> spans;  // those that end after `from`
  std::vector<Observed> results;  // looks that started at `from` or later
  std::vector<ObservedGap> gaps;
  std::vector<Revision> history;     // all of it
  std::optional<Standing> standing;  // as stored; none: nothing was ever concluded
  bool resync = false;               // the standing is in doubt too
};
struct LatePlan {
  std::optional<Amendment> amendment;
  std::optional<Standing> standing;  // to be stored; its booked and booked_since are those of the open span then
};
inline constexpr std::int32_t kResyncStep = 1000;  // of the version of a standing that was recomputed
LatePlan plan_late(LateEvidence evidence);

// [{"from":…,"to":…|null,"state":…,"cause":…,"gap":…}] in milliseconds and numbers: corrections.before and .after.
std::string spans_json(const std::vector<LedgerSpan>& spans);

}  // namespace everup::db
