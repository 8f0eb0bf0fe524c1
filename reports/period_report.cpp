// The model of a period and its CSV. See period_report.h.
#include "reports/period_report.h"

#include <algorithm>

#include "core/result.h"
#include "reports/cut.h"

namespace everup::reports {
namespace {

WallTime cut_to_second(WallTime t) { return {t.ms - t.ms % 1000}; }

std::vector<PeriodPart> parts_in(const PeriodModel& model) {
  std::vector<PeriodPart> parts;
  std::vector<Span> spans;
  for (const Period& period : parts_of(model.input.period, *model.input.zone)) {
    const Span seen = intersect(span_of(period, *model.input.zone), model.seen);
    if (seen.empty()) continue;
    spans.push_back(seen);
    parts.push_back({period, seen, {}, {}});
  }
  const auto tallies = tallies_of(model.timeline, spans);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].tally = tallies[i];
    parts[i].uptime = uptime_of(tallies[i]);
  }
  return parts;
}

// Seconds with milliseconds, without trailing zeros: "0.5", "86400".
std::string seconds_text(std::int64_t ms) {
  std::string out = std::to_string(ms / 1000);
  if (ms % 1000 == 0) return out;
  std::string digits = std::to_string(ms % 1000 + 1000).substr(1);
  while (digits.back() == '0') digits.pop_back();
  return out + "." + digits;
}

std::string percent_cell(const std::optional<std::int64_t>& thousandths) {
  return thousandths ? seconds_text(*thousandths) : std::string();  // thousandths again
}

constexpr std::string_view kPartColumns =
    "period,from,to,uptime_percent,worst_percent,best_percent,coverage_percent,up_s,degraded_s,down_s,unknown_s,"
    "maintenance_s,paused_s,before_creation_s,incidents,longest_down_s\r\n";

std::string part_line(const std::string& name, Span span, const Tally& t, const Uptime& u) {
  std::string line = name + "," + rfc3339(span.from) + "," + rfc3339(span.to);
  for (const auto& percent : {u.uptime, u.worst, u.best, u.coverage}) line += "," + percent_cell(percent);
  for (const std::int64_t ms :
       {t.up_ms, t.degraded_ms, t.down_ms, t.unknown_ms, t.maintenance_ms, t.paused_ms, t.before_creation_ms})
    line += "," + seconds_text(ms);
  return line + "," + std::to_string(t.incidents) + "," + seconds_text(t.longest_down_ms) + "\r\n";
}

// Ours, but quoted all the same: a reason may hold a comma.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace

std::optional<PeriodModel> period_model(PeriodInput input) {
  EVERUP_ASSERT(input.zone != nullptr);
  const Zone& zone = *input.zone;
  const WallTime born = std::min(input.ledger.created_at, origin_of(input.ledger));
  PeriodModel model;
  model.whole = span_of(input.period, zone);
  if (model.whole.empty() || model.whole.to <= born || model.whole.from > input.now) return std::nullopt;
  const WallTime settled = cut_to_second(settled_until(input.ledger, input.now));
  model.complete = settled >= model.whole.to;
  model.seen = {model.whole.from, std::max(model.whole.from, std::min(model.whole.to, settled))};
  model.timeline = timeline_of(input.ledger, model.seen, input.now);
  model.tally = tally(model.timeline);
  model.uptime = uptime_of(model.tally);
  model.downs = downs_of(model.timeline);
  if (model.downs.size() > kDownsMax) {
    model.downs_left_out = model.downs.size() - kDownsMax;
    model.downs.resize(kDownsMax);
  }
  if (model.whole.from > born) model.previous = period_at(input.period.kind, model.whole.from - milliseconds(1), zone);
  if (model.whole.to <= input.now) model.next = period_at(input.period.kind, model.whole.to, zone);
  model.input = std::move(input);
  model.parts = parts_in(model);
  return model;
}

std::string period_csv(const PeriodModel& model) {
  std::string out;
  if (model.input.period.kind == PeriodKind::kDay) {
    out = "from,to,duration_s,state,reason\r\n";
    for (const LedgerSpan& piece : model.timeline) {
      out += rfc3339(piece.span.from) + "," + rfc3339(piece.span.to) + "," + seconds_text(piece.span.length().count()) +
             "," + std::string(slug(piece.state)) + "," + quoted(reason_text(piece.reason)) + "\r\n";
    }
    return out;
  }
  out = kPartColumns;
  for (const PeriodPart& part : model.parts)
    out += part_line(to_string(part.period), part.span, part.tally, part.uptime);
  return out;
}

std::string overview_csv(const ReportModel& model) {
  std::string out(kPartColumns);
  for (const DayFigures& day : model.days) out += part_line(to_string(day.date), day.span, day.tally, day.uptime);
  return out;
}

}  // namespace everup::reports
