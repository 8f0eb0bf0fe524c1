// Reads looks wherever they are: rows of `results` and `results_late`, and chunks of packed hours (0012_chunks.sql).
// Who asks knows nothing of it. Rows are asked for before chunks: what is packed or merged in between is found twice,
// and counted once.
//
// Of two looks with one key the chunk's counts, then the hot one's, then the late one's. A chunk that cannot be decoded
// is kCorrupt, by monitor and hour, and nothing of its window is answered: a gap would look like missed checks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/chunk.h"
#include "core/latency_day.h"
#include "db/ledger_store.h"

namespace pqxx {
class field;
class result;
class transaction_base;
}  // namespace pqxx

namespace everup::db {

inline constexpr int kChunkCodec = 1;  // result_chunks.codec that this binary writes and reads

// How one reader asks for what belongs to one monitor and region; the SQL differs by role.
struct LookSource {
  using Ask = std::function<pqxx::result(WallTime since, WallTime until, int most)>;
  MonitorId monitor;
  Region region = kLocalRegion;
  Ask rows;    // columns of `results` as kResultColumns, by slot and look, hot ones before late ones
  Ask chunks;  // hour_at, codec, row_count, body; newest first
  // day_at, body: tallied days in [since, until), whole or by hours. Empty where nobody asks.
  std::function<pqxx::result(WallTime since, WallTime until, bool whole)> days;
};
LookSource account_looks(pqxx::transaction_base& tx, MonitorId monitor);
LookSource public_looks(pqxx::transaction_base& tx, MonitorId monitor, const std::string& link,
                        const std::string& token);
LookSource worker_looks(pqxx::transaction_base& tx, MonitorId monitor, Region region);

// Stored marks (0012_chunks.sql), readable for every role but the backup's.
struct StorageMarks {
  WallTime packed_through, tallied_through;
};
StorageMarks storage_marks(pqxx::transaction_base& tx);

std::string bytes_in(const pqxx::field& field);  // of bytea; empty where it is null
Result<std::vector<ChunkRow>> chunk_in(MonitorId monitor, WallTime hour, int codec, std::string_view body);
Result<ResultRow> result_of(MonitorId monitor, Region region, const ChunkRow& row);

// Adds looks of packed hours to `rows` (newest first, of [from, to)), as many as `most` needs, each before the cursor
// (before_slot, before_look); sorts, drops doubles and cuts to `most`. `packed_through`: read after the rows.
Status add_cold(const LookSource& source, Span window, WallTime before_slot, std::int32_t before_look, std::size_t most,
                WallTime packed_through, std::vector<ResultRow>& rows);
// Every look with its slot in `window`, oldest first, missed slots included. kExhausted when there are more than
// `most`.
Result<std::vector<ResultRow>> looks_in(const LookSource& source, Span window, std::size_t most);

// Latencies in equal steps: parts[i] is of [first + i × step, first + (i + 1) × step).
struct LatencySteps {
  WallTime first;
  milliseconds step{0};
  std::vector<LatencyPart> parts;
};
// Adds what was seen in `window`, which the steps cover. Steps of whole hours (UTC) are read from the tallied days
// where there are some, a look counting where its slot lies; what is not tallied, and shorter steps (a look counts
// where it started), from the looks themselves: kExhausted when these are more than `most`.
Status add_latencies(const LookSource& source, WallTime tallied_through, Span window, std::size_t most,
                     LatencySteps& out);

}  // namespace everup::db
