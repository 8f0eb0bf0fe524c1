// Public reports: the overview, calendar years, months and days; as a page, as JSON, as CSV. Figures, strip and files
// of one report come from one model (reports/). `?tz=` moves the page into the reader's zone; files keep the monitor's,
// because a signed figure has one zone. Unknown, rotated, private and deleted tokens look the same: 404.
#include "api/house.h"
#include "api/problem.h"
#include "core/ledger.h"
#include "db/report_store.h"
#include "net/digest.h"
#include "reports/period_report.h"
#include "reports/report.h"
#include "reports/report_json.h"

namespace everup::api {
namespace {

constexpr std::int64_t kOverviewMs = 366 * kDayMs;

enum class Form { kPage, kJson, kCsv };

HttpResponse page(std::string body, int status) {
  HttpResponse response;
  response.status = status;
  response.content_type = std::string(reports::kReportType);
  response.body = std::move(body);
  response.compressible = true;
  response.set("Content-Security-Policy", std::string(reports::kReportCsp));
  response.set("X-Robots-Tag", "noindex");
  return response;
}

HttpResponse file(Form form, std::string body, const std::string& name) {
  HttpResponse response;
  response.content_type = form == Form::kCsv ? std::string(reports::kCsvType) : "application/json";
  response.body = std::move(body);
  response.compressible = true;
  response.set("Content-Disposition", (form == Form::kCsv ? "attachment" : "inline") +
                                          std::string("; filename=\"report") + (name.empty() ? "" : "-" + name) +
                                          (form == Form::kCsv ? ".csv\"" : ".json\""));
  response.set("X-Robots-Tag", "noindex");
  return response;
}

HttpResponse missing(Form form) {
  if (form == Form::kPage) return page(reports::missing_report_html(false), 404);
  HttpResponse response = problem(404, "not_found", "there is no such report");
  response.set("Cache-Control", "public, max-age=60");  // as the page's
  return response;
}

// Signed when we have keys; what was signed for the same state of things has the same bytes.
HttpResponse json_file(const Call& call, std::string canonical, WallTime as_of, const std::string& name) {
  const auto& sign = call.house->options.sign_report;
  if (!sign) return file(Form::kJson, std::move(canonical), name);
  auto document = sign(canonical, as_of);
  if (!document) return failed(call, document.error());
  return file(Form::kJson, *std::move(document), name);
}

// The frozen document of a closed month: never made again.
std::optional<HttpResponse> closed_month(const Call& call, const reports::Period& period) {
  db::ReportStore* store = call.house->options.reports;
  if (store == nullptr || period.kind != reports::PeriodKind::kMonth) return std::nullopt;
  auto document = store->month_document(call.path[0], to_string(period));
  if (!document) return failed(call, document.error());
  if (!document->has_value()) return std::nullopt;
  return file(Form::kJson, std::move(**document), to_string(period));
}

// '/' and '+' are what zone names have beside letters, digits, '_' and '-'.
std::string query_of(const std::string& zone) {
  std::string out = "?tz=";
  for (const char c : zone) out += c == '/' ? std::string("%2F") : c == '+' ? std::string("%2B") : std::string(1, c);
  return out;
}

// A report's ledger and zone, or the answer when there is none.
struct Found {
  db::PublicLedger ledger;
  const Zone* zone = nullptr;
  reports::ReportLinks links;
};
std::variant<Found, HttpResponse> find(const Call& call, Form form, WallTime from) {
  if (!net::is_token(call.path[0])) return missing(form);
  const std::string* asked = call.parameter("tz");
  if (asked != nullptr && form != Form::kPage)
    return invalid_fields({{"tz", "not_allowed", "is for pages; files are in the monitor's own zone"}});
  auto ledger = call.house->ledger().by_token(db::TokenKind::kReport, call.path[0], from, call.now);
  if (!ledger.ok()) return ledger.error().code == ErrorCode::kNotFound ? missing(form) : failed(call, ledger.error());
  const Zones& zones = *call.house->options.zones;
  const Zone* zone = zones.find(asked != nullptr ? *asked : ledger->monitor.timezone);
  if (zone == nullptr && asked != nullptr)
    return invalid_fields({{"tz", "unknown_timezone", "is an IANA name like Europe/Prague"}});
  if (zone == nullptr) zone = zones.find("UTC");
  if (zone == nullptr) return failed(call, Error{ErrorCode::kInternal, "zones: no UTC"});
  reports::ReportLinks links{"/report/" + call.path[0], asked != nullptr ? query_of(*asked) : ""};
  return Found{*std::move(ledger), zone, std::move(links)};
}

std::optional<std::string> shown_target(const db::PublicMonitor& monitor) {
  if (!monitor.links.show_target) return std::nullopt;
  return monitor.target.url();
}

// nullopt: too many looks to read for a page, or they cannot be read now; the page goes without.
std::optional<reports::LatencyChart> chart_of(const Call& call, Span span) {
  const auto points = call.house->ledger().latencies_by_token(db::TokenKind::kReport, call.path[0], span);
  if (!points) return std::nullopt;
  std::vector<reports::LatencySample> samples;
  samples.reserve(points->size());
  for (const db::LatencyPoint& point : *points) {
    const bool answered = point.verdict == Verdict::kUp || point.verdict == Verdict::kDegraded;
    if (answered) samples.push_back({point.at, point.total_us});
  }
  return reports::latency_chart(span, samples);
}

reports::ReportInput overview_input(const Call& call, Found&& found) {
  reports::ReportInput input;
  const db::PublicMonitor& monitor = found.ledger.monitor;
  input.name = monitor.name;
  input.target = shown_target(monitor);
  input.state = found.ledger.state;
  input.since = found.ledger.since;
  input.suspect_since = found.ledger.suspect_since;
  input.ledger = std::move(found.ledger.input);
  input.glitches_90d = found.ledger.glitches_90d;
  input.corrections = found.ledger.corrections;
  input.zone = found.zone;
  input.now = call.now;
  if (monitor.links.badge && !monitor.badge_token.empty())
    input.badge_url = "/badge/" + monitor.badge_token + "/uptime/90d.svg";
  input.version = call.house->options.version;
  input.links = std::move(found.links);
  return input;
}

Answer overview(const Call& call, Form form) {
  auto answer = find(call, form, call.now - milliseconds(kOverviewMs + db::LedgerStore::kSlackMs));
  if (auto* refusal = std::get_if<HttpResponse>(&answer)) return std::move(*refusal);
  auto& found = std::get<Found>(answer);
  const std::string id = to_string(found.ledger.monitor.id);
  auto input = overview_input(call, std::move(found));
  if (form == Form::kPage) input.chart = chart_of(call, rolling_window(input.ledger, kDayMs, call.now));
  const auto model = reports::report_model(std::move(input));
  switch (form) {
    case Form::kPage:
      return page(reports::overview_html(model), 200);
    case Form::kJson:
      return json_file(call, reports::overview_json(model, id), model.as_of, "");
    case Form::kCsv:
      return file(form, reports::overview_csv(model), "");
  }
  return missing(form);
}

// Days up to a little after retention ends may have response times.
bool wants_chart(const reports::PeriodModel& model, Form form) {
  return form == Form::kPage && model.input.period.kind == reports::PeriodKind::kDay && !model.seen.empty();
}

Answer period(const Call& call, Form form) {
  const auto asked = reports::parse_period(call.path[1]);
  if (!asked) return missing(form);
  const auto first_day = parse_time(everup::to_string(asked->date) + "T00:00:00Z");
  auto answer = find(call, form, first_day.value_or(WallTime{0}) - milliseconds(db::LedgerStore::kSlackMs));
  if (auto* refusal = std::get_if<HttpResponse>(&answer)) return std::move(*refusal);
  if (form == Form::kJson) {
    if (auto closed = closed_month(call, *asked)) return *std::move(closed);
  }
  auto& found = std::get<Found>(answer);
  reports::PeriodInput input;
  input.period = *asked;
  input.monitor_id = to_string(found.ledger.monitor.id);
  input.name = found.ledger.monitor.name;
  input.target = shown_target(found.ledger.monitor);
  input.ledger = std::move(found.ledger.input);
  input.zone = found.zone;
  input.now = call.now;
  input.version = call.house->options.version;
  input.links = std::move(found.links);
  auto model = reports::period_model(std::move(input));
  if (!model) return missing(form);
  if (model->timeline.size() > reports::kSpansMax)
    return problem(422, "too_many_spans", "this period holds more than 200000 changes: ask for a shorter one");
  if (wants_chart(*model, form)) model->input.chart = chart_of(call, model->seen);
  switch (form) {
    case Form::kPage:
      return page(reports::period_html(*model), 200);
    case Form::kJson:
      return json_file(call, reports::period_json(*model), model->seen.to, to_string(*asked));
    case Form::kCsv:
      return file(form, reports::period_csv(*model), to_string(*asked));
  }
  return missing(form);
}

}  // namespace

Answer report_page(Call& call) { return overview(call, Form::kPage); }
Answer report_json(Call& call) { return overview(call, Form::kJson); }
Answer report_csv(Call& call) { return overview(call, Form::kCsv); }
Answer period_page(Call& call) { return period(call, Form::kPage); }
Answer period_json(Call& call) { return period(call, Form::kJson); }
Answer period_csv(Call& call) { return period(call, Form::kCsv); }

Answer report_keys(Call& call) {
  const auto& keys = call.house->options.report_keys;
  if (!keys) return problem(404, "not_found", "reports are not signed here");
  auto list = keys();
  if (!list) return failed(call, list.error());
  return json_answer(*std::move(list));
}

}  // namespace everup::api
