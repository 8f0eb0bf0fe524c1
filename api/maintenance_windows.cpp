// /api/v1/maintenance_windows: list, create, read, patch, delete, the next occurrences.
#include <algorithm>
#include <limits>

#include "api/drafts.h"
#include "api/house.h"
#include "api/json_text.h"
#include "api/parameters.h"
#include "api/problem.h"
#include "api/views.h"
#include "db/maintenance_json.h"
#include "db/maintenance_store.h"

namespace everup::api {
namespace {

constexpr WallTime kFarAway{std::numeric_limits<std::int64_t>::max() / 2};
constexpr int kOccurrencesMax = 100;

db::MaintenanceStore& store(const Call& call) { return *call.house->options.maintenance; }

// Those from now on, as they will be booked: nothing before the window was saved.
std::vector<Span> coming(const Call& call, const MaintenanceWindow& window, std::size_t most) {
  const auto rule = rule_of(window, *call.house->options.zones);
  if (!rule) return {};
  auto list = occurrences(*rule, {std::max(call.now, window.saved_at), kFarAway}, most);
  for (Span& span : list) span.from = std::max(span.from, window.saved_at);
  return list;
}

std::string object_of(const Call& call, const MaintenanceWindow& window) {
  const auto next = coming(call, window, 1);
  return db::window_json(window, next.empty() ? std::nullopt : std::optional(next.front()), call.now);
}

HttpResponse window_answer(const Call& call, const MaintenanceWindow& window, int status = 200) {
  HttpResponse response = json_answer(object_of(call, window), status);
  response.etag = "\"r" + std::to_string(window.version) + "." + content_etag(response.body).substr(1, 16) + "\"";
  return response;
}

// "#/match/monitors/2: …" of the store becomes a field error.
HttpResponse refused(const Call& call, const Error& error, const std::string* if_match) {
  if (error.code == ErrorCode::kInvalid && error.what.starts_with("#/")) {
    const auto colon = error.what.find(": ");
    return invalid_fields({{error.what.substr(0, colon), "unknown_monitor", error.what.substr(colon + 2)}});
  }
  if (error.code == ErrorCode::kConflict && if_match != nullptr)
    return problem(412, "precondition_failed", "If-Match names another version than the stored one");
  return failed(call, error);
}

// The version that If-Match wants; nullopt: whatever it is. An answer when it is another's.
std::optional<HttpResponse> wanted_version(const Call& call, const MaintenanceWindow& window,
                                           std::optional<std::int32_t>& out) {
  const std::string* if_match = call.request->find("if-match");
  if (if_match == nullptr) return std::nullopt;
  if (!if_match_fits(*if_match, window.version))
    return problem(412, "precondition_failed", "If-Match names another version than the stored one");
  out = window.version;
  return std::nullopt;
}

}  // namespace

Answer list_windows(Call& call) {
  const auto windows = store(call).list(account(call));
  if (!windows.ok()) return failed(call, windows.error());
  JsonWriter data = JsonWriter::array();
  for (const MaintenanceWindow& window : *windows) data.raw(object_of(call, window));
  JsonWriter out = JsonWriter::object();
  out.field_raw("data", std::move(data).take()).key("next_cursor").null();
  return json_answer(std::move(out).take());
}

Answer create_window(Call& call) {
  auto parsed = db::parse_window(call.body);
  if (!parsed.ok()) return bad_body(parsed.errors, parsed.syntax);
  if (const FieldErrors errors = validate(parsed.value, *call.house->options.zones, call.now); !errors.empty())
    return invalid_fields(errors);
  const auto window = store(call).create(account(call), parsed.value);
  if (!window.ok()) return refused(call, window.error(), nullptr);
  HttpResponse response = window_answer(call, *window, 201);
  response.set("Location", "/api/v1/maintenance_windows/" + to_string(window->id));
  return response;
}

Answer get_window(Call& call) {
  const auto window = store(call).find(account(call), call.path[0]);
  return window.ok() ? window_answer(call, *window) : failed(call, window.error());
}

Answer patch_window(Call& call) {
  const auto window = store(call).find(account(call), call.path[0]);
  if (!window.ok()) return failed(call, window.error());
  std::optional<std::int32_t> expected = window->version;  // of what the patch was applied to
  if (auto refusal = wanted_version(call, *window, expected)) return *std::move(refusal);
  auto patched = db::patch_window(*window, call.body);
  if (!patched.ok()) return bad_body(patched.errors, patched.syntax);
  if (const FieldErrors errors = validate(patched.value, *call.house->options.zones, call.now); !errors.empty())
    return invalid_fields(errors);
  const auto updated = store(call).update(account(call), call.path[0], patched.value, expected);
  if (!updated.ok()) return refused(call, updated.error(), call.request->find("if-match"));
  return window_answer(call, *updated);
}

Answer delete_window(Call& call) {
  std::optional<std::int32_t> expected;
  if (call.request->find("if-match") != nullptr) {
    const auto window = store(call).find(account(call), call.path[0]);
    if (!window.ok()) return failed(call, window.error());
    if (auto refusal = wanted_version(call, *window, expected)) return *std::move(refusal);
  }
  const Status removed = store(call).remove(account(call), call.path[0], expected);
  if (!removed.ok()) return refused(call, removed.error(), call.request->find("if-match"));
  HttpResponse response;
  response.status = 204;
  return response;
}

Answer list_occurrences(Call& call) {
  Parameters in(call);
  const auto limit = in.integer("limit", 5, 1, kOccurrencesMax);
  if (!in.ok()) return invalid_fields(in.errors());
  const auto window = store(call).find(account(call), call.path[0]);
  if (!window.ok()) return failed(call, window.error());
  JsonWriter data = JsonWriter::array();
  for (const Span& span : coming(call, *window, static_cast<std::size_t>(limit))) {
    JsonWriter one = JsonWriter::object();
    one.field_raw("from", time_json(span.from)).field_raw("to", time_json(span.to));
    data.raw(std::move(one).take());
  }
  JsonWriter out = JsonWriter::object();
  out.field_raw("data", std::move(data).take());
  return json_answer(std::move(out).take());
}

}  // namespace everup::api
