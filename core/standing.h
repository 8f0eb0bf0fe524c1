// The health of one monitor in one region, and the only place that decides when it changes: advance().
//
// Health is what is settled (confirmed). Booked is the state of the open span: the health, or unknown while nobody
// looks. While a run of looks contradicts the health it is only *suspected*: nothing is booked from `pending_since` on,
// and nothing after that instant is shown to anybody, until the run settles or ends. So no shown minute is ever taken
// back.
//
//   health up        and the last N looks not up                → degraded (or down, when the last N were down)
//   health degraded  and the last N looks down / last M looks up → down / up
//   health down      and the last M looks not down              → up (all up) or degraded
//   N = patience.failures, M = patience.successes. Inconclusive looks neither count nor reset a run; they book unknown.
//   The first verdict ever: up and degraded settle at once; down needs N.
// The change is dated from the START of the first look of the run that settled it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/outcome.h"
#include "core/time.h"

namespace everup {

// States of an instant (DESIGN 5). Fixed numbers. Spans hold only up, degraded, down, unknown; paused and maintenance
// are laid over them from the configuration's history when a window is read.
enum class State : std::int16_t {
  kUp = 1,
  kDegraded = 2,
  kDown = 3,
  kUnknown = 4,
  kMaintenance = 5,
  kPaused = 6,
  kBeforeCreation = 7
};
std::string_view slug(State state);

// Confirmation (RULES B 3, SHAPES 1). Two bytes and a few: it is kept a million times.
struct Patience {
  std::uint8_t failures = 3;   // 1 … 10
  std::uint8_t successes = 2;  // 1 … 10
  std::uint8_t retry_count = 1;
  std::array<std::uint16_t, 5> retry_s{10, 0, 0, 0,
                                       0};  // distances between re-checks, start to start; the last repeats; 1 … 3600
  bool operator==(const Patience&) const = default;
  milliseconds retry_after(int look) const;  // distance to re-check number look+1 (look counts from 0)
};

// Why a span has its state: a cause, or a gap's reason for unknown. Exactly one is set, or none (up).
struct Reason {
  std::int16_t cause = 0;  // Cause number, 0: none
  std::int16_t gap = 0;    // GapReason number, 0: none
  bool operator==(const Reason&) const = default;
};

// From `at` on, the state is `state`.
struct SpanEdge {
  WallTime at;
  State state = State::kUnknown;
  Reason reason;
  bool operator==(const SpanEdge&) const = default;
};

// A settled change of health; becomes the outbox row (monitor, version).
struct Flip {
  State from = State::kUnknown, to = State::kUnknown;
  WallTime at;          // start of the first look of the run
  WallTime settled_at;  // start of the look that settled it
  Reason reason;
  bool operator==(const Flip&) const = default;
};

struct Standing {
  std::int32_t version = 0;             // +1 with every Conclusion
  State health = State::kUnknown;       // settled; kUnknown: never judged
  State booked = State::kUnknown;       // state of the open span
  WallTime health_since, booked_since;  // 0: never
  WallTime last_look;                   // start of the last look of any verdict; 0: none
  // Suspicion. Empty unless pending_since is set.
  std::optional<WallTime> pending_since;
  struct Run {
    std::uint8_t looks = 0;
    WallTime first;
  };  // trailing run of consecutive (inconclusive ones skipped) verdicts
  Run down, not_up, not_down, up;
  // What was seen since pending_since, oldest first, changes only; at most kPendingMax (then the newest unknown edges
  // merge).
  struct Seen {
    WallTime at;
    Verdict verdict;
    Reason reason;
  };
  static constexpr std::size_t kPendingMax = 32;
  std::shared_ptr<const std::vector<Seen>> pending;  // null: empty (kept small: a million standings)
};

// What the recorder must write for one look (or one gap), in one compare-and-set on `version_before`. Absent when
// nothing changes.
struct Conclusion {
  std::int32_t version_before = 0, version_after = 0;
  State health = State::kUnknown, booked = State::kUnknown;
  WallTime health_since, booked_since;
  std::optional<WallTime> pending_since;
  std::vector<SpanEdge> edges;  // ascending; the first closes the open span (if any) at its instant
  std::optional<Flip> flip;
  bool operator==(const Conclusion&) const = default;
};

struct Look {
  Verdict verdict = Verdict::kInconclusive;
  Cause cause = Cause::kOk;
  WallTime started_at;    // verdicts hold from here
  WallTime unknown_from;  // an inconclusive look books unknown from here (its slot)
};

struct Advance {
  Standing standing;
  std::optional<Conclusion> conclusion;
  bool glitch = false;  // a suspicion ended without settling
};

// `horizon`: interval + timeout + 30 s; a suspicion older than it is booked unknown from its first look before the new
// look counts. `missed.from`: the first slot that nothing answered before this look, if any: unknown is booked from
// there to look.started_at, with its reason; nothing is booked for what was missed before the first look ever.
struct Missed {
  WallTime from;
  GapReason reason;
};
Advance advance(const Standing& before, const Look& look, const Patience& patience, milliseconds horizon,
                std::optional<Missed> missed = std::nullopt);
// Nobody looks from `from` on (pause, missed slot, gap): books unknown from there. A running suspicion is booked
// unknown from its first look.
Advance lose_sight(const Standing& before, WallTime from, Reason reason);

inline milliseconds horizon_of(std::int64_t interval_ms, std::int64_t timeout_ms) {
  return milliseconds(interval_ms + timeout_ms + 30'000);
}
// The horizon of a suspicion: the same for the defaults, longer where the patience itself needs longer to settle a run
// (else a monitor with many or slow re-checks could never settle). What advance() and the ledger want.
milliseconds horizon_of(std::int64_t interval_ms, std::int64_t timeout_ms, const Patience& patience);

}  // namespace everup
