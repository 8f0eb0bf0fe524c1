// See alert_store.h.
#include "db/alert_store.h"

#include <algorithm>
#include <pqxx/pqxx>
#include <set>

#include "db/random_text.h"
#include "db/sql_values.h"

namespace everup::db {
namespace {
constexpr milliseconds kTestEvery{10'000};
constexpr std::size_t kSecretDigits = 32;  // as base64 text: 24 bytes, of which 160 bits are random
constexpr std::size_t kTokenDigits = 26;

Error no_such_channel() { return {ErrorCode::kNotFound, "channel: there is no such channel"}; }
Error no_such_policy() { return {ErrorCode::kNotFound, "policy: there is no such policy"}; }
Error changed(const char* what) {
  return {ErrorCode::kConflict, std::string(what) + ": it has changed meanwhile; read it again"};
}

bool any_policy(pqxx::transaction_base& tx, AccountId account) {
  return !tx.exec_params("SELECT 1 FROM alert_policies WHERE account_id = $1 LIMIT 1", account.value).empty();
}

// pqxx wants a null-able text.
struct Bytes {
  explicit Bytes(const std::string& sealed) : hex(sealed.empty() ? "" : hex_bytes(sealed)) {}
  const char* text() const { return hex.empty() ? nullptr : hex.c_str(); }
  std::string hex;
};
std::optional<std::string> minute(const std::optional<QuietHours>& quiet, bool first) {
  if (!quiet) return std::nullopt;
  return std::to_string(first ? quiet->from : quiet->to);
}
const char* or_null(const std::optional<std::string>& text) { return text ? text->c_str() : nullptr; }

std::string sealed_secrets(const Channel& channel, const Vault& vault) {
  const std::string secrets = channel_secrets_json(channel);
  return secrets.empty() ? std::string() : vault.seal(secrets, channel_secrets_context(channel.account, channel.id));
}

Result<StoredChannel> read_channel(pqxx::transaction_base& tx, AccountId account, ChannelId id, const Vault& vault,
                                   const char* lock) {
  const auto rows =
      tx.exec_params(std::string("SELECT ") + kChannelColumns +
                         " FROM channels c WHERE c.account_id = $1 AND c.id = $2 AND c.deleted_at IS NULL" + lock,
                     account.value, id.value);
  if (rows.empty()) return no_such_channel();
  return channel_in(rows[0], vault);
}

Result<StoredPolicy> read_policy(pqxx::transaction_base& tx, AccountId account, PolicyId id, const char* lock) {
  const auto rows = tx.exec_params(
      std::string("SELECT ") + kPolicyColumns + " FROM alert_policies p WHERE p.account_id = $1 AND p.id = $2" + lock,
      account.value, id.value);
  if (rows.empty()) return no_such_policy();
  return policy_in(rows[0]);
}

// The parallel arrays of a policy's row.
struct PolicyArrays {
  explicit PolicyArrays(const PolicyDraft& draft) {
    std::vector<std::int64_t> monitor_ids, kind_numbers, delay_list, channel_ids;
    for (const MonitorId id : draft.monitors) monitor_ids.push_back(id.value);
    for (const AlertKind kind : draft.on) kind_numbers.push_back(static_cast<std::int64_t>(kind));
    for (const PolicyStep& step : draft.steps) {
      for (const ChannelId id : step.channels) delay_list.push_back(step.delay_s), channel_ids.push_back(id.value);
    }
    tags = array_of(draft.tags), monitors = array_of(monitor_ids), kinds = array_of(kind_numbers);
    delays = array_of(delay_list), channels = array_of(channel_ids);
  }
  std::string tags, monitors, kinds, delays, channels;
};

// Everything that a policy names belongs to the account. Channels are locked, so that none is deleted meanwhile.
Status judge_policy(pqxx::transaction_base& tx, AccountId account, const PolicyDraft& draft) {
  std::set<std::int64_t> channels, monitors;
  for (const PolicyStep& step : draft.steps) {
    for (const ChannelId id : step.channels) channels.insert(id.value);
  }
  for (const MonitorId id : draft.monitors) monitors.insert(id.value);
  for (const pqxx::row& row : tx.exec_params(
           "SELECT id FROM channels WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND deleted_at IS NULL FOR SHARE",
           account.value, array_of(std::vector<std::int64_t>(channels.begin(), channels.end())))) {
    channels.erase(row[0].as<std::int64_t>());
  }
  for (const pqxx::row& row : tx.exec_params(
           "SELECT id FROM monitors WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND deleted_at IS NULL",
           account.value, array_of(std::vector<std::int64_t>(monitors.begin(), monitors.end())))) {
    monitors.erase(row[0].as<std::int64_t>());
  }
  if (!channels.empty())
    return Error{ErrorCode::kInvalid, "#/steps: there is no channel " + to_string(ChannelId{*channels.begin()})};
  if (!monitors.empty())
    return Error{ErrorCode::kInvalid,
                 "#/match/monitors: there is no monitor " + to_string(MonitorId{*monitors.begin()})};
  return ok();
}

bool elsewhere(const Channel& a, const Channel& b) {
  return a.kind != b.kind || a.to != b.to || a.url != b.url || a.secret != b.secret;
}

}  // namespace

AlertStore::AlertStore(Pool& api_pool, IdSource& ids, const Vault& vault, const Clock& clock)
    : pool_(api_pool), ids_(ids), vault_(vault), clock_(clock) {}

// ---- channels
// ------------------------------------------------------------------------------------------------------------------------

Result<std::vector<StoredChannel>> AlertStore::channels(AccountId account) {
  std::vector<StoredChannel> list;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    list.clear();
    if (!any_policy(tx, account)) tx.exec_params("SELECT owner_channels($1, $2)", account.value, clock_.now().wall.ms);
    for (const pqxx::row& row :
         tx.exec_params(std::string("SELECT ") + kChannelColumns +
                            " FROM channels c WHERE c.account_id = $1 AND c.deleted_at IS NULL ORDER BY c.id LIMIT $2",
                        account.value, kChannelsMax)) {
      auto channel = channel_in(row, vault_);
      if (!channel) return channel.error();
      list.push_back(*std::move(channel));
    }
    return ok();
  });
  if (!status) return status.error();
  return list;
}

