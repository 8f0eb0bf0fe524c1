// See person_store.h. What is not yet an account's (a cookie, an address, a link) is looked up by functions of the
// schema that see every account while they run; everything else runs under the account's policies.
#include "db/person_store.h"

#include <algorithm>
#include <array>
#include <pqxx/pqxx>

#include "db/email.h"
#include "db/random_text.h"

namespace everup::db {
namespace {
constexpr milliseconds kIdle{std::int64_t{14} * kDayMs};
constexpr milliseconds kEndedKept{std::int64_t{90} * kDayMs};

constexpr std::array<MemberRole, 4> kRoles{MemberRole::kViewer, MemberRole::kEditor, MemberRole::kAdmin,
                                           MemberRole::kOwner};

pqxx::binarystring hash_of(const Vault& vault, std::string_view text) { return pqxx::binarystring(vault.digest(text)); }

std::string factor_context(UserId user) { return "totp " + to_string(user); }

// bytea[] as PostgreSQL writes it.
std::string array_of_hashes(const Vault& vault, const std::vector<std::string>& texts) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "{";
  for (const std::string& text : texts) {
    out += out.size() > 1 ? ",\"\\\\x" : "\"\\\\x";
    for (const char c : vault.digest(text)) {
      const auto byte = static_cast<unsigned char>(c);
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
    out += '"';
  }
  return out + "}";
}

// One question that a function of the schema answers with yes or no.
template <class... Arguments>
Result<bool> asked(Pool& pool, const char* sql, const Arguments&... arguments) {
  bool answer = false;
  const Status status = pool.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    answer = tx.exec_params1(sql, arguments...)[0].template as<bool>();
    return ok();
  });
  if (!status) return status.error();
  return answer;
}

Error corrupt_role() { return {ErrorCode::kCorrupt, "membership: unknown role"}; }

}  // namespace

std::string_view name(MemberRole role) {
  switch (role) {
    case MemberRole::kViewer:
      return "viewer";
    case MemberRole::kEditor:
      return "editor";
    case MemberRole::kAdmin:
      return "admin";
    case MemberRole::kOwner:
      return "owner";
  }
  return "viewer";
}

std::optional<MemberRole> parse_member_role(std::string_view text) {
  const auto* found =
      std::find_if(kRoles.begin(), kRoles.end(), [text](MemberRole role) { return name(role) == text; });
  return found == kRoles.end() ? std::nullopt : std::optional(*found);
}

Scope scope_of(MemberRole role) {
  switch (role) {
    case MemberRole::kViewer:
      return Scope::kRead;
    case MemberRole::kEditor:
      return Scope::kWrite;
    case MemberRole::kAdmin:
    case MemberRole::kOwner:
      return Scope::kAdmin;
  }
  return Scope::kRead;
}

bool plausible_session(std::string_view token) {
  return token.size() == kSessionDigits && std::all_of(token.begin(), token.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
         });
}

PersonStore::PersonStore(Pool& api_pool, IdSource& ids, const Vault& vault, const Clock& clock)
    : pool_(api_pool), ids_(ids), vault_(vault), clock_(clock) {}

Result<std::optional<SignedIn>> PersonStore::find_session(std::string_view token) {
  std::optional<SignedIn> found;
  if (!plausible_session(token)) return found;
  const auto hash = hash_of(vault_, token);
  const std::int64_t now = clock_.now().wall.ms;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    found.reset();
    const auto rows = tx.exec_params(
        "SELECT session, account, person, person_role, email, account_name FROM find_session($1, $2)", hash, now);
    if (rows.empty()) return ok();
    const auto& row = rows[0];
    const auto role = parse_member_role(row[3].as<std::string>());
    if (!role) return corrupt_role();
    found = SignedIn{SessionId{row[0].as<std::int64_t>()},
                     AccountId{row[1].as<std::int64_t>()},
                     UserId{row[2].as<std::int64_t>()},
                     *role,
                     row[4].as<std::string>(),
                     row[5].as<std::string>()};
    return ok();
  });
  if (!status) return status.error();
  return found;
}

Result<NewSession> PersonStore::open_session(AccountId account, UserId user, const Whereabouts& where) {
  const auto id = ids_.next();
  if (!id) return id.error();
  const NewSession session{SessionId{*id}, random_base32(kSessionDigits)};
  const auto hash = hash_of(vault_, session.token);
  const std::int64_t now = clock_.now().wall.ms;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec_params("DELETE FROM sessions WHERE account_id = $1 AND user_id = $2 AND least(expires_at, ended_at) < $3",
                   account.value, user.value, now - kEndedKept.count());
    tx.exec_params(
        "UPDATE sessions SET ended_at = $3 WHERE id IN (SELECT id FROM sessions WHERE account_id = $1 AND user_id = $2 "
        "AND ended_at IS NULL ORDER BY id DESC OFFSET $4)",
        account.value, user.value, now, kSessionsMax - 1);
    tx.exec_params(
        "INSERT INTO sessions (id, account_id, user_id, token_hash, created_at, seen_at, expires_at, address, agent) "
        "VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)",
        session.id.value, account.value, user.value, hash, now, now + kSessionLife.count(), where.network,
        where.agent.substr(0, Whereabouts::kAgentBytesMax));
    return ok();
  });
  if (!status && Pool::last_failure().concerns("sessions_account_id_user_id_fkey"))
    return Error{ErrorCode::kNotFound, "session: this person is no member of the account"};
  if (!status) return status.error();
  return session;
}

