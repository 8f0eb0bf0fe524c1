// /api/v1/monitors: list, create, read, patch, delete, pause, resume, tokens, bulk.
#include <algorithm>

#include "api/alert_views.h"
#include "api/body_json.h"
#include "api/drafts.h"
#include "api/house.h"
#include "api/json_text.h"
#include "api/parameters.h"
#include "api/problem.h"
#include "api/views.h"
#include "core/ledger.h"
#include "db/heartbeat_store.h"
#include "db/monitor_json.h"

namespace everup::api {
namespace {

constexpr int kPatchTries = 3;
constexpr std::int64_t kWindow30dMs = 30 * kDayMs;

// What they tell of each monitor is read off the account's policies; null when these cannot be read.
class AlertPolicies {
 public:
  explicit AlertPolicies(const Call& call) : policies_(call.house->alerts().policies(account(call))) {}
  std::string of(const Monitor& monitor) const {
    return policies_.ok() ? policy_ids_json(*policies_, monitor.id, monitor.tags) : std::string("null");
  }

 private:
  Result<std::vector<db::StoredPolicy>> policies_;
};

HttpResponse monitor_answer(const Call& call, db::MonitorView view, int status = 200) {
  const std::string policies = AlertPolicies(call).of(view.monitor);
  std::vector<db::MonitorView> one{std::move(view)};
  if (const Status added = add_heartbeat_urls(call, one); !added) return failed(call, added.error());
  HttpResponse response = json_answer(monitor_json(one[0], call.now, {}, policies), status);
  response.etag = monitor_etag(one[0].monitor, response.body);
  return response;
}

HttpResponse changed_answer(const Call& call, const Monitor& monitor) {
  auto view = call.house->monitors().find(account(call), to_string(monitor.id));
  return view.ok() ? monitor_answer(call, *view) : failed(call, view.error());
}

// "#/slug: taken" of a store becomes a field error.
HttpResponse store_failure(const Call& call, const Error& error) {
  if (error.code == ErrorCode::kConflict && error.what.starts_with("#/")) {
    const auto colon = error.what.find(": ");
    const std::string pointer = error.what.substr(0, colon);
    const std::string detail = colon == std::string::npos ? "is taken" : error.what.substr(colon + 2);
    return problem(409, "conflict", pointer + " " + detail, {{pointer, "taken", detail}});
  }
  return failed(call, error);
}

HttpResponse changed_meanwhile() {
  return problem(412, "precondition_failed", "If-Match names another revision than the stored one");
}

std::optional<State> parse_state(std::string_view text) {
  for (const State state :
       {State::kUp, State::kDegraded, State::kDown, State::kUnknown, State::kMaintenance, State::kPaused}) {
    if (slug(state) == text) return state;
  }
  return std::nullopt;
}

std::optional<Kind> parse_kind(std::string_view text) {
  for (int number = 1; number <= static_cast<int>(Kind::kHeartbeat); ++number) {
    if (slug(static_cast<Kind>(number)) == text) return static_cast<Kind>(number);
  }
  return std::nullopt;
}

db::MonitorQuery read_query(const Call& call, Parameters* in) {
  db::MonitorQuery query;
  query.q = in->text("q", 200);
  query.limit = static_cast<int>(in->integer("limit", 50, 1, db::MonitorStore::kListMax));
  query.cursor = in->text("cursor", 1024);
  for (const auto& [name, value] : call.query) {
    if (name == "tag") query.tags.push_back(value);
  }
  if (query.tags.size() > 20) in->wrong("tag", "too_many", "comes at most 20 times");
  if (const auto* state = call.parameter("state")) {
    query.state = parse_state(*state);
    if (!query.state) in->wrong("state", "not_allowed", "is up, degraded, down, unknown, maintenance or paused");
  }
  if (const auto* kind = call.parameter("kind")) {
    query.kind = parse_kind(*kind);
    if (!query.kind) in->wrong("kind", "not_allowed", "is http, https, smtp, smtps, tls, tcp, dns, ping or heartbeat");
  }
  if (const auto* sort = call.parameter("sort")) {
    const auto parsed = db::parse_monitor_sort(*sort);
    if (parsed)
      query.sort = *parsed;
    else
      in->wrong("sort", "not_allowed", "is name, state, since or created_at");
  }
  if (const auto* include = call.parameter("include"); include != nullptr && *include != "uptime_30d") {
    in->wrong("include", "not_allowed", "is uptime_30d");
  }
  return query;
}

// Percent by monitor, as JSON; those without a ledger read null.
Result<std::map<std::int64_t, std::string>> uptimes_30d(const Call& call, const std::vector<db::MonitorView>& views) {
  std::vector<MonitorId> ids;
  for (const auto& view : views) ids.push_back(view.monitor.id);
  auto ledgers = call.house->ledger().ledgers(
      account(call), ids, call.now - milliseconds(kWindow30dMs + db::LedgerStore::kSlackMs), call.now);
  if (!ledgers.ok()) return ledgers.error();
  std::map<std::int64_t, std::string> out;
  for (const LedgerInput& input : *ledgers) {
    const Span span = rolling_window(input, kWindow30dMs, call.now);
    out[input.id.value] = percent_json(uptime_of(tally(timeline_of(input, span, call.now))).uptime);
  }
  return out;
}

std::string next_link(const Call& call, const std::string& cursor) {
  std::string link = "<" + call.request->path + "?";
  const auto escaped = [](const std::string& text) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
      const auto u = static_cast<unsigned char>(c);
      const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                         c == '_' || c == '.';
      if (plain)
        out += c;
      else
        out.append({'%', kHex[u >> 4U], kHex[u & 15U]});
    }
    return out;
  };
  for (const auto& [name, value] : call.query) {
    if (name != "cursor") link += name + "=" + escaped(value) + "&";
  }
  return link + "cursor=" + escaped(cursor) + ">; rel=\"next\"";
}

