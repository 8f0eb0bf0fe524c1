// Sessions of one role, handed to one thread at a time. Any thread. At most `sessions_max` exist; a lost one is
// dropped, never reused, and a new one is made when next needed. Waiting for a free one counts against the caller's
// deadline.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "core/clock.h"
#include "db/session.h"

namespace everup::db {

// What a store\'s call may take, waiting for a session included.
inline constexpr milliseconds kStoreDeadline{2000};

struct PoolOptions {
  DatabaseAccess access;
  Role role = Role::kApi;
  std::string application_name = "everup";
  int sessions_max = 4;
  const Clock* clock =
      nullptr;  // must outlive the pool; null: a deadline counts for each step of a call, not for all of it
};

class Pool {
 public:
  explicit Pool(PoolOptions options);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  class Borrowed {
   public:
    Borrowed(Pool* pool, std::unique_ptr<Session> session) : pool_(pool), session_(std::move(session)) {}
    Borrowed(Borrowed&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), session_(std::move(other.session_)) {}
    Borrowed& operator=(Borrowed&&) = delete;
    ~Borrowed();
    Session& operator*() const { return *session_; }
    Session* operator->() const { return session_.get(); }

   private:
    Pool* pool_;
    std::unique_ptr<Session> session_;
  };
  // kExhausted when none came free in time; else as Session::open.
  Result<Borrowed> borrow(milliseconds deadline);

  // One transaction; when the session turns out to be lost before COMMIT was sent, or PostgreSQL says "again" (40001,
  // 40P01), it is done once more on a new one within the same deadline: bodies must be repeatable.
  Status run(milliseconds deadline, const std::function<Status(pqxx::transaction_base&)>& body,
             Isolation isolation = Isolation::kReadCommitted);
  // The same under an account's policies.
  Status as_account(AccountId account, milliseconds deadline,
                    const std::function<Status(pqxx::transaction_base&)>& body,
                    Isolation isolation = Isolation::kReadCommitted);
  // What the last failed run() of this thread met, e.g. which constraint.
  static const SqlFailure& last_failure();

  const PoolOptions& options() const;

 private:
  void give_back(std::unique_ptr<Session> session);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace everup::db
