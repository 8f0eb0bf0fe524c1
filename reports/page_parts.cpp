// See page_parts.h.
#include "reports/page_parts.h"

#include "reports/words.h"

namespace everup::reports {
namespace {

// "14:30" of the zone; charts need no date and no seconds.
std::string clock_text(WallTime t, const Zone& zone) { return local_text(t, zone).substr(11, 5); }

Fields down_fields(const Down& down, const std::string& open_text, const Zone& zone) {
  const std::string reason = reason_text(down.reason);
  return {.texts = {{"from_utc", rfc3339(down.span.from)},
                    {"from", local_text(down.span.from, zone)},
                    {"to_utc", rfc3339(down.span.to)},
                    {"to", local_text(down.span.to, zone)},
                    {"open_text", open_text},
                    {"length", duration_text(down.down_ms)},
                    {"reason", reason.empty() ? "–" : reason}},
          .flags = {{"open", down.open}, {"before", down.before}},
          .lists = {}};
}

std::string quantile_text(const std::optional<std::int64_t>& us) { return us ? latency_text(*us) : "–"; }

std::string chart_lead(const LatencyChart& chart, const Zone& zone) {
  const std::string from = local_text(chart.span.from, zone).substr(0, 16);
  const std::string to = local_text(chart.span.to, zone).substr(0, 16);
  const std::string window = "From " + from + " to " + to + ": ";
  if (chart.whole.count == 0) return window + "no check was answered, or its measurements are no longer kept.";
  return window + counted(chart.whole.count, "check", "checks") + " answered, half of them within " +
         latency_text(*chart.whole.p50_us) + ", 95 of 100 within " + latency_text(*chart.whole.p95_us) +
         ", 99 of 100 within " + latency_text(*chart.whole.p99_us) + ".";
}

}  // namespace

std::string percent_text(const std::optional<std::int64_t>& thousandths) {
  if (!thousandths) return "n/a";
  if (*thousandths == 0) return "0%";
  if (*thousandths == 100'000) return "100%";
  std::string digits = std::to_string(*thousandths % 1000 + 1000).substr(1);
  if (digits.back() == '0') digits.pop_back();
  return std::to_string(*thousandths / 1000) + "." + digits + "%";
}

std::string time_or_dash(std::int64_t ms) { return ms > 0 ? duration_text(ms) : "–"; }

std::string_view tone_of(const Uptime& uptime) {
  if (!uptime.uptime) return "unknown";
  if (*uptime.uptime < 97'000) return "down";
  return *uptime.uptime < 99'500 ? "degraded" : "up";
}

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

Fields part_fields(const std::string& name, const std::string& href, const Tally& tally, const Uptime& uptime) {
  return {.texts = {{"date", name},
                    {"href", href},
                    {"display", uptime.display},
                    {"coverage", percent_text(uptime.coverage)},
                    {"down", time_or_dash(tally.down_ms)},
                    {"degraded", time_or_dash(tally.degraded_ms)},
                    {"unknown", time_or_dash(tally.unknown_ms)},
                    {"incidents", std::to_string(tally.incidents)}},
          .flags = {{"has_href", !href.empty()}},
          .lists = {}};
}

void add_downs(Fields& page, const DownList& list, const Zone& zone) {
  std::vector<Fields> rows;
  for (const Down& down : *list.downs) rows.push_back(down_fields(down, list.open_text, zone));
  page.texts.insert(page.texts.end(),
                    {{"downs_caption", list.caption},
                     {"left_out_count", std::to_string(list.left_out)},
                     {"no_downs", list.none_text},
                     {"glitches", counted(list.glitches, "glitch", "glitches")},
                     {"corrections", counted(list.corrections, "correction was", "corrections were")}});
  page.flags.insert(page.flags.end(), {{"has_downs", !rows.empty()},
                                       {"left_out", list.left_out > 0},
                                       {"has_glitches", list.glitches > 0},
                                       {"has_corrections", list.corrections > 0}});
  page.lists.emplace_back("downs", std::move(rows));
}

void add_chart(Fields& page, const std::optional<LatencyChart>& chart, const Zone& zone) {
  const bool seen = chart && chart->whole.count > 0;
  page.flags.insert(page.flags.end(), {{"has_chart", chart.has_value()}, {"chart_seen", seen}});
  if (!chart) return;
  page.texts.emplace_back("chart_lead", chart_lead(*chart, zone));
  if (!seen) return;
  const std::int64_t top_us = scale_top_us(*chart);
  page.texts.insert(page.texts.end(), {{"chart_svg", chart_svg(*chart, chart_lead(*chart, zone))},
                                       {"chart_top", latency_text(top_us)},
                                       {"chart_middle", latency_text(top_us / 2)},
                                       {"chart_first", clock_text(chart->span.from, zone)},
                                       {"chart_last", clock_text(chart->span.to, zone)}});
  std::vector<Fields> rows;
  for (const LatencyBin& bin : chart->bins) {
    rows.push_back({.texts = {{"from", clock_text(bin.span.from, zone)},
                              {"p50", quantile_text(bin.p50_us)},
                              {"p95", quantile_text(bin.p95_us)},
                              {"p99", quantile_text(bin.p99_us)},
                              {"count", std::to_string(bin.count)}},
                    .flags = {},
                    .lists = {}});
  }
  page.lists.emplace_back("bins", std::move(rows));
}

void add_foot(Fields& page, const Files& files) {
  page.texts.insert(page.texts.end(), {{"json_url", files.json_url},
                                       {"csv_url", files.csv_url},
                                       {"badge_url", files.badge_url},
                                       {"version", files.version}});
  page.flags.insert(page.flags.end(), {{"has_files", !files.json_url.empty()},
                                       {"has_badge", !files.badge_url.empty()},
                                       {"has_version", !files.version.empty()}});
}

}  // namespace everup::reports
