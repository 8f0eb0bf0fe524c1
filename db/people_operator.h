// People as the operator handles them at his shell: the first owner's link, members of any account (owner role). Any
// thread; each call is one transaction. Never wired into the API.
#pragma once

#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ids.h"
#include "core/result.h"
#include "db/id_source.h"
#include "db/member_store.h"
#include "db/pool.h"
#include "db/vault.h"

namespace everup::db {

class PeopleOperator {
 public:
  static constexpr milliseconds kLinkLife{std::int64_t{7} * kDayMs};
  PeopleOperator(Pool& owner_pool, IdSource& ids, const Vault& vault, const Clock& clock);

  // The text of a set-up link's token; every one before it ends. kConflict: there is an account already.
  Result<std::string> new_setup_token();
  // Makes the person if the address is new, with that password (empty: none), and a member of the account. kConflict:
  // he is one already, or the password was given and he has one. kInvalid: the address.
  Result<UserId> add_member(AccountId account, const std::string& email, MemberRole role, const std::string& phc);
  Result<std::vector<Member>> members(AccountId account);
  // Ends his sessions in the account. kNotFound; kConflict: the last owner.
  Status remove_member(AccountId account, const std::string& email);
  // For whoever has lost his password: sets it and ends all his sessions; his second factor goes too. kNotFound.
  Status reset_password(const std::string& email, const std::string& phc);

 private:
  Pool& pool_;
  IdSource& ids_;
  const Vault& vault_;
  const Clock& clock_;
};

}  // namespace everup::db