Result<StoredChannel> AlertStore::channel(AccountId account, ChannelId id) {
  std::optional<StoredChannel> out;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    auto read = read_channel(tx, account, id, vault_, "");
    if (!read) return read.error();
    out = *std::move(read);
    return ok();
  });
  if (!status) return status.error();
  return *std::move(out);
}

Result<StoredChannel> AlertStore::create_channel(AccountId account, ChannelDraft draft) {
  const auto id = ids_.next();
  if (!id) return id.error();
  Channel& c = draft.settings;
  c.id = ChannelId{*id}, c.account = account;
  if (c.kind == ChannelKind::kWebhook && c.secret.empty()) c.secret = "whsec_" + random_base32(kSecretDigits);
  const Bytes secrets(sealed_secrets(c, vault_));
  const auto from = minute(draft.quiet, true), to = minute(draft.quiet, false);
  const std::int64_t now = clock_.now().wall.ms;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto count =
        tx.exec_params1("SELECT count(*) FROM channels WHERE account_id = $1 AND deleted_at IS NULL", account.value);
    if (count[0].as<int>() >= kChannelsMax)
      return Error{ErrorCode::kExhausted, "channel: an account has at most 1000 channels"};
    tx.exec_params(
        "INSERT INTO channels (id, account_id, name, kind, address, url, body, secrets, timezone, quiet_from, "
        "quiet_to, "
        "hold_down, digest_after, enabled, link_token, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, "
        "$8::bytea, $9, $10, $11, $12, $13, $14, $15, $16, $16)",
        c.id.value, account.value, c.name, static_cast<int>(c.kind), c.to, c.url, c.body, secrets.text(), c.timezone,
        or_null(from), or_null(to), draft.hold_down, draft.digest_after, c.enabled, random_base32(kTokenDigits), now);
    return ok();
  });
  if (!status) return status.error();
  return channel(account, c.id);
}

