// See recorder_sql.h.
//
// Ways of storing the rows, tried in this order until one is not refused:
//   kLive    COPY into results
//   kReplay  COPY into a temporary table, INSERT … ON CONFLICT DO NOTHING: after a unique violation, and for whatever
//   was sent before kBisect  INSERT of halves under savepoints: after a data error; single rows that are refused are
//   poison
// Rows of hours that the keeper has sealed (RULES A 7) go into results_late, by kReplay or kBisect: the mark is read
// FOR SHARE, so it stays where it is until the rows are committed. A missing partition is made once and the same way
// tried again.
#include "db/recorder_sql.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <pqxx/pqxx>
#include <set>
#include <tuple>
#include <utility>

#include "core/schedule.h"
#include "db/conclusions_sql.h"
#include "db/copy_lines.h"
#include "db/session.h"

// One line of COPY text, written as it is: the library's own conversion of eighteen numbers costs more than the
// server's work.
namespace everup::db {
struct RawLines {
  std::string text;
};
}  // namespace everup::db
namespace pqxx::internal {
template <>
inline std::string TypedCopyEscaper::operator()<everup::db::RawLines>(const everup::db::RawLines* raw) const {
  return raw->text;
}
}  // namespace pqxx::internal

namespace everup::db {
namespace {

constexpr std::size_t kCopyBytes = 32 * 1024;
constexpr std::size_t kDaysMax = 64;  // partitions that one batch may ask for
constexpr int kTriesMax = 4;

constexpr const char* kSequence = "UPDATE recorder_streams SET seq = $2 WHERE node = $1 AND seq < $2";
constexpr const char* kMarks =
    "INSERT INTO shard_marks AS m (region, shard, observed_through) "
    "SELECT * FROM unnest($1::smallint[], $2::smallint[], $3::bigint[]) AS t(r, s, o) ORDER BY 1, 2 "
    "ON CONFLICT (region, shard) DO UPDATE SET observed_through = excluded.observed_through "
    "WHERE m.observed_through < excluded.observed_through";
// Two gaps may begin at one instant: after a kill that came before the first mark moved, and after the next. The longer
// one holds.
constexpr const char* kGaps =
    "INSERT INTO gaps AS g (monitor_id, region, shard, from_at, to_at, reason, blind) "
    "SELECT m, r, s, f, max(t), c, bool_or(b) FROM unnest($1::bigint[], $2::smallint[], $3::smallint[], $4::bigint[], "
    "$5::bigint[], $6::smallint[], $7::boolean[]) AS u(m, r, s, f, t, c, b) GROUP BY m, r, s, f, c "
    "ON CONFLICT (monitor_id, region, shard, from_at, reason) DO UPDATE SET to_at = excluded.to_at, "
    "blind = g.blind OR excluded.blind WHERE g.to_at < excluded.to_at";
constexpr const char* kEvidence =
    "INSERT INTO evidence (monitor_id, region, slot_at, look, body) SELECT m, r, s, l, b::jsonb FROM "
    "unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::int[], $5::text[]) AS t(m, r, s, l, b) "
    "ON CONFLICT DO NOTHING";
constexpr const char* kCommands =
    "UPDATE commands c SET done_at = $5::bigint, slot_at = t.slot_at, look = t.look FROM unnest($1::bigint[], "
    "$2::bigint[], $3::bigint[], $4::int[]) AS t(monitor_id, id, slot_at, look) "
    "WHERE c.monitor_id = t.monitor_id AND c.id = t.id AND c.done_at IS NULL";

std::string result_columns() {
  std::string columns;
  for (const std::string_view name : kCopiedColumns) columns += std::string(name) + ", ";
  return columns + "detail";
}

// INSERT … SELECT FROM unnest of one array a column, of the rows that `kept` ($20: the mark) lets in.
std::string insert_results(const char* table, const char* kept) {
  constexpr std::array<const char*, kResultNumbers> kTypes{
      "bigint", "bigint", "int", "int", "int",      "int",      "int",      "int",      "int",
      "int",    "int",    "int", "int", "smallint", "smallint", "smallint", "smallint", "smallint"};
  std::string text = std::string("INSERT INTO ") + table + " (" + result_columns() + ") SELECT * FROM unnest(";
  for (std::size_t i = 0; i < kResultNumbers; ++i) text += "$" + std::to_string(i + 1) + "::" + kTypes[i] + "[], ";
  return text + "$19::text[]) AS t(" + result_columns() + ") WHERE t.slot_at " + kept + " $20 ON CONFLICT DO NOTHING";
}

enum class Way { kLive, kReplay, kBisect };

std::string boot_of(const std::string& stream) {
  const auto slash = stream.rfind('/');
  return slash == std::string::npos ? std::string{} : stream.substr(slash + 1);
}

// One attempt at one batch; lives as long as its transaction.
class Attempt {
 public:
  Attempt(pqxx::transaction_base& tx, const Fence& fence, const std::string& stream, const Batch& batch, Way way,
          WallTime now)
      : tx_(tx), fence_(fence), stream_(stream), batch_(batch), way_(way), now_(now) {}

