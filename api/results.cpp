// What was seen of a monitor: results, uptime, spans, series. Every window ends where the ledger is settled (RULES B
// 5).
#include <algorithm>
#include <vector>

#include "api/house.h"
#include "api/json_text.h"
#include "api/parameters.h"
#include "api/problem.h"
#include "api/views.h"
#include "core/histogram.h"
#include "core/ledger.h"

namespace everup::api {
namespace {

constexpr milliseconds kLongest{400 * kDayMs};
constexpr std::int64_t kPointsWanted = 300;
constexpr std::int64_t kPointsMax = 1500;

HttpResponse page_answer(std::string data, const std::optional<std::string>& next) {
  JsonWriter out = JsonWriter::object();
  out.field_raw("data", data).key("next_cursor");
  if (next)
    out.text(*next);
  else
    out.null();
  return json_answer(std::move(out).take());
}

WallTime cut_to_second(WallTime t) { return WallTime{t.ms - t.ms % 1000}; }

// [from, to) as far as it is settled; an empty one stays where it is.
Span settled_part(const LedgerInput& input, Span wanted, WallTime now) {
  const WallTime end = cut_to_second(settled_until(input, now));
  return {wanted.from, std::max(wanted.from, std::min(wanted.to, end))};
}

HttpResponse uptime_answer(const LedgerInput& input, std::string_view window, Span span, WallTime now) {
  const WallTime as_of = cut_to_second(settled_until(input, now));
  return json_answer(uptime_json(window, span, as_of, tally(timeline_of(input, span, now))));
}

// The smallest step of the ladder that gives at most kPointsWanted points.
std::int64_t default_step_s(milliseconds length) {
  static constexpr std::int64_t kLadder[] = {60, 300, 600, 900, 1800, 3600, 7200, 10'800, 21'600, 43'200};
  for (const std::int64_t step : kLadder) {
    if (length.count() / (step * 1000) <= kPointsWanted) return step;
  }
  return 86'400;
}

struct Series {
  std::int64_t step_ms = 0;
  WallTime first;
  std::vector<LatencyHistogram> latency;
  std::vector<Tally> tallies;
};

Series collect(std::vector<LatencyHistogram> latency, const LedgerInput& input, Span span, WallTime first,
               std::int64_t step_ms, WallTime now) {
  Series out{step_ms, first, std::move(latency), {}};
  out.tallies.resize(out.latency.size());
  for (const LedgerSpan& piece : timeline_of(input, settled_part(input, span, now), now)) {
    for (WallTime at = piece.span.from; at < piece.span.to;) {
      const auto index = static_cast<std::size_t>((at.ms - out.first.ms) / out.step_ms);
      const WallTime end =
          std::min(piece.span.to, WallTime{out.first.ms + (static_cast<std::int64_t>(index) + 1) * out.step_ms});
      out.tallies[index] = out.tallies[index] + tally({LedgerSpan{{at, end}, piece.state, piece.reason}});
      at = end;
    }
  }
  return out;
}

std::string up_share(const Tally& t) {
  const std::int64_t up = t.up_ms + t.degraded_ms;
  const std::int64_t judged = up + t.down_ms;
  return judged == 0 ? "null" : json_thousandths(up * 1000 / judged);
}

std::string series_json(const Series& series) {
  JsonWriter t = JsonWriter::array();
  JsonWriter up = JsonWriter::array();
  JsonWriter checks = JsonWriter::array();
  JsonWriter p50 = JsonWriter::array();
  JsonWriter p95 = JsonWriter::array();
  JsonWriter p99 = JsonWriter::array();
  const auto quantile = [](const LatencyHistogram& h, double q) {
    const auto us = h.quantile_us(q);
    return us ? json_millis(*us) : std::string("null");
  };
  for (std::size_t i = 0; i < series.latency.size(); ++i) {
    t.number((series.first.ms + static_cast<std::int64_t>(i) * series.step_ms) / 1000);
    p50.raw(quantile(series.latency[i], 0.50));
    p95.raw(quantile(series.latency[i], 0.95));
    p99.raw(quantile(series.latency[i], 0.99));
    up.raw(up_share(series.tallies[i]));
    checks.number(series.latency[i].count());
  }
  JsonWriter out = JsonWriter::object();
  out.key("step_s").number(series.step_ms / 1000).field_raw("t", std::move(t).take());
  out.field_raw("p50", std::move(p50).take())
      .field_raw("p95", std::move(p95).take())
      .field_raw("p99", std::move(p99).take());
  out.field_raw("up", std::move(up).take()).field_raw("checks", std::move(checks).take());
  return std::move(out).take();
}

// Those of the monitor that overlap the span; the newest 1000.
Result<std::vector<db::IncidentRow>> incidents_in(const Call& call, Span span) {
  std::vector<db::IncidentRow> all;
  db::IncidentQuery query;
  query.monitor = call.path[0];
  query.from = span.from, query.to = span.to;
  query.limit = db::IncidentStore::kListMax;
  for (int page_number = 0; page_number < 5; ++page_number) {
    auto page = call.house->incidents().incidents(account(call), query);
    if (!page.ok()) return page.error();
    std::move(page->incidents.begin(), page->incidents.end(), std::back_inserter(all));
    if (!page->next_cursor) break;
    query.cursor = *page->next_cursor;
  }
  return all;
}

// The incident that a stretch of down belongs to: "" when there is none.
std::string incident_of(const LedgerSpan& part, const std::vector<db::IncidentRow>& incidents) {
  if (part.state != State::kDown) return {};
  const auto found = std::find_if(incidents.begin(), incidents.end(), [&](const db::IncidentRow& incident) {
    return incident.started_at < part.span.to && (!incident.ended_at || *incident.ended_at > part.span.from);
  });
  return found == incidents.end() ? std::string() : db::incident_id(found->key);
}

}  // namespace

Answer list_results(Call& call) {
  Parameters in(call);
  db::ResultsQuery query;
  query.from = in.time("from");
  query.to = in.time("to");
  query.limit = static_cast<int>(in.integer("limit", 50, 1, db::LedgerStore::kResultsMax));
  query.cursor = in.text("cursor", 1024);
  if (query.from && query.to && *query.from >= *query.to) in.wrong("from", "empty_window", "is before to");
  if (const auto* include = call.parameter("include")) {
    query.evidence = *include == "evidence";
    if (!query.evidence) in.wrong("include", "not_allowed", "is evidence");
  }
  if (!in.ok()) return invalid_fields(in.errors());
  auto page = call.house->ledger().results(account(call), call.path[0], query);
  if (!page.ok()) {
    if (page.error().code != ErrorCode::kInvalid) return failed(call, page.error());
    return invalid_fields({{"cursor", "bad_cursor", "is next_cursor of the page before"}});
  }
  JsonWriter data = JsonWriter::array();
  for (const auto& row : page->rows) data.raw(result_json(row));
  return page_answer(std::move(data).take(), page->next_cursor);
}

Answer get_uptime(Call& call) {
  Parameters in(call);
  const std::string* name = call.parameter("window");
  const bool explicit_span = call.parameter("from") != nullptr || call.parameter("to") != nullptr;
  if (name != nullptr && explicit_span) in.wrong("window", "not_allowed", "comes alone, or from and to instead");
  const auto length = rolling_window_ms(name != nullptr ? *name : "30d");
  if (!length) in.wrong("window", "not_allowed", "is 24h, 7d, 30d, 90d or 365d");
  const Span wanted = explicit_span ? in.window(milliseconds(30 * kDayMs), kLongest) : Span{};
  if (!in.ok()) return invalid_fields(in.errors());
  const WallTime from = explicit_span ? wanted.from : call.now - milliseconds(*length + db::LedgerStore::kSlackMs);
  auto input = call.house->ledger().ledger(account(call), call.path[0], from, call.now);
  if (!input.ok()) return failed(call, input.error());
  if (explicit_span) return uptime_answer(*input, "", settled_part(*input, wanted, call.now), call.now);
  return uptime_answer(*input, name != nullptr ? *name : "30d", rolling_window(*input, *length, call.now), call.now);
}

Answer list_spans(Call& call) {
  Parameters in(call);
  const Span wanted = in.window(milliseconds(30 * kDayMs), kLongest);
  const auto limit = static_cast<std::size_t>(in.integer("limit", 200, 1, 1000));
  std::optional<WallTime> after;
  if (call.parameter("cursor") != nullptr) {
    after = in.time("cursor");
    if (after && !wanted.contains(*after)) in.wrong("cursor", "bad_cursor", "is next_cursor of the page before");
  }
  if (!in.ok()) return invalid_fields(in.errors());
  auto input = call.house->ledger().ledger(account(call), call.path[0], wanted.from, call.now);
  if (!input.ok()) return failed(call, input.error());
  Span span = settled_part(*input, wanted, call.now);
  const bool to_the_end = span.to < wanted.to || wanted.to >= call.now;
  if (after) span.from = std::min(*after, span.to);
  Timeline timeline = timeline_of(*input, span, call.now);
  // Time before the first look is no state: the list starts at the first one.
  std::erase_if(timeline, [](const LedgerSpan& part) { return part.state == State::kBeforeCreation; });
  const auto incidents = incidents_in(call, span);
  if (!incidents.ok()) return failed(call, incidents.error());
  JsonWriter data = JsonWriter::array();
  for (std::size_t i = 0; i < std::min(limit, timeline.size()); ++i)
    data.raw(span_json(timeline[i], to_the_end && i + 1 == timeline.size(), incident_of(timeline[i], *incidents)));
  std::optional<std::string> next;
  if (timeline.size() > limit) next = rfc3339(timeline[limit].span.from);
  return page_answer(std::move(data).take(), next);
}

Answer get_series(Call& call) {
  Parameters in(call);
  const Span span = in.window(milliseconds(kDayMs), kLongest);
  const auto asked = in.duration_s("step");
  const std::int64_t step_s = asked.value_or(default_step_s(span.length()));
  if (in.ok() && span.length().count() / (step_s * 1000) > kPointsMax) {
    in.wrong("step", "too_many_points", "gives at most 1500 points: make it longer, or the window shorter");
  }
  if (!in.ok()) return invalid_fields(in.errors());
  auto input = call.house->ledger().ledger(account(call), call.path[0], span.from, call.now);
  if (!input.ok()) return failed(call, input.error());
  const std::int64_t step_ms = step_s * 1000;
  const WallTime first{span.from.ms - span.from.ms % step_ms};
  auto latency = call.house->ledger().series(account(call), call.path[0], span, first, milliseconds(step_ms));
  if (!latency.ok()) {
    if (latency.error().code != ErrorCode::kExhausted) return failed(call, latency.error());
    return invalid_fields({{"from", "window_too_long",
                            "holds more than 200000 looks: make the window shorter, or the step whole hours"}});
  }
  return json_answer(series_json(collect(*std::move(latency), *input, span, first, step_ms, call.now)));
}

}  // namespace everup::api
