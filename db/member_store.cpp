// See member_store.h. The owners' rows are locked before a member changes, so that two changes at once cannot leave an
// account without an owner.
#include "db/member_store.h"

#include <pqxx/pqxx>

#include "db/email.h"
#include "db/random_text.h"

namespace everup::db {
namespace {

constexpr const char* kMemberColumns =
    "SELECT u.id, u.email, m.role, u.password_hash IS NOT NULL, u.totp_since IS NOT NULL FROM memberships m JOIN users "
    "u "
    "ON u.id = m.user_id WHERE m.account_id = $1 ";

Result<MemberRole> role_in(const pqxx::field& field) {
  const auto role = parse_member_role(field.as<std::string>());
  if (!role) return Error{ErrorCode::kCorrupt, "membership: unknown role"};
  return *role;
}

Result<Member> member_in(const pqxx::row& row) {
  const auto role = role_in(row[2]);
  if (!role) return role.error();
  return Member{UserId{row[0].as<std::int64_t>()}, row[1].as<std::string>(), *role, row[3].as<bool>(),
                row[4].as<bool>()};
}

Error no_such_member() { return {ErrorCode::kNotFound, "member: there is no such member"}; }

// The member, with all owners locked; `leaves`: he stops being an owner.
Result<Member> lock_member(pqxx::transaction_base& tx, AccountId account, UserId user, bool by_owner, bool leaves) {
  const auto owners = tx.exec_params(
      "SELECT user_id FROM memberships WHERE account_id = $1 AND role = 'owner' FOR UPDATE", account.value);
  const auto rows = tx.exec_params(std::string(kMemberColumns) + "AND m.user_id = $2", account.value, user.value);
  if (rows.empty()) return no_such_member();
  auto member = member_in(rows[0]);
  if (!member) return member;
  if (member->role == MemberRole::kOwner && !by_owner)
    return Error{ErrorCode::kRefused, "only an owner may change an owner"};
  if (member->role == MemberRole::kOwner && leaves && owners.size() == 1)
    return Error{ErrorCode::kConflict, member->email + " is the last owner; make another one first"};
  return member;
}

std::string text_in(const pqxx::field& field) { return field.is_null() ? std::string() : field.as<std::string>(); }

}  // namespace

MemberStore::MemberStore(Pool& api_pool, IdSource& ids, const Vault& vault, const Clock& clock)
    : pool_(api_pool), ids_(ids), vault_(vault), clock_(clock) {}

Result<std::vector<Member>> MemberStore::members(AccountId account) {
  std::vector<Member> list;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    list.clear();
    for (const auto& row :
         tx.exec_params(std::string(kMemberColumns) + "ORDER BY u.email LIMIT 10000", account.value)) {
      auto member = member_in(row);
      if (!member) return member.error();
      list.push_back(*std::move(member));
    }
    return ok();
  });
  if (!status) return status.error();
  return list;
}

Result<Member> MemberStore::set_role(AccountId account, UserId user, MemberRole role, bool by_owner) {
  Member former;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    auto member = lock_member(tx, account, user, by_owner, role != MemberRole::kOwner);
    if (!member) return member.error();
    if (role == MemberRole::kOwner && !by_owner) return Error{ErrorCode::kRefused, "only an owner may make an owner"};
    tx.exec_params("UPDATE memberships SET role = $3 WHERE account_id = $1 AND user_id = $2", account.value, user.value,
                   std::string(name(role)));
    former = *std::move(member);
    return ok();
  });
  if (!status) return status.error();
  return former;
}

Result<Member> MemberStore::remove(AccountId account, UserId user, bool by_owner) {
  Member former;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    auto member = lock_member(tx, account, user, by_owner, true);
    if (!member) return member.error();
    tx.exec_params("DELETE FROM memberships WHERE account_id = $1 AND user_id = $2", account.value, user.value);
    former = *std::move(member);
    return ok();
  });
  if (!status) return status.error();
  return former;
}

Result<NewInvitation> MemberStore::invite(AccountId account, const std::string& email, MemberRole role) {
  const std::string address = lowered_email(email);
  if (!plausible_email(address))
    return Error{ErrorCode::kInvalid, "#/email: an address like you@example.com, at most 254 bytes, is expected"};
  const auto id = ids_.next();
  if (!id) return id.error();
  const WallTime now = clock_.now().wall;
  const NewInvitation made{{InvitationId{*id}, address, role, now, now + kInvitationLife}, random_base32(26)};
  const pqxx::binarystring hash(vault_.digest(made.token));
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    if (!tx.exec_params(std::string(kMemberColumns) + "AND u.email = $2", account.value, address).empty())
      return Error{ErrorCode::kConflict, address + " is a member already"};
    tx.exec_params("DELETE FROM invitations WHERE account_id = $1 AND (expires_at < $2 OR email = $3)", account.value,
                   now.ms, address);
    const auto open =
        tx.exec_params1("SELECT count(*) FROM invitations WHERE account_id = $1 AND used_at IS NULL", account.value)[0]
            .as<int>();
    if (open >= kInvitationsMax) return Error{ErrorCode::kExhausted, "invitations: 1000 are open already"};
    tx.exec_params(
        "INSERT INTO invitations (id, account_id, email, role, token_hash, created_at, expires_at) VALUES ($1, $2, $3, "
        "$4, $5, $6, $7)",
        made.info.id.value, account.value, address, std::string(name(role)), hash, now.ms, made.info.expires_at.ms);
    return ok();
  });
  if (!status) return status.error();
  return made;
}