  Result<Applied> run() {
    if (tx_.exec_prepared("recorder_sequence", stream_, batch_.seq).affected_rows() == 0) {
      // Only a row that is there says that the batch was applied; a missing one (a restored database) is made again.
      if (tx_.exec_params("SELECT 1 FROM recorder_streams WHERE node = $1", stream_).empty()) {
        return Error{ErrorCode::kUnavailable, "recorder: stream " + stream_ + " is not known to the database"};
      }
      applied_.duplicate = true;
      return std::move(applied_);
    }
    store_results();
    settle();
    put_marks();
    put_evidence();
    put_gaps();
    put_commands();
    return std::move(applied_);
  }

 private:
  void store_results();
  void read_seal();
  std::uint64_t copy(const std::string& table);
  void insert_range(std::size_t from, std::size_t to);
  void settle();
  void put_marks();
  void put_gaps();
  void put_evidence();
  void put_evidence_range(std::size_t from, std::size_t to);
  void put_commands();
  bool held(Region region, Shard shard, std::int64_t epoch) const;
  // Work on [from, to) under a savepoint; after a data error on its halves; `refused` for what fails alone.
  void bisect(std::size_t from, std::size_t to, const std::function<void(std::size_t, std::size_t)>& work,
              const std::function<void(std::size_t, const std::string&)>& refused);
  void poison(std::size_t observation, const std::string& why);

