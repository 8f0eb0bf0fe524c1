// See lease_sql.h. Rows are always locked in the order of their shard, as the recorder locks them: no two of us can
// deadlock.
#include "db/lease_sql.h"

#include <pqxx/pqxx>

#include "db/session.h"

namespace everup::db {
namespace {

std::string renew_sql(bool skip_locked) {
  return std::string(
             "UPDATE leases l SET expires_at = clock_timestamp() + $4::bigint * interval '1 millisecond' FROM "
             "(SELECT region, shard FROM leases WHERE region = $1::smallint AND node = $2 AND boot = $3 "
             "ORDER BY shard FOR NO KEY UPDATE") +
         (skip_locked ? " SKIP LOCKED" : "") + ") f WHERE l.region = f.region AND l.shard = f.shard";
}

constexpr const char* kMake =
    "INSERT INTO leases (region, shard, node, boot, epoch, since_epoch, expires_at) "
    "SELECT $1::smallint, s, $2, $3, 1, 1, clock_timestamp() + $4::bigint * interval '1 millisecond' "
    "FROM generate_series(0, $5::int - 1) s WHERE NOT EXISTS "
    "(SELECT 1 FROM leases l WHERE l.region = $1::smallint AND l.shard = s) ON CONFLICT DO NOTHING";
constexpr const char* kTake =
    "UPDATE leases l SET node = $2, boot = $3, epoch = l.epoch + 1, "
    "since_epoch = CASE WHEN l.node = $2 THEN l.since_epoch ELSE l.epoch + 1 END, "
    "expires_at = clock_timestamp() + $4::bigint * interval '1 millisecond' FROM "
    "(SELECT region, shard FROM leases WHERE region = $1::smallint AND NOT (node = $2 AND boot = $3) "
    "AND (node = $2 OR expires_at < clock_timestamp()) ORDER BY shard FOR NO KEY UPDATE SKIP LOCKED) f "
    "WHERE l.region = f.region AND l.shard = f.shard";
constexpr const char* kList =
    "SELECT l.shard, l.epoch, l.since_epoch, coalesce(m.observed_through, 0) FROM leases l LEFT JOIN shard_marks m "
    "ON m.region = l.region AND m.shard = l.shard WHERE l.region = $1::smallint AND l.node = $2 AND l.boot = $3 "
    "AND l.expires_at > clock_timestamp() ORDER BY l.shard";

Status renew(Session& session, milliseconds deadline, const LeaseHolder& holder, bool skip_locked) {
  return session.run(deadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec("SET LOCAL lock_timeout = 1500");
    tx.exec_params(renew_sql(skip_locked), holder.region, holder.node, holder.boot, holder.ttl.count());
    return ok();
  });
}

}  // namespace

Result<std::vector<OwnedShard>> hold_leases(Session& session, milliseconds deadline, const LeaseHolder& holder) {
  Status renewed = renew(session, deadline, holder, false);
  if (!renewed && !session.lost() && session.last_failure().fault == Fault::kRetry) {
    renewed = renew(session, deadline, holder, true);
  }
  if (!renewed) return renewed.error();
  return in_transaction(session, deadline, [&](pqxx::transaction_base& tx) -> Result<std::vector<OwnedShard>> {
    tx.exec_params(kMake, holder.region, holder.node, holder.boot, holder.ttl.count(), kShards);
    tx.exec_params(kTake, holder.region, holder.node, holder.boot, holder.ttl.count());
    std::vector<OwnedShard> held;
    for (const pqxx::row& row : tx.exec_params(kList, holder.region, holder.node, holder.boot)) {
      held.push_back({row[0].as<Shard>(), row[1].as<std::int64_t>(), row[2].as<std::int64_t>(),
                      WallTime{row[3].as<std::int64_t>()}});
    }
    return held;
  });
}

Status release_leases(Session& session, milliseconds deadline, const LeaseHolder& holder) {
  return session.run(deadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec_params(
        "UPDATE leases SET expires_at = clock_timestamp() WHERE region = $1::smallint AND node = $2 AND boot = $3",
        holder.region, holder.node, holder.boot);
    return ok();
  });
}

}  // namespace everup::db
