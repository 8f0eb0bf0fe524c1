// See recorder.h. One loop on one thread: take what was offered, cut it into batches, deliver each; when nothing is
// due, replay one record of the spool. Everything below `Impl::loop` runs on that thread; offer() only touches what
// mutex_ guards.
#include "db/recorder.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "db/batch.h"
#include "db/batch_codec.h"
#include "db/losses.h"
#include "db/outstanding.h"
#include "db/recorder_sql.h"
#include "db/session.h"
#include "db/spool.h"

namespace everup::db {
namespace {

using Steady = std::chrono::steady_clock;
constexpr milliseconds kOutboxPeriod{15'000};

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

class Recorder::Impl {
 public:
  Impl(RecorderOptions options, Spool spool)
      : options_(std::move(options)),
        stream_(options_.node + "/" + options_.boot),
        fence_{options_.node, options_.boot},
        spool_(std::move(spool)),
        builder_(options_.batch_rows_max) {}

  void start() {
    publish();
    thread_ = std::thread([this] { loop(); });
  }
  Outstanding& index() { return outstanding_; }

  bool offer(Offered&& item) {
    const std::size_t bytes = bytes_of(item);
    const auto* observation = std::get_if<Observation>(&item);
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || queue_.size() >= options_.queue_items_max || queue_bytes_ + bytes > options_.queue_bytes_max) {
        ++refused_;
        return false;
      }
      if (observation != nullptr) outstanding_.add(*observation);
      if (queue_.empty()) first_at_ = Steady::now();
      queue_bytes_ += bytes;
      queue_.push_back(std::move(item));
      ++offered_;
      if (queue_.size() != 1 && queue_.size() != options_.batch_rows_max) return true;
    }
    wake_.notify_one();
    return true;
  }

  bool drained(milliseconds wait) {
    std::unique_lock lock(mutex_);
    const std::uint64_t target = offered_;
    return settled_changed_.wait_for(lock, wait, [&] { return settled_ >= target && spool_empty_; });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    const std::lock_guard once(join_mutex_);
    if (thread_.joinable()) thread_.join();
  }

  RecorderStats stats() const {
    const std::lock_guard lock(mutex_);
    RecorderStats stats = published_;
    stats.queue = queue_.size();
    stats.dropped += refused_;
    if (spool_oldest_) {
      stats.spool_oldest_s = static_cast<double>((options_.clock->now().wall - *spool_oldest_).count()) / 1000.0;
    }
    return stats;
  }

  std::vector<OutstandingStanding> outstanding(Shard shard) const { return outstanding_.of(shard); }

 private:
  void loop();
  bool wait_for_work(std::vector<Offered>& items);
  bool live_due() const;  // mutex_ held
  void take_in(std::vector<Offered>& items);
  void deliver(Batch batch);
  void into_spool(Batch& batch);
  void drop(const Batch& batch, const char* result, GapReason reason);
  bool replay_one();
  void pop_front(const char* counted);
  Result<Applied> apply(const std::string& stream, const Batch& batch, bool replay);
  Status ready(const std::string& stream);
  void lose_session();
  void count(const Applied& applied, const Batch& batch, const char* result);
  void keep_aside(const Batch& batch, const Applied& applied);
  void finish();
  void look_at_outbox();
  void publish();
  bool may_try() const { return session_ != nullptr || Steady::now() >= next_try_; }

  const RecorderOptions options_;
  const std::string stream_;
  const Fence fence_;
  Outstanding outstanding_;

  mutable std::mutex mutex_;
  std::condition_variable wake_, settled_changed_;
  std::vector<Offered> queue_;  // guarded by mutex_, as are those that follow
  std::size_t queue_bytes_ = 0;
  Steady::time_point first_at_{};  // when queue_.front() came
  std::uint64_t offered_ = 0, settled_ = 0, refused_ = 0;
  bool stopping_ = false, spool_empty_ = true;
  RecorderStats published_;
  std::optional<WallTime> spool_oldest_;

  // The thread's own.
  Spool spool_;
  BatchBuilder builder_;
  Losses losses_;
  std::unique_ptr<Session> session_;
  std::set<std::string> streams_ready_;  // in this session
  bool streams_trimmed_ = false;
  std::int64_t seq_ = 0;
  std::uint64_t taken_ = 0;  // offers that are in batches
  int failures_ = 0;         // in a row
  Steady::time_point next_try_{}, next_outbox_{};
  std::minstd_rand random_{std::random_device{}()};
  RecorderStats stats_;

