// What late evidence changes: two histories of spans in, one edit out. Pure; amender.cpp reads and writes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ledger.h"
#include "core/time.h"

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
// [{"from":…,"to":…|null,"state":…,"cause":…,"gap":…}] in milliseconds and numbers: corrections.before and .after.
std::string spans_json(const std::vector<LedgerSpan>& spans);

}  // namespace everup::db
