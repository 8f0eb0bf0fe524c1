// Model values → fields of the templates. See status_page.h, status_text.h and status_words.h.
#include "reports/status_page.h"

#include <algorithm>

#include "core/outcome.h"
#include "reports/cut.h"
#include "reports/page_parts.h"
#include "reports/page_text.h"
#include "reports/status_text.h"
#include "reports/status_words.h"
#include "reports/strip.h"
#include "reports/words.h"

namespace everup::reports {
namespace {

constexpr std::size_t kPartDays = 30;
constexpr std::size_t kDaysTold = 10;  // of down time, in a strip's words
constexpr std::string_view kStaleMark = "<p class=\"stale\" role=\"status\" hidden>";
constexpr std::int64_t kWellWatched = 95'000;  // thousandths of a percent; below it coverage stands beside the figure

struct Tone {
  State state;  // whose colour and shape
  std::string_view key;
};
Tone tone_of(Overall overall) {
  switch (overall) {
    case Overall::kEmpty:
      return {State::kUnknown, "w_empty"};
    case Overall::kUp:
      return {State::kUp, "w_all_up"};
    case Overall::kMaintenance:
      return {State::kMaintenance, "w_some_maintenance"};
    case Overall::kUnknown:
      return {State::kUnknown, "w_some_unknown"};
    case Overall::kDegraded:
      return {State::kDegraded, "w_some_degraded"};
    case Overall::kSomeDown:
      return {State::kDown, "w_some_down"};
    case Overall::kAllDown:
      return {State::kDown, "w_all_down"};
  }
  return {State::kUnknown, "w_empty"};
}

// What weighs more is later; paused is nobody's trouble.
int weight(State state) {
  switch (state) {
    case State::kPaused:
      return 0;
    case State::kUp:
      return 1;
    case State::kMaintenance:
      return 2;
    case State::kBeforeCreation:
    case State::kUnknown:
      return 3;
    case State::kDegraded:
      return 4;
    case State::kDown:
      return 5;
  }
  return 3;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

std::string style_of(const StatusPageDraft& page) {
  std::string style = std::string(kStyle) + std::string(kStatusStyle);
  if (page.theme != "auto") {
    const bool dark = page.theme == "dark";
    replace_all(style, "color-scheme:light dark", dark ? "color-scheme:dark" : "color-scheme:light");
    replace_all(style, "@media (prefers-color-scheme:dark)", dark ? "@media screen" : "@media not all");
  }
  if (!page.accent.empty())
    style += ":root{--accent:" + page.accent + ";--accent-ink:" + std::string(ink_on(page.accent)) + "}\n";
  return style;
}

// A dot in the state's colour: a tab tells the state, too.
std::string icon_url(State state) {
  const std::string colour = state == State::kUp            ? "1a7f37"
                             : state == State::kDown        ? "c21f2b"
                             : state == State::kDegraded    ? "b77900"
                             : state == State::kMaintenance ? "0b62c4"
                                                            : "737c85";
  return "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' "
         "r='7' fill='%23" +
         colour + "'/%3E%3C/svg%3E";
}

Fields frame(const StatusPage& page, const std::string& title, State state) {
  Fields out;
  add_words(page.language, out);
  out.texts.insert(out.texts.end(), {{"lang", page.language},
                                     {"title", title},
                                     {"name", page.name},
                                     {"logo", page.logo},
                                     {"home", page.url},
                                     {"style", style_of(page)},
                                     {"icon_url", icon_url(state)}});
  out.flags = {{"noindex", page.noindex}, {"has_logo", !page.logo.empty()}, {"has_url", !page.url.empty()}};
  return out;
}

Fields frame(const StatusInput& in, const std::string& title) {
  Fields out = frame(in.page, title, tone_of(overall_of(in.groups)).state);
  out.texts.insert(out.texts.end(), {{"base", in.base},
                                     {"home_page", in.base.empty() ? "/" : in.base},
                                     {"url", in.url},
                                     {"zone", std::string(in.zone->name())},
                                     {"now", local_text(in.now, *in.zone)},
                                     {"now_utc", rfc3339(in.now)},
                                     {"version", in.version}});
  out.flags.insert(out.flags.end(), {{"has_feeds", true}, {"has_version", !in.version.empty()}});
  return out;
}

std::string stage_key(const std::string& stage) { return "w_" + (stage.empty() ? "update" : stage); }

struct Event {
  WallTime at;
  std::string_view key, kind;
  std::string text;
};

// Newest first.
std::vector<Fields> course_of(const StatusInput& in, const StatusIncident& incident) {
  std::vector<Event> events{{incident.started_at, "w_detected", "seen", ""},
                            {incident.confirmed_at, "w_confirmed", "seen", ""}};
  if (incident.acknowledged_at) events.push_back({*incident.acknowledged_at, "w_acknowledged", "seen", ""});
  std::vector<std::string> keys;
  keys.reserve(incident.updates.size());
  for (const StatusUpdate& one : incident.updates) {
    keys.push_back(stage_key(one.stage));
    events.push_back({one.at, keys.back(), "told", one.text});
  }
  if (incident.ended_at) events.push_back({*incident.ended_at, "w_resolved", "end", ""});
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
  std::vector<Fields> out;
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    out.push_back({.texts = {{"word", std::string(word(in.page.language, event->key))},
                             {"kind", std::string(event->kind)},
                             {"at", local_text(event->at, *in.zone)},
                             {"at_utc", rfc3339(event->at)},
                             {"text", event->text}},
                   .flags = {{"has_text", !event->text.empty()}},
                   .lists = {}});
  }
  return out;
}

Fields incident_fields(const StatusInput& in, const StatusIncident& incident) {
  const std::int64_t ms = (incident.ended_at.value_or(in.now) - incident.started_at).count();
  return {.texts = {{"name", incident.name},
                    {"cause", incident.cause},
                    {"href", in.base + "/incidents/" + incident.id},
                    {"tone", incident.ended_at ? "up" : "down"},
                    {"stage", std::string(word(in.page.language, stage_key(incident.stage())))},
                    {"started", local_text(incident.started_at, *in.zone)},
                    {"started_utc", rfc3339(incident.started_at)},
                    {"length", duration_text(ms)}},
          .flags = {{"open", !incident.ended_at}},
          .lists = {{"course", course_of(in, incident)}}};
}

Fields window_fields(const StatusInput& in, const StatusMaintenance& one) {
  std::string affected;
  for (const std::string& name : one.names) affected += (affected.empty() ? "" : ", ") + name;
  return {.texts = {{"name", one.name},
                    {"when", std::string(word(in.page.language, one.span.from <= in.now ? "w_now" : "w_upcoming"))},
                    {"from", local_text(one.span.from, *in.zone)},
                    {"from_utc", rfc3339(one.span.from)},
                    {"to", local_text(one.span.to, *in.zone)},
                    {"to_utc", rfc3339(one.span.to)},
                    {"affected", affected}},
          .flags = {},
          .lists = {}};
}

// What a pointer reads of a day; the same in every language but for two words.
std::string day_text(std::string_view language, const DayFigures& day) {
  std::string text = to_string(day.date) + ": ";
  text += day.uptime.uptime ? day.uptime.display : std::string(word(language, "w_nothing"));
  if (day.tally.down_ms > 0)
    text += ", " + std::string(word(language, "w_down")) + " " + duration_text(day.tally.down_ms);
  if (day.tally.degraded_ms > 0)
    text += ", " + std::string(word(language, "w_degraded")) + " " + duration_text(day.tally.degraded_ms);
  if (day.tally.unknown_ms > 0)
    text += ", " + std::string(word(language, "w_unknown")) + " " + duration_text(day.tally.unknown_ms);
  if (day.tally.maintenance_ms > 0)
    text += ", " + std::string(word(language, "w_maintenance")) + " " + duration_text(day.tally.maintenance_ms);
  return text;
}

std::string strip_label(std::string_view language, const std::string& name, const std::vector<DayFigures>& days) {
  std::string down;
  std::size_t told = 0, count = 0;
  for (auto day = days.rbegin(); day != days.rend(); ++day) {
    if (day->tally.down_ms == 0) continue;
    ++count;
    if (told++ < kDaysTold)
      down += (down.empty() ? "" : ", ") + to_string(day->date) + " (" + duration_text(day->tally.down_ms) + ")";
  }
  return name + ", " + std::string(word(language, "w_90d")) + ". " + std::string(word(language, "w_days_down")) + ": " +
         std::to_string(count) + (down.empty() ? "" : ": " + down + (count > kDaysTold ? ", …" : ""));
}

std::vector<Fields> parts_of(const StatusInput& in, const std::vector<DayFigures>& days, bool handles) {
  std::vector<Bar> bars;
  for (const DayFigures& day : days) bars.push_back({day.tally, handles ? day_text(in.page.language, day) : "", ""});
  std::vector<Fields> parts;
  for (std::size_t first = 0; first < days.size(); first += kPartDays) {
    const std::size_t count = std::min(kPartDays, days.size() - first);
    const bool last = first + count == days.size();
    const std::string from = to_string(days[first].date), to = to_string(days[first + count - 1].date);
    parts.push_back({.texts = {{"svg", strip_svg(bars, first, count, from + " – " + to)},
                               {"first", from},
                               {"last", last ? std::string(word(in.page.language, "w_today")) : to}},
                     .flags = {},
                     .lists = {}});
  }
  return parts;
}

std::string figure_of(const StatusInput& in, const Tally& total) {
  const Uptime uptime = uptime_of(total);
  if (!uptime.uptime) return "–";
  if (!uptime.coverage || *uptime.coverage >= kWellWatched) return uptime.display;
  return uptime.display + " (" + percent_text(uptime.coverage) + " " +
         std::string(word(in.page.language, "w_watched")) + ")";
}

Fields row_fields(const StatusInput& in, const StatusRow& row, bool handles, WallTime& as_of) {
  const std::int64_t asked = rolling_window_ms(in.window).value_or(kDays * kDayMs);
  const Span longest = rolling_window(row.ledger, std::max<std::int64_t>(asked, (kDays + 1) * kDayMs), in.now);
  const Timeline timeline = timeline_of(row.ledger, longest, in.now);
  const auto days = days_of(timeline, longest.to, *in.zone);
  const Tally total = tally(clipped(timeline, {longest.to - milliseconds(asked), longest.to}));
  as_of = std::min(as_of, longest.to);
  const std::string_view language = in.page.language;
  std::string note;
  if (row.suspect_since)
    note = std::string(word(language, "w_suspect")) + " (" + local_text(*row.suspect_since, *in.zone) + ")";
  else if (row.since && row.state != State::kUp)
    note = std::string(word(language, "w_since")) + " " + local_text(*row.since, *in.zone);
  return {.texts = {{"name", row.name},
                    {"report", row.report},
                    {"state_class", std::string(state_class(row.state))},
                    {"state", std::string(state_word(language, row.state))},
                    {"icon", icon_of(row.state)},
                    {"figure", figure_of(in, total)},
                    {"note", note},
                    {"label", strip_label(language, row.name, days)}},
          .flags = {{"has_report", !row.report.empty()}, {"has_note", !note.empty()}},
          .lists = {{"parts", parts_of(in, days, handles)}}};
}

void add_groups(const StatusInput& in, Fields& page, WallTime& as_of) {
  std::size_t count = 0;
  for (const StatusGroup& group : in.groups) count += group.rows.size();
  std::vector<Fields> groups;
  for (const StatusGroup& group : in.groups) {
    if (group.rows.empty()) continue;
    std::vector<Fields> rows;
    for (const StatusRow& row : group.rows) rows.push_back(row_fields(in, row, count <= kHandlesMax, as_of));
    const State state = state_of(group.rows);
    groups.push_back({.texts = {{"group", group.name},
                                {"state_class", std::string(state_class(state))},
                                {"state", std::string(state_word(in.page.language, state))},
                                {"icon", icon_of(state)}},
                      .flags = {{"has_name", !group.name.empty()}},
                      .lists = {{"rows", std::move(rows)}}});
  }
  page.flags.emplace_back("has_groups", !groups.empty());
  page.lists.emplace_back("groups", std::move(groups));
}

std::vector<Fields> window_links(const StatusInput& in) {
  std::vector<Fields> out;
  for (const std::string_view window : kReportWindows) {
    out.push_back({.texts = {{"href", (in.base.empty() ? "/" : in.base) + "?window=" + std::string(window)},
                             {"text", std::string(word(in.page.language, "w_" + std::string(window)))}},
                   .flags = {{"current", window == in.window}},
                   .lists = {}});
  }
  return out;
}

std::string key_of(std::string_view language) {
  return strip_key({word(language, "w_up"), word(language, "w_degraded_key"), word(language, "w_down"),
                    word(language, "w_unknown"), word(language, "w_maintenance"), word(language, "w_paused"),
                    word(language, "w_before")});
}

std::string page_of(std::initializer_list<std::string_view> parts, const Fields& fields) {
  std::string whole(kStatusHead);
  for (const std::string_view part : parts) whole += part;
  return render_page(whole.append(kStatusFoot), fields);
}

// A list of the same template in another place: `name` instead of "incidents".
std::string listed(std::string_view name) {
  std::string text(kStatusIncident);
  replace_all(text, "{{#incidents}}", "{{#" + std::string(name) + "}}");
  replace_all(text, "{{/incidents}}", "{{/" + std::string(name) + "}}");
  return text;
}

std::string plain_page(const std::string& title, const std::string& text) {
  Fields page;
  page.texts = {{"style", std::string(kStyle)}, {"title", title}, {"text", text}};
  std::string whole(kMissingTemplate);
  replace_all(whole, "Availability report", "Status page");
  return render_page(whole, page);
}

}  // namespace

std::string StatusIncident::stage() const {
  if (ended_at) return "resolved";
  for (auto one = updates.rbegin(); one != updates.rend(); ++one) {
    if (!one->stage.empty()) return one->stage;
  }
  return "investigating";
}

WallTime StatusIncident::changed_at() const {
  WallTime at = std::max(confirmed_at, ended_at.value_or(confirmed_at));
  for (const StatusUpdate& one : updates) at = std::max(at, one.at);
  return std::max(at, acknowledged_at.value_or(at));
}

State state_of(const std::vector<StatusRow>& rows) {
  State worst = rows.empty() ? State::kUnknown : rows.front().state;
  for (const StatusRow& row : rows) {
    if (weight(row.state) > weight(worst)) worst = row.state;
  }
  return worst;
}

Overall overall_of(const std::vector<StatusGroup>& groups) {
  std::size_t judged = 0, down = 0, all = 0;
  State worst = State::kPaused;
  for (const StatusGroup& group : groups) {
    for (const StatusRow& row : group.rows) {
      ++all;
      judged += row.state != State::kPaused ? 1 : 0;
      down += row.state == State::kDown ? 1 : 0;
      if (weight(row.state) > weight(worst)) worst = row.state;
    }
  }
  if (all == 0) return Overall::kEmpty;
  switch (worst) {
    case State::kDown:
      return down == judged && judged > 1 ? Overall::kAllDown : Overall::kSomeDown;
    case State::kDegraded:
      return Overall::kDegraded;
    case State::kMaintenance:
      return Overall::kMaintenance;
    case State::kUp:
      return Overall::kUp;
    case State::kUnknown:
    case State::kPaused:
    case State::kBeforeCreation:
      return Overall::kUnknown;
  }
  return Overall::kUnknown;
}

std::string status_html(const StatusInput& in) {
  const Tone tone = tone_of(overall_of(in.groups));
  const std::string overall(word(in.page.language, tone.key));
  Fields page = frame(in, in.page.name + ": " + overall);
  WallTime as_of = in.now;
  add_groups(in, page, as_of);
  page.texts.insert(page.texts.end(), {{"about", in.page.description},
                                       {"overall", overall},
                                       {"overall_class", std::string(state_class(tone.state))},
                                       {"overall_icon", icon_of(tone.state)},
                                       {"as_of", local_text(as_of, *in.zone)},
                                       {"as_of_utc", rfc3339(as_of)},
                                       {"patterns", strip_patterns()},
                                       {"key", key_of(in.page.language)}});
  std::vector<Fields> active, past, planned;
  for (const StatusIncident& one : in.incidents) {
    auto& list = one.ended_at ? past : active;
    if (list.size() < kIncidentsMax) list.push_back(incident_fields(in, one));
  }
  for (const StatusMaintenance& one : in.maintenance) {
    if (planned.size() < kWindowsMax) planned.push_back(window_fields(in, one));
  }
  page.flags.insert(page.flags.end(), {{"has_about", !in.page.description.empty()},
                                       {"has_active", !active.empty()},
                                       {"has_past", !past.empty()},
                                       {"has_planned", !planned.empty()}});
  page.lists.emplace_back("active", std::move(active));
  page.lists.emplace_back("past", std::move(past));
  page.lists.emplace_back("planned", std::move(planned));
  page.lists.emplace_back("windows", window_links(in));
  return page_of({kStatusTop, listed("active"), kStatusSystems, listed("past"), kStatusBottom}, page);
}

std::string status_month_html(const StatusInput& in, const Period& month) {
  const std::string title = to_string(month);
  Fields page = frame(in, in.page.name + ": " + title);
  const Span span = span_of(month, *in.zone);
  const Period before = period_at(PeriodKind::kMonth, span.from - milliseconds(1), *in.zone);
  const Period after = period_at(PeriodKind::kMonth, span.to, *in.zone);
  page.texts.insert(page.texts.end(), {{"month", title}, {"previous", to_string(before)}, {"next", to_string(after)}});
  std::vector<Fields> incidents;
  for (const StatusIncident& one : in.incidents) incidents.push_back(incident_fields(in, one));
  page.flags.insert(page.flags.end(), {{"has_incidents", !incidents.empty()}, {"has_next", span.to <= in.now}});
  page.lists.emplace_back("incidents", std::move(incidents));
  return page_of({kStatusMonth, kStatusIncident, kStatusMonthEnd}, page);
}

std::string status_incident_html(const StatusInput& in, const StatusIncident& incident) {
  const std::string heading = incident.name + ": " + incident.cause;
  Fields page = frame(in, heading + " · " + in.page.name);
  page.texts.insert(
      page.texts.end(),
      {{"heading", heading}, {"month", to_string(period_at(PeriodKind::kMonth, incident.started_at, *in.zone))}});
  page.lists.emplace_back("incidents", std::vector<Fields>{incident_fields(in, incident)});
  return page_of({kStatusOne, kStatusIncident, "</section>\n"}, page);
}

std::string status_locked_html(const StatusPage& page, std::string_view action, std::string_view error) {
  Fields out = frame(page, page.name, State::kUnknown);
  out.texts.insert(out.texts.end(), {{"action", std::string(action)},
                                     {"error", error.empty() ? "" : std::string(word(page.language, error))},
                                     {"zone", page.timezone}});
  out.flags.emplace_back("has_error", !error.empty());
  return page_of({kStatusLocked}, out);
}

std::string missing_status_html() {
  return plain_page("There is no such page", "The address may be mistyped, or its owner has closed it.");
}
std::string unavailable_status_html() {
  return plain_page("This page cannot be shown now",
                    "What it reports on may be fine: it is the page itself that has trouble. Try again in a minute.");
}

std::string marked_stale(std::string html) {
  replace_all(html, kStaleMark, "<p class=\"stale\" role=\"status\">");
  return html;
}

}  // namespace everup::reports
