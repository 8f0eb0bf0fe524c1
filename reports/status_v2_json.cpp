// The public JSON of Statuspage v2 (reference: conventions 4.7). It has no word for "not watched": that is
// degraded_performance with a text, never operational. See status_feeds.h.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/status_feeds.h"
#include "reports/words.h"

namespace everup::reports {
namespace {

using Ordered = nlohmann::ordered_json;

std::string page_id(const StatusInput& in) { return to_string(in.page.id); }

// When anything that is shown changed last.
Ordered page_json(const StatusInput& in) {
  return {{"id", page_id(in)},
          {"name", in.page.name},
          {"url", in.url},
          {"time_zone", in.page.timezone},
          {"updated_at", rfc3339(changed_at(in))}};
}

Ordered status_json(const StatusInput& in) {
  const auto told = [](const char* indicator, const char* text) {
    return Ordered{{"indicator", indicator}, {"description", text}};
  };
  switch (overall_of(in.groups)) {
    case Overall::kUp:
      return told("none", "All Systems Operational");
    case Overall::kMaintenance:
      return told("maintenance", "Service Under Maintenance");
    case Overall::kEmpty:
    case Overall::kUnknown:
      return told("minor", "Some Systems Are Not Being Watched");
    case Overall::kDegraded:
      return told("minor", "Partially Degraded Service");
    case Overall::kSomeDown:
      return told("major", "Partial System Outage");
    case Overall::kAllDown:
      return told("critical", "Major Service Outage");
  }
  return told("minor", "Some Systems Are Not Being Watched");
}

const char* component_status(State state) {
  switch (state) {
    case State::kUp:
      return "operational";
    case State::kDown:
      return "major_outage";
    case State::kMaintenance:
      return "under_maintenance";
    case State::kDegraded:
    case State::kUnknown:
    case State::kPaused:
    case State::kBeforeCreation:
      return "degraded_performance";
  }
  return "degraded_performance";
}

Ordered component_description(State state) {
  switch (state) {
    case State::kUnknown:
    case State::kBeforeCreation:
      return "Not being watched: its state is not known";
    case State::kPaused:
      return "Not being watched: paused by its owner";
    case State::kUp:
    case State::kDown:
    case State::kDegraded:
    case State::kMaintenance:
      return nullptr;
  }
  return nullptr;
}

Ordered component_json(const StatusInput& in, const StatusRow& row, std::size_t position, const Ordered& group) {
  return {{"id", row.id},
          {"name", row.name},
          {"status", component_status(row.state)},
          {"created_at", rfc3339(row.created_at)},
          {"updated_at", rfc3339(row.since.value_or(row.created_at))},
          {"position", position},
          {"description", component_description(row.state)},
          {"showcase", false},
          {"start_date", rfc3339(row.created_at).substr(0, 10)},
          {"group_id", group},
          {"page_id", page_id(in)},
          {"group", false},
          {"only_show_if_degraded", false}};
}

Ordered group_json(const StatusInput& in, const StatusGroup& group, std::size_t position, const std::string& id) {
  Ordered inside = Ordered::array();
  for (const StatusRow& row : group.rows) inside.push_back(row.id);
  return {{"id", id},
          {"name", group.name},
          {"status", component_status(state_of(group.rows))},
          {"created_at", rfc3339(in.page.created_at)},
          {"updated_at", rfc3339(in.page.updated_at)},
          {"position", position},
          {"description", nullptr},
          {"showcase", false},
          {"start_date", nullptr},
          {"group_id", nullptr},
          {"page_id", page_id(in)},
          {"group", true},
          {"only_show_if_degraded", false},
          {"components", std::move(inside)}};
}

Ordered components_json(const StatusInput& in) {
  Ordered out = Ordered::array();
  std::size_t number = 0, position = 0;
  for (const StatusGroup& group : in.groups) {
    ++number;
    if (group.rows.empty()) continue;
    const std::string id = page_id(in) + "-" + std::to_string(number);
    if (!group.name.empty()) out.push_back(group_json(in, group, ++position, id));
    for (const StatusRow& row : group.rows)
      out.push_back(component_json(in, row, ++position, group.name.empty() ? Ordered(nullptr) : Ordered(id)));
  }
  return out;
}

// Those of the page's components that are meant, as they are now.
Ordered named_components(const StatusInput& in, const std::vector<std::string>& monitors) {
  Ordered out = Ordered::array();
  for (const Ordered& one : components_json(in)) {
    const auto id = one["id"].get<std::string>();
    if (std::find(monitors.begin(), monitors.end(), id) != monitors.end()) out.push_back(one);
  }
  return out;
}

Ordered update_json(const std::string& id, const std::string& incident, std::string_view status,
                    const std::string& body, WallTime at) {
  return {{"id", id},
          {"status", std::string(status)},
          {"body", body},
          {"incident_id", incident},
          {"created_at", rfc3339(at)},
          {"updated_at", rfc3339(at)},
          {"display_at", rfc3339(at)},
          {"affected_components", nullptr}};
}

// Newest first, as Statuspage does; the first and the last are ours.
Ordered updates_json(const StatusIncident& one) {
  Ordered out = Ordered::array();
  if (one.ended_at)
    out.push_back(update_json(one.id + "-end", one.id, "resolved", one.name + " is up again.", *one.ended_at));
  std::vector<std::string> stages;
  std::string stage = "investigating";
  for (const StatusUpdate& update : one.updates) stages.push_back(stage = update.stage.empty() ? stage : update.stage);
  for (std::size_t i = one.updates.size(); i-- > 0;)
    out.push_back(update_json(one.updates[i].id, one.id, stages[i], one.updates[i].text, one.updates[i].at));
  out.push_back(
      update_json(one.id + "-start", one.id, "investigating", one.name + ": " + one.cause + ".", one.confirmed_at));
  return out;
}

Ordered incident_json(const StatusInput& in, const StatusIncident& one) {
  Ordered monitoring = nullptr;
  for (const StatusUpdate& update : one.updates) {
    if (update.stage == "monitoring") monitoring = rfc3339(update.at);
  }
  const std::string root = in.url.ends_with('/') ? in.url : in.url + "/";
  return {{"id", one.id},
          {"name", one.name + ": " + one.cause},
          {"status", one.stage()},
          {"created_at", rfc3339(one.confirmed_at)},
          {"updated_at", rfc3339(one.changed_at())},
          {"monitoring_at", std::move(monitoring)},
          {"resolved_at", one.ended_at ? Ordered(rfc3339(*one.ended_at)) : Ordered(nullptr)},
          {"impact", "major"},
          {"shortlink", root + "incidents/" + one.id},
          {"started_at", rfc3339(one.started_at)},
          {"page_id", page_id(in)},
          {"incident_updates", updates_json(one)},
          {"components", named_components(in, {one.monitor})}};
}

enum class Which : std::uint8_t { kAll, kOpen, kLater, kRunning };

Ordered incidents_json(const StatusInput& in, Which which) {
  Ordered out = Ordered::array();
  for (const StatusIncident& one : in.incidents) {
    if (which == Which::kOpen && one.ended_at) continue;
    if (out.size() < kEntriesMax) out.push_back(incident_json(in, one));
  }
  return out;
}

Ordered maintenance_json(const StatusInput& in, const StatusMaintenance& one) {
  const bool running = one.span.contains(in.now);
  const std::string root = in.url.ends_with('/') ? in.url : in.url + "/";
  const char* status = running ? "in_progress" : one.span.to <= in.now ? "completed" : "scheduled";
  return {{"id", one.id},
          {"name", one.name},
          {"status", status},
          {"created_at", rfc3339(one.created_at)},
          {"updated_at", rfc3339(one.saved_at)},
          {"monitoring_at", nullptr},
          {"resolved_at", nullptr},
          {"impact", "maintenance"},
          {"shortlink", root},
          {"started_at", rfc3339(one.span.from)},
          {"page_id", page_id(in)},
          {"incident_updates", Ordered::array({update_json(one.id + "-plan", one.id, status, one.name, one.saved_at)})},
          {"components", named_components(in, one.monitors)},
          {"scheduled_for", rfc3339(one.span.from)},
          {"scheduled_until", rfc3339(one.span.to)}};
}

Ordered maintenances_json(const StatusInput& in, Which which) {
  Ordered out = Ordered::array();
  for (const StatusMaintenance& one : in.maintenance) {
    const bool running = one.span.contains(in.now);
    if ((which == Which::kLater && one.span.from <= in.now) || (which == Which::kRunning && !running)) continue;
    if (out.size() < kEntriesMax) out.push_back(maintenance_json(in, one));
  }
  return out;
}

}  // namespace

std::string status_v2_json(const StatusInput& in, V2File file) {
  Ordered out{{"page", page_json(in)}};
  switch (file) {
    case V2File::kSummary:
      out["components"] = components_json(in);
      out["incidents"] = incidents_json(in, Which::kOpen);
      out["scheduled_maintenances"] = maintenances_json(in, Which::kAll);
      out["status"] = status_json(in);
      break;
    case V2File::kStatus:
      out["status"] = status_json(in);
      break;
    case V2File::kComponents:
      out["components"] = components_json(in);
      break;
    case V2File::kIncidents:
      out["incidents"] = incidents_json(in, Which::kAll);
      break;
    case V2File::kUnresolved:
      out["incidents"] = incidents_json(in, Which::kOpen);
      break;
    case V2File::kMaintenances:
      out["scheduled_maintenances"] = maintenances_json(in, Which::kAll);
      break;
    case V2File::kUpcoming:
      out["scheduled_maintenances"] = maintenances_json(in, Which::kLater);
      break;
    case V2File::kActive:
      out["scheduled_maintenances"] = maintenances_json(in, Which::kRunning);
      break;
  }
  return out.dump(-1, ' ', false, Ordered::error_handler_t::replace);
}

}  // namespace everup::reports
