// The calendar pages: model → fields of the templates. See period_report.h, page_parts.h and page_text.h.
#include "reports/page_parts.h"
#include "reports/page_text.h"
#include "reports/period_report.h"
#include "reports/strip.h"
#include "reports/words.h"

namespace everup::reports {
namespace {

Fields link_fields(const ReportLinks& links, const Period& period) {
  return {.texts = {{"href", links.to(to_string(period))}, {"text", period_text(period)}}, .flags = {}, .lists = {}};
}

void add_navigation(Fields& page, const PeriodModel& model) {
  const ReportLinks& links = model.input.links;
  const Period& period = model.input.period;
  std::vector<Fields> crumbs{{.texts = {{"href", links.to("")}, {"text", "Overview"}}, .flags = {}, .lists = {}}};
  if (period.kind != PeriodKind::kYear)
    crumbs.push_back(link_fields(links, {PeriodKind::kYear, {period.date.year, 1, 1}}));
  if (period.kind == PeriodKind::kDay)
    crumbs.push_back(link_fields(links, {PeriodKind::kMonth, {period.date.year, period.date.month, 1}}));
  std::vector<Fields> previous, next;
  if (model.previous) previous.push_back(link_fields(links, *model.previous));
  if (model.next) next.push_back(link_fields(links, *model.next));
  page.flags.emplace_back("has_links", !links.base.empty());
  page.lists.emplace_back("crumbs", std::move(crumbs));
  page.lists.emplace_back("previous", std::move(previous));
  page.lists.emplace_back("next", std::move(next));
}

void add_fact(std::vector<Fields>& facts, std::string term, std::string value) {
  facts.push_back({.texts = {{"term", std::move(term)}, {"value", std::move(value)}}, .flags = {}, .lists = {}});
}

// What is zero is left out, except what a reader looks for.
std::vector<Fields> facts_of(const PeriodModel& model) {
  const Tally& t = model.tally;
  const Uptime& u = model.uptime;
  std::vector<Fields> facts;
  add_fact(facts, "Watched", percent_text(u.coverage));
  add_fact(facts, "Down", time_or_dash(t.down_ms));
  add_fact(facts, "Incidents", std::to_string(t.incidents));
  if (t.incidents > 1) add_fact(facts, "Longest", duration_text(t.longest_down_ms));
  if (t.degraded_ms > 0) add_fact(facts, "Degraded", duration_text(t.degraded_ms));
  if (t.unknown_ms > 0) add_fact(facts, "Not watched (unknown)", duration_text(t.unknown_ms));
  if (t.maintenance_ms > 0) add_fact(facts, "Maintenance", duration_text(t.maintenance_ms));
  if (t.paused_ms > 0) add_fact(facts, "Paused", duration_text(t.paused_ms));
  if (t.before_creation_ms > 0) add_fact(facts, "Not watched yet", duration_text(t.before_creation_ms));
  if (u.uptime && t.unknown_ms > 0) {
    add_fact(facts, "At worst", percent_text(u.worst));
    add_fact(facts, "At best", percent_text(u.best));
  }
  return facts;
}

void add_header(Fields& page, const PeriodModel& model) {
  const PeriodInput& in = model.input;
  page.texts.insert(page.texts.end(), {{"name", printable(in.name, kNameBytesMax)},
                                       {"target", in.target ? printable(*in.target, kNameBytesMax) : ""},
                                       {"period", period_text(in.period)},
                                       {"from", local_text(model.whole.from, *in.zone)},
                                       {"from_utc", rfc3339(model.whole.from)},
                                       {"to", local_text(model.whole.to, *in.zone)},
                                       {"to_utc", rfc3339(model.whole.to)},
                                       {"as_of", local_text(model.seen.to, *in.zone)},
                                       {"as_of_utc", rfc3339(model.seen.to)},
                                       {"zone", std::string(in.zone->name())},
                                       {"tone", std::string(tone_of(model.uptime))},
                                       {"display", model.uptime.display},
                                       {"patterns", strip_patterns()},
                                       {"key", strip_key()}});
  page.flags.insert(page.flags.end(), {{"has_target", in.target.has_value()},
                                       {"running", !model.complete},
                                       {"is_day", in.period.kind == PeriodKind::kDay}});
  page.lists.emplace_back("facts", facts_of(model));
}

std::string part_name(const Period& part) {
  return part.kind == PeriodKind::kDay ? date_text(part.date) : period_text(part);
}

void add_parts(Fields& page, const PeriodModel& model) {
  const bool months = model.input.period.kind == PeriodKind::kYear;
  std::vector<Bar> bars;
  std::vector<Fields> rows;
  for (const PeriodPart& part : model.parts) {
    const std::string href = model.input.links.to(to_string(part.period));
    bars.push_back({part.tally, bar_text(part_name(part.period), part.tally, part.uptime), href});
    rows.push_back(part_fields(part_name(part.period), href, part.tally, part.uptime));
  }
  const std::string word = months ? "month" : "day";
  page.texts.insert(page.texts.end(),
                    {{"course_title", months ? "Months" : "Days"},
                     {"course_lead", "One bar a " + word +
                                         ", piled up from what was seen: red from the bottom is down time, and "
                                         "however short it was it is drawn."},
                     {"strip", bars.empty() ? "" : strip_svg(bars, 0, bars.size(), "Availability by " + word)},
                     {"first", model.parts.empty() ? "" : part_name(model.parts.front().period)},
                     {"last", model.parts.size() < 2 ? "" : part_name(model.parts.back().period)},
                     {"part_word", months ? "Month" : "Day"},
                     {"parts_caption", "Each " + word + ", oldest first"}});
  page.lists.emplace_back("part_rows", std::move(rows));
}

Fields stretch_fields(const LedgerSpan& piece, const Zone& zone) {
  const std::string reason = reason_text(piece.reason);
  return {.texts = {{"from", local_text(piece.span.from, zone)},
                    {"from_utc", rfc3339(piece.span.from)},
                    {"to", local_text(piece.span.to, zone)},
                    {"to_utc", rfc3339(piece.span.to)},
                    {"state", std::string(state_word(piece.state))},
                    {"state_class", std::string(state_class(piece.state))},
                    {"length", duration_text(piece.span.length().count())},
                    {"reason", reason.empty() ? "–" : reason}},
          .flags = {},
          .lists = {}};
}

void add_course_of_day(Fields& page, const PeriodModel& model) {
  const Zone& zone = *model.input.zone;
  std::vector<Fields> rows;
  for (const LedgerSpan& piece : model.timeline) {
    if (rows.size() == kStretchesMax) break;
    rows.push_back(stretch_fields(piece, zone));
  }
  const std::size_t left_out = model.timeline.size() - rows.size();
  page.flags.emplace_back("stretches_left_out", left_out > 0);
  page.texts.insert(
      page.texts.end(),
      {{"course_title", "Timeline"},
       {"course_lead", "The day from left to right. Down time is drawn at least " + std::to_string(kDownMinutes) +
                           " minutes wide; the table tells it to the second."},
       {"strip", timeline_svg(model.timeline, model.whole,
                              bar_text(period_text(model.input.period), model.tally, model.uptime))},
       {"first", local_text(model.whole.from, zone).substr(11, 5)},
       {"last", local_text(model.whole.to - milliseconds(1), zone).substr(11, 5)},
       {"stretches_left_out_text",
        std::to_string(left_out) + " later ones are not listed here; the JSON and CSV files hold all."}});
  page.lists.emplace_back("stretches", std::move(rows));
}

std::string no_downs_text(const PeriodModel& model) {
  if (model.tally.up_ms + model.tally.degraded_ms == 0) return "Nothing was judged in this time.";
  return "No down time was seen" + std::string(model.tally.unknown_ms > 0 ? ", in the time that was watched." : ".");
}

}  // namespace

std::string period_html(const PeriodModel& model) {
  const PeriodInput& in = model.input;
  Fields page;
  page.texts = {{"style", std::string(kStyle)}};
  add_header(page, model);
  add_navigation(page, model);
  if (in.period.kind == PeriodKind::kDay)
    add_course_of_day(page, model);
  else
    add_parts(page, model);
  add_chart(page, in.chart, *in.zone);
  add_downs(page,
            {&model.downs, model.downs_left_out, period_text(in.period),
             model.complete ? "after this " + std::string(in.period.kind == PeriodKind::kDay     ? "day"
                                                          : in.period.kind == PeriodKind::kMonth ? "month"
                                                                                                 : "year")
                            : "not over yet",
             no_downs_text(model), 0, 0},
            *in.zone);
  const std::string name = to_string(in.period);
  add_foot(page, {in.links.file(name, ".json"), in.links.file(name, ".csv"), "", in.version});
  static const std::string kPage = std::string(kPeriodTemplate)
                                       .append(kChartTemplate)
                                       .append(kDownsTemplate)
                                       .append(kMethodTemplate)
                                       .append(kFootTemplate);
  return render_page(kPage, page);
}

}  // namespace everup::reports
