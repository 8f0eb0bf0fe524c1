// Channels and alert policies as their account sees them (api role, policies of RULES C 3). Any thread; every call is
// one transaction.
//
// Secrets are sealed with the context "account/channel/id/secrets"; the JSON writers never print them. A channel is
// deleted softly, so that what it delivered keeps its name; while a policy names it, it is not deleted at all. An
// account without a policy has a channel for each owner, made when it is first looked at (SHAPES 18).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/ids.h"
#include "core/result.h"
#include "db/alert_keys.h"
#include "db/channel_rows.h"
#include "db/id_source.h"
#include "db/pool.h"
#include "db/vault.h"

namespace everup::db {

class AlertStore {
 public:
  static constexpr int kChannelsMax = 1000;  // of an account
  static constexpr int kPoliciesMax = 1000;
  AlertStore(Pool& api_pool, IdSource& ids, const Vault& vault, const Clock& clock);

  // By id. Makes the owners' channels of an account without a policy.
  Result<std::vector<StoredChannel>> channels(AccountId account);
  Result<StoredChannel> channel(AccountId account, ChannelId id);  // kNotFound
  // A webhook without a secret gets one: read it from the answer, it is not shown again. kExhausted beyond
  // kChannelsMax.
  Result<StoredChannel> create_channel(AccountId account, ChannelDraft draft);
  // kConflict when the revision is another one. What changes its place or kind ends its strikes.
  Result<StoredChannel> update_channel(AccountId account, ChannelId id, ChannelDraft draft, std::int32_t revision);
  // kConflict: a policy names it, or it is an owner's and there is no policy (switch it off instead).
  Status remove_channel(AccountId account, ChannelId id);
  // A delivery of kind test, due now. At most one in 10 s a channel (kExhausted).
  Result<DeliveryKey> test_channel(AccountId account, ChannelId id);

  Result<std::vector<StoredPolicy>> policies(AccountId account);
  Result<StoredPolicy> policy(AccountId account, PolicyId id);
  // kInvalid ("#/steps: …", "#/match/monitors: …"): a channel or monitor that is not the account's.
  Result<StoredPolicy> create_policy(AccountId account, const PolicyDraft& draft);
  Result<StoredPolicy> update_policy(AccountId account, PolicyId id, const PolicyDraft& draft, std::int32_t revision);
  Status remove_policy(AccountId account, PolicyId id);

 private:
  Pool& pool_;
  IdSource& ids_;
  const Vault& vault_;
  const Clock& clock_;
};

}  // namespace everup::db
