// See keeper.h. What needs no transaction around it (DETACH … CONCURRENTLY) runs alone; the advisory lock is the
// session's.
#include "db/keeper.h"

#include <algorithm>
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

// Partitions that end before their retention; the names tell the first day (ensure_partition).
Result<std::vector<Leaving>> leaving(Session& session, const KeeperOptions& options) {
  const std::int64_t today = options.clock->now().wall.ms / kDayMs;
  return in_transaction(session, options.deadline, [&](pqxx::transaction_base& tx) -> Result<std::vector<Leaving>> {
    std::vector<Leaving> list;
    for (const pqxx::row& row : tx.exec_params(
             "SELECT parent.relname, child.relname, i.inhdetachpending FROM pg_inherits i "
             "JOIN pg_class parent ON parent.oid = i.inhparent JOIN pg_class child ON child.oid = i.inhrelid "
             "WHERE parent.oid IN ('results'::regclass, 'evidence'::regclass) AND child.relname ~ '_[0-9]{8}$' AND "
             "(i.inhdetachpending OR (to_date(right(child.relname, 8), 'YYYYMMDD') - date '1970-01-01') + "
             "CASE parent.relname WHEN 'results' THEN 1 ELSE $3::int END <= "
             "CASE parent.relname WHEN 'results' THEN $1::int ELSE $2::int END) ORDER BY child.relname LIMIT $4",
             today - options.results_days, today - options.evidence_days, kEvidenceDays, kRemovedMax)) {
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
                 "'public'::regnamespace AND c.relname ~ '^(results|evidence)_[0-9]{8}$'")) {
      tx.exec("DROP TABLE " + tx.quote_name(row[0].as<std::string>()));
    }
    return ok();
  });
}

// Bounded statements until one finds nothing more.
Result<std::int64_t> trim(Session& session, const KeeperOptions& options, const char* sql, std::int64_t before) {
  std::int64_t all = 0;
  for (int round = 0; round < kTrimRounds; ++round) {
    const auto gone =
        in_transaction(session, options.deadline, [&](pqxx::transaction_base& tx) -> Result<std::int64_t> {
          set_operator(tx);
          return static_cast<std::int64_t>(tx.exec_params(sql, before, kTrimmedMax).affected_rows());
        });
    if (!gone) return gone.error();
    all += *gone;
    if (*gone < kTrimmedMax) break;
  }
  return all;
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
  const auto tests =
      trim(session, options,
           "DELETE FROM tool_tests WHERE id IN (SELECT id FROM tool_tests WHERE created_at < $1 LIMIT $2)",
           now - ToolTestStore::kKeptFor.count());
  if (!tests) return tests.error();
  if (options.zones == nullptr) return ok();
  const auto extended = extend_maintenance(session, *options.zones, options.clock->now().wall, options.deadline);
  return extended ? ok() : Status(extended.error());
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
      : options_(std::move(options)),
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
    wake_.notify_all();
    const std::lock_guard once(join_mutex_);
    if (thread_.joinable()) thread_.join();
  }

 private:
  using Steady = std::chrono::steady_clock;

  void loop() {
    Steady::time_point next_pass = Steady::now();
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      lock.unlock();
      if (Steady::now() >= next_pass) {
        const auto kept = keep(options_);
        if (!kept) tell(kept.error());
        next_pass = Steady::now() + (kept ? schedule_.period : schedule_.retry);
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
