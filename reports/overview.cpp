// The overview page: model → fields of the template. See report.h and page_text.h.
#include <algorithm>

#include "reports/page_template.h"
#include "reports/page_text.h"
#include "reports/report.h"
#include "reports/strip.h"
#include "reports/words.h"

namespace everup::reports {
namespace {

constexpr std::size_t kPartDays = 30;
constexpr std::size_t kTextMax = 2048;  // bytes of a name or target on the page

std::string percent_text(const std::optional<std::int64_t>& thousandths) {
  if (!thousandths) return "n/a";
  if (*thousandths == 0) return "0%";
  if (*thousandths == 100'000) return "100%";
  std::string digits = std::to_string(*thousandths % 1000 + 1000).substr(1);
  if (digits.back() == '0') digits.pop_back();
  return std::to_string(*thousandths / 1000) + "." + digits + "%";
}

// A figure's colour follows the state it speaks of: any down is not green.
std::string_view tone_of(const WindowFigures& window) {
  if (!window.uptime.uptime) return "unknown";
  if (*window.uptime.uptime < 97'000) return "down";
  return *window.uptime.uptime < 99'500 ? "degraded" : "up";
}

std::string time_or_dash(std::int64_t ms) { return ms > 0 ? duration_text(ms) : "–"; }

Fields window_fields(const WindowFigures& window) {
  const bool bounds = window.uptime.uptime && window.tally.unknown_ms > 0;
  return {.texts = {{"title", std::string(window_title(window.name))},
                    {"display", window.uptime.display},
                    {"tone", std::string(tone_of(window))},
                    {"coverage", percent_text(window.uptime.coverage)},
                    {"down", time_or_dash(window.tally.down_ms)},
                    {"incidents", std::to_string(window.tally.incidents)},
                    {"longest", time_or_dash(window.tally.longest_down_ms)},
                    {"worst", percent_text(window.uptime.worst)},
                    {"best", percent_text(window.uptime.best)}},
          .flags = {{"has_bounds", bounds}},
          .lists = {}};
}

Fields day_fields(const DayFigures& day) {
  return {.texts = {{"date", date_text(day.date)},
                    {"display", day.uptime.display},
                    {"down", time_or_dash(day.tally.down_ms)},
                    {"degraded", time_or_dash(day.tally.degraded_ms)},
                    {"unknown", time_or_dash(day.tally.unknown_ms)},
                    {"incidents", std::to_string(day.tally.incidents)}},
          .flags = {},
          .lists = {}};
}

Fields down_fields(const Down& down, const Zone& zone) {
  const std::string reason = reason_text(down.reason);
  return {.texts = {{"from_utc", rfc3339(down.span.from)},
                    {"from", local_text(down.span.from, zone)},
                    {"to_utc", rfc3339(down.span.to)},
                    {"to", local_text(down.span.to, zone)},
                    {"length", duration_text(down.down_ms)},
                    {"reason", reason.empty() ? "–" : reason}},
          .flags = {{"open", down.open}, {"before", down.before}},
          .lists = {}};
}

std::vector<Fields> strip_parts(const std::vector<DayFigures>& days) {
  std::vector<Fields> parts;
  for (std::size_t first = 0; first < days.size(); first += kPartDays) {
    const std::size_t count = std::min(kPartDays, days.size() - first);
    const DayFigures& last = days[first + count - 1];
    const std::string label = date_text(days[first].date) + " to " + date_text(last.date);
    parts.push_back({.texts = {{"svg", strip_svg(days, first, count, label)},
                               {"first", short_date_text(days[first].date)},
                               {"last", short_date_text(last.date)}},
                     .flags = {},
                     .lists = {}});
  }
  return parts;
}

std::string key_sample(std::string_view name) {
  return "<svg viewBox=\"0 0 10 12\" aria-hidden=\"true\" focusable=\"false\"><path class=\"fill-" + std::string(name) +
         "\" d=\"M1 0h8v12h-8z\"/></svg>";
}

// A shape for each state, so that colour is never the only sign.
std::string icon_of(State state) {
  const auto drawn = [](std::string_view path) {
    return "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\" focusable=\"false\"><path d=\"" + std::string(path) +
           "\"/></svg>";
  };
  switch (state) {
    case State::kUp:
      return drawn("M5 13l5 5L20 7");
    case State::kDegraded:
      return drawn("M12 3L2.5 20h19zM12 10v4M12 17v.01");
    case State::kDown:
      return drawn("M6 6l12 12M18 6L6 18");
    case State::kMaintenance:
      return drawn("M14 7a4 4 0 0 1 5.5-3.7L17 6l1 1 2.7-2.5A4 4 0 0 1 15 10L7 18a2 2 0 0 1-3-3l8-8");
    case State::kPaused:
      return drawn("M8 5v14M16 5v14");
    case State::kUnknown:
    case State::kBeforeCreation:
      return drawn("M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 18v.01");
  }
  return {};
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
  page.texts.insert(page.texts.end(), {{"name", printable(in.name, kTextMax)},
                                       {"target", in.target ? printable(*in.target, kTextMax) : ""},
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
  for (auto day = model.days.rbegin(); day != model.days.rend(); ++day) rows.push_back(day_fields(*day));
  page.texts.insert(page.texts.end(),
                    {{"days_count", std::to_string(model.days.size())}, {"patterns", strip_patterns()}});
  for (const std::string_view name : {"up", "degraded", "down", "unknown", "maintenance", "paused", "before"})
    page.texts.emplace_back("key_" + std::string(name), key_sample(name));
  page.lists.emplace_back("parts", strip_parts(model.days));
  page.lists.emplace_back("day_rows", std::move(rows));
}

void add_downs(Fields& page, const ReportModel& model) {
  const ReportInput& in = model.input;
  std::vector<Fields> rows;
  for (const Down& down : model.downs) rows.push_back(down_fields(down, *in.zone));
  const std::int64_t glitches = in.glitches_90d.value_or(0);
  page.texts.insert(page.texts.end(), {{"left_out_count", std::to_string(model.downs_left_out)},
                                       {"no_downs", no_downs_text(model)},
                                       {"glitches", counted(glitches, "glitch", "glitches")},
                                       {"corrections", counted(in.corrections, "correction was", "corrections were")}});
  page.flags.insert(page.flags.end(), {{"has_downs", !rows.empty()},
                                       {"left_out", model.downs_left_out > 0},
                                       {"has_glitches", glitches > 0},
                                       {"has_corrections", in.corrections > 0}});
  page.lists.emplace_back("downs", std::move(rows));
}

}  // namespace

std::string overview_html(const ReportModel& model) {
  const ReportInput& in = model.input;
  Fields page;
  page.texts = {{"style", std::string(kStyle)}, {"badge_url", in.badge_url}, {"version", in.version}};
  page.flags = {{"has_badge", !in.badge_url.empty()}, {"has_version", !in.version.empty()}};
  add_header(page, model);
  std::vector<Fields> windows;
  for (const WindowFigures& window : model.windows) windows.push_back(window_fields(window));
  page.lists.emplace_back("windows", std::move(windows));
  add_days(page, model);
  add_downs(page, model);
  return render_page(kOverviewTemplate, page);
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