// A PATCH may meet another one: it is tried again unless its caller insists on a revision.
struct PatchTry {
  std::optional<HttpResponse> answer;    // neither: somebody was faster
  std::optional<MonitorDraft> new_name;  // its name has to be judged first
};

PatchTry try_patch(Call& call, const std::string* if_match, bool judged) {
  auto view = call.house->monitors().find(account(call), call.path[0]);
  if (!view.ok()) return {failed(call, view.error()), {}};
  if (if_match != nullptr && !if_match_fits(*if_match, view->monitor.revision)) return {changed_meanwhile(), {}};
  auto patched = db::apply_merge_patch(view->monitor, call.body);
  if (!patched.ok()) return {bad_body(patched.errors, patched.syntax), {}};
  if (const FieldErrors errors = judge_draft(*call.house, patched.value); !errors.empty())
    return {invalid_fields(errors), {}};
  const bool other_name = name_of(patched.value) != name_of(view->monitor);
  if (other_name && !judged) return {{}, std::move(patched.value)};
  auto updated =
      call.house->monitors().update(account(call), to_string(view->monitor.id), patched.value, view->monitor.revision);
  if (updated.ok()) return {changed_answer(call, *updated), {}};
  if (updated.error().code != ErrorCode::kConflict || updated.error().what.starts_with("#/"))
    return {store_failure(call, updated.error()), {}};
  if (if_match != nullptr) return {changed_meanwhile(), {}};
  return {};
}

// The answer, or the draft whose name has to be judged first.
PatchTry patch(Call& call, bool judged) {
  const std::string* if_match = call.request->find("if-match");
  for (int i = 0; i < kPatchTries; ++i) {
    PatchTry tried = try_patch(call, if_match, judged);
    if (tried.answer || tried.new_name) return tried;
  }
  return {problem(409, "conflict", "others change this monitor at the same time"), {}};
}

HttpResponse create_one(Call& call, const std::vector<MonitorDraft>& drafts) {
  auto monitor = call.house->monitors().create(account(call), drafts.front());
  if (!monitor.ok()) return store_failure(call, monitor.error());
  db::MonitorView view;
  view.monitor = *std::move(monitor);
  view.state = view.monitor.paused ? State::kPaused : State::kUnknown;
  HttpResponse response = monitor_answer(call, view, 201);
  response.set("Location", "/api/v1/monitors/" + to_string(view.monitor.id));
  return response;
}

HttpResponse create_many(Call& call, const std::vector<MonitorDraft>& drafts) {
  auto ids = call.house->monitors().create_bulk(account(call), drafts);
  if (!ids.ok()) return store_failure(call, ids.error());
  JsonWriter created = JsonWriter::array();
  for (const MonitorId id : *ids) created.text(to_string(id));
  JsonWriter out = JsonWriter::object();
  out.field_raw("created", std::move(created).take());
  return json_answer(std::move(out).take(), 201);
}

Answer set_paused(Call& call, bool paused) {
  auto monitor = call.house->monitors().set_paused(account(call), call.path[0], paused);
  return monitor.ok() ? changed_answer(call, *monitor) : failed(call, monitor.error());
}

}  // namespace

