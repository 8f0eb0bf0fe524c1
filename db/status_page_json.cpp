// See status_page_json.h.
#include "db/status_page_json.h"

#include "db/json_reader.h"

namespace everup::db {
namespace {

void read_text(Reader& reader, const char* name, std::string& out) {
  const json* value = reader.find(name);
  if (value == nullptr) return;
  if (value->is_null()) return out.clear();
  reader.text_of(*value, name, out);
}

void read_monitor(const json& value, const std::string& at, FieldErrors& errors, StatusPageMonitor& out) {
  if (value.is_string()) {
    out.monitor = value.get<std::string>();
    return;
  }
  Reader reader(value, at, errors);
  read_text(reader, "monitor", out.monitor);
  read_text(reader, "name", out.name);
  reader.finish();
  if (value.is_object() && out.monitor.empty()) reader.wrong("monitor", "required", "a monitor's id or slug");
}

void read_group(const json& value, const std::string& at, FieldErrors& errors, StatusPageGroup& out) {
  Reader reader(value, at, errors);
  read_text(reader, "name", out.name);
  read_list(reader, "monitors", StatusPageDraft::kMonitorsMax, out.monitors,
            [&](const json& one, const std::string& where, StatusPageMonitor& monitor) {
              read_monitor(one, where, errors, monitor);
            });
  reader.finish();
}

// Texts that may be null, in the order in which they are shown.
constexpr std::pair<const char*, std::string StatusPageDraft::*> kOptional[] = {
    {"description", &StatusPageDraft::description},
    {"url", &StatusPageDraft::url},
    {"domain", &StatusPageDraft::domain},
    {"accent", &StatusPageDraft::accent},
    {"logo", &StatusPageDraft::logo}};
constexpr std::pair<const char*, std::string StatusPageDraft::*> kWords[] = {
    {"slug", &StatusPageDraft::slug},         {"name", &StatusPageDraft::name},
    {"timezone", &StatusPageDraft::timezone}, {"language", &StatusPageDraft::language},
    {"theme", &StatusPageDraft::theme},       {"window", &StatusPageDraft::window}};

void read_page(Reader& reader, StatusPageDraft& out) {
  for (const auto& [name, member] : kWords) reader.text(name, out.*member);
  for (const auto& [name, member] : kOptional) read_text(reader, name, out.*member);
  reader.boolean("noindex", out.noindex);
  reader.boolean("published", out.published);
  read_list(reader, "groups", StatusPageDraft::kGroupsMax, out.groups,
            [&](const json& one, const std::string& at, StatusPageGroup& group) {
              read_group(one, at, reader.errors(), group);
            });
}

void read_password(Reader& reader, std::optional<std::string>& out) {
  bool ignored = false;
  reader.boolean("password_set", ignored);  // as we print it
  const json* value = reader.find("password");
  if (value == nullptr) return;
  out.emplace();
  if (!value->is_null()) reader.text_of(*value, "password", *out);
}

void put_draft(ordered_json& out, const StatusPageDraft& draft) {
  for (const auto& [name, member] : kWords) out[name] = draft.*member;
  for (const auto& [name, member] : kOptional)
    out[name] = (draft.*member).empty() ? ordered_json(nullptr) : ordered_json(draft.*member);
  out["noindex"] = draft.noindex;
  out["published"] = draft.published;
  out["groups"] = ordered_json::array();
  for (const StatusPageGroup& group : draft.groups) {
    ordered_json monitors = ordered_json::array();
    for (const StatusPageMonitor& one : group.monitors)
      monitors.push_back(
          {{"monitor", one.monitor}, {"name", one.name.empty() ? ordered_json(nullptr) : ordered_json(one.name)}});
    out["groups"].push_back({{"name", group.name}, {"monitors", std::move(monitors)}});
  }
}

Parsed<StatusPageBody> body_in(const json& object) {
  Parsed<StatusPageBody> out;
  Reader reader(object, "#", out.errors);
  read_page(reader, out.value.draft);
  read_password(reader, out.value.password);
  reader.finish();
  if (!object.is_object()) return out;
  if (!object.contains("slug")) reader.wrong("slug", "required", "the last part of the page's address");
  if (!object.contains("name")) reader.wrong("name", "required", "what the page is called");
  return out;
}

}  // namespace

Parsed<StatusPageBody> parse_status_page(std::string_view text) {
  Parsed<StatusPageBody> out;
  check_json(text, out.errors, out.syntax);
  if (!out.ok()) return out;
  return body_in(json::parse(text.begin(), text.end()));
}

Parsed<StatusPageBody> patch_status_page(const StatusPageDraft& draft, std::string_view text) {
  Parsed<StatusPageBody> out;
  check_json(text, out.errors, out.syntax);
  if (!out.ok()) return out;
  const json patch = json::parse(text.begin(), text.end());
  ordered_json shown = ordered_json::object();
  put_draft(shown, draft);
  json whole = json::parse(shown.dump());
  whole.merge_patch(patch);
  if (patch.is_object() && patch.contains("password")) whole["password"] = patch["password"];  // null is no absence
  return body_in(whole);
}

std::string status_page_settings(const StatusPageDraft& draft) {
  ordered_json out = ordered_json::object();
  put_draft(out, draft);
  return dump(out);
}

Result<StatusPageDraft> status_page_of(const std::string& settings) {
  StatusPageDraft out;
  FieldErrors errors;
  const json object = json::parse(settings, nullptr, false);
  if (object.is_discarded()) return Error{ErrorCode::kCorrupt, "stored status page: no JSON"};
  Reader reader(object, "#", errors);
  read_page(reader, out);
  if (!errors.empty()) return Error{ErrorCode::kCorrupt, "stored status page: " + errors[0].pointer};
  return out;
}

std::string status_page_json(const StatusPage& page, std::string_view page_url) {
  ordered_json out = ordered_json::object();
  out["id"] = to_string(page.id);
  put_draft(out, page);
  out["password"] = nullptr;
  out["password_set"] = !page.password_hash.empty();
  out["page_url"] = page_url;
  out["revision"] = page.revision;
  out["created_at"] = rfc3339(page.created_at);
  out["updated_at"] = rfc3339(page.updated_at);
  return dump(out);
}

}  // namespace everup::db
