// See cold_rows.h.
#include "db/cold_rows.h"

#include <algorithm>
#include <limits>
#include <pqxx/pqxx>
#include <tuple>
#include <utility>

#include "db/rows.h"

namespace everup::db {
namespace {

constexpr int kGroupMin = 4, kGroupMax = 1024;  // chunks of one question for a page: ever more
constexpr int kChunksMax = 24 * 410;            // of one window: the longest retention, and what it is late

bool newer(const ResultRow& a, const ResultRow& b) { return std::tie(a.slot_at, a.look) > std::tie(b.slot_at, b.look); }
bool same_key(const ResultRow& a, const ResultRow& b) { return a.slot_at == b.slot_at && a.look == b.look; }

// Chunks' rows stand first: stable sorting and unique() keep them. Adds those that `wanted` lets in; `oldest`
// becomes the start of the oldest hour that was seen.
template <class Wanted>
Status take_chunks(const LookSource& source, const pqxx::result& found, Wanted wanted, std::vector<ResultRow>& out,
                   WallTime& oldest) {
  for (const auto& row : found) {
    const WallTime hour{row[0].as<std::int64_t>()};
    const auto decoded = chunk_in(source.monitor, hour, row[1].as<int>(), bytes_in(row[3]));
    if (!decoded) return decoded.error();
    oldest = std::min(oldest, hour);
    for (const ChunkRow& one : *decoded) {
      if (!wanted(one)) continue;
      auto result = result_of(source.monitor, source.region, one);
      if (!result) return result.error();
      out.push_back(*std::move(result));
    }
  }
  return ok();
}

std::string columns_of(const std::string& from) { return std::string("SELECT ") + kResultColumns + " FROM " + from; }

}  // namespace

LookSource account_looks(pqxx::transaction_base& tx, MonitorId monitor) {
  LookSource source{monitor, kLocalRegion, {}, {}, {}};
  source.rows = [&tx, monitor](WallTime since, WallTime until, int most) {
    return tx.exec_params(columns_of("account_row_results($1, $2, $3, $4) r"), monitor.value, since.ms, until.ms, most);
  };
  source.chunks = [&tx, monitor](WallTime since, WallTime until, int most) {
    return tx.exec_params("SELECT hour_at, codec, row_count, body FROM account_chunks($1, $2, $3, $4)", monitor.value,
                          since.ms, until.ms, most);
  };
  source.days = [&tx, monitor](WallTime since, WallTime until, bool whole) {
    return tx.exec_params("SELECT day_at, body FROM account_latencies($1, $2, $3, $4)", monitor.value, since.ms,
                          until.ms, whole);
  };
  return source;
}

LookSource public_looks(pqxx::transaction_base& tx, MonitorId monitor, const std::string& link,
                        const std::string& token) {
  LookSource source{monitor, kLocalRegion, {}, {}, {}};
  source.rows = [&tx, link, token](WallTime since, WallTime until, int most) {
    return tx.exec_params(columns_of("public_row_results($1, $2, $3, $4, $5) r"), link, token, since.ms, until.ms,
                          most);
  };
  source.chunks = [&tx, link, token](WallTime since, WallTime until, int most) {
    return tx.exec_params("SELECT hour_at, codec, row_count, body FROM public_chunks($1, $2, $3, $4, $5)", link, token,
                          since.ms, until.ms, most);
  };
  source.days = [&tx, link, token](WallTime since, WallTime until, bool whole) {
    return tx.exec_params("SELECT day_at, body FROM public_latency_days($1, $2, $3, $4, $5)", link, token, since.ms,
                          until.ms, whole);
  };
  return source;
}

LookSource worker_looks(pqxx::transaction_base& tx, MonitorId monitor, Region region) {
  LookSource source{monitor, region, {}, {}, {}};
  source.rows = [&tx, monitor, region](WallTime since, WallTime until, int most) {
    return tx.exec_params(columns_of("row_results($1, $2, $3, $4, $5) r"), monitor.value, region, since.ms, until.ms,
                          most);
  };
  source.chunks = [&tx, monitor, region](WallTime since, WallTime until, int most) {
    return tx.exec_params("SELECT hour_at, codec, row_count, body FROM chunks_of($1, $2, $3, $4, $5)", monitor.value,
                          region, since.ms, until.ms, most);
  };
  return source;
}

StorageMarks storage_marks(pqxx::transaction_base& tx) {
  const auto row = tx.exec1("SELECT packed_through, tallied_through FROM storage_mark");
  return {WallTime{row[0].as<std::int64_t>()}, WallTime{row[1].as<std::int64_t>()}};
}

std::string bytes_in(const pqxx::field& field) {
  if (field.is_null()) return {};
  return pqxx::binarystring(field).str();
}

Result<std::vector<ChunkRow>> chunk_in(MonitorId monitor, WallTime hour, int codec, std::string_view body) {
  Result<std::vector<ChunkRow>> rows = Error{ErrorCode::kCorrupt, "chunk: written by a newer everup"};
  if (codec == kChunkCodec) rows = unpack_chunk(hour, body);
  if (rows) return rows;
  return Error{rows.error().code, to_string(monitor) + ", hour of " + rfc3339(hour) + ": " + rows.error().what};
}

Result<ResultRow> result_of(MonitorId monitor, Region region, const ChunkRow& row) {
  ResultRow out;
  out.monitor = monitor, out.region = region;
  out.slot_at = row.slot_at, out.started_at = row.slot_at + milliseconds(row.start_ms);
  out.look = row.look, out.covered = row.covered, out.revision = row.revision, out.code = row.code;
  if (Status status = judge_result(row.trigger, row.verdict, row.cause, row.phase, out); !status) return status.error();
  const auto& us = row.phase_us;
  out.timings = {us[0], us[1], us[2], us[3], us[4], us[5]};
  out.detail = row.detail;
  return out;
}

Status add_cold(const LookSource& source, Span window, WallTime before_slot, std::int32_t before_look, std::size_t most,
                WallTime packed_through, std::vector<ResultRow>& rows) {
  const auto hot =
      std::count_if(rows.begin(), rows.end(), [&](const ResultRow& row) { return row.slot_at >= packed_through; });
  const bool needed = static_cast<std::size_t>(hot) < most;
  const auto wanted = [&](const ChunkRow& row) {
    return window.contains(row.slot_at) && std::tie(row.slot_at, row.look) < std::tie(before_slot, before_look);
  };
  std::vector<ResultRow> cold;
  constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
  WallTime until{std::min(window.to.ms, before_slot.ms == kForever ? kForever : before_slot.ms + 1)};
  for (int group = kGroupMin; needed && cold.size() < most && window.from < until;
       group = std::min(2 * group, kGroupMax)) {
    const pqxx::result found = source.chunks(window.from, until, group);
    if (Status status = take_chunks(source, found, wanted, cold, until); !status) return status;
    if (static_cast<int>(found.size()) < group) break;
  }
  rows.insert(rows.begin(), std::make_move_iterator(cold.begin()), std::make_move_iterator(cold.end()));
  std::stable_sort(rows.begin(), rows.end(), newer);
  rows.erase(std::unique(rows.begin(), rows.end(), same_key), rows.end());
  if (rows.size() > most) rows.resize(most);
  return ok();
}

Result<std::vector<ResultRow>> looks_in(const LookSource& source, Span window, std::size_t most) {
  const Error too_many{ErrorCode::kExhausted, "looks: the window holds more than " + std::to_string(most)};
  std::vector<ResultRow> rows;
  // Rows first: an hour that is packed in between is found twice, not never.
  const pqxx::result hot = source.rows(window.from, window.to, static_cast<int>(most) + 1);
  const pqxx::result chunks = source.chunks(window.from, window.to, kChunksMax + 1);
  std::size_t count = 0;
  for (const auto& row : chunks) count += row[2].as<std::size_t>();
  // The first and the last hour may lie half outside.
  if (chunks.size() > kChunksMax || count > most + 2 * kChunkRowsMax) return too_many;
  WallTime oldest;
  const auto wanted = [&](const ChunkRow& row) { return window.contains(row.slot_at); };
  if (Status status = take_chunks(source, chunks, wanted, rows, oldest); !status) return status.error();
  for (const auto& row : hot) {
    auto one = result_in(row);
    if (!one) return one.error();
    rows.push_back(*std::move(one));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const ResultRow& a, const ResultRow& b) { return newer(b, a); });
  rows.erase(std::unique(rows.begin(), rows.end(), same_key), rows.end());
  if (rows.size() > most) return too_many;
  return rows;
}

}  // namespace everup::db
