// The model: one timeline of 365 days, from which every window, day and down is cut, so that they always agree. See
// report.h.
#include "reports/report.h"

#include <algorithm>
#include <array>

#include "core/result.h"
#include "reports/cut.h"

namespace everup::reports {
namespace {

constexpr std::string_view kLongest = "365d";

std::string_view gap_english(GapReason reason) {
  switch (reason) {
    case GapReason::kOverload:
      return "the prober was overloaded";
    case GapReason::kRestart:
      return "the prober was restarted";
    case GapReason::kLeaseLost:
      return "the check moved to another prober";
    case GapReason::kClock:
      return "the prober's clock jumped";
    case GapReason::kBlind:
      return "the prober had lost its own network";
    case GapReason::kSpoolFull:
      return "results could not be kept";
    case GapReason::kPoison:
      return "a result could not be stored";
  }
  return {};
}

}  // namespace

std::string ReportLinks::to(std::string_view page) const {
  if (base.empty()) return {};
  return base + (page.empty() ? "" : "/") + std::string(page) + query;
}

std::string ReportLinks::file(std::string_view page, std::string_view suffix) const {
  if (base.empty()) return {};
  return base + (page.empty() ? "" : "/") + std::string(page) + std::string(suffix);
}

ReportModel report_model(ReportInput input) {
  EVERUP_ASSERT(input.zone != nullptr);
  ReportModel model;
  const std::int64_t year_ms = rolling_window_ms(kLongest).value_or(365 * kDayMs);
  const Span year = rolling_window(input.ledger, year_ms, input.now);
  model.timeline = timeline_of(input.ledger, year, input.now);
  const Timeline& timeline = model.timeline;
  model.as_of = year.to;
  for (const std::string_view name : kReportWindows) {
    const Span span{year.to - milliseconds(rolling_window_ms(name).value_or(kDayMs)), year.to};
    const Tally figures = tally(clipped(timeline, span));
    model.windows.push_back({std::string(name), span, figures, uptime_of(figures)});
  }
  model.days = days_of(timeline, model.as_of, *input.zone);
  model.downs = downs_of(timeline);
  if (model.downs.size() > kDownsMax) {
    model.downs_left_out = model.downs.size() - kDownsMax;
    model.downs.resize(kDownsMax);
  }
  model.input = std::move(input);
  return model;
}

std::string duration_text(std::int64_t ms) {
  const std::int64_t s = round_up_to_second_ms(std::max<std::int64_t>(ms, 0)) / 1000;
  const std::int64_t days = s / 86'400;
  const std::int64_t hours = s / 3600 % 24;
  const std::int64_t minutes = s / 60 % 60;
  std::string out;
  if (days > 0) out += std::to_string(days) + " d ";
  if (s >= 3600) out += std::to_string(hours) + " h ";
  if (s >= 60) out += std::to_string(minutes) + " min ";
  return out + std::to_string(s % 60) + " s";
}

std::string reason_text(const Reason& reason) {
  if (reason.gap != 0) return std::string(gap_english(static_cast<GapReason>(reason.gap)));
  const auto cause = cause_from_number(reason.cause);
  return cause ? std::string(facts(*cause).english) : std::string();
}

}  // namespace everup::reports
