// See heartbeat_reader.h.
#include "db/heartbeat_reader.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <pqxx/pqxx>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "db/heartbeat_store.h"
#include "db/session.h"
#include "db/sql_values.h"

namespace everup::db {
namespace {

constexpr milliseconds kDeadline{2000};

struct Asked {
  MonitorId monitor;
  HeartbeatSource::Told told;
};
using Rows = std::unordered_map<std::int64_t, HeartbeatSignals>;

Error stopping() { return {ErrorCode::kUnavailable, "heartbeats: this node is stopping"}; }

}  // namespace

class HeartbeatReader::Impl {
 public:
  explicit Impl(Connect connect) : connect_(std::move(connect)), thread_([this] { run(); }) {}
  ~Impl() { stop(); }

  void ask(Asked&& asked) {
    std::optional<Error> refusal;
    {
      const std::lock_guard lock(mutex_);
      if (stopped_)
        refusal = stopping();
      else if (queue_.size() >= kAskedMax)
        refusal = Error{ErrorCode::kExhausted, "heartbeats: too many questions wait"};
      else
        queue_.push_back(std::move(asked));
    }
    if (refusal) return asked.told(*std::move(refusal));
    news_.notify_one();
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    news_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  // False: nothing waits and nothing will.
  bool take(std::vector<Asked>& batch) {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
    while (!queue_.empty() && batch.size() < kBatchMax) {
      batch.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    return !batch.empty();
  }
  bool stopped() {
    const std::lock_guard lock(mutex_);
    return stopped_;
  }

  void run() {
    for (std::vector<Asked> batch; take(batch); batch.clear()) {
      const auto rows = stopped() ? Result<Rows>(stopping()) : read(batch);
      for (Asked& asked : batch) answer(asked, rows);
    }
  }

  static void answer(Asked& asked, const Result<Rows>& rows) {
    if (!rows) return asked.told(rows.error());
    const auto found = rows->find(asked.monitor.value);
    if (found == rows->end())
      return asked.told(Error{ErrorCode::kNotFound, "heartbeats: the monitor has none any more"});
    asked.told(HeartbeatSignals(found->second));
  }

  Result<Rows> read(const std::vector<Asked>& batch) {
    if (session_ == nullptr) {
      auto opened = connect_();
      if (!opened) return opened.error();
      session_ = *std::move(opened);
    }
    std::vector<std::int64_t> ids;
    for (const Asked& asked : batch) ids.push_back(asked.monitor.value);
    auto rows = in_transaction(*session_, kDeadline, [&](pqxx::transaction_base& tx) -> Result<Rows> {
      Rows out;
      for (const auto& row : tx.exec_params(std::string("SELECT monitor_id, ") + kHeartbeatColumns +
                                                " FROM heartbeats WHERE monitor_id = ANY ($1::bigint[])",
                                            array_of(ids))) {
        out[row[0].as<std::int64_t>()] = heartbeat_signals_in(row, 1);
      }
      return out;
    });
    if (session_->lost()) session_.reset();
    return rows;
  }

  const Connect connect_;
  std::unique_ptr<Session> session_;  // the thread's own
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<Asked> queue_;  // guarded by mutex_
  bool stopped_ = false;     // guarded by mutex_
  std::thread thread_;       // last: it uses the others
};

HeartbeatReader::HeartbeatReader(Connect connect) : impl_(std::make_unique<Impl>(std::move(connect))) {}
HeartbeatReader::~HeartbeatReader() = default;
void HeartbeatReader::ask(MonitorId monitor, Told told) { impl_->ask({monitor, std::move(told)}); }
void HeartbeatReader::stop() { impl_->stop(); }

}  // namespace everup::db
