// See keeper.h. What needs no transaction around it (DETACH … CONCURRENTLY) runs alone; the advisory lock is the
// session's.
#include "db/keeper.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <pqxx/pqxx>
#include <thread>
#include <utility>
#include <vector>

#include "db/maintenance_store.h"
#include "db/session.h"
#include "db/tool_test_store.h"

namespace everup::db {
namespace {

constexpr std::int64_t kEvidenceDays = 30;  // width of its partitions
constexpr int kRemovedMax = 1000;           // partitions of one pass
constexpr int kTrimmedMax = 10'000;         // rows of one statement
constexpr int kErasedMax = 1000;            // of what a deleted monitor left
constexpr int kTrimRounds = 100;

struct Leaving {
  std::string parent, name;
  bool pending = false;  // a former DETACH … CONCURRENTLY was cut off
};

Status make_partitions(Session& session, const KeeperOptions& options, Kept& kept) {
  const std::int64_t today = options.clock->now().wall.ms / kDayMs;
  for (std::int64_t day = today; day <= today + options.ahead_days; ++day) {
    Status made = session.run(options.deadline, [&](pqxx::transaction_base& tx) -> Status {
      tx.exec("SET LOCAL lock_timeout = 3000");
      kept.made += tx.exec_params1("SELECT ensure_partition($1)", day * kDayMs)[0].as<int>();
      return ok();
    });
    if (!made) return made;
  }
  return ok();
}

// Partitions that end before their retention; the names tell the first day (ensure_partition). A day of results that is
// packed goes too, an hour later: a reader whose snapshot is older than the mark is long done by then.
Result<std::vector<Leaving>> leaving(Session& session, const KeeperOptions& options) {
  const std::int64_t today = options.clock->now().wall.ms / kDayMs;
  return in_transaction(session, options.deadline, [&](pqxx::transaction_base& tx) -> Result<std::vector<Leaving>> {
    std::vector<Leaving> list;
    for (
        const pqxx::row& row : tx.exec_params(
            "SELECT p.parent, p.child, p.pending FROM (SELECT parent.relname AS parent, child.relname AS child, "
            "i.inhdetachpending AS pending, to_date(right(child.relname, 8), 'YYYYMMDD') - date '1970-01-01' AS first "
            "FROM pg_inherits i JOIN pg_class parent ON parent.oid = i.inhparent JOIN pg_class child ON child.oid = "
            "i.inhrelid WHERE parent.relnamespace = 'public'::regnamespace AND child.relname ~ '_[0-9]{8}$') p "
            "JOIN (VALUES ('results', 1, $1::int), ('evidence', $4::int, $2::int), ('latency_days', $4::int, $3::int), "
            "('result_chunks_0', 1, $1::int), ('result_chunks_30', 1, $5::int - 30), ('result_chunks_90', 1, $5::int - "
            "90), ('result_chunks_400', 1, $5::int - 400)) AS kept (parent, width, from_day) USING (parent) "
            "CROSS JOIN storage_mark s WHERE p.pending OR p.first + kept.width <= kept.from_day OR (p.parent = "
            "'results' AND (p.first + 1) * 86400000::bigint <= s.packed_through - 3600000) ORDER BY p.child LIMIT $6",
            today - options.results_days, today - options.evidence_days, today - options.latency_days, kEvidenceDays,
            today, kRemovedMax)) {
      list.push_back({row[0].c_str(), row[1].c_str(), row[2].as<bool>()});
    }
    return list;
  });
}

Status remove(Session& session, const KeeperOptions& options, const Leaving& partition) {
  return session.guarded(options.deadline, [&](pqxx::connection_base& connection) -> Status {
    pqxx::nontransaction tx(connection);
    const std::string parent = tx.quote_name(partition.parent), child = tx.quote_name(partition.name);
    tx.exec("SET lock_timeout = 3000");
    tx.exec("ALTER TABLE " + parent + " DETACH PARTITION " + child +
            (partition.pending ? " FINALIZE" : " CONCURRENTLY"));
    tx.exec("DROP TABLE " + child);
    return ok();
  });
}

// A partition that was detached by a pass that ended before its DROP.
Status drop_detached(Session& session, const KeeperOptions& options) {
  return session.run(options.deadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec("SET LOCAL lock_timeout = 3000");
    for (const pqxx::row& row :
         tx.exec("SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relnamespace = "
                 "'public'::regnamespace AND c.relname ~ "
                 "'^(results|evidence|latency_days|result_chunks_[0-9]+)_[0-9]{8}$'")) {
      tx.exec("DROP TABLE " + tx.quote_name(row[0].as<std::string>()));
    }
    return ok();
  });
}

// Bounded statements until one finds nothing more.
Result<std::int64_t> trim(Session& session, const KeeperOptions& options, const char* sql, std::int64_t before,
                          int most = kTrimmedMax) {
  std::int64_t all = 0;
  for (int round = 0; round < kTrimRounds; ++round) {
    const auto gone =
        in_transaction(session, options.deadline, [&](pqxx::transaction_base& tx) -> Result<std::int64_t> {
          set_operator(tx);
          return static_cast<std::int64_t>(tx.exec_params(sql, before, most).affected_rows());
        });
    if (!gone) return gone.error();
    all += *gone;
    if (*gone < most) break;
  }
  return all;
}

// What cold storage holds of monitors deleted within the week (RULES C 6); a pass comes every hour.
Status erase_deleted(Session& session, const KeeperOptions& options, Kept& kept) {
  const std::int64_t since = options.clock->now().wall.ms - 7 * kDayMs;
  for (const char* sql :
       {"DELETE FROM result_chunks WHERE (monitor_id, region, hour_at, class) IN (SELECT c.monitor_id, c.region, "
        "c.hour_at, c.class FROM monitors m JOIN result_chunks c ON c.monitor_id = m.id WHERE m.deleted_at > $1 LIMIT "
        "$2)",
        "DELETE FROM latency_days WHERE (monitor_id, region, day_at) IN (SELECT d.monitor_id, d.region, d.day_at FROM "
        "monitors m JOIN latency_days d ON d.monitor_id = m.id WHERE m.deleted_at > $1 LIMIT $2)",
        "DELETE FROM results_late WHERE (monitor_id, region, slot_at, look) IN (SELECT l.monitor_id, l.region, "
        "l.slot_at, l.look FROM monitors m JOIN results_late l ON l.monitor_id = m.id WHERE m.deleted_at > $1 LIMIT "
        "$2)"}) {
    const auto gone = trim(session, options, sql, since, kErasedMax);
    if (!gone) return gone.error();
    kept.erased += *gone;
  }
  return ok();
}

Status keep_locked(Session& session, const KeeperOptions& options, Kept& kept) {
  if (Status made = make_partitions(session, options, kept); !made) return made;
  if (Status dropped = drop_detached(session, options); !dropped) return dropped;
  const auto list = leaving(session, options);
  if (!list) return list.error();
  for (const Leaving& partition : *list) {
    if (Status removed = remove(session, options, partition); !removed) return removed;
    ++kept.removed;
  }
  const std::int64_t now = options.clock->now().wall.ms;
  auto changes =
      trim(session, options,
           "DELETE FROM monitor_changes WHERE (monitor_id, id) IN (SELECT monitor_id, id FROM monitor_changes "
           "WHERE at < $1 ORDER BY xid, id LIMIT $2)",
           now - options.changes_kept.count());
  if (!changes) return changes.error();
  kept.changes_trimmed = *changes;
  auto keys = trim(session, options,
                   "DELETE FROM idempotency_keys WHERE (account_id, key) IN (SELECT account_id, key FROM "
                   "idempotency_keys WHERE created_at < $1 LIMIT $2)",
                   now - options.idempotency_kept.count());
  if (!keys) return keys.error();
  kept.keys_trimmed = *keys;
  const auto tests = trim(
      session, options, "DELETE FROM tool_tests WHERE id IN (SELECT id FROM tool_tests WHERE created_at < $1 LIMIT $2)",
      now - ToolTestStore::kKeptFor.count());
  if (!tests) return tests.error();
  if (Status erased = erase_deleted(session, options, kept); !erased) return erased;
  if (options.zones != nullptr) {
    const auto extended = extend_maintenance(session, *options.zones, options.clock->now().wall, options.deadline);
    if (!extended) return extended.error();
  }
  if (options.packing.budget.count() == 0) return ok();
  CompactorOptions packing = options.packing;
  packing.clock = options.clock, packing.deadline = options.deadline;
  return compact(session, packing, kept.packed);
}

Result<bool> advisory(Session& session, const KeeperOptions& options, const char* sql) {
  bool answer = false;
  const Status status = session.guarded(options.deadline, [&](pqxx::connection_base& connection) -> Status {
    pqxx::nontransaction tx(connection);
    answer = tx.exec1(sql)[0].as<bool>();
    return ok();
  });
  if (!status) return status.error();
  return answer;
}

}  // namespace

