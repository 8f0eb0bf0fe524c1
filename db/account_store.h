// Accounts, their people and their API keys. Any thread; each call is one transaction.
//
// An API key's text is "everup_" + 32 base32 digits (160 random bits) + 6 digits of checksum; only its SHA-256 is
// stored, the text is returned once. Passwords arrive as PHC strings (seal/password).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/ids.h"
#include "core/result.h"
#include "db/id_source.h"
#include "db/pool.h"
#include "db/vault.h"

namespace everup::db {

enum class Scope { kRead, kWrite, kAdmin };
std::string_view name(Scope scope);
std::optional<Scope> parse_scope(std::string_view text);
inline bool allows(Scope has, Scope wanted) { return static_cast<int>(has) >= static_cast<int>(wanted); }

struct Account {
  AccountId id;
  std::string name;
  std::string timezone;
  std::string owner_email;  // filled by the operator's calls
  WallTime created_at;
};
struct KeyInfo {
  KeyId id;
  AccountId account;
  std::string name;
  Scope scope = Scope::kWrite;
  WallTime created_at;
  std::optional<WallTime> expires_at, revoked_at, last_used_at;
};
struct NewKey {
  KeyInfo info;
  std::string text;  // shown once
};
struct Identity {
  AccountId account;
  KeyId key;
  Scope scope = Scope::kRead;
};

// Grammar and checksum only; no database. Lets a mistyped key be refused without a query.
bool plausible_key(std::string_view text, const Vault& vault);

// What a signed-in account may do (api role).
class AccountStore {
 public:
  AccountStore(Pool& api_pool, IdSource& ids, const Vault& vault, const Clock& clock);

  // nullopt: unknown, expired or revoked. Writes last_used_at at most once a minute per key.
  Result<std::optional<Identity>> find_key(std::string_view text);
  Result<Account> account(AccountId id);
  Result<std::vector<KeyInfo>> keys(AccountId account);
  Result<NewKey> create_key(AccountId account, const std::string& name, Scope scope,
                            std::optional<WallTime> expires_at);
  Status revoke_key(AccountId account, KeyId key);  // kNotFound; idempotent

 private:
  Pool& pool_;
  IdSource& ids_;
  const Vault& vault_;
  const Clock& clock_;
};

// What the operator does at his shell: sees every account (owner role, `app.operator`). Never wired into the API.
class OperatorStore {
 public:
  OperatorStore(Pool& owner_pool, IdSource& ids, const Vault& vault, const Clock& clock);

  // kConflict: the e-mail has an account already. `email` is lowered; `password_phc` may be empty (cannot sign in by
  // password).
  Result<Account> create_account(const std::string& email, const std::string& name, const std::string& password_phc);
  Result<std::vector<Account>> accounts(int limit = 1000);
  // An id or an owner's e-mail; empty: the only account there is (kConflict when there are several, kNotFound when
  // none).
  Result<Account> find_account(const std::string& id_or_email);
  Result<bool> any_account();
  Result<NewKey> create_key(AccountId account, const std::string& name, Scope scope,
                            std::optional<WallTime> expires_at);

 private:
  Pool& pool_;
  IdSource& ids_;
  const Vault& vault_;
  const Clock& clock_;
};

}  // namespace everup::db
