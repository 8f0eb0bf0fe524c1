// The outbox in PostgreSQL (worker role): core/alert.h's port for the courier. Several couriers on several machines
// share it; fan-out is one transaction that marks what it took, a claim is a lease.
//
// How messages are put together: a DOWN that has not left and its UP leave as one; an UP waits while its DOWN is on its
// way. Of an e-mail channel at most `digest_after` messages leave one by one within 60 s; what is more is gathered
// (until 5 s bring nothing new, or 45 s when they do or when others left within the minute) and leaves as one digest of
// at most 10 000 alerts. A message keeps its members, its id and its Message-ID over all retries. What a former process
// of this node held is due at once. Deliveries to channels that are off, and of monitors that
// are gone, are dropped when they fall due.
//
// Threads: fan_out, claim and finish any; wait is for one thread at a time. Besides the pool's sessions wait()
// keeps one of its own, for LISTEN.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/alert.h"
#include "core/clock.h"
#include "core/zone.h"
#include "db/pool.h"
#include "db/vault.h"

namespace everup::db {

struct OutboxOptions {
  Pool* pool = nullptr;  // worker role
  Vault vault;
  const Clock* clock = nullptr;
  const Zones* zones = nullptr;
  std::string base_url;   // of links in messages; empty: none
  std::string node = {};  // whose leases are ours, from before too: its data directory is locked; empty: none
};

class AlertOutbox final : public everup::Outbox {
 public:
  static constexpr milliseconds kDeadline{5000};
  // What `options` points to outlives this.
  explicit AlertOutbox(OutboxOptions options);
  ~AlertOutbox() override;

  Status fan_out() override;
  Result<std::vector<Message>> claim(int most, milliseconds lease, const std::vector<AccountId>& busy) override;
  Status finish(const Message& message, const std::vector<Attempt>& attempts,
                std::optional<WallTime> retry_at) override;
  Status wait(milliseconds wait) override;

 private:
  Status take_back();
  Status fan_out_slowly();
  OutboxOptions options_;
  std::mutex slow_mutex_;  // of the five below
  bool taken_back_ = false;
  std::optional<Instant> unknown_at_, certificates_at_;  // next time
  std::int64_t certificates_after_ = 0;
  std::mutex listen_mutex_;
  std::unique_ptr<Session> listener_;
};

}  // namespace everup::db
