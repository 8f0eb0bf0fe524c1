// See account_store.h. The checksum of a key is the first 30 bits of the SHA-256 of what stands before it, so that a
// mistyped key is told apart from a wrong one without asking the database.
#include "db/account_store.h"

#include <pqxx/pqxx>

#include "db/email.h"
#include "db/random_text.h"
#include "db/rows.h"

namespace everup::db {
namespace {
constexpr std::string_view kKeyHead = "everup_";
constexpr std::size_t kKeyDigits = 32, kCheckDigits = 6;
constexpr std::size_t kKeyNameMax = 100;

Error invalid(const char* what) { return {ErrorCode::kInvalid, what}; }

// For exec_params: std::nullopt is NULL.
std::optional<std::string> text_of(const std::optional<WallTime>& time) {
  return time ? std::optional(std::to_string(time->ms)) : std::nullopt;
}

std::string check_digits(std::string_view head, const Vault& vault) {
  return base32_prefix(vault.digest(head), kCheckDigits);
}

std::string make_key_text(const Vault& vault) {
  std::string text = std::string(kKeyHead) + random_base32(kKeyDigits);
  return text + check_digits(text, vault);
}

KeyInfo key_in(const pqxx::row& row) {
  KeyInfo info;
  info.id = KeyId{row["id"].as<std::int64_t>()};
  info.account = AccountId{row["account_id"].as<std::int64_t>()};
  info.name = row["name"].as<std::string>();
  info.scope = parse_scope(row["scope"].as<std::string>()).value_or(Scope::kRead);
  info.created_at = WallTime{row["created_at"].as<std::int64_t>()};
  info.expires_at = time_in(row["expires_at"]);
  info.revoked_at = time_in(row["revoked_at"]);
  info.last_used_at = time_in(row["last_used_at"]);
  return info;
}

Account account_in(const pqxx::row& row) {
  return {AccountId{row["id"].as<std::int64_t>()}, row["name"].as<std::string>(), row["timezone"].as<std::string>(),
          row["email"].is_null() ? std::string{} : row["email"].as<std::string>(),
          WallTime{row["created_at"].as<std::int64_t>()}};
}

Result<NewKey> draft_key(IdSource& ids, const Vault& vault, WallTime now, AccountId account, const std::string& name,
                         Scope scope, std::optional<WallTime> expires_at) {
  if (name.empty() || name.size() > kKeyNameMax) return invalid("#/name: 1 to 100 bytes are allowed");
  if (expires_at && *expires_at <= now) return invalid("#/expires_at: must lie in the future");
  auto id = ids.next();
  if (!id) return id.error();
  return NewKey{{KeyId{*id}, account, name, scope, now, expires_at, std::nullopt, std::nullopt}, make_key_text(vault)};
}

void insert_key(pqxx::transaction_base& tx, const NewKey& key, const Vault& vault) {
  const std::string digest = vault.digest(key.text);
  const auto expires = text_of(key.info.expires_at);
  tx.exec_params(
      "INSERT INTO api_keys (id, account_id, name, scope, secret_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, "
      "$5, $6, $7)",
      key.info.id.value, key.info.account.value, key.info.name, std::string(name(key.info.scope)),
      pqxx::binarystring(digest), key.info.created_at.ms, expires ? expires->c_str() : nullptr);
}

constexpr const char* kAccountColumns =
    "SELECT a.id, a.name, a.timezone, a.created_at, (SELECT u.email FROM memberships m JOIN users u ON u.id = "
    "m.user_id "
    "WHERE m.account_id = a.id AND m.role = 'owner' ORDER BY u.id LIMIT 1) AS email FROM accounts a ";

}  // namespace

std::string_view name(Scope scope) {
  switch (scope) {
    case Scope::kRead:
      return "read";
    case Scope::kWrite:
      return "write";
    case Scope::kAdmin:
      return "admin";
  }
  return "read";
}

std::optional<Scope> parse_scope(std::string_view text) {
  for (const Scope scope : {Scope::kRead, Scope::kWrite, Scope::kAdmin}) {
    if (name(scope) == text) return scope;
  }
  return std::nullopt;
}

bool plausible_key(std::string_view text, const Vault& vault) {
  if (text.size() != kKeyHead.size() + kKeyDigits + kCheckDigits || !text.starts_with(kKeyHead)) return false;
  const std::size_t head = kKeyHead.size() + kKeyDigits;
  return check_digits(text.substr(0, head), vault) == text.substr(head);
}

AccountStore::AccountStore(Pool& api_pool, IdSource& ids, const Vault& vault, const Clock& clock)
    : pool_(api_pool), ids_(ids), vault_(vault), clock_(clock) {}

Result<std::optional<Identity>> AccountStore::find_key(std::string_view text) {
  std::optional<Identity> found;
  if (!plausible_key(text, vault_)) return found;
  const std::string digest = vault_.digest(text);
  const std::int64_t now = clock_.now().wall.ms;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    found.reset();
    const auto rows =
        tx.exec_params("SELECT account, key, key_scope FROM find_api_key($1, $2)", pqxx::binarystring(digest), now);
    if (rows.empty()) return ok();
    const auto scope = parse_scope(rows[0][2].as<std::string>());
    if (!scope) return Error{ErrorCode::kCorrupt, "api key: unknown scope"};
    found = Identity{AccountId{rows[0][0].as<std::int64_t>()}, KeyId{rows[0][1].as<std::int64_t>()}, *scope};
    return ok();
  });
  if (!status) return status.error();
  return found;
}

Result<Account> AccountStore::account(AccountId id) {
  std::optional<Account> account;
  const Status status = pool_.as_account(id, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto rows = tx.exec_params(std::string(kAccountColumns) + "WHERE a.id = $1", id.value);
    if (rows.empty()) return Error{ErrorCode::kNotFound, "account: there is no such account"};
    account = account_in(rows[0]);
    return ok();
  });
  if (!status) return status.error();
  return *std::move(account);
}