Result<Kept> keep(const KeeperOptions& options) {
  auto opened = options.connect();
  if (!opened) return opened.error();
  Session& session = **opened;
  const auto locked = advisory(session, options, "SELECT pg_try_advisory_lock(hashtextextended('everup.keeper', 0))");
  if (!locked) return locked.error();
  Kept kept;
  kept.held_elsewhere = !*locked;
  if (kept.held_elsewhere) return kept;
  // The lock ends with the session, here.
  if (Status done = keep_locked(session, options, kept); !done) return done.error();
  return kept;
}

class Keeper::Impl {
 public:
  Impl(KeeperOptions options, std::unique_ptr<Amender> amender, Schedule schedule,
       std::function<void(const Error&)> on_error)
      : options_(stoppable(std::move(options))),
        amender_(std::move(amender)),
        schedule_(schedule),
        on_error_(std::move(on_error)),
        thread_([this] { loop(); }) {}
  ~Impl() { stop(); }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_packing_ = true;
    wake_.notify_all();
    const std::lock_guard once(join_mutex_);
    if (thread_.joinable()) thread_.join();
  }

 private:
  using Steady = std::chrono::steady_clock;

  KeeperOptions stoppable(KeeperOptions options) {
    options.packing.enough = [this] { return stop_packing_.load(); };
    return options;
  }

  void loop() {
    Steady::time_point next_pass = Steady::now();
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      lock.unlock();
      if (Steady::now() >= next_pass) {
        const auto kept = keep(options_);
        if (!kept) tell(kept.error());
        if (kept) {
          for (const Error& error : kept->packed.damage) tell(error);
        }
        const bool more = kept && kept->packed.more;
        next_pass = Steady::now() + (!kept ? schedule_.retry : more ? milliseconds(0) : schedule_.period);
      }
      if (amender_ != nullptr) sweep();
      lock.lock();
      wake_.wait_for(lock, std::min(schedule_.sweep_period, schedule_.period), [this] { return stopping_; });
    }
  }

  void sweep() {
    const auto swept = amender_->sweep();
    if (!swept) tell(swept.error());
    if (swept && swept->failed > 0) tell({ErrorCode::kInternal, "amender: " + swept->last_error});
  }

  void tell(const Error& error) const {
    if (on_error_) on_error_(error);
  }

  std::atomic<bool> stop_packing_{false};  // before what looks at it
  const KeeperOptions options_;
  const std::unique_ptr<Amender> amender_;
  const Schedule schedule_;
  const std::function<void(const Error&)> on_error_;
  std::mutex mutex_, join_mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

Keeper::Keeper(KeeperOptions options, std::unique_ptr<Amender> amender, Schedule schedule,
               std::function<void(const Error&)> on_error)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(amender), schedule, std::move(on_error))) {}
Keeper::~Keeper() = default;
void Keeper::stop() { impl_->stop(); }

}  // namespace everup::db
