// What the store tests and bench/store_bench share: a fresh database, two accounts, all stores, a clock that stands
// until it is moved.
#pragma once

#include <memory>
#include <string>

#include "core/clock.h"
#include "db/account_store.h"
#include "db/command_store.h"
#include "db/id_source.h"
#include "db/idempotency_store.h"
#include "db/ledger_store.h"
#include "db/monitor_store.h"
#include "seal/box.h"
#include "tests/support/postgres.h"

namespace everup::db {

inline constexpr std::int64_t kNoon = 1'795'348'800'000;  // 2026-11-22 12:00 UTC

class StandingClock final : public Clock {
 public:
  Now now() const override { return {at, Instant{(at.ms - kNoon + 1'000'000) * 1'000'000}}; }
  WallTime at{kNoon};
};

inline Vault test_vault(unsigned char fill = 7) {
  seal::KeyBytes key{};
  key.fill(fill);
  const seal::Box box({key});
  return {[box](std::string_view plain, std::string_view context) { return box.seal(plain, context); },
          [box](std::string_view sealed, std::string_view context) { return box.open(sealed, context); },
          [](std::string_view bytes) { return seal::sha256(bytes); }};
}

struct Stores {
  test::TestDatabase database;
  StandingClock clock;
  Vault vault = test_vault();
  std::unique_ptr<Pool> owner_pool = database.pool(Role::kOwner, 1);
  std::unique_ptr<Pool> api_pool = database.pool(Role::kApi, 2);
  std::unique_ptr<Pool> public_pool = database.pool(Role::kPublic, 1);
  std::unique_ptr<IdSource> ids = test::must(IdSource::open(*api_pool, "node-a", clock));
  OperatorStore operators{*owner_pool, *ids, vault, clock};
  AccountStore accounts{*api_pool, *ids, vault, clock};
  MonitorStore monitors{*api_pool, *ids, vault, clock};
  LedgerStore ledger{*api_pool, *public_pool};
  CommandStore commands{*api_pool, *ids, clock};
  IdempotencyStore idempotency{*api_pool, clock};
  AccountId a = test::must(operators.create_account("A@example.com", "Alpha", "")).id;
  AccountId b = test::must(operators.create_account("b@example.com", "", "$argon2id$x")).id;

  // As the recorder would: a day's partition and a row of results.
  void partition(std::int64_t at) { database.sql("SELECT ensure_partition(" + std::to_string(at) + ")"); }
  void result(MonitorId monitor, std::int64_t slot_at, int verdict = 1, int cause = 1, int look = 0) {
    database.sql("INSERT INTO results VALUES (" + std::to_string(monitor.value) + "," + std::to_string(slot_at) +
                 ",12,1,2,3,4,5,15000,1," + std::to_string(look) + ",1,200,1," + std::to_string(verdict) + "," +
                 std::to_string(cause) + ",0,1,NULL)");
  }
  void span(MonitorId monitor, std::int64_t from, const std::string& to, int state) {
    database.sql("INSERT INTO spans VALUES (" + std::to_string(monitor.value) + ",1," + std::to_string(from) + "," +
                 to + "," + std::to_string(state) + ",0,0)");
  }
  void standing(MonitorId monitor, int booked, std::int64_t since, const std::string& pending = "NULL") {
    database.sql("INSERT INTO standings VALUES (" + std::to_string(monitor.value) + ",1,1," + std::to_string(booked) +
                 "," + std::to_string(booked) + "," + std::to_string(since) + "," + std::to_string(since) + "," +
                 pending + ")");
  }
  void mark(MonitorId monitor, std::int64_t through) {
    database.sql("INSERT INTO shard_marks VALUES (1," + std::to_string(shard_of(monitor)) + "," +
                 std::to_string(through) +
                 ") ON CONFLICT (region, shard) DO UPDATE SET observed_through = excluded.observed_through");
  }
};

inline MonitorDraft draft_of(const std::string& url, const std::string& name = "Shop") {
  MonitorDraft draft;
  draft.target = test::must(parse_target(url));
  draft.name = name;
  return draft;
}

}  // namespace everup::db