  pqxx::transaction_base& tx_;
  const Fence& fence_;
  const std::string& stream_;
  const Batch& batch_;
  Way way_;
  WallTime now_;
  Applied applied_;
  std::int64_t sealed_through_ = 0;
  bool late_ = false;  // a row of a sealed hour is among them
  HeldLeases leases_;
  std::vector<Gap> poison_gaps_;
};

// In the order of the index: a fifth of what COPY costs PostgreSQL (docs/decisions/0006).
std::vector<const Observation*> by_key(const std::vector<Observation>& observations) {
  std::vector<const Observation*> rows;
  rows.reserve(observations.size());
  for (const Observation& observation : observations) rows.push_back(&observation);
  const auto key = [](const Observation* o) { return std::tuple(o->monitor.value, o->region, o->slot_at.ms, o->look); };
  std::sort(rows.begin(), rows.end(), [&](const Observation* a, const Observation* b) { return key(a) < key(b); });
  return rows;
}

void Attempt::bisect(std::size_t from, std::size_t to, const std::function<void(std::size_t, std::size_t)>& work,
                     const std::function<void(std::size_t, const std::string&)>& refused) {
  if (from >= to) return;
  tx_.exec("SAVEPOINT bisect");
  std::string why;
  try {
    work(from, to);
    tx_.exec("RELEASE SAVEPOINT bisect");
    return;
  } catch (const pqxx::sql_error& e) {
    const Fault fault = fault_of(e.sqlstate());
    if (fault != Fault::kData && fault != Fault::kPartition && fault != Fault::kUnique) throw;
    why = e.what();
  }
  tx_.exec("ROLLBACK TO SAVEPOINT bisect");
  tx_.exec("RELEASE SAVEPOINT bisect");
  if (to - from == 1) return refused(from, why);
  const std::size_t middle = from + (to - from) / 2;
  bisect(from, middle, work, refused);
  bisect(middle, to, work, refused);
}

void Attempt::poison(std::size_t observation, const std::string& why) {
  const Observation& o = batch_.observations[observation];
  applied_.poison.push_back({static_cast<std::uint32_t>(observation), printable(why, 300)});
  Gap gap;
  gap.region = o.region;
  gap.monitor = o.monitor;
  gap.span = {o.slot_at, o.slot_at + milliseconds(1)};
  gap.reason = GapReason::kPoison;
  poison_gaps_.push_back(gap);
}

void Attempt::read_seal() {
  sealed_through_ = tx_.exec_prepared1("recorder_seal")[0].as<std::int64_t>();
  late_ = std::any_of(batch_.observations.begin(), batch_.observations.end(),
                      [this](const Observation& o) { return o.slot_at.ms < sealed_through_; });
  if (late_ && way_ == Way::kLive) way_ = Way::kReplay;
}

void Attempt::store_results() {
  if (batch_.observations.empty()) return;
  read_seal();
  switch (way_) {
    case Way::kLive:
      applied_.rows = copy("results");
      return;
    case Way::kReplay: {
      copy("results_replay");
      const std::string columns = result_columns();
      const auto insert = [&](const char* table, const char* kept) {
        return tx_
            .exec_params(std::string("INSERT INTO ") + table + " (" + columns + ") SELECT " + columns +
                             " FROM results_replay WHERE slot_at " + kept + " $1 ON CONFLICT DO NOTHING",
                         sealed_through_)
            .affected_rows();
      };
      applied_.rows = insert("results", ">=");
      if (late_) applied_.rows += insert("results_late", "<");
      return;
    }
    case Way::kBisect:
      bisect(
          0, batch_.observations.size(), [this](std::size_t a, std::size_t b) { insert_range(a, b); },
          [this](std::size_t i, const std::string& why) { poison(i, why); });
      return;
  }
}

std::uint64_t Attempt::copy(const std::string& table) {
  std::vector<std::string> columns;
  for (const std::string_view name : kCopiedColumns) columns.emplace_back(name);
  columns.emplace_back("detail");
  pqxx::stream_to stream(tx_, table, columns);
  std::array<RawLines, 1> lines;
  std::string& text = lines[0].text;
  text.reserve(kCopyBytes + 1024);
  const auto flush = [&] {
    if (text.empty()) return;
    text.pop_back();  // the stream writes the last line's end itself
    stream << lines;
    text.clear();
  };
  for (const Observation* observation : by_key(batch_.observations)) {
    append_result_line(text, *observation);
    if (text.size() >= kCopyBytes) flush();
  }
  flush();
  stream.complete();
  return batch_.observations.size();
}

void Attempt::insert_range(std::size_t from, std::size_t to) {
  std::array<ArrayText, kResultNumbers> arrays;
  ArrayText detail;
  for (std::size_t i = from; i < to; ++i) {
    const auto numbers = numbers_of(batch_.observations[i]);
    for (std::size_t column = 0; column < kResultNumbers; ++column) arrays[column].add(numbers[column]);
    if (batch_.observations[i].detail.empty()) {
      detail.add_null();
    } else {
      detail.add_text(batch_.observations[i].detail);
    }
  }
  std::vector<std::string> values;
  for (ArrayText& array : arrays) values.push_back(array.take());
  values.push_back(detail.take());
  values.push_back(std::to_string(sealed_through_));
  const auto insert = [&](const char* table, const char* kept) {
    return tx_
        .exec_params(insert_results(table, kept), pqxx::prepare::make_dynamic_params(values.begin(), values.end()))
        .affected_rows();
  };
  applied_.rows += insert("results", ">=");
  if (late_) applied_.rows += insert("results_late", "<");
}

bool Attempt::held(Region region, Shard shard, std::int64_t epoch) const {
  const auto lease = leases_.find({region, shard});
  return lease != leases_.end() && lease->second <= epoch;
}

// Locks the leases of every shard in the batch, applies what they allow, queues the rest for the amender.
void Attempt::settle() {
  std::set<std::pair<Region, Shard>> shards;
  std::vector<Shard> shard_of_row;
  shard_of_row.reserve(batch_.observations.size());
  for (const Observation& o : batch_.observations) {
    shard_of_row.push_back(shard_of(o.monitor));
    shards.emplace(o.region, shard_of_row.back());
  }
  for (const ShardMark& mark : batch_.marks) shards.emplace(mark.region, mark.shard);
  LateRows late;
  for (const Batch::Resync& lost : batch_.resync) {
    late[{lost.monitor.value, lost.region}] = LateRow{lost.oldest.ms, true};
  }
  for (const Applied::Poison& lost : applied_.poison) add_late(late, batch_.observations[lost.observation], true);
  if (shards.empty()) return queue_late(tx_, late, now_);
  leases_ = lock_leases(tx_, {shards.begin(), shards.end()}, fence_.node, fence_.boot, boot_of(stream_));
  std::vector<const Observation*> conclusions;
  for (std::size_t i = 0; i < batch_.observations.size(); ++i) {
    const Observation& o = batch_.observations[i];
    if (!held(o.region, shard_of_row[i], o.epoch)) {
      add_late(late, o, false);
    } else if (o.conclusion) {
      conclusions.push_back(&o);
    }
  }
  if (way_ == Way::kBisect) {
    const auto some = [&](std::size_t a, std::size_t b) {
      const auto first = conclusions.begin();
      LateRows lost;
      const std::vector<const Observation*> part(first + static_cast<std::ptrdiff_t>(a),
                                                 first + static_cast<std::ptrdiff_t>(b));
      applied_.flips += conclude(tx_, part, now_, lost);
      late.merge(lost);
    };
    bisect(0, conclusions.size(), some,
           [&](std::size_t i, const std::string&) { add_late(late, *conclusions[i], true); });
  } else {
    applied_.flips = conclude(tx_, conclusions, now_, late);
  }
  queue_late(tx_, late, now_);
  applied_.late = late.size();
}

void Attempt::put_marks() {
  std::map<std::pair<Region, Shard>, std::int64_t> through;
  for (const ShardMark& mark : batch_.marks) {
    if (!held(mark.region, mark.shard, mark.epoch)) continue;
    std::int64_t& most = through[{mark.region, mark.shard}];
    most = std::max(most, mark.through.ms);
  }
  if (through.empty()) return;
  ArrayText region, shard, at;
  for (const auto& [key, ms] : through) region.add(key.first), shard.add(key.second), at.add(ms);
  tx_.exec_prepared("recorder_marks", region.take(), shard.take(), at.take());
}

void Attempt::put_gaps() {
  ArrayText monitor, region, shard, from, to, reason, blind;
  std::size_t gaps = 0;
  const auto add = [&](const Gap& gap) {
    if (gap.span.empty()) return;
    monitor.add(gap.monitor.value), region.add(gap.region), shard.add(gap.monitor ? Shard{-1} : gap.shard);
    from.add(gap.span.from.ms), to.add(gap.span.to.ms), reason.add(static_cast<std::int16_t>(gap.reason));
    blind.add_text(gap.reason == GapReason::kBlind ? "t" : "f");
    ++gaps;
  };
  for (const Gap& gap : batch_.gaps) add(gap);
  for (const Gap& gap : poison_gaps_) add(gap);
  if (gaps == 0) return;
  tx_.exec_prepared("recorder_gaps", monitor.take(), region.take(), shard.take(), from.take(), to.take(), reason.take(),
                    blind.take());
}

void Attempt::put_evidence_range(std::size_t from, std::size_t to) {
  ArrayText monitor, region, slot, look, body;
  for (std::size_t i = from; i < to; ++i) {
    const Observation& o = batch_.observations[batch_.evidence[i].observation];
    monitor.add(o.monitor.value), region.add(o.region), slot.add(o.slot_at.ms), look.add(o.look);
    body.add_text(batch_.evidence[i].json);
  }
  tx_.exec_prepared("recorder_evidence", monitor.take(), region.take(), slot.take(), look.take(), body.take());
}

void Attempt::put_evidence() {
  if (batch_.evidence.empty()) return;
  if (way_ != Way::kBisect) return put_evidence_range(0, batch_.evidence.size());
  bisect(
      0, batch_.evidence.size(), [this](std::size_t a, std::size_t b) { put_evidence_range(a, b); },
      [this](std::size_t i, const std::string& why) {  // the row is stored; only what it showed is kept aside
        applied_.poison.push_back({batch_.evidence[i].observation, "evidence: " + printable(why, 300)});
      });
}

void Attempt::put_commands() {
  ArrayText monitor, id, slot, look;
  bool any = false;
  for (const Observation& o : batch_.observations) {
    if (!o.command) continue;
    monitor.add(o.monitor.value), id.add(o.command.value), slot.add(o.slot_at.ms), look.add(o.look);
    any = true;
  }
  if (any) tx_.exec_prepared("recorder_commands", monitor.take(), id.take(), slot.take(), look.take(), now_.ms);
}

// The days of the batch's rows.
Status ensure_partitions(Session& session, milliseconds deadline, const Batch& batch) {
  std::set<std::int64_t> days;
  for (const Observation& o : batch.observations) {
    const std::int64_t day = o.slot_at.ms - o.slot_at.ms % kDayMs;
    // What lies outside stays without a partition and becomes poison: nothing was ever due then.
    if (day >= 1'500'000'000'000 && day < 4'102'444'800'000 && days.size() < kDaysMax) days.insert(day);
  }
  return session.run(deadline, [&](pqxx::transaction_base& tx) -> Status {
    for (const std::int64_t day : days) tx.exec_params("SELECT ensure_partition($1)", day);
    return ok();
  });
}

bool again_later(const SqlFailure& failure, const Error& error) {
  switch (failure.fault) {
    case Fault::kRetry:
    case Fault::kInDoubt:
    case Fault::kLost:
    case Fault::kDenied:
    case Fault::kNone:  // an answer of the session itself
      return true;
    case Fault::kUnique:
    case Fault::kPartition:
    case Fault::kData:
    case Fault::kBug:
      return error.code == ErrorCode::kTimeout;
  }
  return true;
}

}  // namespace

Status prepare_recorder_session(Session& session, milliseconds deadline, const std::string& stream) {
  session.prepare("recorder_sequence", kSequence);
  session.prepare("recorder_seal", "SELECT sealed_through FROM storage_mark FOR SHARE");
  session.prepare("recorder_marks", kMarks);
  session.prepare("recorder_gaps", kGaps);
  session.prepare("recorder_evidence", kEvidence);
  session.prepare("recorder_commands", kCommands);
  prepare_conclusions(session);
  return session.run(deadline, [&](pqxx::transaction_base& tx) -> Status {
    // The arrays' lengths vary; one plan by index lookups is right for all of them.
    tx.exec("SET plan_cache_mode = force_generic_plan");
    tx.exec("SET enable_seqscan = off");
    tx.exec("SET jit = off");  // the penalty for a sequential scan alone would start the compiler
    tx.exec_params("INSERT INTO recorder_streams (node, seq) VALUES ($1, 0) ON CONFLICT DO NOTHING", stream);
    tx.exec("CREATE TEMP TABLE IF NOT EXISTS results_replay (LIKE results) ON COMMIT DELETE ROWS");
    return ok();
  });
}

Result<Applied> apply_batch(Session& session, milliseconds deadline, const Fence& fence, const std::string& stream,
                            const Batch& batch, bool replay, WallTime now) {
  Way way = replay ? Way::kReplay : Way::kLive;
  bool partitions_made = false;
  Error last{ErrorCode::kInternal, "recorder: no attempt was made"};
  for (int tries = 0; tries < kTriesMax; ++tries) {
    auto applied = in_transaction(session, deadline, [&](pqxx::transaction_base& tx) {
      return Attempt(tx, fence, stream, batch, way, now).run();
    });
    if (applied) return applied;
    last = applied.error();
    const SqlFailure failure = session.last_failure();
    if (session.lost() || again_later(failure, last)) {
      if (last.code != ErrorCode::kInDoubt && last.code != ErrorCode::kTimeout) last.code = ErrorCode::kUnavailable;
      return last;
    }
    if (failure.fault == Fault::kPartition && !partitions_made) {
      partitions_made = true;
      if (Status made = ensure_partitions(session, deadline, batch); !made) {
        if (session.lost() || session.last_failure().fault == Fault::kRetry) return made.error();
      }
    } else if (failure.fault == Fault::kUnique && way == Way::kLive) {
      way = Way::kReplay;
    } else if (way != Way::kBisect) {
      way = Way::kBisect;
    } else {
      break;
    }
  }
  last.code = ErrorCode::kInternal;  // refused as a whole: the caller keeps it aside
  return last;
}

Status trim_streams(Session& session, milliseconds deadline, const Fence& fence, const std::string& stream) {
  return session.run(deadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec_params("DELETE FROM recorder_streams WHERE starts_with(node, $1) AND node <> $2", fence.node + "/", stream);
    return ok();
  });
}

Result<Outbox> read_outbox(Session& session, milliseconds deadline) {
  return in_transaction(session, deadline, [&](pqxx::transaction_base& tx) -> Result<Outbox> {
    const pqxx::row row = tx.exec_params1(
        "SELECT count(*), min(at) FROM (SELECT at FROM ((SELECT recorded_at AS at FROM flips WHERE fanned_at IS NULL "
        "ORDER BY recorded_at LIMIT $1) UNION ALL (SELECT step_at FROM deliveries WHERE state = 1 AND due_at <= "
        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint LIMIT $1)) AS both_kinds LIMIT $1) AS waiting",
        kOutboxCountMax);
    Outbox outbox;
    outbox.pending = row[0].as<std::uint64_t>();
    if (!row[1].is_null()) outbox.oldest = WallTime{row[1].as<std::int64_t>()};
    return outbox;
  });
}

}  // namespace everup::db
