// See flip_feed.h. The horizon (the oldest transaction that may still write) and the rows behind the cursor come from
// one snapshot: a row below the horizon is committed or will never be.
#include "db/flip_feed.h"

#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <pqxx/pqxx>

#include "db/rows.h"

namespace everup::db {
namespace {

constexpr milliseconds kAgain{1'000};

constexpr const char* kHorizonSql = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text";
constexpr const char* kBehindSql =
    "SELECT f.xid::text, f.monitor_id, f.region, f.version, m.account_id, m.name, f.from_state, f.to_state, f.at, "
    "f.settled_at, f.cause, f.gap FROM flips f JOIN monitors m ON m.id = f.monitor_id "
    "WHERE (f.xid, f.monitor_id, f.region, f.version) > ($1::xid8, $2::bigint, $3::smallint, $4::integer) "
    "AND f.xid < $5::xid8 AND m.deleted_at IS NULL ORDER BY f.xid, f.monitor_id, f.region, f.version LIMIT $6";
constexpr const char* kSinceSql =
    "SELECT f.xid::text, f.monitor_id, f.region, f.version, m.account_id, m.name, f.from_state, f.to_state, f.at, "
    "f.settled_at, f.cause, f.gap FROM account_flips f JOIN monitors m ON m.id = f.monitor_id "
    "WHERE (f.xid, f.monitor_id, f.region, f.version) > ($1::xid8, $2::bigint, $3::smallint, $4::integer) "
    "AND (f.xid, f.monitor_id, f.region, f.version) <= ($5::xid8, $6::bigint, $7::smallint, $8::integer) "
    "ORDER BY f.xid, f.monitor_id, f.region, f.version LIMIT $9";

std::uint64_t xid_of(const pqxx::field& field) { return std::strtoull(field.c_str(), nullptr, 10); }

Result<FlipEvent> event_of(const pqxx::row& row) {
  FlipEvent event;
  event.cursor = {xid_of(row[0]), row[1].as<std::int64_t>(), row[2].as<std::int32_t>(), row[3].as<std::int32_t>()};
  event.monitor = MonitorId{event.cursor.monitor};
  event.account = AccountId{row[4].as<std::int64_t>()};
  event.name = row[5].c_str();
  const auto from = state_in(row[6].as<std::int64_t>());
  const auto to = state_in(row[7].as<std::int64_t>());
  if (!from) return from.error();
  if (!to) return to.error();
  event.from = *from, event.to = *to;
  event.at = WallTime{row[8].as<std::int64_t>()};
  event.settled_at = WallTime{row[9].as<std::int64_t>()};
  event.cause = row[10].as<std::int16_t>();
  event.gap = row[11].as<std::int16_t>();
  return event;
}

Result<std::vector<FlipEvent>> events_of(const pqxx::result& rows) {
  std::vector<FlipEvent> events;
  for (const pqxx::row& row : rows) {
    auto event = event_of(row);
    if (!event) return event.error();
    events.push_back(*std::move(event));
  }
  return events;
}

}  // namespace

std::string to_string(const FlipCursor& cursor) {
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%" PRIx64 "-%" PRIx64 "-%x-%x", cursor.xid,
                static_cast<std::uint64_t>(cursor.monitor), static_cast<unsigned>(cursor.region),
                static_cast<unsigned>(cursor.version));
  return text.data();
}

std::optional<FlipCursor> parse_flip_cursor(std::string_view text) {
  std::array<std::uint64_t, 4> parts{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto [next, error] = std::from_chars(at, end, parts.at(i), 16);
    const bool fine = error == std::errc{} && (i + 1 == parts.size() ? next == end : next != end && *next == '-');
    if (!fine) return std::nullopt;
    at = next + 1;
  }
  if (parts[1] > INT64_MAX || parts[2] > INT16_MAX || parts[3] > INT32_MAX) return std::nullopt;
  return FlipCursor{parts[0], static_cast<std::int64_t>(parts[1]), static_cast<std::int32_t>(parts[2]),
                    static_cast<std::int32_t>(parts[3])};
}

void FlipFeed::start(OnFlips on_flips) {
  on_flips_ = std::move(on_flips);
  stopping_ = placed_ = false;  // there is no thread now
  thread_ = std::thread([this] { work(); });
}

void FlipFeed::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void FlipFeed::work() {
  bool told = false;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const Status status = turn();
    if (!status && !told && options_.on_error) options_.on_error(status.error());
    told = !status.ok();
    lock.lock();
    if (!status) wake_.wait_for(lock, kAgain, [this] { return stopping_; });
  }
}

// Reads what is there, then waits for a hint, or for the next turn.
Status FlipFeed::turn() {
  if (session_ == nullptr || session_->lost()) {
    auto opened = options_.connect();
    if (!opened) return opened.error();
    session_ = *std::move(opened);
    const Status listening = session_->guarded(options_.deadline, [](pqxx::connection_base& connection) -> Status {
      pqxx::nontransaction tx(connection);
      tx.exec("LISTEN everup_flips");
      return ok();
    });
    if (!listening) return listening;
  }
  if (const Status status = read(); !status) return status;
  return session_->guarded(options_.period + options_.deadline, [&](pqxx::connection_base& connection) -> Status {
    connection.await_notification(static_cast<long>(options_.period.count() / 1000),
                                  static_cast<long>(options_.period.count() % 1000 * 1000));
    return ok();
  });
}

Status FlipFeed::read() {
  for (bool more = true; more;) {
    std::vector<FlipEvent> flips;
    FlipCursor position;
    const Status status = session_->run(
        options_.deadline,
        [&](pqxx::transaction_base& tx) -> Status {
          const FlipCursor horizon{xid_of(tx.exec1(kHorizonSql)[0]), 0, 0, 0};
          position = horizon;
          if (!placed_) return ok();
          const auto rows = tx.exec_params(kBehindSql, std::to_string(cursor_.xid), cursor_.monitor, cursor_.region,
                                           cursor_.version, std::to_string(horizon.xid), kBatchMax);
          auto events = events_of(rows);
          if (!events) return events.error();
          flips = *std::move(events);
          if (flips.size() == kBatchMax) position = flips.back().cursor;
          return ok();
        },
        Isolation::kRepeatableRead);
    if (!status) return status;
    more = flips.size() == kBatchMax;
    const bool moved = !placed_ || position != cursor_;
    placed_ = true;
    cursor_ = position;
    if (moved) on_flips_(std::move(flips), position);
  }
  return ok();
}

Result<std::vector<FlipEvent>> FlipFeed::since(AccountId account, const FlipCursor& after, const FlipCursor& until) {
  std::vector<FlipEvent> flips;
  const Status status =
      options_.api_pool->as_account(account, milliseconds(2'000), [&](pqxx::transaction_base& tx) -> Status {
        auto events =
            events_of(tx.exec_params(kSinceSql, std::to_string(after.xid), after.monitor, after.region, after.version,
                                     std::to_string(until.xid), until.monitor, until.region, until.version, kSinceMax));
        if (!events) return events.error();
        flips = *std::move(events);
        return ok();
      });
  if (!status) return status.error();
  return flips;
}

}  // namespace everup::db
