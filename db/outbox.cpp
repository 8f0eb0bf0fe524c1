// See outbox.h.
#include "db/outbox.h"

#include <algorithm>
#include <pqxx/pqxx>
#include <set>

#include "core/outcome.h"
#include "db/alert_keys.h"
#include "db/alert_plan.h"
#include "db/blindness.h"
#include "db/channel_rows.h"
#include "db/claims.h"
#include "db/fan_out.h"
#include "db/rows.h"

namespace everup::db {
namespace {
constexpr int kFanOutRounds = 20;
constexpr milliseconds kFanOutTime{500};  // then what is due leaves first
constexpr std::chrono::seconds kUnknownEvery{15}, kCertificatesEvery{3600};
constexpr int kCertificatesOfOneCall = 200;
constexpr int kClaimMax = 1000;
constexpr std::size_t kAttemptsMax = 20;
constexpr int kStrikes = 3;  // permanent failures in a row: the channel is failing

// ---- finish
// ------------------------------------------------------------------------------------------------------------------------

class Finish {
 public:
  Finish(pqxx::transaction_base& tx, const Message& message, WallTime now, const Zones& zones)
      : tx_(tx), m_(message), now_(now), zones_(zones) {}

  Status run(const std::vector<Attempt>& attempts, std::optional<WallTime> retry_at) {
    prove(attempts);
    const Attempt& last = attempts.back();
    switch (last.result) {
      case AttemptResult::kSent:
        return sent();
      case AttemptResult::kRetry:
        if (!retry_at) break;  // given up
        retry(last, *retry_at);
        return ok();
      case AttemptResult::kFailed:
        break;
      case AttemptResult::kChannelGone:
        failed(last, true);
        return ok();
    }
    failed(last, false);
    return ok();
  }

