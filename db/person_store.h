// People: who signs in, with what, and the sessions of their browsers (api role). Any thread; each call is one
// transaction.
//
// A session's token is 52 base32 digits (260 random bits) in a cookie; only its SHA-256 is stored. A session ends 30
// days after it began, 14 days after it was last used, when it is ended, and with the membership it belongs to. Roles
// are read at every request, so a change of one holds at once. Passwords arrive as PHC strings (seal/password).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/ids.h"
#include "core/result.h"
#include "db/account_store.h"
#include "db/id_source.h"
#include "db/pool.h"
#include "db/vault.h"

namespace everup::db {

struct SessionTag {
  static constexpr std::string_view kPrefix = "ses_";
};
using SessionId = Id<SessionTag>;

// A person's role in an account, weakest first.
enum class MemberRole { kViewer, kEditor, kAdmin, kOwner };
std::string_view name(MemberRole role);
std::optional<MemberRole> parse_member_role(std::string_view text);
// viewer reads, editor writes, admin and owner administer.
Scope scope_of(MemberRole role);

inline constexpr std::size_t kSessionDigits = 52;
// Grammar only: may be the token of a session.
bool plausible_session(std::string_view token);

// Where a browser is, as far as it is kept.
struct Whereabouts {
  std::string network;  // /24 or /48, as text
  std::string agent;    // User-Agent, at most kAgentBytesMax
  static constexpr std::size_t kAgentBytesMax = 200;
};

struct SignedIn {
  SessionId session;
  AccountId account;
  UserId user;
  MemberRole role = MemberRole::kViewer;
  std::string email, account_name;
};
struct NewSession {
  SessionId id;
  std::string token;  // for the cookie; told once
};
struct SessionInfo {
  SessionId id;
  WallTime created_at, seen_at, expires_at;
  std::string network, agent;
};
// Who an e-mail address means, before a password was seen.
struct Person {
  UserId user;
  std::string phc;  // empty: cannot sign in by password
  AccountId account;
  MemberRole role = MemberRole::kViewer;
  std::string account_name;
  std::string factor;          // the second factor's secret, opened; empty: none
  bool factor_on = false;      // confirmed: a code is wanted
  bool known_network = false;  // signed in from that network before
};

class PersonStore {
 public:
  static constexpr milliseconds kSessionLife{std::int64_t{30} * kDayMs};
  static constexpr int kSessionsMax = 50;  // living ones of a person in an account; the oldest ends
  PersonStore(Pool& api_pool, IdSource& ids, const Vault& vault, const Clock& clock);

  // ---- sessions
  // nullopt: unknown, ended or too old.
  Result<std::optional<SignedIn>> find_session(std::string_view token);
  // kNotFound: no longer a member.
  Result<NewSession> open_session(AccountId account, UserId user, const Whereabouts& where);
  Result<std::vector<SessionInfo>> sessions(AccountId account, UserId user);  // living ones, newest first
  Status end_session(AccountId account, UserId user, SessionId session);      // kNotFound

  // ---- passwords
  // nullopt: nobody, or not in the account that is wanted (0: any). One query whatever the answer is.
  Result<std::optional<Person>> find_person(const std::string& email, AccountId wanted, const std::string& network);
  // The session's new token; all other sessions of the person end. kNotFound: the session does not live.
  Result<std::string> change_password(SessionId session, const std::string& phc);
  Status rehash(UserId user, const std::string& known, const std::string& fresh);

  // ---- second factor
  // `secret`: bytes, sealed here. False: there is one already.
  Result<bool> offer_factor(const SignedIn& who, std::string_view secret);
  // `codes`: recovery codes, hashed here. False: none was offered, or it is on already.
  Result<bool> confirm_factor(SessionId session, std::int64_t step, const std::vector<std::string>& codes);
  Result<bool> drop_factor(SessionId session);
  // True for the first who uses this time step or this recovery code.
  Result<bool> use_step(UserId user, std::int64_t step);
  Result<bool> use_recovery_code(UserId user, std::string_view code);

  // ---- the first owner
  Result<bool> setup_open(std::string_view token);
  // kNotFound: the link is unknown, used or old, or there is an account. kInvalid names the field.
  Result<SignedIn> use_setup(std::string_view token, const std::string& email, const std::string& phc);

 private:
  Pool& pool_;
  IdSource& ids_;
  const Vault& vault_;
  const Clock& clock_;
};

}  // namespace everup::db
