// See compactor.h.
#include "db/compactor.h"

#include <algorithm>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "core/chunk.h"
#include "core/latency_day.h"
#include "db/cold_rows.h"
#include "db/rows.h"
#include "db/sql_values.h"

namespace everup::db {
namespace {

constexpr int kHoursMax = 10'000;            // of one pass
constexpr int kBatchRowsMax = 2'000'000;     // of one monitor's hour: kChunkRowsMax in thirty regions
constexpr int kLateMax = 1'000;              // monitors' hours of one question
constexpr std::size_t kTallyChunks = 9'600;  // of one transaction: days of some four hundred monitors

// A row of result_chunks.
struct Chunk {
  std::int64_t monitor = 0, hour = 0;
  std::int32_t region = 1, kept_class = 0;
  std::optional<std::int64_t> last_ran_at;
  std::size_t rows = 0;
  int last_verdict = 0;
  std::string runs;  // "{slot,start,…}"; empty: none
  bool leads = false;
  std::string body;
};

bool conclusive(int verdict) { return verdict >= 1 && verdict <= 3; }

// What SQL needs to know of an hour without decoding it; `rows` by slot and look.
Result<Chunk> chunk_of(std::int64_t monitor, std::int32_t region, WallTime hour, std::vector<ChunkRow> rows) {
  Chunk chunk;
  chunk.monitor = monitor, chunk.hour = hour.ms, chunk.region = region, chunk.rows = rows.size();
  std::vector<std::int64_t> runs;
  for (const ChunkRow& row : rows) {
    const std::int64_t started = row.slot_at.ms + row.start_ms;
    if (row.verdict != 0) chunk.last_ran_at = started;
    if (!conclusive(row.verdict)) continue;
    if (row.verdict == 3 && chunk.last_verdict != 3) {
      if (runs.empty()) chunk.leads = chunk.last_verdict == 0;
      runs.push_back(row.slot_at.ms);
      runs.push_back(started);
    }
    chunk.last_verdict = row.verdict;
  }
  if (!runs.empty()) chunk.runs = array_of(runs);
  auto body = pack_chunk(hour, std::move(rows));
  if (!body) {
    return Error{body.error().code,
                 to_string(MonitorId{monitor}) + ", hour of " + rfc3339(hour) + ": " + body.error().what};
  }
  chunk.body = *std::move(body);
  return chunk;
}

// Columns as kResultColumns.
ChunkRow chunk_row_in(const pqxx::row& row) {
  const auto small = [&](int column) { return row[column].as<std::int32_t>(); };
  const auto tiny = [&](int column) { return row[column].as<std::int16_t>(); };
  ChunkRow out;
  out.slot_at = WallTime{row[2].as<std::int64_t>()};
  out.start_ms = small(3), out.look = small(4), out.covered = small(5), out.revision = small(6);
  out.trigger = tiny(7), out.verdict = tiny(8), out.cause = tiny(9), out.phase = tiny(10);
  for (std::size_t i = 0; i < out.phase_us.size(); ++i) out.phase_us[i] = small(11 + static_cast<int>(i));
  out.code = small(17);
  if (!row[18].is_null()) out.detail = row[18].c_str();
  return out;
}

std::string select_rows(const std::string& rest) { return std::string("SELECT ") + kResultColumns + " FROM " + rest; }

class Pass {
 public:
  Pass(Session& session, const CompactorOptions& options, Compacted& done)
      : session_(session), options_(options), done_(done), began_(options.clock->now().mono) {}

  Status run();

 private:
  struct Marks {
    std::int64_t sealed = 0, packed = 0, tallied = 0;
  };
  using Body = std::function<Status(pqxx::transaction_base&)>;