Result<std::vector<Invitation>> MemberStore::invitations(AccountId account) {
  std::vector<Invitation> list;
  const std::int64_t now = clock_.now().wall.ms;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    list.clear();
    for (const auto& row : tx.exec_params("SELECT id, email, role, created_at, expires_at FROM invitations WHERE "
                                          "account_id = $1 AND used_at IS NULL AND expires_at > $2 ORDER BY id DESC",
                                          account.value, now)) {
      const auto role = role_in(row[2]);
      if (!role) return role.error();
      list.push_back({InvitationId{row[0].as<std::int64_t>()}, row[1].as<std::string>(), *role,
                      WallTime{row[3].as<std::int64_t>()}, WallTime{row[4].as<std::int64_t>()}});
    }
    return ok();
  });
  if (!status) return status.error();
  return list;
}

Status MemberStore::revoke_invitation(AccountId account, InvitationId id) {
  return pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto gone =
        tx.exec_params("DELETE FROM invitations WHERE account_id = $1 AND id = $2 AND used_at IS NULL RETURNING id",
                       account.value, id.value);
    return gone.empty() ? Status(no_such_member()) : ok();
  });
}

Result<std::optional<Invited>> MemberStore::find_invitation(std::string_view token) {
  std::optional<Invited> found;
  const pqxx::binarystring hash(vault_.digest(token));
  const std::int64_t now = clock_.now().wall.ms;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    found.reset();
    const auto rows = tx.exec_params(
        "SELECT account, account_name, address, person_role, phc, others FROM find_invitation($1, $2)", hash, now);
    if (rows.empty()) return ok();
    const auto role = role_in(rows[0][3]);
    if (!role) return role.error();
    found = Invited{AccountId{rows[0][0].as<std::int64_t>()},
                    rows[0][1].as<std::string>(),
                    rows[0][2].as<std::string>(),
                    *role,
                    !rows[0][4].is_null(),
                    text_in(rows[0][4]),
                    rows[0][5].as<bool>()};
    return ok();
  });
  if (!status) return status.error();
  return found;
}

Result<SignedIn> MemberStore::use_invitation(std::string_view token, const std::string& phc) {
  const auto id = ids_.next();
  if (!id) return id.error();
  const pqxx::binarystring hash(vault_.digest(token));
  const std::int64_t now = clock_.now().wall.ms;
  SignedIn who;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto used = tx.exec_params("SELECT account, person FROM use_invitation($1, $2, $3, $4)", hash, now, *id,
                                     phc.empty() ? nullptr : phc.c_str());
    if (used.empty()) return Error{ErrorCode::kNotFound, "invitation: it is unknown, used or too old"};
    who.account = AccountId{used[0][0].as<std::int64_t>()};
    who.user = UserId{used[0][1].as<std::int64_t>()};
    set_account(tx, who.account);
    const auto rows =
        tx.exec_params(std::string(kMemberColumns) + "AND m.user_id = $2", who.account.value, who.user.value);
    if (rows.empty()) return no_such_member();
    auto member = member_in(rows[0]);
    if (!member) return member.error();
    who.role = member->role;
    who.email = member->email;
    who.account_name =
        tx.exec_params1("SELECT name FROM accounts WHERE id = $1", who.account.value)[0].as<std::string>();
    return ok();
  });
  if (!status) return status.error();
  return who;
}

Status MemberStore::rename_account(AccountId account, const std::optional<std::string>& name,
                                   const std::optional<std::string>& timezone) {
  return pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec_params("UPDATE accounts SET name = coalesce($2, name), timezone = coalesce($3, timezone) WHERE id = $1",
                   account.value, name ? name->c_str() : nullptr, timezone ? timezone->c_str() : nullptr);
    return ok();
  });
}

Status MemberStore::note(AccountId account, AuditRow row) {
  const auto id = ids_.next();
  if (!id) return id.error();
  const auto json = [](const std::string& text) {
    return text.empty() || text.size() > kAuditJsonMax ? nullptr : text.c_str();
  };
  return pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec_params(
        "INSERT INTO audit_log (id, account_id, at, actor, actor_name, action, object, address, before, after) VALUES "
        "($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb)",
        *id, account.value, row.at.ms, row.actor, row.actor_name, row.action, row.object, row.address, json(row.before),
        json(row.after));
    return ok();
  });
}

Result<std::vector<AuditRow>> MemberStore::audit_log(AccountId account, AuditId before, int limit) {
  std::vector<AuditRow> list;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    list.clear();
    for (const auto& row : tx.exec_params("SELECT id, at, actor, actor_name, action, object, address, before::text, "
                                          "after::text FROM audit_log WHERE "
                                          "account_id = $1 AND ($2 = 0 OR id < $2) ORDER BY id DESC LIMIT $3",
                                          account.value, before.value, limit)) {
      list.push_back({AuditId{row[0].as<std::int64_t>()}, WallTime{row[1].as<std::int64_t>()}, row[2].as<std::string>(),
                      row[3].as<std::string>(), row[4].as<std::string>(), row[5].as<std::string>(),
                      row[6].as<std::string>(), text_in(row[7]), text_in(row[8])});
    }
    return ok();
  });
  if (!status) return status.error();
  return list;
}

}  // namespace everup::db
