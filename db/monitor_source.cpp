// See monitor_source.h. One query a shard; options are parsed once per distinct text, and equal ones share one object.
#include "db/monitor_source.h"

#include <algorithm>
#include <array>
#include <pqxx/pqxx>
#include <unordered_map>
#include <utility>

#include "core/target.h"
#include "db/copy_lines.h"
#include "db/lease_sql.h"
#include "db/monitor_json.h"
#include "db/session.h"

namespace everup::db {
namespace {

constexpr std::size_t kInternedMax = 100'000;
constexpr int kCommandsMax = 1000;
constexpr milliseconds kCommandAge{60'000};  // an older one has nobody waiting for it
constexpr milliseconds kWithheldPause{50};

constexpr const char* kPlanColumns =
    "SELECT m.id, m.account_id, m.target, m.kind, m.interval_s, m.timeout_ms, m.confirm::text, m.options::text, "
    "m.expect::text, m.warn::text, m.secrets, m.paused, m.revision, m.revised_at, m.created_at, m.shard, "
    "s.version, s.health, s.booked, s.health_since, s.booked_since, s.pending_since "
    "FROM monitors m LEFT JOIN standings s ON s.monitor_id = m.id AND s.region = $2::smallint ";
const std::string& shard_sql() {
  static const std::string sql =
      std::string(kPlanColumns) + "WHERE m.shard = $1::smallint AND m.deleted_at IS NULL ORDER BY m.id";
  return sql;
}
const std::string& ids_sql() {
  static const std::string sql =
      std::string(kPlanColumns) + "WHERE m.id = ANY($1::bigint[]) AND m.deleted_at IS NULL ORDER BY m.id";
  return sql;
}
// Rows behind the cursor of transactions that are all over; `withheld`: there are some that are not.
constexpr const char* kFeed =
    "SELECT monitor_id, shard, xid::text, id FROM monitor_changes WHERE (xid, id) > ($1::xid8, $2::bigint) "
    "AND xid < $3::xid8 ORDER BY xid, id LIMIT $4::bigint";
constexpr const char* kWithheld = "SELECT count(*) FROM monitor_changes WHERE xid >= $1::xid8";
constexpr const char* kHorizon = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text";

class Source final : public MonitorSource {
 public:
  explicit Source(MonitorSourceOptions options) : options_(std::move(options)) {}

  Result<std::vector<OwnedShard>> hold_shards() override;
  Status release_shards() override;
  Status load(Shard shard, const std::function<void(ScheduledMonitor&&)>& each) override;
  Result<std::vector<MonitorChange>> changes(milliseconds wait) override;
  Result<std::vector<CheckNow>> commands() override;

 private:
  struct Changed {
    std::vector<std::pair<std::int64_t, Shard>> monitors;
    bool withheld = false;
  };

  Status ready();
  Status finish(Status status);  // drops a lost session
  LeaseHolder holder() const { return {options_.node, options_.boot, options_.region, options_.lease_ttl}; }
  Result<Changed> read_feed();
  Status wait_for_news(milliseconds wait);
  Result<std::vector<MonitorChange>> read_changed(const Changed& changed);
  Result<ScheduledMonitor> monitor_of(const pqxx::row& row);
  Result<std::shared_ptr<const KindSettings>> settings_of(const pqxx::row& row);
  Result<Patience> patience_of(const std::string& text);
  void fold_in(ScheduledMonitor& monitor, const std::vector<OutstandingStanding>& outstanding) const;
  std::vector<OutstandingStanding> outstanding(Shard shard) const;

  MonitorSourceOptions options_;
  std::unique_ptr<Session> session_;
  std::array<std::int64_t, kShards> since_epoch_{};  // 0: not held
  std::string cursor_xid_;                           // empty: never connected yet
  std::int64_t cursor_id_ = 0;
  std::unordered_map<std::string, std::weak_ptr<const KindSettings>> settings_;
  std::unordered_map<std::string, Patience> patience_;
};

std::string text_of(const pqxx::field& field) { return std::string(field.c_str(), field.size()); }

Status Source::ready() {
  if (session_ != nullptr) return ok();
  auto opened = options_.connect();
  if (!opened) return opened.error();
  session_ = *std::move(opened);
  Status listening = session_->guarded(options_.deadline, [&](pqxx::connection_base& connection) -> Status {
    pqxx::nontransaction tx(connection);
    tx.exec("LISTEN everup_monitors");
    tx.exec("LISTEN everup_commands");
    // Whatever is committed from here on is behind the cursor; whatever was before is seen by load().
    if (cursor_xid_.empty()) cursor_xid_ = text_of(tx.exec1(kHorizon)[0]);
    return ok();
  });
  return finish(listening);
}

Status Source::finish(Status status) {
  if (session_ != nullptr && session_->lost()) session_.reset();
  return status;
}

Result<std::vector<OwnedShard>> Source::hold_shards() {
  if (Status is_ready = ready(); !is_ready) return is_ready.error();
  auto held = hold_leases(*session_, options_.deadline, holder());
  if (!held) return finish(held.error()).error();
  since_epoch_.fill(0);
  for (const OwnedShard& shard : *held) since_epoch_[static_cast<std::size_t>(shard.shard)] = shard.since_epoch;
  return held;
}

Status Source::release_shards() {
  if (Status is_ready = ready(); !is_ready) return is_ready;
  since_epoch_.fill(0);
  return finish(release_leases(*session_, options_.deadline, holder()));
}

std::vector<OutstandingStanding> Source::outstanding(Shard shard) const {
  return options_.outstanding ? options_.outstanding(shard) : std::vector<OutstandingStanding>{};
}

Status Source::load(Shard shard, const std::function<void(ScheduledMonitor&&)>& each) {
  if (shard < 0 || shard >= kShards) return Error{ErrorCode::kInvalid, "shard: 0 to 255"};
  if (Status is_ready = ready(); !is_ready) return is_ready;
  const auto on_their_way = outstanding(shard);  // before the standings are read
  return finish(session_->run(options_.deadline, [&](pqxx::transaction_base& tx) -> Status {
    for (const pqxx::row& row : tx.exec_params(shard_sql(), shard, options_.region)) {
      auto monitor = monitor_of(row);
      if (!monitor) {
        if (options_.on_unreadable) options_.on_unreadable(MonitorId{row[0].as<std::int64_t>()}, monitor.error());
        continue;
      }
      fold_in(*monitor, on_their_way);
      each(*std::move(monitor));
    }
    return ok();
  }));
}

void Source::fold_in(ScheduledMonitor& monitor, const std::vector<OutstandingStanding>& outstanding) const {
  const auto found =
      std::lower_bound(outstanding.begin(), outstanding.end(), std::pair{monitor.plan.id, options_.region},
                       [](const OutstandingStanding& o, const auto& key) {
                         return std::pair{o.monitor, o.region} < key;
                       });
  if (found == outstanding.end() || found->monitor != monitor.plan.id || found->region != options_.region) return;
  fold(monitor.standing, *found, since_epoch_[static_cast<std::size_t>(shard_of(monitor.plan.id))]);
}

Result<Patience> Source::patience_of(const std::string& text) {
  if (const auto known = patience_.find(text); known != patience_.end()) return known->second;
  auto parsed = confirm_from_storage(text);
  if (parsed && patience_.size() < kInternedMax) patience_.emplace(text, *parsed);
  return parsed;
}

Result<std::shared_ptr<const KindSettings>> Source::settings_of(const pqxx::row& row) {
  const auto kind = static_cast<Kind>(row[3].as<std::int16_t>());
  const std::string options = text_of(row[7]), expect = text_of(row[8]), warn = text_of(row[9]);
  std::string secrets;
  if (!row[10].is_null() && options_.unseal) {
    const pqxx::binarystring sealed(row[10]);
    auto opened =
        options_.unseal(AccountId{row[1].as<std::int64_t>()}, MonitorId{row[0].as<std::int64_t>()}, sealed.str());
    if (!opened) return opened.error();
    secrets = *std::move(opened);
  }
  if (options == "{}" && expect == "{}" && warn == "{}" && secrets.empty()) return {nullptr};
  const std::string key = text_of(row[3]) + '\n' + options + '\n' + expect + '\n' + warn;
  if (secrets.empty()) {
    if (const auto known = settings_.find(key); known != settings_.end()) {
      if (auto shared = known->second.lock()) return shared;
    }
  }
  auto parsed = settings_from_storage(kind, options, expect, warn, secrets);
  if (!parsed) return parsed.error();
  if (*parsed == default_settings(kind)) return {nullptr};
  auto shared = std::make_shared<const KindSettings>(*std::move(parsed));
  if (secrets.empty()) {  // what holds secrets is nobody else's
    if (settings_.size() >= kInternedMax)
      std::erase_if(settings_, [](const auto& entry) { return entry.second.expired(); });
    if (settings_.size() < kInternedMax) settings_[key] = shared;
  }
  return shared;
}

Result<ScheduledMonitor> Source::monitor_of(const pqxx::row& row) {
  ScheduledMonitor monitor;
  CheckPlan& plan = monitor.plan;
  plan.id = MonitorId{row[0].as<std::int64_t>()};
  plan.account = AccountId{row[1].as<std::int64_t>()};
  plan.url = text_of(row[2]);
  plan.kind = static_cast<Kind>(row[3].as<std::int16_t>());
  plan.interval_ms = row[4].as<std::int32_t>() * 1000;
  plan.timeout_ms = row[5].as<std::int32_t>();
  auto patience = patience_of(text_of(row[6]));
  if (!patience) return patience.error();
  plan.confirm = *patience;
  auto settings = settings_of(row);
  if (!settings) return settings.error();
  plan.settings = *std::move(settings);
  plan.paused = row[11].as<bool>();
  plan.revision = row[12].as<std::int32_t>();
  plan.revised_at.ms = row[13].as<std::int64_t>();
  plan.created_at.ms = row[14].as<std::int64_t>();
  if (row[16].is_null()) return monitor;
  Standing& standing = monitor.standing;
  standing.version = row[16].as<std::int32_t>();
  standing.health = static_cast<State>(row[17].as<std::int16_t>());
  standing.booked = static_cast<State>(row[18].as<std::int16_t>());
  standing.health_since.ms = row[19].as<std::int64_t>();
  standing.booked_since.ms = row[20].as<std::int64_t>();
  if (!row[21].is_null()) standing.pending_since = WallTime{row[21].as<std::int64_t>()};
  return monitor;
}

// Moves the cursor only when everything up to it is in the answer.
Result<Source::Changed> Source::read_feed() {
  return in_transaction(*session_, options_.deadline, [&](pqxx::transaction_base& tx) -> Result<Changed> {
    const std::string horizon = text_of(tx.exec1(kHorizon)[0]);
    const auto rows = tx.exec_params(kFeed, cursor_xid_, cursor_id_, horizon, options_.changes_max);
    Changed changed;
    for (const pqxx::row& row : rows) changed.monitors.emplace_back(row[0].as<std::int64_t>(), row[1].as<Shard>());
    if (rows.size() >= options_.changes_max) {
      cursor_xid_ = text_of(rows[rows.size() - 1][2]);
      cursor_id_ = rows[rows.size() - 1][3].as<std::int64_t>();
    } else {
      cursor_xid_ = horizon, cursor_id_ = 0;
      changed.withheld = tx.exec_params1(kWithheld, horizon)[0].as<std::int64_t>() > 0;
    }
    std::sort(changed.monitors.begin(), changed.monitors.end());
    changed.monitors.erase(std::unique(changed.monitors.begin(), changed.monitors.end()), changed.monitors.end());
    return changed;
  });
}

Status Source::wait_for_news(milliseconds wait) {
  return session_->guarded(wait + options_.deadline, [&](pqxx::connection_base& connection) -> Status {
    connection.await_notification(static_cast<long>(wait.count() / 1000),
                                  static_cast<long>(wait.count() % 1000 * 1000));
    return ok();
  });
}

Result<std::vector<MonitorChange>> Source::read_changed(const Changed& changed) {
  std::vector<MonitorChange> answer;
  std::unordered_map<std::int64_t, std::size_t> place;
  ArrayText ids;
  std::array<std::vector<OutstandingStanding>, kShards> on_their_way;
  std::array<bool, kShards> asked{};
  for (const auto& [id, shard] : changed.monitors) {
    const auto index = static_cast<std::size_t>(shard);
    if (since_epoch_[index] == 0) continue;  // another node's
    if (!std::exchange(asked[index], true)) on_their_way[index] = outstanding(shard);
    place.emplace(id, answer.size());
    answer.push_back({MonitorId{id}, std::nullopt});
    ids.add(id);
  }
  if (answer.empty()) return answer;
  const std::string wanted = ids.take();
  Status read = session_->run(options_.deadline, [&](pqxx::transaction_base& tx) -> Status {
    for (const pqxx::row& row : tx.exec_params(ids_sql(), wanted, options_.region)) {
      auto monitor = monitor_of(row);
      if (!monitor) {
        if (options_.on_unreadable) options_.on_unreadable(MonitorId{row[0].as<std::int64_t>()}, monitor.error());
        continue;
      }
      fold_in(*monitor, on_their_way[static_cast<std::size_t>(row[15].as<Shard>())]);
      answer[place.at(row[0].as<std::int64_t>())].monitor = *std::move(monitor);
    }
    return ok();
  });
  if (!read) return read.error();
  return answer;
}

Result<std::vector<MonitorChange>> Source::changes(milliseconds wait) {
  if (Status is_ready = ready(); !is_ready) return is_ready.error();
  const std::string xid = cursor_xid_;
  const std::int64_t id = cursor_id_;
  auto failed = [&](const Error& error) -> Error {
    cursor_xid_ = xid, cursor_id_ = id;  // nothing was handed over: the same again next time
    return finish(error).error();
  };
  auto changed = read_feed();
  if (changed && changed->monitors.empty() && wait.count() > 0) {
    if (Status news = wait_for_news(changed->withheld ? std::min(wait, kWithheldPause) : wait); !news) {
      return failed(news.error());
    }
    changed = read_feed();
  }
  if (!changed) return failed(changed.error());
  auto answer = read_changed(*changed);
  if (!answer) return failed(answer.error());
  return answer;
}

Result<std::vector<CheckNow>> Source::commands() {
  if (Status is_ready = ready(); !is_ready) return is_ready.error();
  const std::int64_t now = options_.clock->now().wall.ms;
  auto taken =
      in_transaction(*session_, options_.deadline, [&](pqxx::transaction_base& tx) -> Result<std::vector<CheckNow>> {
        ArrayText monitors, ids;
        bool any = false;
        for (const pqxx::row& row :
             tx.exec_params("SELECT monitor_id, id FROM commands WHERE taken_at IS NULL AND created_at >= $1 "
                            "ORDER BY created_at LIMIT $2",
                            now - kCommandAge.count(), kCommandsMax)) {
          const MonitorId monitor{row[0].as<std::int64_t>()};
          if (since_epoch_[static_cast<std::size_t>(shard_of(monitor))] == 0) continue;
          monitors.add(monitor.value), ids.add(row[1].as<std::int64_t>());
          any = true;
        }
        std::vector<CheckNow> commands;
        if (!any) return commands;
        for (const pqxx::row& row : tx.exec_params(
                 "UPDATE commands c SET taken_at = $3::bigint FROM unnest($1::bigint[], $2::bigint[]) "
                 "AS t(monitor_id, id) WHERE c.monitor_id = t.monitor_id AND c.id = t.id AND c.taken_at IS NULL "
                 "RETURNING c.id, c.monitor_id",
                 monitors.take(), ids.take(), now)) {
          commands.push_back({CommandId{row[0].as<std::int64_t>()}, MonitorId{row[1].as<std::int64_t>()}});
        }
        return commands;
      });
  if (!taken) return finish(taken.error()).error();
  return taken;
}

}  // namespace

std::unique_ptr<MonitorSource> make_monitor_source(MonitorSourceOptions options) {
  return std::make_unique<Source>(std::move(options));
}

}  // namespace everup::db
