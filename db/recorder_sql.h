// One batch as one transaction (RULES A 1, 2, 4, 5 and B 9). The recorder decides when; this file knows how.
//
//   stream sequence → seal FOR SHARE → results by COPY → leases FOR SHARE → conclusions by one compare-and-set → spans
//   closed, flips → spans opened → late observations → marks, gaps, evidence, commands → COMMIT
//
// Nothing per check but the COPY. Thread: the session's. Errors: those after which the same batch must be sent again
// (kUnavailable, kTimeout, kInDoubt); everything else ends here, with poison rows taken out of the batch and booked as
// gaps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "db/batch.h"

namespace everup::db {

class Session;

struct Fence {
  std::string node, boot;  // who we are in `leases`
};

struct Applied {
  bool duplicate = false;  // the sequence had been applied before: nothing was written
  std::uint64_t rows = 0;  // results written
  std::uint64_t flips = 0;
  std::uint64_t late = 0;  // monitors queued for the amender
  struct Poison {
    std::uint32_t observation = 0;  // index
    std::string why;
  };
  std::vector<Poison> poison;
};

// Once per session: its settings, the stream's row, the temporary table for replays.
Status prepare_recorder_session(Session& session, milliseconds deadline, const std::string& stream);

// `stream`: who numbered the batch, "node/boot". `replay`: it was sent before, or may have been.
Result<Applied> apply_batch(Session& session, milliseconds deadline, const Fence& fence, const std::string& stream,
                            const Batch& batch, bool replay, WallTime now);

// Forgets former streams of this node; only while nothing of theirs is left in the spool.
Status trim_streams(Session& session, milliseconds deadline, const Fence& fence, const std::string& stream);

// The outbox as /metrics shows it: flips that no alerter has taken and deliveries that are due; counted up to
// kOutboxCountMax.
struct Outbox {
  std::uint64_t pending = 0;
  std::optional<WallTime> oldest;
};
inline constexpr int kOutboxCountMax = 100'000;
Result<Outbox> read_outbox(Session& session, milliseconds deadline);

}  // namespace everup::db
