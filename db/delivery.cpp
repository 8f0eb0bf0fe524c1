// See delivery.h. deliver() is the order of things: the database when it may be asked and nothing waits before this
// batch, else the spool's tail, else a loss that is told later.
#include "db/delivery.h"

#include <algorithm>
#include <utility>

#include "db/batch_codec.h"

namespace everup::db {
namespace {

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace

void Intake::offer(Offered&& item, std::size_t bytes, Instant now) {
  if (items_.empty()) first_at_ = now;
  bytes_ += bytes;
  items_.push_back(std::move(item));
}

void Intake::take(std::vector<Offered>& items) {
  if (items.empty()) {
    items.swap(items_);
  } else {
    for (Offered& item : items_) items.push_back(std::move(item));
    items_.clear();
  }
  bytes_ = 0;
}

Delivery::Delivery(DeliveryOptions options, Spool spool, BatchStore& store, Outstanding& outstanding)
    : options_(std::move(options)),
      spool_(std::move(spool)),
      store_(store),
      outstanding_(outstanding),
      builder_(options_.batch_rows_max),
      random_(static_cast<std::minstd_rand::result_type>(options_.random % 2'147'483'646 + 1)) {
  stats_.database_ok = true;  // nobody starts without it; the first attempt that fails says otherwise
}

void Delivery::take_in(std::vector<Offered>& items, const Clock& clock) {
  const auto close = [&] { deliver(builder_.close(clock.now().wall), clock); };
  for (Offered& item : items) {
    if (!builder_.add(item)) {
      close();
      const bool added = builder_.add(item);
      EVERUP_ASSERT(added);
    }
    ++taken_;
  }
  items.clear();
  if (!builder_.empty()) close();
}

void Delivery::deliver(Batch batch, const Clock& clock) {
  if (!losses_.empty()) losses_.attach(batch);
  batch.seq = ++seq_;
  if (!spool_.empty() || !may_try(clock.now().mono)) return into_spool(batch);
  const auto applied = apply(options_.stream, batch, false, clock);
  if (applied) {
    count(*applied, batch, "stored");
    outstanding_.settle(batch);
  } else if (applied.error().code == ErrorCode::kInternal) {
    drop(batch, "poison", GapReason::kPoison);
  } else {
    into_spool(batch);
  }
}

void Delivery::into_spool(Batch& batch) {
  const Status appended = spool_.append(batch.seq, batch.closed_at, encode_batch(batch));
  if (appended) {
    ++stats_.batches["spooled"];
  } else {
    drop(batch, "dropped", GapReason::kSpoolFull);
  }
}

// What cannot be kept is told as soon as something can: gaps for its slots, and its monitors are recomputed.
void Delivery::drop(const Batch& batch, const char* result, GapReason reason) {
  ++stats_.batches[result];
  stats_.dropped += batch.observations.size();
  losses_.add(batch, reason);
  outstanding_.settle(batch);
  if (reason == GapReason::kPoison) {
    keep_poison("batch " + options_.stream + " " + std::to_string(batch.seq) + " " + hex(encode_batch(batch)) + "\n");
  }
}

void Delivery::keep_poison(const std::string& line) {
  if (!spool_.keep_poison(line)) ++stats_.batches["poison_not_kept"];
}

bool Delivery::replay_one(const Clock& clock) {
  const auto record = spool_.front();
  if (!record && record.error().code != ErrorCode::kCorrupt) {
    lose_session(clock.now().mono);  // the same patience as with a database that is away
    return false;
  }
  if (!record) return pop_front("corrupt"), true;
  auto batch = decode_batch(record->payload);
  if (!batch) {
    keep_poison("undecodable " + record->stream + " " + std::to_string(record->seq) + " " + hex(record->payload) +
                "\n");
    return pop_front("corrupt"), true;
  }
  batch->seq = record->seq;
  const auto applied = apply(record->stream, *batch, true, clock);
  if (!applied && applied.error().code != ErrorCode::kInternal) return false;
  if (applied) {
    count(*applied, *batch, "replayed");
    outstanding_.settle(*batch);
  } else {
    drop(*batch, "poison", GapReason::kPoison);
  }
  pop_front(nullptr);
  return true;
}

void Delivery::pop_front(const char* counted) {
  if (counted != nullptr) ++stats_.batches[counted];
  // A segment that cannot be removed comes again after a restart; its sequences make that harmless.
  if (!spool_.pop()) ++stats_.batches["not_removed"];
  if (spool_.empty() && store_.connected() && !streams_trimmed_) streams_trimmed_ = store_.trim(options_.stream);
}

Result<Applied> Delivery::apply(const std::string& stream, const Batch& batch, bool replay, const Clock& clock) {
  auto applied = store_.apply(stream, batch, replay, clock.now().wall);
  if (applied) {
    failures_ = 0;
    stats_.database_ok = true;
  } else if (applied.error().code != ErrorCode::kInternal) {
    lose_session(clock.now().mono);
  }
  return applied;
}

void Delivery::lose_session(Instant now) {
  store_.disconnect();
  stats_.database_ok = false;
  failures_ = std::min(failures_ + 1, 16);
  const std::int64_t least = options_.retry_min.count(), most = std::max(least, options_.retry_max.count());
  std::int64_t cap = std::min(most, least << failures_);
  if (failures_ > 1) cap = std::max(cap, std::min<std::int64_t>(most, 2000));
  std::uniform_int_distribution<std::int64_t> jitter(std::max(least, cap / 2), std::max(least, cap));
  next_try_ = now + milliseconds(jitter(random_));
}

void Delivery::count(const Applied& applied, const Batch& batch, const char* result) {
  ++stats_.batches[applied.duplicate ? "duplicate" : result];
  stats_.results_written += applied.rows;
  stats_.late += applied.late;
  if (!applied.poison.empty()) keep_aside(batch, applied);
}

void Delivery::keep_aside(const Batch& batch, const Applied& applied) {
  for (const Applied::Poison& poison : applied.poison) {
    ++stats_.batches["poison"];
    const Observation& o = batch.observations[poison.observation];
    keep_poison("row " + to_string(o.monitor) + " slot " + std::to_string(o.slot_at.ms) + " look " +
                std::to_string(o.look) + " detail " + hex(o.detail) + " " + poison.why + "\n");
  }
}

void Delivery::tell_losses(const Clock& clock) {
  if (losses_.empty()) return;
  Batch last;
  last.closed_at = clock.now().wall;
  deliver(std::move(last), clock);
}

Result<Spool> open_spool(SpoolOptions options, Outstanding& outstanding) {
  return Spool::open(std::move(options), [&outstanding](const SpoolRecord& record) {
    const auto batch = decode_batch(record.payload);
    if (batch) outstanding.add(*batch);  // else: counted and kept aside when its turn comes
  });
}

}  // namespace everup::db