  Status in(const Body& body) { return session_.run(options_.deadline, body); }
  bool over();
  Status read_marks();
  Result<std::optional<std::int64_t>> next_day(std::int64_t from);
  Result<bool> find_hour();
  Result<bool> closed(std::int64_t hour);
  Status move(const char* mark, std::int64_t to);
  Status start_step(const char* step, std::int64_t at);
  Status advance(pqxx::transaction_base& tx, const char* step, std::int64_t at, std::int64_t to);
  Status pack_hour(std::int64_t hour);
  Status pack_batch(std::int64_t hour, bool& last);
  Result<std::vector<Chunk>> batch_of(const pqxx::result& rows, std::size_t end, std::int64_t hour);
  Status write(pqxx::transaction_base& tx, const std::vector<Chunk>& chunks);
  Status merge_late();
  Status merge_hour(std::int64_t monitor, std::int32_t region, std::int64_t hour);
  Status merge_rows(pqxx::transaction_base& tx, std::int64_t monitor, std::int32_t region, WallTime hour);
  void replace(pqxx::transaction_base& tx, const Chunk& chunk, bool there);
  Status add_to_day(pqxx::transaction_base& tx, const Chunk& chunk, const std::vector<ChunkRow>& added);
  Status tally_day(std::int64_t day);
  Status tally_batch(std::int64_t day, bool& last);
  void put_day(pqxx::transaction_base& tx, std::int64_t monitor, std::int32_t region, std::int64_t day,
               const LatencyHours& hours);
  void damaged(const Error& error);

