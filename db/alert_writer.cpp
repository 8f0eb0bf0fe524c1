// See alert_writer.h.
#include "db/alert_writer.h"

#include <pqxx/pqxx>

#include "db/sql_values.h"

namespace everup::db {
namespace {

constexpr std::size_t kRowsOfOneStatement = 2000;

constexpr const char* kInsert =
    "INSERT INTO deliveries (monitor_id, version, kind, number, channel_id, step, account_id, incident, cause, gap, "
    "detail, started_at, confirmed_at, ended_at, remind_s, step_at, due_at, created_at) "
    "SELECT t.*, $18::bigint FROM unnest($1::bigint[], $2::integer[], $3::smallint[], $4::bigint[], $5::bigint[], "
    "$6::smallint[], $7::bigint[], $8::integer[], $9::smallint[], $10::smallint[], $11::text[], $12::bigint[], "
    "$13::bigint[], $14::bigint[], $15::integer[], $16::bigint[], $17::bigint[]) AS t ON CONFLICT DO NOTHING";

using Numbers = std::vector<std::optional<std::string>>;
std::optional<std::string> text_of(std::int64_t number) { return std::to_string(number); }
std::optional<std::string> text_of(const std::optional<WallTime>& time) {
  return time ? std::optional(std::to_string(time->ms)) : std::nullopt;
}

// The arrays of one INSERT.
struct Arrays {
  Numbers monitor, version, kind, number, channel, step, account, incident, cause, gap, detail, started, confirmed,
      ended, remind, step_at, due;

  void add(const NewDelivery& d) {
    monitor.push_back(text_of(d.key.monitor.value)), version.push_back(text_of(d.key.version));
    kind.push_back(text_of(static_cast<std::int64_t>(d.key.kind))), number.push_back(text_of(d.key.number));
    channel.push_back(text_of(d.key.channel.value)), step.push_back(text_of(d.key.step));
    account.push_back(text_of(d.account.value));
    incident.push_back(d.incident ? text_of(*d.incident) : std::nullopt);
    cause.push_back(text_of(d.cause)), gap.push_back(text_of(d.gap)), detail.emplace_back(d.detail);
    started.push_back(text_of(d.started_at.ms)), confirmed.push_back(text_of(d.confirmed_at));
    ended.push_back(text_of(d.ended_at)), remind.push_back(text_of(d.remind_s));
    step_at.push_back(text_of(d.step_at.ms)), due.push_back(text_of(d.due_at.ms));
  }
  int insert(pqxx::transaction_base& tx, WallTime now) const {
    return static_cast<int>(tx.exec_params(kInsert, array_of(monitor), array_of(version), array_of(kind),
                                           array_of(number), array_of(channel), array_of(step), array_of(account),
                                           array_of(incident), array_of(cause), array_of(gap), array_of(detail),
                                           array_of(started), array_of(confirmed), array_of(ended), array_of(remind),
                                           array_of(step_at), array_of(due), now.ms)
                                .affected_rows());
  }
};

}  // namespace

Status AlertWriter::load(const std::vector<std::int64_t>& accounts) {
  if (accounts.empty()) return ok();
  const std::string ids = array_of(accounts);
  for (const std::int64_t id : accounts) accounts_.try_emplace(AccountId{id});
  for (const pqxx::row& row :
       tx_.exec_params(std::string("SELECT ") + kPolicyColumns +
                           " FROM alert_policies p WHERE p.account_id = ANY ($1::bigint[]) ORDER BY p.id",
                       ids)) {
    auto policy = policy_in(row);
    if (!policy) return policy.error();
    accounts_[policy->account].policies.push_back(std::move(policy->draft));
  }
  std::vector<std::int64_t> without;
  for (const auto& [id, house] : accounts_) {
    if (house.policies.empty()) without.push_back(id.value);
  }
  if (!without.empty()) {
    tx_.exec_params("SELECT owner_channels(id, $2::bigint) FROM unnest($1::bigint[]) AS t(id)", array_of(without),
                    now_.ms);
  }
  for (const pqxx::row& row : tx_.exec_params(
           std::string("SELECT ") + kChannelColumns +
               " FROM channels c WHERE c.account_id = ANY ($1::bigint[]) AND c.deleted_at IS NULL AND c.enabled "
               "ORDER BY c.id",
           ids)) {
    const auto channel = channel_in(row, vault_);
    if (!channel) return channel.error();
    const Channel& settings = channel->draft.settings;
    House& house = accounts_[settings.account];
    house.channels[settings.id] = {channel->draft.quiet, channel->draft.hold_down, zones_.find(settings.timezone)};
    // SHAPES 18: until there is a policy, the owners are told everything at once.
    if (channel->automatic && std::find(without.begin(), without.end(), settings.account.value) != without.end())
      house.policies.push_back({"", {}, {}, default_kinds(), {{0, {settings.id}}}, 0});
  }
  return ok();
}

std::vector<PlannedStep> AlertWriter::plan(AccountId account, MonitorId monitor, const std::vector<std::string>& tags,
                                           AlertKind kind) const {
  const auto found = accounts_.find(account);
  if (found == accounts_.end()) return {};
  auto plan = plan_of(found->second.policies, monitor, tags, kind);
  std::erase_if(plan, [&](const PlannedStep& step) { return !found->second.channels.contains(step.channel); });
  return plan;
}

bool AlertWriter::channel_on(AccountId account, ChannelId channel) const {
  const auto found = accounts_.find(account);
  return found != accounts_.end() && found->second.channels.contains(channel);
}

void AlertWriter::add(NewDelivery&& delivery) {
  const auto house = accounts_.find(delivery.account);
  delivery.due_at = delivery.step_at;
  if (house != accounts_.end()) {
    if (const auto channel = house->second.channels.find(delivery.key.channel);
        channel != house->second.channels.end()) {
      const Quiet& quiet = channel->second;
      delivery.due_at =
          after_quiet_hours(delivery.step_at, delivery.key.kind, quiet.hours, quiet.hold_down, quiet.zone);
    }
  }
  rows_.push_back(std::move(delivery));
}

int AlertWriter::flush() {
  int made = 0;
  for (std::size_t first = 0; first < rows_.size(); first += kRowsOfOneStatement) {
    Arrays arrays;
    for (std::size_t i = first; i < std::min(rows_.size(), first + kRowsOfOneStatement); ++i) arrays.add(rows_[i]);
    made += arrays.insert(tx_, now_);
  }
  rows_.clear();
  return made;
}

}  // namespace everup::db
