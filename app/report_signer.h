// Signs reports: a root key signs a key for each year, the key of a report's year signs it (docs/decisions/0009). Keys
// are made when they are first needed, sealed in the database, so all nodes of an installation sign alike. Any thread.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "db/report_store.h"
#include "db/vault.h"

namespace everup::app {

class ReportSigner {
 public:
  static constexpr milliseconds kReread{60'000};  // a key revoked by another process is used no longer than this
  ReportSigner(db::ReportStore& store, db::Vault vault, const Clock& clock)
      : store_(store), vault_(std::move(vault)), clock_(clock) {}

  // The same object with a member "signature", canonical again. The year is that of the instant before `as_of` (UTC).
  Result<std::string> sign(const std::string& canonical, WallTime as_of);
  // {"keys":[…]}, every key with its validity; makes the root key when there is none.
  Result<std::string> keys_json();

 private:
  struct Pair {
    db::ReportKey key, root;
    std::string secret;
  };
  Result<Pair> pair_of(int year);
  Result<db::ReportKey> usable(int year);  // found or made
  Result<db::ReportKey> make(int year, const std::optional<db::ReportKey>& root);
  Status reread(bool now);

  db::ReportStore& store_;
  const db::Vault vault_;
  const Clock& clock_;
  std::mutex mutex_;  // guards what follows
  std::vector<db::ReportKey> keys_;
  std::optional<Instant> read_at_;
};

}  // namespace everup::app