  std::mutex join_mutex_;
  std::thread thread_;
};

void Recorder::Impl::loop() {
  std::vector<Offered> items;
  while (wait_for_work(items)) {
    take_in(items);
    if (!spool_.empty() && may_try()) replay_one();
    look_at_outbox();
    publish();
  }
  take_in(items);
  finish();
  publish();
}

bool Recorder::Impl::live_due() const {
  if (queue_.empty()) return false;
  return stopping_ || queue_.size() >= options_.batch_rows_max || Steady::now() - first_at_ >= options_.batch_wait;
}

// False: stopping. `items` has what was offered, when it is due.
bool Recorder::Impl::wait_for_work(std::vector<Offered>& items) {
  const bool replay = !spool_.empty();
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return stopping_ || live_due() || (replay && may_try()); };
  while (!ready()) {
    std::optional<Steady::time_point> until;
    if (!queue_.empty()) until = first_at_ + options_.batch_wait;
    if (replay) until = until ? std::min(*until, next_try_) : next_try_;
    if (until) {
      wake_.wait_until(lock, *until);
    } else {
      wake_.wait(lock);
    }
  }
  if (live_due()) {
    items.swap(queue_);
    queue_bytes_ = 0;
  }
  return !stopping_;
}

// Everything in `items` leaves as batches, in order.
void Recorder::Impl::take_in(std::vector<Offered>& items) {
  const auto close = [this] { deliver(builder_.close(options_.clock->now().wall)); };
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

void Recorder::Impl::deliver(Batch batch) {
  if (!losses_.empty()) losses_.attach(batch);
  batch.seq = ++seq_;
  if (!spool_.empty() || !may_try()) return into_spool(batch);
  const auto applied = apply(stream_, batch, false);
  if (applied) {
    count(*applied, batch, "stored");
    outstanding_.settle(batch);
  } else if (applied.error().code == ErrorCode::kInternal) {
    drop(batch, "poison", GapReason::kPoison);
  } else {
    into_spool(batch);
  }
}

void Recorder::Impl::into_spool(Batch& batch) {
  const Status appended = spool_.append(batch.seq, batch.closed_at, encode_batch(batch));
  if (appended) {
    ++stats_.batches["spooled"];
  } else {
    drop(batch, "dropped", GapReason::kSpoolFull);
  }
}

// What cannot be kept is told as soon as something can: gaps for its slots, and its monitors are recomputed.
void Recorder::Impl::drop(const Batch& batch, const char* result, GapReason reason) {
  ++stats_.batches[result];
  stats_.dropped += batch.observations.size();
  losses_.add(batch, reason);
  outstanding_.settle(batch);
  if (reason == GapReason::kPoison) {
    const std::string line =
        "batch " + stream_ + " " + std::to_string(batch.seq) + " " + hex(encode_batch(batch)) + "\n";
    if (!spool_.keep_poison(line)) ++stats_.batches["poison_not_kept"];
  }
}

// One record of the spool. Live batches are looked after in between. False: PostgreSQL is away, or the disk does not
// answer.
bool Recorder::Impl::replay_one() {
  const auto record = spool_.front();
  if (!record && record.error().code != ErrorCode::kCorrupt) {
    lose_session();  // the same patience as with a database that is away
    return false;
  }
  if (!record) return pop_front("corrupt"), true;
  auto batch = decode_batch(record->payload);
  if (!batch) {
    if (!spool_.keep_poison("undecodable " + record->stream + " " + std::to_string(record->seq) + " " +
                            hex(record->payload) + "\n")) {
      ++stats_.batches["poison_not_kept"];
    }
    return pop_front("corrupt"), true;
  }
  batch->seq = record->seq;
  const auto applied = apply(record->stream, *batch, true);
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

void Recorder::Impl::pop_front(const char* counted) {
  if (counted != nullptr) ++stats_.batches[counted];
  // A segment that cannot be removed comes again after a restart; its sequences make that harmless.
  if (!spool_.pop()) ++stats_.batches["not_removed"];
  if (spool_.empty() && session_ != nullptr && !streams_trimmed_) {
    streams_trimmed_ = trim_streams(*session_, options_.deadline, fence_, stream_).ok();
    std::erase_if(streams_ready_, [this](const std::string& stream) { return stream != stream_; });
    if (session_->lost()) lose_session();
  }
}

Status Recorder::Impl::ready(const std::string& stream) {
  if (session_ == nullptr) {
    auto opened = options_.connect();
    if (!opened) return opened.error();
    session_ = *std::move(opened);
    streams_ready_.clear();
  }
  if (streams_ready_.contains(stream)) return ok();
  Status prepared = prepare_recorder_session(*session_, options_.deadline, stream);
  if (prepared) streams_ready_.insert(stream);
  return prepared;
}

Result<Applied> Recorder::Impl::apply(const std::string& stream, const Batch& batch, bool replay) {
  if (Status prepared = ready(stream); !prepared) {
    lose_session();
    return Error{ErrorCode::kUnavailable, prepared.error().what};
  }
  auto applied = apply_batch(*session_, options_.deadline, fence_, stream, batch, replay, options_.clock->now().wall);
  if (applied) {
    failures_ = 0;
    stats_.database_ok = true;
  } else if (applied.error().code != ErrorCode::kInternal) {
    lose_session();
  }
  return applied;
}

// Drops the connection; the next one comes after a jittered pause that doubles, from the second failure on at least a
// second.
void Recorder::Impl::lose_session() {
  session_.reset();
  stats_.database_ok = false;
  failures_ = std::min(failures_ + 1, 16);
  const std::int64_t least = options_.retry_min.count(), most = std::max(least, options_.retry_max.count());
  std::int64_t cap = std::min(most, least << failures_);
  if (failures_ > 1) cap = std::max(cap, std::min<std::int64_t>(most, 2000));
  std::uniform_int_distribution<std::int64_t> jitter(std::max(least, cap / 2), std::max(least, cap));
  next_try_ = Steady::now() + milliseconds(jitter(random_));
}

void Recorder::Impl::count(const Applied& applied, const Batch& batch, const char* result) {
  ++stats_.batches[applied.duplicate ? "duplicate" : result];
  stats_.results_written += applied.rows;
  stats_.late += applied.late;
  if (!applied.poison.empty()) keep_aside(batch, applied);
}

void Recorder::Impl::keep_aside(const Batch& batch, const Applied& applied) {
  for (const Applied::Poison& poison : applied.poison) {
    ++stats_.batches["poison"];
    const Observation& o = batch.observations[poison.observation];
    std::string line = "row " + to_string(o.monitor) + " slot " + std::to_string(o.slot_at.ms) + " look " +
                       std::to_string(o.look) + " detail " + hex(o.detail) + " " + poison.why + "\n";
    if (!spool_.keep_poison(line)) ++stats_.batches["poison_not_kept"];
  }
}

// After the last live batch: losses that could not be told yet, then as much of the spool as patience allows.
void Recorder::Impl::finish() {
  if (!losses_.empty()) {
    Batch last;
    last.closed_at = options_.clock->now().wall;
    deliver(std::move(last));
  }
  const auto until = Steady::now() + options_.stop_patience;
  while (!spool_.empty() && session_ != nullptr && Steady::now() < until) {
    if (!replay_one()) break;
  }
  session_.reset();
}

void Recorder::Impl::look_at_outbox() {
  if (session_ == nullptr || !spool_.empty() || Steady::now() < next_outbox_) return;
  next_outbox_ = Steady::now() + kOutboxPeriod;
  const auto outbox = read_outbox(*session_, options_.deadline);
  if (session_->lost()) return lose_session();
  if (!outbox) return;
  stats_.outbox_pending = outbox->pending;
  stats_.outbox_oldest_s =
      outbox->oldest ? static_cast<double>((options_.clock->now().wall - *outbox->oldest).count()) / 1000.0 : 0;
}

void Recorder::Impl::publish() {
  const Spool::Stats spool = spool_.stats();
  stats_.spool_bytes = spool.bytes;
  if (spool.torn > 0) stats_.batches["torn"] = spool.torn;
  if (spool.corrupt > 0) stats_.batches["spool_corrupt"] = spool.corrupt;
  const std::lock_guard lock(mutex_);
  published_ = stats_;
  spool_oldest_ = spool.oldest;
  spool_empty_ = spool_.empty();
  settled_ = taken_;
  settled_changed_.notify_all();
}

Recorder::Recorder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recorder::~Recorder() { stop(); }

Result<std::unique_ptr<Recorder>> Recorder::start(RecorderOptions options) {
  if (!options.connect || options.clock == nullptr || options.node.empty() || options.boot.empty()) {
    return Error{ErrorCode::kInvalid, "recorder: connect, clock, node and boot are needed"};
  }
  if (options.batch_rows_max == 0 || options.node.find('/') != std::string::npos ||
      options.boot.find_first_of("/~") != std::string::npos) {
    return Error{ErrorCode::kInvalid, "recorder: batch_rows_max is at least 1, node and boot have no '/' or '~'"};
  }
  SpoolOptions spool_options{options.spool_directory, options.node + "/" + options.boot, options.spool_bytes_max,
                             options.spool_segment_bytes_max};
  std::vector<Observation> concluded;  // of the spool; only their conclusions matter
  auto spool = Spool::open(std::move(spool_options), [&](const SpoolRecord& record) {
    auto batch = decode_batch(record.payload);
    if (!batch) return;  // counted and kept aside when its turn comes
    for (Observation& observation : batch->observations) {
      if (observation.conclusion) concluded.push_back(std::move(observation));
    }
  });
  if (!spool) return spool.error();
  auto impl = std::make_unique<Impl>(std::move(options), *std::move(spool));
  for (const Observation& observation : concluded) impl->index().add(observation);
  impl->start();
  return std::unique_ptr<Recorder>(new Recorder(std::move(impl)));
}

bool Recorder::offer(Observation&& observation) { return impl_->offer(Offered(std::move(observation))); }
bool Recorder::offer(Gap&& gap) { return impl_->offer(Offered(std::move(gap))); }
bool Recorder::offer(std::vector<ShardMark>&& marks) { return impl_->offer(Offered(std::move(marks))); }
std::vector<OutstandingStanding> Recorder::outstanding(Shard shard) const { return impl_->outstanding(shard); }
bool Recorder::drained(milliseconds wait) { return impl_->drained(wait); }
void Recorder::stop() { impl_->stop(); }
RecorderStats Recorder::stats() const { return impl_->stats(); }

}  // namespace everup::db