Result<StoredChannel> AlertStore::update_channel(AccountId account, ChannelId id, ChannelDraft draft,
                                                 std::int32_t revision) {
  Channel& c = draft.settings;
  c.id = id, c.account = account;
  if (c.kind == ChannelKind::kWebhook && c.secret.empty()) c.secret = "whsec_" + random_base32(kSecretDigits);
  const Bytes secrets(sealed_secrets(c, vault_));
  const auto from = minute(draft.quiet, true), to = minute(draft.quiet, false);
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto stored = read_channel(tx, account, id, vault_, " FOR UPDATE");
    if (!stored) return stored.error();
    if (stored->revision != revision) return changed("channel");
    const bool fresh = elsewhere(stored->draft.settings, c) || (c.enabled && !stored->draft.settings.enabled);
    const bool keep_sealed = stored->secrets_lost && c.secret.empty() && c.headers.empty();
    tx.exec_params(
        "UPDATE channels SET name = $3, kind = $4, address = $5, url = $6, body = $7, secrets = CASE WHEN $17::boolean "
        "THEN secrets ELSE $8::bytea END, timezone = $9, quiet_from = $10, quiet_to = $11, hold_down = $12, "
        "digest_after = $13, enabled = $14, updated_at = $15, revision = revision + 1, strikes = CASE WHEN "
        "$16::boolean "
        "THEN 0 ELSE strikes END, last_error = CASE WHEN $16 THEN NULL ELSE last_error END, last_error_at = CASE WHEN "
        "$16 THEN NULL ELSE last_error_at END WHERE account_id = $1 AND id = $2",
        account.value, id.value, c.name, static_cast<int>(c.kind), c.to, c.url, c.body, secrets.text(), c.timezone,
        or_null(from), or_null(to), draft.hold_down, draft.digest_after, c.enabled, clock_.now().wall.ms, fresh,
        keep_sealed);
    return ok();
  });
  if (!status) return status.error();
  return channel(account, id);
}

Status AlertStore::remove_channel(AccountId account, ChannelId id) {
  return pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto stored = read_channel(tx, account, id, vault_, " FOR UPDATE");
    if (!stored) return stored.error();
    const auto used = tx.exec_params(
        "SELECT id FROM alert_policies WHERE account_id = $1 AND $2 = ANY (channels) LIMIT 1", account.value, id.value);
    if (!used.empty())
      return Error{ErrorCode::kConflict,
                   "channel: the policy " + to_string(PolicyId{used[0][0].as<std::int64_t>()}) + " names it"};
    if (stored->automatic && !any_policy(tx, account))
      return Error{ErrorCode::kConflict, "channel: without a policy the owner is told by it; switch it off instead"};
    tx.exec_params("UPDATE channels SET deleted_at = $3, secrets = NULL WHERE account_id = $1 AND id = $2",
                   account.value, id.value, clock_.now().wall.ms);
    return ok();
  });
}

Result<DeliveryKey> AlertStore::test_channel(AccountId account, ChannelId id) {
  const auto number = ids_.next();
  if (!number) return number.error();
  const DeliveryKey key{MonitorId{}, 0, AlertKind::kTest, *number, id, 0};
  const std::int64_t now = clock_.now().wall.ms;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto stored = read_channel(tx, account, id, vault_, " FOR UPDATE");  // two askers: one after the other
    if (!stored) return stored.error();
    const auto last = tx.exec_params(
        "SELECT 1 FROM deliveries WHERE monitor_id = 0 AND version = 0 AND kind = 9 AND channel_id = $1 AND created_at "
        "> $2 LIMIT 1",
        id.value, now - kTestEvery.count());
    if (!last.empty()) return Error{ErrorCode::kExhausted, "channel: one test in 10 s is allowed"};
    tx.exec_params(
        "INSERT INTO deliveries (monitor_id, version, kind, number, channel_id, account_id, detail, started_at, "
        "step_at, due_at, created_at) VALUES (0, 0, 9, $1, $2, $3, $4, $5, $5, $5, $5)",
        *number, id.value, account.value, "a test of the channel " + stored->draft.settings.name, now);
    return ok();
  });
  if (!status) return status.error();
  return key;
}

