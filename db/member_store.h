// The members of an account, invitations, and what changed in it (api role). Any thread; each call is one transaction
// under the account's policies.
//
// Who administers may change and remove members, but only an owner touches owners or makes one, and an account never
// loses its last owner. An invitation is a link that works once for 7 days; of it only the SHA-256 is kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/ids.h"
#include "core/result.h"
#include "db/id_source.h"
#include "db/person_store.h"
#include "db/pool.h"
#include "db/vault.h"

namespace everup::db {

struct InvitationTag {
  static constexpr std::string_view kPrefix = "inv_";
};
using InvitationId = Id<InvitationTag>;
struct AuditTag {
  static constexpr std::string_view kPrefix = "aud_";
};
using AuditId = Id<AuditTag>;

struct Member {
  UserId user;
  std::string email;
  MemberRole role = MemberRole::kViewer;
  bool has_password = false;
  bool has_factor = false;
};
struct Invitation {
  InvitationId id;
  std::string email;
  MemberRole role = MemberRole::kViewer;
  WallTime created_at, expires_at;
};
struct NewInvitation {
  Invitation info;
  std::string token;  // for the link; told once
};
// An invitation as whoever holds its link sees it.
struct Invited {
  AccountId account;
  std::string account_name, email;
  MemberRole role = MemberRole::kViewer;
  bool has_password = false;  // the address belongs to somebody who signs in with his own password
  std::string phc;
  bool elsewhere = false;  // and he is a member of other accounts
};
struct AuditRow {
  AuditId id;
  WallTime at;
  std::string actor, actor_name, action, object, address;
  std::string before, after;  // JSON; empty: none
};

class MemberStore {
 public:
  static constexpr milliseconds kInvitationLife{std::int64_t{7} * kDayMs};
  static constexpr int kInvitationsMax = 1000;
  static constexpr std::size_t kAuditJsonMax = 16 * 1024;
  MemberStore(Pool& api_pool, IdSource& ids, const Vault& vault, const Clock& clock);

  Result<std::vector<Member>> members(AccountId account);
  // `by_owner`: an owner asks. The member as he was. kNotFound; kRefused: only an owner may; kConflict: the last owner.
  Result<Member> set_role(AccountId account, UserId user, MemberRole role, bool by_owner);
  Result<Member> remove(AccountId account, UserId user, bool by_owner);  // his sessions in the account end

  // kConflict: a member already; kExhausted: too many open invitations.
  Result<NewInvitation> invite(AccountId account, const std::string& email, MemberRole role);
  Result<std::vector<Invitation>> invitations(AccountId account);  // open ones, newest first
  Status revoke_invitation(AccountId account, InvitationId id);    // kNotFound
  Result<std::optional<Invited>> find_invitation(std::string_view token);
  // `phc` counts only for a person without a password. kNotFound: the link is unknown, used or old.
  Result<SignedIn> use_invitation(std::string_view token, const std::string& phc);

  Status rename_account(AccountId account, const std::optional<std::string>& name,
                        const std::optional<std::string>& timezone);

  // `row.id` is made here; longer JSON than kAuditJsonMax is left out.
  Status note(AccountId account, AuditRow row);
  // Newest first, below `before` (0: from the newest).
  Result<std::vector<AuditRow>> audit_log(AccountId account, AuditId before, int limit);

 private:
  Pool& pool_;
  IdSource& ids_;
  const Vault& vault_;
  const Clock& clock_;
};

}  // namespace everup::db