Result<std::vector<SessionInfo>> PersonStore::sessions(AccountId account, UserId user) {
  std::vector<SessionInfo> list;
  const std::int64_t now = clock_.now().wall.ms;
  const Status status = pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    list.clear();
    for (const auto& row : tx.exec_params(
             "SELECT id, created_at, seen_at, expires_at, address, agent FROM sessions WHERE account_id = $1 AND "
             "user_id = $2 AND ended_at IS NULL AND expires_at > $3 AND seen_at > $4 ORDER BY id DESC LIMIT 100",
             account.value, user.value, now, now - kIdle.count())) {
      list.push_back({SessionId{row[0].as<std::int64_t>()}, WallTime{row[1].as<std::int64_t>()},
                      WallTime{row[2].as<std::int64_t>()}, WallTime{row[3].as<std::int64_t>()},
                      row[4].as<std::string>(), row[5].as<std::string>()});
    }
    return ok();
  });
  if (!status) return status.error();
  return list;
}

Status PersonStore::end_session(AccountId account, UserId user, SessionId session) {
  const std::int64_t now = clock_.now().wall.ms;
  return pool_.as_account(account, kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto rows = tx.exec_params(
        "UPDATE sessions SET ended_at = coalesce(ended_at, $4) WHERE account_id = $1 AND user_id = $2 AND id = $3 "
        "RETURNING id",
        account.value, user.value, session.value, now);
    if (rows.empty()) return Error{ErrorCode::kNotFound, "session: there is no such session"};
    return ok();
  });
}

Result<std::optional<Person>> PersonStore::find_person(const std::string& email, AccountId wanted,
                                                       const std::string& network) {
  std::optional<Person> found;
  std::string sealed;
  const std::string address = lowered_email(email);
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    found.reset();
    const auto rows = tx.exec_params(
        "SELECT person, coalesce(phc, ''), account, person_role, account_name, factor, factor_since IS NOT NULL, known "
        "FROM find_person($1, $2, $3)",
        address, wanted.value, network);
    if (rows.empty()) return ok();
    const auto& row = rows[0];
    const auto role = parse_member_role(row[3].as<std::string>());
    if (!role) return corrupt_role();
    found = Person{UserId{row[0].as<std::int64_t>()},
                   row[1].as<std::string>(),
                   AccountId{row[2].as<std::int64_t>()},
                   *role,
                   row[4].as<std::string>(),
                   {},
                   row[6].as<bool>(),
                   row[7].as<bool>()};
    sealed = row[5].is_null() ? std::string() : pqxx::binarystring(row[5]).str();
    return ok();
  });
  if (!status) return status.error();
  if (found && !sealed.empty()) {
    auto secret = vault_.open(sealed, factor_context(found->user));
    if (!secret) return secret.error();
    found->factor = *std::move(secret);
  }
  return found;
}

Result<std::string> PersonStore::change_password(SessionId session, const std::string& phc) {
  const std::string token = random_base32(kSessionDigits);
  const auto hash = hash_of(vault_, token);
  const std::int64_t now = clock_.now().wall.ms;
  const Status status = pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const bool changed =
        tx.exec_params1("SELECT change_password($1, $2, $3, $4)", session.value, now, phc, hash)[0].as<bool>();
    return changed ? ok() : Status(Error{ErrorCode::kNotFound, "session: it has ended"});
  });
  if (!status) return status.error();
  return token;
}

Status PersonStore::rehash(UserId user, const std::string& known, const std::string& fresh) {
  return pool_.run(kStoreDeadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec_params("SELECT rehash_password($1, $2, $3)", user.value, known, fresh);
    return ok();
  });
}

Result<bool> PersonStore::offer_factor(const SignedIn& who, std::string_view secret) {
  const pqxx::binarystring sealed(vault_.seal(secret, factor_context(who.user)));
  return asked(pool_, "SELECT offer_factor($1, $2)", who.session.value, sealed);
}

Result<bool> PersonStore::confirm_factor(SessionId session, std::int64_t step, const std::vector<std::string>& codes) {
  return asked(pool_, "SELECT confirm_factor($1, $2, $3, $4)", session.value, clock_.now().wall.ms, step,
               array_of_hashes(vault_, codes));
}

Result<bool> PersonStore::drop_factor(SessionId session) {
  return asked(pool_, "SELECT drop_factor($1)", session.value);
}

Result<bool> PersonStore::use_step(UserId user, std::int64_t step) {
  return asked(pool_, "SELECT use_factor($1, $2, $3, NULL)", user.value, clock_.now().wall.ms, step);
}

Result<bool> PersonStore::use_recovery_code(UserId user, std::string_view code) {
  return asked(pool_, "SELECT use_factor($1, $2, 0, $3)", user.value, clock_.now().wall.ms, hash_of(vault_, code));
}

Result<bool> PersonStore::setup_open(std::string_view token) {
  return asked(pool_, "SELECT setup_open($1, $2)", hash_of(vault_, token), clock_.now().wall.ms);
}

Result<SignedIn> PersonStore::use_setup(std::string_view token, const std::string& email, const std::string& phc) {
  const std::string address = lowered_email(email);
  if (!plausible_email(address))
    return Error{ErrorCode::kInvalid, "#/email: an address like owner@example.com, at most 254 bytes, is expected"};
  const auto ids = ids_.next(2);
  if (!ids) return ids.error();
  const auto done = asked(pool_, "SELECT use_setup($1, $2, $3, $4, $5, $6)", hash_of(vault_, token),
                          clock_.now().wall.ms, (*ids)[0], (*ids)[1], address, phc);
  if (!done) return done.error();
  if (!*done) return Error{ErrorCode::kNotFound, "set-up link: it is unknown, used or too old"};
  const auto person = find_person(address, AccountId{(*ids)[0]}, "");
  if (!person) return person.error();
  if (!*person) return Error{ErrorCode::kInternal, "set-up: the owner is not there"};
  return SignedIn{{}, (*person)->account, (*person)->user, (*person)->role, address, (*person)->account_name};
}

}  // namespace everup::db
