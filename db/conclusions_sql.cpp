// See conclusions_sql.h. Three statements for any number of conclusions: the standings' compare-and-set, then spans
// closed together with the flips, then spans opened — apart, because the partial unique index on open spans is not
// deferrable.
#include "db/conclusions_sql.h"

#include <algorithm>
#include <pqxx/pqxx>
#include <set>

#include "db/copy_lines.h"
#include "db/session.h"

namespace everup::db {
namespace {

using Key = std::pair<std::int64_t, Region>;

constexpr const char* kLeases =
    "SELECT l.region, l.shard, l.since_epoch FROM leases l "
    "JOIN unnest($1::smallint[], $2::smallint[]) AS t(region, shard) ON l.region = t.region AND l.shard = t.shard "
    "WHERE l.node = $3 AND l.boot IN ($4, $5) ORDER BY l.region, l.shard FOR SHARE OF l";

constexpr const char* kStandings =
    "WITH c AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::int[], $4::int[], $5::smallint[], "
    "$6::smallint[], $7::bigint[], $8::bigint[], $9::bigint[]) "
    "AS t(monitor_id, region, before, after, health, booked, health_since, booked_since, pending_since)), "
    "made AS (INSERT INTO standings AS s "
    "(monitor_id, region, version, health, booked, health_since, booked_since, pending_since) "
    "SELECT monitor_id, region, after, health, booked, health_since, booked_since, pending_since FROM c "
    "WHERE before = 0 ORDER BY monitor_id, region "
    "ON CONFLICT (monitor_id, region) DO UPDATE SET version = excluded.version, health = excluded.health, "
    "booked = excluded.booked, health_since = excluded.health_since, booked_since = excluded.booked_since, "
    "pending_since = excluded.pending_since WHERE s.version = 0 RETURNING s.monitor_id, s.region), "
    "moved AS (UPDATE standings s SET version = c.after, health = c.health, booked = c.booked, "
    "health_since = c.health_since, booked_since = c.booked_since, pending_since = c.pending_since FROM c "
    "WHERE c.before > 0 AND s.monitor_id = c.monitor_id AND s.region = c.region AND s.version = c.before "
    "RETURNING s.monitor_id, s.region) "
    "SELECT monitor_id, region FROM made UNION ALL SELECT monitor_id, region FROM moved";

// A span that would end where it begins (or before: never taken literally) is replaced; where it began is answered.
constexpr const char* kClose =
    "WITH e AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::bigint[]) "
    "AS t(monitor_id, region, at)), "
    "closed AS (UPDATE spans p SET to_at = e.at FROM e WHERE p.monitor_id = e.monitor_id AND p.region = e.region "
    "AND p.to_at IS NULL AND p.from_at < e.at) "
    "DELETE FROM spans p USING e WHERE p.monitor_id = e.monitor_id AND p.region = e.region AND p.to_at IS NULL "
    "AND p.from_at >= e.at RETURNING p.monitor_id, p.region, p.from_at";

constexpr const char* kFlips =
    "INSERT INTO flips (monitor_id, version, region, from_state, to_state, at, settled_at, cause, gap, recorded_at) "
    "SELECT t.*, $10::bigint FROM unnest($1::bigint[], $2::int[], $3::smallint[], $4::smallint[], $5::smallint[], "
    "$6::bigint[], $7::bigint[], $8::smallint[], $9::smallint[]) AS t ON CONFLICT DO NOTHING";

constexpr const char* kOpen =
    "INSERT INTO spans (monitor_id, region, from_at, to_at, state, cause, gap) SELECT * FROM unnest($1::bigint[], "
    "$2::smallint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::smallint[], $7::smallint[])";

constexpr const char* kLate =
    "INSERT INTO late_observations AS l (monitor_id, region, oldest_at, queued_at, resync) "
    "SELECT t.monitor_id, t.region, t.oldest_at, $5::bigint, t.resync FROM unnest($1::bigint[], $2::smallint[], "
    "$3::bigint[], $4::boolean[]) AS t(monitor_id, region, oldest_at, resync) ORDER BY 1, 2 "
    "ON CONFLICT (monitor_id, region) DO UPDATE SET oldest_at = least(l.oldest_at, excluded.oldest_at), "
    "queued_at = excluded.queued_at, resync = l.resync OR excluded.resync";

std::int16_t number(State state) { return static_cast<std::int16_t>(state); }
Key standing_key(const Observation& observation) { return {observation.monitor.value, observation.region}; }

std::set<Key> compare_and_set(pqxx::transaction_base& tx, const std::vector<const Observation*>& observations) {
  ArrayText monitor, region, before, after, health, booked, health_since, booked_since, pending;
  for (const Observation* o : observations) {
    const Conclusion& c = *o->conclusion;
    monitor.add(o->monitor.value), region.add(o->region);
    before.add(c.version_before), after.add(c.version_after);
    health.add(number(c.health)), booked.add(number(c.booked));
    health_since.add(c.health_since.ms), booked_since.add(c.booked_since.ms);
    if (c.pending_since) {
      pending.add(c.pending_since->ms);
    } else {
      pending.add_null();
    }
  }
  std::set<Key> won;
  for (const pqxx::row& row :
       tx.exec_prepared("recorder_standings", monitor.take(), region.take(), before.take(), after.take(), health.take(),
                        booked.take(), health_since.take(), booked_since.take(), pending.take())) {
    won.emplace(row[0].as<std::int64_t>(), row[1].as<Region>());
  }
  return won;
}

// The open spans end at each conclusion's first edge; for those that were replaced: where they began.
std::map<Key, std::int64_t> close_spans(pqxx::transaction_base& tx, const std::vector<const Observation*>& winners) {
  ArrayText monitor, region, at;
  for (const Observation* o : winners) {
    if (o->conclusion->edges.empty()) continue;
    monitor.add(o->monitor.value), region.add(o->region), at.add(o->conclusion->edges.front().at.ms);
  }
  std::map<Key, std::int64_t> replaced;
  for (const pqxx::row& row : tx.exec_prepared("recorder_close", monitor.take(), region.take(), at.take())) {
    replaced.emplace(Key{row[0].as<std::int64_t>(), row[1].as<Region>()}, row[2].as<std::int64_t>());
  }
  return replaced;
}

void open_spans(pqxx::transaction_base& tx, const std::vector<const Observation*>& winners,
                const std::map<Key, std::int64_t>& replaced) {
  ArrayText monitor, region, from, to, state, cause, gap;
  for (const Observation* o : winners) {
    const auto found = replaced.find(standing_key(*o));
    const std::vector<SpanEdge>& edges = o->conclusion->edges;
    if (edges.empty()) continue;
    const auto chain = chained(edges, found == replaced.end() ? edges.front().at.ms : found->second);
    for (std::size_t i = 0; i < chain.size(); ++i) {
      monitor.add(o->monitor.value), region.add(o->region);
      from.add(chain[i].at.ms);
      if (i + 1 < chain.size()) {
        to.add(chain[i + 1].at.ms);
      } else {
        to.add_null();
      }
      state.add(number(chain[i].state)), cause.add(chain[i].reason.cause), gap.add(chain[i].reason.gap);
    }
  }
  tx.exec_prepared("recorder_open", monitor.take(), region.take(), from.take(), to.take(), state.take(), cause.take(),
                   gap.take());
}

std::uint64_t insert_flips(pqxx::transaction_base& tx, const std::vector<const Observation*>& winners, WallTime now) {
  ArrayText monitor, version, region, from, to, at, settled, cause, gap;
  std::uint64_t flips = 0;
  for (const Observation* o : winners) {
    if (!o->conclusion->flip) continue;
    const Flip& flip = *o->conclusion->flip;
    monitor.add(o->monitor.value), version.add(o->conclusion->version_after), region.add(o->region);
    from.add(number(flip.from)), to.add(number(flip.to)), at.add(flip.at.ms), settled.add(flip.settled_at.ms);
    cause.add(flip.reason.cause), gap.add(flip.reason.gap);
    ++flips;
  }
  if (flips == 0) return 0;
  tx.exec_prepared("recorder_flips", monitor.take(), version.take(), region.take(), from.take(), to.take(), at.take(),
                   settled.take(), cause.take(), gap.take(), now.ms);
  return flips;
}

}  // namespace

std::vector<SpanEdge> chained(const std::vector<SpanEdge>& edges, std::int64_t floor) {
  std::vector<SpanEdge> chain;
  for (SpanEdge edge : edges) {
    edge.at.ms = std::max(edge.at.ms, chain.empty() ? floor : chain.back().at.ms);
    if (!chain.empty() && chain.back().at == edge.at) chain.pop_back();
    chain.push_back(edge);
  }
  return chain;
}

void prepare_conclusions(Session& session) {
  session.prepare("recorder_leases", kLeases);
  session.prepare("recorder_standings", kStandings);
  session.prepare("recorder_close", kClose);
  session.prepare("recorder_flips", kFlips);
  session.prepare("recorder_open", kOpen);
  session.prepare("recorder_late", kLate);
}

HeldLeases lock_leases(pqxx::transaction_base& tx, const std::vector<std::pair<Region, Shard>>& shards,
                       const std::string& node, const std::string& boot, const std::string& batch_boot) {
  ArrayText region, shard;
  for (const auto& [r, s] : shards) region.add(r), shard.add(s);
  HeldLeases held;
  for (const pqxx::row& row :
       tx.exec_prepared("recorder_leases", region.take(), shard.take(), node, boot, batch_boot)) {
    held.emplace(std::pair{row[0].as<Region>(), row[1].as<Shard>()}, row[2].as<std::int64_t>());
  }
  return held;
}

void add_late(LateRows& late, const Observation& observation, bool resync) {
  std::int64_t oldest = std::min(observation.slot_at.ms, observation.started_at.ms);
  if (observation.conclusion && !observation.conclusion->edges.empty()) {
    oldest = std::min(oldest, observation.conclusion->edges.front().at.ms);
  }
  const auto [row, fresh] = late.try_emplace(standing_key(observation), LateRow{oldest, resync});
  if (fresh) return;
  row->second.oldest_ms = std::min(row->second.oldest_ms, oldest);
  row->second.resync = row->second.resync || resync;
}

std::uint64_t conclude(pqxx::transaction_base& tx, const std::vector<const Observation*>& observations, WallTime now,
                       LateRows& late) {
  if (observations.empty()) return 0;
  const std::set<Key> won = compare_and_set(tx, observations);
  std::vector<const Observation*> winners;
  bool edges = false;
  for (const Observation* o : observations) {
    if (!won.contains(standing_key(*o))) {
      add_late(late, *o, true);
      continue;
    }
    winners.push_back(o);
    edges = edges || !o->conclusion->edges.empty();
  }
  if (edges) open_spans(tx, winners, close_spans(tx, winners));
  return insert_flips(tx, winners, now);
}

void queue_late(pqxx::transaction_base& tx, const LateRows& late, WallTime now) {
  if (late.empty()) return;
  ArrayText monitor, region, oldest, resync;
  for (const auto& [key, row] : late) {
    monitor.add(key.first), region.add(key.second), oldest.add(row.oldest_ms), resync.add_text(row.resync ? "t" : "f");
  }
  tx.exec_prepared("recorder_late", monitor.take(), region.take(), oldest.take(), resync.take(), now.ms);
}

}  // namespace everup::db
