// Which deliveries leave together and what their message says: the claim of outbox.h as one transaction. Internal to
// outbox.cpp. Thread: the transaction's.
#pragma once

#include <string>
#include <vector>

#include "core/alert.h"
#include "core/result.h"
#include "db/vault.h"

namespace pqxx {
class transaction_base;
}

namespace everup::db {

inline constexpr int kDigestMax = 10'000;  // alerts of one message
inline constexpr int kPerChannelMax = 10;  // messages of one channel in one claim
inline constexpr milliseconds kMinute{60'000};
inline constexpr milliseconds kGatherQuiet{5'000}, kGatherMost{45'000};
inline constexpr milliseconds kDigestsAtLatest{50'000};  // even while other messages are taken

struct ClaimOptions {
  const Vault* vault = nullptr;
  std::string base_url, node;
  WallTime now;
  int most = 1;
  milliseconds lease{0};
  std::vector<AccountId> busy;  // passed over
};
Result<std::vector<Message>> claim_messages(pqxx::transaction_base& tx, const ClaimOptions& options);

// "alerts.example" of "https://alerts.example:8443/x"; "everup.localdomain" when there is none.
std::string host_of_url(const std::string& url);

}  // namespace everup::db