 private:
  void prove(const std::vector<Attempt>& attempts) {
    int turn = 0;
    for (const Attempt& a : attempts) {
      tx_.exec_params(
          "INSERT INTO delivery_attempts (channel_id, message_id, attempt, turn, account_id, at, relay, reply, tls, "
          "queue_id, result) SELECT $1, $2, $3, $4, c.account_id, $5, $6, $7, $8, $9, $10 FROM channels c WHERE c.id = "
          "$1 AND EXISTS (SELECT 1 FROM deliveries d WHERE d.message_id = $2 AND d.channel_id = $1) ON CONFLICT DO "
          "NOTHING",
          m_.channel.id.value, m_.message_id, m_.attempt, ++turn, a.at.ms, printable(a.relay, 300),
          printable(a.reply, 500), printable(a.tls, 100), printable(a.queue_id, 200), static_cast<int>(a.result));
    }
  }
  Status sent() {
    const auto rows = tx_.exec_params(
        "UPDATE deliveries SET state = 2, done_at = $3, lease_until = NULL WHERE message_id = $1 AND channel_id = $2 "
        "AND state = 1 RETURNING kind, remind_s",
        m_.message_id, m_.channel.id.value, now_.ms);
    if (rows.empty()) return ok();  // said before
    tx_.exec_params(
        "UPDATE channels SET strikes = 0, last_error = NULL, last_error_at = NULL, last_sent_at = $2 WHERE id = $1",
        m_.channel.id.value, now_.ms);
    std::set<std::int64_t> distances;
    for (const pqxx::row& row : rows) {
      if (row[1].as<std::int64_t>() > 0) distances.insert(row[1].as<std::int64_t>());
    }
    for (const std::int64_t remind_s : distances) remind(remind_s);
    return ok();
  }
  // The next reminder of what is still open and unacknowledged.
  void remind(std::int64_t remind_s) {
    const auto settings = tx_.exec_params(
        "SELECT quiet_from, quiet_to, hold_down, timezone FROM channels WHERE id = $1", m_.channel.id.value);
    const WallTime at = now_ + milliseconds(remind_s * 1000);
    WallTime due = at;
    if (!settings.empty() && !settings[0][0].is_null()) {
      due = after_quiet_hours(at, AlertKind::kReminder, QuietHours{settings[0][0].as<int>(), settings[0][1].as<int>()},
                              settings[0][2].as<bool>(), zones_.find(settings[0][3].c_str()));
    }
    tx_.exec_params(
        "INSERT INTO deliveries (monitor_id, version, kind, number, channel_id, step, account_id, incident, cause, "
        "gap, detail, started_at, confirmed_at, remind_s, step_at, due_at, created_at) SELECT DISTINCT ON "
        "(d.monitor_id, d.version) d.monitor_id, d.version, 8::smallint, d.number + 1, d.channel_id, 0::smallint, "
        "d.account_id, d.incident, d.cause, d.gap, d.detail, d.started_at, d.confirmed_at, d.remind_s, $4::bigint, "
        "$5::bigint, $6::bigint FROM deliveries d JOIN incidents i ON i.monitor_id = d.monitor_id AND i.version = "
        "d.incident AND i.ended_at IS NULL AND i.acknowledged_at IS NULL WHERE d.message_id = $1 AND d.channel_id = $2 "
        "AND d.remind_s = $3 AND d.kind IN (1, 8) ON CONFLICT DO NOTHING",
        m_.message_id, m_.channel.id.value, remind_s, at.ms, due.ms, now_.ms);
  }
  void retry(const Attempt& last, WallTime retry_at) {
    const auto changed = tx_.exec_params(
        "UPDATE deliveries SET due_at = $4, lease_until = NULL WHERE message_id = $1 AND channel_id = $2 AND state = 1 "
        "AND attempts = $3",
        m_.message_id, m_.channel.id.value, m_.attempt, retry_at.ms);
    if (changed.affected_rows() > 0) tell_channel(last, 0, false);
  }
  void failed(const Attempt& last, bool gone) {
    const auto changed = tx_.exec_params(
        "UPDATE deliveries SET state = 3, done_at = $3, lease_until = NULL WHERE message_id = $1 AND channel_id = $2 "
        "AND state = 1",
        m_.message_id, m_.channel.id.value, now_.ms);
    if (changed.affected_rows() > 0) tell_channel(last, 1, gone);
  }
  void tell_channel(const Attempt& last, int strikes, bool gone) {
    const std::string words = printable(last.relay.empty() ? last.reply : last.relay + ": " + last.reply, 500);
    const auto rows = tx_.exec_params(
        "UPDATE channels SET strikes = least(strikes + $2, 100), last_error = $3, last_error_at = $4, enabled = "
        "enabled AND NOT $5::boolean WHERE id = $1 RETURNING strikes, account_id, name",
        m_.channel.id.value, strikes, words, now_.ms, gone);
    if (rows.empty() || !(gone || (strikes > 0 && rows[0][0].as<int>() == kStrikes))) return;
    const std::string what = gone ? " is switched off, its receiver is gone: " : " fails: ";
    tell_owners(rows[0][1].as<std::int64_t>(),
                printable("the channel " + std::string(rows[0][2].c_str()) + what + words, 200));
  }
  // A channel that fails is told of by another path: the owners' own mail, or, where that is none or the same address,
  // every other channel that works.
  void tell_owners(std::int64_t account, const std::string& detail) {
    tx_.exec_params("SELECT owner_channels($1, $2)", account, now_.ms);
    tx_.exec_params(
        "WITH others AS (SELECT c.id, c.user_id IS NOT NULL AS owners FROM channels c JOIN channels f ON f.id = $1 "
        "WHERE c.account_id = $2::bigint AND c.id <> f.id AND c.deleted_at IS NULL AND c.enabled AND c.strikes < $5 "
        "AND "
        "(c.address = '' OR c.address <> f.address)) INSERT INTO deliveries (monitor_id, version, kind, number, "
        "channel_id, account_id, detail, started_at, step_at, due_at, created_at) SELECT 0, 0, 10, $3::bigint, o.id, "
        "$2::bigint, $4, $3, $3, $3, $3 FROM others o WHERE o.owners OR NOT EXISTS (SELECT 1 FROM others x WHERE "
        "x.owners) ON CONFLICT DO NOTHING",
        m_.channel.id.value, account, now_.ms, detail, kStrikes);
  }

  pqxx::transaction_base& tx_;
  const Message& m_;
  const WallTime now_;
  const Zones& zones_;
};

}  // namespace

AlertOutbox::AlertOutbox(OutboxOptions options) : options_(std::move(options)) {
  while (options_.base_url.ends_with('/')) options_.base_url.pop_back();
}
AlertOutbox::~AlertOutbox() = default;

// Once: a message that was on its way when we were killed need not wait for the end of its lease.
Status AlertOutbox::take_back() {
  const std::lock_guard lock(slow_mutex_);
  if (taken_back_ || options_.node.empty()) return ok();
  const Status status = options_.pool->run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec_params(
        "UPDATE deliveries SET lease_until = NULL WHERE state = 1 AND lease_node = $1 AND lease_until IS NOT NULL",
        options_.node);
    return ok();
  });
  taken_back_ = status.ok();
  return status;
}

