// Packs closed hours of `results` into chunks, merges what came late, tallies days of latencies (RULES A 7,
// docs/decisions/0010). Part of a keeper's pass, under its advisory lock.
//
//   seal    the mark moves past the hour, in a transaction of its own: no row of it enters `results` any more
//   pack    some monitors at a time: their rows become chunks, and the step moves from where it was, in one transaction
//   switch  the mark of readers moves past the hour
//
// A kill between or within any of these leaves the hour where its last committed step was; the next pass goes on there.
// No transaction holds the marks' row longer than its own update, so recorders, who read it FOR SHARE, never wait for
// packing. Memory: the rows of one batch. Thread: the caller's.
#pragma once

#include <functional>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "db/session.h"

namespace everup::db {

struct CompactorOptions {
  const Clock* clock = nullptr;
  milliseconds deadline{30'000};           // of one statement's transaction
  milliseconds budget{20'000};             // of one pass, looked at between batches; 0: nothing is packed
  milliseconds closed_for{2 * 3'600'000};  // an hour that ended so long ago is packed …
  milliseconds spool_wait{24 *
                          3'600'000};  // … or, while a node that holds a shard still has older looks, so much later
  int batch_rows = 50'000;             // rows of `results` in one transaction; more only for a single monitor
  std::function<bool()> enough;        // asked between batches: stop now; may be empty
};

struct Compacted {
  bool more = false;  // the budget ended it: there is more to do now
  std::int64_t hours = 0, chunks = 0, rows = 0, late = 0, days = 0;
  std::vector<Error> damage;  // chunks that cannot be read, at most kDamageMax; their late rows wait
  static constexpr std::size_t kDamageMax = 10;
};
// `session`: the owner's.
Status compact(Session& session, const CompactorOptions& options, Compacted& done);

}  // namespace everup::db
