// The overview page: model → fields of the templates. See report.h, page_parts.h and page_text.h.
#include <algorithm>

#include "reports/page_parts.h"
#include "reports/page_text.h"
#include "reports/period.h"
#include "reports/report.h"
#include "reports/strip.h"
#include "reports/words.h"

namespace everup::reports {
namespace {

constexpr std::size_t kPartDays = 30;
constexpr int kYearsMax = 20;  // in the list of years

Fields window_fields(const WindowFigures& window) {
  const bool bounds = window.uptime.uptime && window.tally.unknown_ms > 0;
  return {.texts = {{"title", std::string(window_title(window.name))},
                    {"display", window.uptime.display},
                    {"tone", std::string(tone_of(window.uptime))},
                    {"coverage", percent_text(window.uptime.coverage)},
                    {"down", time_or_dash(window.tally.down_ms)},
                    {"incidents", std::to_string(window.tally.incidents)},
                    {"longest", time_or_dash(window.tally.longest_down_ms)},
                    {"worst", percent_text(window.uptime.worst)},
                    {"best", percent_text(window.uptime.best)}},
          .flags = {{"has_bounds", bounds}},
          .lists = {}};
}

std::vector<Fields> strip_parts(const ReportModel& model) {
  const auto& days = model.days;
  const auto bars = bars_of(days, model.input.links);
  std::vector<Fields> parts;
  for (std::size_t first = 0; first < days.size(); first += kPartDays) {
    const std::size_t count = std::min(kPartDays, days.size() - first);
    const DayFigures& last = days[first + count - 1];
    const std::string label = date_text(days[first].date) + " to " + date_text(last.date);
    parts.push_back({.texts = {{"svg", strip_svg(bars, first, count, label)},
                               {"first", short_date_text(days[first].date)},
                               {"last", short_date_text(last.date)}},
                     .flags = {},
                     .lists = {}});
  }
  return parts;
}

// Why the list of downs is empty: "none" is said only of time that was watched.
std::string no_downs_text(const ReportModel& model) {
  const Tally& year = model.windows.back().tally;
  if (year.up_ms + year.degraded_ms == 0) return "Nothing has been judged yet.";
  return "No down time was seen in the last 365 days" +
         std::string(year.unknown_ms > 0 ? ", in the time that was watched." : ".");
}

void add_header(Fields& page, const ReportModel& model) {
  const ReportInput& in = model.input;
  const bool suspect = in.suspect_since.has_value();
  page.texts.insert(page.texts.end(), {{"name", printable(in.name, kNameBytesMax)},
                                       {"target", in.target ? printable(*in.target, kNameBytesMax) : ""},
                                       {"state_word", std::string(state_word(in.state))},
                                       {"state_class", std::string(state_class(in.state))},
                                       {"icon", icon_of(in.state)},
                                       {"since", in.since ? local_text(*in.since, *in.zone) : ""},
                                       {"since_utc", in.since ? rfc3339(*in.since) : ""},
                                       {"since_length", in.since ? duration_text((in.now - *in.since).count()) : ""},
                                       {"suspect_since", suspect ? local_text(*in.suspect_since, *in.zone) : ""},
                                       {"suspect_utc", suspect ? rfc3339(*in.suspect_since) : ""},
                                       {"as_of", local_text(model.as_of, *in.zone)},
                                       {"as_of_utc", rfc3339(model.as_of)},
                                       {"zone", std::string(in.zone->name())}});
  page.flags.insert(page.flags.end(),
                    {{"has_target", in.target.has_value()}, {"has_since", in.since.has_value()}, {"suspect", suspect}});
}

void add_days(Fields& page, const ReportModel& model) {
  std::vector<Fields> rows;
  for (auto day = model.days.rbegin(); day != model.days.rend(); ++day)
    rows.push_back(
        part_fields(date_text(day->date), model.input.links.to(to_string(day->date)), day->tally, day->uptime));
  page.texts.insert(
      page.texts.end(),
      {{"days_count", std::to_string(model.days.size())}, {"patterns", strip_patterns()}, {"key", strip_key()}});
  page.lists.emplace_back("parts", strip_parts(model));
  page.lists.emplace_back("day_rows", std::move(rows));
}

// The month that runs, and the years back to the first look.
void add_calendar(Fields& page, const ReportModel& model) {
  const ReportLinks& links = model.input.links;
  const Zone& zone = *model.input.zone;
  std::vector<Fields> list;
  const auto add = [&](const Period& period) {
    list.push_back(
        {.texts = {{"href", links.to(to_string(period))}, {"text", period_text(period)}}, .flags = {}, .lists = {}});
  };
  add(period_at(PeriodKind::kMonth, model.as_of, zone));
  const int first = period_at(PeriodKind::kYear, origin_of(model.input.ledger), zone).date.year;
  Period year = period_at(PeriodKind::kYear, model.as_of, zone);
  for (int i = 0; i < kYearsMax && (i == 0 || year.date.year >= first); ++i, --year.date.year) add(year);
  page.flags.emplace_back("has_calendar", !links.base.empty());
  page.lists.emplace_back("calendar", std::move(list));
}

}  // namespace

std::string overview_html(const ReportModel& model) {
  const ReportInput& in = model.input;
  Fields page;
  page.texts = {{"style", std::string(kStyle)}};
  add_header(page, model);
  std::vector<Fields> windows;
  for (const WindowFigures& window : model.windows) windows.push_back(window_fields(window));
  page.lists.emplace_back("windows", std::move(windows));
  add_days(page, model);
  add_calendar(page, model);
  add_chart(page, in.chart, *in.zone);
  add_downs(page,
            {&model.downs, model.downs_left_out, "The last 365 days", "not over yet", no_downs_text(model),
             in.glitches_90d.value_or(0), in.corrections},
            *in.zone);
  add_foot(page, {in.links.file("", ".json"), in.links.file("", ".csv"), in.badge_url, in.version});
  static const std::string kPage = std::string(kOverviewTemplate)
                                       .append(kChartTemplate)
                                       .append(kDownsTemplate)
                                       .append(kMethodTemplate)
                                       .append(kFootTemplate);
  return render_page(kPage, page);
}

std::string missing_report_html(bool gone) {
  Fields page;
  page.texts = {{"style", std::string(kStyle)},
                {"title", gone ? "This report is gone" : "There is no such report"},
                {"text", gone ? "Its owner has removed the monitor."
                              : "The address may be mistyped, or its owner has closed it or given it a new one."}};
  return render_page(kMissingTemplate, page);
}

}  // namespace everup::reports
