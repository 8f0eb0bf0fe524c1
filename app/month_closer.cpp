// See month_closer.h.
#include "app/month_closer.h"

#include "reports/period_report.h"
#include "reports/report_json.h"
#include "seal/signature.h"

namespace everup::app {
namespace {

constexpr std::int64_t kSlackMs = 2 * kDayMs;
constexpr int kMonthsMax = 120;  // of one monitor in one pass

using reports::Period;
using reports::PeriodKind;

const Zone& zone_named(const Zones& zones, const std::string& name) {
  const Zone* zone = zones.find(name);
  if (zone == nullptr) zone = zones.find("UTC");
  EVERUP_ASSERT(zone != nullptr);
  return *zone;
}

WallTime due_at(const Period& month, const Zone& zone, milliseconds after_end) {
  return span_of(month, zone).to + after_end;
}

// Where the chain of `due` goes on: its head, the beginning of a first chain, or of another one in the zone of today.
db::ReportHead next_head(const db::DueReport& due, const ClosingOptions& options) {
  const Zone& zone = zone_named(*options.zones, due.timezone);
  if (due.head && due.head->timezone == due.timezone) return *due.head;
  WallTime begin = due.created_at;
  db::ReportHead head;
  if (due.head) {
    const auto month = reports::parse_period(due.head->next_month);
    if (month) begin = span_of(*month, zone_named(*options.zones, due.head->timezone)).from;
    head.chain = due.head->chain + 1;
  }
  const Period first = period_at(PeriodKind::kMonth, begin, zone);
  head.timezone = due.timezone;
  head.next_month = to_string(first);
  head.due_at = due_at(first, zone, options.after_end);
  return head;
}

// The month as it is closed; nullopt: there is nothing of it (it ended before the monitor was made).
Result<std::optional<db::ClosedMonth>> closed(const db::DueReport& due, const db::ReportHead& head, const Period& month,
                                              const db::PublicLedger& ledger, const ClosingOptions& options) {
  reports::PeriodInput input;
  input.period = month;
  input.monitor_id = to_string(due.monitor);
  input.name = ledger.monitor.name;
  input.ledger = ledger.input;  // without the target: it may be closed to the public later, and this stays
  input.zone = &zone_named(*options.zones, head.timezone);
  input.now = options.clock->now().wall;
  const auto model = reports::period_model(std::move(input));
  if (!model) return std::optional<db::ClosedMonth>();
  if (!model->complete)
    return Error{ErrorCode::kUnavailable, "reports: a month of " + to_string(due.monitor) + " is not settled yet"};
  const std::string document =
      reports::period_json(*model, reports::ChainLink{head.chain, head.number + 1, seal::hex(head.hash)});
  auto signed_document = options.sign(document, model->seen.to);
  if (!signed_document) return signed_document.error();
  db::ClosedMonth out{due.monitor,
                      head.chain,
                      head.number + 1,
                      to_string(month),
                      head.timezone,
                      model->whole,
                      options.clock->now().wall,
                      options.sha256(document),
                      *std::move(signed_document)};
  return std::optional(std::move(out));
}

// Closes what is due of one monitor, oldest first; adds to `pass`.
Status close_monitor(const db::DueReport& due, const ClosingOptions& options, ClosingPass& pass) {
  std::optional<db::ReportHead> before = due.head;
  db::ReportHead head = next_head(due, options);
  const Zone& zone = zone_named(*options.zones, head.timezone);
  const WallTime now = options.clock->now().wall;
  std::optional<db::PublicLedger> ledger;
  for (int i = 0; i < kMonthsMax && head.due_at <= now; ++i) {
    const auto month = reports::parse_period(head.next_month);
    if (!month) return Error{ErrorCode::kCorrupt, "reports: stored month " + head.next_month};
    if (!ledger) {
      auto read = options.ledger->by_token(db::TokenKind::kReport, due.report_token,
                                           span_of(*month, zone).from - milliseconds(kSlackMs), now);
      if (!read) return read.error().code == ErrorCode::kNotFound ? ok() : Status(read.error());
      ledger = *std::move(read);
    }
    auto one = closed(due, head, *month, *ledger, options);
    if (!one) return one.error();
    db::ReportHead after = head;
    if (*one) {
      after.number = (*one)->number;
      after.hash = (*one)->hash;
      ++pass.months;
    }
    const Period next = period_at(PeriodKind::kMonth, span_of(*month, zone).to, zone);
    after.next_month = to_string(next);
    after.due_at = due_at(next, zone, options.after_end);
    if (Status moved = options.store->advance(due.monitor, before, after, *one); !moved) return moved;
    before = head = after;
  }
  // A chain that only began, or began anew: its head is written, so that it is not asked for again before it is due.
  if (!before || before->timezone != head.timezone)
    return options.store->advance(due.monitor, before, head, std::nullopt);
  return ok();
}

}  // namespace

Result<ClosingPass> close_months(const ClosingOptions& options) {
  ClosingPass pass;
  for (int round = 0; round < options.rounds_max; ++round) {
    const auto due = options.store->due(options.clock->now().wall);
    if (!due) return due.error();
    for (const db::DueReport& one : *due) {
      const Status done = close_monitor(one, options, pass);
      if (!done && done.error().code != ErrorCode::kConflict) return done.error();
      ++pass.monitors;
    }
    if (due->size() < static_cast<std::size_t>(db::ReportStore::kDueMax)) break;
  }
  const auto forgotten = options.store->forget_deleted();
  if (!forgotten) return forgotten.error();
  pass.forgotten = *forgotten;
  return pass;
}

MonthCloser::MonthCloser(ClosingOptions options, milliseconds period, std::function<void(const Error&)> on_error)
    : options_(std::move(options)), period_(period), on_error_(std::move(on_error)), thread_([this] { loop(); }) {}

MonthCloser::~MonthCloser() { stop(); }

void MonthCloser::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void MonthCloser::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const auto pass = close_months(options_);
    if (!pass && on_error_) on_error_(pass.error());
    lock.lock();
    wake_.wait_for(lock, period_, [this] { return stopping_; });
  }
}

}  // namespace everup::app
