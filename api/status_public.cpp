// What everybody reads of a status page: /status/{slug}, its months and incidents, feeds, calendar and Statuspage JSON;
// on a domain of its own the same at the root (status_address.h). Unknown, foreign, unpublished and removed pages look
// the same: 404. A page with a password answers nothing without it, in no form, and is nobody else's to keep.
//
// The password's cookie is sealed and bound to the page and its present password: nothing is stored for it, and a new
// password ends it. Guesses are throttled as those of sign-in are, by page and network.
#include <map>

#include "api/house.h"
#include "api/problem.h"
#include "api/status_address.h"
#include "core/ledger.h"
#include "db/status_page_store.h"
#include "net/digest.h"
#include "reports/status_feeds.h"
#include "reports/status_page.h"

namespace everup::api {
namespace {

constexpr std::int64_t kStripMs = 91 * kDayMs;
constexpr std::int64_t kRecentMs = 14 * kDayMs;  // past incidents on the front page
constexpr std::int64_t kFeedMs = 90 * kDayMs;
constexpr std::int64_t kPlannedMs = 30 * kDayMs;  // maintenance on the front page
constexpr std::int64_t kCalendarMs = 366 * kDayMs;
constexpr std::int64_t kOpenS = 7 * 86'400;  // how long a password is remembered
constexpr std::string_view kCookie = "everup_page";

// How trouble is told: people get pages, programs problems.
enum class Form : std::uint8_t { kPage, kData };

HttpResponse html(std::string body, int status = 200) {
  HttpResponse response;
  response.status = status;
  response.content_type = std::string(reports::kReportType);
  response.body = std::move(body);
  response.compressible = true;
  response.set("Content-Security-Policy", std::string(reports::kStatusCsp));
  response.set("Referrer-Policy", "same-origin");  // without a referrer a browser's form would come from "null"
  return response;
}

HttpResponse data(std::string_view type, std::string body) {
  HttpResponse response;
  response.content_type = std::string(type);
  response.body = std::move(body);
  response.compressible = true;
  return response;
}

HttpResponse missing(Form form) {
  if (form == Form::kData) {
    HttpResponse response = problem(404, "not_found", "there is no such status page");
    response.set("Cache-Control", "public, max-age=10");  // as the page's
    return response;
  }
  HttpResponse response = html(reports::missing_status_html(), 404);
  response.set("X-Robots-Tag", "noindex");
  return response;
}

HttpResponse broken(const Call& call, Form form, const Error& error) {
  if (error.code == ErrorCode::kNotFound) return missing(form);
  HttpResponse problem = failed(call, error);
  if (form == Form::kData) return problem;
  HttpResponse response = html(reports::unavailable_status_html(), problem.status);
  response.set("Retry-After", "5");
  return response;
}

bool on_domain(const Call& call) { return call.path[0].starts_with('@'); }

Result<StatusPage> find_page(const Call& call) {
  if (on_domain(call)) return call.house->status_pages().published_at(call.path[0].substr(1));
  return call.house->status_pages().published(call.path[0]);
}

// ---- the password
std::string context_of(const StatusPage& page) {
  return "status page " + to_string(page.id) + " " + page.password_hash;
}

std::optional<std::string> cookie_of(const HttpRequest& request) {
  const std::string* all = request.find("cookie");
  if (all == nullptr) return std::nullopt;
  const std::string mark = std::string(kCookie) + "=";
  for (std::string_view rest = *all; !rest.empty();) {
    const auto end = std::min(rest.find(';'), rest.size());
    const std::string_view one = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (one.starts_with(mark)) return std::string(one.substr(mark.size()));
  }
  return std::nullopt;
}

bool is_open(const Call& call, const StatusPage& page) {
  if (page.password_hash.empty()) return true;
  const auto cookie = cookie_of(*call.request);
  const auto sealed = cookie ? net::from_base64url(*cookie) : std::nullopt;
  if (!sealed || !call.house->options.vault->open) return false;
  const auto until = call.house->options.vault->open(*sealed, context_of(page));
  const auto time = until.ok() ? parse_time(*until) : std::nullopt;
  return time && *time > call.now;
}

std::string action_of(const Call& call, const StatusPage& page) {
  return on_domain(call) ? "/" : "/status/" + page.slug;
}

HttpResponse locked(const Call& call, const StatusPage& page, Form form, std::string_view error, int status = 401) {
  HttpResponse response = form == Form::kData
                              ? problem(401, "unauthorized", "this status page has a password")
                              : html(reports::status_locked_html(page, action_of(call, page), error), status);
  if (response.status == 401) response.set("WWW-Authenticate", "Everup realm=\"status page\"");
  response.set("Cache-Control", "private, no-store");
  return response;
}

// An answer of the page: whose it is to keep, and whether machines may list it.
HttpResponse dressed(const StatusPage& page, HttpResponse response) {
  if (!page.password_hash.empty()) response.set("Cache-Control", "private, no-store");
  if (page.noindex || !page.password_hash.empty()) response.set("X-Robots-Tag", "noindex");
  return response;
}

// ---- the model
struct Wanted {
  Form form = Form::kPage;
  std::string window;  // empty: the page's own
  Span incidents;
  Span maintenance;
  std::optional<db::IncidentKey> only;
};

std::map<std::int64_t, std::string> add_rows(std::vector<db::PublicLedger>&& ledgers, reports::StatusInput& in) {
  std::map<std::int64_t, db::PublicLedger*> by_id;
  for (db::PublicLedger& one : ledgers) by_id[one.monitor.id.value] = &one;
  std::map<std::int64_t, std::string> names;
  for (const StatusPageGroup& group : in.page.groups) {
    reports::StatusGroup& out = in.groups.emplace_back(reports::StatusGroup{group.name, {}});
    for (const StatusPageMonitor& shown : group.monitors) {
      const auto found = by_id.find(parse_id<MonitorTag>(shown.monitor).value_or(MonitorId{}).value);
      if (found == by_id.end()) continue;  // removed since
      db::PublicLedger& one = *found->second;
      const std::string name = printable(shown.name.empty() ? one.monitor.name : shown.name, 2048);
      names[found->first] = name;
      // A report tells the monitor's own name: where the page gives another one, it does not lead there.
      const std::string token = shown.name.empty() ? one.monitor.report_token : std::string();
      out.rows.push_back({shown.monitor, name, token.empty() ? "" : "/report/" + token, one.monitor.created_at,
                          one.state, one.since, one.suspect_since, std::move(one.input)});
    }
  }
  return names;
}

reports::StatusIncident incident_of(const db::PublicIncident& one, const std::string& name) {
  const auto cause = cause_from_number(one.cause);
  reports::StatusIncident out{db::incident_id(one.key),
                              to_string(one.key.monitor),
                              name,
                              cause ? std::string(facts(*cause).english) : std::string("down"),
                              one.started_at,
                              one.confirmed_at,
                              one.ended_at,
                              one.acknowledged_at,
                              {}};
  for (const db::PublicUpdate& update : one.updates)
    out.updates.push_back(
        {out.id + "-" + std::to_string(update.id), update.at, std::string(slug(update.stage)), update.text});
  return out;
}

// A name for each monitor that the page shows; others are not spoken of.
std::optional<std::string> name_of(const std::map<std::int64_t, std::string>& names, MonitorId id) {
  const auto found = names.find(id.value);
  if (found == names.end()) return std::nullopt;
  return found->second;
}

Status add_incidents(const Call& call, const Wanted& wanted, const std::map<std::int64_t, std::string>& names,
                     reports::StatusInput& in) {
  std::vector<db::PublicIncident> list;
  if (wanted.only) {
    auto one = call.house->status_pages().incident(in.page.id, *wanted.only);
    if (!one) return one.error();
    list.push_back(*std::move(one));
  } else {
    auto all = call.house->status_pages().incidents(in.page.id, wanted.incidents);
    if (!all) return all.error();
    list = *std::move(all);
  }
  for (const db::PublicIncident& one : list) {
    if (const auto name = name_of(names, one.key.monitor)) in.incidents.push_back(incident_of(one, *name));
  }
  return ok();
}

Status add_maintenance(const Call& call, const Wanted& wanted, const std::map<std::int64_t, std::string>& names,
                       reports::StatusInput& in) {
  if (wanted.maintenance.empty()) return ok();
  const auto windows = call.house->status_pages().windows(in.page.id, wanted.maintenance);
  if (!windows) return windows.error();
  for (const db::PublicWindow& one : *windows) {
    reports::StatusMaintenance out{"mnt_" + base32_of(one.window) + "-" + std::to_string(one.span.from.ms / 1000),
                                   one.name,
                                   one.span,
                                   one.version,
                                   one.created_at,
                                   one.saved_at,
                                   {},
                                   {}};
    for (const MonitorId id : one.monitors) {
      const auto name = name_of(names, id);
      if (!name) continue;
      out.monitors.push_back(to_string(id));
      out.names.push_back(*name);
    }
    if (!out.names.empty()) in.maintenance.push_back(std::move(out));
  }
  return ok();
}

// The page and all that is asked of it, or the answer when there is none.
std::variant<reports::StatusInput, HttpResponse> read(const Call& call, const Wanted& wanted) {
  auto page = find_page(call);
  if (!page) return broken(call, wanted.form, page.error());
  if (!is_open(call, *page)) return locked(call, *page, wanted.form, "");
  const Zones& zones = *call.house->options.zones;
  reports::StatusInput in;
  in.zone = zones.find(page->timezone);
  if (in.zone == nullptr) in.zone = zones.find("UTC");
  if (in.zone == nullptr) return failed(call, Error{ErrorCode::kInternal, "zones: no UTC"});
  in.url = status_page_url(call.house->options.base_url, *page);
  in.base = on_domain(call) ? "" : "/status/" + page->slug;
  in.window = wanted.window.empty() ? page->window : wanted.window;
  in.now = call.now;
  in.version = call.house->options.version;
  in.page = *std::move(page);
  const std::int64_t reach = std::max(rolling_window_ms(in.window).value_or(0), kStripMs);
  auto ledgers = call.house->ledger().of_page(in.page.id.value,
                                              call.now - milliseconds(reach + db::LedgerStore::kSlackMs), call.now);
  if (!ledgers) return broken(call, wanted.form, ledgers.error());
  const auto names = add_rows(*std::move(ledgers), in);
  if (Status status = add_incidents(call, wanted, names, in); !status) return broken(call, wanted.form, status.error());
  if (Status status = add_maintenance(call, wanted, names, in); !status)
    return broken(call, wanted.form, status.error());
  return in;
}

Span since(const Call& call, std::int64_t ms) { return {call.now - milliseconds(ms), call.now + milliseconds(1)}; }
Span until(const Call& call, std::int64_t ms) { return {call.now, call.now + milliseconds(ms)}; }

template <class Draw>
Answer drawn(const Call& call, const Wanted& wanted, Draw draw) {
  auto answer = read(call, wanted);
  if (auto* refusal = std::get_if<HttpResponse>(&answer)) return std::move(*refusal);
  const auto& input = std::get<reports::StatusInput>(answer);
  return dressed(input.page, draw(input));
}

std::optional<reports::V2File> v2_file(const Call& call) {
  using reports::V2File;
  const std::string path = call.request->path;
  const std::string& file = call.path.back();
  const bool inside_incidents = path.find("/api/v2/incidents/") != std::string::npos;
  const bool inside_maintenance = path.find("/api/v2/scheduled-maintenances/") != std::string::npos;
  if (inside_incidents) return file == "unresolved" ? std::optional(V2File::kUnresolved) : std::nullopt;
  if (inside_maintenance)
    return file == "upcoming" ? std::optional(V2File::kUpcoming)
           : file == "active" ? std::optional(V2File::kActive)
                              : std::nullopt;
  for (const auto& [name, known] : {std::pair{"summary", V2File::kSummary},
                                    {"status", V2File::kStatus},
                                    {"components", V2File::kComponents},
                                    {"incidents", V2File::kIncidents},
                                    {"scheduled-maintenances", V2File::kMaintenances}}) {
    if (file == name) return known;
  }
  return std::nullopt;
}

}  // namespace

Answer status_page(Call& call) {
  Wanted wanted;
  if (const std::string* window = call.parameter("window")) {
    if (!rolling_window_ms(*window)) return invalid_fields({{"window", "not_allowed", "is 24h, 7d, 30d, 90d or 365d"}});
    wanted.window = *window;
  }
  wanted.incidents = since(call, kRecentMs), wanted.maintenance = until(call, kPlannedMs);
  Answer answer = drawn(call, wanted, [](const auto& input) { return html(reports::status_html(input)); });
  // Any name that leads here asks for "/": where it is no page's, the service is meant.
  const auto& response = std::get<HttpResponse>(answer);
  if (on_domain(call) && response.status == 404) return front_door(call);
  return answer;
}

Answer unlock_status_page(Call& call) {
  const auto page = find_page(call);
  if (!page) return broken(call, Form::kPage, page.error());
  HttpResponse there = html("", 303);
  there.set("Location", action_of(call, *page));
  if (page->password_hash.empty()) return there;
  const PeopleOptions& people = call.house->options.people;
  const std::string network = network_of(call.client), key = "status page " + to_string(page->id);
  SignInGate& gate = call.house->door.gate;
  const Instant now = call.house->options.clock->now().mono;
  if (gate.take_network(network, now) || gate.take_address(key, network, true, now))
    return locked(call, *page, Form::kPage, "w_too_many", 429);
  const SignInGate::Place place(gate);
  if (!place) {
    gate.give_back(key, network, true);
    return locked(call, *page, Form::kPage, "w_too_many", 503);
  }
  const auto given = form_value(call.body, "password");
  if (!given || !people.password_matches || !people.password_matches(page->password_hash, *given))
    return locked(call, *page, Form::kPage, "w_wrong");
  gate.forgive(key, network, true);
  const std::string until = rfc3339(call.now + milliseconds(kOpenS * 1000));
  there.set("Set-Cookie", std::string(kCookie) + "=" +
                              net::base64url(call.house->options.vault->seal(until, context_of(*page))) +
                              "; Path=" + action_of(call, *page) + "; Max-Age=" + std::to_string(kOpenS) +
                              "; HttpOnly; SameSite=Lax" + (site_of(call).trustworthy ? "; Secure" : ""));
  there.set("Cache-Control", "no-store");
  return there;
}

Answer status_month(Call& call) {
  Wanted wanted;
  // Which month it is depends on the page's zone: a day on either side is read and left out again.
  const bool named = call.path.size() > 1;
  const auto asked =
      named ? reports::parse_period(call.path[1]) : reports::parse_period(rfc3339(call.now).substr(0, 7));
  if (!asked || asked->kind != reports::PeriodKind::kMonth) return missing(Form::kPage);
  const auto first = parse_time(everup::to_string(asked->date) + "T00:00:00Z").value_or(WallTime{});
  if (first > call.now + milliseconds(kDayMs)) return missing(Form::kPage);
  wanted.incidents = {first - milliseconds(kDayMs), first + milliseconds(33 * kDayMs)};
  return drawn(call, wanted, [&](const reports::StatusInput& input) {
    reports::StatusInput month = input;
    const Span span = reports::span_of(*asked, *input.zone);
    std::erase_if(month.incidents, [&](const reports::StatusIncident& one) { return !span.contains(one.started_at); });
    return html(reports::status_month_html(month, *asked));
  });
}

Answer status_incident(Call& call) {
  Wanted wanted;
  wanted.only = db::incident_key(call.path[1]);
  if (!wanted.only) return missing(Form::kPage);
  return drawn(call, wanted, [](const reports::StatusInput& input) {
    return input.incidents.empty() ? missing(Form::kPage)
                                   : html(reports::status_incident_html(input, input.incidents.front()));
  });
}

Answer status_atom(Call& call) {
  const Wanted wanted{Form::kData, "", since(call, kFeedMs), {}, {}};
  return drawn(call, wanted, [](const auto& input) { return data(reports::kAtomType, reports::status_atom(input)); });
}

Answer status_rss(Call& call) {
  const Wanted wanted{Form::kData, "", since(call, kFeedMs), {}, {}};
  return drawn(call, wanted, [](const auto& input) { return data(reports::kRssType, reports::status_rss(input)); });
}

Answer status_calendar(Call& call) {
  const Wanted wanted{Form::kData, "", since(call, 1), until(call, kCalendarMs), {}};
  return drawn(call, wanted,
               [](const auto& input) { return data(reports::kCalendarType, reports::status_calendar(input)); });
}

Answer status_v2(Call& call) {
  const auto file = v2_file(call);
  if (!file) return missing(Form::kData);
  const Span past = since(call, kFeedMs), planned{call.now - milliseconds(kRecentMs), call.now + milliseconds(kFeedMs)};
  const bool all = *file == reports::V2File::kMaintenances;
  const Wanted wanted{Form::kData, "", past, all ? planned : until(call, kFeedMs), {}};
  return drawn(call, wanted,
               [&](const auto& input) { return data("application/json", reports::status_v2_json(input, *file)); });
}

}  // namespace everup::api