  Session& session_;
  const CompactorOptions& options_;
  Compacted& done_;
  const Instant began_;
  Marks marks_;
  std::int64_t after_ = -1;  // of the step in work: done up to and with this monitor
};

bool Pass::over() {
  if (options_.enough && options_.enough()) return true;
  const bool spent = options_.clock->now().mono - began_ >= options_.budget;
  done_.more = done_.more || spent;
  return spent;
}

void Pass::damaged(const Error& error) {
  if (done_.damage.size() < Compacted::kDamageMax) done_.damage.push_back(error);
}

Status Pass::read_marks() {
  return in([&](pqxx::transaction_base& tx) -> Status {
    const auto row = tx.exec1("SELECT sealed_through, packed_through, tallied_through FROM storage_mark");
    marks_ = {row[0].as<std::int64_t>(), row[1].as<std::int64_t>(), row[2].as<std::int64_t>()};
    return ok();
  });
}

// The first day at or after `from` that has a partition of results; days without one need no packing.
Result<std::optional<std::int64_t>> Pass::next_day(std::int64_t from) {
  return in_transaction(
      session_, options_.deadline, [&](pqxx::transaction_base& tx) -> Result<std::optional<std::int64_t>> {
        const auto row = tx.exec_params1(
            "SELECT min(day) FROM (SELECT to_date(right(c.relname, 8), 'YYYYMMDD') - date '1970-01-01' AS day FROM "
            "pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'results'::regclass AND c.relname "
            "~ "
            "'_[0-9]{8}$') d WHERE day >= $1",
            from / kDayMs);
        if (row[0].is_null()) return std::optional<std::int64_t>();
        return std::optional(row[0].as<std::int64_t>() * kDayMs);
      });
}

// Moves over days that were never stored to the next hour to pack; false: none is due.
Result<bool> Pass::find_hour() {
  const auto day = next_day(marks_.packed);
  if (!day) return day.error();
  if (!*day) return false;
  const std::int64_t hour = std::max(marks_.packed, **day);
  auto due = closed(hour);
  if (!due || !*due || hour == marks_.packed) return due;
  const bool first = marks_.packed == 0;
  for (const char* mark : {"sealed_through", "packed_through", "tallied_through"}) {
    if (std::string_view(mark) == "tallied_through" && !first) continue;
    if (Status moved = move(mark, hour); !moved) return moved.error();
  }
  if (Status read = read_marks(); !read) return read.error();
  return true;
}

// Ended long enough ago, and no shard that a node holds waits for older looks (they are in its spool).
Result<bool> Pass::closed(std::int64_t hour) {
  const std::int64_t end = hour + kHourMs, now = options_.clock->now().wall.ms;
  if (now < end + options_.closed_for.count()) return false;
  if (now >= end + options_.closed_for.count() + options_.spool_wait.count()) return true;
  return in_transaction(session_, options_.deadline, [&](pqxx::transaction_base& tx) -> Result<bool> {
    set_operator(tx);
    return tx
        .exec_params1(
            "SELECT NOT EXISTS (SELECT 1 FROM leases l JOIN shard_marks k USING (region, shard) WHERE l.expires_at > "
            "clock_timestamp() AND k.observed_through < $1 AND EXISTS (SELECT 1 FROM monitors m WHERE m.shard = "
            "k.shard "
            "AND m.deleted_at IS NULL AND NOT m.paused))",
            end)[0]
        .as<bool>();
  });
}

// Waits for recorders that hold the row, and those behind it for this: a moment, both.
Status Pass::move(const char* mark, std::int64_t to) {
  return in([&](pqxx::transaction_base& tx) -> Status {
    tx.exec("SET LOCAL lock_timeout = 3000");
    tx.exec_params("UPDATE storage_mark SET " + tx.quote_name(mark) + " = greatest(" + tx.quote_name(mark) + ", $1)",
                   to);
    return ok();
  });
}

// Where the step stands for `at`; what it did for another hour or day is over.
Status Pass::start_step(const char* step, std::int64_t at) {
  return in([&](pqxx::transaction_base& tx) -> Status {
    tx.exec_params("UPDATE storage_steps SET at = $2, after_monitor = -1 WHERE step = $1 AND at <> $2", step, at);
    after_ = tx.exec_params1("SELECT after_monitor FROM storage_steps WHERE step = $1", step)[0].as<std::int64_t>();
    return ok();
  });
}

Status Pass::advance(pqxx::transaction_base& tx, const char* step, std::int64_t at, std::int64_t to) {
  const auto moved =
      tx.exec_params("UPDATE storage_steps SET after_monitor = $4 WHERE step = $1 AND at = $2 AND after_monitor = $3",
                     step, at, after_, to);
  if (moved.affected_rows() == 1) return ok();
  return Error{ErrorCode::kConflict, "compactor: another keeper works on the same " + std::string(step)};
}

// ---- packing ------------------------------------------------------------------------------------------------------

Status Pass::pack_hour(std::int64_t hour) {
  if (marks_.sealed < hour + kHourMs) {
    if (Status sealed = move("sealed_through", hour + kHourMs); !sealed) return sealed;
    marks_.sealed = hour + kHourMs;
  }
  if (Status started = start_step("pack", hour); !started) return started;
  const Status made = in([&](pqxx::transaction_base& tx) -> Status {
    tx.exec("SET LOCAL lock_timeout = 3000");
    tx.exec_params("SELECT ensure_chunks(0, $1)", hour);
    return ok();
  });
  if (!made) return made;
  for (bool last = false; !last;) {
    if (over()) return ok();
    if (Status packed = pack_batch(hour, last); !packed) return packed;
  }
  if (Status switched = move("packed_through", hour + kHourMs); !switched) return switched;
  marks_.packed = hour + kHourMs;
  ++done_.hours;
  return ok();
}

// The next monitors' rows: as many as fit, the last one only when it is whole.
Status Pass::pack_batch(std::int64_t hour, bool& last) {
  std::int64_t to = after_;
  Compacted counted;
  const Status status = in([&](pqxx::transaction_base& tx) -> Status {
    counted = {};
    tx.exec("SET LOCAL enable_seqscan = off");  // by the key: a day's other hours are skipped within the index
    tx.exec("SET LOCAL enable_bitmapscan = off");
    pqxx::result rows;
    std::size_t end = 0;
    for (int most = options_.batch_rows;; most = std::min(4 * most, kBatchRowsMax)) {
      rows =
          tx.exec_params(select_rows("results r WHERE r.slot_at >= $1 AND r.slot_at < $2 AND r.monitor_id > $3 ORDER "
                                     "BY r.monitor_id, r.region, r.slot_at, r.look LIMIT $4"),
                         hour, hour + kHourMs, after_, most);
      end = rows.size();
      last = static_cast<int>(end) < most;
      if (last) break;
      const std::int64_t cut = rows[end - 1][0].as<std::int64_t>();
      while (end > 0 && rows[end - 1][0].as<std::int64_t>() == cut) --end;
      if (end > 0) break;
      if (most >= kBatchRowsMax) {
        return Error{ErrorCode::kExhausted,
                     "compactor: " + to_string(MonitorId{cut}) + " has too many results in an hour"};
      }
    }
    if (end == 0) return ok();
    const auto chunks = batch_of(rows, end, hour);
    if (!chunks) return chunks.error();
    to = chunks->back().monitor;
    counted.chunks = static_cast<std::int64_t>(chunks->size()), counted.rows = static_cast<std::int64_t>(end);
    if (Status advanced = advance(tx, "pack", hour, to); !advanced) return advanced;
    return write(tx, *chunks);
  });
  if (!status) return status;
  after_ = to;
  done_.chunks += counted.chunks, done_.rows += counted.rows;
  return ok();
}

Result<std::vector<Chunk>> Pass::batch_of(const pqxx::result& rows, std::size_t end, std::int64_t hour) {
  std::vector<Chunk> chunks;
  std::vector<ChunkRow> group;
  for (std::size_t i = 0; i < end; ++i) {
    const pqxx::row row = rows[i];
    const auto monitor = row[0].as<std::int64_t>();
    const auto region = row[1].as<std::int32_t>();
    group.push_back(chunk_row_in(row));
    if (i + 1 < end) {
      const pqxx::row next = rows[i + 1];
      if (next[0].as<std::int64_t>() == monitor && next[1].as<std::int32_t>() == region) continue;
    }
    auto chunk = chunk_of(monitor, region, WallTime{hour}, std::exchange(group, {}));
    if (!chunk) return chunk.error();
    chunks.push_back(*std::move(chunk));
  }
  return chunks;
}

Status Pass::write(pqxx::transaction_base& tx, const std::vector<Chunk>& chunks) {
  pqxx::stream_to stream(tx, "result_chunks",
                         std::vector<std::string>{"monitor_id", "hour_at", "last_ran_at", "row_count", "region",
                                                  "class", "codec", "last_verdict", "runs", "leads", "body"});
  for (const Chunk& chunk : chunks) {
    const std::string ran = chunk.last_ran_at ? std::to_string(*chunk.last_ran_at) : "";
    stream << std::make_tuple(chunk.monitor, chunk.hour, chunk.last_ran_at ? ran.c_str() : nullptr, chunk.rows,
                              chunk.region, chunk.kept_class, kChunkCodec, chunk.last_verdict,
                              chunk.runs.empty() ? nullptr : chunk.runs.c_str(), chunk.leads, hex_bytes(chunk.body));
  }
  stream.complete();
  return ok();
}

// ---- what came late -------------------------------------------------------------------------------------------------

Status Pass::merge_late() {
  std::vector<std::tuple<std::int64_t, std::int32_t, std::int64_t>> hours;
  const Status read = in([&](pqxx::transaction_base& tx) -> Status {
    for (const auto& row : tx.exec_params(
             "SELECT DISTINCT monitor_id, region, slot_at / 3600000 * 3600000 FROM results_late WHERE slot_at < $1 "
             "ORDER BY 1, 2, 3 LIMIT $2",
             marks_.packed, kLateMax)) {
      hours.emplace_back(row[0].as<std::int64_t>(), row[1].as<std::int32_t>(), row[2].as<std::int64_t>());
    }
    return ok();
  });
  if (!read) return read;
  for (const auto& [monitor, region, hour] : hours) {
    if (over()) return ok();
    if (Status merged = merge_hour(monitor, region, hour); !merged) return merged;
  }
  done_.more = done_.more || (static_cast<int>(hours.size()) == kLateMax && done_.late > 0);
  return ok();
}

Status Pass::merge_hour(std::int64_t monitor, std::int32_t region, std::int64_t hour) {
  const Status status = in([&](pqxx::transaction_base& tx) { return merge_rows(tx, monitor, region, WallTime{hour}); });
  if (status) {
    ++done_.late;
    return ok();
  }
  if (status.error().code != ErrorCode::kCorrupt && status.error().code != ErrorCode::kInvalid) return status;
  damaged(status.error());  // its late rows stay where they are, and are read there
  return ok();
}

// The chunk's own rows win (the first of a key does); what is new goes into the day's latencies too.
Status Pass::merge_rows(pqxx::transaction_base& tx, std::int64_t monitor, std::int32_t region, WallTime hour) {
  tx.exec("SET LOCAL lock_timeout = 3000");
  const auto found = tx.exec_params(
      "SELECT class, codec, body FROM result_chunks WHERE monitor_id = $1 AND region = $2 AND hour_at = $3 FOR UPDATE",
      monitor, region, hour.ms);
  std::vector<ChunkRow> rows;
  if (!found.empty()) {
    auto stored = chunk_in(MonitorId{monitor}, hour, found[0][1].as<int>(), bytes_in(found[0][2]));
    if (!stored) return stored.error();
    rows = *std::move(stored);
  }
  const auto key = [](const ChunkRow& row) { return std::tie(row.slot_at, row.look); };
  const auto before = [&](const ChunkRow& a, const ChunkRow& b) { return key(a) < key(b); };
  std::vector<ChunkRow> added;
  for (const auto& late :
       tx.exec_params(std::string("DELETE FROM results_late r WHERE r.monitor_id = $1 AND r.region = "
                                  "$2 AND r.slot_at >= $3 AND r.slot_at < $4 RETURNING ") +
                          kResultColumns,
                      monitor, region, hour.ms, hour.ms + kHourMs)) {
    ChunkRow row = chunk_row_in(late);
    if (!std::binary_search(rows.begin(), rows.end(), row, before)) added.push_back(std::move(row));
  }
  if (added.empty()) return ok();
  rows.insert(rows.end(), added.begin(), added.end());
  std::sort(rows.begin(), rows.end(), before);
  auto chunk = chunk_of(monitor, region, hour, std::move(rows));
  if (!chunk) return chunk.error();
  chunk->kept_class = found.empty() ? 0 : found[0][0].as<std::int32_t>();
  replace(tx, *chunk, !found.empty());
  return add_to_day(tx, *chunk, added);
}

void Pass::replace(pqxx::transaction_base& tx, const Chunk& chunk, bool there) {
  if (!there) tx.exec_params("SELECT ensure_chunks($1, $2)", chunk.kept_class, chunk.hour);
  const std::string ran = std::to_string(chunk.last_ran_at.value_or(0));
  tx.exec_params(
      there ? "UPDATE result_chunks SET last_ran_at = $5, row_count = $6, codec = $7, last_verdict = $8, runs = $9, "
              "leads = $10, body = $11 WHERE monitor_id = $1 AND hour_at = $2 AND region = $3 AND class = $4"
            : "INSERT INTO result_chunks (monitor_id, hour_at, region, class, last_ran_at, row_count, codec, "
              "last_verdict, runs, leads, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
      chunk.monitor, chunk.hour, chunk.region, chunk.kept_class, chunk.last_ran_at ? ran.c_str() : nullptr, chunk.rows,
      kChunkCodec, chunk.last_verdict, chunk.runs.empty() ? nullptr : chunk.runs.c_str(), chunk.leads,
      hex_bytes(chunk.body));
}

// A day that is not tallied yet will find them in the chunk.
Status Pass::add_to_day(pqxx::transaction_base& tx, const Chunk& chunk, const std::vector<ChunkRow>& added) {
  const std::int64_t day = chunk.hour / kDayMs * kDayMs;
  if (day >= marks_.tallied) return ok();
  LatencyHours hours;
  const auto found =
      tx.exec_params("SELECT hours FROM latency_days WHERE monitor_id = $1 AND region = $2 AND day_at = $3 FOR UPDATE",
                     chunk.monitor, chunk.region, day);
  if (!found.empty()) {
    auto stored = unpack_latency_hours(bytes_in(found[0][0]));
    if (!stored) return Error{stored.error().code, to_string(MonitorId{chunk.monitor}) + ": " + stored.error().what};
    hours = *std::move(stored);
  }
  LatencyPart& hour = hours[static_cast<std::size_t>((chunk.hour - day) / kHourMs)];
  for (const ChunkRow& row : added) hour.add(row.verdict, row.phase_us[5]);
  tx.exec_params("SELECT ensure_latencies($1)", day);
  put_day(tx, chunk.monitor, chunk.region, day, hours);
  return ok();
}

// ---- latencies of a day
// -----------------------------------------------------------------------------------------------

void Pass::put_day(pqxx::transaction_base& tx, std::int64_t monitor, std::int32_t region, std::int64_t day,
                   const LatencyHours& hours) {
  LatencyPart whole;
  for (const LatencyPart& hour : hours) whole.merge(hour);
  tx.exec_params(
      "INSERT INTO latency_days (monitor_id, region, day_at, day, hours) VALUES ($1, $2, $3, $4, $5) ON CONFLICT "
      "(monitor_id, region, day_at) DO UPDATE SET day = excluded.day, hours = excluded.hours",
      monitor, region, day, hex_bytes(pack_latency(whole)), hex_bytes(pack_latency_hours(hours)));
}

Status Pass::tally_day(std::int64_t day) {
  if (Status started = start_step("tally", day); !started) return started;
  const Status made = in([&](pqxx::transaction_base& tx) -> Status {
    tx.exec("SET LOCAL lock_timeout = 3000");
    tx.exec_params("SELECT ensure_latencies($1)", day);
    return ok();
  });
  if (!made) return made;
  for (bool last = false; !last;) {
    if (over()) return ok();
    if (Status tallied = tally_batch(day, last); !tallied) return tallied;
  }
  if (Status moved = move("tallied_through", day + kDayMs); !moved) return moved;
  marks_.tallied = day + kDayMs;
  ++done_.days;
  return ok();
}

Status Pass::tally_batch(std::int64_t day, bool& last) {
  std::int64_t to = after_;
  const Status status = in([&](pqxx::transaction_base& tx) -> Status {
    const pqxx::result rows = tx.exec_params(
        "SELECT monitor_id, region, hour_at, codec, body FROM result_chunks WHERE hour_at >= $1 AND hour_at < $2 AND "
        "monitor_id > $3 ORDER BY monitor_id, region, hour_at LIMIT $4",
        day, day + kDayMs, after_, kTallyChunks);
    std::size_t end = rows.size();
    last = end < kTallyChunks;
    if (end == 0) return ok();
    to = rows[end - 1][0].as<std::int64_t>();
    while (!last && end > 0 && rows[end - 1][0].as<std::int64_t>() == to) --end;
    if (end == 0) return Error{ErrorCode::kExhausted, "compactor: a monitor has too many regions to tally"};
    to = rows[end - 1][0].as<std::int64_t>();
    LatencyHours hours;
    for (std::size_t i = 0; i < end; ++i) {
      const auto monitor = rows[i][0].as<std::int64_t>(), hour = rows[i][2].as<std::int64_t>();
      const auto looks = chunk_in(MonitorId{monitor}, WallTime{hour}, rows[i][3].as<int>(), bytes_in(rows[i][4]));
      if (!looks) damaged(looks.error());
      LatencyPart& part = hours[static_cast<std::size_t>((hour - day) / kHourMs)];
      if (looks) {
        for (const ChunkRow& row : *looks) part.add(row.verdict, row.phase_us[5]);
      }
      const bool goes_on = i + 1 < end && rows[i + 1][0].as<std::int64_t>() == monitor &&
                           rows[i + 1][1].as<std::int32_t>() == rows[i][1].as<std::int32_t>();
      if (!goes_on) put_day(tx, monitor, rows[i][1].as<std::int32_t>(), day, std::exchange(hours, {}));
    }
    return advance(tx, "tally", day, to);
  });
  if (status) after_ = to;
  return status;
}

Status Pass::run() {
  if (Status read = read_marks(); !read) return read;
  for (int i = 0; i < kHoursMax && !over(); ++i) {
    const auto due = find_hour();
    if (!due) return due.error();
    if (!*due) break;
    if (Status packed = pack_hour(marks_.packed); !packed) return packed;
  }
  while (marks_.tallied + kDayMs <= marks_.packed && !over()) {
    if (Status tallied = tally_day(marks_.tallied); !tallied) return tallied;
  }
  return over() ? ok() : merge_late();
}

}  // namespace

Status compact(Session& session, const CompactorOptions& options, Compacted& done) {
  return Pass(session, options, done).run();
}

}  // namespace everup::db
