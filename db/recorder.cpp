// See recorder.h. One loop on one thread: take what was offered, hand it to Delivery (delivery.h), which knows what
// becomes of it; when nothing is due, replay one record of the spool. Everything below `Impl::loop` runs on that
// thread; offer() only touches what mutex_ guards.
#include "db/recorder.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "db/batch.h"
#include "db/delivery.h"
#include "db/outstanding.h"
#include "db/recorder_sql.h"
#include "db/session.h"
#include "db/spool.h"

namespace everup::db {
namespace {

using Steady = std::chrono::steady_clock;
constexpr milliseconds kOutboxPeriod{15'000};

Steady::time_point steady(Instant at) { return Steady::time_point(std::chrono::nanoseconds(at.ns)); }

// The options' UTC beside the clock that condition variables wait by.
class WaitClock final : public Clock {
 public:
  explicit WaitClock(const Clock& wall) : wall_(wall) {}
  Now now() const override { return {wall_.now().wall, mono()}; }
  static Instant mono() { return {std::chrono::nanoseconds(Steady::now().time_since_epoch()).count()}; }

 private:
  const Clock& wall_;
};

// PostgreSQL, by one session that is opened when it is needed. The recorder's thread only.
class SqlStore final : public BatchStore {
 public:
  SqlStore(const RecorderOptions& options, std::string stream)
      : options_(options), fence_{options.node, options.boot}, stream_(std::move(stream)) {}

  Result<Applied> apply(const std::string& stream, const Batch& batch, bool replay, WallTime now) override {
    if (Status prepared = ready(stream); !prepared) {
      return Error{ErrorCode::kUnavailable, prepared.error().what};
    }
    return apply_batch(*session_, options_.deadline, fence_, stream, batch, replay, now);
  }
  bool connected() const override { return session_ != nullptr; }
  void disconnect() override { session_.reset(); }
  bool trim(const std::string& stream) override {
    const bool trimmed = trim_streams(*session_, options_.deadline, fence_, stream).ok();
    std::erase_if(streams_ready_, [this](const std::string& one) { return one != stream_; });
    if (session_->lost()) session_.reset();
    return trimmed;
  }
  Session* session() { return session_.get(); }

 private:
  Status ready(const std::string& stream) {
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

  const RecorderOptions& options_;
  const Fence fence_;
  const std::string stream_;
  std::unique_ptr<Session> session_;
  std::set<std::string> streams_ready_;  // in this session
};

IntakeLimits intake_limits(const RecorderOptions& options) {
  return {options.batch_rows_max, options.batch_wait, options.queue_items_max, options.queue_bytes_max};
}

DeliveryOptions delivery_options(const RecorderOptions& options, const std::string& stream) {
  return {stream, options.batch_rows_max, options.retry_min, options.retry_max, std::random_device{}()};
}

}  // namespace

class Recorder::Impl {
 public:
  Impl(RecorderOptions options, Spool spool, std::unique_ptr<Outstanding> outstanding)
      : options_(std::move(options)),
        stream_(options_.node + "/" + options_.boot),
        clock_(*options_.clock),
        outstanding_(std::move(outstanding)),
        intake_(intake_limits(options_)),
        store_(options_, stream_),
        delivery_(delivery_options(options_, stream_), std::move(spool), store_, *outstanding_) {}

  void start() {
    publish();
    thread_ = std::thread([this] { loop(); });
  }

  bool offer(Offered&& item) {
    const std::size_t bytes = bytes_of(item);
    const auto* observation = std::get_if<Observation>(&item);
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || !intake_.has_room(bytes)) {
        ++refused_;
        return false;
      }
      if (observation != nullptr) outstanding_->add(*observation);
      intake_.offer(std::move(item), bytes, WaitClock::mono());
      ++offered_;
      if (intake_.size() != 1 && intake_.size() != options_.batch_rows_max) return true;
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
    stats.queue = intake_.size();
    stats.dropped += refused_;
    if (spool_oldest_) {
      stats.spool_oldest_s = static_cast<double>((options_.clock->now().wall - *spool_oldest_).count()) / 1000.0;
    }
    return stats;
  }

  std::vector<OutstandingStanding> outstanding(Shard shard) const { return outstanding_->of(shard); }

 private:
  void loop();
  bool wait_for_work(std::vector<Offered>& items);
  void finish();
  void look_at_outbox();
  void publish();

  const RecorderOptions options_;
  const std::string stream_;
  const WaitClock clock_;
  const std::unique_ptr<Outstanding> outstanding_;

  mutable std::mutex mutex_;
  std::condition_variable wake_, settled_changed_;
  Intake intake_;  // guarded by mutex_, as are those that follow
  std::uint64_t offered_ = 0, settled_ = 0, refused_ = 0;
  bool stopping_ = false, spool_empty_ = true;
  RecorderStats published_;
  std::optional<WallTime> spool_oldest_;

  // The thread's own.
  SqlStore store_;
  Delivery delivery_;
  Steady::time_point next_outbox_{};
  std::uint64_t outbox_pending_ = 0;
  double outbox_oldest_s_ = 0;

  std::mutex join_mutex_;
  std::thread thread_;
};

void Recorder::Impl::loop() {
  std::vector<Offered> items;
  while (wait_for_work(items)) {
    delivery_.take_in(items, clock_);
    if (delivery_.replay_due(WaitClock::mono())) delivery_.replay_one(clock_);
    look_at_outbox();
    publish();
  }
  delivery_.take_in(items, clock_);
  finish();
  publish();
}

// False: stopping. `items` has what was offered, when it is due.
bool Recorder::Impl::wait_for_work(std::vector<Offered>& items) {
  const bool replay = !delivery_.spool().empty();
  std::unique_lock lock(mutex_);
  const auto ready = [&] {
    const Instant now = WaitClock::mono();
    return stopping_ || intake_.due(now) || delivery_.replay_due(now);
  };
  while (!ready()) {
    std::optional<Instant> until;
    if (!intake_.empty()) until = intake_.due_at();
    if (replay) until = until ? std::min(*until, delivery_.next_try()) : delivery_.next_try();
    if (until) {
      wake_.wait_until(lock, steady(*until));
    } else {
      wake_.wait(lock);
    }
  }
  if (stopping_ || intake_.due(WaitClock::mono())) intake_.take(items);
  return !stopping_;
}

// After the last live batch: losses that could not be told yet, then as much of the spool as patience allows.
void Recorder::Impl::finish() {
  delivery_.tell_losses(clock_);
  const auto until = Steady::now() + options_.stop_patience;
  while (!delivery_.spool().empty() && store_.connected() && Steady::now() < until) {
    if (!delivery_.replay_one(clock_)) break;
  }
  store_.disconnect();
}

void Recorder::Impl::look_at_outbox() {
  if (!store_.connected() || !delivery_.spool().empty() || Steady::now() < next_outbox_) return;
  next_outbox_ = Steady::now() + kOutboxPeriod;
  const auto outbox = read_outbox(*store_.session(), options_.deadline);
  if (store_.session()->lost()) return delivery_.lose_session(WaitClock::mono());
  if (!outbox) return;
  outbox_pending_ = outbox->pending;
  outbox_oldest_s_ =
      outbox->oldest ? static_cast<double>((options_.clock->now().wall - *outbox->oldest).count()) / 1000.0 : 0;
}

void Recorder::Impl::publish() {
  const Spool::Stats spool = delivery_.spool().stats();
  RecorderStats stats = delivery_.stats();
  stats.outbox_pending = outbox_pending_;
  stats.outbox_oldest_s = outbox_oldest_s_;
  stats.spool_bytes = spool.bytes;
  if (spool.torn > 0) stats.batches["torn"] = spool.torn;
  if (spool.corrupt > 0) stats.batches["spool_corrupt"] = spool.corrupt;
  const std::lock_guard lock(mutex_);
  published_ = std::move(stats);
  spool_oldest_ = spool.oldest;
  spool_empty_ = delivery_.spool().empty();
  settled_ = delivery_.taken();
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
  auto outstanding = std::make_unique<Outstanding>();
  auto spool = open_spool(std::move(spool_options), *outstanding);
  if (!spool) return spool.error();
  auto impl = std::make_unique<Impl>(std::move(options), *std::move(spool), std::move(outstanding));
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