Answer list_monitors(Call& call) {
  Parameters in(call);
  const db::MonitorQuery query = read_query(call, &in);
  if (!in.ok()) return invalid_fields(in.errors());
  auto page = call.house->monitors().list(account(call), query);
  if (!page.ok()) {
    if (page.error().code != ErrorCode::kInvalid) return failed(call, page.error());
    return invalid_fields({{"cursor", "bad_cursor", "is next_cursor of the page before, with the same sort"}});
  }
  if (const Status added = add_heartbeat_urls(call, page->monitors); !added) return failed(call, added.error());
  std::map<std::int64_t, std::string> uptimes;
  const bool with_uptime = call.parameter("include") != nullptr;
  if (with_uptime) {
    auto read = uptimes_30d(call, page->monitors);
    if (!read.ok()) return failed(call, read.error());
    uptimes = *std::move(read);
  }
  const AlertPolicies policies(call);
  JsonWriter data = JsonWriter::array();
  for (const auto& view : page->monitors) {
    const auto found = uptimes.find(view.monitor.id.value);
    data.raw(monitor_json(view, call.now,
                          !with_uptime             ? ""
                          : found == uptimes.end() ? "null"
                                                   : found->second,
                          policies.of(view.monitor)));
  }
  JsonWriter out = JsonWriter::object();
  out.field_raw("data", std::move(data).take()).key("next_cursor");
  if (page->next_cursor)
    out.text(*page->next_cursor);
  else
    out.null();
  HttpResponse response = json_answer(std::move(out).take());
  if (page->next_cursor) response.set("Link", next_link(call, *page->next_cursor));
  return response;
}

Answer create_monitor(Call& call) {
  auto draft = read_draft(call);
  if (auto* refusal = std::get_if<HttpResponse>(&draft)) return std::move(*refusal);
  return when_names_pass(call, {std::get<MonitorDraft>(std::move(draft))}, false, create_one);
}

Answer get_monitor(Call& call) {
  auto view = call.house->monitors().find(account(call), call.path[0]);
  return view.ok() ? monitor_answer(call, *view) : failed(call, view.error());
}

Answer patch_monitor(Call& call) {
  PatchTry patched = patch(call, false);
  if (patched.answer) return *std::move(patched.answer);
  return when_names_pass(call, {*std::move(patched.new_name)}, false,
                         [](Call& again, const std::vector<MonitorDraft>&) { return *patch(again, true).answer; });
}

Answer delete_monitor(Call& call) {
  std::optional<std::int32_t> expected;
  if (const std::string* if_match = call.request->find("if-match")) {
    auto view = call.house->monitors().find(account(call), call.path[0]);
    if (!view.ok()) return failed(call, view.error());
    if (!if_match_fits(*if_match, view->monitor.revision)) return changed_meanwhile();
    expected = view->monitor.revision;
  }
  const Status removed = call.house->monitors().remove(account(call), call.path[0], expected);
  if (!removed.ok()) {
    return removed.error().code == ErrorCode::kConflict ? changed_meanwhile() : failed(call, removed.error());
  }
  HttpResponse response;
  response.status = 204;
  return response;
}

Answer pause_monitor(Call& call) { return set_paused(call, true); }
Answer resume_monitor(Call& call) { return set_paused(call, false); }

Answer rotate_tokens(Call& call) {
  const auto body = parse_rotate_body(call.body);
  if (!body.ok()) return bad_body(body.errors, body.syntax);
  if (body.value.heartbeat) {
    const auto view = call.house->monitors().find(account(call), call.path[0]);
    if (!view.ok()) return failed(call, view.error());
    if (view->monitor.target.kind != Kind::kHeartbeat || call.house->options.heartbeats == nullptr)
      return invalid_fields({{"#/heartbeat", "not_allowed", "is for heartbeat monitors"}});
    const Status rotated = call.house->options.heartbeats->rotate(account(call), view->monitor.id);
    if (!rotated) return failed(call, rotated.error());
  }
  auto monitor = call.house->monitors().rotate_tokens(account(call), call.path[0], body.value.badge, body.value.report);
  return monitor.ok() ? changed_answer(call, *monitor) : failed(call, monitor.error());
}

Answer create_bulk(Call& call) {
  auto drafts = read_bulk(call);
  if (auto* refusal = std::get_if<HttpResponse>(&drafts)) return std::move(*refusal);
  return when_names_pass(call, std::get<std::vector<MonitorDraft>>(std::move(drafts)), true, create_many);
}

}  // namespace everup::api
