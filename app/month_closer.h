// Closes months: 48 hours after the end of a month in a monitor's zone its report is made once more, signed, chained to
// the month before by hash, and never made again (RULES B 6). Monitors whose report is not public have no chain while
// it is not; a change of the zone begins another chain. A pass is bounded; what is left is done by the next one.
// Several nodes may do it at once: the head of a chain moves by compare-and-set.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "core/clock.h"
#include "core/result.h"
#include "core/zone.h"
#include "db/ledger_store.h"
#include "db/report_store.h"

namespace everup::app {

struct ClosingOptions {
  db::ReportStore* store = nullptr;
  db::LedgerStore* ledger = nullptr;
  const Zones* zones = nullptr;
  const Clock* clock = nullptr;
  std::function<Result<std::string>(const std::string& canonical, WallTime as_of)> sign;
  std::function<std::string(std::string_view bytes)> sha256;
  milliseconds after_end{48 * 3'600'000LL};  // late evidence reaches so far back
  int rounds_max = 50;                       // of db::ReportStore::kDueMax monitors
};
struct ClosingPass {
  int monitors = 0, months = 0;
  std::int64_t forgotten = 0;  // documents of deleted monitors
};
// One pass. Errors of one monitor end it: they are the database's.
Result<ClosingPass> close_months(const ClosingOptions& options);

// A thread that makes a pass at the start and then every `period`.
class MonthCloser {
 public:
  MonthCloser(ClosingOptions options, milliseconds period, std::function<void(const Error&)> on_error);
  ~MonthCloser();  // stop()
  void stop();

 private:
  void loop();
  const ClosingOptions options_;
  const milliseconds period_;
  const std::function<void(const Error&)> on_error_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace everup::app
