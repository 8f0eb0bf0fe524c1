// See pool.h. Connecting and disconnecting happen outside the mutex.
#include "db/pool.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <pqxx/transaction_base>
#include <vector>

namespace everup::db {
namespace {
thread_local SqlFailure last_of_thread;
}  // namespace

struct Pool::Impl {
  PoolOptions options;
  std::mutex mutex;
  std::condition_variable freed;
  std::vector<std::unique_ptr<Session>> idle;
  int existing = 0;
};

Pool::Pool(PoolOptions options) : impl_(std::make_unique<Impl>()) {
  EVERUP_ASSERT(options.sessions_max >= 1);
  impl_->options = std::move(options);
}
Pool::~Pool() = default;
const PoolOptions& Pool::options() const { return impl_->options; }
const SqlFailure& Pool::last_failure() { return last_of_thread; }

Pool::Borrowed::~Borrowed() {
  if (pool_ != nullptr) pool_->give_back(std::move(session_));
}

Result<Pool::Borrowed> Pool::borrow(milliseconds deadline) {
  {
    std::unique_lock lock(impl_->mutex);
    const auto available = [&] { return !impl_->idle.empty() || impl_->existing < impl_->options.sessions_max; };
    if (!impl_->freed.wait_for(lock, deadline, available)) {
      return Error{ErrorCode::kExhausted, "database pool: no session came free before the deadline"};
    }
    if (!impl_->idle.empty()) {
      auto session = std::move(impl_->idle.back());
      impl_->idle.pop_back();
      return Borrowed(this, std::move(session));
    }
    ++impl_->existing;
  }
  auto session = Session::open(impl_->options.access, impl_->options.role, impl_->options.application_name,
                               std::min(deadline, Session::kOpenDeadline));
  if (session) return Borrowed(this, *std::move(session));
  give_back(nullptr);
  return session.error();
}

void Pool::give_back(std::unique_ptr<Session> session) {
  const bool keep = session != nullptr && !session->lost();
  std::unique_ptr<Session> dropped = keep ? nullptr : std::move(session);
  {
    std::lock_guard lock(impl_->mutex);
    if (keep) {
      impl_->idle.push_back(std::move(session));
    } else {
      --impl_->existing;
    }
  }
  impl_->freed.notify_one();
}

Status Pool::run(milliseconds deadline, const std::function<Status(pqxx::transaction_base&)>& body,
                 Isolation isolation) {
  const Clock* clock = impl_->options.clock;
  const Instant end = clock != nullptr ? clock->now().mono + deadline : Instant{};
  for (int attempt = 0;; ++attempt) {
    const milliseconds left =
        clock != nullptr ? std::chrono::duration_cast<milliseconds>(end - clock->now().mono) : deadline;
    if (left.count() <= 0) return Error{ErrorCode::kTimeout, "database: the deadline passed"};
    last_of_thread = {};
    auto session = borrow(left);
    if (!session) return session.error();
    Status status = (*session)->run(left, body, isolation);
    last_of_thread = (*session)->last_failure();
    if (status || attempt > 0) return status;
    // A session that was idle while the server restarted is found out only now. At our own deadline (kTimeout) nothing
    // is repeated.
    const bool again = status.error().code == ErrorCode::kUnavailable &&
                       (last_of_thread.fault == Fault::kLost || last_of_thread.sqlstate == "40001" ||
                        last_of_thread.sqlstate == "40P01");
    if (!again) return status;
    std::lock_guard lock(impl_->mutex);  // its idle siblings are as old as it is
    if (last_of_thread.fault == Fault::kLost) {
      impl_->existing -= static_cast<int>(impl_->idle.size());
      impl_->idle.clear();
    }
  }
}

Status Pool::as_account(AccountId account, milliseconds deadline,
                        const std::function<Status(pqxx::transaction_base&)>& body, Isolation isolation) {
  EVERUP_ASSERT(account.value > 0);
  return run(
      deadline,
      [&](pqxx::transaction_base& tx) -> Status {
        set_account(tx, account);
        return body(tx);
      },
      isolation);
}

}  // namespace everup::db
