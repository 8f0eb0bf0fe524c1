// /api/v1/incidents, their updates and acknowledgement, and /api/v1/deliveries with the proof of each.
#include <algorithm>

#include "api/alert_views.h"
#include "api/drafts.h"
#include "api/house.h"
#include "api/json_text.h"
#include "api/parameters.h"
#include "api/problem.h"
#include "api/views.h"
#include "db/channel_json.h"
#include "db/incident_store.h"

namespace everup::api {
namespace {

constexpr int kLooksBefore = 50;  // among them the last good one is looked for

HttpResponse not_found() { return problem(404, "not_found", "no such object"); }
std::string author(const Call& call) {
  return call.caller->by_cookie() ? call.caller->person.email : to_string(call.caller->key);
}

HttpResponse page_answer(std::string data, const std::optional<std::string>& next) {
  JsonWriter out = JsonWriter::object();
  out.field_raw("data", data).key("next_cursor");
  if (next) {
    out.text(*next);
  } else {
    out.null();
  }
  return json_answer(std::move(out).take());
}

HttpResponse bad_cursor_or(const Call& call, const Error& error) {
  if (error.code != ErrorCode::kInvalid) return failed(call, error);
  return invalid_fields({{"cursor", "bad_cursor", "is next_cursor of the page before"}});
}

std::optional<db::IncidentState> read_state(const Call& call, Parameters* in) {
  const std::string* text = call.parameter("state");
  if (text == nullptr) return std::nullopt;
  for (const auto state : {db::IncidentState::kOpen, db::IncidentState::kAcknowledged, db::IncidentState::kResolved}) {
    if (db::slug(state) == *text) return state;
  }
  in->wrong("state", "not_allowed", "is open, acknowledged or resolved");
  return std::nullopt;
}

HttpResponse incident_list(Call& call, const std::string& monitor) {
  Parameters in(call);
  db::IncidentQuery query;
  query.state = read_state(call, &in);
  query.monitor = monitor;
  query.from = in.time("from"), query.to = in.time("to");
  query.limit = static_cast<int>(in.integer("limit", 50, 1, db::IncidentStore::kListMax));
  query.cursor = in.text("cursor", 1024);
  if (query.from && query.to && *query.from >= *query.to) in.wrong("from", "empty_window", "is before to");
  if (!in.ok()) return invalid_fields(in.errors());
  const auto page = call.house->incidents().incidents(account(call), query);
  if (!page.ok()) return bad_cursor_or(call, page.error());
  JsonWriter data = JsonWriter::array();
  for (const auto& incident : page->incidents) data.raw(incident_json(incident, call.now));
  return page_answer(std::move(data).take(), page->next_cursor);
}

// The look that settled it, and the last good one before it, as far as they are kept.
struct Looks {
  std::optional<db::ResultRow> failing, last_good;
};
Result<Looks> looks_of(const Call& call, const db::IncidentRow& incident) {
  Looks out;
  const std::string monitor = to_string(incident.key.monitor);
  db::ResultsQuery query;
  query.evidence = true;
  query.limit = kLooksBefore;
  query.to = incident.confirmed_at + milliseconds(1);
  query.from = incident.started_at - milliseconds(kDayMs);
  const auto page = call.house->ledger().results(account(call), monitor, query);
  if (!page) return page.error();
  const auto bad = std::find_if(page->rows.begin(), page->rows.end(), [&](const db::ResultRow& row) {
    return !row.missed && row.verdict == Verdict::kDown && row.started_at <= incident.confirmed_at;
  });
  const auto good = std::find_if(page->rows.begin(), page->rows.end(), [&](const db::ResultRow& row) {
    return !row.missed && (row.verdict == Verdict::kUp || row.verdict == Verdict::kDegraded) &&
           row.started_at < incident.started_at;
  });
  if (bad != page->rows.end()) out.failing = *bad;
  if (good != page->rows.end()) out.last_good = *good;
  return out;
}

HttpResponse whole_incident(const Call& call, const db::IncidentRow& incident) {
  const auto updates = call.house->incidents().updates(account(call), incident.key);
  if (!updates.ok()) return failed(call, updates.error());
  db::DeliveryQuery query;
  query.incident = incident.key;
  query.limit = db::IncidentStore::kListMax;
  const auto deliveries = call.house->incidents().deliveries(account(call), query);
  if (!deliveries.ok()) return failed(call, deliveries.error());
  const auto looks = looks_of(call, incident);
  if (!looks.ok()) return failed(call, looks.error());
  const IncidentDetails details{*updates, deliveries->deliveries, looks->failing ? &*looks->failing : nullptr,
                                looks->last_good ? &*looks->last_good : nullptr};
  return json_answer(incident_json(incident, call.now, details));
}

}  // namespace

Answer list_incidents(Call& call) {
  const std::string* monitor = call.parameter("monitor");
  return incident_list(call, monitor == nullptr ? std::string() : *monitor);
}
Answer list_monitor_incidents(Call& call) { return incident_list(call, call.path[0]); }

Answer get_incident(Call& call) {
  const auto key = db::incident_key(call.path[0]);
  if (!key) return not_found();
  const auto incident = call.house->incidents().incident(account(call), *key);
  return incident.ok() ? whole_incident(call, *incident) : failed(call, incident.error());
}

Answer patch_incident(Call& call) {
  const auto key = db::incident_key(call.path[0]);
  if (!key) return not_found();
  const auto parsed = db::parse_incident_patch(call.body);
  if (!parsed.ok()) {  // what is not there cannot be wrong
    const auto incident = call.house->incidents().incident(account(call), *key);
    return incident.ok() ? bad_body(parsed.errors, parsed.syntax) : failed(call, incident.error());
  }
  const auto incident = call.house->incidents().set_root_cause(account(call), *key, parsed.value);
  return incident.ok() ? whole_incident(call, *incident) : failed(call, incident.error());
}

Answer acknowledge_incident(Call& call) {
  const auto key = db::incident_key(call.path[0]);
  if (!key) return not_found();
  const auto incident = call.house->incidents().acknowledge(account(call), *key, author(call));
  return incident.ok() ? whole_incident(call, *incident) : failed(call, incident.error());
}

Answer add_incident_update(Call& call) {
  const auto key = db::incident_key(call.path[0]);
  if (!key) return not_found();
  const auto parsed = db::parse_incident_update(call.body);
  if (!parsed.ok()) {
    const auto incident = call.house->incidents().incident(account(call), *key);
    return incident.ok() ? bad_body(parsed.errors, parsed.syntax) : failed(call, incident.error());
  }
  const auto made = call.house->incidents().add_update(account(call), *key, author(call), parsed.value);
  if (!made.ok())
    return made.error().code == ErrorCode::kExhausted ? problem(409, "conflict", made.error().what)
                                                      : failed(call, made.error());
  HttpResponse response = json_answer(update_json(*made), 201);
  response.set("Location", "/api/v1/incidents/" + db::incident_id(*key));
  return response;
}

Answer list_deliveries(Call& call) {
  Parameters in(call);
  db::DeliveryQuery query;
  if (const std::string* incident = call.parameter("incident")) {
    query.incident = db::incident_key(*incident);
    if (!query.incident) in.wrong("incident", "not_allowed", "is an incident's id (inc_…)");
  }
  if (const std::string* channel = call.parameter("channel")) {
    query.channel = parse_id<ChannelTag>(*channel);
    if (!query.channel) in.wrong("channel", "not_allowed", "is a channel's id (chn_…)");
  }
  if (const std::string* id = call.parameter("id")) {
    query.only = db::delivery_key(*id);
    if (!query.only) in.wrong("id", "not_allowed", "is a delivery's id (dlv_…)");
  }
  if (const std::string* state = call.parameter("state")) {
    for (std::int64_t number = 1; number <= 4; ++number) {
      const auto known = db::delivery_state(number);
      if (known && db::slug(*known) == *state) query.state = known;
    }
    if (!query.state) in.wrong("state", "not_allowed", "is pending, sent, failed or dropped");
  }
  query.limit = static_cast<int>(in.integer("limit", 50, 1, db::IncidentStore::kListMax));
  query.cursor = in.text("cursor", 1024);
  if (!in.ok()) return invalid_fields(in.errors());
  const auto page = call.house->incidents().deliveries(account(call), query);
  if (!page.ok()) return bad_cursor_or(call, page.error());
  JsonWriter data = JsonWriter::array();
  for (const auto& delivery : page->deliveries) data.raw(delivery_json(delivery));
  return page_answer(std::move(data).take(), page->next_cursor);
}

}  // namespace everup::api