Result<std::vector<KeyInfo>> AccountStore::keys(AccountId account) {
  std::vector<KeyInfo> list;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    list.clear();
    const auto rows = tx.exec_params(
        "SELECT id, account_id, name, scope, created_at, expires_at, revoked_at, last_used_at FROM api_keys WHERE "
        "account_id = $1 "
        "ORDER BY id LIMIT 1000",
        account.value);
    for (const auto& row : rows) list.push_back(key_in(row));
    return ok();
  });
  if (!status) return status.error();
  return list;
}

Result<NewKey> AccountStore::create_key(AccountId account, const std::string& name, Scope scope,
                                        std::optional<WallTime> expires_at) {
  auto key = draft_key(ids_, vault_, clock_.now().wall, account, name, scope, expires_at);
  if (!key) return key;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    insert_key(tx, *key, vault_);
    return ok();
  });
  if (!status) return status.error();
  return key;
}

Status AccountStore::revoke_key(AccountId account, KeyId key) {
  const std::int64_t now = clock_.now().wall.ms;
  return pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto rows = tx.exec_params(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $3) WHERE account_id = $1 AND id = $2 RETURNING id",
        account.value, key.value, now);
    if (rows.empty()) return Error{ErrorCode::kNotFound, "api key: there is no such key"};
    return ok();
  });
}

OperatorStore::OperatorStore(Pool& owner_pool, IdSource& ids, const Vault& vault, const Clock& clock)
    : pool_(owner_pool), ids_(ids), vault_(vault), clock_(clock) {}

Result<Account> OperatorStore::create_account(const std::string& email, const std::string& name,
                                              const std::string& password_phc) {
  const std::string address = lowered_email(email);
  if (!plausible_email(address))
    return invalid("#/email: an address like owner@example.com, at most 254 bytes, is expected");
  auto ids = ids_.next(2);
  if (!ids) return ids.error();
  const Account account{AccountId{(*ids)[0]}, name.empty() ? address : name, "UTC", address, clock_.now().wall};
  if (account.name.size() > 200) return invalid("#/name: at most 200 bytes are allowed");
  const std::string* phc = password_phc.empty() ? nullptr : &password_phc;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    set_operator(tx);
    tx.exec_params("INSERT INTO accounts (id, name, timezone, created_at) VALUES ($1, $2, $3, $4)", account.id.value,
                   account.name, account.timezone, account.created_at.ms);
    tx.exec_params("INSERT INTO users (id, email, password_hash, created_at) VALUES ($1, $2, $3, $4)", (*ids)[1],
                   address, phc != nullptr ? phc->c_str() : nullptr, account.created_at.ms);
    tx.exec_params("INSERT INTO memberships (account_id, user_id, role) VALUES ($1, $2, 'owner')", account.id.value,
                   (*ids)[1]);
    return ok();
  });
  if (!status && Pool::last_failure().concerns("users_email_key")) {
    return Error{ErrorCode::kConflict, "account: " + address + " has one already"};
  }
  if (!status) return status.error();
  return account;
}

Result<std::vector<Account>> OperatorStore::accounts(int limit) {
  std::vector<Account> list;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    list.clear();
    set_operator(tx);
    for (const auto& row : tx.exec_params(std::string(kAccountColumns) + "ORDER BY a.id LIMIT $1", limit))
      list.push_back(account_in(row));
    return ok();
  });
  if (!status) return status.error();
  return list;
}

Result<Account> OperatorStore::find_account(const std::string& id_or_email) {
  const auto id = parse_id<AccountTag>(id_or_email);
  const std::string email = lowered_email(id_or_email);
  std::vector<Account> list;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    list.clear();
    set_operator(tx);
    const auto rows =
        id_or_email.empty() ? tx.exec(std::string(kAccountColumns) + "ORDER BY a.id LIMIT 2")
        : id
            ? tx.exec_params(std::string(kAccountColumns) + "WHERE a.id = $1", id->value)
            : tx.exec_params(
                  std::string(kAccountColumns) +
                      "JOIN memberships o ON o.account_id = a.id AND o.role = 'owner' JOIN users p ON p.id = o.user_id "
                      "WHERE p.email = $1 ORDER BY a.id LIMIT 2",
                  email);
    for (const auto& row : rows) list.push_back(account_in(row));
    return ok();
  });
  if (!status) return status.error();
  if (list.size() == 1) return list.front();
  if (list.empty() && id_or_email.empty()) {
    return Error{ErrorCode::kNotFound, "account: there is none yet; make one with: everup account create --email …"};
  }
  if (list.empty())
    return Error{ErrorCode::kNotFound, "account: there is none with the id or owner's e-mail " + id_or_email};
  return Error{ErrorCode::kConflict,
               "account: there are several; name one with --account (an id or an owner's e-mail)"};
}

Result<bool> OperatorStore::any_account() {
  auto list = accounts(1);
  if (!list) return list.error();
  return !list->empty();
}

Result<NewKey> OperatorStore::create_key(AccountId account, const std::string& name, Scope scope,
                                         std::optional<WallTime> expires_at) {
  auto key = draft_key(ids_, vault_, clock_.now().wall, account, name, scope, expires_at);
  if (!key) return key;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    set_operator(tx);
    insert_key(tx, *key, vault_);
    return ok();
  });
  if (!status && Pool::last_failure().concerns("api_keys_account_id_fkey")) {
    return Error{ErrorCode::kNotFound, "account: there is no such account"};
  }
  if (!status) return status.error();
  return key;
}

}  // namespace everup::db
