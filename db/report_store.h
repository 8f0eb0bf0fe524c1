// What signed reports and badges keep and read: report keys, chains of closed months (docs/VERIFY.md), medians and
// certificates behind a token. Any thread; each call is one transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "core/time.h"
#include "db/ledger_store.h"
#include "db/pool.h"

namespace everup::db {

struct ReportKey {
  std::string key_id;  // 16 hex digits
  int year = 0;        // 0: a root
  std::string public_key, sealed_secret;
  WallTime not_before;
  std::optional<WallTime> not_after, revoked_at;
  std::string signed_by, signature;  // of a year's key, by a root
};
struct ReportHead {
  std::string timezone;
  std::int64_t chain = 1, number = 0;
  std::string next_month;  // "2026-11"
  WallTime due_at;
  std::string hash;  // 32 bytes; empty: no month yet
};
// A monitor with a public report whose next month may be closed, or that has no chain yet.
struct DueReport {
  MonitorId monitor;
  std::string report_token, timezone;
  WallTime created_at;
  std::optional<ReportHead> head;
};
struct ClosedMonth {
  MonitorId monitor;
  std::int64_t chain = 1, number = 1;
  std::string month, timezone;
  Span span;
  WallTime closed_at;
  std::string hash, document;
};

class ReportStore {
 public:
  static constexpr int kDueMax = 200;
  static constexpr int kKeysMax = 1000;
  ReportStore(Pool& worker_pool, Pool& public_pool) : worker_(worker_pool), public_(public_pool) {}

  Result<std::vector<ReportKey>> keys();  // oldest first
  // False: the year (or the root) has a key that is not revoked; read it with keys().
  Result<bool> add_key(const ReportKey& key);
  // With a root the keys that it signed. False: there is none, or it is revoked already.
  Result<bool> revoke_key(std::string_view key_id, WallTime at);

  // At most kDueMax, those without a chain first.
  Result<std::vector<DueReport>> due(WallTime now);
  // Writes the head, and the month that it closes if there is one, only while the head's (chain, number) are as
  // `before` tells. kConflict: another was first.
  Status advance(MonitorId monitor, const std::optional<ReportHead>& before, const ReportHead& after,
                 const std::optional<ClosedMonth>& month);
  // Documents of deleted monitors are emptied, their hashes stay. How many were.
  Result<std::int64_t> forget_deleted();

  // nullopt: not closed, or no such token.
  Result<std::optional<std::string>> month_document(std::string_view token, std::string_view month);
  // Median in µs of the looks in `window` that were answered. kNotFound: no such token.
  Result<std::optional<std::int64_t>> median_us(TokenKind kind, std::string_view token, Span window);
  // End of the certificate seen last. kNotFound: no such token.
  Result<std::optional<WallTime>> certificate_end(TokenKind kind, std::string_view token);

 private:
  Pool& worker_;
  Pool& public_;
};

}  // namespace everup::db