Status AlertOutbox::fan_out() {
  if (Status back = take_back(); !back) return back;
  const Now begun = options_.clock->now();
  for (int round = 0; round < kFanOutRounds; ++round) {
    const Now now = options_.clock->now();
    FannedOut done;
    const Status status = options_.pool->run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
      const auto fanned = fan_out_flips(tx, options_.vault, *options_.zones, now.wall);
      if (!fanned) return fanned.error();
      done = *fanned;
      return ok();
    });
    if (!status) return status;
    if (done.elsewhere || done.flips == 0 || now.mono - begun.mono > kFanOutTime) break;
  }
  return fan_out_slowly();
}

// What is looked for, not told: our own blindness and stretches of unknown every 15 s, certificates once an hour in
// parts.
Status AlertOutbox::fan_out_slowly() {
  const std::lock_guard lock(slow_mutex_);
  const Now now = options_.clock->now();
  if (!unknown_at_ || now.mono >= *unknown_at_) {
    const Status status = options_.pool->run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
      const auto ours = fan_out_ourselves(tx, options_.vault, *options_.zones, now.wall);
      if (!ours) return ours.error();
      const auto fanned = fan_out_unknown(tx, options_.vault, *options_.zones, now.wall);
      return fanned ? ok() : Status(fanned.error());
    });
    if (!status) return status;
    unknown_at_ = now.mono + kUnknownEvery;
  }
  if (certificates_at_ && now.mono < *certificates_at_) return ok();
  std::int64_t after = certificates_after_;
  bool elsewhere = false;
  const Status status = options_.pool->run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    after = certificates_after_;
    const auto fanned =
        fan_out_certificates(tx, options_.vault, *options_.zones, now.wall, after, kCertificatesOfOneCall);
    if (!fanned) return fanned.error();
    elsewhere = fanned->elsewhere;
    return ok();
  });
  if (!status || elsewhere) return status;
  certificates_after_ = after;
  if (after == 0) certificates_at_ = now.mono + kCertificatesEvery;
  return ok();
}

Result<std::vector<Message>> AlertOutbox::claim(int most, milliseconds lease, const std::vector<AccountId>& busy) {
  std::vector<Message> messages;
  const ClaimOptions options{&options_.vault,
                             options_.base_url,
                             options_.node,
                             options_.clock->now().wall,
                             std::clamp(most, 1, kClaimMax),
                             lease,
                             busy};
  const Status status = options_.pool->run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    auto claimed = claim_messages(tx, options);
    if (!claimed) return claimed.error();
    messages = *std::move(claimed);
    return ok();
  });
  if (!status) return status.error();
  return messages;
}

Status AlertOutbox::finish(const Message& message, const std::vector<Attempt>& attempts,
                           std::optional<WallTime> retry_at) {
  if (attempts.empty() || attempts.size() > kAttemptsMax)
    return Error{ErrorCode::kInvalid, "outbox: 1 to 20 attempts finish a message"};
  const WallTime now = options_.clock->now().wall;
  return options_.pool->run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    return Finish(tx, message, now, *options_.zones).run(attempts, retry_at);
  });
}

Status AlertOutbox::wait(milliseconds wait) {
  const std::lock_guard lock(listen_mutex_);
  if (listener_ != nullptr && listener_->lost()) listener_.reset();
  if (listener_ == nullptr) {
    auto opened =
        Session::open(options_.pool->options().access, Role::kWorker, options_.pool->options().application_name);
    if (!opened) return opened.error();
    Status listening = (*opened)->guarded(kDeadline, [](pqxx::connection_base& connection) -> Status {
      pqxx::nontransaction tx(connection);
      tx.exec("LISTEN everup_alerts");
      return ok();
    });
    if (!listening) return listening;
    listener_ = *std::move(opened);
    return ok();  // something may have come before we listened
  }
  const milliseconds most = std::clamp(wait, milliseconds(0), kDeadline);
  return listener_->guarded(most + kDeadline, [&](pqxx::connection_base& connection) -> Status {
    connection.await_notification(static_cast<long>(most.count() / 1000),
                                  static_cast<long>(most.count() % 1000 * 1000));
    return ok();
  });
}

}  // namespace everup::db
