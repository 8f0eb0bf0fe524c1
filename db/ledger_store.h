// Reads what the recorder wrote: results, spans and all that a window of the ledger needs. Any thread; each call is one
// transaction with one snapshot. Account calls go through the api role's barrier views, token calls through the public
// role's functions; a monitor that is not the caller's is kNotFound, like one that does not exist.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/histogram.h"
#include "core/ids.h"
#include "core/ledger.h"
#include "core/monitor.h"
#include "core/outcome.h"
#include "core/result.h"
#include "db/pool.h"

namespace everup::db {

struct ResultRow {
  MonitorId monitor;
  Region region = kLocalRegion;
  WallTime slot_at, started_at;
  std::int32_t look = 0, covered = 1, revision = 1;
  Trigger trigger = Trigger::kSlot;
  std::optional<GapReason> missed;  // set: nothing ran, verdict is not meaningful
  Verdict verdict = Verdict::kInconclusive;
  Cause cause = Cause::kOk;
  Phase phase = Phase::kNone;
  Timings timings;
  std::int32_t code = 0;
  std::string detail;
  std::optional<std::string> evidence;  // JSON text, when asked for and kept
};
// "res_…": opaque, names one row of one monitor; result_key takes it apart again.
std::string result_id(const ResultRow& row);
struct ResultKey {
  Region region = kLocalRegion;
  WallTime slot_at;
  std::int32_t look = 0;
};
std::optional<ResultKey> result_key(std::string_view id);

struct ResultsQuery {
  std::optional<WallTime> from, to;  // of slot_at, half-open
  int limit = 50;                    // 1 … 10 000
  std::string cursor;                // from the page before; kInvalid when it is none of ours
  bool evidence = false;
};
struct ResultsPage {
  std::vector<ResultRow> rows;  // newest first
  std::optional<std::string> next_cursor;
};

// For series: one point per look that ran, oldest first.
struct LatencyPoint {
  WallTime at;  // started_at
  std::int32_t total_us = 0;
  Verdict verdict = Verdict::kUp;
};

// Who a public page is about. `monitor.target` is kept; show it only with links.show_target.
struct PublicMonitor {
  MonitorId id;
  AccountId account;
  std::string name;
  Target target;
  std::int64_t interval_ms = 60000;
  std::string timezone;
  PublicLinks links;
  std::string badge_token, report_token;  // report_token only when the report is public
  WallTime created_at;
};
struct PublicLedger {
  PublicMonitor monitor;
  LedgerInput input;
  State state = State::kUnknown;  // now, as the API's `state`
  std::optional<WallTime> since, suspect_since, last_checked_at;
  // Of a report only: suspicions of the last 90 days that ended without settling (at most kGlitchesMax are counted),
  // and numbered corrections of time already shown.
  std::optional<std::int64_t> glitches_90d;
  std::int64_t corrections = 0;
};
enum class TokenKind { kBadge, kReport };

class LedgerStore {
 public:
  static constexpr int kResultsMax = 10'000;
  static constexpr int kLatencyMax = 200'000;
  static constexpr int kGlitchesMax = 1'000;
  // What a caller reads before his window: it may end as much before now as an interval is long, and no zone is further
  // from UTC.
  static constexpr std::int64_t kSlackMs = 2 * kDayMs;

  LedgerStore(Pool& api_pool, Pool& public_pool);

  // `id`: "mon_…" or "slug:…" (a bare slug too). Spans overlapping [from, ∞), the open one included.
  Result<LedgerInput> ledger(AccountId account, std::string_view id, WallTime from, WallTime now);
  // The same for many (a list with include=uptime_30d), in the order asked; unknown ids are left out. At most 200.
  Result<std::vector<LedgerInput>> ledgers(AccountId account, const std::vector<MonitorId>& ids, WallTime from,
                                           WallTime now);
  Result<ResultsPage> results(AccountId account, std::string_view id, const ResultsQuery& query);
  // kExhausted when the window holds more than kLatencyMax looks.
  Result<std::vector<LatencyPoint>> latencies(AccountId account, std::string_view id, Span window);
  // What looks took in `window`, one histogram for each `step` from `first` on, which lies at most a step before it.
  // Steps of whole hours reach as far back as histograms are kept; shorter ones are read from the looks: kExhausted as
  // above.
  Result<std::vector<LatencyHistogram>> series(AccountId account, std::string_view id, Span window, WallTime first,
                                               milliseconds step);
  Result<ResultRow> result(AccountId account, std::string_view id, const ResultKey& key);  // with evidence

  // kNotFound: no such token, deleted, or that link is off.
  Result<PublicLedger> by_token(TokenKind kind, std::string_view token, WallTime from, WallTime now);
  // What a published status page shows, in the order of ids. Of `monitor` only id, name, report_token and created_at
  // are filled; of the rest everything but last_checked_at and the counts.
  Result<std::vector<PublicLedger>> of_page(std::int64_t page, WallTime from, WallTime now);
  Result<std::vector<LatencyPoint>> latencies_by_token(TokenKind kind, std::string_view token, Span window);

 private:
  Pool& api_;
  Pool& public_;
};

}  // namespace everup::db
