// See amender.h. One transaction a monitor: its late row and its standing are locked first, so whatever the recorder
// adds meanwhile waits and finds the row gone (and makes a new one), and no conclusion slips between reading and
// writing.
#include "db/amender.h"

#include <algorithm>
#include <pqxx/pqxx>
#include <vector>

#include "db/amend_plan.h"
#include "db/cold_rows.h"
#include "db/monitor_json.h"
#include "db/session.h"

namespace everup::db {
namespace {

constexpr milliseconds kAgainLater{600'000};  // a monitor whose amendment failed for a reason of its own
constexpr std::size_t kResultsMax = 400'000;  // 48 h at 1 s, twice

constexpr const char* kDue =
    "SELECT l.monitor_id, l.region FROM late_observations l JOIN monitors m ON m.id = l.monitor_id "
    "JOIN leases e ON e.region = l.region AND e.shard = m.shard WHERE l.queued_at <= $1 AND e.node = $2 AND e.boot = "
    "$3 "
    "ORDER BY l.queued_at LIMIT $4";
constexpr const char* kLockLease =
    "SELECT m.shard FROM monitors m JOIN leases e ON e.region = $2::smallint AND e.shard = m.shard "
    "WHERE m.id = $1 AND e.node = $3 AND e.boot = $4 FOR SHARE OF e";

struct Key {
  MonitorId monitor;
  Region region = kLocalRegion;
};

LedgerSpan span_of(const pqxx::row& row) {
  LedgerSpan span;
  span.span.from.ms = row[0].as<std::int64_t>();
  span.span.to = row[1].is_null() ? kOpenEnd : WallTime{row[1].as<std::int64_t>()};
  span.state = static_cast<State>(row[2].as<std::int16_t>());
  span.reason = {row[3].as<std::int16_t>(), row[4].as<std::int16_t>()};
  return span;
}

class Amend {
 public:
  Amend(pqxx::transaction_base& tx, const AmenderOptions& options, Key key)
      : tx_(tx), options_(options), key_(key), now_(options.clock->now().wall) {}
  Result<Amender::Swept> run();

 private:
  bool lock();
  void read_spans(WallTime oldest);
  Result<std::vector<Observed>> read_results(const std::vector<Revision>& history,
                                             std::vector<ObservedGap>& gaps) const;
  void read_gaps(std::vector<ObservedGap>& gaps) const;
  Result<std::vector<Revision>> read_history() const;
  void write(const Amendment& amendment);
  void write_standing(const Standing& standing);

  pqxx::transaction_base& tx_;
  const AmenderOptions& options_;
  const Key key_;
  const WallTime now_;
  Shard shard_ = 0;
  WallTime oldest_, from_;
  bool resync_ = false, stored_ = false;
  Standing standing_;
  std::vector<LedgerSpan> spans_;  // those that end after from_
};

// False: the row or the shard is not ours any more.
bool Amend::lock() {
  const auto lease = tx_.exec_params(kLockLease, key_.monitor.value, key_.region, options_.node, options_.boot);
  if (lease.empty()) return false;
  shard_ = lease[0][0].as<Shard>();
  const auto late = tx_.exec_params(
      "SELECT oldest_at, resync FROM late_observations WHERE monitor_id = $1 AND region = $2::smallint FOR UPDATE",
      key_.monitor.value, key_.region);
  if (late.empty()) return false;
  oldest_.ms = late[0][0].as<std::int64_t>();
  resync_ = late[0][1].as<bool>();
  const auto standing = tx_.exec_params(
      "SELECT version, health, booked, health_since, booked_since, pending_since FROM standings "
      "WHERE monitor_id = $1 AND region = $2::smallint FOR UPDATE",
      key_.monitor.value, key_.region);
  stored_ = !standing.empty();
  if (!stored_) return true;
  const pqxx::row row = standing[0];
  standing_.version = row[0].as<std::int32_t>();
  standing_.health = static_cast<State>(row[1].as<std::int16_t>());
  standing_.booked = static_cast<State>(row[2].as<std::int16_t>());
  standing_.health_since.ms = row[3].as<std::int64_t>();
  standing_.booked_since.ms = row[4].as<std::int64_t>();
  if (!row[5].is_null()) standing_.pending_since = WallTime{row[5].as<std::int64_t>()};
  return true;
}

// The window begins where the last judged span at or before `oldest` began, within reach.
void Amend::read_spans(WallTime oldest) {
  const WallTime reach = now_ - options_.reach;
  from_ = std::max(oldest, reach);
  const auto judged = tx_.exec_params(
      "SELECT from_at FROM spans WHERE monitor_id = $1 AND region = $2::smallint AND from_at <= $3 AND state <> 4 "
      "ORDER BY from_at DESC LIMIT 1",
      key_.monitor.value, key_.region, from_.ms);
  if (!judged.empty()) from_ = std::max(WallTime{judged[0][0].as<std::int64_t>()}, reach);
  for (const pqxx::row& row :
       tx_.exec_params("SELECT from_at, to_at, state, cause, gap FROM spans WHERE monitor_id = $1 AND region = "
                       "$2::smallint AND (to_at IS NULL OR to_at > $3) ORDER BY from_at",
                       key_.monitor.value, key_.region, from_.ms)) {
    spans_.push_back(span_of(row));
  }
}

// By the instant at which a look started, which may be up to an interval after its slot.
Result<std::vector<Observed>> Amend::read_results(const std::vector<Revision>& history,
                                                  std::vector<ObservedGap>& gaps) const {
  std::vector<Observed> results;
  std::int64_t slack = 60'000;
  for (const Revision& revision : history) slack = std::max(slack, revision.interval_ms + 60'000);
  const auto looks =
      looks_in(worker_looks(tx_, key_.monitor, key_.region), {from_ - milliseconds(slack), kOpenEnd}, kResultsMax);
  if (!looks) return looks.error();
  for (const ResultRow& look : *looks) {
    if (look.started_at < from_) continue;
    if (look.missed) {
      gaps.push_back({{look.slot_at, look.slot_at + milliseconds(1)}, *look.missed, false});
    } else {
      results.push_back({look.started_at, look.slot_at, look.verdict, look.cause, look.revision});
    }
  }
  return results;
}

void Amend::read_gaps(std::vector<ObservedGap>& gaps) const {
  for (const pqxx::row& row :
       tx_.exec_params("SELECT from_at, to_at, reason, blind FROM gaps WHERE region = $2::smallint AND to_at > $4 AND "
                       "(monitor_id = $1 OR (monitor_id = 0 AND shard = $3::smallint)) ORDER BY from_at",
                       key_.monitor.value, key_.region, shard_, from_.ms)) {
    gaps.push_back({{WallTime{std::max(row[0].as<std::int64_t>(), from_.ms)}, WallTime{row[1].as<std::int64_t>()}},
                    static_cast<GapReason>(row[2].as<std::int16_t>()),
                    row[3].as<bool>()});
  }
}

Result<std::vector<Revision>> Amend::read_history() const {
  std::vector<Revision> history;
  for (const pqxx::row& row : tx_.exec_params(
           "SELECT revision, from_at, interval_ms, timeout_ms, patience::text, paused FROM monitor_versions "
           "WHERE monitor_id = $1 ORDER BY revision",
           key_.monitor.value)) {
    auto patience = confirm_from_storage(row[4].c_str());
    if (!patience) return patience.error();
    history.push_back({row[0].as<std::int32_t>(), WallTime{row[1].as<std::int64_t>()}, row[2].as<std::int64_t>(),
                       row[3].as<std::int64_t>(), *patience, row[5].as<bool>()});
  }
  return history;
}

void Amend::write(const Amendment& amendment) {
  const std::int64_t first = amendment.window.from.ms, limit = amendment.window.to.ms;
  tx_.exec_params(
      "DELETE FROM spans WHERE monitor_id = $1 AND region = $2::smallint AND from_at >= $3 AND from_at < $4",
      key_.monitor.value, key_.region, first, limit);
  tx_.exec_params(
      "UPDATE spans SET to_at = $3 WHERE monitor_id = $1 AND region = $2::smallint AND from_at < $3 AND "
      "(to_at IS NULL OR to_at > $3)",
      key_.monitor.value, key_.region, first);
  // What goes on as the span before it did is that span, longer.
  auto next = amendment.after.begin();
  const auto before = std::find_if(spans_.begin(), spans_.end(), [&](const LedgerSpan& s) {
    return s.span.from < amendment.window.from && s.span.to >= amendment.window.from;
  });
  if (before != spans_.end() && before->state == next->state && before->reason == next->reason) {
    const std::string end = std::to_string(next->span.to.ms);
    tx_.exec_params("UPDATE spans SET to_at = $4 WHERE monitor_id = $1 AND region = $2::smallint AND from_at = $3",
                    key_.monitor.value, key_.region, before->span.from.ms,
                    next->span.to == kOpenEnd ? nullptr : end.c_str());
    ++next;
  }
  for (; next != amendment.after.end(); ++next) {
    const LedgerSpan& span = *next;
    const std::string to = std::to_string(span.span.to.ms);
    tx_.exec_params(
        "INSERT INTO spans (monitor_id, region, from_at, to_at, state, cause, gap) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        key_.monitor.value, key_.region, span.span.from.ms, span.span.to == kOpenEnd ? nullptr : to.c_str(),
        static_cast<std::int16_t>(span.state), span.reason.cause, span.reason.gap);
  }
  tx_.exec_params(
      "INSERT INTO corrections (monitor_id, region, number, made_at, from_at, to_at, before, after) SELECT $1, $2, "
      "coalesce(max(number), 0) + 1, $3, $4, $5, $6::jsonb, $7::jsonb FROM corrections WHERE monitor_id = $1 AND "
      "region = $2",
      key_.monitor.value, key_.region, now_.ms, first, std::max(std::min(limit, now_.ms), first + 1),
      spans_json(amendment.before), spans_json(amendment.after));
}

// The live standing as the evidence has it; the jump of the version tells every conclusion drawn before from one drawn
// after.
void Amend::write_standing(const Standing& standing) {
  const auto open = tx_.exec_params(
      "SELECT from_at, state FROM spans WHERE monitor_id = $1 AND region = $2::smallint AND to_at IS NULL",
      key_.monitor.value, key_.region);
  if (open.empty()) return;  // nothing was ever seen
  const std::string pending = standing.pending_since ? std::to_string(standing.pending_since->ms) : "";
  tx_.exec_params(
      "INSERT INTO standings (monitor_id, region, version, health, booked, health_since, booked_since, pending_since) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (monitor_id, region) DO UPDATE SET version = "
      "excluded.version, health = excluded.health, booked = excluded.booked, health_since = excluded.health_since, "
      "booked_since = excluded.booked_since, pending_since = excluded.pending_since",
      key_.monitor.value, key_.region, standing.version, static_cast<std::int16_t>(standing.health),
      open[0][1].as<std::int16_t>(), standing.health_since.ms, open[0][0].as<std::int64_t>(),
      standing.pending_since ? pending.c_str() : nullptr);
  tx_.exec_params("INSERT INTO monitor_changes (monitor_id, shard, at) VALUES ($1, $2, $3)", key_.monitor.value, shard_,
                  now_.ms);
  tx_.exec("NOTIFY everup_monitors");
}

Result<Amender::Swept> Amend::run() {
  Amender::Swept swept;
  if (!lock()) return swept;
  swept.monitors = 1;
  read_spans(oldest_);
  auto history = read_history();
  if (!history) return history.error();
  LateEvidence evidence{key_.monitor, from_, spans_, {}, {}, {}, std::nullopt, resync_};
  auto results = read_results(*history, evidence.gaps);
  if (!results) return results.error();
  evidence.results = *std::move(results);
  read_gaps(evidence.gaps);
  if (stored_) evidence.standing = standing_;
  evidence.history = *std::move(history);
  const LatePlan plan = plan_late(std::move(evidence));
  if (plan.amendment) {
    write(*plan.amendment);
    swept.corrections = 1;
  }
  if (plan.standing) {
    write_standing(*plan.standing);
    swept.resynced = 1;
  }
  tx_.exec_params("DELETE FROM late_observations WHERE monitor_id = $1 AND region = $2::smallint", key_.monitor.value,
                  key_.region);
  return swept;
}

}  // namespace

class Amender::Impl {
 public:
  explicit Impl(AmenderOptions options) : options_(std::move(options)) {}
  Result<Swept> sweep();

 private:
  Result<std::vector<Key>> due();
  Error lose(const Error& error) {
    if (session_ != nullptr && session_->lost()) session_.reset();
    return error;
  }

  AmenderOptions options_;
  std::unique_ptr<Session> session_;
};

Result<std::vector<Key>> Amender::Impl::due() {
  return in_transaction(*session_, options_.deadline, [&](pqxx::transaction_base& tx) -> Result<std::vector<Key>> {
    std::vector<Key> keys;
    for (const pqxx::row& row : tx.exec_params(kDue, (options_.clock->now().wall - options_.settle).ms, options_.node,
                                               options_.boot, options_.monitors_max)) {
      keys.push_back({MonitorId{row[0].as<std::int64_t>()}, row[1].as<Region>()});
    }
    return keys;
  });
}

Result<Amender::Swept> Amender::Impl::sweep() {
  if (session_ == nullptr) {
    auto opened = options_.connect();
    if (!opened) return opened.error();
    session_ = *std::move(opened);
  }
  const auto keys = due();
  if (!keys) return lose(keys.error());
  Swept all;
  for (const Key key : *keys) {
    const auto one = in_transaction(*session_, options_.deadline,
                                    [&](pqxx::transaction_base& tx) { return Amend(tx, options_, key).run(); });
    if (one) {
      all.monitors += one->monitors, all.corrections += one->corrections, all.resynced += one->resynced;
      continue;
    }
    if (session_->lost() || one.error().code == ErrorCode::kUnavailable) return lose(one.error());
    // Its own trouble must not stop the others, nor come first every time.
    const Status later = session_->run(options_.deadline, [&](pqxx::transaction_base& tx) -> Status {
      tx.exec_params("UPDATE late_observations SET queued_at = $3 WHERE monitor_id = $1 AND region = $2::smallint",
                     key.monitor.value, key.region, (options_.clock->now().wall + kAgainLater).ms);
      return ok();
    });
    if (!later) return lose(later.error());
    ++all.failed;
    all.last_error = one.error().what;
  }
  return all;
}

Amender::Amender(AmenderOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Amender::~Amender() = default;
Result<Amender::Swept> Amender::sweep() { return impl_->sweep(); }

}  // namespace everup::db
