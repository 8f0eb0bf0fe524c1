// See people_operator.h. What the operator changes is in the account's audit log like everything else.
#include "db/people_operator.h"

#include <pqxx/pqxx>

#include "db/email.h"
#include "db/random_text.h"

namespace everup::db {
namespace {

// {"email":…,"role":…}, made by the database.
void note(pqxx::transaction_base& tx, std::int64_t id, AccountId account, std::int64_t at, const char* action,
          UserId user, const std::string& email, const std::string& role) {
  tx.exec_params(
      "INSERT INTO audit_log (id, account_id, at, actor, actor_name, action, object, address, before, after) VALUES "
      "($1, $2, $3, 'operator', '', $4::text, $5, 'local', CASE WHEN $4 = 'user remove' THEN jsonb_build_object("
      "'email', $6::text, 'role', $7::text) END, CASE WHEN $4 <> 'user remove' THEN jsonb_build_object('email', "
      "$6::text, 'role', $7::text) END)",
      id, account.value, at, action, to_string(user), email, role);
}
}  // namespace

PeopleOperator::PeopleOperator(Pool& owner_pool, IdSource& ids, const Vault& vault, const Clock& clock)
    : pool_(owner_pool), ids_(ids), vault_(vault), clock_(clock) {}

Result<std::string> PeopleOperator::new_setup_token() {
  const std::string token = random_base32(26);
  const pqxx::binarystring hash(vault_.digest(token));
  const std::int64_t now = clock_.now().wall.ms;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    set_operator(tx);
    if (tx.exec1("SELECT EXISTS (SELECT 1 FROM accounts)")[0].as<bool>())
      return Error{ErrorCode::kConflict, "there is an account already; its owner signs in at /sign-in"};
    tx.exec("DELETE FROM setup_tokens");
    tx.exec_params("INSERT INTO setup_tokens (token_hash, created_at, expires_at) VALUES ($1, $2, $3)", hash, now,
                   now + kLinkLife.count());
    return ok();
  });
  if (!status) return status.error();
  return token;
}

Result<UserId> PeopleOperator::add_member(AccountId account, const std::string& email, MemberRole role,
                                          const std::string& phc) {
  const std::string address = lowered_email(email);
  if (!plausible_email(address))
    return Error{ErrorCode::kInvalid, "#/email: an address like you@example.com, at most 254 bytes, is expected"};
  const auto ids = ids_.next(2);
  if (!ids) return ids.error();
  const std::int64_t now = clock_.now().wall.ms;
  UserId user;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    set_operator(tx);
    const auto former = tx.exec_params("SELECT id, password_hash IS NOT NULL FROM users WHERE email = $1", address);
    if (!former.empty() && former[0][1].as<bool>() && !phc.empty())
      return Error{ErrorCode::kConflict, address + " has a password already; leave --password-file out"};
    tx.exec_params("INSERT INTO users (id, email, created_at) VALUES ($1, $2, $3) ON CONFLICT (email) DO NOTHING",
                   (*ids)[0], address, now);
    user = UserId{tx.exec_params1("SELECT id FROM users WHERE email = $1", address)[0].as<std::int64_t>()};
    if (!phc.empty()) tx.exec_params("UPDATE users SET password_hash = $2 WHERE id = $1", user.value, phc);
    const auto made = tx.exec_params(
        "INSERT INTO memberships (account_id, user_id, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1",
        account.value, user.value, std::string(name(role)));
    if (made.empty()) return Error{ErrorCode::kConflict, address + " is a member already"};
    note(tx, (*ids)[1], account, now, "user add", user, address, std::string(name(role)));
    return ok();
  });
  if (!status) return status.error();
  return user;
}

Result<std::vector<Member>> PeopleOperator::members(AccountId account) {
  std::vector<Member> list;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    list.clear();
    set_operator(tx);
    for (const auto& row : tx.exec_params(
             "SELECT u.id, u.email, m.role, u.password_hash IS NOT NULL, u.totp_since IS NOT NULL FROM memberships m "
             "JOIN users u ON u.id = m.user_id WHERE m.account_id = $1 ORDER BY u.email LIMIT 10000",
             account.value)) {
      const auto role = parse_member_role(row[2].as<std::string>());
      if (!role) return Error{ErrorCode::kCorrupt, "membership: unknown role"};
      list.push_back(
          {UserId{row[0].as<std::int64_t>()}, row[1].as<std::string>(), *role, row[3].as<bool>(), row[4].as<bool>()});
    }
    return ok();
  });
  if (!status) return status.error();
  return list;
}

Status PeopleOperator::remove_member(AccountId account, const std::string& email) {
  const std::string address = lowered_email(email);
  const auto id = ids_.next();
  if (!id) return id.error();
  const std::int64_t now = clock_.now().wall.ms;
  return pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    set_operator(tx);
    const auto owners = tx.exec_params(
        "SELECT user_id FROM memberships WHERE account_id = $1 AND role = 'owner' FOR UPDATE", account.value);
    const auto gone = tx.exec_params(
        "DELETE FROM memberships m USING users u WHERE m.account_id = $1 AND u.id = m.user_id AND u.email = $2 "
        "RETURNING m.user_id, m.role",
        account.value, address);
    if (gone.empty()) return Error{ErrorCode::kNotFound, address + " is no member of this account"};
    const auto role = gone[0][1].as<std::string>();
    if (role == "owner" && owners.size() == 1)
      return Error{ErrorCode::kConflict, address + " is the last owner; add another one first"};
    note(tx, *id, account, now, "user remove", UserId{gone[0][0].as<std::int64_t>()}, address, role);
    return ok();
  });
}

Status PeopleOperator::reset_password(const std::string& email, const std::string& phc) {
  const std::string address = lowered_email(email);
  const std::int64_t now = clock_.now().wall.ms;
  return pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    set_operator(tx);
    const auto changed = tx.exec_params(
        "UPDATE users SET password_hash = $2, totp_secret = NULL, totp_since = NULL, totp_step = 0 WHERE email = $1 "
        "RETURNING id",
        address, phc);
    if (changed.empty()) return Error{ErrorCode::kNotFound, "there is nobody with the address " + address};
    const auto user = changed[0][0].as<std::int64_t>();
    tx.exec_params("DELETE FROM recovery_codes WHERE user_id = $1", user);
    tx.exec_params("UPDATE sessions SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL", user, now);
    return ok();
  });
}

}  // namespace everup::db
