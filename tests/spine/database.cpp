// See database.h.
#include "tests/spine/database.h"

#include <algorithm>

#include "core/result.h"
#include "db/batch_codec.h"
#include "db/conclusions_sql.h"

namespace everup::spine {

namespace {

constexpr milliseconds kReach{48 * 3'600'000LL};
constexpr std::int64_t kSettleMs = 2'000;

std::string boot_of(const std::string& stream) { return stream.substr(stream.rfind('/') + 1); }

std::set<Shard> shards_of(const db::Batch& batch) {
  std::set<Shard> shards;
  for (const Observation& row : batch.observations) shards.insert(shard_of(row.monitor));
  for (const ShardMark& mark : batch.marks) shards.insert(mark.shard);
  return shards;
}

std::string name(const Observation& row) {
  return to_string(row.monitor) + " slot " + std::to_string(row.slot_at.ms) + " look " + std::to_string(row.look);
}

}  // namespace

void Database::save(const StoredMonitor& monitor) {
  StoredMonitor& stored = monitors.at(monitor.plan.id);
  const CheckPlan& plan = stored.plan;
  stored.history.push_back(
      {plan.revision, plan.revised_at, plan.interval_ms, plan.timeout_ms, plan.confirm, plan.paused});
  changes.emplace_back(plan.id, shard_of(plan.id));
}

void Database::erase(MonitorId id, WallTime at) {
  StoredMonitor& stored = monitors.at(id);
  stored.deleted = true;
  stored.deleted_at = at;
  changes.emplace_back(id, shard_of(id));
}

// ---- leases ----------------------------------------------------------------------------------------------------

std::vector<OwnedShard> Database::hold(const std::string& node, const std::string& boot, std::int64_t ttl_ms) {
  std::vector<OwnedShard> held;
  for (Shard shard = 0; shard < shards(); ++shard) {
    Lease& lease = leases_[static_cast<std::size_t>(shard)];
    const bool frozen = held_ && held_->shards.contains(shard);  // SKIP LOCKED
    if (lease.node == node && lease.boot == boot) {
      if (!frozen) lease.expires_ms = now_ms + ttl_ms;
    } else if (!frozen && (lease.node == node || lease.node.empty() || lease.expires_ms < now_ms)) {
      if (!lease.node.empty() && lease.node != node) ++counts.taken_over;
      ++lease.epoch;
      if (lease.node != node) lease.since_epoch = lease.epoch;
      lease.node = node, lease.boot = boot;
      lease.expires_ms = now_ms + ttl_ms;
    }
    if (lease.node != node || lease.boot != boot || lease.expires_ms <= now_ms) continue;
    const auto mark = marks.find(shard);
    held.push_back({shard, lease.epoch, lease.since_epoch, mark == marks.end() ? WallTime{} : mark->second});
  }
  return held;
}

void Database::release(const std::string& node, const std::string& boot) {
  for (Lease& lease : leases_) {
    if (lease.node == node && lease.boot == boot) lease.expires_ms = now_ms;
  }
}

bool Database::fenced_in(const db::Fence& fence, const std::string& boot, Shard shard, std::int64_t epoch) const {
  const Lease& lease = leases_[static_cast<std::size_t>(shard)];
  return lease.node == fence.node && (lease.boot == fence.boot || lease.boot == boot) && lease.since_epoch <= epoch;
}

// ---- the recorder's transaction --------------------------------------------------------------------------------

void Database::trim_streams(const std::string& node, const std::string& stream) {
  std::erase_if(streams_, [&](const auto& one) { return one.first.starts_with(node + "/") && one.first != stream; });
}

bool Database::locked(const std::string& stream, const db::Batch& batch) const {
  if (!held_) return false;
  if (held_->stream == stream) return true;
  const auto shards = shards_of(batch);  // the standings of their monitors
  return std::any_of(shards.begin(), shards.end(), [&](Shard shard) { return held_->shards.contains(shard); });
}

Result<db::Applied> Database::apply(const db::Fence& fence, const std::string& stream, const db::Batch& batch,
                                    WallTime now) {
  if (locked(stream, batch)) return Error{ErrorCode::kUnavailable, "lock_timeout"};
  db::Applied applied;
  const auto sequence = streams_.find(stream);
  if (sequence == streams_.end()) return Error{ErrorCode::kUnavailable, "stream is not known"};
  if (sequence->second >= batch.seq) {
    ++counts.duplicates;
    applied.duplicate = true;
    return applied;
  }
  sequence->second = batch.seq;
  const std::string boot = boot_of(stream);
  for (std::uint32_t i = 0; i < batch.observations.size(); ++i) store(batch.observations[i], stream, applied, i);
  for (const db::Batch::Resync& lost : batch.resync) queue_late(lost.monitor, lost.oldest, true);
  for (const Observation& row : batch.observations) {
    WallTime oldest = std::min(row.slot_at, row.started_at);
    if (row.conclusion && !row.conclusion->edges.empty()) oldest = std::min(oldest, row.conclusion->edges.front().at);
    if (!fenced_in(fence, boot, shard_of(row.monitor), row.epoch)) {
      ++counts.fenced;
      queue_late(row.monitor, oldest, false);
    } else if (row.conclusion) {
      conclude(row);
    }
  }
  for (const ShardMark& mark : batch.marks) {
    if (!fenced_in(fence, boot, mark.shard, mark.epoch)) continue;
    WallTime& through = marks[mark.shard];
    through = std::max(through, mark.through);
  }
  for (const Gap& gap : batch.gaps) put(gap);
  log(now.ms), log(batch.seq);
  return applied;
}

void Database::store(const Observation& row, const std::string& stream, db::Applied& applied, std::uint32_t index) {
  StoredMonitor& monitor = monitors.at(row.monitor);
  if (poison && poison()) {
    ++counts.poisoned;
    applied.poison.push_back({index, "poison"});
    return put(Gap{row.region, -1, row.monitor, {row.slot_at, row.slot_at + milliseconds(1)}, GapReason::kPoison});
  }
  if (!monitor.keys.emplace(row.slot_at.ms, row.look).second) return static_cast<void>(++counts.repeated);
  ++applied.rows, ++counts.rows;
  if (row.missed) ++counts.missed;
  monitor.rows.push_back({row.slot_at, row.started_at, row.look, row.covered, row.revision, row.verdict, row.cause,
                          row.missed ? static_cast<std::int16_t>(*row.missed) : std::int16_t{0}, stream});
  for (const std::int64_t value : {row.monitor.value, row.slot_at.ms, row.started_at.ms, std::int64_t{row.look},
                                   static_cast<std::int64_t>(row.verdict), std::int64_t{row.covered}}) {
    log(value);
  }
}

void Database::put(const Gap& gap) {
  if (gap.span.empty()) return;
  ++counts.gaps;
  log(gap.span.from.ms), log(gap.span.to.ms);
  if (gap.monitor) {
    monitors.at(gap.monitor).gaps.push_back(gap);
  } else {
    gaps.push_back(gap);
  }
}

void Database::queue_late(MonitorId id, WallTime oldest, bool resync) {
  auto& late = monitors.at(id).late;
  if (!late) late = LateRow{oldest, now_ms, false}, ++late_;
  late->oldest = std::min(late->oldest, oldest);
  late->queued_ms = now_ms;
  late->resync = late->resync || resync;
}

void Database::conclude(const Observation& row) {
  const Conclusion& made = *row.conclusion;
  StoredMonitor& monitor = monitors.at(row.monitor);
  const std::int32_t version = monitor.standing ? monitor.standing->version : 0;
  if (version != made.version_before) {
    ++counts.lost_compare;
    WallTime oldest = std::min(row.slot_at, row.started_at);
    if (!made.edges.empty()) oldest = std::min(oldest, made.edges.front().at);
    return queue_late(row.monitor, oldest, true);
  }
  if (!made.edges.empty()) edit_spans(monitor, made.edges);
  if (made.flip) add_flip(monitor, row);
  if (!monitor.standing) monitor.standing.emplace();
  Standing& standing = *monitor.standing;
  standing.version = made.version_after;
  standing.health = made.health;
  standing.booked = made.booked;
  standing.health_since = made.health_since;
  standing.booked_since = made.booked_since;
  standing.pending_since = made.pending_since;
  check_spans(monitor);
}

void Database::edit_spans(StoredMonitor& monitor, const std::vector<SpanEdge>& edges) {
  std::int64_t floor = edges.front().at.ms;
  if (!monitor.spans.empty() && monitor.spans.back().span.to == db::kOpenEnd) {
    LedgerSpan& open = monitor.spans.back();
    if (open.span.from < edges.front().at) {
      open.span.to = edges.front().at;
    } else {
      floor = open.span.from.ms;
      monitor.spans.pop_back();
    }
  }
  for (const SpanEdge& edge : db::chained(edges, floor)) {
    if (!monitor.spans.empty() && monitor.spans.back().span.to == db::kOpenEnd) monitor.spans.back().span.to = edge.at;
    monitor.spans.push_back({{edge.at, db::kOpenEnd}, edge.state, edge.reason});
  }
}

void Database::add_flip(StoredMonitor& monitor, const Observation& row) {
  const Flip& flip = *row.conclusion->flip;
  const State stored = monitor.standing ? monitor.standing->health : State::kUnknown;
  if (flip.from != stored || flip.to == stored) complain("double flip: " + name(row));
  if (!monitor.flips.empty() && monitor.flips.back().flip.to == flip.to && !monitor.resynced) {
    complain("told twice: " + name(row));
  }
  if (!monitor.flips.empty() && monitor.flips.back().version >= row.conclusion->version_after) {
    complain("a flip's version went back: " + name(row));
  }
  monitor.flips.push_back({row.conclusion->version_after, flip, monitor.resynced});
  monitor.resynced = false;
  ++(flip.to == State::kDown ? counts.flips_down : counts.flips_up);
  log(flip.at.ms), log(static_cast<std::int64_t>(flip.to));
}

// I3: ascending, without overlap, none empty, one open at the end.
void Database::check_spans(const StoredMonitor& monitor) const {
  const auto& spans = monitor.spans;
  const std::size_t from = spans.size() > 8 ? spans.size() - 8 : 0;  // those before were checked before
  for (std::size_t i = from; i < spans.size(); ++i) {
    const bool last = i + 1 == spans.size();
    const std::string where = to_string(monitor.plan.id) + " at " + std::to_string(spans[i].span.from.ms);
    if (spans[i].span.empty()) complain("an empty span: " + where);
    if (!last && spans[i].span.to > spans[i + 1].span.from) complain("spans overlap: " + where);
    if (last != (spans[i].span.to == db::kOpenEnd)) complain("not one open span: " + where);
  }
  if (monitor.standing && !spans.empty() && spans.back().state != monitor.standing->booked) {
    complain("booked is not the open span: " + to_string(monitor.plan.id));
  }
}

bool Database::hold_back(const db::Fence& fence, const std::string& stream, const db::Batch& batch, WallTime now) {
  if (held_ || !streams_.contains(stream)) return false;
  held_ = Held{fence, stream, db::encode_batch(batch), batch.seq, now, shards_of(batch)};
  return true;
}

void Database::let_go(bool commit) {
  if (!held_) return;
  const Held held = *std::move(held_);
  held_.reset();
  if (!commit) return;
  auto batch = db::decode_batch(held.batch);
  EVERUP_ASSERT(batch.ok());
  batch->seq = held.seq;
  const auto applied = apply(held.fence, held.stream, *batch, held.now);
  EVERUP_ASSERT(applied.ok());
}

// ---- the amender -----------------------------------------------------------------------------------------------

void Database::sweep(const std::string& node, const std::string& boot, WallTime now) {
  if (late_ == 0) return;
  for (auto& [id, monitor] : monitors) {
    if (!monitor.late || monitor.late->queued_ms + kSettleMs > now_ms) continue;
    const Shard shard = shard_of(id);
    const Lease& lease = leases_[static_cast<std::size_t>(shard)];
    if (lease.node != node || lease.boot != boot || (held_ && held_->shards.contains(shard))) continue;
    amend(monitor, now);
    monitor.late.reset();
    --late_;
  }
}

void Database::amend(StoredMonitor& monitor, WallTime now) {
  const WallTime reach = now - kReach;
  db::LateEvidence evidence;
  evidence.monitor = monitor.plan.id;
  evidence.from = std::max(monitor.late->oldest, reach);
  for (const LedgerSpan& span : monitor.spans) {
    if (span.span.from > std::max(monitor.late->oldest, reach)) break;
    if (span.state != State::kUnknown) evidence.from = std::max(span.span.from, reach);
  }
  for (const LedgerSpan& span : monitor.spans) {
    if (span.span.to > evidence.from) evidence.spans.push_back(span);
  }
  for (const StoredRow& row : monitor.rows) {
    if (row.started_at < evidence.from) continue;
    if (row.missed != 0) {
      const Span slot{row.slot_at, row.slot_at + milliseconds(1)};
      evidence.gaps.push_back({slot, static_cast<GapReason>(row.missed), false});
    } else {
      evidence.results.push_back({row.started_at, row.slot_at, row.verdict, row.cause, row.revision});
    }
  }
  const auto take = [&](const Gap& gap) {
    if (gap.span.to <= evidence.from) return;
    evidence.gaps.push_back({{std::max(gap.span.from, evidence.from), gap.span.to}, gap.reason, false});
  };
  for (const Gap& gap : monitor.gaps) take(gap);
  for (const Gap& gap : gaps) {
    if (gap.shard == shard_of(monitor.plan.id)) take(gap);
  }
  evidence.history = monitor.history;
  evidence.standing = monitor.standing;
  evidence.resync = monitor.late->resync;
  const db::LatePlan plan = db::plan_late(std::move(evidence));
  if (plan.amendment) write(monitor, *plan.amendment), ++counts.corrections;
  if (plan.standing && !monitor.spans.empty() && monitor.spans.back().span.to == db::kOpenEnd) {
    monitor.standing = Standing{};
    Standing& standing = *monitor.standing;
    standing.version = plan.standing->version;
    standing.health = plan.standing->health;
    standing.health_since = plan.standing->health_since;
    standing.pending_since = plan.standing->pending_since;
    standing.booked = monitor.spans.back().state;
    standing.booked_since = monitor.spans.back().span.from;
    monitor.resynced = true;
    changes.emplace_back(monitor.plan.id, shard_of(monitor.plan.id));
    ++counts.resynced;
  }
  check_spans(monitor);
  log(now.ms);
}

void Database::write(StoredMonitor& monitor, const db::Amendment& amendment) const {
  const WallTime first = amendment.window.from, limit = amendment.window.to;
  auto& spans = monitor.spans;
  std::vector<LedgerSpan> kept, behind;
  for (LedgerSpan span : spans) {
    if (span.span.from >= first && span.span.from < limit) continue;
    if (span.span.from >= limit) {
      behind.push_back(span);
      continue;
    }
    span.span.to = std::min(span.span.to, first);
    kept.push_back(span);
  }
  auto next = amendment.after.begin();
  const bool joins = !kept.empty() && kept.back().span.to >= first && next != amendment.after.end() &&
                     kept.back().state == next->state && kept.back().reason == next->reason;
  if (joins) kept.back().span.to = (next++)->span.to;
  kept.insert(kept.end(), next, amendment.after.end());
  kept.insert(kept.end(), behind.begin(), behind.end());
  spans = std::move(kept);
}

}  // namespace everup::spine
