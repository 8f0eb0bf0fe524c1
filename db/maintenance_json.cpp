// See maintenance_json.h.
#include "db/maintenance_json.h"

#include "db/json_reader.h"

namespace everup::db {
namespace {

void read_time(Reader& reader, const char* name, std::optional<WallTime>& out) {
  const json* value = reader.find(name);
  if (value == nullptr || value->is_null()) return;
  out = value->is_string() ? parse_time(value->get<std::string>()) : std::nullopt;
  if (!out) reader.wrong(name, "bad_time", "an RFC 3339 time is expected, such as 2026-12-24T22:00:00Z");
}

void read_match(Reader& reader, MaintenanceDraft& out) {
  const json* match = reader.find("match");
  if (match == nullptr || match->is_null()) return;
  Reader inner(*match, reader.at("match"), reader.errors());
  inner.texts("monitors", MaintenanceDraft::kMonitorsMax, out.monitors);
  inner.texts("tags", MaintenanceDraft::kTagsMax, out.tags);
  inner.finish();
  if (match->is_object() && out.monitors.empty() && out.tags.empty() && reader.errors().empty())
    reader.wrong("match", "required", "names monitors or tags; leave it out to mean every monitor");
}

void read_text(Reader& reader, const char* name, std::string& out) {
  const json* value = reader.find(name);
  if (value != nullptr && !value->is_null()) reader.text_of(*value, name, out);
}

void read_window(const json& object, FieldErrors& errors, MaintenanceDraft& out) {
  constexpr std::int64_t kSecondsMax = 366 * 86'400;
  Reader reader(object, "#", errors);
  read_text(reader, "name", out.name);
  read_match(reader, out);
  std::optional<WallTime> starts, ends;
  std::optional<int> seconds;
  read_time(reader, "starts_at", starts);
  read_time(reader, "ends_at", ends);
  reader.maybe_integer("duration_s", seconds, 60, kSecondsMax);
  read_text(reader, "rrule", out.rrule);
  read_text(reader, "timezone", out.timezone);
  reader.finish();
  if (!errors.empty()) return;
  if (!starts) return reader.wrong("starts_at", "required", "when the (first) window begins");
  if (ends && seconds) return reader.wrong("duration_s", "conflict", "give ends_at or duration_s");
  if (!ends && !seconds)
    return reader.wrong(out.rrule.empty() ? "ends_at" : "duration_s", "required", "how long the window is");
  out.starts_at = *starts;
  out.length = seconds ? std::chrono::seconds(*seconds) : *ends - *starts;
}

Parsed<json> object_in(std::string_view text) {
  Parsed<json> out;
  check_json(text, out.errors, out.syntax);
  if (out.ok()) out.value = json::parse(text.begin(), text.end());
  return out;
}

Parsed<MaintenanceDraft> draft_in(const json& object) {
  Parsed<MaintenanceDraft> out;
  read_window(object, out.errors, out.value);
  return out;
}

ordered_json match_of(const MaintenanceDraft& draft) {
  if (!draft.monitors.empty()) return {{"monitors", draft.monitors}};
  if (!draft.tags.empty()) return {{"tags", draft.tags}};
  return nullptr;
}

void put_draft(ordered_json& out, const MaintenanceDraft& draft) {
  out["name"] = draft.name;
  out["match"] = match_of(draft);
  out["starts_at"] = rfc3339(draft.starts_at);
  if (draft.rrule.empty())
    out["ends_at"] = rfc3339(draft.starts_at + draft.length);
  else
    out["duration_s"] = draft.length.count() / 1000;
  out["rrule"] = draft.rrule.empty() ? ordered_json(nullptr) : ordered_json(draft.rrule);
  out["timezone"] = draft.timezone;
}

}  // namespace

Parsed<MaintenanceDraft> parse_window(std::string_view text) {
  const auto object = object_in(text);
  if (!object.ok()) return {{}, object.errors, object.syntax};
  return draft_in(object.value);
}

Parsed<MaintenanceDraft> patch_window(const MaintenanceDraft& draft, std::string_view text) {
  const auto patch = object_in(text);
  if (!patch.ok()) return {{}, patch.errors, patch.syntax};
  ordered_json shown = ordered_json::object();
  put_draft(shown, draft);
  json whole = json::parse(shown.dump());
  if (patch.value.contains("ends_at") || patch.value.contains("duration_s")) {
    whole.erase("ends_at");
    whole.erase("duration_s");
  }
  // A list of one kind takes the place of the other's.
  if (patch.value.contains("match")) whole.erase("match");
  whole.merge_patch(patch.value);
  return draft_in(whole);
}

std::string window_json(const MaintenanceWindow& window, const std::optional<Span>& next, WallTime now) {
  ordered_json out = ordered_json::object();
  out["id"] = to_string(window.id);
  put_draft(out, window);
  out["state"] = !next ? "ended" : next->contains(now) ? "active" : "upcoming";
  out["next"] = !next ? ordered_json(nullptr) : ordered_json{{"from", rfc3339(next->from)}, {"to", rfc3339(next->to)}};
  out["version"] = window.version;
  out["created_at"] = rfc3339(window.created_at);
  out["saved_at"] = rfc3339(window.saved_at);
  return dump(out);
}

}  // namespace everup::db