// ---- policies
// ------------------------------------------------------------------------------------------------------------------------

Result<std::vector<StoredPolicy>> AlertStore::policies(AccountId account) {
  std::vector<StoredPolicy> list;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    list.clear();
    for (const pqxx::row& row :
         tx.exec_params(std::string("SELECT ") + kPolicyColumns +
                            " FROM alert_policies p WHERE p.account_id = $1 ORDER BY p.id LIMIT $2",
                        account.value, kPoliciesMax)) {
      auto policy = policy_in(row);
      if (!policy) return policy.error();
      list.push_back(*std::move(policy));
    }
    return ok();
  });
  if (!status) return status.error();
  return list;
}

Result<StoredPolicy> AlertStore::policy(AccountId account, PolicyId id) {
  std::optional<StoredPolicy> out;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    auto read = read_policy(tx, account, id, "");
    if (!read) return read.error();
    out = *std::move(read);
    return ok();
  });
  if (!status) return status.error();
  return *std::move(out);
}

Result<StoredPolicy> AlertStore::create_policy(AccountId account, const PolicyDraft& draft) {
  const auto id = ids_.next();
  if (!id) return id.error();
  const PolicyArrays arrays(draft);
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    if (Status judged = judge_policy(tx, account, draft); !judged) return judged;
    const auto count = tx.exec_params1("SELECT count(*) FROM alert_policies WHERE account_id = $1", account.value);
    if (count[0].as<int>() >= kPoliciesMax)
      return Error{ErrorCode::kExhausted, "policy: an account has at most 1000 policies"};
    tx.exec_params(
        "INSERT INTO alert_policies (id, account_id, name, tags, monitors, kinds, delays_s, channels, remind_s, "
        "created_at, updated_at) VALUES ($1, $2, $3, $4::text[], $5::bigint[], $6::smallint[], $7::integer[], "
        "$8::bigint[], $9, $10, $10)",
        *id, account.value, draft.name, arrays.tags, arrays.monitors, arrays.kinds, arrays.delays, arrays.channels,
        draft.remind_s, clock_.now().wall.ms);
    return ok();
  });
  if (!status) return status.error();
  return policy(account, PolicyId{*id});
}

Result<StoredPolicy> AlertStore::update_policy(AccountId account, PolicyId id, const PolicyDraft& draft,
                                               std::int32_t revision) {
  const PolicyArrays arrays(draft);
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto stored = read_policy(tx, account, id, " FOR UPDATE");
    if (!stored) return stored.error();
    if (stored->revision != revision) return changed("policy");
    if (Status judged = judge_policy(tx, account, draft); !judged) return judged;
    tx.exec_params(
        "UPDATE alert_policies SET name = $3, tags = $4::text[], monitors = $5::bigint[], kinds = $6::smallint[], "
        "delays_s = $7::integer[], channels = $8::bigint[], remind_s = $9, updated_at = $10, revision = revision + 1 "
        "WHERE account_id = $1 AND id = $2",
        account.value, id.value, draft.name, arrays.tags, arrays.monitors, arrays.kinds, arrays.delays, arrays.channels,
        draft.remind_s, clock_.now().wall.ms);
    return ok();
  });
  if (!status) return status.error();
  return policy(account, id);
}

Status AlertStore::remove_policy(AccountId account, PolicyId id) {
  return pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto gone =
        tx.exec_params("DELETE FROM alert_policies WHERE account_id = $1 AND id = $2", account.value, id.value);
    return gone.affected_rows() == 0 ? Status(no_such_policy()) : ok();
  });
}

}  // namespace everup::db
