#include "db/blindness.h"

#include <pqxx/pqxx>
#include <set>

#include "core/outcome.h"
#include "db/alert_writer.h"

namespace everup::db {
namespace {
constexpr milliseconds kDeadline{5'000};
}

Status store_blindness(Pool& pool, const BlindRow& row) {
  return pool.run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto to = row.to ? std::optional(row.to->ms) : std::nullopt;
    tx.exec_params(
        "INSERT INTO blindness (node, from_at, over, to_at) VALUES ($1, $2, $3, $4) ON CONFLICT (node, from_at) DO "
        "UPDATE SET over = excluded.over, to_at = excluded.to_at",
        row.node, row.from.ms, row.over, to);
    if (!to) return ok();
    tx.exec_params(
        "UPDATE deliveries SET ended_at = $2 WHERE monitor_id = 0 AND kind = 10 AND number = $1 AND message_id IS NULL",
        row.from.ms, *to);
    return ok();
  });
}

Result<FannedOut> fan_out_ourselves(pqxx::transaction_base& tx, const Vault& vault, const Zones& zones, WallTime now) {
  const auto rows = tx.exec_params(
      "UPDATE blindness b SET told_at = $1 FROM (SELECT node, from_at FROM blindness WHERE told_at IS NULL ORDER BY "
      "from_at LIMIT 100 FOR UPDATE SKIP LOCKED) w WHERE b.node = w.node AND b.from_at = w.from_at RETURNING "
      "b.from_at, "
      "b.over, b.to_at",
      now.ms);
  FannedOut out;
  if (rows.empty()) return out;
  const auto operators = tx.exec("SELECT id FROM accounts ORDER BY id LIMIT 1");
  if (operators.empty()) return out;  // nobody to be told
  const AccountId account{operators[0][0].as<std::int64_t>()};
  AlertWriter writer(tx, vault, zones, now);
  if (Status loaded = writer.load({account.value}); !loaded) return loaded.error();
  std::set<ChannelId> channels;
  for (const PlannedStep& step : writer.plan(account, MonitorId{}, {}, AlertKind::kOurselves))
    channels.insert(step.channel);
  for (const pqxx::row& row : rows) {
    ++out.flips;
    for (const ChannelId channel : channels) {
      NewDelivery d;
      d.key = {MonitorId{}, 0, AlertKind::kOurselves, row[0].as<std::int64_t>(), channel, 0};
      d.account = account;
      d.cause = static_cast<std::int16_t>(Cause::kOwnNetwork);
      d.detail = "many looks fail and the sentinels do not answer either (" + std::string(row[1].c_str()) +
                 "); what was seen meanwhile counts as unknown";
      d.started_at.ms = row[0].as<std::int64_t>();
      if (!row[2].is_null()) d.ended_at = WallTime{row[2].as<std::int64_t>()};
      d.step_at = now;
      writer.add(std::move(d));
    }
  }
  out.deliveries = writer.flush();
  return out;
}

}  // namespace everup::db
