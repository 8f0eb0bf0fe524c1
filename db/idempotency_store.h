// Idempotency-Key on POST: the first request owns the key, later ones with the same key and body get its answer. Any
// thread. Keys live 24 h (the keeper sweeps them); a request that died in progress gives its key free after a minute.
#pragma once

#include <string>

#include "core/clock.h"
#include "core/ids.h"
#include "core/result.h"
#include "db/pool.h"

namespace everup::db {

struct IdempotencyAnswer {
  enum class Kind {
    kFirst,       // yours: do the work, then finish() or abandon()
    kReplay,      // status and response as stored
    kInProgress,  // another request with this key still runs (409)
    kMismatch,    // the key was used for another route or body (422)
  };
  Kind kind = Kind::kFirst;
  int status = 0;
  std::string response;
};

class IdempotencyStore {
 public:
  static constexpr milliseconds kAbandonedAfter{60'000};
  static constexpr milliseconds kKeptFor{86'400'000};
  static constexpr std::size_t kKeyBytesMax = 255;
  static constexpr std::size_t kResponseBytesMax = 4 * 1024 * 1024;
  IdempotencyStore(Pool& api_pool, const Clock& clock);

  // `request_hash`: digest bytes of the body, made by the caller.
  Result<IdempotencyAnswer> begin(AccountId account, const std::string& key, const std::string& route,
                                  const std::string& request_hash);
  Status finish(AccountId account, const std::string& key, int status, const std::string& response);
  Status abandon(AccountId account, const std::string& key);
  // Removes at most `limit` old keys of the account; answers how many.
  Result<int> sweep(AccountId account, int limit = 1000);

 private:
  Pool& pool_;
  const Clock& clock_;
};

}  // namespace everup::db
