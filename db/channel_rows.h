// Rows of channels and alert_policies as values. Internal to the stores and the outbox.
#pragma once

#include <optional>
#include <string>

#include "core/alert.h"
#include "core/result.h"
#include "db/channel_json.h"
#include "db/vault.h"

namespace pqxx {
class row;
}

namespace everup::db {

// A channel and how it fares.
struct StoredChannel {
  ChannelDraft draft;         // with settings.id and settings.account
  bool automatic = false;     // an owner's own
  bool secrets_lost = false;  // sealed with a key we do not have: they read as unset
  int strikes = 0;            // permanent failures in a row
  std::string last_error;
  std::optional<WallTime> last_error_at, last_sent_at;
  std::string link_token;
  std::int32_t revision = 1;
  WallTime created_at;
  bool failing() const { return strikes >= kStrikesMax; }
  static constexpr int kStrikesMax = 3;
};
struct StoredPolicy {
  PolicyId id;
  AccountId account;
  PolicyDraft draft;
  std::int32_t revision = 1;
  WallTime created_at;
};

// The columns that channel_in reads, of the relation called "c".
extern const char* const kChannelColumns;
// kCorrupt: a number that no enum of ours has.
Result<StoredChannel> channel_in(const pqxx::row& row, const Vault& vault, int first_column = 0);
// Of the relation called "p".
extern const char* const kPolicyColumns;
Result<StoredPolicy> policy_in(const pqxx::row& row);

// "a b c" and "1 2 3", as array_to_string(…, ' ') gives them.
std::vector<std::string> words_of(std::string_view text);
std::vector<std::int64_t> numbers_of_words(std::string_view text);

}  // namespace everup::db
